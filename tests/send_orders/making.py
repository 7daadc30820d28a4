"""Makers for the tests of send orders: a company with its folder, order files, and a watcher that waits for nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import today
from crm_mail.delivery.transports import Security
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.standing.limits import Limits
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.outbox.standing.service import give_standing
from crm_mail.send_orders.models import SendOrder
from crm_mail.send_orders.settings import OrderChoices, folder_of, save_choices
from crm_mail.send_orders.watching import OrderReport, OrderWatcher
from crm_mail.users.actors import build_actor
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_party,
    make_user,
    outbox_grants,
)

ACTOR = make_actor()
TO = "compras@cedimu.example"


def order_xml(
    to: str = TO,
    title: str = "CFDI A-123",
    body: str = "Estimado cliente",
    files: Sequence[str] = (),
    more: str = "",
) -> bytes:
    """An order as Proscai might write it."""
    listed = "".join(f"<File>{escape(file)}</File>" for file in files)
    return (
        f"<MailRequest><To>{escape(to)}</To><Subject>{escape(title)}</Subject><Body>{escape(body)}</Body>"
        f"<Attachments>{listed}</Attachments>{more}</MailRequest>"
    ).encode()


def make_office(
    session: Session, home: Installation, *, port: int = 25, **choices: Any
) -> tuple[Company, Path]:
    """A company with an account, a customer with a contact, and its watched folder."""
    company = make_company(
        session,
        unknown_is_ordinary=True,
        undo_seconds=0,
        language="es",
        error_address="errores@office.example",
    )
    make_account(session, company, port=port, security=Security.NONE, timeout_seconds=5)
    make_contact(session, make_party(session, company, code="CEDIMU"), ((TO, "ordinary"),))
    folder = watch(session, home, company, **choices)
    return company, folder


def watch(session: Session, home: Installation, company: Company, **choices: Any) -> Path:
    values = replace(OrderChoices(path=company.code, is_watched=True), **choices)
    folder = folder_of(home.settings, values)
    folder.mkdir(parents=True, exist_ok=True)
    save_choices(session, ACTOR, home.settings, company, values)
    return folder


def make_standing(session: Session, company: Company, **limits: Any) -> StandingAuthorisation:
    """A standing authorisation for invoices, given by a person who may commit them."""
    giver = make_user(session, clearance=3, grants=list(outbox_grants(company.id)))
    values: dict[str, Any] = {
        "document_types": frozenset({"invoice"}),
        "most_per_run": 1000,
        "most_per_day": 100_000,
        "from_minute": 0,
        "to_minute": 1440,
        "weekdays": frozenset(range(7)),
        "last_on": today() + timedelta(days=30),
    }
    return give_standing(session, build_actor(session, giver), company, "Orders", Limits(**(values | limits)))


def drop(folder: Path, data: bytes | None = None, id_: str = "0012_20250115103045") -> Path:
    path = folder / f"_CFD_MAIL_REQ_{id_}.XML"
    path.write_bytes(order_xml() if data is None else data)
    return path


def watcher(home: Installation, reports: list[OrderReport] | None = None, **options: Any) -> OrderWatcher:
    return OrderWatcher(
        home, on_order=(reports if reports is not None else []).append, **({"patience": 0.0} | options)
    )


def look(home: Installation, **options: Any) -> list[OrderReport]:
    """Two looks, as a worker takes them: what was there becomes orders."""
    reports: list[OrderReport] = []
    one = watcher(home, reports, **options)
    one.turn()
    one.turn()
    return reports


def orders(home: Installation) -> list[SendOrder]:
    with home.database.read() as session:
        return list(session.scalars(select(SendOrder).order_by(SendOrder.id)))


def messages(home: Installation) -> list[Message]:
    with home.database.read() as session:
        found = list(session.scalars(select(Message).order_by(Message.id)))
        for one in found:
            _ = one.content, one.files
        return found


def names(folder: Path) -> list[str]:
    """Every file below the folder, by its path in it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
