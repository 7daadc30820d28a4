"""The chosen rows of a run under review as a file: what the list shows, and all that a spreadsheet may ask for."""

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.confidential import Way, note_many_read
from crm_mail.delivery.models import SenderAccount
from crm_mail.outbox.issue_words import issue_name
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.states import MessageState
from crm_mail.outbox.why_words import withheld_words
from crm_mail.permissions import Actor
from crm_mail.words import Translate

AT_ONCE = 1000
Cell = str | int | datetime | None
COLUMNS = (
    Message.id,
    Message.state,
    Message.blockers,
    Message.warnings,
    Message.first_issue,
    Message.withheld_reason,
    Message.why,
    Message.party_code,
    Message.party_name,
    Message.recipient_name,
    Message.to_address,
    Message.cc,
    Message.channel,
    SenderAccount.name,
    Message.document_count,
    Message.first_documents,
    Message.subject,
    Message.file_count,
    Message.size,
    Message.language,
    Message.agent,
    Message.zone,
    Message.city,
    Message.is_edited,
    Message.is_approved,
    func.coalesce(Message.sent_at, Message.last_sent_at).label("last_sent_at"),
)


def export_rows(
    session: Session,
    actor: Actor,
    run: Run,
    chosen: Chosen,
    *,
    zone: ZoneInfo,
    state_word: Callable[[str], str],
    type_word: Callable[[str], str],
    translate: Translate,
) -> Iterator[list[Cell]]:
    """The cells of each chosen row, in the order of the list; read a thousand at a time."""
    chosen_rows = chosen.conditions(run, actor)
    note_many_read(session, actor, select(Message.contact_id).where(*chosen_rows), Way.EXPORT)
    query = select(*COLUMNS).outerjoin(SenderAccount, SenderAccount.id == Message.account_id)
    query = query.where(*chosen_rows).order_by(Message.id)
    yes, no = translate("Yes"), translate("No")
    for row in session.execute(query.execution_options(yield_per=AT_ONCE)):
        sent = row.last_sent_at.astimezone(zone) if row.last_sent_at else None
        yield [
            row.id,
            state_word(shown_state(row.state, row.blockers)),
            _problem(row, translate),
            row.blockers,
            row.warnings,
            row.party_code,
            row.party_name,
            row.recipient_name,
            row.to_address,
            "; ".join(row.cc),
            translate("Ordinary mail") if row.channel == "smtp" else row.channel.upper(),
            row.name or "",
            row.document_count,
            "; ".join(f"{type_word(type_)} {number}" for type_, number in row.first_documents),
            row.subject,
            row.file_count,
            row.size,
            row.language,
            row.agent,
            row.zone,
            row.city,
            yes if row.is_edited else no,
            yes if row.is_approved else no,
            sent,
        ]


def shown_state(state: MessageState, blockers: int) -> str:
    """A pending row is called ready or blocked: that is what the reviewer asks."""
    if state is not MessageState.PENDING:
        return state.value
    return "blocked" if blockers else "ready"


def _problem(row: object, translate: Translate) -> str:
    """Why a row is left out, or the first thing that stands against it while that can be settled."""
    state, reason = getattr(row, "state", None), str(getattr(row, "withheld_reason", ""))
    if state is MessageState.WITHHELD:
        into = getattr(row, "why", {}).get("merged_into") if reason == WithheldReason.MERGED else None
        return withheld_words(reason, translate, into)
    if state is not MessageState.PENDING:
        return ""
    return issue_name(str(getattr(row, "first_issue", "")), translate)


def record_export(session: Session, actor: Actor, run: Run, kind: str, count: int) -> None:
    """Note who took how many rows out of the program."""
    audit.record(
        session,
        actor,
        "outbox.messages.exported",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        count=count,
        format=kind,
    )
