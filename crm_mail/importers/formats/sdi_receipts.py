"""Receipts of the Sistema di Interscambio: recognised by their content, completed by their file name.

Two families of names are in use, both read: `fatturapa.gov.it/sdi/messaggi` (public bodies) and
`ivaservizi.agenziaentrate.gov.it/…/messaggi` (private customers).
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from crm_mail.documents.sdi import SdiKind, file_key, read_receipt_name
from crm_mail.documents.sdi_service import NewReceipt
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.formats.detect import FileFormat, sniff_document_format
from crm_mail.importers.formats.fatturapa_xml import child, children, local_name, text
from crm_mail.importers.formats.hardened_xml import parse_hardened
from crm_mail.words import N_

ROOTS: Final = {
    "RicevutaConsegna": SdiKind.RC,
    "RicevutaScarto": SdiKind.NS,
    "NotificaScarto": SdiKind.NS,
    "RicevutaImpossibilitaRecapito": SdiKind.MC,
    "NotificaMancataConsegna": SdiKind.MC,
    "NotificaEsito": SdiKind.NE,
    "NotificaDecorrenzaTermini": SdiKind.DT,
    "AttestazioneTrasmissioneFattura": SdiKind.AT,
    "NotificaEsitoCommittente": SdiKind.EC,
    "ScartoEsitoCommittente": SdiKind.SE,
    "MetadatiInvioFile": SdiKind.MT,
    "FileMetadati": SdiKind.MT,
}
_ITALY: Final = ZoneInfo("Europe/Rome")
_TIMES: Final = ("DataOraConsegna", "DataMessaADisposizione", "DataOraRicezione")
_DETAIL: Final = 4000


def is_sdi_receipt(data: bytes, name: str) -> bool:
    """Whether a file is a receipt: by its content, or an XML of another root by the name that receipts have."""
    found = sniff_document_format(data)
    return found is FileFormat.SDI_RECEIPT or (
        found is FileFormat.XML and read_receipt_name(name) is not None
    )


def read_sdi_receipt(data: bytes, name: str) -> NewReceipt:
    """Read one receipt; `name` is its file's.

    Raises ImportRefused for another XML, a broken or hostile one, and one that names no invoice at all.
    """
    root, _notices = parse_hardened(data)
    named = read_receipt_name(name)
    kind = ROOTS.get(local_name(root)) or (named[1] if named else None)
    if kind is None:
        raise ImportRefused(
            "wrong_format",
            found=f"an XML file that begins with {local_name(root)}",
            expected=N_("a receipt of the Sistema di Interscambio"),
            remedy=N_("Check that you chose the right file."),
        )
    stated, sdi_id = text(root, "NomeFile"), text(root, "IdentificativoSdI") or ""
    key = file_key(stated) if stated else (named[0] if named else "")
    if not key and not sdi_id:
        raise ImportRefused("missing_element", element="NomeFile", place=N_("the file"))
    return NewReceipt(
        kind=kind,
        file_key=key,
        sdi_id=sdi_id,
        told_at=next((moment for item in _TIMES if (moment := _read_moment(text(root, item)))), None),
        outcome=text(root, "EsitoCommittente", "Esito") or text(root, "Esito") or "",
        detail="\n".join(_read_detail(root))[:_DETAIL],
    )


def _read_detail(root: etree._Element) -> Iterator[str]:
    """The errors with their codes, or the description: the SdI's own words."""
    for row in children(child(root, "ListaErrori"), "Errore"):
        code, words, hint = (text(row, part) for part in ("Codice", "Descrizione", "Suggerimento"))
        if code or words:
            yield " · ".join(part for part in (code, words, hint) if part)
    for path in (("Descrizione",), ("EsitoCommittente", "Descrizione"), ("Note",)):
        if words := text(root, *path):
            yield words


def _read_moment(value: str | None) -> dt.datetime | None:
    """A date and time with or without zone (then it is Italy's); None when it is none."""
    if value is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=_ITALY)).astimezone(dt.UTC)
