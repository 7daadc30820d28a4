"""The attached copy of an XML document: a byte-order mark in front (PM-7), a customer's addenda inside (PM-18). Pure.

The original stays as it is stored. All bytes but those added are the original's, so that its seal stays valid: the seal
of a CFDI does not cover its Addenda (Anexo 20 of the Resolución Miscelánea Fiscal).
"""

import re
from codecs import BOM_UTF8

_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]+)["']""")
_ROOT_END = re.compile(rb"</((?:[A-Za-z_][\w.\-]*:)?)Comprobante\s*>\s*\Z")


def add_bom(data: bytes) -> bytes:
    """The XML with a byte-order mark; unchanged when it has one, or is not in UTF-8 (XML 1.0, 4.3.3)."""
    declared = _DECLARED.match(data)
    is_utf8 = declared is None or declared[1].upper() in (b"UTF-8", b"UTF8", b"US-ASCII")
    return BOM_UTF8 + data if is_utf8 and data.lstrip()[:1] == b"<" else data


def add_addenda(data: bytes, addenda: str) -> bytes:
    """The CFDI with the elements inside its Addenda, which is made when there is none.

    An XML that is no CFDI comes back unchanged.
    """
    end = _ROOT_END.search(data)
    if end is None or not addenda:
        return data
    declared = _DECLARED.match(data)
    inner = addenda.encode(declared[1].decode("ascii") if declared else "utf-8", "xmlcharrefreplace")
    prefix = re.escape(end[1])
    head = data[: end.start()]
    closing = re.search(rb"</" + prefix + rb"Addenda\s*>\s*\Z", head)
    if closing is not None:
        return head[: closing.start()] + inner + data[closing.start() :]
    empty = re.search(rb"<" + prefix + rb"Addenda\s*/>\s*\Z", head)
    start = empty.start() if empty is not None else end.start()
    made = b"<" + end[1] + b"Addenda>" + inner + b"</" + end[1] + b"Addenda>"
    return data[:start] + made + data[end.start() :]
