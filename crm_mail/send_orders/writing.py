"""Orders that are written here (PM-4): by themselves when a stamped document comes in, or by customer and period.

Such an order names the document and nobody: its customer's contacts, texts and packaging decide, as for every run. The
file's id is made of the document, so that writing it twice is the same order twice, which acts once.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from lxml import etree
from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company, Packaging
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.documents.models import Document
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.one_button.few_documents import find_obstacle
from crm_mail.outbox.states import LEFT
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.send_orders.folder import write_whole
from crm_mail.send_orders.models import SendOrderFolder, WrittenOrder
from crm_mail.send_orders.names import order_name
from crm_mail.send_orders.recording import ORDERS_ACTOR
from crm_mail.send_orders.settings import OrdersInvalid, folder_of, read_choices
from crm_mail.send_orders.settling import is_reachable

log = logging.getLogger(__name__)

NAMESPACE = "urn:crm-mail:send-order:1"
AT_ONCE = 200
LATE = timedelta(minutes=5)
"""Documents are looked for from a little before the option was switched on: clocks of machines differ."""


class FolderUnusable(Refusal):
    """The company has no folder of orders that this machine can write to."""

    def __init__(self, company: str, folder: object) -> None:
        super().__init__(
            f"the folder of send orders of {company} cannot be used here ({folder}): look at CRM_MAIL_MAILER_DIR and "
            "at the company's settings of send orders"
        )


@dataclass(frozen=True, slots=True)
class Written:
    """Files that were written. ``hindered``: documents that cannot be sent, with the obstacle."""

    names: tuple[str, ...]
    hindered: tuple[tuple[str, str], ...] = ()


def order_for(id_: str, document: Document, customer: str) -> bytes:
    """The XML of an order for one document (docs/send-orders.md has the schema)."""
    root = etree.Element(f"{{{NAMESPACE}}}send-order", nsmap={None: NAMESPACE})
    root.set("id", id_)
    etree.SubElement(root, f"{{{NAMESPACE}}}customer").set("code", customer)
    element = etree.SubElement(root, f"{{{NAMESPACE}}}document")
    uuid = (document.data.get("legal") or {}).get("uuid") or ""
    values = {
        "id": str(document.id),
        "type": document.type,
        "series": document.series,
        "number": document.number,
    }
    for name, value in (values | {"uuid": uuid}).items():
        if value:
            element.set(name, value)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def write_for_new_documents(home: Installation) -> int:
    """Write an order for each new document whose customer's packaging wants it; how many. Never raises."""
    count = 0
    try:
        with home.database.read() as session:
            companies = session.scalars(
                select(Packaging.company_id)
                .join(SendOrderFolder, SendOrderFolder.company_id == Packaging.company_id)
                .where(Packaging.writes_orders, SendOrderFolder.is_watched)
                .distinct()
            ).all()
        for company_id in companies:
            count += _write_new(home, company_id)
    except Exception:  # the sweep goes on, and comes back
        log.exception("Send orders for new documents could not be written.")
    return count


def _write_new(home: Installation, company_id: int) -> int:
    with home.database.read() as session:
        company = session.get_one(Company, company_id)
        folder = _folder(home, session, company)
        wanted = [
            one
            for one in session.scalars(_new_documents(session, company_id))
            if find_obstacle(session, ORDERS_ACTOR, one) is None
        ]
        texts = {one.id: (f"CRM-{one.id}", order_for(f"CRM-{one.id}", one, one.party.code)) for one in wanted}
    for id_, data in texts.values():
        write_whole(folder / order_name(id_), data)
    with home.database.write() as session:
        _remember(session, company_id, ((document_id, id_) for document_id, (id_, _data) in texts.items()))
    return len(texts)


def _new_documents(session: Session, company_id: int) -> Select[Document]:
    """Documents that came in since their packaging writes orders, and have none yet."""
    packagings = session.scalars(select(Packaging).where(Packaging.company_id == company_id)).all()
    known = [one.code for one in packagings]
    fitting: list[ColumnElement[bool]] = []
    for one in packagings:
        if not one.writes_orders or one.writes_orders_since is None:
            continue
        is_named = Party.packaging == one.code
        if one.code == DEFAULT_PACKAGING:  # also of whoever names none, or one that there is not
            is_named = or_(is_named, Party.packaging.not_in(known))
        wanted = is_named & (Document.created_at >= one.writes_orders_since - LATE)
        if one.types:
            wanted = wanted & Document.type.in_(one.types)
        if one.party_code:
            wanted = wanted & (Party.code == one.party_code)
        fitting.append(wanted)
    return (
        select(Document)
        .join(Party, Party.id == Document.party_id)
        .where(
            Document.company_id == company_id,
            Document.is_current,
            Document.is_mailable,
            Document.voided_at.is_(None),
            or_(*fitting),
            ~exists().where(WrittenOrder.document_id == Document.id),
        )
        .order_by(Document.id)
        .limit(AT_ONCE)
    )


def write_orders(
    home: Installation,
    session: Session,
    actor: Actor,
    company: Company,
    *,
    customer: str = "",
    from_on: date | None = None,
    to_on: date | None = None,
    types: Sequence[str] = (),
    again: bool = False,
) -> Written:
    """Write an order for each document of a customer, or of a period (PM-4, by hand).

    Args:
        again: also for what was sent, or had an order, before.

    Raises:
        PermissionDenied: the actor may not prepare documents here.
        FolderUnusable
    """
    actor.require(Permission.OUTBOX_PREPARE, company.id, *types)
    folder = _folder(home, session, company)
    names, hindered, written = [], [], []
    stamp = f"{now():%Y%m%dT%H%M%S}"
    for one in session.scalars(_chosen(company.id, customer, from_on, to_on, types, again=again)):
        obstacle = find_obstacle(session, actor, one)
        if obstacle is not None:
            hindered.append((f"{one.type} {one.series}{one.number}", obstacle.value))
            continue
        id_ = f"CRM-{one.id}-{stamp}" if again else f"CRM-{one.id}"
        write_whole(folder / order_name(id_), order_for(id_, one, one.party.code))
        names.append(order_name(id_))
        written.append((one.id, id_))
    _remember(session, company.id, written)
    if names:
        audit.record(
            session, actor, "send_orders.written", company_id=company.id, label=company.code, count=len(names)
        )
    return Written(tuple(names), tuple(hindered))


def _chosen(
    company_id: int,
    customer: str,
    from_on: date | None,
    to_on: date | None,
    types: Sequence[str],
    *,
    again: bool,
) -> Select[Document]:
    query = (
        select(Document)
        .join(Party, Party.id == Document.party_id)
        .where(Document.company_id == company_id, Document.is_current)
        .order_by(Document.id)
    )
    if customer:
        query = query.where(Party.code == customer)
    if from_on:
        query = query.where(Document.dated_on >= from_on)
    if to_on:
        query = query.where(Document.dated_on <= to_on)
    if types:
        query = query.where(Document.type.in_(types))
    if not again:
        was_sent = exists().where(
            MessageDocument.document_id == Document.id,
            Message.id == MessageDocument.message_id,
            Message.state.in_(sorted(LEFT)),
        )
        query = query.where(~was_sent, ~exists().where(WrittenOrder.document_id == Document.id))
    return query


def _folder(home: Installation, session: Session, company: Company) -> Path:
    try:
        folder = folder_of(home.settings, read_choices(session, company))
        if not is_reachable(home.settings, folder):
            raise FolderUnusable(company.code, folder)
    except (OrdersInvalid, OSError) as trouble:
        raise FolderUnusable(company.code, trouble) from None
    return folder


def _remember(session: Session, company_id: int, written: Iterable[tuple[int, str]]) -> None:
    rows = [
        {"document_id": document_id, "company_id": company_id, "order_id": id_, "written_at": now()}
        for document_id, id_ in written
    ]
    if rows:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        session.execute(dialect.insert(WrittenOrder).values(rows).on_conflict_do_nothing())
