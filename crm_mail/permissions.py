"""Who may do what: permissions, the actor that every service is given, and the guards of the routes.

Rights of a document type (see, prepare, review, commit, manage, export) and of an area (contacts, texts, accounts…)
are held in one company or in all of them, by a user or by one of the user's groups; a denial wins over every grant.
What an actor may see of the rows themselves is the actor's `Sight`: privacy clearance, agents and zones. It lives in
every query: what lies outside does not exist for that actor.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo

from flask import abort, g

from crm_mail.refusals import Refusal
from crm_mail.sight import EVERYTHING as EVERYTHING
from crm_mail.sight import HIGHEST_CLEARANCE as HIGHEST_CLEARANCE
from crm_mail.sight import Sight as Sight

ANY = "*"

P = ParamSpec("P")
R = TypeVar("R")


class Permission(StrEnum):
    """Every right of the product, as ``room:action``."""

    SIGNED_IN = "session:own"
    DOCUMENTS_SEE = "documents:see"  # per document type, as the next five
    OUTBOX_PREPARE = "outbox:prepare"
    OUTBOX_REVIEW = "outbox:review"
    OUTBOX_COMMIT = "outbox:commit"
    DOCUMENTS_MANAGE = "documents:manage"  # bring in, correct, void
    DOCUMENTS_EXPORT = "documents:export"
    CONTACTS_SEE = "contacts:see"
    CONTACTS_MANAGE = "contacts:manage"
    CONTACTS_EXPORT = "contacts:export"
    TEXTS_MANAGE = "texts:manage"  # texts, layouts, packagings
    ACCOUNTS_MANAGE = "accounts:manage"  # sender accounts, mailboxes, domains
    SCHEDULES_SEE = "schedules:see"
    SCHEDULES_MANAGE = "schedules:manage"  # schedules, events, rules
    REPORTS_SEE = "reports:see"
    REPORTS_EXPORT = "reports:export"
    USERS_MANAGE = "users:manage"
    PRIVACY_MANAGE = "privacy:manage"  # subject access, erasure, restriction, retention, register
    SETTINGS_MANAGE = "settings:manage"  # companies, and with them their texts and accounts
    AUDIT_SEE = "audit:see"
    AUDIT_EXPORT = "audit:export"


OUTBOX_PERMISSIONS = frozenset(
    {Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT}
)
TYPE_PERMISSIONS = (
    Permission.DOCUMENTS_SEE,
    Permission.OUTBOX_PREPARE,
    Permission.OUTBOX_REVIEW,
    Permission.OUTBOX_COMMIT,
    Permission.DOCUMENTS_MANAGE,
    Permission.DOCUMENTS_EXPORT,
)
"""Rights that are held for a document type."""

AREA_PERMISSIONS = tuple(
    one for one in Permission if one not in TYPE_PERMISSIONS and one is not Permission.SIGNED_IN
)
"""Rights that are held for an area."""

NEEDS: Mapping[Permission, frozenset[Permission]] = MappingProxyType(
    {one: frozenset({Permission.DOCUMENTS_SEE}) for one in TYPE_PERMISSIONS[1:]}
    | {
        Permission.CONTACTS_MANAGE: frozenset({Permission.CONTACTS_SEE}),
        Permission.CONTACTS_EXPORT: frozenset({Permission.CONTACTS_SEE}),
        Permission.SCHEDULES_MANAGE: frozenset({Permission.SCHEDULES_SEE}),
        Permission.REPORTS_EXPORT: frozenset({Permission.REPORTS_SEE}),
        Permission.AUDIT_EXPORT: frozenset({Permission.AUDIT_SEE}),
    }
)
"""What a right cannot be used without: it brings these along, and falls when one of them is denied."""

_BRINGS: Mapping[Permission, frozenset[Permission]] = MappingProxyType(
    dict(NEEDS)
    | {one: NEEDS[one] | {Permission.CONTACTS_SEE} for one in OUTBOX_PERMISSIONS}
    | {Permission.SETTINGS_MANAGE: frozenset({Permission.TEXTS_MANAGE, Permission.ACCOUNTS_MANAGE})}
)
GIVEN_BY: Mapping[Permission, frozenset[Permission]] = MappingProxyType(
    {
        one: frozenset({one} | {other for other, brought in _BRINGS.items() if one in brought})
        for one in Permission
    }
)
"""The rights that bring a right along, itself among them: who may prepare sees the documents and the contacts."""

Grant = tuple[Permission, str, int | None]
"""A right, the document type (``*``: every one; empty: an area), the company (None: every one)."""


class PermissionDenied(Refusal):
    """The actor lacks a right; the message names it, and who can give it."""

    def __init__(self, permission: Permission, what: str = "") -> None:
        super().__init__(
            f"the right {permission.value} is missing{' for ' + what if what else ''}: an administrator can grant it"
        )
        self.permission = permission


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """How much a person may commit at once, and when; what is None or empty is not limited.

    Args:
        most_messages: in one commit.
        second_person_above: a commit of more messages waits until somebody else approves it.
        from_minute, to_minute: the hours, in minutes of the day, the end excluded; over midnight when it is earlier.
        weekdays: on which the hours begin, 0 Monday to 6 Sunday.
        zone: in which the hours are meant.
    """

    most_messages: int | None = None
    second_person_above: int | None = None
    from_minute: int | None = None
    to_minute: int | None = None
    weekdays: frozenset[int] = frozenset()
    zone: str = ""

    @property
    def is_any(self) -> bool:
        """Whether anything is limited."""
        return self.has_hours or self.most_messages is not None or self.second_person_above is not None

    @property
    def has_hours(self) -> bool:
        """Whether there are times at which nothing may be committed."""
        return self.from_minute is not None or bool(self.weekdays)

    def is_open(self, moment: datetime) -> bool:
        """Whether something may be committed at this moment (aware)."""
        if not self.has_hours:
            return True
        local = moment.astimezone(ZoneInfo(self.zone or "UTC"))
        begins, ends = self.from_minute or 0, self.to_minute or 0
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if begins < ends:
            is_inside = begins <= minute < ends
        else:  # over midnight; the same minute twice: the whole day
            is_inside, day = begins <= minute or minute < ends, day if minute >= begins else (day - 1) % 7
        return is_inside and (not self.weekdays or day in self.weekdays)


NO_LIMITS = CommitLimits()


@dataclass(frozen=True, slots=True)
class Actor:
    """The person (or the command line on a person's behalf) that a service works for.

    Args:
        user_id: None for the installation itself (migrations, the demo, the worker's own bookkeeping).
        grants: rights held by the user or a group of the user.
        denials: rights taken away; each wins over every grant that it covers.
        clearance: highest privacy level of contacts that exist for this actor, 0 to 3.
        agents, zones: the customers that exist for this actor, see `Sight`.
        limits: how much this actor may commit, and when.
    """

    user_id: int | None
    name: str
    email: str = ""
    clearance: int = 0
    is_admin: bool = False
    grants: frozenset[Grant] = field(default_factory=frozenset)
    denials: frozenset[Grant] = field(default_factory=frozenset)
    agents: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    limits: CommitLimits = NO_LIMITS

    @property
    def sight(self) -> Sight:
        """Which rows exist for this actor."""
        return Sight(self.clearance, self.agents, self.zones)

    def can(
        self, permission: Permission, company_id: int | None = None, document_type: str | None = None
    ) -> bool:
        """Whether the right is held; without a company or a type: for at least one of them."""
        if permission is Permission.SIGNED_IN or self.is_admin:
            return True
        return any(True for _grant in self._effective(permission, company_id, document_type))

    def _effective(
        self, permission: Permission, company_id: int | None = None, document_type: str | None = None
    ) -> Iterable[Grant]:
        """The grants that give a right within a company and a type, without those that a denial covers."""
        givers = GIVEN_BY[permission]
        for giver, type_, company in self.grants:
            if giver not in givers or (company_id is not None and company not in (None, company_id)):
                continue
            of_type = giver in TYPE_PERMISSIONS
            if of_type and document_type is not None and type_ not in (ANY, document_type):
                continue
            where = company if company_id is None else company_id
            what = (type_ if document_type is None else document_type) if of_type else ""
            if self._is_denied(giver, what, where):
                continue
            same_row = (permission in TYPE_PERMISSIONS) == of_type
            if not same_row and self._is_denied(permission, "", where):
                continue
            if same_row and giver is not permission and self._is_denied(permission, what, where):
                continue
            yield giver, type_, company

    def _is_denied(self, permission: Permission, document_type: str, company_id: int | None) -> bool:
        fallen = {permission} | NEEDS.get(permission, frozenset())
        return any(
            denied in fallen and type_ in (ANY, document_type) and company in (None, company_id)
            for denied, type_, company in self.denials
        )

    def require(self, permission: Permission, company_id: int | None = None, *types: str) -> None:
        """Raise unless the right is held for the company and for every one of the document types.

        Raises:
            PermissionDenied: naming the right and the type.
        """
        for document_type in types or (None,):
            if not self.can(permission, company_id, document_type):
                raise PermissionDenied(permission, document_type or "")

    def can_everywhere(self, permission: Permission) -> bool:
        """Whether the right is held in every company, those to come too."""
        return self.company_ids(permission) is None

    def require_everywhere(self, permission: Permission) -> None:
        """Raise unless the right is held in every company: what is asked concerns all of them.

        Raises:
            PermissionDenied: naming the right.
        """
        if not self.can_everywhere(permission):
            raise PermissionDenied(permission, "every company")

    def types(self, permission: Permission, company_id: int, all_types: Iterable[str]) -> list[str]:
        """The document types for which the right is held in a company."""
        return [t for t in all_types if self.can(permission, company_id, t)]

    def company_ids(self, *permissions: Permission) -> set[int] | None:
        """Companies in which one of the rights (none named: any right) is held; None means every company."""
        if self.is_admin:
            return None
        companies = {
            company
            for permission in permissions or tuple(Permission)
            for _giver, _type, company in self._effective(permission)
        }
        return None if None in companies else {c for c in companies if c is not None}


INSTALLATION = Actor(None, "CRM Mail", clearance=HIGHEST_CLEARANCE, is_admin=True)
"""The installation itself: used by bookkeeping that no person asked for."""


def current_actor() -> Actor | None:
    """The signed-in person of this request, or None for a guest."""
    return cast("Actor | None", g.get("actor"))


def signed_in_actor() -> Actor:
    """The signed-in person of this request; the route's guard has already turned guests away."""
    actor = current_actor()
    if actor is None:
        abort(401)
    return actor


def requires(permission: Permission, *others: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guard of a route: guests go to the login page, others without the right (or one of several) get 403.

    The right is checked here for *some* company and type; the service checks the very ones.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not any(signed_in_actor().can(one) for one in (permission, *others)):
                abort(403)
            return view(*args, **kwargs)

        cast("Any", guarded).permission = permission
        return guarded

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark of a route that a guest may call; `tests/test_house.py` lists them."""
    cast("Any", view).permission = None
    return view
