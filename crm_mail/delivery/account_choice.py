"""Which account sends a message: the company's, a chosen one, or the sending user's own (PD-2). Pure.

An account that is switched off is never chosen. One that is *stopped* (it refused the login) is: its
messages wait for it, and the page says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import Channel


class Chosen(StrEnum):
    """Why an account was chosen, or why there is none; part of a message's *why* (BX-1)."""

    EXPLICIT = "account_explicit"  # the company named it for this document type
    COMPANY_DEFAULT = "account_company_default"
    SENDERS_OWN = "account_senders_own"
    NO_COMPANY_ACCOUNT = "no_company_account"  # the company has no account of this kind
    NO_OWN_ACCOUNT = "no_own_account"  # the type asks for the sender's own account and there is none
    DISABLED = "account_disabled"  # the account that should send is switched off


class AccountPolicy(Protocol):
    """What a company decided for a document type, as far as accounts go."""

    @property
    def uses_own_account(self) -> bool: ...
    @property
    def smtp_account_id(self) -> int | None: ...
    @property
    def pec_account_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account without its secret and without a database behind it."""

    id: int
    company_id: int
    user_id: int | None
    name: str
    kind: AccountKind
    from_name: str
    from_address: str
    reply_to: str
    max_message_mb: int
    is_enabled: bool
    is_default: bool
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """The account, or None; `reason` says why in both cases."""

    account: AccountView | None
    reason: Chosen


class AccountBook:
    """A company's accounts and its users' own, read once for a whole run."""

    def __init__(self, accounts: Iterable[AccountView]) -> None:
        self.by_id = {account.id: account for account in accounts}

    def of(self, kind: AccountKind, user_id: int | None = None) -> list[AccountView]:
        """The accounts of one owner (None: the company), the default one first, then the oldest."""
        own = [a for a in self.by_id.values() if a.kind is kind and a.user_id == user_id]
        return sorted(own, key=lambda account: (not account.is_default, account.id))

    def has(self, kind: AccountKind) -> bool:
        """Whether the company has an enabled account of this kind."""
        return any(account.is_enabled for account in self.of(kind))

    def resolve(self, policy: AccountPolicy, channel: Channel, committer_id: int | None) -> AccountChoice:
        """The account for a document type on a channel.

        The sender's own account counts only for ordinary mail unless that user has a PEC account as well:
        PEC mail of a user without one leaves by the company's.

        Args:
            committer_id: the user who commits (while preparing: who prepares).
        """
        kind = AccountKind(channel.value)
        if policy.uses_own_account and committer_id is not None:
            own = self.of(kind, committer_id)
            if own or kind is AccountKind.SMTP:
                return _first_enabled(own, Chosen.SENDERS_OWN, Chosen.NO_OWN_ACCOUNT)
        elif policy.uses_own_account and kind is AccountKind.SMTP:
            return AccountChoice(None, Chosen.NO_OWN_ACCOUNT)
        named = {AccountKind.SMTP: policy.smtp_account_id, AccountKind.PEC: policy.pec_account_id}
        wanted = named.get(kind)
        if wanted is not None and wanted in self.by_id:
            return _first_enabled([self.by_id[wanted]], Chosen.EXPLICIT, Chosen.NO_COMPANY_ACCOUNT)
        return _first_enabled(self.of(kind), Chosen.COMPANY_DEFAULT, Chosen.NO_COMPANY_ACCOUNT)


def _first_enabled(accounts: list[AccountView], found: Chosen, nothing: Chosen) -> AccountChoice:
    """The first account when it is enabled; a disabled default is not replaced behind the company's back."""
    if not accounts:
        return AccountChoice(None, nothing)
    first = accounts[0]
    return AccountChoice(first, found) if first.is_enabled else AccountChoice(None, Chosen.DISABLED)
