"""The parties of a batch of rows: found with a few statements, merged in memory, written with a few more.

A party is recognised by its code; a row without a code by VAT number, tax code, then name. Where the row has a
code that is not stored, a party of the same VAT number or tax code whose own code is only that number (it came
from an invoice) takes the code of the row: branches that share a number keep their own codes.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.tax_numbers import clean_number, number_forms
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.models import Party
from crm_mail.contacts.values import name_key, one_line
from crm_mail.db import now
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.base import Notice, ParsedParty, ParsedRow, PartyKind
from crm_mail.importers.bulk_insert import insert_rows
from crm_mail.many_rows import chunks, update_many
from crm_mail.permissions import EVERYTHING, Sight

CHUNK: Final = 1000
"""Values in one IN list: below the limit of parameters of either database."""

_TABLE: Final = Party.__table__
_TEXTS: Final = (
    "address",
    "postcode",
    "city",
    "province",
    "country",
    "zone",
    "agent",
    "category",
    "language",
)
_COLUMNS: Final = (
    "code",
    "name",
    "name_key",
    "is_customer",
    "is_supplier",
    "vat_number",
    "tax_code",
    *_TEXTS,
    "credit_days",
    "email",
    "email_kind",
    "billing_email",
    "billing_email_kind",
    "packaging",
    "packaging_emails",
)
_EMPTY: Final[dict[str, Any]] = dict.fromkeys(_COLUMNS, "") | {
    "credit_days": None,
    "is_customer": False,
    "is_supplier": False,
    "email_kind": AddressKind.UNKNOWN,
    "billing_email_kind": AddressKind.UNKNOWN,
    "packaging": DEFAULT_PACKAGING,
}


@dataclass(slots=True, eq=False)
class PartyState:
    """A party as it will be: `values` by column, and what is stored (None: it is new)."""

    values: dict[str, Any]
    stored: dict[str, Any] | None = None
    id: int = 0

    def changes(self) -> dict[str, Any]:
        """The columns that differ from what is stored."""
        if self.stored is None:
            return self.values
        stored = self.stored
        return {name: value for name, value in self.values.items() if stored[name] != value}


@dataclass(slots=True)
class PartyBatch:
    """Every party that the rows of a batch may mean."""

    by_code: dict[str, PartyState] = field(default_factory=dict)
    by_vat: dict[str, list[PartyState]] = field(default_factory=dict)
    by_tax_code: dict[str, list[PartyState]] = field(default_factory=dict)
    by_name: dict[str, PartyState] = field(default_factory=dict)
    by_id: dict[int, PartyState] = field(default_factory=dict)
    new: list[PartyState] = field(default_factory=list)
    changed: list[tuple[int, PartyState, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """Rows that changed a stored party, with the columns as they were before and after the row."""

    def remember(self, state: PartyState) -> None:
        """Make a party findable."""
        values = state.values
        self.by_code[values["code"]] = state
        self.by_name.setdefault(values["name_key"], state)
        for found, text in ((self.by_vat, values["vat_number"]), (self.by_tax_code, values["tax_code"])):
            if text:
                found.setdefault(clean_number(text), []).append(state)


class PartyMerge:
    """Finds, makes and changes the parties of one company, batch by batch, in one transaction."""

    def __init__(self, session: Session, company_id: int, sight: Sight = EVERYTHING) -> None:
        self.session = session
        self._seen = visible_parties(sight)
        self._sight = sight
        self.company_id = company_id
        self.created = 0
        self.updated = 0
        zeros = select(Party.code).where(
            Party.company_id == company_id,
            Party.code >= "0",
            Party.code < "1",
            Party.code.startswith("0"),
            *self._seen,
        )
        self._with_zeros = {code.lstrip("0"): code for code in session.scalars(zeros)}

    def load(self, rows: Sequence[ParsedRow]) -> PartyBatch:
        """Read the parties that the rows may mean."""
        parties = [row.party for row in rows if row.party is not None]
        codes = {
            code for party in parties if party.code for code in (party.code, party.code.lstrip("0")) if code
        }
        vats = {form for party in parties if party.vat_number for form in number_forms(party.vat_number)}
        taxes = {form for party in parties if party.tax_code for form in number_forms(party.tax_code)}
        names = {name_key(p.name) for p in parties if p.name and (key := p.match_key) and key[0] == "name"}
        codes |= vats | taxes  # a document may have made the number the code
        batch = PartyBatch()
        columns = [_TABLE.c.id, *(_TABLE.c[name] for name in _COLUMNS)]
        for column, wanted in (
            (_TABLE.c.code, codes),
            (_TABLE.c.vat_number, vats),
            (_TABLE.c.tax_code, taxes),
            (_TABLE.c.name_key, names),
        ):
            self._read(batch, columns, column, wanted)
        return batch

    def _read(
        self,
        batch: PartyBatch,
        columns: Sequence[ColumnElement[Any]],
        column: ColumnElement[Any],
        wanted: set[str],
    ) -> None:
        for values in chunks(sorted(wanted), CHUNK):
            query = select(*columns).where(
                _TABLE.c.company_id == self.company_id, column.in_(values), *self._seen
            )
            for row in self.session.execute(query.order_by(_TABLE.c.id)):
                party_id, *rest = row
                if party_id not in batch.by_id:
                    stored = dict(zip(_COLUMNS, rest, strict=True))
                    state = PartyState(dict(stored), stored, party_id)
                    batch.by_id[party_id] = state
                    batch.remember(state)

    def outside(self, batch: PartyBatch, rows: Sequence[ParsedRow]) -> set[int]:
        """The numbers of the rows about customers that do not exist for the person, or would not afterwards."""
        if self._sight.is_whole:
            return set()
        codes = {row.party.code for row in rows if row.party is not None and row.party.code}
        taken: set[str] = set()
        for values in chunks(sorted(codes - batch.by_code.keys()), CHUNK):
            query = select(Party.code).where(Party.company_id == self.company_id, Party.code.in_(values))
            taken.update(self.session.scalars(query))
        return {
            row.row for row in rows if row.party is not None and self._is_outside(batch, row.party, taken)
        }

    def _is_outside(self, batch: PartyBatch, party: ParsedParty, taken: set[str]) -> bool:
        if party.code in taken:
            return True
        known = batch.by_code.get(party.code or "")
        agent, zone = (known.values["agent"], known.values["zone"]) if known else ("", "")
        return not self._sight.covers(
            agent if party.agent is None else party.agent, zone if party.zone is None else party.zone
        )

    def merge(self, batch: PartyBatch, row: ParsedRow, notices: list[Notice]) -> tuple[PartyState, bool]:
        """The party of a row, with what the row says of it; True when the row changed or made it."""
        party = row.party
        assert party is not None
        state = self._find(batch, party, row.row, notices)
        if state is None:
            state = self._make(batch, party, row.row, notices)
            self._warn_of_zeros(batch, state, row.row, notices)
            return state, True
        values = state.values
        before: dict[str, Any] = {}
        if party.code and party.code != values["code"]:  # it was found by a number
            before["code"] = values["code"]
            self._adopt(batch, state, party.code, row.row, notices)
        for name, value in _wanted(party, values).items():
            if values[name] != value:
                before[name] = values[name]
                values[name] = value
        if before and state.stored is not None:
            batch.changed.append((row.row, state, before, {name: values[name] for name in before}))
        return state, bool(before)

    def _find(
        self, batch: PartyBatch, party: ParsedParty, row: int, notices: list[Notice]
    ) -> PartyState | None:
        if party.code and (state := batch.by_code.get(party.code)) is not None:
            return state
        for found, text in ((batch.by_vat, party.vat_number), (batch.by_tax_code, party.tax_code)):
            if not text:
                continue
            candidates = _candidates(found, text)
            if party.code:
                candidates = [state for state in candidates if _is_own_number(state.values)]
            candidates = candidates or _coded(batch, text)
            if not candidates:
                continue
            state = candidates[0]
            if not party.code and len(candidates) > 1:
                params = {"value": text, "code": state.values["code"]}
                notices.append(Notice("ambiguous_party", params, row))
            return state
        key = party.match_key
        return batch.by_name.get(name_key(key[1])) if key is not None and key[0] == "name" else None

    def _adopt(
        self, batch: PartyBatch, state: PartyState, code: str, row: int, notices: list[Notice]
    ) -> None:
        notices.append(Notice("code_adopted", {"value": code, "other": state.values["code"]}, row))
        del batch.by_code[state.values["code"]]
        state.values["code"] = code
        batch.by_code[code] = state

    def _make(self, batch: PartyBatch, party: ParsedParty, row: int, notices: list[Notice]) -> PartyState:
        code = party.code
        if not code:
            code = self._free_code(batch, party)
            notices.append(Notice("code_made", {"value": code}, row))
        values = dict(_EMPTY)
        values["code"], values["name"], values["name_key"] = code, code, name_key(code)
        values["is_customer"] = party.kind is None
        values |= _wanted(party, values)
        state = PartyState(values)
        batch.new.append(state)
        batch.remember(state)
        return state

    def _free_code(self, batch: PartyBatch, party: ParsedParty) -> str:
        wanted = party.vat_number or party.tax_code or code_from_name(party.name or "")
        stem, number = wanted, 1
        while wanted in batch.by_code or self._is_stored(wanted):
            number += 1
            wanted = f"{stem}-{number}"
        return wanted

    def _is_stored(self, code: str) -> bool:
        query = select(Party.id).where(Party.company_id == self.company_id, Party.code == code)
        return self.session.scalar(query) is not None

    def _warn_of_zeros(self, batch: PartyBatch, state: PartyState, row: int, notices: list[Notice]) -> None:
        """RP-16: leading zeros count, and a code that differs only by them is most often a slip."""
        code = state.values["code"]
        bare = code.lstrip("0")
        other = self._with_zeros.get(bare)
        if other in (None, code) and bare != code:
            near = batch.by_code.get(bare)
            other = bare if near is not None and near.stored is not None else other
        if other is not None and other != code:
            notices.append(Notice("code_like_stored", {"value": code, "other": other}, row))

    def write(self, batch: PartyBatch) -> None:
        """Store what is new and what changed; new parties have their ids afterwards."""
        at = now()
        if batch.new:
            fixed = {"company_id": self.company_id, "created_at": at, "updated_at": at}
            ids = insert_rows(self.session, Party, [fixed | state.values for state in batch.new])
            for state, party_id in zip(batch.new, ids, strict=True):
                state.id = party_id
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for state in batch.by_id.values():
            if changes := state.changes():
                columns = changes | {"id": state.id, "updated_at": at}
                groups.setdefault(tuple(sorted(columns)), []).append(columns)
        for group in groups.values():
            update_many(self.session, Party, group)
            self.updated += len(group)
        self.created += len(batch.new)


def code_from_name(name: str) -> str:
    """A code that people can read, for a party that the file gives none: ``ROSSI-IMPIANTI-SRL``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    parts = re.sub(r"[^A-Za-z0-9]+", " ", plain.replace(".", "")).upper().split()
    return "-".join(parts)[:40].strip("-") or "P"


def _candidates(found: dict[str, list[PartyState]], text: str) -> list[PartyState]:
    states = {id(state): state for form in number_forms(text) for state in found.get(form, ())}
    return sorted(states.values(), key=lambda state: state.id or 1 << 62)


def _coded(batch: PartyBatch, number: str) -> list[PartyState]:
    """The party whose code is the number and whose card has none: a file that knew only its code made it."""
    states = [batch.by_code[form] for form in sorted(number_forms(number)) if form in batch.by_code]
    return [one for one in states if not (one.values["vat_number"] or one.values["tax_code"])]


def _is_own_number(values: dict[str, Any]) -> bool:
    """Whether the code was made of the party's own VAT number or tax code, for want of a better one."""
    own = {form for name in ("vat_number", "tax_code") for form in number_forms(values[name])}
    return values["code"] in own


def _wanted(party: ParsedParty, present: dict[str, Any]) -> dict[str, Any]:
    """What the row says, by column; what it does not say is missing and stays as it is."""
    wanted: dict[str, Any] = {}
    for name in (*_TEXTS, "credit_days"):
        value = getattr(party, name)
        if value is not None:
            wanted[name] = value
    if party.name:
        wanted["name"] = one_line(party.name)
        wanted["name_key"] = name_key(party.name)
    if party.kind is not None:  # a supplier who is found to be a customer too is both
        wanted["is_customer"] = present["is_customer"] or party.kind is not PartyKind.SUPPLIER
        wanted["is_supplier"] = present["is_supplier"] or party.kind is not PartyKind.CUSTOMER
    for name, given in (("vat_number", party.vat_number), ("tax_code", party.tax_code)):
        if given and clean_number(given) not in number_forms(present[name]):
            wanted[name] = clean_number(given)
    if party.packaging is not None:
        wanted["packaging"] = party.packaging
    if party.packaging_emails is not None:
        wanted["packaging_emails"] = ",".join(party.packaging_emails)
    for name, emails in (("email", party.emails), ("billing_email", party.billing_emails)):
        if emails and emails[0].casefold() != present[name].casefold():
            wanted[name], wanted[f"{name}_kind"] = emails[0], AddressKind.UNKNOWN
    return wanted
