"""Words printed on PDFs in the recipient's language (CO-10): key → (it, es, en).

Not gettext: a PDF follows the recipient, not the user, and is made in processes without a web request.
"""

from __future__ import annotations

from functools import lru_cache

from crm_mail.document_types import text_language
from crm_mail.documents.pdf_labels_dunning import DUNNING_LABELS
from crm_mail.documents.pdf_labels_ledger import LEDGER_LABELS
from crm_mail.documents.pdf_labels_trade import TRADE_LABELS

# The wording of Italian practice for the copy of an electronic invoice (formats reference, section 4; art. 21
# DPR 633/72). A company may replace it in `Theme.legal_notice`, or drop it for foreign customers.
COURTESY_NOTICE = (
    "Documento privo di valenza fiscale ai sensi dell'art. 21 DPR 633/72. L'originale è disponibile "
    "all'indirizzo telematico da Lei fornito oppure nella Sua area riservata dell'Agenzia delle Entrate.",
    "Documento sin validez fiscal según el art. 21 del DPR 633/72 (Italia). El original electrónico está a su "
    "disposición en la dirección telemática facilitada.",
    "Document without tax validity under art. 21 of Italian DPR 633/72. The electronic original is available "
    "at the electronic address you provided.",
)
LABELS: dict[str, tuple[str, str, str]] = {
    "courtesy_copy": ("Copia di cortesia", "Copia de cortesía", "Courtesy copy"),
    "courtesy_notice": COURTESY_NOTICE,
    "page": ("Pagina", "Página", "Page"),
    "of": ("di", "de", "of"),
    "number": ("Numero", "Número", "Number"),
    "date": ("Data", "Fecha", "Date"),
    "due_date": ("Scadenza", "Vencimiento", "Due date"),
    "customer_code": ("Codice cliente", "Código de cliente", "Customer code"),
    "our_supplier_code": ("Codice fornitore", "Código de proveedor", "Supplier code"),
    "code": ("Codice", "Código", "Code"),
    "vat_number": ("P. IVA", "NIF/IVA", "VAT no."),
    "tax_code": ("C.F.", "Id. fiscal", "Tax code"),
    "currency": ("Valuta", "Moneda", "Currency"),
    "recipient": ("Destinatario", "Destinatario", "Recipient"),
    "attention": ("c.a.", "A la atención de", "Attn."),
    "description": ("Descrizione", "Descripción", "Description"),
    "quantity": ("Q.tà", "Cant.", "Qty"),
    "unit": ("UM", "UM", "Unit"),
    "price": ("Prezzo", "Precio", "Price"),
    "discount": ("Sconto", "Dto.", "Disc."),
    "amount": ("Importo", "Importe", "Amount"),
    "tax": ("IVA", "IVA", "VAT"),
    "tax_summary": ("Riepilogo IVA", "Resumen de IVA", "VAT summary"),
    "rate": ("Aliquota", "Tipo", "Rate"),
    "base": ("Imponibile", "Base", "Taxable"),
    "tax_amount": ("Imposta", "Cuota", "Tax"),
    "net_total": ("Totale imponibile", "Total base", "Net total"),
    "tax_total": ("Totale imposta", "Total impuestos", "Total tax"),
    "gross_total": ("Totale documento", "Total documento", "Document total"),
    "withholding": ("Ritenuta d'acconto", "Retención", "Withholding tax"),
    "stamp": ("Bollo", "Timbre", "Stamp duty"),
    "rounding": ("Arrotondamento", "Redondeo", "Rounding"),
    "payable": ("Netto a pagare", "Total a pagar", "Amount payable"),
    "payment": ("Pagamento", "Pago", "Payment"),
    "payment_terms": ("Condizioni", "Condiciones", "Terms"),
    "bank": ("Banca", "Banco", "Bank"),
    # ways of payment of the electronic invoice (ModalitaPagamento, technical specifications 1.9)
    "MP01": ("Contanti", "Efectivo", "Cash"),
    "MP02": ("Assegno", "Cheque", "Cheque"),
    "MP03": ("Assegno circolare", "Cheque bancario", "Banker's draft"),
    "MP05": ("Bonifico", "Transferencia", "Bank transfer"),
    "MP08": ("Carta di pagamento", "Tarjeta", "Payment card"),
    "MP12": ("RIBA", "Recibo bancario", "Bank receipt (RIBA)"),
    "MP15": ("Giroconto", "Giro", "Giro transfer"),
    "MP18": ("Bollettino postale", "Giro postal", "Postal order"),
    "MP19": ("SEPA Direct Debit", "Adeudo SEPA", "SEPA direct debit"),
    "MP20": ("SEPA Direct Debit CORE", "Adeudo SEPA CORE", "SEPA direct debit CORE"),
    "MP21": ("SEPA Direct Debit B2B", "Adeudo SEPA B2B", "SEPA direct debit B2B"),
    "MP22": ("Trattenuta", "Retenido", "Withheld"),
    "MP23": ("PagoPA", "PagoPA", "PagoPA"),
    "references": ("Riferimenti", "Referencias", "References"),
    "notes": ("Note", "Notas", "Notes"),
    "no_lines": ("Nessuna riga di dettaglio.", "Sin líneas de detalle.", "No detail lines."),
    "subject": ("Oggetto", "Asunto", "Subject"),
    "registered": ("Capitale sociale", "Capital social", "Share capital"),
    "total": ("Totale", "Total", "Total"),
}
_POSITION = {"it": 0, "es": 1, "en": 2}


@lru_cache(maxsize=8)
def labels(language: str) -> dict[str, str]:
    """All words in the nearest kept language; do not change the returned dictionary."""
    position = _POSITION[text_language(language)]
    every = LABELS | TRADE_LABELS | LEDGER_LABELS | DUNNING_LABELS
    return {key: words[position] for key, words in every.items()}
