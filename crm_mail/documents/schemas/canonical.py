"""A canonical document, checked: what importers keep in `Document.data` and layouts read.

`validate_canonical` is the one door. With a main PDF only type, number, date and party are required; without
one, what its layout needs to say anything (`Envelope.minimum`). What a schema does not know is kept under
`extra` of its part, with a warning. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from crm_mail.document_types import DocumentType, OwnSchema
from crm_mail.documents.schemas.cash import CashClose, Generic, SalesClose
from crm_mail.documents.schemas.envelope import Envelope
from crm_mail.documents.schemas.goods import DeliveryNote, GoodsReceipt, PriceList, PurchaseOrder, SalesOrder
from crm_mail.documents.schemas.money import CreditNote, DeclarationOfIntent, Invoice, Quote
from crm_mail.documents.schemas.own_fields import read_own_fields
from crm_mail.documents.schemas.problems import Problem, problems_of, written_path
from crm_mail.documents.schemas.scalars import plain_json
from crm_mail.documents.schemas.statements import (
    AccountStatement,
    DunningLetter,
    PaymentOrder,
    Receipt,
    TransferAdvice,
)

SCHEMA_NAME: Final = "crm-mail/1"
SCHEMAS: Final[Mapping[str, type[Envelope]]] = {
    DocumentType.DELIVERY_NOTE: DeliveryNote,
    DocumentType.INVOICE: Invoice,
    DocumentType.CREDIT_NOTE: CreditNote,
    DocumentType.QUOTE: Quote,
    DocumentType.SALES_ORDER: SalesOrder,
    DocumentType.PURCHASE_ORDER: PurchaseOrder,
    DocumentType.GOODS_RECEIPT: GoodsReceipt,
    DocumentType.ACCOUNT_STATEMENT: AccountStatement,
    DocumentType.TRANSFER_ADVICE: TransferAdvice,
    DocumentType.DUNNING_LETTER: DunningLetter,
    DocumentType.DECLARATION_OF_INTENT: DeclarationOfIntent,
    DocumentType.PAYMENT_ORDER: PaymentOrder,
    DocumentType.RECEIPT: Receipt,
    DocumentType.CASH_CLOSE: CashClose,
    DocumentType.SALES_CLOSE: SalesClose,
    DocumentType.PRICE_LIST: PriceList,
    DocumentType.GENERIC: Generic,
}
_NO_OWN: Final[Mapping[str, OwnSchema]] = {}


@dataclass(frozen=True, slots=True)
class Canonical:
    """A document that passed.

    `document` has the typed values; `data` the same as JSON for `Document.data`: amounts as decimal strings,
    dates ISO, nothing empty, without the files' bytes. `warnings` are the fields that no schema knows.
    """

    document: Envelope
    data: dict[str, Any]
    warnings: tuple[Problem, ...] = ()


def schema_of(type_id: str, own: Mapping[str, OwnSchema] = _NO_OWN) -> type[Envelope]:
    """The schema of a type; an own type has that of its base. Raises `KeyError` for any other id."""
    return SCHEMAS[own[type_id].base if type_id in own else type_id]


def validate_canonical(
    data: Mapping[str, Any], has_main_pdf: bool, own: Mapping[str, OwnSchema] = _NO_OWN
) -> Canonical | list[Problem]:
    """Check one document as JSON gave it.

    Args:
        data: the object; it is not changed.
        has_main_pdf: its printed form came with it, or a file of the document says so by its role.
        own: the schemas of the company's own types by id.

    Returns:
        The document, or everything that is wrong with it.
    """
    type_id = data.get("type")
    if type_id is None:
        return [Problem("missing", "type")]
    if not isinstance(type_id, str) or (type_id not in SCHEMAS and type_id not in own):
        choices = ", ".join([*(str(one) for one in SCHEMAS), *own])
        return [Problem("unknown_type", "type", {"found": str(type_id)[:60], "choices": choices})]
    try:
        document = schema_of(type_id, own).model_validate(dict(data))
    except ValidationError as error:
        return problems_of(error)
    has_main_pdf = has_main_pdf or any(file.role == "main" for file in document.files)
    problems = [] if has_main_pdf else list(_missing_to_render(document))
    warnings = [Problem("unknown_field", written_path(path)) for path in _unknown(document)]
    if type_id in own:
        names = {field.name for field in own[type_id].fields}
        warnings = [one for one in warnings if one.path not in names]
        known = {name for name in type(document).model_fields if _filled(getattr(document, name))}
        values, wrong = read_own_fields(own[type_id], _offered(document), known, has_main_pdf=has_main_pdf)
        problems += wrong
        document.extra.update(values)
        for name in values.keys() & (document.model_extra or {}).keys():
            del document.model_extra[name]  # type: ignore[union-attr]  # it stands under extra now
    return problems or Canonical(document, canonical_json(document), tuple(warnings))


def _offered(document: Envelope) -> dict[str, Any]:
    """Where an own field may stand: beside the others, or under `extra`."""
    return {**(document.model_extra or {}), **document.extra}


def _missing_to_render(document: Envelope) -> Iterator[Problem]:
    for path in document.minimum:
        if not any(_filled(getattr(document, name)) for name in path.split("|")):
            yield Problem("missing_to_render", path.replace("|", " / "))


def _filled(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return any(_filled(inner) for inner in value.__dict__.values())
    return value not in (None, "", [], {})


def _unknown(part: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of fields that their part's schema does not know."""
    if isinstance(part, list):
        for place, item in enumerate(part):
            yield from _unknown(item, (*path, place))
    elif isinstance(part, BaseModel):
        for name in part.model_extra or {}:
            if not (name == "extra" and path):
                yield (*path, name)
        for name, value in part.__dict__.items():
            yield from _unknown(value, (*path, name))


def canonical_json(document: Envelope) -> dict[str, Any]:
    """The document as plain JSON values, what its schema does not know under `extra`, nothing empty."""
    data: dict[str, Any] = _without_empty(document, document.model_dump(mode="json", by_alias=True))
    data["schema"] = SCHEMA_NAME
    for file in data.get("files", ()):
        file.pop("content", None)  # the bytes lie in the store, once
    return data


def _without_empty(part: Any, plain: Any) -> Any:
    """Walk a part and its plain form together: only the part knows which fields its schema does not have."""
    if isinstance(part, list):
        return [_without_empty(item, inner) for item, inner in zip(part, plain, strict=True)]
    if not isinstance(part, BaseModel):
        return plain
    data = {}
    for name, field in type(part).model_fields.items():
        key = field.alias or name
        value = _without_empty(getattr(part, name), plain[key])
        if value not in (None, "", [], {}) and not (value is False and field.default is False):
            data[key] = value
    unknown = dict(part.model_extra or {})
    inner = unknown.pop("extra", None)  # a part that was checked before
    extra = {**unknown, **(inner if isinstance(inner, dict) else {}), **data.get("extra", {})}
    if extra:
        data["extra"] = plain_json(extra)
    return data
