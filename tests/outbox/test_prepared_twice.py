"""The worker takes up a run that seems forgotten while the process that made it still draws its PDFs."""

import threading
import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import now
from crm_mail.documents import printing
from crm_mail.documents.models import DocumentFile, RenderedFile
from crm_mail.documents.printing import Printed
from crm_mail.installation import Installation
from crm_mail.outbox import tasks
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing import preparation
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.heartbeat import beating
from crm_mail.outbox.preparing.preparation import finish_preparation
from crm_mail.outbox.preparing.prepare import create_run
from tests.factories import make_account, make_actor, make_company, make_document, make_party


def test_who_comes_second_is_told_what_was_prepared(home: Installation) -> None:
    """Without this, a command that draws for longer than the worker's patience fails although all is well."""
    actor = make_actor()
    with home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        for number in range(3):
            make_document(
                session, make_party(session, company, email=f"p{number}@x.example" if number else "")
            )
        run_id = create_run(session, actor, Criteria(PartyFilter(company.id))).id
    first = finish_preparation(home, actor, run_id)
    assert (first.messages, first.blocked) == (3, 3)
    assert finish_preparation(home, actor, run_id) == first
    with home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 3


def test_a_run_whose_pdfs_are_still_being_drawn_is_left_alone(sqlite_home: Installation) -> None:
    """Drawing may take minutes; only a run without a sign of life is taken up by another process."""
    with sqlite_home.database.write() as session:
        run_id = create_run(session, make_actor(), Criteria(PartyFilter(make_company(session).id))).id
        session.get_one(Run, run_id).created_at = now() - 2 * tasks.GRACE
    with beating(sqlite_home, run_id, every=0.01):
        assert tasks.fill_waiting_runs(sqlite_home) == []
        first = _heartbeat(sqlite_home, run_id)
        deadline = time.monotonic() + 5
        while _heartbeat(sqlite_home, run_id) == first:
            assert time.monotonic() < deadline
    with sqlite_home.database.write() as session:
        session.get_one(Run, run_id).heartbeat_at = now() - 2 * tasks.GRACE
    assert tasks.fill_waiting_runs(sqlite_home) == [run_id]


def test_drawing_gives_signs_of_life(sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_document(session, make_party(session, company), files=(), data={"lines": []})
        run_id = create_run(session, make_actor(), Criteria(PartyFilter(company.id))).id
    seen: list[datetime | None] = []
    monkeypatch.setattr(
        preparation, "print_documents", lambda *_arguments: seen.append(_heartbeat(sqlite_home, run_id))
    )
    finish_preparation(sqlite_home, make_actor(), run_id)
    assert seen
    assert seen[0] is not None


def _heartbeat(home: Installation, run_id: int) -> datetime | None:
    with home.database.read() as session:
        return session.get_one(Run, run_id).heartbeat_at


def test_one_pdf_drawn_by_two_processes_is_kept_once(home: Installation) -> None:
    with home.database.write() as session:
        company = make_company(session)
        document = make_document(session, make_party(session, company), files=(), data={"lines": []})
        document_id = document.id
    with home.database.read() as session:
        jobs = list(printing._jobs(session, home.store, [document_id]))
    contents = {jobs[0][1].key: (home.store.put(b"%PDF-1.7"), 8)}
    gate = threading.Barrier(2)
    errors: list[Any] = []

    def keep() -> None:
        gate.wait()
        try:
            with home.database.write() as session:
                printing._keep(session, jobs, contents, {}, set(contents), Printed())
                session.flush()
                slow.wait(0.5)
        except Exception as error:
            errors.append(error)

    slow = threading.Event()
    threads = [threading.Thread(target=keep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(RenderedFile)) == 1
        assert session.scalar(select(func.count()).select_from(DocumentFile)) == 1
