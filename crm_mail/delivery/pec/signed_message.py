"""Where the signed part of a PEC mail is: the outermost multipart/signed, or one that a mailing list has wrapped."""

from dataclasses import dataclass
from functools import cached_property

from crm_mail.delivery.pec.mime_parts import Part

CLAIMS = ("x-ricevuta", "x-trasporto")  # headers by which a mail says that it is PEC
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_DATICERT = ("daticert.xml", "certdata.xml")  # practice, and the name that RFC 6109 writes
_POSTACERT = "postacert.eml"


@dataclass(frozen=True)
class SignedMessage:
    """A received mail, taken apart as far as PEC needs; nothing is looked for inside an enclosed mail."""

    mail: Part

    @cached_property
    def signed(self) -> Part | None:
        """The multipart/signed at the top, or as a child of a multipart/mixed (mailing lists, gateways' footers)."""
        if self.mail.content_type == "multipart/signed":
            return self.mail
        if self.mail.content_type == "multipart/mixed":
            found = [part for part in self.mail.children if part.content_type == "multipart/signed"]
            return found[0] if len(found) == 1 else None
        return None

    @cached_property
    def content(self) -> Part:
        """What is signed; of an unsigned mail the mail itself."""
        signed = self.signed
        return signed.children[0] if signed is not None and signed.children else self.mail

    @property
    def signature(self) -> bytes | None:
        """The decoded signature: only the second of exactly two parts counts (RFC 1847 2.1)."""
        signed = self.signed
        if signed is None or len(signed.children) != 2:
            return None
        last = signed.children[1]
        is_one = last.content_type in _SIGNATURES or last.filename.lower() == "smime.p7s"
        return last.decoded() if is_one else None

    @cached_property
    def daticerts(self) -> tuple[Part, ...]:
        """The certification data; more than one is not believed."""
        return tuple(part for part in self.content.leaves() if part.filename.lower() in _DATICERT)

    @cached_property
    def postacert(self) -> bytes | None:
        """The enclosed original mail."""
        enclosed = [part for part in self.content.leaves() if part.content_type == "message/rfc822"]
        named = [part for part in enclosed if part.filename.lower() == _POSTACERT]
        found = (named or enclosed)[:1]
        return found[0].decoded() if found else None

    @property
    def claims_to_be_pec(self) -> bool:
        """Whether its headers or its parts say so."""
        return any(self.mail.every(name) for name in CLAIMS) or bool(self.daticerts)


def open_message(data: bytes) -> SignedMessage:
    """A received mail's bytes; a leading mbox line (`From …`) is passed over."""
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    return SignedMessage(Part(data))
