"""The worker takes up a run that seems forgotten while the process that made it still draws its PDFs."""

import threading
from typing import Any

from sqlalchemy import func, select

from crm_mail.contacts.party_filter import PartyFilter
from crm_mail.documents import printing
from crm_mail.documents.models import DocumentFile, RenderedFile
from crm_mail.documents.printing import Printed
from crm_mail.installation import Installation
from crm_mail.outbox.criteria import Criteria
from crm_mail.outbox.models import Message
from crm_mail.outbox.preparation import finish_preparation
from crm_mail.outbox.prepare import create_run
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
