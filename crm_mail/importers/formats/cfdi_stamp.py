"""The stamp of a CFDI (TimbreFiscalDigital): what its printed form must show, and the text of its QR code.

Sources: Anexo 20 of the SAT (printed representation), TimbreFiscalDigital 1.0 and 1.1, cadena original of the
complement by the SAT's own stylesheet: the attributes between bars, in this order, absent ones left out.
"""

from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from lxml import etree

from crm_mail.importers.formats.cfdi_xml import attribute, descend

_VERIFICATION: Final = "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx"
_ADDED_LATER: Final = frozenset({"TimbreFiscalDigital", "Addenda"})
_WRAPPER: Final = "Complemento"  # stamping adds it where there was none: only what it holds counts
_ADDED_ATTRIBUTES: Final = frozenset({"sello", "certificado", "nocertificado"})
_CADENA: Final = {
    "1.0": ("version", "UUID", "FechaTimbrado", "SelloCFD", "NoCertificadoSAT"),
    "1.1": (
        *("Version", "UUID", "FechaTimbrado", "RfcProvCertif", "Leyenda"),
        *("SelloCFD", "NoCertificadoSAT"),
    ),
}


def fingerprint(root: etree._Element) -> str:
    """What the issuer stated, as 32 hexadecimal digits: the same before and after sealing and stamping.

    It tells documents without a Folio apart and lets the stamped one find the one that waited for it.
    """
    digest = sha256()
    _feed(digest.update, root)
    return digest.hexdigest()[:32]


def _feed(update: Callable[[bytes], None], element: etree._Element) -> None:
    name = str(element.tag).rpartition("}")[2]
    if name in _ADDED_LATER:
        return
    stated = {
        key.lower(): value
        for key, value in ((str(k), " ".join(str(v).split())) for k, v in element.attrib.items())
        if not key.startswith("{") and key.lower() not in _ADDED_ATTRIBUTES
    }
    if name != _WRAPPER:
        update(f"<{name} {sorted(stated.items())}>".encode())
    for one in element:
        _feed(update, one)
    if name != _WRAPPER:
        update(b"</>")


def find_stamp(root: etree._Element) -> etree._Element | None:
    """The stamp of this document, if it has one with a UUID."""
    return next((one for one in descend(root, "TimbreFiscalDigital") if attribute(one, "UUID")), None)


def read_stamp(root: etree._Element, issuer_rfc: str, receiver_rfc: str, total: Decimal) -> dict[str, str]:
    """What the printed form shows of the stamp, as texts; nothing when the document is not stamped."""
    stamp = find_stamp(root)
    if stamp is None:
        return {}
    seal = attribute(stamp, "SelloCFD") or attribute(root, "Sello") or ""
    uuid = (attribute(stamp, "UUID") or "").upper()
    found = {
        "uuid": uuid,
        "version": attribute(stamp, "Version"),
        "stamped_at": attribute(stamp, "FechaTimbrado"),
        "provider_rfc": attribute(stamp, "RfcProvCertif"),
        "legend": attribute(stamp, "Leyenda"),
        "issuer_seal": seal,
        "sat_seal": attribute(stamp, "SelloSAT"),
        "issuer_certificate": attribute(root, "NoCertificado"),
        "sat_certificate": attribute(stamp, "NoCertificadoSAT"),
        "original_string": original_string(stamp),
        "qr": qr_text(uuid, issuer_rfc, receiver_rfc, total, seal),
    }
    return {name: value for name, value in found.items() if value}


def original_string(stamp: etree._Element) -> str:
    """The cadena original of the stamp: what the SAT's seal covers."""
    names = _CADENA.get(attribute(stamp, "Version") or "", _CADENA["1.1"])
    values = [attribute(stamp, name) for name in names]
    return "||" + "|".join(value for value in values if value) + "||"


def qr_text(uuid: str, issuer_rfc: str, receiver_rfc: str, total: Decimal, seal: str) -> str:
    """The address behind the QR code: the SAT's page that says whether the document is valid.

    Arguments: `total` as the document has it (zero for a payment); `seal`, the issuer's, ends the address with its
    last eight characters.
    """
    parts = {"id": uuid, "re": issuer_rfc, "rr": receiver_rfc, "tt": f"{total:f}", "fe": seal[-8:]}
    # the seal is base64: its "=" and "+" stand as they are in the SAT's examples; "&" and "Ñ" of an RFC cannot
    return f"{_VERIFICATION}?" + "&".join(f"{key}={quote(text, safe='=+/')}" for key, text in parts.items())
