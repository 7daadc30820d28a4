"""A filter in words, for the lists and for the pages that say what was asked for."""

from flask_babel import gettext as _
from flask_babel import ngettext

from crm_mail.contacts.consents.wishes import CONSENT_WORDS, read_consent_word
from crm_mail.contacts.consents.words import decision_word, subject_line
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.purchase_words import any_of, purchase_word
from crm_mail.web.type_names import type_name


def filter_labels() -> dict[str, str]:
    """The name of each query argument."""
    return {
        "kind": _("Kind"),
        "code_from": _("From code"),
        "code_to": _("To code"),
        "code": _("Code"),
        "agent": _("Agent"),
        "zone": _("Zone"),
        "city": _("City"),
        "province": _("Province"),
        "category": _("Category"),
        "language": _("Language"),
        "role": _("Role"),
        "characteristic": _("Characteristic"),
        "all_characteristic": _("All of these characteristics"),
        "any_characteristic": _("Any of these characteristics"),
        "without_characteristic": _("None of these characteristics"),
        "type": _("Receives"),
        "q": _("Search"),
        "blocked": _("Blocked"),
        "address": _("Has an address"),
        "address_kind": _("Kind of address"),
        "bounced": _("Not written to any more"),
        "written": _("Written to before"),
        "birthday": _("Birthday"),
        "consent": _("Consent"),
        "purchase": _("Purchases"),
    }


def address_kind_choices() -> list[tuple[str, str]]:
    """What an address may be known to be."""
    return [("pec", "PEC"), ("ordinary", _("Ordinary mail")), ("unknown", _("Not known yet"))]


def birthday_choices() -> list[tuple[str, str]]:
    """How far ahead birthdays are looked for."""
    return [(str(days), birthday_word(days)) for days in (0, 7, 14, 30)]


def birthday_word(days: int) -> str:
    """Today, or in the next days."""
    if days == 0:
        return str(_("today"))
    return str(ngettext("today or tomorrow", "in the next %(num)d days", days))


def consent_choice(word: str) -> str:
    """What is asked of consents: for what, by what, and what was said."""
    purpose, channel, decision = read_consent_word(word)
    said = decision_word(decision) if decision else _("nothing said")
    return f"{subject_line((purpose, channel))}: {said}"


def consent_choices() -> list[tuple[str, str]]:
    """Everything that may be asked of consents."""
    return [(word, consent_choice(word)) for word in CONSENT_WORDS]


def value_word(argument: str, value: str) -> str:
    """One value of one query argument as a person reads it."""
    if argument == "kind":
        return str({"customer": _("customers"), "supplier": _("suppliers")}.get(value, value))
    if argument in ("blocked", "address", "bounced", "written"):
        return str(_("yes") if value == "yes" else _("no"))
    if argument == "type":
        return type_name(value)
    if argument == "address_kind":
        return dict(address_kind_choices()).get(value, value)
    if argument == "consent":
        return consent_choice(value)
    if argument == "purchase":
        return purchase_word(value)
    return birthday_word(int(value)) if argument == "birthday" else value


EACH_HOLDS = frozenset({"all_characteristic", "purchase"})
"""Arguments whose values must all hold; those of the others are alternatives."""


def filter_sentence(chosen: PartyFilter) -> str:
    """What a filter means, in one sentence; empty: everybody."""
    labels, found = filter_labels(), dict[str, list[str]]()
    for name, value in chosen.to_arguments():
        found.setdefault(name, []).append(value_word(name, value))
    parts = []
    for name, words in found.items():
        for said in words if name in EACH_HOLDS else [any_of(words)]:
            parts.append(f"{labels[name]}: {said}" if name != "purchase" else said)
    return "; ".join(parts)


def describe_filter(chosen: PartyFilter) -> list[str]:
    """Each value that narrows a choice, with its name."""
    labels = filter_labels()
    return [f"{labels[name]}: {value_word(name, value)}" for name, value in chosen.to_arguments()]
