"""What a stored document can hold, checked once for every format: a file of garbage is refused, never a crash."""

import re
from decimal import Decimal
from typing import Final

from crm_mail.importers.base import ImportRefused, ParsedDocument
from crm_mail.words import N_

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_MOST: Final = Decimal(10) ** 14
_NUMBER, _SERIES = 60, 30


def check_limits(parsed: ParsedDocument) -> ParsedDocument:
    """The document itself; ImportRefused names what does not fit: number, series, currency or an amount."""
    if not _CURRENCY.fullmatch(parsed.currency):
        _refuse(parsed, "currency", parsed.currency, N_("a currency code of three letters"))
    for name, value, most in (("number", parsed.number, _NUMBER), ("series", parsed.series, _SERIES)):
        if value and len(value) > most:
            _refuse(parsed, name, value, N_("a text short enough to be kept"))
    totals = parsed.totals
    for amount in (totals.net, totals.tax, totals.gross, totals.payable):
        if amount is not None and abs(amount) >= _MOST:
            _refuse(parsed, "total", str(amount), N_("an amount that can be kept"))
    return parsed


def _refuse(parsed: ParsedDocument, element: str, value: str, expected: str) -> None:
    place = parsed.number[:_NUMBER] or N_("the document")
    raise ImportRefused("bad_value", element=element, value=value[:60], place=place, expected=expected)
