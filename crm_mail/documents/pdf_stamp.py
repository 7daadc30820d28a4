"""What the printed form of a CFDI shows of its stamp: the QR code and the original string.

Source: Anexo 20 of the SAT, printed representation. The importer gives both texts ready; data of other programs
may lack them, and then they are made of the stamp's parts. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import segno

VERIFICATION = "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx"


def qr_text(
    stamp: Mapping[str, Any], company: Mapping[str, Any], party: Mapping[str, Any], totals: Mapping[str, Any]
) -> str:
    """The address behind the QR code: id, re, rr, tt and fe, the last eight characters of the issuer's seal."""
    if stamp.get("qr"):
        return str(stamp["qr"])
    parts = {
        "id": stamp.get("uuid"),
        "re": company.get("tax_code") or company.get("vat_number"),
        "rr": party.get("tax_code") or party.get("vat_number"),
        "tt": totals.get("payable") or totals.get("gross") or "0",
        "fe": str(stamp.get("issuer_seal") or "")[-8:],
    }
    return f"{VERIFICATION}?" + "&".join(
        f"{key}={quote(str(v or ''), safe='=+/')}" for key, v in parts.items()
    )


def qr_picture(
    stamp: Mapping[str, Any], company: Mapping[str, Any], party: Mapping[str, Any], totals: Mapping[str, Any]
) -> str:
    """The QR code as a `data:` address of an SVG; scales to any size."""
    return _picture(qr_text(stamp, company, party, totals))


@lru_cache(maxsize=64)
def _picture(text: str) -> str:
    uri: str = segno.make(text, error="m", micro=False).svg_data_uri(border=1, scale=4)
    return uri


def original_string(stamp: Mapping[str, Any]) -> str:
    """Cadena original of the stamp (TimbreFiscalDigital 1.1): its attributes between bars, absent ones left out."""
    names = ("uuid", "stamped_at", "provider_rfc", "legend", "issuer_seal", "sat_certificate")
    values = [str(stamp.get("version") or "1.1"), *(str(stamp[name]) for name in names if stamp.get(name))]
    return f"||{'|'.join(values)}||"
