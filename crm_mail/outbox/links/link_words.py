"""Links at the end of a message, and the sentences before them, in its language (CO-6). Pure."""

from html import escape

DOWNLOAD_SENTENCES = {
    "it": "I file di questo messaggio si scaricano qui, per {days} giorni dall'invio:",
    "es": "Los archivos de este mensaje se descargan aquí, durante {days} días desde el envío:",
    "en": "The files of this message can be downloaded here, for {days} days after it was sent:",
}

UNSUBSCRIBE_SENTENCES = {
    "it": "Per scegliere che cosa ricevere da {company}, o per non ricevere più nulla di simile:",
    "es": "Para elegir qué recibir de {company}, o para no recibir nada más de este tipo:",
    "en": "To choose what you receive from {company}, or to receive nothing of this kind any more:",
}


def add_link(text: str, html: str, url: str, days: int, language: str) -> tuple[str, str]:
    """Both bodies with the link; one that names it already (`download_link`) stays as it is.

    Args:
        html: may be empty, and stays so.
    """
    sentence = DOWNLOAD_SENTENCES.get(language, DOWNLOAD_SENTENCES["en"]).format(days=days)
    return with_link(text, html, sentence, url)


def add_unsubscribe(text: str, html: str, url: str, company: str, language: str) -> tuple[str, str]:
    """Both bodies with the link; one that names it already (`unsubscribe_link`) stays as it is.

    Args:
        html: may be empty, and stays so.
    """
    sentence = UNSUBSCRIBE_SENTENCES.get(language, UNSUBSCRIBE_SENTENCES["en"]).format(company=company)
    return with_link(text, html, sentence, url)


def with_link(text: str, html: str, sentence: str, url: str) -> tuple[str, str]:
    """Both bodies with a sentence and its link at their end; one that holds the link already stays as it is."""
    if url not in text:
        text = f"{text.rstrip()}\n\n{sentence}\n{url}\n"
    if html and url not in html:
        shown = escape(url)
        part = f'<p>{escape(sentence)}<br><a href="{shown}">{shown}</a></p>'
        head, body_end, tail = html.rpartition("</body>")
        html = f"{head}{part}{body_end}{tail}" if body_end else html + part
    return text, html
