"""Consents as conditions on contacts: what was said last on a subject, or that nothing ever was."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, or_, select

from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.wishes import read_consent_word
from crm_mail.contacts.finding.conditions import Condition
from crm_mail.contacts.models import Contact


def has_consent(words: Iterable[str]) -> Condition:
    """Whether what a contact said last is one of these; a party's own address has no word here."""
    return or_(*(_said(word) for word in words))


def who_said(company_id: int, words: Iterable[str]) -> tuple[Select[Any], ...]:
    """Statements of the contacts who said one of these; none when those who said nothing are asked for."""
    asked = [read_consent_word(word) for word in words]
    if any(decision is None for _purpose, _channel, decision in asked):
        return ()
    return tuple(
        select(ConsentState.contact_id).where(
            ConsentState.company_id == company_id,
            ConsentState.purpose == purpose,
            ConsentState.channel == channel,
            ConsentState.decision == decision,
            ConsentState.contact_id.is_not(None),
        )
        for purpose, channel, decision in asked
    )


def _said(word: str) -> Condition:
    purpose, channel, decision = read_consent_word(word)
    spoke = select(ConsentState.id).where(
        ConsentState.contact_id == Contact.id,
        ConsentState.purpose == purpose,
        ConsentState.channel == channel,
    )
    if decision is None:
        return ~spoke.correlate(Contact).exists()
    return spoke.where(ConsentState.decision == decision).correlate(Contact).exists()
