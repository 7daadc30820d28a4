"""E-mail addresses as text: checking one, splitting a cell that holds several, writing one on the wire.

Pure. Addresses are judged by their syntax only (RFC 5321, 5322, 6531 through email-validator); no name
server is asked, so an import of 100,000 rows needs no network. Names that never exist on the public internet
(`.test`, `.local`, `localhost`, `.example`) are accepted: offices try things out on servers of their own.
"""

import re
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email

MAX_ADDRESS_LENGTH = 254
"""Characters in a whole address (RFC 5321 4.5.3.1.3 less the angle brackets)."""

_PRIVATE_DOMAINS = ("test", "local", "localhost")
_STAND_IN = ".example.com"  # turns a private name into one the library judges by syntax alone

_LINE_BREAKS = re.compile("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_NOT_ON_THE_WIRE = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029<>]")
_PLAIN = re.compile(
    # Only what the library would give back unchanged: no capitals in the domain, no label above 63 characters.
    r"[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*@"
    r"(?:(?:[a-z0-9]{1,50}(?:-[a-z0-9]{1,10})?|[a-z0-9]{1,20}(?:-[a-z0-9]{1,10}){2,3})\.){1,3}"
    r"(?:[a-z]{2}|com|net|org|biz|info|gov|edu|coop|cloud|example)"
)
_MAX_LOCAL_PART = 64  # RFC 5321 4.5.3.1.1
_DISPLAY = re.compile(r"^[^<>]*<\s*([^<>\s]+)\s*>$")
_SEPARATORS = re.compile(r"\s*(?::::|[;,|\r\n]+)\s*")


class AddressInvalid(ValueError):
    """The text is not an e-mail address; the message says why, in English; `text` is what was given."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(reason)
        self.text = text


def normalise_address(text: str) -> str:
    """The address as it is kept: outer blanks, `mailto:` and a display name removed, domain in lower case.

    The local part keeps its letters as given (RFC 5321 2.4). Raises AddressInvalid, also for line breaks and
    control characters anywhere inside (header injection).
    """
    given = text.strip(" \t\r\n\u00a0\ufeff\u200b")
    if not given:
        raise AddressInvalid(text, "The address is empty.")
    if _LINE_BREAKS.search(given):
        raise AddressInvalid(text, "The address contains a line break.")
    if _CONTROLS.search(given):
        raise AddressInvalid(text, "The address contains a control character.")
    if given[:7].lower() == "mailto:":
        given = given[7:]
    shown = _DISPLAY.match(given)
    return _checked(shown.group(1) if shown else given)


@lru_cache(maxsize=8192)
def _checked(address: str) -> str:
    if _is_plain(address):
        return address  # the everyday address: the library would give it back unchanged, 50 times slower
    private = _is_private(address)
    try:
        result = validate_email(address + _STAND_IN if private else address, check_deliverability=False)
    except EmailNotValidError as refusal:
        raise AddressInvalid(address, str(refusal)) from None
    return result.normalized.removesuffix(_STAND_IN) if private else result.normalized


@lru_cache(maxsize=8192)
def is_address(text: str) -> bool:
    """Whether the text is one bare e-mail address, as it would be kept; for what others stored."""
    try:
        _checked(text)
    except AddressInvalid:
        return False
    return True


def _is_plain(address: str) -> bool:
    if len(address) > MAX_ADDRESS_LENGTH or not _PLAIN.fullmatch(address) or "xn--" in address:
        return False
    local = address.partition("@")[0]
    # With capitals the library looks closer: INFO, SALES and the like are put in lower case (RFC 2142).
    return len(local) <= _MAX_LOCAL_PART and (local.islower() or not local.isalpha())


def _is_private(address: str) -> bool:
    domain = address.rpartition("@")[2].lower()
    return domain.rpartition(".")[2] in _PRIVATE_DOMAINS


def split_addresses(cell: str) -> list[str]:
    """The texts of a cell that may hold several addresses, in order, blanks dropped, repeats kept once.

    Separators: `;` `,` `|` line breaks and the ` ::: ` of Google's exports (IT-9). A comma or semicolon in
    a quoted display name does not separate. The parts are not checked: give each to `normalise_address`.
    """
    parts: list[str] = []
    seen: set[str] = set()
    for part in _SEPARATORS.split(_without_quoted_names(cell)):
        text = part.strip()
        if text and text.lower() not in seen:
            seen.add(text.lower())
            parts.append(text)
    return parts


def _without_quoted_names(cell: str) -> str:
    return re.sub(r'"[^"]*"\s*(?=<)', "", cell) if '"' in cell else cell


def address_key(address: str) -> str:
    """What two spellings of one mailbox have in common: for comparing and finding, never for sending."""
    return address.strip().casefold()


def domain_of(address: str) -> str:
    """The part after the last `@`, in lower case; empty when there is none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


@lru_cache(maxsize=8192)
def wire_address(address: str) -> str:
    """The address as servers want it: the domain in its ASCII (IDNA) form; the local part is left alone.

    A local part outside ASCII stays so: the caller then needs SMTPUTF8 (RFC 6531). Raises AddressInvalid for
    what may not stand between angle brackets.
    """
    if _NOT_ON_THE_WIRE.search(address):
        raise AddressInvalid(address, "The address contains characters that no mail server accepts.")
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise AddressInvalid(address, "The address has no name or no domain.")
    if domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError as refusal:
        raise AddressInvalid(address, f"The domain is not valid ({refusal}).") from None
