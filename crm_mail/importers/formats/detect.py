"""Say what a file is by looking at its content, never at its extension."""

import base64
import re
from enum import StrEnum
from typing import Final

from crm_mail.importers.base import ImportRefused
from crm_mail.words import N_

_HEAD: Final = 4096
_LAYERS: Final = 6
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES: Final = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=\s]+\Z")
_ROOT: Final = re.compile(r"<(?![?!])(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_JSON: Final = re.compile(r"\[\s*(?:\{\s*[\"}]|\])|\{\s*[\"}]")
_SKIPPED: Final = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)


class FileFormat(StrEnum):
    """What a file turned out to be."""

    FATTURAPA = "fatturapa"
    FATTURAPA_P7M = "fatturapa_p7m"
    SDI_RECEIPT = "sdi_receipt"
    CFDI = "cfdi"
    UBL = "ubl"
    CII = "cii"
    SIFEN = "sifen"
    EASYFATT = "easyfatt"
    PAIN001 = "pain001"
    SEND_ORDER = "send_order"
    XML = "xml"
    PDF = "pdf"
    PICTURE = "picture"
    XLSX = "xlsx"
    ODS = "ods"
    XLS = "xls"
    ZIP = "zip"
    JSON = "json"
    VCARD = "vcard"
    EMAIL = "email"
    TEXT = "text"
    EMPTY = "empty"
    UNKNOWN = "unknown"


_ROOTS: Final = {
    "fatturaelettronica": FileFormat.FATTURAPA,
    "fatturaelettronicasemplificata": FileFormat.FATTURAPA,
    "comprobante": FileFormat.CFDI,
    "invoice": FileFormat.UBL,
    "creditnote": FileFormat.UBL,
    "crossindustryinvoice": FileFormat.CII,
    "crossindustrydocument": FileFormat.CII,
    "scrdmccbdaciomessagestructure": FileFormat.CII,
    **dict.fromkeys(("rde", "renvide", "rlotede", "rcontde"), FileFormat.SIFEN),
    "easyfattdocuments": FileFormat.EASYFATT,
    "mailrequest": FileFormat.SEND_ORDER,
    "ricevutaconsegna": FileFormat.SDI_RECEIPT,
    "ricevutascarto": FileFormat.SDI_RECEIPT,
    "notificascarto": FileFormat.SDI_RECEIPT,
    "ricevutaimpossibilitarecapito": FileFormat.SDI_RECEIPT,
    "notificamancataconsegna": FileFormat.SDI_RECEIPT,
    "notificaesito": FileFormat.SDI_RECEIPT,
    "notificaesitocommittente": FileFormat.SDI_RECEIPT,
    "notificadecorrenzatermini": FileFormat.SDI_RECEIPT,
    "scartoesitocommittente": FileFormat.SDI_RECEIPT,
    "attestazionetrasmissionefattura": FileFormat.SDI_RECEIPT,
    "metadatiinviofile": FileFormat.SDI_RECEIPT,
    "filemetadati": FileFormat.SDI_RECEIPT,
}

FORMAT_NAMES: Final = {
    FileFormat.FATTURAPA: N_("a FatturaPA electronic invoice"),
    FileFormat.FATTURAPA_P7M: N_("a signed file (.p7m)"),
    FileFormat.SDI_RECEIPT: N_("a receipt of the Sistema di Interscambio"),
    FileFormat.CFDI: N_("a Mexican CFDI"),
    FileFormat.UBL: N_("a UBL invoice"),
    FileFormat.CII: N_("a CII invoice (Factur-X, ZUGFeRD)"),
    FileFormat.SIFEN: N_("a SIFEN document"),
    FileFormat.EASYFATT: N_("an Easyfatt export"),
    FileFormat.PAIN001: N_("a payment order (pain.001)"),
    FileFormat.SEND_ORDER: N_("a send order"),
    FileFormat.XML: N_("an XML file of another kind"),
    FileFormat.PDF: N_("a PDF"),
    FileFormat.PICTURE: N_("a picture"),
    FileFormat.XLSX: N_("an Excel spreadsheet (XLSX)"),
    FileFormat.ODS: N_("an OpenDocument spreadsheet (ODS)"),
    FileFormat.XLS: N_("an old Excel spreadsheet (XLS)"),
    FileFormat.ZIP: N_("a ZIP archive"),
    FileFormat.JSON: N_("a JSON file"),
    FileFormat.VCARD: N_("a vCard"),
    FileFormat.EMAIL: N_("an e-mail message"),
    FileFormat.TEXT: N_("a text file"),
    FileFormat.EMPTY: N_("an empty file"),
    FileFormat.UNKNOWN: N_("a file of an unknown kind"),
}
"""The words for each format in a message to the user (English; the web layer translates)."""

REMEDIES: Final = {
    FileFormat.FATTURAPA: N_("Import it under documents."),
    FileFormat.FATTURAPA_P7M: N_("Import it under documents."),
    **dict.fromkeys(
        (
            *(FileFormat.CFDI, FileFormat.UBL, FileFormat.CII, FileFormat.SIFEN, FileFormat.EASYFATT),
            *(FileFormat.PAIN001, FileFormat.SDI_RECEIPT),
        ),
        N_("Import it under documents."),
    ),
    FileFormat.PDF: N_("Upload the PDF by hand, with type, number, date and party."),
    FileFormat.ZIP: N_("Unpack it and import the files inside."),
    FileFormat.XLSX: N_("Spreadsheets are imported under contacts."),
    FileFormat.ODS: N_("Spreadsheets are imported under contacts."),
    FileFormat.XLS: N_("Spreadsheets are imported under contacts."),
    FileFormat.TEXT: N_("Tables are imported under contacts."),
    FileFormat.JSON: N_("Import it under documents."),
    FileFormat.EMPTY: N_("Export it again and check that it holds data."),
}
_DEFAULT_REMEDY: Final = N_("This format is not read: check that you chose the right file.")


def describe_format(found: FileFormat) -> tuple[str, str]:
    """Give (what it is, what to do with it) in English words for a message to the user."""
    return FORMAT_NAMES[found], REMEDIES.get(found, _DEFAULT_REMEDY)


def sniff_document_format(data: bytes) -> FileFormat:
    """Recognise `data` (a whole file, or its first 4 kB and more) by its content."""
    stripped = data.lstrip(b" \t\r\n\x00\x0b\x0c")
    if not stripped:
        return FileFormat.EMPTY
    if b"%PDF-" in data[:1024]:
        return FileFormat.PDF
    if stripped.startswith(_PICTURES):
        return FileFormat.PICTURE
    if stripped.startswith(b"PK\x03\x04"):
        return _sniff_zip(data)
    if stripped.startswith(_OLE):
        return FileFormat.XLS
    if _is_der(stripped):
        return FileFormat.FATTURAPA_P7M
    return _sniff_text(data)


_NAMED: Final = {
    ".pdf": N_("a PDF"),
    ".json": N_("a JSON file"),
    ".zip": N_("a ZIP archive"),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), N_("a picture")),
}


def check_named_kind(name: str, data: bytes) -> None:
    """Say of a file whose content nobody recognises what its name promises.

    Raises:
        ImportRefused: "damaged", when its content is neither that nor of another known kind.
    """
    ending = f".{name.rpartition('.')[2].lower()}"
    kinds = (FileFormat.TEXT, FileFormat.UNKNOWN)
    if ending in _NAMED and sniff_document_format(data) in kinds:
        raise ImportRefused("damaged", name=name, found=_NAMED[ending])


def _sniff_zip(data: bytes) -> FileFormat:
    if b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in data[:200]:
        return FileFormat.ODS
    if b"xl/workbook" in data or b"xl/worksheets" in data:
        return FileFormat.XLSX
    return FileFormat.ZIP


def _sniff_text(data: bytes) -> FileFormat:
    head = data[:_HEAD].lstrip(b" \t\r\n")
    text = _decode_head(head)
    if text is None:
        return FileFormat.UNKNOWN
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _sniff_xml(data)
    if text.startswith("-----BEGIN PKCS7") or text.startswith("-----BEGIN CMS"):
        return FileFormat.FATTURAPA_P7M
    if _JSON.match(text):
        return FileFormat.JSON
    if text[:11].upper() == "BEGIN:VCARD":
        return FileFormat.VCARD
    if re.match(r"(?:Return-Path|Received|From|Message-ID|MIME-Version|Delivered-To): ", text, re.IGNORECASE):
        return FileFormat.EMAIL
    if _hides_signature(head):
        return FileFormat.FATTURAPA_P7M
    return FileFormat.TEXT


def _is_der(data: bytes) -> bool:
    """A sequence with a long or an indefinite length: how a CMS envelope begins."""
    return data[:1] == b"\x30" and data[1:2] in (b"\x80", b"\x81", b"\x82", b"\x83", b"\x84")


def _hides_signature(head: bytes) -> bool:
    """Whether Base64, or Base64 of Base64, begins as a signature or an XML does; only the head is decoded."""
    for _ in range(_LAYERS):
        if not _BASE64.match(head):
            return False
        compact = b"".join(head.split())
        if len(compact) < 40:
            return False
        try:
            head = base64.b64decode(compact[: len(compact) // 4 * 4])
        except ValueError:
            return False
        if _is_der(head) or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<")):
            return True
    return False


def _decode_head(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    if b"\x00" in head:
        return None
    return head.decode("utf-8", errors="replace")


def _sniff_xml(data: bytes) -> FileFormat:
    head = data[: 16 * _HEAD]
    text = head.decode("utf-16", errors="replace") if head.startswith(_BOMS[1:]) else head.decode("latin-1")
    text = _SKIPPED.sub("", text)
    match = _ROOT.search(text)
    if match is None:
        return FileFormat.XML
    root = match.group(1).lower()
    if root == "envelope":  # SOAP, as the sender's software keeps what it sent to the tax office
        return FileFormat.SIFEN if "ekuatia.set.gov.py/sifen" in text[:4000] else FileFormat.XML
    if root == "document":
        return FileFormat.PAIN001 if "pain.001" in text[:2000] else FileFormat.XML
    if root == "invoice" and "urn:oasis:names:specification:ubl" not in text[:4000]:
        return FileFormat.XML
    return _ROOTS.get(root, FileFormat.XML)
