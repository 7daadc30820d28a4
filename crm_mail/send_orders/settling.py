"""What becomes of recorded orders: let go by a standing authorisation, followed to their end, answered beside the file.

Every step looks at the tables and may be repeated, by any number of workers.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, exists, insert, select, update
from sqlalchemy.orm import Session

from config import Settings
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import LeftOut, Message, MessageDocument, Run
from crm_mail.outbox.standing.limits import WhyNot, why_not
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.outbox.standing.service import COMMITTED, commit_by_standing, limits_of, sent_today
from crm_mail.outbox.states import SETTLED, MessageState, RunState
from crm_mail.outbox.why_words import left_out_words
from crm_mail.send_orders.answers import SentMessage, write_answer
from crm_mail.send_orders.attachment_paths import AttachmentRoots
from crm_mail.send_orders.folder import RECYCLE, OrderFolder
from crm_mail.send_orders.models import SETTLED_ORDERS, OrderState, SendOrder, SendOrderMessage
from crm_mail.send_orders.orders import OrderRefused
from crm_mail.send_orders.recording import settle_refused
from crm_mail.send_orders.settings import OrderChoices, roots_of
from crm_mail.send_orders.wording import explain
from crm_mail.web.translating import translator

log = logging.getLogger(__name__)

AT_ONCE = 500
ASK_AGAIN = timedelta(minutes=5)
_LATER = frozenset({WhyNot.OUTSIDE_HOURS.value, WhyNot.OTHER_DAY.value, WhyNot.TOO_MANY_TODAY.value})
"""Limits that time lifts: the authorisation is asked again when it does."""
_UNDER_REVIEW = (RunState.PREPARING, RunState.REVIEW, RunState.APPROVAL)
_LEFT = frozenset({MessageState.SENT, MessageState.DELIVERED})


def let_go(home: Installation, company_id: int, authorisation_id: int | None) -> int:
    """Ask the standing authorisation about each run of orders that nobody asked it about; how many runs leave."""
    leaving = 0
    with home.database.read() as session:
        runs = [one for one in session.scalars(_unasked(company_id).limit(AT_ONCE)) if one is not None]
    for run_id in runs:
        with home.database.write() as session:
            leaving += _ask(session, run_id, authorisation_id)
    return leaving


def _unasked(company_id: int) -> Select[int | None]:
    return (
        select(SendOrder.run_id)
        .join(Run, Run.id == SendOrder.run_id)
        .where(
            SendOrder.company_id == company_id,
            SendOrder.state == OrderState.OUTBOX,
            SendOrder.is_asked.is_(False),
            (SendOrder.look_at.is_(None)) | (SendOrder.look_at <= now()),
            Run.state == RunState.REVIEW,
        )
        .distinct()
    )


def _ask(session: Session, run_id: int, authorisation_id: int | None) -> bool:
    run = session.get_one(Run, run_id, with_for_update=True)
    rows = [SendOrder.run_id == run_id, SendOrder.state == OrderState.OUTBOX, SendOrder.is_asked.is_(False)]
    is_again = session.scalar(select(SendOrder.id).where(*rows, SendOrder.look_at.is_not(None)).limit(1))
    if run.state is not RunState.REVIEW or session.scalar(select(SendOrder.id).where(*rows).limit(1)) is None:
        return False
    if is_again and _must_wait(
        session, run, authorisation_id
    ):  # said once; the same is not written again and again
        session.execute(update(SendOrder).where(*rows).values(look_at=now() + ASK_AGAIN))
        return False
    result = commit_by_standing(session, run, authorisation_id)
    later = now() + ASK_AGAIN if result.reason in _LATER else None
    session.execute(update(SendOrder).where(*rows).values(is_asked=later is None, look_at=later))
    return result.is_leaving and result.reason == COMMITTED


def _must_wait(session: Session, run: Run, authorisation_id: int | None) -> bool:
    standing = session.get(StandingAuthorisation, authorisation_id or 0)
    if standing is None:
        return False
    moment = now()
    local = moment.astimezone(ZoneInfo(standing.company.timezone))
    count = len(session.scalars(select(Message.id).where(Message.run_id == run.id)).all())
    found = why_not(
        limits_of(standing), run.document_types, count, sent_today(session, standing, moment), local
    )
    return found is not None and found[0].value in _LATER


def follow_runs(home: Installation, company_id: int) -> None:
    """Link orders that named documents to the messages their run has by now; refuse what became nothing."""
    with home.database.read() as session:
        ids = session.scalars(_unlinked(company_id).limit(AT_ONCE)).all()
    for id_ in ids:
        with home.database.write() as session:
            row = session.get(SendOrder, id_, with_for_update=True)
            if row is not None and row.state is OrderState.OUTBOX:
                _follow(session, row)


def _unlinked(company_id: int) -> Select[int]:
    has_message = exists().where(SendOrderMessage.order_id == SendOrder.id)
    return (
        select(SendOrder.id)
        .join(Run, Run.id == SendOrder.run_id)
        .where(
            SendOrder.company_id == company_id,
            SendOrder.state == OrderState.OUTBOX,
            Run.state != RunState.PREPARING,
            ~has_message,
        )
        .order_by(SendOrder.id)
    )


def _follow(session: Session, row: SendOrder) -> None:
    company, run = session.get_one(Company, row.company_id), session.get_one(Run, row.run_id)
    if run.state is RunState.CANCELLED and (error := run.commit_summary.get("error")):
        settle_refused(session, company, row, OrderRefused("prepare_failed", why=str(error)[:300]))
        return
    found = session.scalars(
        select(MessageDocument.message_id)
        .join(Message, Message.id == MessageDocument.message_id)
        .where(Message.run_id == run.id, MessageDocument.document_id.in_(row.document_ids))
        .distinct()
    ).all()
    if found:
        pairs = [{"order_id": row.id, "message_id": id_} for id_ in found]
        session.execute(insert(SendOrderMessage), pairs)
        return
    reasons = session.scalars(
        select(LeftOut.reason)
        .where(LeftOut.run_id == run.id, LeftOut.document_id.in_(row.document_ids))
        .distinct()
    )
    translate = translator(company.language)
    why = "; ".join(left_out_words(reason, translate)[0] for reason in reasons) or "–"
    settle_refused(session, company, row, OrderRefused("left_out", why=why))


def unprepared_runs(session: Session, company_id: int) -> Sequence[int]:
    """Runs of orders that only name documents, which wait to be prepared."""
    query = (
        select(Run.id)
        .join(SendOrder, SendOrder.run_id == Run.id)
        .where(
            SendOrder.company_id == company_id,
            SendOrder.state == OrderState.OUTBOX,
            Run.state == RunState.PREPARING,
        )
        .distinct()
    )
    return session.scalars(query.limit(AT_ONCE)).all()


@dataclass(frozen=True, slots=True)
class RefusedLate:
    """An order that was accepted and became nothing."""

    order_id: str
    name: str
    code: str
    reason: str


def refused_late(session: Session, company_id: int) -> list[RefusedLate]:
    """Orders of the last day that were refused after their file was accepted."""
    language = session.get_one(Company, company_id).language
    query = select(SendOrder).where(
        SendOrder.company_id == company_id,
        SendOrder.state == OrderState.REFUSED,
        SendOrder.run_id.is_not(None),
        SendOrder.settled_at >= now() - timedelta(days=1),
    )
    translate = translator(language)
    return [
        RefusedLate(row.order_id, row.name, row.problem, explain(row.problem, row.params, translate))
        for row in session.scalars(query.limit(AT_ONCE))
    ]


@dataclass(frozen=True, slots=True)
class Settled:
    """An order at its end."""

    id: int
    order_id: str
    name: str
    state: OrderState
    code: str
    params: dict[str, str]
    run_id: int | None
    messages: tuple[SentMessage, ...]
    files: tuple[dict[str, str], ...]


def settle(home: Installation, company_id: int, choices: OrderChoices, folder: OrderFolder) -> int:
    """Answer orders whose messages are all settled, and move their files on; how many."""
    count = 0
    while batch := _batch(home, company_id):
        with home.database.read() as session:
            company = session.get_one(Company, company_id)
            language, today = company.language, now().astimezone(ZoneInfo(company.timezone)).date()
            roots = roots_of(session, home.settings, company_id, choices)
            in_use = (
                _files_in_use(session, company_id, [one.id for one in batch])
                if choices.settles_files
                else set()
            )
        for one in batch:
            _finish(folder, choices, one, language, today)
            if choices.settles_files and one.state is OrderState.SENT:
                _settle_files(choices, roots, one, in_use, today)
        with home.database.write() as session:
            for one in batch:
                session.execute(
                    update(SendOrder)
                    .where(SendOrder.id == one.id, SendOrder.state.not_in(sorted(SETTLED_ORDERS)))
                    .values(state=one.state, settled_at=now(), problem=one.code, params=one.params)
                )
        count += len(batch)
        if len(batch) < AT_ONCE:
            break
    return count


def _batch(home: Installation, company_id: int) -> list[Settled]:
    """Orders of which every message is at its end."""
    is_open = exists().where(
        SendOrderMessage.order_id == SendOrder.id,
        Message.id == SendOrderMessage.message_id,
        Message.state.not_in(sorted(SETTLED)),
    )
    has_message = exists().where(SendOrderMessage.order_id == SendOrder.id)
    query = (
        select(SendOrder)
        .join(Run, Run.id == SendOrder.run_id)
        .where(
            SendOrder.company_id == company_id,
            SendOrder.state == OrderState.OUTBOX,
            Run.state.not_in(_UNDER_REVIEW),
            has_message,
            ~is_open,
        )
        .order_by(SendOrder.id)
        .limit(AT_ONCE)
    )
    with home.database.read() as session:
        rows = session.scalars(query).all()
        sent = _messages_of(session, [row.id for row in rows])
        return [_settled(row, sent.get(row.id, [])) for row in rows]


def _messages_of(session: Session, ids: Sequence[int]) -> dict[int, list[SentMessage]]:
    query = (
        select(
            SendOrderMessage.order_id,
            *(Message.to_address, Message.state, Message.message_id, Message.sent_at, Message.last_detail),
        )
        .join(Message, Message.id == SendOrderMessage.message_id)
        .where(SendOrderMessage.order_id.in_(ids))
        .order_by(Message.id)
    )
    found: dict[int, list[SentMessage]] = {}
    for order_id, to, state, message_id, at, answer in session.execute(query):
        found.setdefault(order_id, []).append(SentMessage(to, state.value, message_id or "", at, answer))
    return found


def _settled(row: SendOrder, messages: list[SentMessage]) -> Settled:
    wrong = next((one for one in messages if one.state not in _LEFT), None)
    return Settled(
        row.id,
        row.order_id,
        row.name,
        OrderState.FAILED if wrong else OrderState.SENT,
        "not_sent" if wrong else "",
        {"address": wrong.to, "state": wrong.state} if wrong else {},
        row.run_id,
        tuple(messages),
        tuple(row.files),
    )


def _finish(folder: OrderFolder, choices: OrderChoices, one: Settled, language: str, today: date) -> None:
    reason = explain(one.code, one.params, translator(language)) if one.code else ""
    answer = write_answer(
        one.order_id,
        one.state.value,
        now(),
        run_id=one.run_id,
        code=one.code,
        reason=reason,
        messages=one.messages,
    )
    is_sent = one.state is OrderState.SENT  # what failed is never deleted
    folder.finish(
        one.name,
        answer,
        today,
        recycles=is_sent and choices.afterwards is AfterSending.RECYCLE,
        deletes=is_sent and choices.afterwards is AfterSending.DELETE,
    )


def _files_in_use(session: Session, company_id: int, but: Sequence[int]) -> set[str]:
    """Hashes of files that orders which are not settled still name."""
    query = select(SendOrder.files).where(
        and_(
            SendOrder.company_id == company_id,
            SendOrder.state.in_((OrderState.WAITING, OrderState.OUTBOX)),
            SendOrder.id.not_in(but),
        )
    )
    return {file["path"].casefold() for files in session.scalars(query) for file in files}


def _settle_files(
    choices: OrderChoices, roots: AttachmentRoots, one: Settled, in_use: set[str], today: date
) -> None:
    """Recycle or delete the attachments of an order that was sent (PM-13), unless they changed or others name them."""
    if choices.afterwards is AfterSending.KEEP:
        return
    for file in one.files:
        if file["path"].casefold() in in_use:
            continue
        try:
            data = roots.read(file["path"], int(file["size"]) + 1)
            path = roots.locate(file["path"]).path.resolve(strict=True)
        except (OrderRefused, OSError):  # gone, or changed so that it is no longer ours to touch
            continue
        if sha256(data).hexdigest() != file["sha256"]:
            continue
        with contextlib.suppress(OSError):
            _remove(
                path, roots.own, file["sha256"][:8], today, deletes=choices.afterwards is AfterSending.DELETE
            )


def _remove(path: Path, own: Path, mark: str, today: date, *, deletes: bool) -> None:
    if deletes:
        path.unlink()
        return
    target = own / RECYCLE / f"{today:%Y-%m}"
    target.mkdir(parents=True, exist_ok=True)
    path.rename(target / (f"{mark}-{path.name}" if (target / path.name).exists() else path.name))


def is_reachable(settings: Settings, folder: Path) -> bool:
    """Whether this machine has the folder: one without the share must not make an empty one in its place."""
    root = settings.resolved_mailer_dir
    if settings.mailer_dir is None:
        root.mkdir(parents=True, exist_ok=True)
    if not root.is_dir():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    return True
