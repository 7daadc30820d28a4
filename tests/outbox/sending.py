"""Makers for the sending tests: committed runs, accounts on real local servers, and looks into what came of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.delivery.models import AccountKind, Security, SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Attempt, Message, MessageContent, MessageEvent, MessageFile, Run
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import MessageState, RunState
from tests.delivery.servers import Faults, FaultyServer
from tests.factories import make_account, make_actor, make_company, make_party

ACTOR = make_actor()
NO_PAUSES = (timedelta(0),) * 3


def make_run(
    session: Session,
    account: SenderAccount,
    count: int = 1,
    *,
    files: Sequence[tuple[str, str, int]] = (),
    **overrides: Any,
) -> Run:
    """A run under review with ``count`` messages by one account; ``overrides`` are columns of its messages."""
    company = session.get_one(Company, account.company_id)
    party = session.scalar(select(Party).where(Party.company_id == company.id)) or make_party(
        session, company
    )
    run = Run(company_id=company.id, title="Test", state=RunState.REVIEW, document_types=["invoice"])
    session.add(run)
    session.flush()
    add_messages(session, run, party, account, count, files=files, **overrides)
    return run


def add_messages(
    session: Session,
    run: Run,
    party: Party,
    account: SenderAccount,
    count: int,
    *,
    files: Sequence[tuple[str, str, int]] = (),
    **overrides: Any,
) -> list[Message]:
    messages = []
    is_pec = account.kind is AccountKind.PEC
    for number in range(count):
        values: dict[str, Any] = {
            "party_code": party.code,
            "party_name": party.name,
            "language": "it",
            "to_address": f"r{run.id}-{number}@customer.example",
            "to_kind": AddressKind.PEC if is_pec else AddressKind.ORDINARY,
            "is_edited": True,  # no contact stands behind the address
            "channel": Channel.PEC if is_pec else Channel.SMTP,
            "subject": f"Fattura {number}",
            "document_types": "invoice",
        }
        message = Message(
            run_id=run.id,
            company_id=run.company_id,
            party_id=party.id,
            account_id=account.id,
            file_count=len(files),
            **(values | overrides),
        )
        message.content = MessageContent(body_text=f"Buongiorno, è la fattura {number}.\n")
        message.files = [
            MessageFile(position=i, name=name, mime="application/pdf", sha256=sha256, size=size)
            for i, (name, sha256, size) in enumerate(files)
        ]
        messages.append(message)
    session.add_all(messages)
    session.flush()
    return messages


def commit(session: Session, run: Run, **options: Any) -> int:
    """Commit the run without an undo window and make it durable; its id."""
    commit_run(session, ACTOR, run, **({"skip_undo": True, "unknown_is_ordinary": True} | options))
    session.commit()
    return run.id


def on_server(session: Session, port: int, company: Company | None = None, **overrides: Any) -> SenderAccount:
    """An ordinary account on a local server."""
    values: dict[str, Any] = {"port": port, "security": Security.NONE, "timeout_seconds": 5}
    return make_account(session, company or make_company(session), **(values | overrides))


@contextmanager
def committed_run(
    home: Installation, faults: Faults | None = None, count: int = 1, **options: Any
) -> Iterator[tuple[FaultyServer, int]]:
    """A server with faults and a committed run whose messages go there."""
    account_options = options.pop("account", {})
    with FaultyServer(faults) as server:
        with home.database.write() as session:
            account = on_server(session, server.port, **account_options)
            run_id = commit(session, make_run(session, account, count, **options))
        yield server, run_id


def send(home: Installation, **options: Any) -> Any:
    """Let a worker send until nothing is left."""
    return run_worker(home, until_idle=True, **options)


def states(home: Installation, run_id: int) -> dict[str, int]:
    with home.database.read() as session:
        return dict(
            Counter(s.value for s in session.scalars(select(Message.state).where(Message.run_id == run_id)))
        )


def run_state(home: Installation, run_id: int) -> RunState:
    with home.database.read() as session:
        return session.get_one(Run, run_id).state


def messages(home: Installation, run_id: int) -> list[Message]:
    with home.database.read() as session:
        return list(session.scalars(select(Message).where(Message.run_id == run_id).order_by(Message.id)))


def attempts(home: Installation, run_id: int) -> list[Attempt]:
    with home.database.read() as session:
        query = (
            select(Attempt).join(Message, Message.id == Attempt.message_id).where(Message.run_id == run_id)
        )
        return list(session.scalars(query.order_by(Attempt.id)))


def events(home: Installation, run_id: int) -> list[str]:
    with home.database.read() as session:
        query = select(MessageEvent.kind).join(Message, Message.id == MessageEvent.message_id)
        return list(session.scalars(query.where(Message.run_id == run_id).order_by(MessageEvent.id)))


def set_state(home: Installation, run_id: int, state: MessageState, **values: Any) -> None:
    """Put all messages of a run into a state, as some accident would."""
    with home.database.write() as session:
        for message in session.scalars(select(Message).where(Message.run_id == run_id)):
            message.state = state
            for name, value in values.items():
                setattr(message, name, value)
