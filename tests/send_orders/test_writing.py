"""Orders written here: by themselves for stamped documents, or by customer and period (PM-4)."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from crm_mail.cli import cli
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.documents.packagings import PackagingValues, save_packaging
from crm_mail.installation import Installation
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.send_orders.models import OrderState
from crm_mail.send_orders.writing import write_for_new_documents
from tests.delivery.servers import FaultyServer
from tests.factories import make_contact, make_document, make_party
from tests.send_orders.making import (
    ACTOR,
    look,
    make_office,
    make_standing,
    messages,
    names,
    orders,
    watch,
    watcher,
)

PDF = b"%PDF-1.7 the invoice"


def make_stamped(session: Session, home: Installation, company: Company, code: str, **values: Any) -> int:
    party = make_party(session, company, code=code)
    make_contact(session, party, ((f"{code.lower()}@x.example", "ordinary"),), subscriptions=("invoice",))
    digest = home.store.put(PDF)
    return make_document(session, party, files=(("A1.pdf", digest, len(PDF)),), **values).id


def test_a_stamped_document_gets_its_order_by_itself_and_leaves_once(home: Installation) -> None:
    """PM-4: *al timbrar*; the option belongs to the packaging, and older or unstamped documents get none."""
    with FaultyServer() as server:
        with home.database.write() as session:
            company, folder = make_office(session, home, port=server.port)
            watch(session, home, company, authorisation_id=make_standing(session, company).id)
            make_stamped(session, home, company, "OLD", created_at=company.created_at.replace(year=2020))
            save_packaging(
                session, ACTOR, company, PackagingValues(DEFAULT_PACKAGING, writes_orders=True), is_new=False
            )
            stamped = make_stamped(session, home, company, "NEW")
            make_stamped(session, home, company, "RAW", is_mailable=False, not_mailable_reason="unstamped")
        assert write_for_new_documents(home) == 1
        assert write_for_new_documents(home) == 0
        assert names(folder) == [f"_CFD_MAIL_REQ_CRM-{stamped}.XML"]
        look(home)
        watcher(home).turn()
        run_worker(home, until_idle=True)
        watcher(home).turn()
    assert [list(recipients) for recipients, _data in server.received] == [["new@x.example"]]
    (row,) = orders(home)
    assert (row.state, row.document_ids) == (OrderState.SENT, [stamped])


def test_orders_are_written_by_customer_and_period_from_the_command_line(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PM-4: *de manera manual filtrando por cliente o por fecha*; nothing twice unless asked for."""
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(home.settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", home.settings.database_url)
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)
    with home.database.write() as session:
        company, folder = make_office(session, home)
        first = make_stamped(session, home, company, "C1", dated_on=date(2026, 11, 2))
        make_stamped(session, home, company, "C2", dated_on=date(2026, 10, 2))
        make_stamped(session, home, company, "C3", dated_on=date(2026, 11, 3), is_mailable=False)
        code = company.code

    def write(*options: str) -> dict[str, Any]:
        done = CliRunner().invoke(cli, ["orders", "write", "--company", code, *options, "--json"])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output))

    november = ("--from", "2026-11-01", "--to", "2026-11-30")
    done = write(*november)
    assert done["written"] == [f"_CFD_MAIL_REQ_CRM-{first}.XML"]
    assert [one["obstacle"] for one in done["hindered"]] == ["not_mailable"]
    assert write(*november)["written"] == []
    assert len(write("--customer", "C2")["written"]) == 1
    look(home)
    watcher(home).turn()
    assert sorted(one.to_address for one in messages(home)) == ["c1@x.example", "c2@x.example"]
    (again,) = write("--customer", "C1", "--again")["written"]
    assert (Path(folder) / again).is_file()
    assert (
        CliRunner().invoke(cli, ["orders", "write", "--company", code]).exit_code == 1
    )  # not everything by mistake
