"""One body of a FatturaPA: type, number, date, totals, due dates, references, lines and enclosed files."""

import base64
import binascii
import datetime as dt
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from lxml import etree

from crm_mail.importers.base import (
    DocumentLine,
    DocumentReference,
    DueDate,
    ImportRefused,
    Notice,
    ParsedAttachment,
    ParsedDocument,
    TaxSummary,
    Totals,
)
from crm_mail.importers.formats.fatturapa_xml import (
    child,
    children,
    local_name,
    parse_amount,
    parse_date,
    text,
)
from crm_mail.words import N_

CREDIT_NOTES: Final = frozenset({"TD04", "TD08"})
SELF_BILLING: Final = frozenset(
    {f"TD{number}" for number in range(16, 24)} | {f"TD{number}" for number in range(26, 30)}
)
"""Self-billing, integration and internal types: addressed to ourselves, never mailed by default."""
_ORDINARY: Final = frozenset({"TD01", "TD02", "TD03", "TD05", "TD06", "TD07", "TD09", "TD24", "TD25"})
_REFERENCES: Final = {
    "DatiOrdineAcquisto": "order",
    "DatiContratto": "contract",
    "DatiConvenzione": "agreement",
    "DatiRicezione": "receipt",
    "DatiFattureCollegate": "invoice",
}
_CENT: Final = Decimal("0.01")


@dataclass
class _Body:
    """The body being read, where it stands in the file, and what was noticed on the way."""

    element: etree._Element
    place: str
    notices: list[Notice] = field(default_factory=list)

    def require(self, parent: etree._Element, name: str) -> str:
        value = text(parent, name)
        if value is None:
            raise ImportRefused("missing_element", element=name, place=self.place)
        return value

    def amount(self, parent: etree._Element | None, *path: str) -> Decimal | None:
        value = text(parent, *path)
        if value is None:
            return None
        amount = parse_amount(value)
        if amount is None:
            self._ignore(path[-1], value, N_("a number"))
        return amount

    def date(self, parent: etree._Element | None, *path: str) -> dt.date | None:
        value = text(parent, *path)
        if value is None:
            return None
        found = parse_date(value)
        if found is None:
            self._ignore(path[-1], value, N_("a date"))
        return found

    def _ignore(self, element: str, value: str, expected: str) -> None:
        self.notices.append(
            Notice("ignored_value", {"element": element, "value": value[:60], "expected": expected})
        )


def parse_body(element: etree._Element, template: ParsedDocument, place: str) -> ParsedDocument:
    """Fill `template` (what the header told) with one FatturaElettronicaBody.

    `place` names the body in messages. Raises ImportRefused when Numero, Data, TipoDocumento or the
    general data are missing or unreadable.
    """
    body = _Body(element, place)
    general = child(element, "DatiGenerali", "DatiGeneraliDocumento")
    if general is None:
        raise ImportRefused("missing_element", element="DatiGeneraliDocumento", place=place)
    code = body.require(general, "TipoDocumento").upper()
    issued = body.require(general, "Data")
    issued_on = parse_date(issued)
    if issued_on is None:
        raise ImportRefused("bad_value", element="Data", value=issued, place=place, expected=N_("a date"))
    number = body.require(general, "Numero")
    goods = child(element, "DatiBeniServizi")
    summary = tuple(_read_summary(body, element))
    totals = _read_totals(body, general, summary)
    due_dates = tuple(_read_due_dates(body, issued_on))
    self_billing = code in SELF_BILLING
    if not self_billing and code not in CREDIT_NOTES | _ORDINARY:
        body.notices.append(Notice("unknown_document_code", {"value": code}))
    return replace(
        template,
        type="credit_note" if code in CREDIT_NOTES else "invoice",
        number=number,
        date=issued_on,
        currency=_read_currency(body, general),
        totals=_add_payable(totals, due_dates),
        due_dates=due_dates,
        references=tuple(_read_references(body)),
        lines=tuple(_read_lines(body, goods)),
        tax_summary=summary,
        notes=tuple(note for item in children(general, "Causale") if (note := text(item))),
        ibans=tuple(dict.fromkeys(due.iban for due in due_dates if due.iban)),
        attachments=tuple(_read_attachments(body)),
        sdi_type=code,
        mailable=not self_billing,
        not_mailable_reason="self_billing" if self_billing else None,
        warnings=(*template.warnings, *body.notices),
    )


def _read_currency(body: _Body, general: etree._Element) -> str:
    currency = text(general, "Divisa")
    if currency is None:
        body.notices.append(Notice("assumed_currency"))
    return (currency or "EUR").upper()


def _read_summary(body: _Body, element: etree._Element) -> Iterator[TaxSummary]:
    """The VAT summary; the simplified layout has gross amounts with their VAT instead (VFSM10, 2.2)."""
    goods = child(element, "DatiBeniServizi")
    for row in children(goods, "DatiRiepilogo"):
        yield TaxSummary(
            rate=body.amount(row, "AliquotaIVA"),
            nature=text(row, "Natura"),
            net=body.amount(row, "ImponibileImporto") or Decimal(0),
            tax=body.amount(row, "Imposta") or Decimal(0),
        )
    for row in children(element, "DatiBeniServizi"):
        gross = body.amount(row, "Importo")
        if gross is None:
            continue
        rate, tax = body.amount(row, "DatiIVA", "Aliquota"), body.amount(row, "DatiIVA", "Imposta")
        if tax is None:
            part = gross * rate / (100 + rate) if rate else Decimal(0)
            tax = part.quantize(_CENT, rounding=ROUND_HALF_UP)
        yield TaxSummary(rate=rate, nature=text(row, "Natura"), net=gross - tax, tax=tax)


def _read_totals(body: _Body, general: etree._Element, summary: tuple[TaxSummary, ...]) -> Totals:
    """Totals; ImportoTotaleDocumento is optional and is otherwise the sum of the VAT summary."""
    stated = body.amount(general, "ImportoTotaleDocumento")
    withheld = [body.amount(row, "ImportoRitenuta") for row in children(general, "DatiRitenuta")]
    withholding = sum((value for value in withheld if value), Decimal(0)) if withheld else None
    net = sum((row.net for row in summary), Decimal(0)) if summary else None
    tax = sum((row.tax for row in summary), Decimal(0)) if summary else None
    computed = net + tax if net is not None and tax is not None else None
    gross = stated
    if stated is None and computed is not None:
        gross = computed + (body.amount(general, "Arrotondamento") or Decimal(0))
        body.notices.append(Notice("assumed_total", {"total": gross}))
    elif gross is None:
        body.notices.append(Notice("total_unknown"))
    elif computed is not None and abs(gross - computed) > Decimal(3):
        body.notices.append(Notice("total_differs", {"total": gross, "computed": computed}))
    return Totals(
        net=net,
        tax=tax,
        gross=gross,
        withholding=withholding,
        stamp=body.amount(general, "DatiBollo", "ImportoBollo"),
    )


def _add_payable(totals: Totals, due_dates: tuple[DueDate, ...]) -> Totals:
    """What is asked for: the payment rows when all have an amount, else the total less the withholding."""
    amounts = [due.amount for due in due_dates]
    if amounts and all(amount is not None for amount in amounts):
        return replace(totals, payable=sum((amount for amount in amounts if amount), Decimal(0)))
    if totals.gross is None:
        return totals
    return replace(totals, payable=totals.gross - (totals.withholding or Decimal(0)))


def _read_due_dates(body: _Body, issued_on: dt.date) -> Iterator[DueDate]:
    for payment in children(body.element, "DatiPagamento"):
        for row in children(payment, "DettaglioPagamento"):
            yield _read_due_date(body, row, issued_on)


def _read_due_date(body: _Body, row: etree._Element, issued_on: dt.date) -> DueDate:
    """A payment row; without a date it is reference date (else document date) plus GiorniTerminiPagamento."""
    due_on, amount = body.date(row, "DataScadenzaPagamento"), body.amount(row, "ImportoPagamento")
    days = text(row, "GiorniTerminiPagamento")
    computed = due_on is None and days is not None and days.isdigit() and len(days) <= 4
    if computed and days is not None:
        start = body.date(row, "DataRiferimentoTerminiPagamento") or issued_on
        due_on = start + dt.timedelta(days=int(days))
        body.notices.append(Notice("due_date_computed", {"date": due_on.isoformat()}))
    elif due_on is None:
        body.notices.append(Notice("due_date_missing", {"amount": amount if amount is not None else "?"}))
    iban = text(row, "IBAN")
    return DueDate(
        date=due_on,
        amount=amount,
        method=text(row, "ModalitaPagamento"),
        iban="".join(iban.split()).upper() if iban else None,
        computed=computed,
    )


def _read_references(body: _Body) -> Iterator[DocumentReference]:
    general = child(body.element, "DatiGenerali")
    for row in general if general is not None else ():
        name = local_name(row)
        if name in _REFERENCES and (number := text(row, "IdDocumento")):
            extra = {key: value for key in ("CodiceCUP", "CodiceCIG") if (value := text(row, key))}
            yield DocumentReference(_REFERENCES[name], number, body.date(row, "Data"), extra)
        elif name == "DatiDDT" and (number := text(row, "NumeroDDT")):
            yield DocumentReference("delivery_note", number, body.date(row, "DataDDT"))
        elif name == "DatiFatturaRettificata" and (number := text(row, "NumeroFR")):
            yield DocumentReference("invoice", number, body.date(row, "DataFR"))


def _read_lines(body: _Body, goods: etree._Element | None) -> Iterator[DocumentLine]:
    for row in children(goods, "DettaglioLinee"):
        yield DocumentLine(
            number=text(row, "NumeroLinea"),
            description=text(row, "Descrizione") or "",
            code=text(row, "CodiceArticolo", "CodiceValore"),
            quantity=body.amount(row, "Quantita"),
            unit=text(row, "UnitaMisura"),
            price=body.amount(row, "PrezzoUnitario"),
            discount=_describe_discounts(row),
            net=body.amount(row, "PrezzoTotale"),
            tax_rate=body.amount(row, "AliquotaIVA"),
            tax_nature=text(row, "Natura"),
        )
    if next(children(goods, "DettaglioLinee"), None) is None:
        for number, row in enumerate(children(body.element, "DatiBeniServizi"), start=1):
            if description := text(row, "Descrizione"):
                yield DocumentLine(str(number), description, net=body.amount(row, "Importo"))


def _describe_discounts(row: etree._Element) -> str | None:
    """Discounts (SC) and surcharges (MG) of a line as text: -10%, +5.00."""
    parts = []
    for item in children(row, "ScontoMaggiorazione"):
        sign = "+" if text(item, "Tipo") == "MG" else "-"
        percent, amount = text(item, "Percentuale"), text(item, "Importo")
        if percent or amount:
            parts.append(f"{sign}{percent}%" if percent else f"{sign}{amount}")
    return " ".join(parts) or None


def _read_attachments(body: _Body) -> Iterator[ParsedAttachment]:
    for index, row in enumerate(children(body.element, "Allegati"), start=1):
        name = text(row, "NomeAttachment") or f"attachment-{index}"
        content = child(row, "Attachment")
        raw = "" if content is None else "".join("".join(str(piece) for piece in content.itertext()).split())
        if not raw:
            body.notices.append(Notice("empty_attachment", {"name": name}))
            continue
        try:
            decoded = base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            body.notices.append(Notice("bad_attachment", {"name": name}))
            continue
        yield ParsedAttachment(name, _guess_mime(name, text(row, "FormatoAttachment")), decoded)


def _guess_mime(name: str, stated: str | None) -> str:
    guessed, _ = mimetypes.guess_type(name)
    if guessed is None and stated:
        guessed, _ = mimetypes.guess_type(f"file.{stated.lower()}")
    return guessed or "application/octet-stream"
