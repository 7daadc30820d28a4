"""The addenda that a customer wants inside its CFDIs (PM-18), as a person enters it. Pure."""

import re

from lxml import etree

from crm_mail.refusals import Refusal

MAX_LENGTH = 20_000


class AddendaInvalid(Refusal, ValueError):
    """The addenda is not XML that can stand inside another document; the message says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the addenda is not well-formed XML: {detail}")
        self.detail = detail


def check_addenda(text: str) -> str:
    """The addenda as it is kept: one or more elements that name their own namespaces.

    Raises:
        AddendaInvalid: it is not well-formed, holds no element, or declares a document type.
    """
    clean = re.sub(r"\A\ufeff?\s*<\?xml[^>]*\?>", "", text).strip()
    if not clean:
        return ""
    if "<!DOCTYPE" in clean or "<!ENTITY" in clean:
        raise AddendaInvalid("DOCTYPE")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(f"<a>{clean}</a>".encode(), parser)
    except etree.XMLSyntaxError as error:
        raise AddendaInvalid(str(error.msg)[:200]) from None
    if len(root) == 0:
        raise AddendaInvalid("no element")
    only = root[0]
    if len(root) == 1 and etree.QName(only).localname == "Addenda":  # its content is what is added
        return "".join(etree.tostring(one, encoding="unicode", with_tail=False) for one in only)
    return clean
