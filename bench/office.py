"""An office to measure: an installation in a temporary folder, with parties, an account and a run of any size."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import insert
from sqlalchemy.orm import Session

from config import Settings
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.db import Base, now
from crm_mail.delivery.models import AccountKind, Security, SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Message, MessageContent, MessageFile, Run
from crm_mail.outbox.states import RunState
from crm_mail.permissions import INSTALLATION
from crm_mail.schema import import_models

TEXT = (
    "Gentile cliente,\n\nin allegato trova la fattura. Il pagamento è previsto entro la data indicata; per "
    "qualunque chiarimento l'ufficio amministrazione è a disposizione.\n\n"
)
"""Italian with an accent now and then, as such mails are."""


def text_of(size: int) -> str:
    """Text of about ``size`` bytes."""
    return (TEXT * (size // len(TEXT.encode()) + 1))[:size]


@contextmanager
def office(database_url: str = "") -> Iterator[Installation]:
    """An installation that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="crm-mail-bench-") as folder:
        home = open_office(Path(folder), database_url)
        Base.metadata.create_all(home.database.engine)
        try:
            yield home
        finally:
            home.database.dispose()


def open_office(folder: Path, database_url: str = "") -> Installation:
    """The installation in a folder; another process may open the same one."""
    import_models()
    settings = Settings(
        data_dir=folder,
        database_url=database_url,
        secret_key=SecretStr("a key for measuring only, long enough"),
    )
    return Installation(settings)


def make_sender(session: Session, port: int, connections: int, **overrides: Any) -> SenderAccount:
    """A company, a party and an account that sends to a local port."""
    company = Company(code=f"B{secrets.token_hex(3)}", name="Officine Bianchi S.p.A.")
    session.add(company)
    session.flush()
    session.add(Party(company_id=company.id, code="000001", name="Cliente S.r.l.", name_key="cliente s.r.l."))
    values: dict[str, Any] = {
        "name": "Sink",
        "kind": AccountKind.SMTP,
        "host": "127.0.0.1",
        "port": port,
        "security": Security.NONE,
        "from_name": "Officine Bianchi",
        "from_address": "fatture@bianchi.example",
        "max_connections": connections,
        "messages_per_connection": 1000,
    }
    account = SenderAccount(company_id=company.id, **(values | overrides))
    session.add(account)
    session.flush()
    return account


def make_committed_run(
    home: Installation,
    account: SenderAccount,
    count: int,
    text_size: int,
    files: list[tuple[str, int]],
    channel: Channel = Channel.SMTP,
    kind: AddressKind = AddressKind.ORDINARY,
    domain: str = "customer.example",
) -> int:
    """A committed run of ``count`` messages; the n-th carries the n-th of ``files`` (hash, size), if there are any."""
    with home.database.write() as session:
        run = Run(
            company_id=account.company_id, title="Measured", state=RunState.REVIEW, document_types=["invoice"]
        )
        session.add(run)
        session.flush()
        party = session.query(Party).filter_by(company_id=account.company_id).one()
        text = text_of(text_size)
        first = (session.query(Message.id).order_by(Message.id.desc()).limit(1).scalar() or 0) + 1
        way = {"channel": channel, "to_kind": kind}
        rows = [
            _row(run, party, account, first + n, bool(files))
            | {**way, "to_address": f"cliente{first + n}@{domain}"}
            for n in range(count)
        ]
        session.execute(insert(Message), rows)
        contents = [
            {"message_id": first + n, "body_text": f"{first + n}\n{text}", "body_html": ""}
            for n in range(count)
        ]
        session.execute(insert(MessageContent), contents)
        if files:
            session.execute(
                insert(MessageFile), [_file(first + n, *files[n % len(files)]) for n in range(count)]
            )
        commit_run(session, INSTALLATION, run, skip_undo=True)
        return run.id


def _row(run: Run, party: Party, account: SenderAccount, number: int, has_file: bool) -> dict[str, Any]:
    return {
        "id": number,
        "run_id": run.id,
        "company_id": run.company_id,
        "party_id": party.id,
        "account_id": account.id,
        "party_code": party.code,
        "party_name": party.name,
        "language": "it",
        "is_edited": True,  # no contact stands behind the address
        "subject": f"Fattura n. {number} del 2 novembre",
        "document_types": "invoice",
        "file_count": int(has_file),
    }


def _file(message_id: int, sha256: str, size: int) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "position": 0,
        "document_id": None,
        "name": f"fattura-{message_id}.pdf",
        "mime": "application/pdf",
        "sha256": sha256,
        "size": size,
    }


def store_files(home: Installation, count: int, size: int) -> list[tuple[str, int]]:
    """As many different files of one size as wanted: (hash, size)."""
    return [(home.store.put(b"%PDF-1.7\n" + secrets.token_bytes(size - 9)), size) for _ in range(count)]


def clock() -> Any:
    """The present, for reports."""
    return now()
