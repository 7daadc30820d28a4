"""A recipient answers by PEC: the sender gets a transport envelope that quotes the message."""

from datetime import datetime

from crm_mail.pec_simulator.assembling import date_header, subject_header
from crm_mail.pec_simulator.issuer import Accepted, Issuer
from crm_mail.pec_simulator.original import read_original


def reply_to(issuer: Issuer, message: Accepted, replier: str, at: datetime, quotes: str = "") -> bytes:
    """The envelope with the reply of `replier`.

    Args:
        issuer: the replier's operator.
        quotes: what In-Reply-To names; the operator's identifier unless told, as a mail program sees no other.
    """
    original = message.original
    lines = [
        f"From: {replier}",
        f"To: {original.sender}",
        f"Subject: {subject_header('Re: ' + original.subject)}",
        f"Date: {date_header(at)}",
        f"Message-ID: <risposta.{message.identifier.partition('@')[0]}@client.example>",
        f"In-Reply-To: {quotes or '<' + message.identifier + '>'}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        "Buongiorno, abbiamo ricevuto. Grazie.",
        "",
    ]
    answer = read_original("\r\n".join(lines).encode(), replier, (original.sender,))
    return issuer.envelope(issuer.take(answer, at), at)
