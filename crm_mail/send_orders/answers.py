"""The answer to an order, put beside its file: `_CFD_MAIL_RES_<id>.XML`. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from crm_mail.send_orders.bodies import clean_text

NAMESPACE = "urn:crm-mail:send-result:1"


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message of an order. ``at``: when the server took it."""

    to: str
    state: str
    message_id: str = ""
    at: datetime | None = None
    answer: str = ""


def write_answer(
    order_id: str,
    state: str,
    at: datetime,
    *,
    run_id: int | None = None,
    code: str = "",
    reason: str = "",
    messages: Sequence[SentMessage] = (),
) -> bytes:
    """The answer's XML; ``state`` is sent, failed, refused or repeated."""
    root = etree.Element(f"{{{NAMESPACE}}}send-result", nsmap={None: NAMESPACE})
    _set(
        root, id=order_id, state=state, at=at.isoformat(timespec="seconds"), run=str(run_id) if run_id else ""
    )
    if code or reason:
        element = etree.SubElement(root, f"{{{NAMESPACE}}}reason")
        _set(element, code=code)
        element.text = clean_text(reason)
    for one in messages:
        element = etree.SubElement(root, f"{{{NAMESPACE}}}message")
        sent_at = one.at.isoformat(timespec="seconds") if one.at else ""
        _set(element, to=one.to, state=one.state, at=sent_at)
        element.set("message-id", clean_text(one.message_id)) if one.message_id else None
        if one.answer:
            element.text = clean_text(one.answer)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _set(element: "etree._Element", **values: str) -> None:
    for name, value in values.items():
        if value:
            element.set(name, clean_text(value))
