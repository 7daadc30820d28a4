"""Document types and the facts that follow from a type (IT-2, GA-4; canonical ids of the import formats).

One table holds everything that depends only on the type: its name in the recipient's language (used in
messages and PDFs, hence not gettext), whom it normally goes to, the role that normally receives it, whether
several are bundled into one message, and the default channel. Companies may override each of them.

A company may add types of its own, whose ids begin with `x_`: `crm_mail.companies.type_registry` knows them, so a
type id is plain text everywhere, and `DocumentType` only names the built-in ones.

Pure: no Flask, no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, get_args

from crm_mail.delivery.routing import ChannelPreference

TextLanguage = Literal["it", "es", "en"]
TEXT_LANGUAGES: tuple[TextLanguage, ...] = get_args(TextLanguage)


class DocumentType(StrEnum):
    """The built-in document type ids; the same strings are used in imports, the API and the CLI."""

    DELIVERY_NOTE = "delivery_note"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    QUOTE = "quote"
    SALES_ORDER = "sales_order"
    PURCHASE_ORDER = "purchase_order"
    GOODS_RECEIPT = "goods_receipt"
    ACCOUNT_STATEMENT = "account_statement"
    TRANSFER_ADVICE = "transfer_advice"
    DUNNING_LETTER = "dunning_letter"
    DECLARATION_OF_INTENT = "declaration_of_intent"
    PAYMENT_ORDER = "payment_order"
    RECEIPT = "receipt"
    CASH_CLOSE = "cash_close"
    SALES_CLOSE = "sales_close"
    PRICE_LIST = "price_list"
    GENERIC = "generic"


class Direction(StrEnum):
    """Which side of the business a document goes to."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Localised:
    """A short name in the three languages of messages."""

    it: str
    es: str
    en: str

    def __call__(self, language: str) -> str:
        """The name in `language` (`it`, `es-MX`…); English for any language that is not kept."""
        return {"it": self.it, "es": self.es}.get(language[:2].lower(), self.en)


TypeNames = Mapping[str, Localised]
"""Names by type id: those that a company gave."""
NO_NAMES: TypeNames = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """Everything that follows from the type alone; `plural` is for “3 fatture”."""

    label: Localised
    plural: Localised
    direction: Direction
    role: Localised
    bundled: bool
    channel: ChannelPreference


ADMINISTRATION = Localised("amministrazione", "administración", "administration")
LOGISTICS = Localised("logistica", "logística", "logistics")
PURCHASING = Localised("ufficio acquisti", "compras", "purchasing")
SALES = Localised("ufficio vendite", "ventas", "sales")
MANAGEMENT = Localised("direzione", "dirección", "management")


def _facts(
    label: tuple[str, str, str],
    plural: tuple[str, str, str],
    direction: Direction,
    role: Localised,
    *,
    bundled: bool = True,
    channel: ChannelPreference = ChannelPreference.PEC_FIRST,
) -> TypeFacts:
    return TypeFacts(Localised(*label), Localised(*plural), direction, role, bundled, channel)


_C, _S, _I = Direction.CUSTOMER, Direction.SUPPLIER, Direction.INTERNAL
_ORDINARY = ChannelPreference.ORDINARY_ONLY

# Not bundled: what has legal effect by itself and needs its own proof (a reminder, a declaration of intent),
# and what goes to the own staff as a notice of one event. Advertising and internal notices never use PEC.
TYPE_FACTS: MappingProxyType[DocumentType, TypeFacts] = MappingProxyType(
    {
        DocumentType.DELIVERY_NOTE: _facts(
            ("Documento di trasporto", "Albarán de entrega", "Delivery note"),
            ("documenti di trasporto", "albaranes de entrega", "delivery notes"),
            _C,
            LOGISTICS,
        ),
        DocumentType.INVOICE: _facts(
            ("Fattura", "Factura", "Invoice"), ("fatture", "facturas", "invoices"), _C, ADMINISTRATION
        ),
        DocumentType.CREDIT_NOTE: _facts(
            ("Nota di credito", "Nota de crédito", "Credit note"),
            ("note di credito", "notas de crédito", "credit notes"),
            _C,
            ADMINISTRATION,
        ),
        DocumentType.QUOTE: _facts(
            ("Offerta", "Cotización", "Quote"), ("offerte", "cotizaciones", "quotes"), _C, PURCHASING
        ),
        DocumentType.SALES_ORDER: _facts(
            ("Conferma d'ordine", "Confirmación de pedido", "Order confirmation"),
            ("conferme d'ordine", "confirmaciones de pedido", "order confirmations"),
            _C,
            PURCHASING,
        ),
        DocumentType.PURCHASE_ORDER: _facts(
            ("Ordine di acquisto", "Orden de compra", "Purchase order"),
            ("ordini di acquisto", "órdenes de compra", "purchase orders"),
            _S,
            SALES,
        ),
        DocumentType.GOODS_RECEIPT: _facts(
            ("Entrata merce", "Entrada de mercancía", "Goods receipt"),
            ("entrate merce", "entradas de mercancía", "goods receipts"),
            _S,
            LOGISTICS,
        ),
        DocumentType.ACCOUNT_STATEMENT: _facts(
            ("Estratto conto", "Estado de cuenta", "Account statement"),
            ("estratti conto", "estados de cuenta", "account statements"),
            _C,
            ADMINISTRATION,
        ),
        DocumentType.TRANSFER_ADVICE: _facts(
            ("Avviso di bonifico", "Aviso de transferencia", "Transfer advice"),
            ("avvisi di bonifico", "avisos de transferencia", "transfer advices"),
            _S,
            ADMINISTRATION,
        ),
        DocumentType.DUNNING_LETTER: _facts(
            ("Sollecito di pagamento", "Recordatorio de pago", "Payment reminder"),
            ("solleciti di pagamento", "recordatorios de pago", "payment reminders"),
            _C,
            ADMINISTRATION,
            bundled=False,
        ),
        DocumentType.DECLARATION_OF_INTENT: _facts(
            ("Dichiarazione d'intento", "Declaración de intención", "Declaration of intent"),
            ("dichiarazioni d'intento", "declaraciones de intención", "declarations of intent"),
            _S,
            ADMINISTRATION,
            bundled=False,
        ),
        DocumentType.PAYMENT_ORDER: _facts(
            ("Ordine di pagamento", "Orden de pago", "Payment order"),
            ("ordini di pagamento", "órdenes de pago", "payment orders"),
            _S,
            ADMINISTRATION,
        ),
        DocumentType.RECEIPT: _facts(
            ("Ricevuta", "Recibo", "Receipt"), ("ricevute", "recibos", "receipts"), _C, ADMINISTRATION
        ),
        DocumentType.CASH_CLOSE: _facts(
            ("Chiusura di cassa", "Cierre de caja", "Cash close"),
            ("chiusure di cassa", "cierres de caja", "cash closes"),
            _I,
            MANAGEMENT,
            bundled=False,
            channel=_ORDINARY,
        ),
        DocumentType.SALES_CLOSE: _facts(
            ("Chiusura vendite", "Cierre de ventas", "Sales close"),
            ("chiusure vendite", "cierres de ventas", "sales closes"),
            _I,
            MANAGEMENT,
            bundled=False,
            channel=_ORDINARY,
        ),
        DocumentType.PRICE_LIST: _facts(
            ("Listino prezzi", "Lista de precios", "Price list"),
            ("listini prezzi", "listas de precios", "price lists"),
            _C,
            PURCHASING,
            channel=_ORDINARY,
        ),
        DocumentType.GENERIC: _facts(
            ("Documento", "Documento", "Document"),
            ("documenti", "documentos", "documents"),
            _C,
            MANAGEMENT,
            channel=_ORDINARY,
        ),
    }
)


ASKS_CONSENT = frozenset({DocumentType.PRICE_LIST, DocumentType.GENERIC})
"""Types that are sent with a consent only, unless a company says otherwise; all others are owed by contract or law."""


def facts(document_type: str) -> TypeFacts:
    """The facts of a type; raises `ValueError` for an id that is not a `DocumentType`."""
    return TYPE_FACTS[DocumentType(document_type)]


def type_label(document_type: str, language: str, named: TypeNames = NO_NAMES) -> str:
    """Name of the type in the recipient's language: `type_label("invoice", "it") == "Fattura"`.

    Args:
        named: the names that the company gave; an own type without one is called by its id.
    """
    found = named.get(document_type)
    if found is None and document_type in TYPE_FACTS:
        found = TYPE_FACTS[DocumentType(document_type)].label
    return found(language) if found is not None else document_type


_SEVERAL = Localised("documenti «{name}»", "documentos «{name}»", "documents “{name}”")


def type_plural(document_type: str, language: str, named: TypeNames = NO_NAMES) -> str:
    """The words after a number: `fatture`, or `documenti «Preventivo»` when a company gave the type its own name.

    Args:
        named: the names that the company gave; nobody knows their plurals.
    """
    label = type_label(document_type, language, named)
    known = TYPE_FACTS.get(DocumentType(document_type)) if document_type in TYPE_FACTS else None
    if known is not None and label == known.label(language):
        return known.plural(language)
    return _SEVERAL(language).format(name=label)


def text_language(language: str | None) -> TextLanguage:
    """The language of built-in texts nearest to a tag: `es-MX` → `es`, `de` or nothing → `en`."""
    short = (language or "")[:2].lower()
    return "it" if short == "it" else "es" if short == "es" else "en"


OWN_PREFIX = "x_"
"""How the id of a company's own type begins, so that a later built-in type never collides with it."""


class FieldKind(StrEnum):
    """What a field that an own type adds holds."""

    TEXT = "text"
    AMOUNT = "amount"
    DATE = "date"
    INTEGER = "integer"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class OwnField:
    """One added field: it stands beside the others in a file, and is kept under `extra`."""

    name: str
    kind: FieldKind = FieldKind.TEXT
    is_required: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class OwnSchema:
    """The schema of a company's own type: a built-in type's, and the fields added to it."""

    type_id: str
    base: str
    fields: tuple[OwnField, ...] = ()
