"""Which column of a sales list holds what: names in Italian, Spanish and English. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.columns import list_headers
from crm_mail.importers.tables.column_sets import ColumnSet


class Field(StrEnum):
    """What a column may hold; the values are the canonical headers."""

    PARTY_CODE = "party_code"
    PARTY_NAME = "party_name"
    VAT_NUMBER = "vat_number"
    COMPANY_CODE = "company_code"
    ID = "id"
    DOC_TYPE = "doc_type"
    NUMBER = "number"
    DATE = "date"
    PRODUCT_CODE = "product_code"
    PRODUCT_NAME = "product_name"
    PRODUCT_GROUP = "product_group"
    QUANTITY = "quantity"
    PRICE = "price"
    AMOUNT = "amount"
    CURRENCY = "currency"


_SYNONYMS: Final[Mapping[Field, str]] = {
    Field.PARTY_CODE: "cod cliente|codice cliente|cod cli|cliente codice|codigo cliente|codigo de cliente|no cliente"
    "|n cliente|num cliente|numero de cliente|clave cliente|customer code|customer no|customer number|customer id"
    "|account|account number|nocliente",
    Field.PARTY_NAME: "ragione sociale|rag soc|cliente|denominazione|razon social|nombre cliente|customer"
    "|customer name",
    Field.VAT_NUMBER: "p iva|piva|partita iva|vat|vat number|vat no|tax id|rfc|ruc|cuit|nif|cif",
    Field.COMPANY_CODE: "societa|sociedad|company|company code|azienda|empresa|cod azienda",
    Field.ID: "id|id riga|riga id|id linea|line id|row id|entry no|key|uuid linea",
    Field.DOC_TYPE: "tipo doc|tipo documento|tipo|causale|document type|doc type|type|tipo de documento",
    Field.NUMBER: "n doc|numero doc|num doc|numero documento|numero|n documento|documento|folio|factura|n fattura"
    "|numero fattura|num fattura|fattura|invoice number|invoice no|document number|document no|doc no|invoice"
    "|document",
    Field.DATE: "data|data doc|data documento|data fattura|data vendita|fecha|fecha doc|fecha documento|fecha factura"
    "|fecha venta|date|document date|invoice date|sale date|sold on|bought on|posting date",
    Field.PRODUCT_CODE: "cod articolo|codice articolo|cod art|articolo|codice prodotto|cod prodotto|codigo articulo"
    "|codigo producto|codigo de producto|clave producto|sku|item code|item no|item number|product code|product id"
    "|article|article code|part number|codice|codigo",
    Field.PRODUCT_NAME: "descrizione|descrizione articolo|prodotto|nome prodotto|descripcion|descripcion articulo"
    "|producto|nombre producto|description|item description|product|product name|item|item name",
    Field.PRODUCT_GROUP: "gruppo|gruppo merceologico|gruppo articolo|categoria|categoria merceologica|famiglia|linea"
    "|reparto|grupo|grupo de producto|familia|linea de producto|departamento|group|item group|product category"
    "|category|family|product family|product line",
    Field.QUANTITY: "qta|quantita|q ta|pezzi|colli|cantidad|cant|piezas|unidades|qty|quantity|pieces|units",
    Field.PRICE: "prezzo|prezzo unitario|precio|precio unitario|price|unit price",
    Field.AMOUNT: "importo|imponibile|netto|importo netto|totale|totale riga|valore|monto|importe|neto|importe neto"
    "|subtotal|amount|net|net amount|line amount|total|value|sales amount",
    Field.CURRENCY: "valuta|divisa|moneda|currency|cod valuta|curr",
}
COLUMNS: Final = ColumnSet(Field, _SYNONYMS)


def check_columns(headers: Sequence[str], columns: Mapping[str, str]) -> dict[Field, int]:
    """Field → place of its column.

    Raises:
        ImportRefused: a field or a column that does not exist, or no column for customer, date, product, or for both
            quantity and amount.
    """
    places = COLUMNS.places(headers, columns)
    wanted = (
        (Field.PARTY_CODE, {Field.PARTY_CODE, Field.VAT_NUMBER}),
        (Field.DATE, {Field.DATE}),
        (Field.PRODUCT_CODE, {Field.PRODUCT_CODE, Field.PRODUCT_NAME}),
        (Field.AMOUNT, {Field.AMOUNT, Field.PRICE, Field.QUANTITY}),
    )
    missing = [field.value for field, any_of in wanted if not places.keys() & any_of]
    if missing:
        raise ImportRefused("missing_columns", missing=", ".join(missing), headers=list_headers(headers))
    return places
