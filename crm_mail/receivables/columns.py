"""Which column of a list of open items or movements holds what: names in Italian, Spanish and English. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.columns import list_headers
from crm_mail.importers.tables.column_names import fold_header
from crm_mail.importers.tables.column_sets import ColumnSet
from crm_mail.receivables.ledger import Kind


class Field(StrEnum):
    """What a column may hold; the values are the canonical headers."""

    PARTY_CODE = "party_code"
    PARTY_NAME = "party_name"
    VAT_NUMBER = "vat_number"
    COMPANY_CODE = "company_code"
    ID = "id"
    DOC_TYPE = "doc_type"
    NUMBER = "number"
    POSTED_ON = "posted_on"
    DOC_ON = "doc_date"
    DUE_ON = "due_date"
    DESCRIPTION = "description"
    CURRENCY = "currency"
    DEBIT = "debit"
    CREDIT = "credit"
    AMOUNT = "amount"
    OPEN = "open_amount"
    METHOD = "method"
    DISPUTED = "disputed"
    UNPAID = "unpaid"
    LEVEL = "level"
    REMINDED_ON = "reminded_on"


_SYNONYMS: Final[Mapping[Field, str]] = {
    Field.PARTY_CODE: "cod cliente|codice cliente|cod cli|codice|cod|cliente codice|conto|codigo|codigo cliente"
    "|codigo de cliente|no cliente|n cliente|num cliente|numero de cliente|clave|clave cliente|customer code"
    "|customer no|customer number|customer id|account|account number|nocliente",
    Field.PARTY_NAME: "ragione sociale|rag soc|cliente|denominazione|intestazione|razon social|nombre|nombre cliente"
    "|customer|customer name|name",
    Field.VAT_NUMBER: "p iva|piva|partita iva|vat|vat number|vat no|tax id|rfc|ruc|cuit|nif|cif",
    Field.COMPANY_CODE: "societa|sociedad|company|company code|azienda|empresa|cod azienda",
    Field.ID: "id|id partita|id scadenza|partita|id documento|uuid|folio fiscal|item id|entry no|key|clave documento",
    Field.DOC_TYPE: "tipo doc|tipo documento|tipo|causale|concepto|document type|doc type|type|tipo de documento",
    Field.NUMBER: "n doc|numero doc|num doc|numero documento|numero|n documento|documento|folio|factura|n fattura"
    "|numero fattura|invoice number|invoice no|document number|document no|doc no|invoice|document",
    Field.POSTED_ON: "data reg|data registrazione|data operazione|fecha reg|fecha de registro|fecha de aplicacion"
    "|fecha aplicacion|fecha movimiento|posting date|posted on|entry date|booking date",
    Field.DOC_ON: "data doc|data documento|data fattura|data|fecha doc|fecha documento|fecha|fecha factura"
    "|document date|invoice date|date|fecha de emision",
    Field.DUE_ON: "scadenza|data scadenza|data scad|vencimiento|fecha vencimiento|fecha de vencimiento|vence"
    "|due date|due|due on|maturity",
    Field.DESCRIPTION: "descrizione|note|descripcion|detalle|observaciones|referencia|description|text|memo|reference",
    Field.CURRENCY: "valuta|divisa|moneda|currency|cod valuta|curr",
    Field.DEBIT: "dare|cargo|cargos|debe|debit|importo dare|debito",
    Field.CREDIT: "avere|abono|abonos|haber|credit|importo avere|credito",
    Field.AMOUNT: "importo|importo documento|totale documento|monto|importe|amount|total|original amount"
    "|importe original",
    Field.OPEN: "residuo|importo residuo|importo aperto|da pagare|saldo partita|saldo|saldo pendiente|pendiente"
    "|importe pendiente|por pagar|open amount|open|outstanding|balance|remaining|amount due|residual",
    Field.METHOD: "pagamento|modalita pagamento|tipo pagamento|metodo pagamento|forma de pago|metodo de pago|pago"
    "|payment method|payment|method|condizioni pagamento",
    Field.DISPUTED: "contestato|in contestazione|contenzioso|in disputa|disputa|reclamado|en disputa|disputed|dispute",
    Field.UNPAID: "insoluto|insoluti|impagado|devuelto|unpaid|returned|dishonoured",
    Field.LEVEL: "livello sollecito|livello|nivel|nivel recordatorio|dunning level|reminder level|level",
    Field.REMINDED_ON: "ultimo sollecito|data ultimo sollecito|data sollecito|ultimo recordatorio|last reminder"
    "|last reminded|reminded on|last reminder date",
}
COLUMNS: Final = ColumnSet(Field, _SYNONYMS)
guess_columns = COLUMNS.guess
"""Header → field as the names say."""
_RUNNING: Final = frozenset({"saldo", "balance"})
_AMOUNTS: Final = {Field.DEBIT, Field.CREDIT, Field.AMOUNT, Field.OPEN}


def guess_kind(columns: Mapping[str, str]) -> Kind:
    """What a list seems to hold: debit and credit without anything still open are movements."""
    fields = set(columns.values())
    running = any(target == Field.OPEN and fold_header(name) in _RUNNING for name, target in columns.items())
    if running and {Field.DEBIT, Field.CREDIT} <= fields:
        return Kind.MOVEMENTS
    if Field.OPEN in fields and Field.POSTED_ON not in fields:
        return Kind.OPEN_ITEMS
    return Kind.MOVEMENTS if fields & {Field.DEBIT, Field.CREDIT} else Kind.OPEN_ITEMS


def check_columns(headers: Sequence[str], columns: Mapping[str, str]) -> dict[Field, int]:
    """Field → place of its column.

    Raises:
        ImportRefused: a field or a column that does not exist, or no column for the customer, or for an amount.
    """
    places = COLUMNS.places(headers, columns)
    missing = [] if places.keys() & {Field.PARTY_CODE, Field.VAT_NUMBER} else [Field.PARTY_CODE.value]
    missing += [] if places.keys() & _AMOUNTS else [Field.OPEN.value]
    if missing:
        raise ImportRefused("missing_columns", missing=", ".join(missing), headers=list_headers(headers))
    return places
