"""Parse XML that a stranger wrote: no entities, no network, no document type, and a limit on the size.

The rule is OWASP's for XML external entities; the second, forgiving try is for files with broken namespace
declarations or stray characters, which the Sistema di Interscambio lets through. A file that is cut off or
whose tags do not match is refused: half an invoice must never pass for a whole one.
"""

import re
from typing import Final

from lxml import etree

from crm_mail.importers.base import ImportRefused, Notice
from crm_mail.words import N_

DEFAULT_SIZE_LIMIT: Final = 50 * 1024 * 1024
_FORGIVABLE: Final = frozenset(
    {
        "ERR_INVALID_CHAR",
        "ERR_INVALID_ENCODING",
        "ERR_UNDECLARED_ENTITY",
        "ERR_ENTITYREF_SEMICOL_MISSING",
        "ERR_NAME_REQUIRED",
        "ERR_RESERVED_XML_NAME",
        "ERR_ATTRIBUTE_REDEFINED",
        "ERR_UNSUPPORTED_ENCODING",
    }
)
_DECLARATION: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\x00!\x00(?:D|E)\x00|\x00<\x00!\x00(?:D|E)")
_DATA_ELEMENTS: Final = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)


def parse_hardened(
    data: bytes, *, size_limit: int = DEFAULT_SIZE_LIMIT
) -> tuple[etree._Element, tuple[Notice, ...]]:
    """Give the root element of `data` and what had to be forgiven.

    Arguments: `size_limit` in bytes, checked before anything is parsed. Raises ImportRefused with
    file_too_large, hostile_xml, broken_xml or xml_text_too_long.
    """
    check_size(data, size_limit)
    _refuse_declarations(data)
    data = data.lstrip(b" \t\r\n\x00") if not data.startswith((b"\xff\xfe", b"\xfe\xff")) else data
    parser = _make_parser(recover=False)
    try:
        return _refuse_dtd(etree.fromstring(data, parser)), ()
    except etree.XMLSyntaxError:
        log = parser.error_log  # the exception's own log may hold entries of files parsed before
        _refuse_unforgivable(log)
        first = log[0] if len(log) else None
    root = etree.fromstring(data, _make_parser(recover=True))
    if root is None:
        raise ImportRefused("broken_xml", line=1, column=1, detail=N_("no element was found"))
    line, detail = (first.line, first.message) if first is not None else (1, "")
    return _refuse_dtd(root), (Notice("recovered_xml", {"line": line, "detail": detail}),)


def _refuse_dtd(root: etree._Element) -> etree._Element:
    """The same refusal, judged by the parser itself: whatever encoding or disguise the declaration used."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise ImportRefused("hostile_xml", line=1)
    return root


def check_size(data: bytes, size_limit: int) -> None:
    """Refuse more than `size_limit` bytes, and an empty file."""
    if not data:
        raise ImportRefused("empty_file")
    if len(data) > size_limit:
        raise ImportRefused(
            "file_too_large", size_mb=f"{len(data) / 1048576:.1f}", limit_mb=f"{size_limit / 1048576:g}"
        )


def _make_parser(*, recover: bool) -> etree.XMLParser[etree._Element]:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _refuse_declarations(data: bytes) -> None:
    match = _DECLARATION.search(data)
    if match is None:
        return
    if b"<!--" in data or b"<![CDATA[" in data:  # a declaration quoted in a comment or in text does no harm
        data = _DATA_ELEMENTS.sub(b"", data)
        match = _DECLARATION.search(data)
        if match is None:
            return
    raise ImportRefused("hostile_xml", line=data.count(b"\n", 0, match.start()) + 1)


def _refuse_unforgivable(log: etree._ListErrorLog) -> None:
    for entry in log:
        if entry.type_name == "ERR_RESOURCE_LIMIT" or "huge" in entry.message.lower():
            raise ImportRefused("xml_text_too_long", line=entry.line)
    for entry in log:
        if entry.domain_name != "NAMESPACE" and entry.type_name not in _FORGIVABLE:
            detail = entry.message.strip()
            raise ImportRefused("broken_xml", line=entry.line, column=entry.column, detail=detail)
