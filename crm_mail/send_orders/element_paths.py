"""Where each part of an order stands in its XML: names that programs use, and a company's own paths. Pure.

The schema of Proscai's files is published nowhere; only the five groups of data are (PM-3). So elements are found by
their local names, whatever their capitals, accents, hyphens and namespaces; a path is one or several names, of which
the last ones of an element's own path must match (``smtp/servidor``), or an attribute (``order/@id``).
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree

from crm_mail.refusals import Refusal

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "to": (
        *("destinatario/email", "destinatario/correo", "destinatarios/destinatario", "recipients/recipient"),
        *(
            "destinatario",
            "recipient",
            "to",
            "para",
            "mailto",
            "emailto",
            "mail_to",
            "destinatarios",
            "correodestino",
        ),
    ),
    "cc": ("cc", "copia", "concopia"),
    "bcc": ("bcc", "cco", "copiaoculta", "concopiaoculta"),
    "reply_to": ("replyto", "responder_a", "responder"),
    "subject": ("titulo", "asunto", "subject", "title", "oggetto"),
    "body": ("cuerpo", "body", "texto", "mensaje", "message", "text", "contenido", "corpo"),
    "files": (
        *("adjuntos/adjunto", "adjuntos/archivo", "anexos/anexo", "anexos/archivo", "attachments/attachment"),
        *("attachments/file", "archivos/archivo", "files/file", "adjunto", "anexo", "attachment", "archivo"),
        *("adjuntos", "anexos", "attachments", "archivos", "listaarchivos"),
    ),
    "documents": ("documents/document", "documentos/documento", "document", "documento", "uuid"),
    "customer": ("customer/@code", "customer", "cliente/codigo", "cliente", "codigocliente"),
    "document_type": ("document_type", "tipodocumento"),
    "packaging": ("packaging", "empaquetado", "tipoempaquetado"),
    "language": ("language", "idioma", "lingua"),
    "sender": ("remitente/email", "remitente", "from", "de", "sender", "mailfrom", "smtp/from", "mittente"),
    "sender_name": ("nombreremitente", "remitente/nombre", "from_name", "sendername"),
    "smtp_host": (
        *(
            "smtp/servidor",
            "smtp/server",
            "smtp/host",
            "servidorsmtp",
            "smtpserver",
            "smtphost",
            "smtp_servidor",
        ),
        *("servidor", "smtp/@host", "smtp"),
    ),
    "smtp_port": ("smtp/puerto", "smtp/port", "puertosmtp", "smtpport", "puerto", "smtp/@port"),
    "smtp_user": ("smtp/usuario", "smtp/user", "usuariosmtp", "smtpuser", "usuario", "smtp/@user"),
    "smtp_password": (
        *("smtp/password", "smtp/contrasena", "smtp/clave", "passwordsmtp", "smtppassword", "contrasena"),
        *("password", "clave", "smtp/@password"),
    ),
    "smtp_security": (
        "smtp/seguridad",
        "smtp/security",
        "smtp/ssl",
        "smtpssl",
        "ssl",
        "seguridad",
        "smtp/@security",
    ),
    "smtp_timeout": (
        "smtp/timeout",
        "smtp/tiempo",
        "smtptimeout",
        "tiempoespera",
        "timeout",
        "smtp/@timeout",
    ),
}
"""Field → paths, the first that is found in the file counts."""
MOST_PATHS: Final = 20
_LONGEST_PATH: Final = 200


class PathsInvalid(Refusal, ValueError):
    """A company's own paths cannot be kept; ``value`` is the line or name that is wrong."""

    def __init__(self, value: str) -> None:
        super().__init__(
            f"{value!r} is no field with its element: write one a line, such as `subject = mail/asunto`"
        )
        self.value = value


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A name as names are compared: no namespace, accents, capitals, hyphens or underscores."""
    local = name.rpartition("}")[2].rpartition(":")[2]
    letters = unicodedata.normalize("NFKD", local)
    return "".join(one for one in letters.lower() if one.isalnum())


def parse_paths(text: str) -> dict[str, tuple[str, ...]]:
    """A company's own paths, as they were typed: ``field = path, path`` a line.

    Raises:
        PathsInvalid: an unknown field, or a line without its two halves.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, rest = (part.strip() for part in line.partition("="))
        paths = tuple(path.strip() for path in rest.split(",") if path.strip())
        if not equals or name not in FIELDS or not paths or len(paths) > MOST_PATHS:
            raise PathsInvalid(line.strip()[:100])
        if any(len(path) > _LONGEST_PATH or not plain_name(path) for path in paths):
            raise PathsInvalid(line.strip()[:100])
        found[name] = paths
    return found


def show_paths(paths: Mapping[str, Iterable[str]]) -> str:
    """The text that `parse_paths` reads."""
    return "\n".join(f"{name} = {', '.join(values)}" for name, values in paths.items())


@dataclass(frozen=True, slots=True)
class Found:
    """An element, or the value of one of its attributes."""

    element: "etree._Element"
    attribute: str | None = None

    @property
    def text(self) -> str:
        """What it says: an attribute's value, else all text inside."""
        return self.attribute if self.attribute is not None else "".join(self.element.itertext())


class OrderTree:
    """The elements of one order, to be asked for by path. The outermost one stands for its attributes alone."""

    def __init__(self, root: "etree._Element", own_paths: Mapping[str, Iterable[str]] | None = None) -> None:
        self._own = {name: tuple(paths) for name, paths in (own_paths or {}).items()}
        self._root = root
        self._by_name: dict[str, list[tuple[tuple[str, ...], etree._Element]]] = {}
        for chain, element in _walk(root):
            self._by_name.setdefault(chain[-1], []).append((chain, element))

    def find(self, field: str) -> list[Found]:
        """Everything at the first path of the field that is in the file; a company's own paths come before ours."""
        for path in (*self._own.get(field, ()), *FIELDS[field]):
            found = self._at(path)
            if found:
                return found
        return []

    def _at(self, path: str) -> list[Found]:
        wanted, _at_sign, attribute = path.partition("@")
        names = tuple(plain_name(part) for part in wanted.split("/") if part.strip())
        if not names:
            return []
        elements = [
            element for chain, element in self._by_name.get(names[-1], ()) if chain[-len(names) :] == names
        ]
        if not attribute:
            return [Found(element) for element in elements if element is not self._root]
        values = ((element, attribute_of(element, attribute)) for element in elements)
        return [Found(element, value) for element, value in values if value is not None]


def attribute_of(element: "etree._Element", *names: str) -> str | None:
    """The first of these attributes that an element has, whatever their capitals."""
    wanted = [plain_name(name) for name in names]
    have = {plain_name(str(key)): str(value) for key, value in element.attrib.items()}
    return next((have[name] for name in wanted if name in have), None)


def _walk(root: "etree._Element") -> Iterator[tuple[tuple[str, ...], "etree._Element"]]:
    pending: list[tuple[tuple[str, ...], etree._Element]] = [((), root)]
    while pending:
        above, element = pending.pop()
        if not isinstance(element.tag, str):  # a comment or an instruction
            continue
        chain = (*above, plain_name(element.tag))
        yield chain, element
        pending += [(chain, child) for child in reversed(element)]
