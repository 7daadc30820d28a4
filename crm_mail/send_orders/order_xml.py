"""Read a send order, whatever its element names, its encoding and its small faults. Pure.

Never with entities or networks; and half an order never passes for a whole one: what is cut off, or has tags
that do not match, is refused.
"""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lxml import etree

from crm_mail.delivery.addresses import AddressInvalid, normalise_address, split_addresses
from crm_mail.delivery.transports import MAX_TIMEOUT
from crm_mail.documents.html_text import is_html_body
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.formats.hardened_xml import check_size, parse_hardened
from crm_mail.send_orders.bodies import clean_line, read_body
from crm_mail.send_orders.element_paths import FIELDS, Found, OrderTree, attribute_of, plain_name
from crm_mail.send_orders.orders import AskedDocument, AskedFile, OrderRefused, OrderSmtp, ParsedOrder

SIZE_LIMIT: Final = 5 * 1024 * 1024
"""Bytes of an order: its attachments lie beside it, so that a long text is all it holds."""
MOST_FILES, MOST_ADDRESSES, MOST_DOCUMENTS, MOST_ELEMENTS = 100, 50, 100, 20_000
LONGEST_SUBJECT, LONGEST_PATH = 500, 1000
SHORTEST_TIMEOUT: Final = 10

_BARE_AMPERSAND: Final = re.compile(r"&(?!#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|(?:amp|lt|gt|quot|apos);)")
_NAMED: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_DECLARED: Final = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=", re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_YES: Final = frozenset({"true", "1", "yes", "si", "sí", "ssl", "tls", "on", "y", "s"})
_CDATA_END: Final = "]]>"


def read_order(
    data: bytes, own_paths: Mapping[str, Iterable[str]] | None = None, *, size_limit: int = SIZE_LIMIT
) -> ParsedOrder:
    """What an order says.

    Args:
        own_paths: a company's element paths, before the usual ones (`element_paths.parse_paths`).
        size_limit: in bytes.

    Raises:
        OrderRefused: hostile_xml, broken_xml, file_too_large, empty_file, xml_text_too_long, not_an_order, bad_address,
            no_recipient, no_body, too_many.
    """
    root, notices = _parse(data, size_limit)
    tree = OrderTree(root, own_paths)
    to = _addresses(tree, "to")
    documents = _documents(tree)
    files = _files(tree)
    subject, body = _line(tree, "subject"), _body(tree)
    if not to and not documents:
        raise OrderRefused(
            "no_recipient" if subject or body or files else "not_an_order", element=_shown(root)
        )
    if to and not (subject or body.strip()):
        raise OrderRefused("no_text")
    said = read_body(body)
    return ParsedOrder(
        to=to,
        cc=_addresses(tree, "cc"),
        bcc=_addresses(tree, "bcc"),
        reply_to=next(iter(_addresses(tree, "reply_to")), ""),
        subject=subject[:LONGEST_SUBJECT],
        text=said.text,
        html=said.html,
        pictures=said.pictures,
        files=files,
        documents=documents,
        customer=_line(tree, "customer")[:60],
        document_type=_line(tree, "document_type")[:40],
        packaging=_line(tree, "packaging").partition(",")[0].strip().upper()[:20],
        language=_line(tree, "language")[:2].lower(),
        sender=_sender(tree),
        sender_name=_line(tree, "sender_name")[:200],
        smtp=_smtp(tree),
        notices=notices,
    )


def _parse(data: bytes, size_limit: int) -> tuple["etree._Element", tuple[str, ...]]:
    """The root; a file that only small faults keep from being XML is mended first, and a notice says so."""
    try:
        check_size(data, size_limit)
        try:
            root, forgiven = parse_hardened(data, size_limit=size_limit)
            if not forgiven:
                return _bounded(root), ()
        except ImportRefused as refused:
            if refused.code != "broken_xml":
                raise
            first_refusal: ImportRefused | None = refused
        else:
            first_refusal = None
        try:
            mended, _more = parse_hardened(_mended(data), size_limit=size_limit * 2)
            return _bounded(mended), ("mended",)
        except ImportRefused as again:
            if first_refusal is None:
                return _bounded(root), ("mended",)
            raise (again if again.code == "hostile_xml" else first_refusal) from None
    except ImportRefused as refused:
        params: dict[str, Any] = dict(refused.params)
        raise OrderRefused(refused.code, **params) from None


def _bounded(root: "etree._Element") -> "etree._Element":
    if sum(1 for _element in root.iter()) > MOST_ELEMENTS:
        raise OrderRefused("too_many", what="elements", most=MOST_ELEMENTS)
    return root


def _mended(data: bytes) -> bytes:
    """The same as UTF-8, with bare ampersands and HTML's named characters written as XML wants them (PM-12)."""
    text = _decoded(data)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    text = _wrap_html(text)
    text = _NAMED.sub(_named_character, text)
    return _BARE_AMPERSAND.sub("&amp;", text).encode("utf-8", "replace")


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # what old Windows programs write, whatever they declare


def _named_character(match: re.Match[str]) -> str:
    if match[1] in ("amp", "lt", "gt", "quot", "apos"):
        return match[0]
    return html.unescape(match[0])


def _wrap_html(text: str) -> str:
    """Raw HTML inside the body's element becomes text: browsers' tags need not match, XML's must."""
    names = {plain_name(path.rpartition("/")[2]) for path in FIELDS["body"]}
    for opening in re.finditer(r"<([A-Za-z][\w.-]*)(?:\s[^<>]*)?>", text):
        if plain_name(opening[1]) not in names:
            continue
        end = text.rfind(f"</{opening[1]}>")
        inner = text[opening.end() : end]
        if end > opening.end() and "<![CDATA[" not in inner and _CDATA_END not in inner and "<" in inner:
            return f"{text[: opening.end()]}<![CDATA[{inner}{_CDATA_END}{text[end:]}"
    return text


def _addresses(tree: OrderTree, field: str) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for one in tree.find(field):
        for part in split_addresses(one.text):
            try:
                address = normalise_address(part)
            except AddressInvalid:
                raise OrderRefused("bad_address", value=part[:100]) from None
            found.setdefault(address.casefold(), address)
    if len(found) > MOST_ADDRESSES:
        raise OrderRefused("too_many", what="addresses", most=MOST_ADDRESSES)
    return tuple(found.values())


def _sender(tree: OrderTree) -> str:
    """The sender's address; one that is wrong does not matter, because an account of ours sends."""
    for one in tree.find("sender"):
        try:
            return normalise_address(one.text.strip())
        except AddressInvalid:
            continue
    return ""


def _line(tree: OrderTree, field: str) -> str:
    return next((text for one in tree.find(field) if (text := clean_line(one.text))), "")


def _body(tree: OrderTree) -> str:
    """The text of the body's element; elements inside it are HTML that nobody escaped."""
    for one in tree.find("body"):
        if one.attribute is not None or not len(one.element):
            if one.text.strip():
                return one.text
            continue
        source = one.element.text or ""
        source += "".join(etree.tostring(child, encoding="unicode", method="html") for child in one.element)
        if source.strip():
            return source if is_html_body(source) else f"HTML {source}"
    return ""


def _files(tree: OrderTree) -> tuple[AskedFile, ...]:
    asked: dict[str, AskedFile] = {}
    for one in tree.find("files"):
        for path in _paths_of(one):
            name = attribute_of(one.element, "name", "nombre") or ""
            digest = (attribute_of(one.element, "sha256") or "").strip().lower()
            asked.setdefault(path, AskedFile(path, clean_line(name)[:200], digest[:64]))
    if len(asked) > MOST_FILES:
        raise OrderRefused("too_many", what="attachments", most=MOST_FILES)
    return tuple(asked.values())


def _paths_of(one: Found) -> list[str]:
    """The paths that an element names: in an attribute, else one a line, or between `;` or `|`."""
    given = one.attribute or attribute_of(one.element, "path", "ruta", "file", "archivo", "href")
    if given is not None:
        parts = [given]
    else:
        parts = re.split(r"[\r\n;|]+", "\n".join(str(text) for text in one.element.itertext()))
    paths = [part.strip().strip('"').strip() for part in parts]
    if any(len(path) > LONGEST_PATH for path in paths):
        raise OrderRefused("bad_path", path=f"{max(paths, key=len)[:60]}…")
    return [path for path in paths if path]


def _documents(tree: OrderTree) -> tuple[AskedDocument, ...]:
    found: dict[AskedDocument, None] = {}
    for one in tree.find("documents"):
        value = "" if len(one.element) else clean_line(one.text)[:60]
        said = {
            name: clean_line(attribute_of(one.element, name) or "")[:60]
            for name in ("number", "series", "type")
        }
        said["number"] = said["number"] or clean_line(attribute_of(one.element, "numero", "folio") or "")[:60]
        uuid = clean_line(attribute_of(one.element, "uuid") or "")
        if not uuid and _UUID.fullmatch(value):
            uuid, value = value, ""
        own = attribute_of(one.element, "id") or ""
        id_ = int(own) if own.isascii() and own.isdigit() and len(own) < 18 else 0
        document = AskedDocument(
            said["number"] or value, said["series"], said["type"], uuid.upper()[:36], id_
        )
        if document.number or document.uuid or document.id:
            found[document] = None
    if len(found) > MOST_DOCUMENTS:
        raise OrderRefused("too_many", what="documents", most=MOST_DOCUMENTS)
    return tuple(found)


def _smtp(tree: OrderTree) -> OrderSmtp:
    """The server's data; a container of elements is no host."""
    host = next(
        (f.text.strip() for f in tree.find("smtp_host") if f.attribute is not None or not len(f.element)), ""
    )
    port = re.sub(r"\D", "", _line(tree, "smtp_port"))[:5]
    return OrderSmtp(
        host=clean_line(host)[:200],
        port=int(port) if port and int(port) < 65536 else 0,
        user=_line(tree, "smtp_user")[:254],
        password=next((one.text.strip("\r\n") for one in tree.find("smtp_password")), "")[:500],
        security=_security(_line(tree, "smtp_security").lower()),
        timeout_seconds=_timeout(_line(tree, "smtp_timeout")),
    )


def _timeout(said: str) -> int:
    """Seconds (PM-10): up to 10 are minutes, as Proscai speaks of them, from 10,000 milliseconds, as .NET does."""
    if not (said.isascii() and said.isdigit() and 0 < len(said) < 10 and int(said)):
        return 0
    number = int(said)
    seconds = number * 60 if number <= 10 else number // 1000 if number >= 10_000 else number
    return min(max(seconds, SHORTEST_TIMEOUT), int(MAX_TIMEOUT))


def _security(said: str) -> str:
    if said in ("tls", "starttls", "none"):
        return said
    return "encrypted" if said in _YES else ""


def _shown(root: "etree._Element") -> str:
    return str(root.tag).rpartition("}")[2][:60]


def uuids_in(data: bytes) -> set[str]:
    """The fiscal UUIDs that an attached XML bears in its stamp, in capitals."""
    found = re.findall(rb"""\bUUID\s*=\s*["']([0-9A-Fa-f-]{36})["']""", data[: 4 * 1024 * 1024])
    return {one.decode().upper() for one in found if _UUID.fullmatch(one.decode())}
