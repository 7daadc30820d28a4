"""What pages say of texts: their length and cost."""

from decimal import Decimal

from flask_babel import format_currency, format_decimal, ngettext
from flask_babel import gettext as _

from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.sms.gateway import GatewayConfig
from crm_mail.delivery.sms.segments import Alphabet, measure


def length_words(text: str, account: SenderAccount | None) -> str:
    """How long a text is, in which alphabet, and what it costs by an account."""
    length = measure(text)
    words = str(
        ngettext(
            "%(num)s SMS: %(units)s of %(room)s signs.",
            "%(num)s SMS joined: %(units)s of %(room)s signs.",
            length.segments,
            units=format_decimal(length.units),
            room=format_decimal(length.room),
        )
    )
    if length.alphabet is Alphabet.UCS2:
        words += " " + _("Some signs are not in the alphabet of SMS: 70 fit into one instead of 160.")
    cost = _cost(length.segments, account)
    return f"{words} {cost}" if cost else words


def _cost(segments: int, account: SenderAccount | None) -> str:
    if account is None or account.kind is not AccountKind.SMS:
        return ""
    config = GatewayConfig.from_dict(account.sms)
    if not config.cost:
        return ""
    return str(_("It costs %(cost)s.", cost=amount_words(segments * config.cost, config.currency)))


def amount_words(amount: Decimal, currency: str) -> str:
    """A cost, with the four decimals that segments are priced in where they matter."""
    if amount == round(amount, 2):
        return str(format_currency(amount, currency))
    return f"{format_decimal(amount, '#,##0.00##')} {currency}"
