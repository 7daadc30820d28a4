"""Two relatives of the CII invoice, rewritten in its words so that one reader is enough.

ZUGFeRD 1 (2014) has the same structure under older names; Order-X (2020) is the order in the structure of the
invoice. Only the names change: no value is touched, and the original file stays as it came.
"""

from typing import Final

from lxml import etree

from crm_mail.importers.formats.fatturapa_xml import local_name

ZUGFERD_1: Final = "urn:ferd:CrossIndustryDocument:invoice:1p0"
ORDER_X: Final = "urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100"
_RSM: Final = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_RAM: Final = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_UDT: Final = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
_QDT: Final = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
_PREFIXES: Final = {"rsm": _RSM, "ram": _RAM, "udt": _UDT, "qdt": _QDT}
_LEVEL: Final = "urn:cen.eu:en16931:2017"
_LINE: Final = "IncludedSupplyChainTradeLineItem"

_NAMES: Final = {
    "CrossIndustryDocument": "CrossIndustryInvoice",
    "SpecifiedExchangedDocumentContext": "ExchangedDocumentContext",
    "HeaderExchangedDocument": "ExchangedDocument",
    "SpecifiedSupplyChainTradeTransaction": "SupplyChainTradeTransaction",
    "ApplicableSupplyChainTradeAgreement": "ApplicableHeaderTradeAgreement",
    "ApplicableSupplyChainTradeDelivery": "ApplicableHeaderTradeDelivery",
    "ApplicableSupplyChainTradeSettlement": "ApplicableHeaderTradeSettlement",
    "SpecifiedSupplyChainTradeAgreement": "SpecifiedLineTradeAgreement",
    "SpecifiedSupplyChainTradeDelivery": "SpecifiedLineTradeDelivery",
    "SpecifiedSupplyChainTradeSettlement": "SpecifiedLineTradeSettlement",
    "ApplicablePercent": "RateApplicablePercent",
    "SCRDMCCBDACIOMessageStructure": "CrossIndustryInvoice",
    "OrderCurrencyCode": "InvoiceCurrencyCode",
    "RequestedQuantity": "BilledQuantity",
}
_SUMMATION: Final = "SpecifiedTradeSettlementMonetarySummation"


def as_cii(root: etree._Element) -> etree._Element:
    """Give `root` in the words of the CII invoice; any other tree comes back as it is."""
    if etree.QName(root).namespace not in (ZUGFERD_1, ORDER_X):
        return root
    rewritten = etree.Element(f"{{{_RSM}}}CrossIndustryInvoice", nsmap=_PREFIXES)
    _copy(root, rewritten, in_line=False)
    for guideline in rewritten.iter(f"{{{_RAM}}}GuidelineSpecifiedDocumentContextParameter"):
        for identifier in guideline:
            identifier.text = _LEVEL
    return rewritten


def _copy(source: etree._Element, target: etree._Element, *, in_line: bool) -> None:
    target.text = source.text
    for name, value in source.attrib.items():
        target.set(name, value)
    if target.get("format") == "203":  # date with hours and minutes: the invoice has days only (format 102)
        target.set("format", "102")
        target.text = (source.text or "").strip()[:8]
    for item in source:
        namespace = _new_namespace(etree.QName(item).namespace or "")
        name = _new_name(local_name(item), in_line)
        _copy(item, etree.SubElement(target, f"{{{namespace}}}{name}"), in_line=in_line or name == _LINE)


def _new_namespace(old: str) -> str:
    for mark, new in (
        ("ReusableAggregate", _RAM),
        ("UnqualifiedDataType", _UDT),
        ("QualifiedDataType", _QDT),
    ):
        if mark in old:
            return new
    return _RSM


def _new_name(old: str, in_line: bool) -> str:
    if old == _SUMMATION:
        return f"SpecifiedTradeSettlement{'Line' if in_line else 'Header'}MonetarySummation"
    return _NAMES.get(old, old)
