"""Which party a document or a file's row speaks of: by VAT number, then tax code, then code; set-based.

A VAT number may stand with or without its country, and several parties may share one (branches, a VAT
group): then the code decides, and without one the match is ambiguous and the first party made is taken.
Many accounting systems use the number as the customer's code: a number is looked for among the codes too, and a code
that is a number among the numbers, so that one firm is not made twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm_mail.companies.tax_numbers import clean_number, number_forms, number_in_code
from crm_mail.contacts.models import Party
from crm_mail.many_rows import chunks

CHUNK = 400
"""Values in one IN list: far below the limit of parameters of either database."""


@dataclass(frozen=True, slots=True)
class Match:
    """The party found, by what, and whether others would have fitted too."""

    party_id: int
    by: str  # vat_number, tax_code or code
    is_ambiguous: bool = False


@dataclass(slots=True)
class PartyIndex:
    """Parties of one company by their numbers, for a whole file at once."""

    by_code: dict[str, int] = field(default_factory=dict)
    by_vat: dict[str, list[int]] = field(default_factory=dict)
    by_tax_code: dict[str, list[int]] = field(default_factory=dict)

    def match(self, *, vat_number: str = "", tax_code: str = "", code: str = "") -> Match | None:
        """The party that these values mean, or None."""
        with_code = self.by_code.get(code.strip()) if code.strip() else None
        sources = (("vat_number", self.by_vat, vat_number), ("tax_code", self.by_tax_code, tax_code))
        for name, found, text in sources:
            candidates = _candidates(found, text)
            if with_code in candidates and with_code is not None:
                return Match(with_code, name)
            if candidates:
                return Match(candidates[0], name, is_ambiguous=len(candidates) > 1)
        if with_code is None:
            with_code = self._by_number_as_code(vat_number, tax_code, code)
        return Match(with_code, "code") if with_code is not None else None

    def _by_number_as_code(self, vat_number: str, tax_code: str, code: str) -> int | None:
        """The party whose code is one of the numbers, or whose number is the code."""
        forms = sorted(number_forms(vat_number) | number_forms(tax_code))
        coded = [self.by_code[form] for form in forms if form in self.by_code]
        number = number_in_code(code)
        numbered = _candidates(self.by_vat, number) or _candidates(self.by_tax_code, number)
        return next(iter((*coded, *numbered)), None)

    def remember(self, party: Party) -> None:
        """Add a party that was made meanwhile; it must have its id."""
        self.by_code[party.code] = party.id
        for found, text in ((self.by_vat, party.vat_number), (self.by_tax_code, party.tax_code)):
            if clean := clean_number(text):
                found.setdefault(clean, []).append(party.id)


def match_party(
    session: Session, company_id: int, *, vat_number: str = "", tax_code: str = "", code: str = ""
) -> Match | None:
    """The party of one document."""
    index = index_parties(session, company_id, vat_numbers=[vat_number], tax_codes=[tax_code], codes=[code])
    return index.match(vat_number=vat_number, tax_code=tax_code, code=code)


def index_parties(
    session: Session,
    company_id: int,
    *,
    vat_numbers: Iterable[str] = (),
    tax_codes: Iterable[str] = (),
    codes: Iterable[str] = (),
) -> PartyIndex:
    """Find the parties of many rows in few statements."""
    stated = {code.strip() for code in codes}
    coded = {form for code in stated for form in number_forms(number_in_code(code))}
    forms = coded | {form for text in vat_numbers for form in number_forms(text)}
    tax_forms = coded | {form for text in tax_codes for form in number_forms(text)}
    index = PartyIndex()
    for party_id, code in _read(session, company_id, Party.code, stated | forms | tax_forms):
        index.by_code[code] = party_id
    for column, wanted, found in (
        (Party.vat_number, forms, index.by_vat),
        (Party.tax_code, tax_forms, index.by_tax_code),
    ):
        for party_id, text in _read(session, company_id, column, wanted):
            found.setdefault(clean_number(text), []).append(party_id)
    return index


def _candidates(found: dict[str, list[int]], text: str) -> list[int]:
    ids = {party_id for form in number_forms(text) for party_id in found.get(form, ())}
    return sorted(ids)


def _read(
    session: Session, company_id: int, column: InstrumentedAttribute[str], wanted: set[str]
) -> Iterable[tuple[int, str]]:
    values = sorted(value for value in wanted if value)
    for part in chunks(values, CHUNK):
        query = select(Party.id, column).where(Party.company_id == company_id, column.in_(part))
        yield from ((party_id, text) for party_id, text in session.execute(query))
