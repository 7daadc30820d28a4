"""Links at the end of a message, and the sentence before a download link, in its language (CO-6). Pure."""

from html import escape

SENTENCES = {
    "it": "I file di questo messaggio si scaricano qui, per {days} giorni dall'invio:",
    "es": "Los archivos de este mensaje se descargan aquí, durante {days} días desde el envío:",
    "en": "The files of this message can be downloaded here, for {days} days after it was sent:",
}


def add_link(text: str, html: str, url: str, days: int, language: str) -> tuple[str, str]:
    """Both bodies with the link; one that names it already (`download_link`) stays as it is.

    Args:
        html: may be empty, and stays so.
    """
    sentence = SENTENCES.get(language, SENTENCES["en"]).format(days=days)
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
