"""Payment orders (ISO 20022 pain.001, versions .03 and .09 and those between): one transfer advice per payment.

What the bank is asked to pay is told to the creditor: amount, day, accounts, and the invoices settled, from the
structured (`Strd`) or the free (`Ustrd`) remittance information. With each advice only its own piece of the file is
kept, so that no payment to one creditor can ever reach another.
"""

import datetime as dt
import re
from collections.abc import Iterator
from copy import deepcopy as copy
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from crm_mail.importers.base import (
    Direction,
    DocumentParty,
    DocumentReference,
    ImportRefused,
    Notice,
    ParsedDocument,
    Totals,
)
from crm_mail.importers.formats.cfdi_xml import descend
from crm_mail.importers.formats.fatturapa_xml import (
    child,
    children,
    local_name,
    parse_amount,
    parse_date,
    text,
)
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.words import N_

_CREDIT_NOTES: Final = frozenset({"CREN", "CRED"})
_LONGEST: Final = 10_000  # characters of free text that are searched; banks carry 140
_NOT_PROVIDED: Final = "NOTPROVIDED"
_INVOICE: Final = re.compile(
    r"\b(?:fatt(?:ura|ure)?|ft|fact(?:ura)?|fra|inv(?:oice)?|nc|nota\s+credito)\b\.?\s*"
    r"(?:(?:n(?:r|um|o|°)?|nº)\.?\s*)?"
    r"(?P<number>[A-Z0-9][\w./-]*\d|\d)"
    r"(?:\s+(?:del|dd|of|de|del\s+d[ií]a)\s+(?P<date>\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}-\d{2}-\d{2}))?",
    re.IGNORECASE,
)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


def parse_pain001(data: bytes) -> list[ParsedDocument]:
    """Read every credit transfer of a file.

    Raises ImportRefused when the file is broken or hostile, holds no transfer, or one lacks amount or creditor.
    """
    root, notices = parse_hardened(data)
    batches = [(batch, one) for batch in descend(root, "PmtInf") for one in children(batch, "CdtTrfTxInf")]
    if not batches:
        raise ImportRefused("missing_element", element="CdtTrfTxInf", place=N_("the file"))
    message = text(root, "CstmrCdtTrfInitn", "GrpHdr", "MsgId")
    return [
        _read(batch, transfer, notices, message, (place, len(batches)))
        for place, (batch, transfer) in enumerate(batches, start=1)
    ]


def _own_piece(batch: etree._Element, transfer: etree._Element) -> bytes:
    """The batch with this transfer alone, as XML."""
    try:
        piece = etree.Element(batch.tag, nsmap=batch.nsmap)
    except ValueError:  # a namespace that the parser took and the writer does not
        piece = etree.Element(local_name(batch))
    for one in batch:
        if local_name(one) != "CdtTrfTxInf":
            piece.append(copy(one))
    piece.append(copy(transfer))
    return etree.tostring(piece, encoding="utf-8", xml_declaration=True)


def _read(
    batch: etree._Element,
    transfer: etree._Element,
    notices: tuple[Notice, ...],
    message: str | None,
    place: tuple[int, int],
) -> ParsedDocument:
    where = f"CdtTrfTxInf {place[0]}"
    amount, currency = _amount(transfer, where)
    executed_on = _executed_on(batch)
    creditor = _party(child(transfer, "Cdtr"), where)
    iban = _account(child(transfer, "CdtrAcct"))
    end_to_end = text(transfer, "PmtId", "EndToEndId")
    if end_to_end == _NOT_PROVIDED:
        end_to_end = None
    key = f"{message}/{text(batch, 'PmtInfId')}/{place[0]}"
    purpose = " ".join(found for one in _remittances(transfer, "Ustrd") if (found := text(one)))
    items = list(_items(transfer, purpose))
    piece = _own_piece(batch, transfer)
    return ParsedDocument(
        type="transfer_advice",
        number=(end_to_end or text(transfer, "PmtId", "InstrId") or key)[:60],
        date=executed_on,
        currency=currency,
        seller=creditor,
        buyer=_party(child(batch, "Dbtr"), "Dbtr"),
        direction=Direction.SUPPLIER,
        totals=Totals(gross=amount, payable=amount),
        references=tuple(
            DocumentReference("invoice", item["document"], item["date"]) for item in items if item["document"]
        ),
        ibans=(iban,) if iban else (),
        legal_file=piece,
        legal_xml=piece,
        body_index=place[0],
        body_count=place[1],
        source="pain001",
        identity=key,
        extra={
            "amount": amount,
            "executed_on": executed_on,
            "payer_bank": _bank(child(batch, "DbtrAgt")),
            "payer_iban": _account(child(batch, "DbtrAcct")),
            "beneficiary": creditor.name,
            "beneficiary_iban": iban,
            "beneficiary_bank": _bank(child(transfer, "CdtrAgt")),
            "end_to_end_id": end_to_end,
            "purpose": purpose or None,
            "items": items,
        },
        warnings=notices,
    )


def _amount(transfer: etree._Element, where: str) -> tuple[Decimal, str]:
    stated = child(transfer, "Amt", "InstdAmt")
    currency = stated.get("Ccy") if stated is not None else None
    if stated is None:  # the equivalent of an amount in another currency
        stated = child(transfer, "Amt", "EqvtAmt", "Amt")
        currency = stated.get("Ccy") if stated is not None else None
    value = text(stated)
    if value is None:
        raise ImportRefused("missing_element", element="InstdAmt", place=where)
    amount = parse_amount(value)
    if amount is None:
        raise ImportRefused(
            "bad_value", element="InstdAmt", value=value[:60], place=where, expected=N_("a number")
        )
    return amount, (currency or "EUR").upper()


def _executed_on(batch: etree._Element) -> dt.date:
    """ReqdExctnDt: a date up to version .07, a choice of date or moment from .08 on."""
    stated = text(batch, "ReqdExctnDt")
    day = parse_date(stated) if stated else None
    if day is None:
        raise ImportRefused("missing_element", element="ReqdExctnDt", place="PmtInf")
    return day


def _party(element: etree._Element | None, where: str) -> DocumentParty:
    name = text(element, "Nm")
    if element is None or name is None:
        raise ImportRefused("missing_element", element="Nm", place=where)
    address = child(element, "PstlAdr")
    street = " ".join(p for n in ("StrtNm", "BldgNb") if (p := text(address, n)))
    free = ", ".join(line for one in children(address, "AdrLine") if (line := text(one)))
    ids = child(element, "Id", "OrgId")
    other = child(ids, "Othr") if ids is not None else child(element, "Id", "PrvtId", "Othr")
    return DocumentParty(
        name=name,
        vat_number=text(other, "Id") if _is_tax_number(other) else None,
        address=street or free or None,
        postcode=text(address, "PstCd"),
        city=text(address, "TwnNm"),
        country=text(address, "Ctry"),
    )


def _is_tax_number(other: etree._Element | None) -> bool:
    """Whether an identification is a tax number; the CUC of CBI and the bank's own codes are not."""
    return text(other, "SchmeNm", "Cd") in ("TXID", "VATN") or text(other, "Issr") in ("ADE", "VAT")


def _account(element: etree._Element | None) -> str | None:
    found = text(element, "Id", "IBAN") or text(element, "Id", "Othr", "Id")
    return found.replace(" ", "") if found else None


def _bank(agent: etree._Element | None) -> str | None:
    bank = child(agent, "FinInstnId")
    name, bic = text(bank, "Nm"), text(bank, "BICFI") or text(bank, "BIC")
    return " ".join(part for part in (name, bic) if part) or text(bank, "ClrSysMmbId", "MmbId")


def _remittances(transfer: etree._Element, name: str) -> Iterator[etree._Element]:
    for one in children(transfer, "RmtInf"):
        yield from children(one, name)


def _items(transfer: etree._Element, purpose: str) -> Iterator[dict[str, Any]]:
    """The documents paid: the structured ones; else what the free text names, with no amounts of their own."""
    structured = [item for one in _remittances(transfer, "Strd") for item in _structured(one)]
    if structured:
        yield from structured
        return
    for match in _INVOICE.finditer(purpose[:_LONGEST]):
        yield {"document": match["number"], "date": _day(match["date"]), "paid": None}


def _structured(strd: etree._Element) -> Iterator[dict[str, Any]]:
    documents: list[etree._Element | None] = list(children(strd, "RfrdDocInf"))
    documents = documents or [None]
    sums = child(strd, "RfrdDocAmt")
    for document in documents:
        stated = text(document, "RltdDt")
        code = text(document, "Tp", "CdOrPrtry", "Cd")
        reference = text(strd, "CdtrRefInf", "Ref")
        alone = sums if len(documents) == 1 else None  # the amounts are of all the documents together
        yield {
            "document": text(document, "Nb") or reference,
            "type": "credit_note" if code in _CREDIT_NOTES else "invoice" if document is not None else None,
            "date": parse_date(stated) if stated else None,
            "gross": _sum(alone, "DuePyblAmt"),
            "discount": _sum(alone, "DscntApldAmt"),
            "paid": _paid(alone),
        }


def _paid(sums: etree._Element | None) -> Decimal | None:
    credit = _sum(sums, "CdtNoteAmt")
    return -credit if credit is not None else _sum(sums, "RmtdAmt")


def _sum(sums: etree._Element | None, name: str) -> Decimal | None:
    """An amount of the remittance; DscntApldAmt nests it once more from version .04 on."""
    value = text(sums, name, "Amt") or text(sums, name)
    return parse_amount(value) if value else None


def _day(written: str | None) -> dt.date | None:
    if not written:
        return None
    match = _DAY_FIRST.fullmatch(written)
    if match is None:
        return parse_date(written)
    try:
        return dt.date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None
