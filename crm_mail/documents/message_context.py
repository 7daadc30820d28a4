"""What a message text may name: the placeholders, and the plain values behind them (IT-12, PD-5).

`MESSAGE_FIELDS` is the closed list of placeholders; texts are checked against it when they are saved, so that
a misspelt one is found by its author and not by 10,000 recipients. `build_context` makes the mapping for one
message from plain values; it runs once per message, so it does no query and formats nothing.

Pure: no Flask, no database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from crm_mail.document_types import NO_NAMES, DocumentType, TypeNames, type_label, type_plural


class CompanyFields(TypedDict, total=False):
    """The sending company."""

    code: str
    name: str
    vat_number: str
    address: str
    postcode: str
    city: str
    province: str
    country: str
    email: str
    pec: str
    phone: str
    website: str
    iban: str


class PartyFields(TypedDict, total=False):
    """The customer or supplier whose documents these are."""

    code: str
    name: str
    vat_number: str
    tax_code: str
    address: str
    postcode: str
    city: str
    province: str
    country: str
    language: str
    agent: str
    zone: str
    category: str


PARTY_FIELDS = tuple(PartyFields.__annotations__)
"""Their names, which are those of `contacts.models.Party`'s columns."""


class ContactFields(TypedDict, total=False):
    """The person written to; empty when the party's master address is used."""

    name: str
    roles: str
    email: str


class DocumentFields(TypedDict, total=False):
    """One document; `total` a Decimal or decimal string, dates `date` or ISO strings."""

    type: str
    type_label: str
    type_plural: str
    number: str
    series: str
    date: object
    total: object
    currency: str
    due_date: object
    reference: str


class SenderFields(TypedDict, total=False):
    """Who signs: the user who prepared the run, or the company's account."""

    name: str
    email: str
    phone: str


FieldTree = Mapping[str, "FieldTree | None"]


def _leaves(fields: type) -> FieldTree:
    return dict.fromkeys(fields.__annotations__)


_DOCUMENT = _leaves(DocumentFields)

# None = a value; a mapping = something with fields; the key "[]" = a list of such things.
MESSAGE_FIELDS: FieldTree = {
    "company": _leaves(CompanyFields),
    "party": _leaves(PartyFields),
    "contact": _leaves(ContactFields),
    "sender": _leaves(SenderFields),
    "document": _DOCUMENT,
    "documents": {"[]": _DOCUMENT},
    "documents_count": None,
    "same_type": None,
    "download_link": None,
    "unsubscribe_link": None,
    "today": None,
    "language": None,
}
RUN_REPORT_FIELDS: FieldTree = {
    "company": _leaves(CompanyFields),
    "run": dict.fromkeys(
        (
            "number",
            "name",
            "url",
            "started_at",
            "finished_at",
            "total",
            "sent",
            "failed",
            "uncertain",
            "left_out",
        )
    ),
    "failures": {"[]": dict.fromkeys(("party", "to", "reason", "count"))},
    "user": dict.fromkeys(("name", "email")),
    "today": None,
    "language": None,
}


class OpenFields(Mapping[str, "FieldTree | None"]):
    """Fields whose names another program chooses: whatever is written like a name is one of them, and a value."""

    def __getitem__(self, name: str) -> FieldTree | None:
        if name not in self:
            raise KeyError(name)
        return None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.isidentifier() and not name.startswith("_")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


EVENT_FIELDS: FieldTree = {**MESSAGE_FIELDS, "event": OpenFields()}
"""What the text of a rule for events may name: what messages may, and the fields of the event (GA-4 to GA-7)."""


def _empty(fields: FieldTree) -> dict[str, str]:
    return dict.fromkeys(fields, "")


_EMPTY = {
    name: _empty(fields)
    for name, fields in MESSAGE_FIELDS.items()
    if fields is not None and "[]" not in fields
}


@dataclass(frozen=True, slots=True)
class SharedContext:
    """The part of the context that is the same for every message of a run: build once, use many times."""

    company: Mapping[str, object]
    sender: Mapping[str, object]
    today: object
    named: TypeNames = field(default_factory=lambda: NO_NAMES)
    _words: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def words(self, document_type: str, language: str) -> tuple[str, str]:
        """The name of a type, and the words after a number of them."""
        known = self._words.get((document_type, language))
        if known is None:
            known = self._words[document_type, language] = (
                type_label(document_type, language, self.named),
                type_plural(document_type, language, self.named),
            )
        return known


def share_context(
    company: CompanyFields, sender: SenderFields, today: object, named: TypeNames = NO_NAMES
) -> SharedContext:
    """Complete the run-wide fields (missing ones become empty) so that each message only adds its own.

    Args:
        named: what the company calls its document types, where it changed their names.
    """
    return SharedContext(_EMPTY["company"] | dict(company), _EMPTY["sender"] | dict(sender), today, named)


def build_context(
    shared: SharedContext,
    party: PartyFields,
    contact: ContactFields | None,
    documents: Sequence[DocumentFields],
    language: str,
    download_link: str = "",
    unsubscribe_link: str = "",
) -> dict[str, Any]:
    """The mapping for one message; every known field is present, so an empty value renders as empty.

    `documents` may be empty (a campaign with only text and files). `type_label` and `type_plural` are
    filled in `language` from `type` where they are missing. `same_type` tells the texts whether they may name
    the type in the plural.
    """
    full = [_complete(document, language, shared) for document in documents]
    first = full[0] if full else _complete({}, language, shared)
    return {
        "company": shared.company,
        "sender": shared.sender,
        "today": shared.today,
        "party": {**_EMPTY["party"], **party},
        "contact": _EMPTY["contact"] | dict(contact) if contact else _EMPTY["contact"],
        "document": first,
        "documents": full,
        "documents_count": len(full),
        "same_type": len({document["type"] for document in full}) <= 1,
        "download_link": download_link,
        "unsubscribe_link": unsubscribe_link,
        "language": language,
    }


def build_run_report_context(
    company: CompanyFields,
    run: Mapping[str, object],
    failures: Sequence[Mapping[str, object]],
    user: Mapping[str, object],
    today: object,
    language: str,
) -> dict[str, Any]:
    """The mapping for the end report mailed to staff (RP-14); `RUN_REPORT_FIELDS` names the keys of each part."""
    item = RUN_REPORT_FIELDS["failures"] or {}
    return {
        "company": _EMPTY["company"] | dict(company),
        "run": _empty(RUN_REPORT_FIELDS["run"] or {}) | dict(run),
        "failures": [_empty(item["[]"] or {}) | dict(failure) for failure in failures],
        "user": _empty(RUN_REPORT_FIELDS["user"] or {}) | dict(user),
        "today": today,
        "language": language,
    }


def _complete(document: DocumentFields, language: str, shared: SharedContext) -> dict[str, Any]:
    full: dict[str, Any] = {**_EMPTY["document"], **document}
    label, plural = shared.words(full["type"] or DocumentType.GENERIC, language)
    full["type_label"] = full["type_label"] or label
    full["type_plural"] = full["type_plural"] or plural
    return full


def placeholder_names(fields: FieldTree) -> list[str]:
    """Every placeholder, dotted (`document.number`), lists as `documents`; for the editor and messages."""
    names: list[str] = []
    for name, inner in fields.items():
        if inner is None or "[]" in inner:
            names.append(name)
        else:
            names.extend(f"{name}.{field}" for field in inner)
    return names
