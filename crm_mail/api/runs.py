"""Runs: prepared, shown, committed. Nothing leaves without a commit of the very list that was looked at."""

import datetime as dt
import hashlib
from typing import Annotated, Any, Literal

from flask import current_app, request
from pydantic import Field
from sqlalchemy import select

from crm_mail.api.door import IDEMPOTENCY_HEADER, forget_answer, key_id
from crm_mail.api.operations import Answer, Given, Reply, Taken
from crm_mail.api.paging import cut, read_id_cursor, write_cursor
from crm_mail.api.problems import not_found, wrong
from crm_mail.api.resources import (
    CompanyCode,
    CompanyPageQuery,
    Moment,
    Page,
    RowId,
    actor,
    company_by_code,
    company_codes,
    interface,
)
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.finding.party_filter import PartyFilter, PartyKind
from crm_mail.outbox import tasks
from crm_mail.outbox.committing.commit import CommitRefused, commit_run, fingerprint
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import create_run, preview_run
from crm_mail.outbox.reviewing.review import can_see_run, count_run, find_run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Permission
from crm_mail.web.door import after_commit, commit_now, db

TAG = "Runs"
Words = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=500)]


class Whom(Taken):
    """Which parties and contacts; values of one field are alternatives, different fields must all hold."""

    kind: Literal["", "customer", "supplier"] = ""
    codes: Words = Field([])
    agents: Words = Field([])
    zones: Words = Field([])
    cities: Words = Field([])
    provinces: Words = Field([])
    categories: Words = Field([])
    languages: Words = Field([])
    roles: Words = Field([])
    characteristics: Words = Field([])
    subscribed_to: Words = Field([])


class NewRun(Taken):
    """What is to be prepared."""

    company: CompanyCode
    title: Annotated[str, Field(max_length=200)] = ""
    document_types: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=100)] = Field(
        [], description="Empty: every type in use that the key may prepare."
    )
    since: dt.date | None = Field(None, description="First day of the documents' date.")
    until: dt.date | None = Field(None, description="Last day of the documents' date.")
    only_unsent: bool = Field(True, description="Leave out what a recipient was sent already.")
    document_ids: Annotated[list[RowId], Field(max_length=10_000)] = Field(
        [], description="These documents only."
    )
    parties: Whom = Whom()
    everybody: bool = Field(False, description="Must be true when nothing narrows the parties.")


class RunCountsOut(Given):
    """Messages of a run, as far as the key's clearance goes."""

    total: int
    ready: int
    blocked: int
    warned: int
    states: dict[str, int]


class RunOut(Given):
    """A run."""

    id: int
    company: str
    title: str
    state: RunState
    document_types: list[str]
    created_at: dt.datetime
    committed_at: dt.datetime | None
    starts_at: dt.datetime | None
    finished_at: dt.datetime | None
    left_for_colleague: int = Field(description="Recipients above the clearance of who prepared it.")
    error: str = Field(description="Why it could not be prepared; else empty.")


class RunDetail(RunOut):
    """A run with its counts, and the mark of its list."""

    counts: RunCountsOut
    fingerprint: str = Field(description="The mark of what would leave now; to be given with the commit.")


class Commit(Taken):
    """Which list is let go."""

    seen: Annotated[
        str, Field(min_length=1, max_length=60, description="The `fingerprint` of what was looked at.")
    ]
    start_at: Moment | None = None
    unknown_is_ordinary: bool = Field(
        False, description="For this once, addresses of which nobody knows the kind are ordinary mail."
    )


class CommitOut(Given):
    """What a commit did."""

    run_id: int
    messages: int
    starts_at: dt.datetime | None
    dropped: dict[str, int]
    awaits_approval: bool
    left_for_colleague: int | None


class RunQuery(CompanyPageQuery):
    """Which runs; the newest first."""

    state: RunState | None = None


def shown_run(run: Run, company: str) -> RunOut:
    """A run as it is listed."""
    names = (
        "id",
        "title",
        "state",
        "document_types",
        "created_at",
        "committed_at",
        "starts_at",
        "finished_at",
    )
    return RunOut(
        **{name: getattr(run, name) for name in names},
        company=company,
        left_for_colleague=run.hidden_recipients,
        error=str(run.commit_summary.get("error", "")),
    )


def run_or_404(run_id: int) -> Run:
    """The run, if it exists for the key."""
    run = find_run(db(), actor(), run_id)
    if run is None:
        raise not_found("run", run_id)
    return run


@interface.operation(
    "GET",
    "/runs",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    query=RunQuery,
    answers=[Answer(200, "A page, the newest first.", Page[RunOut])],
)
def list_runs(query: RunQuery) -> Page[RunOut]:
    """Runs of a company."""
    company = company_by_code(query.company, Permission.DOCUMENTS_SEE)
    found = select(Run).where(Run.company_id == company.id).order_by(Run.id.desc())
    if query.state is not None:
        found = found.where(Run.state == query.state)
    if (last := read_id_cursor("runs", query.after)) is not None:
        found = found.where(Run.id < last)
    seen: list[Run] = []
    for run in db().scalars(found.execution_options(yield_per=2 * query.limit)):
        if can_see_run(actor(), run):
            seen.append(run)
        if len(seen) > query.limit:
            break
    rows, more = cut(seen, query.limit)
    return Page[RunOut](
        data=[shown_run(row, company.code) for row in rows],
        next=write_cursor("runs", rows[-1].id) if more else None,
    )


@interface.operation(
    "POST",
    "/runs",
    tag=TAG,
    scope=Permission.OUTBOX_PREPARE,
    body=NewRun,
    answers=[
        Answer(202, "It is being prepared; read it until its state is `review`.", RunOut, has_location=True)
    ],
)
def prepare_run(body: NewRun) -> Reply:
    """Prepare a run: who is to receive what. Nothing is sent by it."""
    company = company_by_code(body.company, Permission.OUTBOX_PREPARE, where="company")
    known = company_types(db(), company.id).ids
    unknown = [one for one in body.document_types if one not in known]
    if unknown:
        raise wrong("document_types", f"there is no type {unknown[0]}", f"give some of: {', '.join(known)}")
    criteria = Criteria(
        _parties(company.id, body.parties),
        tuple(dict.fromkeys(body.document_types)),
        body.since,
        body.until,
        body.only_unsent,
        tuple(dict.fromkeys(body.document_ids)),
    )
    preview = preview_run(db(), actor(), criteria)
    if preview.documents == 0:
        raise wrong("body", "nothing is due: no document fits", "widen the period, the types or the parties")
    if preview.is_everybody and not body.everybody:
        raise wrong(
            "everybody",
            "nothing narrows the parties",
            "give `parties` or `document_ids`, or say everybody: true",
        )
    run = create_run(db(), actor(), criteria, " ".join(body.title.split()))
    after_commit(lambda: _ring(tasks.FILL_RUN, run.id))
    return Reply(shown_run(run, company.code), 202, {"Location": f"/api/v1/runs/{run.id}"})


def _parties(company_id: int, whom: Whom) -> PartyFilter:
    lists: dict[str, Any] = {name: tuple(getattr(whom, name)) for name in Whom.model_fields if name != "kind"}
    return PartyFilter(company_id, kind=PartyKind(whom.kind) if whom.kind else None, **lists)


def _ring(name: str, id_: int = 0) -> None:
    bell = current_app.extensions.get("bell")
    if bell is not None:
        bell.ring(name, id_)


@interface.operation(
    "GET",
    "/runs/<int:run_id>",
    tag=TAG,
    scope=Permission.DOCUMENTS_SEE,
    answers=[Answer(200, "The run.", RunDetail)],
    refusals=[404],
)
def show_run(run_id: int) -> RunDetail:
    """One run with its counts, and the mark that a commit asks for."""
    run = run_or_404(run_id)
    counts = count_run(db(), actor(), run)
    return RunDetail(
        **shown_run(run, company_codes()[run.company_id]).model_dump(),
        counts=RunCountsOut(
            total=counts.total,
            ready=counts.ready,
            blocked=counts.blocked,
            warned=counts.warned,
            states=counts.states,
        ),
        fingerprint=fingerprint(db(), run.id, actor().sight),
    )


@interface.operation(
    "POST",
    "/runs/<int:run_id>/commit",
    tag=TAG,
    scope=Permission.OUTBOX_COMMIT,
    body=Commit,
    answers=[Answer(200, "It leaves after the company's undo time.", CommitOut)],
    refusals=[404, 409],
)
def commit(run_id: int, body: Commit) -> CommitOut:
    """Let a prepared run go, with the rights and limits of the key's owner at this moment.

    What was sent, voided or blocked since the preparation drops out; when the list is not the one whose fingerprint is
    given, nothing leaves and the answer is 409.
    """
    run = run_or_404(run_id)
    try:
        done = commit_run(
            db(),
            actor(),
            run,
            key=_commit_key(),
            seen=body.seen,
            start_at=body.start_at,
            unknown_is_ordinary=body.unknown_is_ordinary,
        )
    except CommitRefused:
        forget_answer()
        commit_now()  # what dropped out has dropped out, visibly
        raise
    if not done.awaits_approval:
        after_commit(lambda: _ring(tasks.DRAIN))
    names: dict[str, Any] = {name: getattr(done, name) for name in CommitOut.model_fields}
    return CommitOut(**names)


def _commit_key() -> str | None:
    """Two commits under one Idempotency-Key are one, also when the first answer was lost."""
    given = request.headers.get(IDEMPOTENCY_HEADER)
    return hashlib.sha256(f"{key_id()} {given}".encode()).hexdigest() if given else None
