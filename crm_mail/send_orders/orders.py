"""What a send order says (PM-3), and why one is refused. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crm_mail.refusals import Refusal


class OrderRefused(Refusal):
    """An order that cannot be carried out; ``code`` and ``params`` are worded by `wording.explain`.

    Args:
        is_final: False when looking again later may help (a file that is missing, or held by another program).
    """

    def __init__(self, code: str, *, is_final: bool = True, **params: Any) -> None:
        super().__init__(f"the send order was refused: {code} {params or ''}".rstrip())
        self.code = code
        self.params: Mapping[str, Any] = params
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class OrderSmtp:
    """The outgoing server that the file names: used only where the packaging allows it."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = ""  # tls, starttls, none; empty: by the port
    timeout_seconds: int = 0  # 0: as the packaging or the account says

    @property
    def is_given(self) -> bool:
        """Whether there is anything to connect to."""
        return bool(self.host)


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file that the order wants attached: the path as it was written, the name it is to carry, its hash if given."""

    path: str
    name: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class AskedDocument:
    """A document that the order speaks of: by our id, by UUID, or by number, with its type and series when given."""

    number: str = ""
    series: str = ""
    type: str = ""
    uuid: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class ParsedOrder:
    """One order.

    Args:
        to, cc, bcc: each receives a message of its own; all empty: as the document's customer wants it.
        reply_to: where the answers go; empty: as the company decided.
        html: the body in HTML; empty when it is plain text. ``text`` is always there.
        pictures: content id and path of the pictures that stand in the HTML.
        packaging: code of the packaging that it was made with; empty: the customer's.
        notices: what had to be forgiven while reading.
    """

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    files: tuple[AskedFile, ...] = ()
    documents: tuple[AskedDocument, ...] = ()
    customer: str = ""
    document_type: str = ""
    packaging: str = ""
    language: str = ""
    sender: str = ""
    sender_name: str = ""
    smtp: OrderSmtp = OrderSmtp()
    pictures: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
