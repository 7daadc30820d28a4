"""What is known of mail operators: servers, folders, limits. Suggestions that fill a form; a test confirms them.

Sources: public pages and receipts, some of which disagree (pec.md 2); the marks say which were seen at work. Pure.
"""

from dataclasses import dataclass
from typing import Any

from crm_mail.delivery.models import AccountKind, AuthMethod
from crm_mail.delivery.transports import Security


@dataclass(frozen=True, slots=True)
class Operator:
    """One preset. `is_seen`: its servers were seen at work in receipts of 2026; else its published names.

    `login_hint` is a code (`operator_words`): what the user name is where it is not the address. Limits 0 = unknown.
    """

    code: str
    name: str
    kind: AccountKind
    host: str
    mailbox_host: str
    port: int = 465
    security: Security = Security.TLS
    sent_folder: str = ""
    per_minute: int = 0
    max_connections: int = 2
    auth: AuthMethod = AuthMethod.PASSWORD
    login_hint: str = ""
    max_message_mb: int = 20
    is_seen: bool = False

    def values(self) -> dict[str, Any]:
        """What it fills into an account, by the names of `AccountDetails`."""
        return {
            "operator": self.code,
            "kind": self.kind,
            "host": self.host,
            "port": self.port,
            "security": self.security,
            "per_minute": self.per_minute,
            "max_connections": self.max_connections,
            "max_message_mb": self.max_message_mb,
            "mailbox_is_read": True,
            "mailbox_host": self.mailbox_host,
            "mailbox_port": 993,
            "mailbox_security": Security.TLS,
            "mailbox_sent_folder": self.sent_folder,
        }


def _pec(code: str, name: str, host: str, mailbox_host: str, **more: Any) -> Operator:
    return Operator(code, name, AccountKind.PEC, host, mailbox_host, **more)


OPERATORS: dict[str, Operator] = {
    one.code: one
    for one in (
        _pec(
            "aruba",
            "Aruba PEC",
            "smtps.pec.aruba.it",
            "imaps.pec.aruba.it",
            sent_folder="INBOX.Inviata",
            max_message_mb=100,
            is_seen=True,
        ),
        _pec(
            "infocert",
            "InfoCert Legalmail",
            "sendm.cert.legalmail.it",
            "mbox.cert.legalmail.it",
            sent_folder="INBOX/Spedite",
            per_minute=6,  # "550 … Too much traffic from this sender"
            max_connections=1,
            login_hint="m_code",
            is_seen=True,
        ),
        _pec("namirial", "Namirial", "smtps.sicurezzapostale.it", "imaps.sicurezzapostale.it"),
        _pec("poste", "Poste Italiane (Postecert)", "mail.postecert.it", "mail.postecert.it"),
        _pec("register", "Register.it", "smtp.pec-email.com", "imap.pec-email.com"),
        _pec("itnet", "Libero / ITnet", "mail.postacert.it.net", "mail.postacert.it.net"),
        _pec("twt", "TWT", "smtp.twtcert.it", "mail.twtcert.it"),
        _pec("intesi", "Intesi Group", "smtp.ig-trustmail.com", "imap.ig-trustmail.com"),
        Operator(
            "microsoft365",
            "Microsoft 365",
            AccountKind.SMTP,
            "smtp.office365.com",
            "outlook.office365.com",
            port=587,
            security=Security.STARTTLS,
            per_minute=30,  # published: 30 messages a minute, 3 connections
            auth=AuthMethod.OAUTH2,
            login_hint="oauth",
            is_seen=True,
        ),
        Operator(
            "google",
            "Google Workspace, Gmail",
            AccountKind.SMTP,
            "smtp.gmail.com",
            "imap.gmail.com",
            auth=AuthMethod.OAUTH2,
            login_hint="oauth_or_app_password",
            is_seen=True,
        ),
    )
}
"""By code; the order of the list on the page."""
