"""Who may do what: permissions, the actor that every service is given, and the guards of the routes.

Three permissions of the outbox (prepare, review, commit) are held per user, per document type and per company; the
others are held for the whole installation. Privacy clearance is part of the actor and lives in every query:
a contact above an actor's clearance does not exist for that actor.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import abort, g

from crm_mail.refusals import Refusal

ANY = "*"
HIGHEST_CLEARANCE = 3

P = ParamSpec("P")
R = TypeVar("R")


class Permission(StrEnum):
    """Every right of the product, as ``room:action``."""

    SIGNED_IN = "session:own"
    OUTBOX_PREPARE = "outbox:prepare"
    OUTBOX_REVIEW = "outbox:review"
    OUTBOX_COMMIT = "outbox:commit"
    DATA_SEE = (
        "data:see"  # contacts and documents; held by whoever may prepare, review, commit or manage contacts
    )
    CONTACTS_MANAGE = "contacts:manage"  # contacts, parties, and documents brought in
    USERS_MANAGE = "users:manage"
    SETTINGS_MANAGE = "settings:manage"  # companies, accounts, texts
    PRIVACY_MANAGE = "privacy:manage"  # subject access, erasure, restriction, retention, register
    AUDIT_SEE = "audit:see"


OUTBOX_PERMISSIONS = frozenset(
    {Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT}
)
AREA_PERMISSIONS = (
    Permission.CONTACTS_MANAGE,
    Permission.USERS_MANAGE,
    Permission.SETTINGS_MANAGE,
    Permission.PRIVACY_MANAGE,
)


class PermissionDenied(Refusal):
    """The actor lacks a right; the message names it, and who can give it."""

    def __init__(self, permission: Permission, what: str = "") -> None:
        super().__init__(
            f"the right {permission.value} is missing{' for ' + what if what else ''}: an administrator can grant it"
        )
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Actor:
    """The person (or the command line on a person's behalf) that a service works for.

    Args:
        user_id: None for the installation itself (migrations, the demo, the worker's own bookkeeping).
        grants: (permission, document type or ``*``, company id or None for every company).
        areas: permissions that hold for the whole installation.
        clearance: highest privacy level of contacts that exist for this actor, 0 to 3.
    """

    user_id: int | None
    name: str
    email: str = ""
    clearance: int = 0
    is_admin: bool = False
    grants: frozenset[tuple[Permission, str, int | None]] = field(default_factory=frozenset)
    areas: frozenset[Permission] = field(default_factory=frozenset)

    def can(
        self, permission: Permission, company_id: int | None = None, document_type: str | None = None
    ) -> bool:
        """Whether the right is held; without a company or a type: for at least one of them."""
        if permission is Permission.SIGNED_IN:
            return True
        if self.is_admin:
            return True
        if permission is Permission.DATA_SEE:
            return Permission.CONTACTS_MANAGE in self.areas or any(
                self._has_grant(p, company_id, document_type) for p in OUTBOX_PERMISSIONS
            )
        if permission in OUTBOX_PERMISSIONS:
            return self._has_grant(permission, company_id, document_type)
        return permission in self.areas

    def _has_grant(self, permission: Permission, company_id: int | None, document_type: str | None) -> bool:
        return any(
            p is permission
            and (company_id is None or c is None or c == company_id)
            and (document_type is None or t in (ANY, document_type))
            for p, t, c in self.grants
        )

    def require(self, permission: Permission, company_id: int | None = None, *types: str) -> None:
        """Raise unless the right is held for the company and for every one of the document types.

        Raises:
            PermissionDenied: naming the right and the type.
        """
        for document_type in types or (None,):
            if not self.can(permission, company_id, document_type):
                raise PermissionDenied(permission, document_type or "")

    def types(self, permission: Permission, company_id: int | None, all_types: Iterable[str]) -> list[str]:
        """The document types for which the right is held in a company."""
        return [t for t in all_types if self.can(permission, company_id, t)]

    def company_ids(self, permission: Permission) -> set[int] | None:
        """Companies in which the right is held for some type; None means every company."""
        if self.is_admin or permission in self.areas:
            return None
        wanted = OUTBOX_PERMISSIONS if permission is Permission.DATA_SEE else {permission}
        if permission is Permission.DATA_SEE and Permission.CONTACTS_MANAGE in self.areas:
            return None
        companies = {c for p, _t, c in self.grants if p in wanted}
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


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guard of a route: guests go to the login page, others without the right get 403.

    The right is checked here for *some* company and type; the service checks the very ones.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not signed_in_actor().can(permission):
                abort(403)
            return view(*args, **kwargs)

        cast("Any", guarded).permission = permission
        return guarded

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark of a route that a guest may call; `tests/test_house.py` lists them."""
    cast("Any", view).permission = None
    return view
