"""A long run is prepared by two processes: the same rows as by one, and none lost when the other process dies."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.recording import Word, record_consent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Contact
from crm_mail.documents.packagings import PackagingValues, save_packaging
from crm_mail.installation import Installation
from crm_mail.outbox.models import (
    LeftOut,
    Message,
    MessageContent,
    MessageDocument,
    MessageFile,
    MessageIssue,
)
from crm_mail.outbox.preparing import due, side_by_side
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.draft_rows import Part
from crm_mail.outbox.preparing.parts import PartMaker, Task
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.outbox.preparing.prepare import Prepared, create_run
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import decide

PARTIES = 40
ACTOR = make_actor(clearance=1)


@pytest.fixture
def office(home: Installation, monkeypatch: pytest.MonkeyPatch) -> tuple[Installation, int]:
    """Forty customers with contacts, copies, confidential contacts and blocked rows; five of them in a part."""
    monkeypatch.setattr(due, "PARTIES_AT_ONCE", 5)
    monkeypatch.setattr(side_by_side, "LONG", 1)
    monkeypatch.setattr(side_by_side, "MOST_WAITING", 2)
    monkeypatch.setattr(side_by_side, "_processors", lambda: 2)
    sha256 = home.store.put(b"%PDF-1.7 an invoice")
    with home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        chain = PackagingValues("CHAIN", name_pattern="{customer}_{number}", zip_above_kb=0)
        save_packaging(session, make_actor(), company, chain, is_new=True)
        for number in range(PARTIES):
            packaging = "CHAIN" if number % 7 == 0 else ""
            email = f"p{number}@customer.example" if number % 3 else ""
            party = make_party(session, company, email=email, packaging=packaging)
            if number % 4 == 0:
                make_contact(session, party, subscriptions=("invoice",))
                make_contact(session, party, subscriptions=("invoice:cc",))
            if number % 5 == 0:
                make_contact(session, party, subscriptions=("invoice",), privacy_level=3)
            for _ in range(number % 3 + 1):
                make_document(session, party, ((f"Fattura ñ {number}.pdf", sha256, 19),))
        return home, company.id


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Wait until the other process is ready, so that it takes part whatever the machine; what it was asked for."""
    told: dict[str, Any] = {"parts": 0, "pid": 0}
    start, take_on = side_by_side._Beside.start, side_by_side._Beside.take_on

    def start_and_wait(self: side_by_side._Beside) -> None:
        start(self)
        if self._process is not None and self._pipe is not None:
            assert self._pipe.poll(60)
            told["pid"] = self._process.pid

    def take(self: side_by_side._Beside, documents: side_by_side.Documents) -> bool:
        is_taken = take_on(self, documents)
        told["parts"] += is_taken
        return is_taken

    monkeypatch.setattr(side_by_side._Beside, "start", start_and_wait)
    monkeypatch.setattr(side_by_side._Beside, "take_on", take)
    return told


def _prepare(home: Installation, company_id: int, types: tuple[str, ...] = ("invoice",)) -> Prepared:
    return prepare_run(home, ACTOR, Criteria(PartyFilter(company_id), types, only_unsent=False))


def _rows(home: Installation, run_id: int) -> list[Any]:
    """Everything that a run consists of but its own number and those of its messages."""
    tables = (MessageContent, MessageDocument, MessageFile, MessageIssue)
    with home.database.read() as session:
        messages = session.execute(
            select(Message.__table__).where(Message.run_id == run_id).order_by(Message.id)
        ).all()
        first = messages[0].id
        assert [row.id for row in messages] == list(range(first, first + len(messages)))
        found: list[Any] = [_without(row, "id", "run_id", "state") for row in messages]
        for table in tables:
            rows = session.execute(
                select(table.__table__)
                .join(Message, Message.id == table.message_id)
                .where(Message.run_id == run_id)
                .order_by(*table.__table__.primary_key.columns)
            )
            found += [(row.message_id - first, _without(row, "id", "run_id", "message_id")) for row in rows]
        left = session.execute(select(LeftOut.__table__).where(LeftOut.run_id == run_id)).all()
        return [*found, sorted(str(_without(row, "id", "run_id")) for row in left)]


def _without(row: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name not in names}


def _alone(home: Installation, company_id: int) -> Prepared:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(side_by_side, "_processors", lambda: 1)
        return _prepare(home, company_id)


def _clear(home: Installation, run_id: int) -> None:
    """Messages of the first run would put a warning on those of the second."""
    with home.database.write() as session:
        for message in session.scalars(select(Message).where(Message.run_id == run_id)):
            message.state = "cancelled"  # type: ignore[assignment]


def test_two_processes_make_the_rows_that_one_makes(
    office: tuple[Installation, int], beside: dict[str, Any]
) -> None:
    home, company_id = office
    alone = _alone(home, company_id)
    assert beside["parts"] == 0
    _clear(home, alone.run_id)
    both = _prepare(home, company_id)
    assert beside["parts"] >= 3
    assert both.messages > 30
    assert both.blocked
    assert both.hidden == len(range(0, PARTIES, 5))
    assert (both.messages, both.blocked, both.warnings, both.hidden) == (
        alone.messages,
        alone.blocked,
        alone.warnings,
        alone.hidden,
    )
    assert _rows(home, both.run_id) == _rows(home, alone.run_id)
    assert not multiprocessing.active_children()


def _signalled_at(place: int, number: int, told: dict[str, Any]) -> Callable[..., Part]:
    make, count = PartMaker.make, iter(range(100))

    def make_and_signal(self: PartMaker, *arguments: Any) -> Part:
        if next(count) == place and told["pid"]:
            os.kill(told["pid"], number)
        return make(self, *arguments)

    return make_and_signal


@pytest.mark.parametrize(("place", "number"), [(1, signal.SIGKILL), (2, signal.SIGKILL), (1, signal.SIGSTOP)])
def test_parts_of_a_process_that_dies_or_stands_still_are_made_by_the_other(
    office: tuple[Installation, int],
    beside: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    number: int,
) -> None:
    home, company_id = office
    alone = _alone(home, company_id)
    _clear(home, alone.run_id)
    monkeypatch.setattr(side_by_side, "AHEAD", 1)
    monkeypatch.setattr(side_by_side, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(PartMaker, "make", _signalled_at(place, number, beside))
    both = _prepare(home, company_id)
    assert beside["pid"]
    assert _rows(home, both.run_id) == _rows(home, alone.run_id)
    assert not multiprocessing.active_children()


def test_a_fault_here_ends_the_other_process_and_leaves_nothing(
    office: tuple[Installation, int], beside: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, company_id = office
    make, count = PartMaker.make, iter(range(100))

    def fail(self: PartMaker, *arguments: Any) -> Part:
        if next(count) == 1:
            raise OSError("disk full")
        return make(self, *arguments)

    monkeypatch.setattr(side_by_side, "AHEAD", 1)
    monkeypatch.setattr(PartMaker, "make", fail)
    with pytest.raises(OSError, match="disk full"):
        _prepare(home, company_id)
    assert beside["parts"]
    assert not multiprocessing.active_children()
    with home.database.read() as session:
        assert session.scalars(select(Message)).all() == []


def test_messages_that_name_themselves_are_made_by_one(
    office: tuple[Installation, int], beside: dict[str, Any]
) -> None:
    """A link to unsubscribe holds its message's id, which the other process does not know."""
    home, company_id = office
    with home.database.write() as session:
        decide(session, session.get_one(Company, company_id), "invoice", asks_consent=True)
    _prepare(home, company_id)
    assert beside == {"parts": 0, "pid": 0}


def test_a_type_that_asks_for_consent_divides_a_run_without_such_documents(
    office: tuple[Installation, int], beside: dict[str, Any]
) -> None:
    home, company_id = office
    assert _prepare(home, company_id, ("invoice", "price_list")).messages > 30
    assert beside["parts"]


def test_a_part_without_ids_holds_no_link_that_names_its_message(office: tuple[Installation, int]) -> None:
    home, company_id = office
    with home.database.write() as session:
        company = session.get_one(Company, company_id)
        decide(session, company, "invoice", asks_consent=True)
        agreed = Word(Purpose.COMMERCIAL, ConsentChannel.EMAIL, Decision.GIVEN, Source.PERSON)
        for contact in session.scalars(select(Contact).where(Contact.privacy_level == 0)):
            record_consent(session, ACTOR, contact, agreed)
        criteria = Criteria(PartyFilter(company_id), ("invoice",))
        run = create_run(session, ACTOR, criteria)
        maker = PartMaker.of(session, Task.of(session, run, company, criteria, ACTOR), home.store.has, home)
        assert maker.divisible_criteria() is None
        documents = next(due.due_batches(session, criteria, ACTOR.sight))
        assert maker.make(documents, lambda count: range(7, count + 7)).messages
        with pytest.raises(ValueError, match="needs its id"):
            maker.make(documents)


def test_without_a_second_processor_or_process_one_does_it(
    office: tuple[Installation, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, company_id = office

    def refuse(*_arguments: Any, **_more: Any) -> Iterator[None]:
        raise OSError("no more processes")

    monkeypatch.setattr(side_by_side._SPAWN, "Process", refuse)
    assert _prepare(home, company_id).messages > 30
