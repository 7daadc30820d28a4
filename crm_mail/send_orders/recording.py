"""Orders become messages of a run, in one transaction with the rows that remember them.

The id of an order and the hash of its file are written in the very transaction that makes its messages: a crash
before it leaves nothing, a crash after it finds the row and only moves the file. So none is lost and none doubled,
whoever takes a file up again. Services never commit; the watcher does.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.type_registry import company_types
from crm_mail.db import now
from crm_mail.delivery.routing import AddressKind
from crm_mail.documents.packagings import PackagingValues, list_packagings
from crm_mail.evidence.error_notices import note
from crm_mail.installation import Installation
from crm_mail.outbox.composing.compose import TypeNotSent, compose_run
from crm_mail.outbox.composing.parts import Composed, Composition, Origin
from crm_mail.outbox.models import LeftOut, Message, Run
from crm_mail.outbox.preparing.facts import FileFacts
from crm_mail.outbox.preparing.prepare import create_run, criteria_for_documents
from crm_mail.outbox.why_words import left_out_words
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor
from crm_mail.refusals import Refusal
from crm_mail.send_orders.linking import Directory, Linked, link_order, read_directory
from crm_mail.send_orders.models import OrderState, SendOrder, SendOrderMessage
from crm_mail.send_orders.orders import OrderRefused
from crm_mail.send_orders.reading import ReadOrder
from crm_mail.send_orders.servers import account_of_order
from crm_mail.send_orders.settings import OrderChoices
from crm_mail.send_orders.wording import explain
from crm_mail.web.translating import translator

ORDERS_ACTOR = Actor(None, "send orders", clearance=HIGHEST_CLEARANCE, is_admin=True)
"""Who prepares what lies in a folder of orders: nobody is at the keyboard. Committing is somebody else's (the gate)."""
LOOK_AGAIN = timedelta(seconds=10)
"""Between two looks for a missing attachment."""
MOST_PER_RUN = 200
"""Messages of a run made of orders: few enough that one transaction takes a moment."""


class Verdict(StrEnum):
    """What becomes of the file."""

    ACCEPTED = "accepted"  # recorded: its messages are in a run, or it waits for a file
    REPEATED = "repeated"  # the same order, recorded before
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one order; ``reason`` in the company's language; a copy is another file than the recorded one."""

    read: ReadOrder
    verdict: Verdict
    state: OrderState
    code: str = ""
    reason: str = ""
    is_copy: bool = False


class _Apart(Exception):
    """Orders that need a run of their own."""

    def __init__(self, orders: set[int]) -> None:
        super().__init__(orders)
        self.orders = orders


class _LeftOut(Exception):
    """An order of which no message was left."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Ready:
    """An order that only lacks its run."""

    row: SendOrder
    read: ReadOrder
    linked: Linked
    document_type: str
    account_id: int | None
    timeout_seconds: int


@dataclass(slots=True)
class Recorder:
    """Records the orders of one company inside the caller's transaction."""

    session: Session
    home: Installation
    company: Company
    choices: OrderChoices
    most_per_run: int = MOST_PER_RUN
    _packagings: dict[str, PackagingValues] = field(default_factory=dict)
    _results: dict[int, Recorded] = field(default_factory=dict)
    _types: frozenset[str] = frozenset()
    _directory: Directory = field(default_factory=lambda: Directory({}, {}))

    def record(self, orders: Sequence[ReadOrder]) -> list[Recorded]:
        """What became of each order, in their order."""
        self._packagings = {one.code: one for one in list_packagings(self.session, self.company.id)}
        self._types = frozenset(company_types(self.session, self.company.id).used)
        rows, new = self._rows(orders)
        self._directory = read_directory(
            self.session,
            self.company.id,
            (address for one in orders for address in (*one.order.to, *one.order.cc, *one.order.bcc)),
            (file.sha256 for one in orders for file in one.files),
        )
        ready: list[_Ready] = []
        results: list[Recorded | int] = []
        with self.session.no_autoflush:
            seen: dict[str, str] = {}
            for read in orders:
                row = rows[read.order_id]
                if read.order_id in seen:  # two files that differ in the capitals of their names
                    results.append(self._second(row, read, seen[read.order_id]))
                    continue
                seen[read.order_id] = read.sha256
                found = self._look_at(row, read, is_new=read.order_id in new)
                if isinstance(found, _Ready):
                    ready.append(found)
                    results.append(found.row.id)
                else:
                    results.append(found)
        self.session.flush()
        self._make_runs(ready)
        return [self._results[one] if isinstance(one, int) else one for one in results]

    def _second(self, row: SendOrder, read: ReadOrder, first: str) -> Recorded:
        if read.sha256 != first:
            return self._refusal(read, OrderRefused("id_reused"), row.state)
        return Recorded(read, Verdict.REPEATED, row.state, is_copy=True)

    def _look_at(self, row: SendOrder, read: ReadOrder, *, is_new: bool) -> "_Ready | Recorded":
        known = None if is_new else self._known(row, read)
        return known if known is not None else self._prepare(row, read)

    def _rows(self, orders: Sequence[ReadOrder]) -> tuple[dict[str, SendOrder], set[str]]:
        """The rows of the orders by their id, locked, and which are new. Workers at the same order meet here."""
        dialect = sqlite if self.session.get_bind().dialect.name == "sqlite" else postgresql
        first = {read.order_id: read for read in reversed(orders)}
        ids = sorted(first)  # in the same order in every worker: nobody waits for somebody who waits
        made = self.session.execute(
            dialect.insert(SendOrder)
            .values([self._new_row(first[id_]) for id_ in ids])
            .on_conflict_do_nothing(index_elements=["company_id", "order_id"])
            .returning(SendOrder.order_id)
        ).scalars()
        new = set(made)
        query = select(SendOrder).where(SendOrder.company_id == self.company.id, SendOrder.order_id.in_(ids))
        locked = self.session.scalars(query.order_by(SendOrder.order_id).with_for_update())
        return {row.order_id: row for row in locked}, new

    def _new_row(self, read: ReadOrder) -> dict[str, Any]:
        return {
            "company_id": self.company.id,
            "order_id": read.order_id,
            "sha256": read.sha256,
            "name": read.name[:200],
            "state": OrderState.WAITING,
            "received_at": now(),
            "to_address": "",
            "subject": "",
            "files": [],
            "document_ids": [],
            "problem": "",
            "params": {},
            "privacy_level": 0,
            "is_asked": False,
        }

    def _known(self, row: SendOrder, read: ReadOrder) -> Recorded | None:
        """What is known of an order that came before; None: it is to be worked on (again)."""
        if row.state is OrderState.REFUSED and row.run_id is None:
            row.sha256, row.settled_at = read.sha256, None  # corrected, or what stood in its way was
            return None
        if row.sha256 != read.sha256:
            return self._refusal(read, OrderRefused("id_reused"), row.state)
        if row.state is OrderState.WAITING:
            return None
        return Recorded(read, Verdict.REPEATED, row.state, is_copy=read.name != row.name)

    def _prepare(self, row: SendOrder, read: ReadOrder) -> "_Ready | Recorded":
        order = read.order
        row.to_address, row.subject = (order.to or ("",))[0], order.subject
        if read.refused is not None:
            return self._refuse(row, read, read.refused)
        if read.missing is not None:
            return self._wait(row, read, read.missing)
        try:
            linked = link_order(
                self.session,
                self.company.id,
                order,
                read.files,
                self._directory,
                self.choices.stranger_party,
            )
            row.party_id = linked.party.id
            row.document_ids = [one.id for one in linked.documents]
            row.privacy_level = max((one.privacy_level for one in linked.documents), default=0)
            row.files = [
                {name: value for name, value in asdict(file).items() if name != "uuids"}
                for file in read.files
            ]
            return _Ready(row, read, linked, self._type(read, linked), *self._server(read, linked))
        except OrderRefused as refused:
            return self._refuse(row, read, refused)

    def _type(self, read: ReadOrder, linked: Linked) -> str:
        types = {one.type for one in linked.documents}
        named = read.order.document_type or (types.pop() if len(types) == 1 else self.choices.document_type)
        if named not in self._types:
            raise OrderRefused("type_not_sent", type=named)
        return named

    def _server(self, read: ReadOrder, linked: Linked) -> tuple[int | None, int]:
        """Account and time-out in seconds: the order's own where the packaging allows it, else the packaging's.

        PM-3, PM-9, PM-10. None and 0: as for any other message.
        """
        code = read.order.packaging or linked.party.packaging or DEFAULT_PACKAGING
        packaging = self._packagings.get(code) or self._packagings[DEFAULT_PACKAGING]
        smtp, usual = read.order.smtp, packaging.timeout_seconds or 0
        if not packaging.uses_order_smtp:
            return packaging.smtp_account_id, usual
        account_id = packaging.smtp_account_id
        if smtp.is_given:
            account_id = account_of_order(self.session, self.home, ORDERS_ACTOR, self.company.id, read.order)
        return account_id, smtp.timeout_seconds or usual

    # What becomes of it

    def _wait(self, row: SendOrder, read: ReadOrder, missing: OrderRefused) -> Recorded:
        moment = now()
        row.wait_until = row.wait_until or moment + timedelta(minutes=self.choices.wait_minutes)
        if row.wait_until <= moment:
            return self._refuse(row, read, missing)
        row.state, row.look_at = OrderState.WAITING, moment + LOOK_AGAIN
        row.problem, row.params = missing.code, dict(missing.params)
        return Recorded(read, Verdict.ACCEPTED, row.state, missing.code)

    def _refuse(self, row: SendOrder, read: ReadOrder, refused: OrderRefused) -> Recorded:
        settle_refused(self.session, self.company, row, refused)
        return self._refusal(read, refused, row.state)

    def _refusal(self, read: ReadOrder, refused: OrderRefused, state: OrderState) -> Recorded:
        reason = explain(refused.code, refused.params, translator(self.company.language))
        if refused.code == "id_reused":
            note(self.session, self.company.id, "send_order", f"{read.name}: {reason}")
        return Recorded(read, Verdict.REFUSED, state, refused.code, reason)

    def _make_runs(self, ready: Sequence[_Ready]) -> None:
        """Runs for the orders of each type, and for those that only name documents."""
        groups: dict[str, list[_Ready]] = defaultdict(list)
        for one in ready:
            groups[one.document_type if one.linked.readers else ""].append(one)
        for type_, group in groups.items():
            for part in _parts(group, self.most_per_run):
                self._make_run(type_, part)

    def _make_run(self, type_: str, group: Sequence[_Ready]) -> None:
        try:
            with self.session.begin_nested():
                run_id = self._compose(type_, group) if type_ else self._by_documents(group)
        except _Apart as apart:  # what a person must look at does not hold up the others
            rest = [one for one in group if one.row.id not in apart.orders]
            for part in (rest, *([one] for one in group if one.row.id in apart.orders)):
                self._make_run(type_, part)
        except _LeftOut as left_out:
            self._refuse_group(group, OrderRefused("left_out", why=left_out.reason))
        except TypeNotSent:
            self._refuse_group(group, OrderRefused("type_not_sent", type=type_))
        except Refusal as refused:
            if len(group) > 1:
                for one in group:
                    self._make_run(type_, [one])
            else:
                self._refuse_group(group, OrderRefused("prepare_failed", why=str(refused)))
        else:
            for one in group:
                self._accept(one, run_id)

    def _refuse_group(self, group: Sequence[_Ready], refused: OrderRefused) -> None:
        for one in group:
            self._results[one.row.id] = self._refuse(one.row, one.read, refused)

    def _accept(self, one: _Ready, run_id: int) -> None:
        row = one.row
        row.run_id, row.state, row.is_asked = run_id, OrderState.OUTBOX, False
        row.look_at, row.wait_until, row.problem, row.params = None, None, "", {}
        self._results[row.id] = Recorded(one.read, Verdict.ACCEPTED, row.state)

    def _compose(self, type_: str, group: Sequence[_Ready]) -> int:
        composition = Composition(
            self.company.id,
            type_,
            self._title(group),
            Origin.SEND_ORDER,
            origin_name=group[0].read.name if len(group) == 1 else "",
            once_per_address=False,
            cleans_html=False,  # `bodies` has cleaned it
        )
        messages = [message for one in group for message in _messages(one)]
        run, _prepared = compose_run(self.session, ORDERS_ACTOR, self.home, composition, messages)
        self._link(run, group)
        return run.id

    def _link(self, run: Run, group: Sequence[_Ready]) -> None:
        """Remember which messages an order became; raise when one holds up the others, or became none at all."""
        rows = self.session.execute(
            select(Message.id, Message.why, Message.blockers, Message.to_kind, Message.privacy_level).where(
                Message.run_id == run.id
            )
        ).all()
        asks = not self.company.unknown_is_ordinary
        pairs = [{"order_id": row.why["send_order"], "message_id": row.id} for row in rows]
        held = {
            row.why["send_order"]
            for row in rows
            if row.blockers or (asks and row.to_kind is AddressKind.UNKNOWN)
        }
        gone = {one.row.id for one in group} - {pair["order_id"] for pair in pairs}
        if len(group) > 1 and held | gone:
            raise _Apart(held | gone)
        if gone:
            raise _LeftOut(self._left_out_words(run))
        self.session.execute(insert(SendOrderMessage), pairs)
        orders = {one.row.id: one.row for one in group}
        for row in rows:
            order = orders[row.why["send_order"]]
            order.privacy_level = max(order.privacy_level, row.privacy_level)

    def _left_out_words(self, run: Run) -> str:
        reasons = self.session.scalars(select(LeftOut.reason).where(LeftOut.run_id == run.id).distinct())
        _ = translator(self.company.language)
        return "; ".join(left_out_words(reason, _)[0] for reason in reasons)

    def _by_documents(self, group: Sequence[_Ready]) -> int:
        """A run like that of the button on a document's page: its customers' contacts, texts and packaging decide."""
        documents = {one.id: one.type for ready in group for one in ready.linked.documents}
        criteria = criteria_for_documents(self.company.id, documents.items())
        return create_run(self.session, ORDERS_ACTOR, criteria, self._title(group)).id

    def _title(self, group: Sequence[_Ready]) -> str:
        _ = translator(self.company.language)
        if len(group) == 1:
            return (_("Send order %(id)s") % {"id": group[0].read.order_id})[:200]
        return _("Send orders (%(count)s)") % {"count": len(group)}


def _parts(group: Sequence[_Ready], most: int) -> Iterator[Sequence[_Ready]]:
    """The orders in runs of so many messages at most; an order is never divided."""
    part: list[_Ready] = []
    count = 0
    for one in group:
        size = len(one.linked.readers) or len(one.linked.documents)
        if part and count + size > most:
            yield part
            part, count = [], 0
        part.append(one)
        count += size
    if part:
        yield part


def _messages(one: _Ready) -> list[Composed]:
    """A message to each reader, with the order's text and files."""
    order, linked = one.read.order, one.linked
    pictures = {sha256: content_id for content_id, sha256 in one.read.pictures.items()}
    files = tuple(
        FileFacts(
            file.name,
            file.mime,
            file.sha256,
            file.size,
            content_id=pictures.get(file.sha256, ""),
            document_id=linked.of_file.get(file.sha256),
        )
        for file in one.read.files
    )
    return [
        Composed(
            subject=order.subject,
            body_text=order.text,
            body_html=order.html,
            contact_id=reader.contact_id,
            party_id=reader.party_id if reader.contact_id is None else None,
            address=reader.address,
            language=order.language,
            files=files,
            document_ids=tuple(document.id for document in linked.documents),
            privacy_level=one.row.privacy_level,
            account_id=one.account_id,
            reply_to=order.reply_to,
            timeout_seconds=one.timeout_seconds,
            why={"send_order": one.row.id, "order_name": one.read.name},
        )
        for reader in linked.readers
    ]


def settle_refused(session: Session, company: Company, row: SendOrder, refused: OrderRefused) -> str:
    """Write down that an order is refused, in the audit too, and tell the error address (PM-19); the reason."""
    row.state, row.settled_at, row.look_at, row.wait_until = OrderState.REFUSED, now(), None, None
    row.problem, row.params = refused.code, dict(refused.params)
    reason = explain(refused.code, refused.params, translator(company.language))
    note(session, company.id, "send_order", f"{row.name}: {reason}")
    audit.record(
        session,
        ORDERS_ACTOR,
        "send_orders.refused",
        company_id=company.id,
        label=row.name,
        problem=refused.code,
        reason=reason[:500],
    )
    return reason
