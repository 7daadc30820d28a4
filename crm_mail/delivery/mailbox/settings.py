"""What is needed to reach a mailbox."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from crm_mail.delivery.transports import Security

DEFAULT_TIMEOUT = 60.0
"""Seconds without a sign of the server before giving up."""


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """One mailbox. With an `access_token` the login is XOAUTH2, else by password.

    `folders`: names as people see them; empty means INBOX and the sent folder. `sent_folder`: empty means found by
    itself (RFC 6154, then well-known names). `ca_file` (a path) and `ca_pem` (text) add a private authority.
    """

    host: str
    port: int
    security: Security
    username: str
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    timeout_seconds: float = DEFAULT_TIMEOUT
    ca_file: str | None = None
    ca_pem: str = ""
    folders: tuple[str, ...] = ()
    sent_folder: str = ""


class _Account(Protocol):
    """The columns of `SenderAccount` that this file reads."""

    @property
    def username(self) -> str: ...
    @property
    def secret(self) -> bytes | None: ...
    @property
    def ca_file(self) -> str: ...
    @property
    def ca_pem(self) -> str: ...
    @property
    def timeout_seconds(self) -> int: ...
    @property
    def mailbox_host(self) -> str: ...
    @property
    def mailbox_port(self) -> int: ...
    @property
    def mailbox_security(self) -> str: ...
    @property
    def mailbox_username(self) -> str: ...
    @property
    def mailbox_secret(self) -> bytes | None: ...
    @property
    def mailbox_folders(self) -> list[str]: ...
    @property
    def mailbox_sent_folder(self) -> str: ...


def mailbox_settings(
    account: _Account, decrypt: Callable[[bytes | None], str], access_token: str = ""
) -> MailboxSettings:
    """The mailbox of an account; the password is in clear there and nowhere else.

    Args:
        account: a `SenderAccount`. Without a login of its own the mailbox has the one for sending.
        decrypt: `Installation.decrypt`.
        access_token: of OAuth 2, for accounts that log in that way.

    Raises:
        SecretUnreadable: it was kept with another key.
    """
    return MailboxSettings(
        host=account.mailbox_host,
        port=account.mailbox_port,
        security=Security(str(account.mailbox_security)),
        username=account.mailbox_username or account.username,
        password="" if access_token else decrypt(account.mailbox_secret or account.secret),
        access_token=access_token,
        timeout_seconds=min(float(account.timeout_seconds), DEFAULT_TIMEOUT),
        ca_file=account.ca_file or None,
        ca_pem=account.ca_pem,
        folders=tuple(account.mailbox_folders),
        sent_folder=account.mailbox_sent_folder,
    )
