"""Which packaging a party names, and the addresses behind it: ``GRAL,a@x,b@x`` (PM-7, PM-15). Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

from crm_mail.delivery.addresses import AddressInvalid, address_key, normalise_address
from crm_mail.refusals import Refusal

DEFAULT_PACKAGING = "GRAL"
"""Every customer has it unless it names another one (PM-8)."""
MAX_EMAILS = 1000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_.\-]{0,19}")


class PackagingChoiceInvalid(Refusal, ValueError):
    """What a party says of its packaging cannot be read.

    Args:
        part: ``code``, ``email`` or ``length``.
        value: the piece that is wrong.
    """

    def __init__(self, part: str, value: str) -> None:
        words = {
            "code": f"{value} is not the code of a packaging: letters, digits, dot, hyphen and underscore, at most 20",
            "email": f"{value} behind the packaging is not an e-mail address: correct or remove it",
            "length": "there are too many addresses behind the packaging: keep some of them as contacts",
        }
        super().__init__(words[part])
        self.part, self.value = part, value


class AfterSending(StrEnum):
    """What happens to the copies of a message's files once it has left (PM-13)."""

    KEEP = "keep"
    RECYCLE = "recycle"  # moved to the recycle folder
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PackagingChoice:
    """A party's packaging, and the addresses that receive in place of its contacts."""

    code: str = DEFAULT_PACKAGING
    emails: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As a person writes it: ``GRAL,a@x,b@x``."""
        return ",".join((self.code, *self.emails))


def clean_code(text: str) -> str:
    """A packaging's code in capitals; empty is the default one.

    Raises:
        PackagingChoiceInvalid
    """
    code = text.strip().upper() or DEFAULT_PACKAGING
    if not _CODE.fullmatch(code):
        raise PackagingChoiceInvalid("code", text.strip()[:40])
    return code


def parse_packaging(text: str) -> PackagingChoice:
    """Read ``CODE,address,address``; an address may be repeated, and blanks do not count.

    Raises:
        PackagingChoiceInvalid: the first piece that is wrong.
    """
    first, *rest = text.replace(";", ",").split(",")
    if "@" in first:
        first, rest = "", [first, *rest]
    found: dict[str, str] = {}
    for piece in rest:
        if not piece.strip():
            continue
        try:
            email = normalise_address(piece)
        except AddressInvalid:
            raise PackagingChoiceInvalid("email", piece.strip()[:80]) from None
        found.setdefault(address_key(email), email)
    choice = PackagingChoice(clean_code(first), tuple(found.values()))
    if len(",".join(choice.emails)) > MAX_EMAILS:
        raise PackagingChoiceInvalid("length", "")
    return choice
