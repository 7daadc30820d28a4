"""The Addenda of a CFDI: what the parties agreed to add outside the seal, kept as it stands.

It is also the only place of the file where our own code of the customer may stand, which a document to one of the
SAT's generic RFCs needs: they mean the general public (XAXX) and every foreigner (XEXX), hence nobody.
"""

import re
from typing import Final

from lxml import etree

from crm_mail.importers.formats.fatturapa_xml import children, local_name

GENERIC_RFCS: Final = frozenset({"XAXX010101000", "XEXX010101000"})
_CODE_NAMES: Final = frozenset(
    {
        *("codigocliente", "codcliente", "clavecliente", "cvecliente", "numerocliente", "numcliente"),
        *("nocliente", "idcliente", "customercode", "customernumber", "customerid", "clientecodigo"),
        *("codigodecliente", "clavedecliente", "numerodecliente", "nodecliente"),
    }
)
_CODE: Final = re.compile(r"[^\s<>]{1,50}")


def raw_addenda(root: etree._Element) -> str | None:
    """The Addenda elements as XML text, byte order and formatting as they stand; None when there is none."""
    found = [etree.tostring(one, encoding="unicode", with_tail=False) for one in children(root, "Addenda")]
    return "\n".join(found) or None


def customer_code(root: etree._Element) -> str | None:
    """Our code of the customer where the Addenda names it, as an attribute or an element."""
    for addenda in children(root, "Addenda"):
        for element in addenda.iter():
            for name, value in element.attrib.items():
                if _key(str(name)) in _CODE_NAMES and _CODE.fullmatch(str(value).strip()):
                    return str(value).strip()
            text = (element.text or "").strip()
            if _key(local_name(element)) in _CODE_NAMES and _CODE.fullmatch(text):
                return text
    return None


def _key(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.rpartition("}")[2].lower())
