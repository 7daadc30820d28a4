"""One operator's voice: every receipt and envelope for a message, as bytes (RFC 6109 2.1, 3; DM 2 November 2005)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from crm_mail.pec_simulator.assembling import (
    Content,
    assemble,
    date_header,
    subject_header,
)
from crm_mail.pec_simulator.authority import Signer
from crm_mail.pec_simulator.certification import Certification
from crm_mail.pec_simulator.original import Original, abbreviate, rewrite
from crm_mail.pec_simulator.skins import Skin
from crm_mail.pec_simulator.wording import TITLES, subject_of, text_of

ROME = ZoneInfo("Europe/Rome")
IsCertified = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message with the identity that the operator gave it."""

    original: Original
    identifier: str
    carried: bytes  # the message as it is carried on: postacert.eml


class Issuer:
    """Issues in the dress of one skin, signed by one signer.

    Args:
        is_certified: the operators' directory: whether an address is PEC.
    """

    def __init__(self, skin: Skin, signer: Signer, is_certified: IsCertified) -> None:
        self.skin = skin
        self.signer = signer
        self.is_certified = is_certified

    def take(self, original: Original, at: datetime) -> Accepted:
        """Gives the message the operator's own Message-ID."""
        identifier = self._identifier(at)
        received = (
            f"Received: from client.example (client.example [127.0.0.1])\r\n\tby {self.skin.domain} with ESMTPSA;"
            f"\r\n\t{date_header(at.astimezone(ROME))}"
        )
        return Accepted(original, identifier, rewrite(original, identifier, received))

    def acceptance(self, message: Accepted, at: datetime) -> bytes:
        """Accettazione: legal proof of sending; tells of each recipient whether it is PEC."""
        return self.receipt(self.certify(message, "accettazione", at))

    def refusal(self, message: Accepted, at: datetime, why: str, *, is_virus: bool = False) -> bytes:
        """Non-accettazione: it never leaves."""
        error = "virus" if is_virus else "altro"
        certification = self.certify(message, "non-accettazione", at, error=error, error_detail=why)
        return self.receipt(certification, more=[("X-VerificaSicurezza", "errore")] if is_virus else [])

    def taken_over(self, message: Accepted, at: datetime, recipients: tuple[str, ...]) -> bytes:
        """Presa in carico: between operators; users see it only when somebody leaks it."""
        return self.receipt(self.certify(message, "presa-in-carico", at, receptions=recipients))

    def delivery(self, message: Accepted, at: datetime, recipient: str) -> bytes:
        """Avvenuta consegna for one recipient, in the form asked for; always *sintetica* for who stands in Cc."""
        original = message.original
        form = original.form if recipient in original.to else "sintetica"
        certification = self.certify(message, "avvenuta-consegna", at, delivery=recipient, form=form)
        enclosed = {"completa": message.carried, "sintetica": None}.get(form, b"")
        if form == "breve":
            enclosed = abbreviate(message.carried)
        return self.receipt(certification, enclosed, more=[(self.skin.form_header, form)])

    def failure(
        self, message: Accepted, at: datetime, recipient: str, error: str = "altro", why: str = ""
    ) -> bytes:
        """Errore-consegna for one recipient. `error`: no-dest, no-dominio, virus, altro."""
        certification = self.certify(
            message, "errore-consegna", at, delivery=recipient, error=error, error_detail=why
        )
        return self.receipt(certification)

    def unknown_mailbox(self, message: Accepted, at: datetime, recipient: str) -> bytes:
        """Errore-consegna as this operator says that there is no such mailbox."""
        why = self.skin.mailbox_words.format(provider=self.skin.provider)
        return self.failure(message, at, recipient, self.skin.unknown_mailbox, why)

    def delay(self, message: Accepted, at: datetime, recipient: str, hours: int) -> bytes:
        """Preavviso after 12 hours (a warning) or 24 (final): the same type, told apart by `errore-esteso`."""
        why = f"Il messaggio non e' stato consegnato nelle prime {hours} ore (MancataConsegna{hours}h)"
        if hours >= 24:
            why = self.skin.late_words.format(provider=self.skin.provider, hours=hours)
        certification = self.certify(
            message, "preavviso-errore-consegna", at, delivery=recipient, error="altro", error_detail=why
        )
        return self.receipt(certification)

    def virus_found(self, message: Accepted, at: datetime) -> bytes:
        """Rilevazione virus: between operators; users see it only when somebody leaks it."""
        certification = self.certify(
            message, "rilevazione-virus", at, error="virus", error_detail="Eicar-Test-Signature"
        )
        return self.receipt(certification, more=[("X-Mittente", message.original.sender)])

    def envelope(self, message: Accepted, at: datetime) -> bytes:
        """Busta di trasporto: what the recipient gets, with the message as postacert.eml."""
        original = message.original
        form = original.form
        certification = self.certify(message, "posta-certificata", at, form=form)
        headers = [
            ("Date", date_header(certification.at)),
            ("X-Trasporto", "posta-certificata"),
            *self._reference(original.message_id),
            ("From", f'"Per conto di: {original.sender}" <{self.skin.address}>'),
            (self.skin.form_header, form),
            ("To", ", ".join(original.to)),
            *([("Cc", ", ".join(original.cc))] if original.cc else []),
            ("Subject", subject_header(subject_of(certification))),
            ("Reply-To", original.reply_to),
            ("Message-ID", f"<{message.identifier}>"),
        ]
        return self.signed(headers, certification, message.carried, at)

    def anomaly(self, content: bytes, sender: str, recipient: str, at: datetime) -> bytes:
        """Busta di anomalia: ordinary mail that came to a PEC mailbox; without daticert."""
        subject = subject_header("ANOMALIA MESSAGGIO: messaggio di posta ordinaria")
        headers = [
            ("Date", date_header(at.astimezone(ROME))),
            ("X-Trasporto", "errore"),
            ("From", f'"Per conto di: {sender}" <{self.skin.address}>'),
            ("To", recipient),
            ("Subject", subject),
            ("Reply-To", sender),
            ("Message-ID", f"<{self._identifier(at)}>"),
        ]
        text = "-- Anomalia nel messaggio --\n\nIl messaggio non e' di posta certificata.\n"
        return assemble(headers, Content("Anomalia", text, None, content), self.signer, self.skin, at)

    def certify(self, message: Accepted, kind: str, at: datetime, **more: object) -> Certification:
        """The values of a daticert for the message; `more` are further fields of `Certification`."""
        original = message.original
        certification = Certification(
            type=kind,
            sender=original.sender,
            recipients=tuple((address, self.is_certified(address)) for address in original.recipients)
            or ((original.sender, True),),
            reply_to=original.reply_to,
            subject=original.subject,
            provider=self.skin.provider,
            at=at.astimezone(ROME).replace(microsecond=0),
            identifier=message.identifier,
            message_id=original.message_id,
        )
        return replace(certification, **more)  # type: ignore[arg-type]

    def receipt(
        self,
        certification: Certification,
        postacert: bytes | None = None,
        more: list[tuple[str, str]] | None = None,
    ) -> bytes:
        """A receipt to the sender. Its headers say what its daticert says."""
        headers = [
            ("Return-Path", f"<{self.skin.address}>"),
            ("Subject", subject_header(subject_of(certification))),
            *self._reference(certification.message_id),
            ("Date", date_header(certification.at)),
            ("To", certification.sender),
            ("X-Ricevuta", certification.type),
            ("From", self.skin.address),
            *(more or []),
            *self._rem(certification),
            ("Message-ID", f"<{self._identifier(certification.at)}>"),
        ]
        return self.signed(headers, certification, postacert, certification.at)

    def signed(
        self,
        headers: list[tuple[str, str]],
        certification: Certification,
        postacert: bytes | None,
        at: datetime,
    ) -> bytes:
        """Headers and signed content as one mail."""
        daticert = certification.xml(self.skin.doctype)
        content = Content(TITLES[certification.type], text_of(certification), daticert, postacert)
        return assemble(headers, content, self.signer, self.skin, at)

    def _reference(self, message_id: str) -> list[tuple[str, str]]:
        return [("X-Riferimento-Message-ID", message_id)] if message_id else []

    def _rem(self, certification: Certification) -> list[tuple[str, str]]:
        if not self.skin.has_rem_headers:
            return []
        event = {
            "accettazione": "SubmissionAcceptance",
            "non-accettazione": "SubmissionRejection",
            "avvenuta-consegna": "ContentConsignment",
        }.get(certification.type, "ContentConsignmentFailure")
        return [("X-REM-Subject", subject_header(f"REM {event}: {certification.subject}"))]

    def _identifier(self, at: datetime) -> str:
        return self.skin.identifier.format(
            stamp=f"{at.astimezone(ROME):%Y%m%d%H%M%S}",
            number=f"{secrets.randbelow(10**6):06d}",
            random=secrets.token_hex(8).upper(),
            domain=self.skin.domain,
        )
