"""Questions on purchases in words, and what the pages offer for them."""

from collections.abc import Sequence
from datetime import date

from flask_babel import format_date, format_decimal, ngettext
from flask_babel import gettext as _

from crm_mail.purchases.asked import RECENT, Act, Asked, read_word


def purchase_word(word: str) -> str:
    """One question as a person reads it."""
    asked = read_word(word)
    what = _what(asked)
    when = _when(asked)
    if asked.act is Act.BEST:
        best = ngettext(
            "among the %(num)d best customers by amount in %(currency)s",
            "among the %(num)d best customers by amount in %(currency)s",
            asked.count,
            currency=asked.currency,
        )
        parts = [best, "" if asked.is_anything else str(_("for %(what)s", what=what)), when]
    elif asked.act is Act.STOPPED:
        parts = [str(_("bought %(what)s, but nothing %(when)s", what=what, when=when))]
    elif asked.act is Act.NOT_BOUGHT:
        parts = [str(_("did not buy %(what)s", what=what)), when]
    else:
        parts = [str(_("bought %(what)s", what=what)), *_least(asked), when]
    return ", ".join(part for part in parts if part)


def _what(asked: Asked) -> str:
    if asked.is_anything:
        return str(_("anything"))
    found = []
    if asked.products:
        found.append(_("product %(names)s", names=any_of(asked.products)))
    if asked.groups:
        found.append(_("group %(names)s", names=any_of(asked.groups)))
    return any_of(found)


def any_of(names: Sequence[object]) -> str:
    """Alternatives."""
    found = [str(name) for name in names]
    if len(found) < 2:
        return "".join(found)
    return str(_("%(first)s or %(last)s", first=", ".join(found[:-1]), last=found[-1]))


def _least(asked: Asked) -> list[str]:
    found = []
    if asked.quantity is not None:
        found.append(_("at least %(n)s pieces", n=format_decimal(asked.quantity)))
    if asked.amount is not None:
        amount = format_decimal(asked.amount, "#,##0.00")
        found.append(_("for at least %(currency)s %(amount)s", currency=asked.currency, amount=amount))
    return [str(one) for one in found]


def _when(asked: Asked) -> str:
    if asked.recent:
        return recent_word(asked.recent)
    first, last = _day(asked.first), _day(asked.last)
    if asked.act is Act.STOPPED or (first and not last):
        return str(_("since %(day)s", day=first))
    if first:
        return str(_("from %(first)s to %(last)s", first=first, last=last))
    return str(_("until %(day)s", day=last)) if last else ""


def _day(day: date | None) -> str:
    return format_date(day, "medium") if day else ""


def recent_word(recent: str) -> str:
    """A period that ends today."""
    number = int(recent[:-1])
    if recent.endswith("d"):
        return str(ngettext("in the last day", "in the last %(num)d days", number))
    return str(ngettext("in the last month", "in the last %(num)d months", number))


def act_choices() -> list[tuple[str, str]]:
    """What may be asked."""
    return [
        (Act.BOUGHT, str(_("Bought"))),
        (Act.NOT_BOUGHT, str(_("Did not buy"))),
        (Act.STOPPED, str(_("Bought before, but not in the period"))),
        (Act.BEST, str(_("Best customers by amount"))),
    ]


def recent_choices() -> list[tuple[str, str]]:
    """Periods that pages offer."""
    return [(recent, recent_word(recent)) for recent in RECENT]
