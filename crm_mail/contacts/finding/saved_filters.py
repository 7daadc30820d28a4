"""Segments: filters of parties kept under a name, worked out afresh wherever they are used.

A person's own, unless whoever keeps the contacts shares one: then everybody in the company may use it, each with what
exists for the own eyes.
"""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.models import SavedFilter
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

MOST = 50
"""Filters of one person in one company."""


class FilterNotSaved(Refusal):
    """The name is missing or too long, nothing is filtered, or there are too many; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the filter was not saved: {code}")
        self.code = code


def list_filters(session: Session, actor: Actor, company_id: int) -> Sequence[SavedFilter]:
    """The filters of a company that a person may use, by name: the own ones, and those that are shared."""
    usable = or_(SavedFilter.user_id == actor.user_id, SavedFilter.is_shared.is_(True))
    query = select(SavedFilter).where(SavedFilter.company_id == company_id, usable)
    return session.scalars(query.order_by(func.lower(SavedFilter.name), SavedFilter.id)).all()


def find_filter(session: Session, actor: Actor, company_id: int, filter_id: int) -> SavedFilter | None:
    """A filter that the person may use."""
    found = (one for one in list_filters(session, actor, company_id) if one.id == filter_id)
    return next(found, None)


def may_change(actor: Actor, saved: SavedFilter) -> bool:
    """Whether the person may share or remove a filter: the own ones; shared ones who keeps the contacts."""
    is_keeper = actor.can(Permission.CONTACTS_MANAGE, saved.company_id)
    return saved.user_id == actor.user_id or (saved.is_shared and is_keeper)


def read_filter(saved: SavedFilter) -> PartyFilter | None:
    """What a kept filter means; None when it is no longer understood."""
    try:
        return PartyFilter.from_dict(saved.filter, saved.company_id)
    except FilterInvalid:
        return None


def arguments_of(saved: SavedFilter) -> list[tuple[str, str]]:
    """The query arguments of a kept filter; none when it is no longer understood."""
    chosen = read_filter(saved)
    return chosen.to_arguments() if chosen is not None else []


def save_filter(session: Session, actor: Actor, chosen: PartyFilter, name: str) -> SavedFilter:
    """Keep a filter; one of the same name is replaced.

    Raises:
        FilterNotSaved: see there.
    """
    actor.require(Permission.CONTACTS_SEE, chosen.company_id)
    name = " ".join(name.split())
    if not name or len(name) > 80 or actor.user_id is None:
        raise FilterNotSaved("name")
    if chosen.is_empty:
        raise FilterNotSaved("empty")
    kept = [one for one in list_filters(session, actor, chosen.company_id) if one.user_id == actor.user_id]
    saved = next((one for one in kept if one.name.lower() == name.lower()), None)
    if saved is None:
        if len(kept) >= MOST:
            raise FilterNotSaved("too_many")
        saved = SavedFilter(company_id=chosen.company_id, user_id=actor.user_id)
        session.add(saved)
    saved.name, saved.filter = name, chosen.to_dict()
    session.flush()
    return saved


def share_filter(session: Session, actor: Actor, saved: SavedFilter, *, is_shared: bool) -> None:
    """Let everybody in the company use a filter, or nobody else any more.

    Raises:
        PermissionDenied: sharing is for who keeps the contacts.
    """
    actor.require(Permission.CONTACTS_MANAGE, saved.company_id)
    saved.is_shared = is_shared
    session.flush()


def remove_filter(session: Session, actor: Actor, filter_id: int) -> bool:
    """Forget a filter; False when there is none that the person may remove."""
    saved = session.get(SavedFilter, filter_id)
    if saved is None or not may_change(actor, saved):
        return False
    session.delete(saved)
    return True
