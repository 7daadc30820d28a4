"""The list of runs, the commit page with its undo window, the progress of sending and its buttons."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.evidence.listing import run_evidence
from crm_mail.outbox import tasks
from crm_mail.outbox.change_words import event_words
from crm_mail.outbox.committing.commit import CommitRefused, Committed, ListChanged, commit_run, undo_commit
from crm_mail.outbox.committing.commit_forms import (
    CommitForm,
    changes_words,
    dropped_words,
    limits_shown,
    refusal_words,
    unknown_label,
)
from crm_mail.outbox.committing.commit_overview import CommitOverview, ends_at, overview
from crm_mail.outbox.issue_words import issue_name
from crm_mail.outbox.models import Message, MessageEvent, Run
from crm_mail.outbox.preparing.prepare_views import ring, run_url
from crm_mail.outbox.reviewing import summaries
from crm_mail.outbox.reviewing.review import RunCounts, can_see_run
from crm_mail.outbox.reviewing.review_page import (
    BACK,
    LANGUAGES,
    SEND_PAGE,
    link,
    run_or_404,
    run_title,
    state_word,
)
from crm_mail.outbox.run_words import run_state_word
from crm_mail.outbox.sending import control
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.standing.views import standing_note
from crm_mail.outbox.states import LEFT, QUEUED, MessageState, RunState
from crm_mail.outbox.why_words import withheld_words
from crm_mail.permissions import Actor, Permission, Sight, requires, signed_in_actor
from crm_mail.users.models import User
from crm_mail.web.door import after_commit, commit_now, db
from crm_mail.web.navigation import current_company

PAGE = 50
EVENTS = 10
LATEST = 2000
"""How far back the last events of a run are looked for."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A line of the list."""

    run: Run
    counts: RunCounts
    by: str
    url: str

    @property
    def leaving(self) -> int:
        """Messages that were, or are, to leave."""
        return self.counts.total - sum(self.counts.states.get(s, 0) for s in ("pending", "withheld"))

    @property
    def left(self) -> int:
        """Messages that have left."""
        return sum(self.counts.states.get(state.value, 0) for state in LEFT)

    @property
    def settled(self) -> int:
        """Messages of which nothing is left to do."""
        return self.leaving - sum(self.counts.states.get(state.value, 0) for state in QUEUED)


@requires(Permission.DOCUMENTS_SEE)
def list_runs() -> Any:
    """The runs of the company at work, the newest first."""
    actor = signed_in_actor()
    company = current_company(actor)
    state = request.args.get("state", "")
    wanted = RunState(state) if state in set(RunState) else None
    after, before = request.args.get("after", type=int), request.args.get("before", type=int)
    runs, older, newer = _runs(actor, company, wanted, after, before)
    return render_template(
        "outbox/runs.html",
        rows=_rows(actor, runs),
        older=older,
        newer=newer,
        state=wanted.value if wanted else "",
        states=[(one.value, _state_word(one)) for one in RunState],
        company=company,
        may_prepare=actor.can(Permission.OUTBOX_PREPARE),
        may_commit=actor.can(Permission.OUTBOX_COMMIT),
    )


def _runs(
    actor: Actor, company: Company | None, state: RunState | None, after: int | None, before: int | None
) -> tuple[list[Run], int | None, int | None]:
    """A page by keyset, with the cursors of the older and the newer one."""
    if company is None:
        return [], None, None
    query = select(Run).where(Run.company_id == company.id)
    if state is not None:
        query = query.where(Run.state == state)
    backwards = before is not None
    if before is not None:
        query = query.where(Run.id > before)
    elif after is not None:
        query = query.where(Run.id < after)
    ordered = query.order_by(Run.id if backwards else Run.id.desc()).execution_options(yield_per=2 * PAGE)
    found: list[Run] = []
    for run in db().scalars(ordered):
        if can_see_run(actor, run):
            found.append(run)
        if len(found) > PAGE:
            break
    more, found = len(found) > PAGE, found[:PAGE]
    if backwards:
        found.reverse()
    if not found:
        return [], None, None
    older = found[-1].id if more or backwards else None
    newer = found[0].id if (more if backwards else after is not None) else None
    return found, older, newer


def _rows(actor: Actor, runs: Sequence[Run]) -> list[RunRow]:
    names = user_names(run.created_by for run in runs)
    return [
        RunRow(run, summaries.run_counts(db(), actor, run), names.get(run.created_by or 0, ""), run_url(run))
        for run in runs
    ]


def user_names(ids: Iterable[int | None]) -> dict[int, str]:
    """The names of people by their ids."""
    wanted = {id_ for id_ in ids if id_ is not None}
    query = select(User.id, User.name).where(User.id.in_(wanted))
    return {id_: name for id_, name in db().execute(query)} if wanted else {}


def _state_word(state: RunState) -> str:
    return run_state_word(state, lambda message: str(_(message)))


@requires(Permission.OUTBOX_COMMIT)
def commit_page(run_id: int) -> Any:
    """What would leave, in numbers, and the button that lets it go; the same as content of a dialog (htmx)."""
    run = run_or_404(run_id)
    actor = signed_in_actor()
    actor.require(Permission.OUTBOX_COMMIT, run.company_id, *run.document_types)
    if run.state not in (RunState.REVIEW, RunState.APPROVAL):
        return redirect(run_url(run), 303)
    form = CommitForm()
    form.zone = ZoneInfo(run.company.timezone)
    if request.method == "GET":
        return _commit_page(run, actor, form)
    if not form.validate():
        return _commit_page(run, actor, form), 422
    return _commit(run, actor, form)


def _commit(run: Run, actor: Actor, form: CommitForm) -> Any:
    try:
        done = commit_run(
            db(),
            actor,
            run,
            key=form.key.data,
            seen=form.seen.data or "-",
            start_at=form.moment(),
            unknown_is_ordinary=bool(form.unknown_is_ordinary.data),
        )
    except CommitRefused as problem:
        commit_now()  # what dropped out has dropped out, visibly
        if run.state not in (RunState.REVIEW, RunState.APPROVAL):
            flash(refusal_words(problem), "info")
            return redirect(run_url(run), 303)
        return _commit_page(run, actor, form, problem), 409
    if done.awaits_approval:
        flash(_("Committed. Somebody else with the right must approve it now."), "success")
        return redirect(url_for("outbox.commit_page", run_id=run.id), 303)
    tell_left(done)
    after_commit(lambda: ring(tasks.DRAIN))
    return redirect(url_for("outbox.progress", run_id=run.id), 303)


def tell_left(done: Committed) -> None:
    """Say that a colleague has the rest, where there is one."""
    if done.left_for_colleague:
        flash(
            _("Some recipients are left for a colleague who sees more (run %(run)s).",
              run=done.left_for_colleague),
            "info",
        )  # fmt: skip


def _commit_page(run: Run, actor: Actor, form: CommitForm, problem: CommitRefused | None = None) -> str:
    seen = overview(db(), actor, run)
    form.seen.data, form.key.data = seen.mark, secrets.token_hex(16)
    form.unknown_is_ordinary.label.text = unknown_label(seen.undetermined)
    part = "HX-Request" in request.headers
    return render_template(
        "outbox/_commit.html" if part else "outbox/commit.html",
        run=run,
        title=run_title(run),
        form=form,
        seen=seen,
        problem=refusal_words(problem) if problem and not isinstance(problem, ListChanged) else "",
        changes=changes_words(problem) if isinstance(problem, ListChanged) else [],
        **_commit_words(seen),
        **limits_shown(db(), actor, run, seen.messages),
        ends=ends_at(seen.seconds, form.moment() if not form.errors else None),
        committed_by=user_names([run.committed_by]).get(run.committed_by or 0, ""),
        waits_for_other=run.state is RunState.APPROVAL and run.committed_by == actor.user_id,
    )


def _commit_words(seen: CommitOverview) -> dict[str, Any]:
    return {
        "outdated": [dropped_words(reason, count) for reason, count in seen.outdated.items()],
        "blocked": [(issue_name(code, _), code, count) for code, count in seen.blocked],
        "withheld": [(withheld_words(reason, _), count) for reason, count in seen.withheld],
        "message_languages": [(LANGUAGES.get(one, one), count) for one, count in seen.languages],
    }


@requires(Permission.OUTBOX_COMMIT)
def undo(run_id: int) -> Any:
    """Call a commit back while nothing of it has left."""
    run = run_or_404(run_id)
    try:
        undo_commit(db(), signed_in_actor(), run)
    except CommitRefused as problem:
        flash(refusal_words(problem), "warning")
        return redirect(_page_after(run, run_url(run)), 303)
    flash(_("The commit was called back. Nothing was sent; the run waits for review again."), "success")
    return redirect(_page_after(run, url_for("outbox.review", run_id=run.id)), 303)


def _page_after(run: Run, usual: str) -> str:
    """Where a step leads: back to the page of a few documents when its button stood there."""
    if request.form.get(BACK) == SEND_PAGE:
        return url_for("outbox.send_page", run_id=run.id)
    return usual


@requires(Permission.DOCUMENTS_SEE)
def progress(run_id: int) -> Any:
    """How far sending is; asked again every two seconds, every second while it can be called back."""
    run = run_or_404(run_id)
    if run.state in (RunState.PREPARING, RunState.REVIEW, RunState.APPROVAL):
        return redirect(run_url(run), 303)
    actor = signed_in_actor()
    seen = control.read_progress(db(), run, actor.sight)
    seconds = max(0, round((run.starts_at - now()).total_seconds())) if run.starts_at else 0
    part = "HX-Request" in request.headers
    return render_template(
        "outbox/_progress.html" if part else "outbox/progress.html",
        run=run,
        title=run_title(run),
        seen=seen,
        percent=100 * seen.done // seen.total if seen.total else 100,
        waits=seconds if run.state is RunState.COMMITTED else 0,
        undo_seconds=run.company.undo_seconds,
        queue=_queue(run, seen),
        evidence=run_evidence(db(), run, [Message.run_id == run.id, messages_in_sight(actor.sight)]),
        events=_events(run, actor.sight),
        may_steer=_may_commit(actor, run),
        may_set=actor.can(Permission.ACCOUNTS_MANAGE, run.company_id),
        committed_by=user_names([run.committed_by]).get(run.committed_by or 0, ""),
        report_url=link("reports.run_report", run_id=run.id),
        standing=standing_note(run),
    )


def _may_commit(actor: Actor, run: Run) -> bool:
    types: list[str | None] = [*run.document_types] or [None]
    return all(actor.can(Permission.OUTBOX_COMMIT, run.company_id, one) for one in types)


def _queue(run: Run, seen: control.RunProgress) -> list[tuple[str, str, int, str]]:
    """(state, word, messages, address of the list) of each state that occurs."""
    return [
        (state.value, state_word(state), count, url_for("outbox.review", run_id=run.id, state=state.value))
        for state in MessageState
        if (count := seen.counts.get(state, 0))
    ]


def _events(run: Run, sight: Sight) -> list[dict[str, Any]]:
    """The last things that happened to messages of the run."""
    newest = select(MessageEvent).order_by(MessageEvent.id.desc()).limit(LATEST).subquery()
    query = (
        select(newest.c.at, newest.c.kind, newest.c.detail, newest.c.actor_name, Message)
        .join(Message, Message.id == newest.c.message_id)
        .where(Message.run_id == run.id, messages_in_sight(sight))
        .order_by(newest.c.id.desc())
        .limit(EVENTS)
    )
    found = []
    for at, kind, detail, who, message in db().execute(query):
        words = event_words(kind, detail or {}, _)
        found.append(
            {
                "at": at,
                "title": f"{words.title}: {message.party_name}",
                "text": _with_address(message.to_address, words.text),
                "who": who,
                "icon": words.icon,
                "tone": words.tone,
                "url": url_for("outbox.message", run_id=run.id, message_id=message.id),
            }
        )
    return found


def _with_address(address: str, text: str) -> str:
    """What is known of an event, with the address of its message, which many texts name themselves."""
    is_named = address.casefold() in text.casefold()
    return text if is_named else " · ".join(one for one in (address, text) if one)


def _steer(run_id: int, act: Callable[[Run], str]) -> Any:
    """One step on a committed run; what was done, or why not, is said on the page that follows."""
    run = run_or_404(run_id)
    try:
        flash(act(run), "success")
    except control.ControlRefused as problem:
        flash(refusal_words(problem), "warning")
    after_commit(lambda: ring(tasks.DRAIN))
    return redirect(_page_after(run, url_for("outbox.progress", run_id=run.id)), 303)


@requires(Permission.OUTBOX_COMMIT)
def pause(run_id: int) -> Any:
    """Let nothing more begin."""

    def act(run: Run) -> str:
        control.pause_run(db(), signed_in_actor(), run)
        return str(_("Paused. What had begun is finished; nothing more begins."))

    return _steer(run_id, act)


@requires(Permission.OUTBOX_COMMIT)
def resume(run_id: int) -> Any:
    """Go on."""

    def act(run: Run) -> str:
        control.resume_run(db(), signed_in_actor(), run)
        return str(_("Sending goes on."))

    return _steer(run_id, act)


@requires(Permission.OUTBOX_COMMIT)
def cancel(run_id: int) -> Any:
    """Call back what has not left."""

    def act(run: Run) -> str:
        count = control.cancel_run(db(), signed_in_actor(), run)
        return str(
            ngettext(
                "%(num)d message was cancelled; it will not leave.",
                "%(num)d messages were cancelled; they will not leave.",
                count,
            )
        )

    return _steer(run_id, act)


@requires(Permission.OUTBOX_COMMIT)
def retry(run_id: int) -> Any:
    """Send the failures once more."""

    def act(run: Run) -> str:
        count = control.retry_failed(db(), signed_in_actor(), run)
        return str(ngettext("%(num)d message is tried again.", "%(num)d messages are tried again.", count))

    return _steer(run_id, act)


@requires(Permission.OUTBOX_COMMIT)
def hasten(run_id: int) -> Any:
    """Try the waiting messages now."""

    def act(run: Run) -> str:
        count = control.hasten_waiting(db(), signed_in_actor(), run)
        return str(ngettext("%(num)d message is tried again.", "%(num)d messages are tried again.", count))

    return _steer(run_id, act)


def add_run_routes(bp: Blueprint) -> None:
    """Register the pages on the room's blueprint (whose prefix is /outbox)."""
    run = "/<int:run_id>"
    bp.add_url_rule("", "list_runs", list_runs)
    bp.add_url_rule(f"{run}/commit", "commit_page", commit_page, methods=["GET", "POST"])
    bp.add_url_rule(f"{run}/progress", "progress", progress)
    for name, view in (
        ("undo", undo), ("pause", pause), ("resume", resume), ("cancel", cancel), ("retry", retry),
        ("hasten", hasten),
    ):  # fmt: skip
        bp.add_url_rule(f"{run}/{name}", f"{name}_run", view, methods=["POST"])
