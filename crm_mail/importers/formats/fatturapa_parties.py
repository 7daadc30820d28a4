"""Seller and buyer of a FatturaPA: the ordinary layout nests them deeper than the simplified one."""

from dataclasses import replace

from lxml import etree

from crm_mail.importers.base import DocumentParty, ImportRefused
from crm_mail.importers.formats.fatturapa_xml import child, text


def parse_seller(header: etree._Element) -> DocumentParty:
    """Read CedentePrestatore (ImportRefused when it is missing)."""
    seller = _require(header, "CedentePrestatore")
    personal = child(seller, "DatiAnagrafici")
    party = _parse_party(
        ids=seller if personal is None else personal,
        name=seller if personal is None else child(personal, "Anagrafica"),
        seat=child(seller, "Sede"),
    )
    contacts = child(seller, "Contatti")
    return replace(party, email=text(contacts, "Email"), phone=text(contacts, "Telefono"))


def parse_buyer(header: etree._Element) -> DocumentParty:
    """Read CessionarioCommittente (ImportRefused when it is missing)."""
    buyer = _require(header, "CessionarioCommittente")
    personal = child(buyer, "DatiAnagrafici")
    if personal is not None:
        return _parse_party(ids=personal, name=child(personal, "Anagrafica"), seat=child(buyer, "Sede"))
    other = child(buyer, "AltriDatiIdentificativi")
    return _parse_party(ids=child(buyer, "IdentificativiFiscali"), name=other, seat=child(other, "Sede"))


def _require(header: etree._Element, name: str) -> etree._Element:
    element = child(header, name)
    if element is None:
        raise ImportRefused("missing_element", element=name, place="FatturaElettronicaHeader")
    return element


def _parse_party(
    *, ids: etree._Element | None, name: etree._Element | None, seat: etree._Element | None
) -> DocumentParty:
    country, code = text(ids, "IdFiscaleIVA", "IdPaese"), text(ids, "IdFiscaleIVA", "IdCodice")
    person = " ".join(part for part in (text(name, "Nome"), text(name, "Cognome")) if part)
    street = ", ".join(part for part in (text(seat, "Indirizzo"), text(seat, "NumeroCivico")) if part)
    return DocumentParty(
        name=text(name, "Denominazione") or person or None,
        vat_number=f"{country or ''}{code}" if code else None,
        tax_code=text(ids, "CodiceFiscale"),
        address=street or None,
        postcode=text(seat, "CAP"),
        city=text(seat, "Comune"),
        province=text(seat, "Provincia"),
        country=text(seat, "Nazione"),
    )
