"""Addresses that a company does not write to any more, why, and the way out (CO-5, BX-4).

A hard bounce and a complaint suppress at once, soft bounces when so many came in a row; a person can add an address and
lift one again. The list belongs to a company: what one firm's mail met says nothing about another's. It holds for
ordinary mail and for PEC, as an address is an address.

Services here know no contacts: who may see which rows is decided where contacts are known (`contacts.suppressions`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.addresses import address_key, normalise_address
from crm_mail.delivery.bounces.parsed import BY_PERSON, BY_READER, BounceKind, RecipientReport, Suppressed
from crm_mail.delivery.models import Suppression
from crm_mail.permissions import INSTALLATION, Actor, Permission
from crm_mail.refusals import Refusal

FORGOTTEN_AFTER = timedelta(days=90)
"""Soft bounces further apart than this are not in a row."""


class Problem(StrEnum):
    """Why a change was refused."""

    ALREADY = "already"
    NO_REASON = "no_reason"


class SuppressionRefused(Refusal):
    """The list stays as it is; the message says why, `problem` as a code."""

    def __init__(self, problem: Problem, address: str) -> None:
        words = {
            Problem.ALREADY: f"{address} is on the suppression list already",
            Problem.NO_REASON: f"say why {address} may be written to again: who lifts an address answers for it",
        }
        super().__init__(words[problem])
        self.problem = problem
        self.address = address


def record_bounce(
    session: Session,
    company_id: int,
    address: str,
    report: RecipientReport,
    at: datetime,
    soft_limit: int,
    privacy_level: int = 0,
    cause: str = "",
) -> Suppression | None:
    """Take a bounce or a complaint into account; the row when the address is suppressed by it, else None.

    Only a report that is matched to a message of ours may come here: a forged one must not silence anybody. Delays,
    automatic answers, challenges and read receipts change nothing. A bounce that happened before a person lifted the
    address is old news. The same bounce must be told once (the caller keeps what it has taken in).

    Args:
        address: whom we wrote to.
        at: when it happened, or was read.
        soft_limit: so many soft bounces in a row suppress; 0: never.
        privacy_level: of the message, kept with the audit's line.
        cause: what the audit says of it, such as the message's number.
    """
    if report.kind not in (BounceKind.HARD, BounceKind.SOFT, BounceKind.COMPLAINT) or not address:
        return None
    row = _row(session, company_id, address)
    if row is not None and (row.is_active or (row.lifted_at is not None and at < row.lifted_at)):
        return None
    if row is None:
        row = Suppression(company_id=company_id, address=address_key(address), is_active=False, reason="")
        session.add(row)
    if report.kind is BounceKind.SOFT:
        is_in_row = bool(row.soft_bounces) and at - row.since_at <= FORGOTTEN_AFTER
        row.soft_bounces = row.soft_bounces + 1 if is_in_row else 1
    row.reason, row.status = report.reason.value, report.status
    row.detail, row.since_at = report.diagnostic[:500], at
    row.is_active = report.kind is not BounceKind.SOFT or 0 < soft_limit <= row.soft_bounces
    session.flush()
    if row.is_active:
        _record(session, INSTALLATION, "added", row, row.reason, cause, privacy_level)
    return row if row.is_active else None


def note_alive(session: Session, company_id: int, address: str) -> None:
    """Somebody answered from the address: soft bounces before do not count any more. What is suppressed stays."""
    row = _row(session, company_id, address)
    if row is not None and not row.is_active and row.soft_bounces:
        row.soft_bounces = 0


def suppress(
    session: Session, actor: Actor, company_id: int, address: str, detail: str = "", privacy_level: int = 0
) -> Suppression:
    """A person puts an address on the list.

    Raises:
        PermissionDenied, AddressInvalid
        SuppressionRefused: it is there already.
    """
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    key = address_key(normalise_address(address))
    row = _row(session, company_id, key)
    if row is not None and row.is_active:
        raise SuppressionRefused(Problem.ALREADY, key)
    if row is None:
        row = Suppression(company_id=company_id, address=key)
        session.add(row)
    row.reason, row.status, row.detail = BY_PERSON, "", detail.strip()[:500]
    row.is_active, row.since_at, row.soft_bounces = True, now(), 0
    row.lifted_at = row.lifted_by = None
    session.flush()
    _record(session, actor, "added", row, row.reason, row.detail, privacy_level)
    return row


def suppress_for_reader(
    session: Session, company_id: int, address: str, detail: str, privacy_level: int = 0
) -> None:
    """Whoever reads an address asked that nothing more comes there (STOP by SMS); known already: nothing changes."""
    row = _row(session, company_id, address)
    if row is not None and row.is_active:
        return
    if row is None:
        row = Suppression(company_id=company_id, address=address_key(address))
        session.add(row)
    row.reason, row.status, row.detail = BY_READER, "", detail
    row.is_active, row.since_at, row.soft_bounces = True, now(), 0
    row.lifted_at = row.lifted_by = None
    session.flush()
    _record(session, INSTALLATION, "added", row, row.reason, detail, privacy_level)


def lift(session: Session, actor: Actor, row: Suppression, why: str, privacy_level: int = 0) -> None:
    """Write to the address again from now on; the word is kept in the audit.

    Raises:
        PermissionDenied
        SuppressionRefused: no word was given.
    """
    actor.require(Permission.CONTACTS_MANAGE, row.company_id)
    if not why.strip():
        raise SuppressionRefused(Problem.NO_REASON, row.address)
    if not row.is_active:
        return
    row.is_active, row.soft_bounces = False, 0
    row.lifted_at, row.lifted_by = now(), actor.user_id
    session.flush()
    _record(session, actor, "lifted", row, row.reason, why.strip()[:500], privacy_level)


def load_suppressed(session: Session, company_id: int) -> Mapping[str, Suppressed]:
    """All addresses that the company does not write to, by `address_key`: one read for a whole run."""
    query = select(
        Suppression.address, Suppression.reason, Suppression.status, Suppression.detail, Suppression.since_at
    ).where(Suppression.company_id == company_id, Suppression.is_active.is_(True))
    return {row[0]: Suppressed(*row[1:]) for row in session.connection().execute(query)}


def suppressed_as(session: Session, company_id: int, address: str) -> Suppressed | None:
    """Why one address is not written to; None when it is."""
    row = _row(session, company_id, address)
    if row is None or not row.is_active:
        return None
    return Suppressed(row.reason, row.status, row.detail, row.since_at)


def reason_for(
    company_id: ColumnElement[int] | InstrumentedAttribute[int],
    address: ColumnElement[str] | InstrumentedAttribute[str],
) -> ScalarSelect[str]:
    """The reason as part of another query: one look into the table's unique index for each of its rows; null when the
    address is written to."""
    return (
        select(Suppression.reason)
        .where(
            Suppression.company_id == company_id,
            Suppression.address == func.lower(address),
            Suppression.is_active.is_(True),
        )
        .scalar_subquery()
    )


def _row(session: Session, company_id: int, address: str) -> Suppression | None:
    query = select(Suppression).where(
        Suppression.company_id == company_id, Suppression.address == address_key(address)
    )
    return session.scalar(query)


def _record(
    session: Session, actor: Actor, what: str, row: Suppression, reason: str, word: str, privacy_level: int
) -> None:
    audit.record(
        session,
        actor,
        f"delivery.suppression.{what}",
        company_id=row.company_id,
        subject=row,
        label=row.address,
        privacy_level=privacy_level,
        reason=reason,
        word=word,
    )
