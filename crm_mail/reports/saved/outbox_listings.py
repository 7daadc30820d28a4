"""Listings of the outbox: runs, messages with what became of them, and what was left out."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, String, cast, or_, select

from crm_mail.companies.type_registry import company_types
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.left_out import list_left_out
from crm_mail.outbox.reviewing.review import can_see_run
from crm_mail.outbox.reviewing.summaries import run_counts
from crm_mail.outbox.run_words import run_state_word
from crm_mail.outbox.sending.answer_words import answer_words
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import LEFT, MessageState, RunState
from crm_mail.outbox.why_words import left_out_detail, left_out_words, withheld_words
from crm_mail.permissions import OUTBOX_PERMISSIONS, Actor, Permission
from crm_mail.reports.queries import REACHED, enhanced_of
from crm_mail.reports.saved.listings import AT_ONCE, Listing, Scene
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.reports.state_words import state_word
from crm_mail.users.models import User
from crm_mail.words import Translate


class OfOutbox(Listing):
    """Who may export documents of the company may export what became of them, type by type."""

    def require(self, actor: Actor, company_id: int) -> None:
        actor.require(Permission.DOCUMENTS_EXPORT, company_id)


class Messages(OfOutbox):
    """Messages with their state, the newest first."""

    id = "messages"
    has_text = True

    def title(self, _: Translate) -> str:
        return _("Messages and what became of them")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("run", _("Run"), CellKind.NUMBER),
            Column("state", _("State")),
            Column("party_code", _("Party code")),
            Column("party", _("Party")),
            Column("to", _("To")),
            Column("subject", _("Subject")),
            Column("documents", _("Documents")),
            Column("reason", _("Reason")),
            Column("answer", _("Server's answer")),
            Column("sent_at", _("Sent at"), CellKind.MOMENT),
            Column("agent", _("Agent")),
        )

    def date_title(self, _: Translate) -> str:
        return _("Day on which the run was prepared")

    def choice_title(self, _: Translate) -> str:
        return _("State")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        return [(one.value, state_word(one, scene.translate)) for one in MessageState]

    def rows(self, scene: Scene) -> Iterator[Row]:
        query = (
            select(Message)
            .join(Run, Run.id == Message.run_id)
            .where(*_messages(scene), *_runs_of_period(scene))
            .order_by(Message.id.desc())
            .execution_options(yield_per=AT_ONCE)
        )
        if scene.filters.choice in set(MessageState):
            query = query.where(Message.state == MessageState(scene.filters.choice))
        for word in scene.filters.text.lower().split():
            query = query.where(Message.search_key.contains(word, autoescape=True))
        for one in scene.session.scalars(query):
            numbers = "; ".join(f"{scene.type_name(type_)} {number}" for type_, number in one.first_documents)
            yield (
                one.run_id,
                state_word(one.state, scene.translate),
                one.party_code,
                one.party_name,
                "; ".join([one.to_address, *one.cc]) if one.cc else one.to_address,
                one.subject,
                numbers,
                _reason(one, scene.translate),
                answer_words(one.last_detail, one.last_cause, scene.translate)
                if one.state not in REACHED
                else "",
                one.sent_at,
                one.agent,
            )


def _reason(message: Message, translate: Translate) -> str:
    """Why a message did not leave or arrive, in words."""
    if message.state is MessageState.WITHHELD:
        return withheld_words(message.withheld_reason, translate)
    if not message.last_cause or message.state in REACHED:
        return ""
    return cause_words(message.last_cause, message.last_code, enhanced_of(message.last_detail), translate)[0]


def _messages(scene: Scene) -> list[ColumnElement[bool]]:
    """Messages of the company that exist for the actor, of runs whose every type the actor may see and export."""
    found: list[ColumnElement[bool]] = [
        Message.company_id == scene.company.id,
        messages_in_sight(scene.actor.sight),
    ]
    hidden = [
        cast(Run.document_types, String).contains(f'"{type_}"', autoescape=True)
        for type_ in company_types(scene.session, scene.company.id).ids
        if not _may_export(scene.actor, scene.company.id, type_)
    ]
    return [*found, ~or_(*hidden)] if hidden else found


def _may_export(actor: Actor, company_id: int, type_: str) -> bool:
    holds_outbox = any(actor.can(one, company_id, type_) for one in OUTBOX_PERMISSIONS)
    return holds_outbox and actor.can(Permission.DOCUMENTS_EXPORT, company_id, type_)


def _runs_of_period(scene: Scene) -> list[ColumnElement[bool]]:
    first, last = scene.moments
    found = []
    if first:
        found.append(Run.created_at >= first)
    if last:
        found.append(Run.created_at < last)
    return found


def _runs(scene: Scene) -> Iterator[Run]:
    query = select(Run).where(Run.company_id == scene.company.id, *_runs_of_period(scene))
    for run in scene.session.scalars(query.order_by(Run.id.desc()).execution_options(yield_per=AT_ONCE)):
        types = run.document_types
        if can_see_run(scene.actor, run) and all(
            _may_export(scene.actor, run.company_id, type_) for type_ in types
        ):
            yield run


class Runs(OfOutbox):
    """Runs with their counts, the newest first."""

    id = "runs"

    def title(self, _: Translate) -> str:
        return _("Runs")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("run", _("Run"), CellKind.NUMBER),
            Column("title", _("Title")),
            Column("state", _("State")),
            Column("by", _("Prepared by")),
            Column("created_at", _("Prepared at"), CellKind.MOMENT),
            Column("total", _("Messages"), CellKind.NUMBER),
            Column("sent", _("Sent"), CellKind.NUMBER),
            Column("failed", _("Failed"), CellKind.NUMBER),
            Column("finished_at", _("Finished at"), CellKind.MOMENT),
        )

    def date_title(self, _: Translate) -> str:
        return _("Day on which the run was prepared")

    def choice_title(self, _: Translate) -> str:
        return _("State")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        return [(one.value, run_state_word(one, scene.translate)) for one in RunState]

    def rows(self, scene: Scene) -> Iterator[Row]:
        for run in _runs(scene):
            if scene.filters.choice and run.state.value != scene.filters.choice:
                continue
            counts = run_counts(scene.session, scene.actor, run)
            by = scene.session.get(User, run.created_by) if run.created_by else None
            yield (
                run.id,
                run.title,
                run_state_word(run.state, scene.translate),
                by.name if by else "",
                run.created_at,
                counts.total,
                sum(counts.states.get(state.value, 0) for state in LEFT),
                sum(counts.states.get(state, 0) for state in ("failed", "bounced")),
                run.finished_at,
            )


class LeftOutRows(OfOutbox):
    """What runs leave out, and why."""

    id = "left_out"

    def title(self, _: Translate) -> str:
        return _("What was left out, and why")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("run", _("Run"), CellKind.NUMBER),
            Column("party_code", _("Party code")),
            Column("party", _("Party")),
            Column("contact", _("Contact")),
            Column("document", _("Document")),
            Column("reason", _("Reason")),
            Column("remedy", _("What to do")),
            Column("detail", _("Detail")),
        )

    def date_title(self, _: Translate) -> str:
        return _("Day on which the run was prepared")

    def rows(self, scene: Scene) -> Iterator[Row]:
        for run in _runs(scene):
            after: int | None = 0
            while after is not None:
                found, after = list_left_out(scene.session, scene.actor, run, after=after, size=AT_ONCE)
                for one in found:
                    reason, remedy = left_out_words(one.reason, scene.translate)
                    type_ = scene.type_name(one.document_type) if one.document_type else ""
                    yield (
                        run.id,
                        one.party_code,
                        one.party_name,
                        one.contact_name,
                        f"{type_} {one.document_number}".strip(),
                        reason,
                        remedy,
                        left_out_detail(one.detail, scene.translate),
                    )
