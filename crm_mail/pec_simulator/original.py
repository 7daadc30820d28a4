"""A message as a customer hands it in, and what an operator makes of it (RFC 6109 2.1.1.1, 3.1)."""

import hashlib
import re
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses

FORMS = ("completa", "breve", "sintetica")
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_MESSAGE_ID = re.compile(rb"^message-id:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Original:
    """The message and what its SMTP envelope said. Addresses in lower case; `content` has CRLF line ends."""

    content: bytes
    sender: str
    envelope: tuple[str, ...]
    from_addresses: tuple[str, ...]
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: str
    subject: str
    message_id: str
    form: str

    @property
    def recipients(self) -> tuple[str, ...]:
        """All of To and Cc, each once."""
        return tuple(dict.fromkeys(self.to + self.cc))


def read_original(content: bytes, sender: str, envelope: tuple[str, ...]) -> Original:
    """Reads the headers. An unknown X-TipoRicevuta counts as completa, as with the operators."""
    content = _BARE_LINE_END.sub(b"\r\n", content)
    head = BytesHeaderParser(policy=policy.default).parsebytes(content)

    def addresses(name: str) -> tuple[str, ...]:
        fields = [str(field) for field in head.get_all(name, [])]
        return tuple(dict.fromkeys(address.lower() for _, address in getaddresses(fields) if address))

    form = str(head.get("X-TipoRicevuta", "")).strip().lower()
    reply_to = addresses("Reply-To")
    return Original(
        content=content,
        sender=sender.lower(),
        envelope=tuple(address.lower() for address in envelope),
        from_addresses=addresses("From"),
        to=addresses("To"),
        cc=addresses("Cc"),
        bcc=addresses("Bcc"),
        reply_to=reply_to[0] if reply_to else sender.lower(),
        subject=" ".join(str(head.get("Subject", "")).split()),
        message_id=str(head.get("Message-ID", "")).strip(),
        form=form if form in FORMS else FORMS[0],
    )


def rewrite(original: Original, identifier: str, received: str) -> bytes:
    """The message as it is carried on: the operator's Message-ID in place of the sender's, which moves to a header."""
    head, separator, body = original.content.partition(b"\r\n\r\n")
    head = _MESSAGE_ID.sub(b"", head + b"\r\n").rstrip(b"\r\n")
    lines = [received.encode(), head, f"Message-ID: <{identifier}>".encode()]
    if original.message_id:
        lines.append(f"X-Riferimento-Message-ID: {original.message_id}".encode())
    return b"\r\n".join(lines) + separator + body


def abbreviate(content: bytes) -> bytes:
    """For a *breve* receipt: each named part becomes `<name>.hash`, the SHA-1 of the part as it was encoded."""
    whole = BytesParser(policy=policy.default.clone(linesep="\r\n")).parsebytes(content)
    assert isinstance(whole, EmailMessage)
    if not whole.is_multipart():
        return content
    for part in whole.walk():
        name = part.get_filename()
        if part.is_multipart() or not name:
            continue
        digest = hashlib.sha1(encoded_part(part)).hexdigest()  # noqa: S324 the technical rules say SHA-1
        part.clear_content()
        part.set_content(digest, disposition="attachment", filename=f"{name}.hash", cte="7bit")
    return whole.as_bytes()


def encoded_part(part: EmailMessage) -> bytes:
    """The body of a part as it stands in the mail (base64 lines and all), with CRLF; the boundary has its own."""
    text = part.get_payload(decode=False)
    encoded = str(text).encode("ascii", "surrogateescape")
    return _BARE_LINE_END.sub(b"\r\n", encoded)
