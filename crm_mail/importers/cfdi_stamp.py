"""The stamp of a CFDI (TimbreFiscalDigital): what its printed form must show, and the text of its QR code.

Sources: Anexo 20 of the SAT (printed representation), TimbreFiscalDigital 1.0 and 1.1, cadena original of the
complement by the SAT's own stylesheet: the attributes between bars, in this order, absent ones left out.
"""

from decimal import Decimal
from typing import Final
from urllib.parse import quote

from lxml import etree

from crm_mail.importers.cfdi_xml import attribute, descend

_VERIFICATION: Final = "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx"
_CADENA: Final = {
    "1.0": ("version", "UUID", "FechaTimbrado", "SelloCFD", "NoCertificadoSAT"),
    "1.1": (
        *("Version", "UUID", "FechaTimbrado", "RfcProvCertif", "Leyenda"),
        *("SelloCFD", "NoCertificadoSAT"),
    ),
}


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
