"""What the deliverability doctor is told of an account. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from crm_mail.delivery.connection_check import StepResult


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """What the doctor must know of an account that sends from the domain."""

    name: str
    host: str
    is_pec: bool = False
    is_encrypted: bool = True
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_record: str = ""  # the record of the key that signs, as it should be published
    return_domain: str = ""  # of the envelope sender, where it is another than From's
    connect: Callable[[], list[StepResult]] | None = None  # tries the connection without logging in
