"""Whom a schedule is for: everybody, or a filter that is worked out afresh each time (pure)."""

from collections.abc import Mapping
from typing import Any

from crm_mail.contacts.finding.party_filter import PartyFilter


def audience_filter(audience: Mapping[str, Any], company_id: int) -> PartyFilter:
    """The parties and contacts meant, in this company; an empty audience is everybody.

    Raises:
        FilterInvalid: it holds a name or a value that does not exist any more.
    """
    return PartyFilter.from_dict({k: v for k, v in audience.items() if k != "company_id"}, company_id)


def audience_of(parties: PartyFilter) -> dict[str, Any]:
    """The JSON values of a filter; the company is the schedule's."""
    return {name: value for name, value in parties.to_dict().items() if name != "company_id"}
