"""How the local servers answer: one like an ordinary mail server, one with the rules of a PEC provider.

The PEC rules are those of the access point (RFC 6109 3.1.1) as far as a server can apply them while it listens:
login required, sender owned by the login and equal to From, no blind copies. Receipts are not made here.
"""

import hmac
from collections.abc import Callable
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from crm_mail.sandbox.maildrop import Maildrop

Kept = Callable[[str, list[str], bytes], object]


def authenticator_for(users: dict[str, str]) -> Callable[..., AuthResult]:
    """Checks a login against names and passwords; 535 otherwise (RFC 4954 6)."""

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        if isinstance(data, LoginPassword):
            login = data.login.decode("utf-8", "replace")
            expected = users.get(login.lower())
            if expected is not None and hmac.compare_digest(expected.encode(), data.password):
                return AuthResult(success=True, auth_data=login.lower())
        return AuthResult(
            success=False, handled=False, message="535 5.7.8 Authentication credentials invalid"
        )

    return check


class OrdinaryHandler:
    """Takes every message of whoever has logged in."""

    def __init__(self, maildrop: Maildrop, on_kept: Kept | None = None) -> None:
        self.maildrop = maildrop
        self._on_kept = on_kept

    async def handle_MAIL(  # noqa: N802 aiosmtpd finds its hooks by these names
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        refusal = self.refuse_sender(session, address)
        if refusal:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        refusal = self.refuse_content(session, envelope, content)
        if refusal:
            return refusal
        path = self.maildrop.keep(envelope.mail_from or "", envelope.rcpt_tos, content)
        if self._on_kept is not None:
            self._on_kept(envelope.mail_from or "", envelope.rcpt_tos, content)
        return f"250 2.0.0 Ok: queued as {path.stem}"

    def refuse_sender(self, _session: Session, _address: str) -> str | None:
        """A refusal of MAIL FROM, or None."""
        return None

    def refuse_content(self, _session: Session, _envelope: Envelope, _content: bytes) -> str | None:
        """A refusal of the message, or None."""
        return None


class PecHandler(OrdinaryHandler):
    """Takes what a PEC provider's access point would take."""

    def refuse_sender(self, session: Session, address: str) -> str | None:
        if address.lower() != str(session.auth_data).lower():
            return "553 5.7.1 Sender address rejected: not owned by user"
        return None

    def refuse_content(self, _session: Session, envelope: Envelope, content: bytes) -> str | None:
        head = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
        senders = _addresses(head.get_all("From", []))
        if senders != {(envelope.mail_from or "").lower()}:
            return "554 5.7.1 Message refused: From differs from the envelope sender"
        named = _addresses(head.get_all("To", []) + head.get_all("Cc", []))
        if {address.lower() for address in envelope.rcpt_tos} != named or head.get_all("Bcc"):
            return "554 5.7.1 Message refused: recipients differ from To and Cc (no blind copies on PEC)"
        if not head.get("Message-ID"):
            return "554 5.6.0 Message refused: Message-ID missing"
        return None


def _addresses(fields: list[Any]) -> set[str]:
    return {address.lower() for _, address in getaddresses([str(field) for field in fields]) if address}
