# ruff: noqa: SIM905  (a string of names is easier to read and to extend than a list of a hundred)
"""The names that real files give to columns: Italian, Spanish, English and the exports of known programs.

A name is compared folded: lower case, no accents, every run of other signs one blank ("P.IVA" is "p iva").
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Field(StrEnum):
    """What a column of a contact file may hold. The first block are the canonical headers."""

    PARTY_CODE = "party_code"
    PARTY_NAME = "party_name"
    KIND = "kind"
    VAT_NUMBER = "vat_number"
    TAX_CODE = "tax_code"
    ADDRESS = "address"
    POSTCODE = "postcode"
    CITY = "city"
    PROVINCE = "province"
    COUNTRY = "country"
    ZONE = "zone"
    AGENT = "agent"
    CATEGORY = "category"
    CREDIT_DAYS = "credit_days"
    LANGUAGE = "language"
    EMAIL = "email"
    BILLING_EMAIL = "billing_email"
    CONTACT_NAME = "contact_name"
    ROLES = "roles"
    CONTACT_EMAIL = "contact_email"
    PEC = "pec"
    PHONE = "phone"
    MOBILE = "mobile"
    PRIVACY_LEVEL = "privacy_level"
    CHARACTERISTICS = "characteristics"
    SUBSCRIPTIONS = "subscriptions"
    CONSENTS = "consents"
    BIRTHDAY = "birthday"
    # further meanings, found in exports
    COMPANY_CODE = "company_code"
    CUSTOMER_CODE = "customer_code"
    SUPPLIER_CODE = "supplier_code"
    FIRST_NAME = "contact_first_name"
    MIDDLE_NAME = "contact_middle_name"
    LAST_NAME = "contact_last_name"
    JOB_TITLE = "job_title"
    EITHER_NAME = "party_or_contact_name"
    IS_COMPANY = "is_company"
    EMAIL_LABEL = "email_label"
    TAGS = "tags"
    PACKAGING = "packaging"
    ROW_ACTION = "row_action"


CANONICAL: Final = tuple(Field)[: tuple(Field).index(Field.COMPANY_CODE)]
"""The 27 headers that every installation understands, in the order of the documentation."""

SUBSCRIPTION: Final = "subscription:"
NO_SUBSCRIPTION: Final = "no_subscription:"
CHARACTERISTIC: Final = "characteristic:"

_SYNONYMS: Final[Mapping[Field, str]] = {
    Field.PARTY_CODE: "codice|codice cliente|codice fornitore|codice cliente fornitore|cod|cod cliente"
    "|cod fornitore|cod cli|cod cli for|codice anagrafica|conto|codigo|codigo cliente|codigo de cliente"
    "|no cliente|n cliente|num cliente|numero cliente|numero de cliente|clave|clave cliente|customer no"
    "|customer number|customer id|account number|account code|reference|code|party code|id cliente",
    Field.CUSTOMER_CODE: "customer code",
    Field.SUPPLIER_CODE: "supplier code|vendor code",
    Field.PARTY_NAME: "ragione sociale|rag soc|rag sociale|denominazione|azienda|ditta|cliente|fornitore"
    "|cliente fornitore|intestazione|societa|razon social|empresa|nombre empresa|nombre cliente"
    "|nombre del cliente|proveedor|company|company name|organization|organization name|organization 1 name"
    "|associated company|third party name|related company|customer|customer name|account name|party name"
    "|nome azienda|nome cliente",
    Field.KIND: "tipo|tipo anagrafica|tipologia|cliente o fornitore|c f|kind|party type|type",
    Field.VAT_NUMBER: "p iva|piva|partita iva|part iva|vat|vat id|vat no|vat number|tax id|rfc|ruc|cuit|nif"
    "|cif|rut|nit",
    Field.TAX_CODE: "codice fiscale|cod fiscale|cod fisc|c f codice fiscale|tax code|fiscal code",
    Field.ADDRESS: "indirizzo|via|sede|direccion|domicilio|calle|address|street|street address"
    "|business street|business address|address 1 street|address 1 formatted|sede legale",
    Field.POSTCODE: "cap|codigo postal|cp|c p|zip|zip code|postal code|postcode|business postal code"
    "|address 1 postal code",
    Field.CITY: "citta|comune|localita|ciudad|poblacion|municipio|city|town|business city|address 1 city",
    Field.PROVINCE: "provincia|prov|pv|estado|departamento|state|state region|province|business state"
    "|address 1 region",
    Field.COUNTRY: "nazione|paese|stato|pais|country|country region|business country region"
    "|business country|address 1 country",
    Field.ZONE: "zona|area|zone|territory|sales territory|region",
    Field.AGENT: "agente|agenti|cod agente|codice agente|rappresentante|vendedor|representante|agent"
    "|salesperson|sales rep|contact owner",
    Field.CATEGORY: "categoria|cat|categoria cliente|category|gruppo|grupo|group|segment|settore",
    Field.CREDIT_DAYS: "dias credito|dias de credito|credito dias|plazo credito|plazo de credito|giorni credito"
    "|giorni pagamento|gg pagamento|giorni dilazione|credit days|payment days|days of credit",
    Field.LANGUAGE: "lingua|idioma|language|preferred language|cod lingua|lang|locale",
    Field.BILLING_EMAIL: "email facturacion|e mail facturacion|correo facturacion|correo de facturacion"
    "|email fatturazione|e mail fatturazione|mail fatturazione|email fatture|e mail fatture|billing email"
    "|billing e mail|invoice email|accounting email",
    Field.CONTACT_NAME: "nome contatto|contatto|referente|nominativo|persona di riferimento|contacto"
    "|contacto 1|nombre contacto|nombre del contacto|nombre de contacto|contact|contact name|contact person|full name"
    "|display name|persona de contacto",
    Field.FIRST_NAME: "first name|given name|nome di battesimo|primer nombre|nombre de pila|nombres",
    Field.MIDDLE_NAME: "middle name|additional name|secondo nome|segundo nombre",
    Field.LAST_NAME: "last name|family name|surname|cognome|apellido|apellidos",
    Field.JOB_TITLE: "job title|organization title|organization 1 title|job position|position|cargo|puesto"
    "|qualifica|mansione",
    Field.ROLES: "ruolo|ruoli|funzione|ufficio|reparto|rol|roles|funcion|area de trabajo|role|department"
    "|organization department|organization 1 department|address type",
    Field.CONTACT_EMAIL: "e mail contatto|email contatto|mail contatto|e mail contacto 1|e mail contacto"
    "|email contacto|correo contacto|correo del contacto|contact email|contact e mail|contact emails"
    "|additional email addresses|additional emails|personal email|work email",
    Field.PEC: "pec|e mail pec|email pec|indirizzo pec|posta certificata|casella pec|domicilio digitale"
    "|pecdestinatario|pec destinatario",
    Field.PHONE: "telefono|tel|telefono 1|telefono 2|telefono fisso|fisso|phone|phone number|telephone"
    "|business phone|business phone 2|home phone|home phone 2|other phone|company phone|work phone",
    Field.MOBILE: "cellulare|cell|mobile|mobile phone|mobile number|celular|movil|telefono movil"
    "|telefono cellulare",
    Field.PRIVACY_LEVEL: "riservatezza|livello privacy|livello di privacy|livello riservatezza|privacy"
    "|privacidad|nivel de privacidad|privacy level|confidentiality|sensitivity level",
    Field.CHARACTERISTICS: "caratteristiche|caratteristica|caracteristicas|attributi|atributos"
    "|characteristics|attributes",
    Field.TAGS: "tags|tag|labels|etichette|etiquetas|categories|categorie|categorias|group membership",
    Field.SUBSCRIPTIONS: "invii|documenti da ricevere|dettaglio invii|documenti|suscripciones"
    "|documentos a recibir|subscriptions|documents to receive",
    Field.BIRTHDAY: "birthday|birth date|date of birth|compleanno|data di nascita|nato il|cumpleanos"
    "|fecha de nacimiento",
    Field.CONSENTS: "consensi|consenso|consentimientos|consentimiento|consent|consents",
    Field.COMPANY_CODE: "sociedad|codice azienda|cod azienda|codice societa|company code",
    Field.IS_COMPANY: "is a company|is company|e un azienda|es una compania|es una empresa",
    Field.PACKAGING: "empaquetado cfd|empaquetado cfdi|empaquetado|impacchettamento",
    Field.ROW_ACTION: "action",
}

_DOCUMENT_SYNONYMS: Final[Mapping[str, str]] = {
    "delivery_note": "ddt|bolla|bolle|documento di trasporto|documenti di trasporto|albaran|albaranes|remito"
    "|remision|remisiones|delivery note|delivery notes",
    "invoice": "fattura|fatture|ft|invio fatture|factura|facturas|enviar facturas|enviar facturas por mail"
    "|recibe facturas|invoice|invoices",
    "credit_note": "nota di credito|note di credito|nota credito|note credito|nota de credito"
    "|notas de credito|credit note|credit notes",
    "quote": "preventivo|preventivi|offerta|offerte|cotizacion|cotizaciones|presupuesto|presupuestos|quote"
    "|quotes|quotation",
    "sales_order": "ordine cliente|ordini clienti|conferma ordine|conferme ordine|pedido|pedidos|sales order"
    "|sales orders|order confirmation",
    "purchase_order": "ordine fornitore|ordini fornitori|ordine a fornitore|orden de compra|ordenes de compra"
    "|purchase order|purchase orders",
    "goods_receipt": "entrata merce|entrate merce|carico merce|entrada de mercancia|recepcion de mercancia"
    "|goods receipt|goods receipts",
    "account_statement": "estr conto|estratto conto|estratti conto|e c|estado de cuenta|estados de cuenta"
    "|account statement|account statements|statement|statements",
    "transfer_advice": "avviso bonifico|avviso di bonifico|avvisi di bonifico|contabile bonifico"
    "|aviso de transferencia|aviso de pago|transfer advice|remittance advice",
    "dunning_letter": "sollecito|solleciti|lettera di sollecito|recordatorio de pago|reclamo de pago"
    "|dunning letter|dunning letters|payment reminder",
    "declaration_of_intent": "dichiarazione d intento|dichiarazione di intento|dichiarazioni d intento"
    "|lettera d intento|declaration of intent",
    "payment_order": "ordine di pagamento|orden de pago|ordenes de pago|payment order|payment orders",
    "receipt": "ricevuta|ricevute|ricevuta incasso|recibo|recibos|receipt|receipts",
    "cash_close": "chiusura cassa|chiusure cassa|cierre de caja|cash close",
    "sales_close": "chiusura vendite|cierre de ventas|sales close",
    "price_list": "listino|listini|listino prezzi|lista de precios|price list|price lists",
    "generic": "recibe publicidad|publicidad|pubblicita|riceve pubblicita|newsletter|circolari|circolare"
    "|marketing|marketing contact status|comunicazioni|comunicados|generic",
}

_REFUSED_DOCUMENTS: Final[Mapping[str, str]] = {
    "generic": "no mass email|no mailing|no newsletter|no publicidad"
}

AMBIGUOUS_EMAIL: Final = frozenset(
    "e mail|email|mail|correo|correo electronico|posta elettronica|indirizzo e mail|indirizzo email"
    "|email address|e mail address|e mail 1 value|emails|e mails".split("|")
)
"""A bare e-mail column: the contact's when the file names persons, else the party's."""
PARTY_EMAIL: Final = frozenset(
    "e mail caratula|email caratula|e mail azienda|email azienda|company email|e mail principale"
    "|email generale".split("|")
)
AMBIGUOUS_NAME: Final = frozenset("nome|nombre|name".split("|"))
"""The party's name unless another column is."""
OPEN_ITEMS: Final = frozenset(
    "dare|avere|saldo|importo|scadenza|data scadenza|data reg|data doc|n doc|numero doc|tipo doc|insoluto"
    "|pagamento|cargo|abono|vencimiento|fecha de vencimiento|fecha doc|folio|importe|due date|debit|credit"
    "|balance|amount|invoice number|document date|monto".split("|")
)
"""Columns of a list of open items or movements, which is not a list of contacts."""

_NUMBERED_EMAIL: Final = re.compile(r"e ?mail (\d+)(?: (?:address|value))?\Z")
_NUMBERED_LABEL: Final = re.compile(r"e ?mail(?: \d+)? (?:label|type)\Z")
_NUMBERED_PHONE: Final = re.compile(r"(?:phone|telefono|tel) \d+(?: value)?\Z")
_FLAG: Final = re.compile(r"(?:invio|invia|riceve|recibe|enviar|envio|send|receives?) ")


@lru_cache(maxsize=4096)
def fold_header(header: str) -> str:
    """The form in which headers are compared: no accents, lower case, single blanks for all other signs."""
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", header.replace("º", ""))
        if not unicodedata.combining(char)
    )
    return re.sub(r"[\W_]+", " ", plain.casefold()).strip()


def _invert() -> dict[str, str]:
    table: dict[str, str] = {fold_header(name): name for name in Field}
    for item, names in _SYNONYMS.items():
        table.update({name: item.value for name in names.split("|")})
    for prefix, documents in ((SUBSCRIPTION, _DOCUMENT_SYNONYMS), (NO_SUBSCRIPTION, _REFUSED_DOCUMENTS)):
        for document_type, names in documents.items():
            table[fold_header(document_type)] = f"{prefix}{document_type}"
            table.update({name: f"{prefix}{document_type}" for name in names.split("|")})
    table["generic"] = f"{SUBSCRIPTION}generic"
    table["recibe sms"] = f"{CHARACTERISTIC}sms"
    for name in AMBIGUOUS_EMAIL:
        table.pop(name, None)
    return table


_FIELDS: Final = _invert()


def recognise_header(header: str) -> str | None:
    """Give the field of a header that means one thing everywhere; None for ambiguous or unknown ones."""
    name = fold_header(header)
    if name in _FIELDS:
        return _FIELDS[name]
    if name in PARTY_EMAIL:
        return Field.EMAIL
    if _NUMBERED_LABEL.match(name):
        return Field.EMAIL_LABEL
    if (match := _NUMBERED_EMAIL.match(name)) and name not in AMBIGUOUS_EMAIL:
        return Field.CONTACT_EMAIL if match[1] else None
    if _NUMBERED_PHONE.match(name):
        return Field.PHONE
    flag = _FLAG.match(name)
    if flag and _FIELDS.get(name[flag.end() :], "").startswith(SUBSCRIPTION):
        return _FIELDS[name[flag.end() :]]
    return None


def is_known_header(header: str) -> bool:
    """Whether a header is recognised, even if only the other columns tell what it means."""
    name = fold_header(header)
    return name in AMBIGUOUS_EMAIL or name in AMBIGUOUS_NAME or recognise_header(header) is not None
