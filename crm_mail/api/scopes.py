"""What a key can do: the rights of its owner at this moment, and of these only its scopes (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from crm_mail.permissions import ANY, GIVEN_BY, TYPE_PERMISSIONS, Actor, Grant, Permission

SCOPES = (
    Permission.DOCUMENTS_SEE,
    Permission.DOCUMENTS_MANAGE,
    Permission.CONTACTS_SEE,
    Permission.CONTACTS_MANAGE,
    Permission.OUTBOX_PREPARE,
    Permission.OUTBOX_REVIEW,
    Permission.OUTBOX_COMMIT,
    Permission.SCHEDULES_SEE,
)
"""The rights that a key can be given: those that some address of the interface asks for."""

LONGEST_NAME = 200

_EVERYTHING: frozenset[Grant] = frozenset(
    (one, ANY if one in TYPE_PERMISSIONS else "", None)
    for one in Permission
    if one is not Permission.SIGNED_IN
)


@dataclass(frozen=True, slots=True)
class KeyActor(Actor):
    """A key at work: whatever is asked of it is asked of its owner too.

    Args:
        scopes: the key's; one brings along what it cannot be used without, as a right of a person does.
        companies: of the key; empty means every company of the owner.
    """

    scopes: frozenset[Permission] = field(default_factory=frozenset)
    companies: frozenset[int] = field(default_factory=frozenset)

    def can(
        self, permission: Permission, company_id: int | None = None, document_type: str | None = None
    ) -> bool:
        """Whether both the key and its owner hold the right."""
        if permission is Permission.SIGNED_IN:
            return True
        if not GIVEN_BY[permission] & self.scopes:
            return False
        if not self.companies:
            return Actor.can(self, permission, company_id, document_type)
        if company_id is not None:
            return company_id in self.companies and Actor.can(self, permission, company_id, document_type)
        return any(Actor.can(self, permission, one, document_type) for one in self.companies)

    def company_ids(self, *permissions: Permission) -> set[int] | None:
        """Companies in which the key and its owner hold one of the rights; None means every company."""
        asked = [one for one in permissions or tuple(Permission) if GIVEN_BY[one] & self.scopes]
        if not asked:
            return set()
        found = Actor.company_ids(self, *asked)
        if not self.companies:
            return found
        return set(self.companies) if found is None else found & self.companies


def offered_scopes(actor: Actor) -> tuple[Permission, ...]:
    """The scopes that a person can give to a key of their own."""
    return tuple(one for one in SCOPES if actor.can(one))


def narrow(
    owner: Actor, name: str, scopes: Iterable[str], company_ids: Iterable[int], clearance: int
) -> KeyActor:
    """The owner within the scopes, companies and clearance of a key; never more than either.

    Args:
        name: of the key; the audit names it beside its owner.
    """
    wanted = set(scopes)
    given: dict[str, Any] = {one.name: getattr(owner, one.name) for one in fields(Actor)}
    given |= {
        "name": f"{owner.name} (API: {name})"[:LONGEST_NAME],
        "clearance": min(owner.clearance, clearance),
        "is_admin": False,
    }
    if owner.is_admin:
        given["grants"] = _EVERYTHING
    return KeyActor(
        **given,
        scopes=frozenset(one for one in SCOPES if one.value in wanted),
        companies=frozenset(company_ids),
    )
