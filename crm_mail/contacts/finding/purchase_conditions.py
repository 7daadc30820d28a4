"""What a filter asks of purchases, as a person of a given sight may have it asked."""

from typing import Any

from sqlalchemy import Select, select

from crm_mail.contacts.finding.conditions import Condition, visible_parties
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.db import today
from crm_mail.permissions import Sight
from crm_mail.purchases.asked import Act, Asked, read_word
from crm_mail.purchases.conditions import answers, asks_for


def bought_what(chosen: PartyFilter, sight: Sight) -> list[Condition]:
    """A condition on `Party` for each question."""
    return [
        asks_for(asked, chosen.company_id, Party.id, today(), _visible(chosen, sight))
        for asked in map(read_word, chosen.purchases)
    ]


def buyers(chosen: PartyFilter, sight: Sight) -> list[Select[Any]]:
    """The parties that answer each question that names them; see `only_refusals` for the others."""
    return [
        answers(asked, chosen.company_id, today(), _visible(chosen, sight))
        for asked in map(read_word, chosen.purchases)
        if not _is_refusal(asked)
    ]


def only_refusals(chosen: PartyFilter) -> tuple[str, ...]:
    """The questions that name who must not be found."""
    return tuple(word for word in chosen.purchases if _is_refusal(read_word(word)))


def _is_refusal(asked: Asked) -> bool:
    return asked.act is Act.NOT_BOUGHT


def _visible(chosen: PartyFilter, sight: Sight) -> Select[Any] | None:
    """Parties among which the best are looked for; None: all of the company."""
    if sight.is_whole:
        return None
    return select(Party.id).where(Party.company_id == chosen.company_id, *visible_parties(sight))
