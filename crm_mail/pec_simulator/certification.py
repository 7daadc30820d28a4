"""daticert.xml: what an operator certifies, by the DTD of the technical rules (DM 2 November 2005, 7.3.3)."""

from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True)
class Certification:
    """The values of one daticert. `recipients`: address, and whether it is certified. `delivery` is the one recipient
    that a delivery receipt or failure concerns; `receptions` those of a *presa in carico*."""

    type: str
    sender: str
    recipients: tuple[tuple[str, bool], ...]
    reply_to: str
    subject: str
    provider: str
    at: datetime
    identifier: str
    message_id: str = ""
    error: str = "nessuno"
    form: str = ""
    delivery: str = ""
    receptions: tuple[str, ...] = ()
    error_detail: str = ""

    def xml(self, doctype: str = "") -> bytes:
        """The file, with CRLF line ends and the elements in the order of the DTD."""
        lines = ['<?xml version="1.0" encoding="UTF-8"?>']
        if doctype:
            lines.append(doctype)
        lines.append(f"<postacert tipo={quoteattr(self.type)} errore={quoteattr(self.error)}>")
        lines += ["    <intestazione>", _element("mittente", self.sender)]
        for address, is_certified in self.recipients:
            kind = "certificato" if is_certified else "esterno"
            lines.append(f'        <destinatari tipo="{kind}">{_text(address)}</destinatari>')
        lines += [_element("risposte", self.reply_to), _element("oggetto", self.subject)]
        lines += ["    </intestazione>", "    <dati>", _element("gestore-emittente", self.provider)]
        lines += [
            f'        <data zona="{self.at:%z}">',
            f"            <giorno>{self.at:%d/%m/%Y}</giorno>",
            f"            <ora>{self.at:%H:%M:%S}</ora>",
            "        </data>",
            _element("identificativo", self.identifier),
        ]
        if self.message_id:
            lines.append(_element("msgid", self.message_id))
        if self.form:
            lines.append(f'        <ricevuta tipo="{self.form}" />')
        if self.delivery:
            lines.append(_element("consegna", self.delivery))
        lines += [_element("ricezione", address) for address in self.receptions]
        if self.error_detail:
            lines.append(_element("errore-esteso", self.error_detail))
        lines += ["    </dati>", "</postacert>", ""]
        return "\r\n".join(lines).encode()


def _element(name: str, value: str) -> str:
    return f"        <{name}>{_text(value)}</{name}>"


def _text(value: str) -> str:
    """Characters that XML 1.0 has no place for are left out."""
    return escape("".join(char for char in value if char >= " " or char == "\t"))
