"""Rights in the language of the page: rows, columns, why a cell is as it is, and what a person may do in sentences."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from babel.lists import format_list
from flask_babel import format_datetime, get_locale, ngettext, pgettext
from flask_babel import gettext as _

from crm_mail.permissions import ANY, TYPE_PERMISSIONS, Actor, Permission
from crm_mail.permissions import Grant as Right
from crm_mail.users.limit_words import limits_in_words
from crm_mail.users.matrix import Choice, How, Reason
from crm_mail.users.rights import ACTIONS, AREAS

_OTHER_TYPE, _OTHER_COMPANY = "?", -1  # none that is named: what holds for every type, in every company


@dataclass(frozen=True, slots=True)
class Names:
    """What types and companies are called.

    Args:
        type_name: a document type in the language of the page.
        codes: code by company id.
    """

    type_name: Callable[[str], str]
    codes: Mapping[int, str]

    def company(self, company_id: int | None) -> str:
        """A company by its code, or every company."""
        return _("every company") if company_id is None else self.codes.get(company_id, str(company_id))


def area_name(area: str) -> str:
    """An area: a row of the matrix below the document types."""
    names: dict[str, str] = {
        "contacts": _("Contacts"),
        "texts": _("Texts and layouts"),
        "accounts": _("Sender accounts and mailboxes"),
        "schedules": _("Schedules and rules"),
        "reports": _("Reports"),
        "users": _("Users"),
        "privacy": _("Privacy"),
        "settings": _("Settings of companies"),
        "audit": _("Audit"),
    }
    return names[area]


def row_name(name: str, is_area: bool, names: Names) -> str:
    """A row of the matrix."""
    if is_area:
        return area_name(name)
    return str(_("Every document type")) if name == ANY else names.type_name(name)


def column_name(column: str) -> str:
    """A column of the matrix."""
    labels: dict[str, str] = {
        "see": pgettext("right", "See"),
        "prepare": pgettext("right", "Prepare"),
        "review": pgettext("right", "Review"),
        "commit": pgettext("right", "Send"),
        "manage": pgettext("right", "Manage"),
        "export": pgettext("right", "Export"),
    }
    return labels[column]


def action_of(permission: Permission) -> str:
    """The column of a right."""
    if permission in TYPE_PERMISSIONS:
        return next(name for name, one in ACTIONS.items() if one is permission)
    return permission.value.partition(":")[2]


def right_name(right: Right, names: Names) -> str:
    """A right in one line: ``Send · Invoice · SM02``."""
    permission, document_type, company_id = right
    is_area = permission not in TYPE_PERMISSIONS
    row = row_name(permission.value.partition(":")[0] if is_area else document_type, is_area, names)
    return " · ".join((column_name(action_of(permission)), row, names.company(company_id)))


def reason_words(reason: Reason, wanted: Right) -> str:
    """What a cell says when its own rule does not decide; short, for it stands in a column."""
    rule = reason.rule
    if rule is None:
        return "–"
    values = {"group": rule.group, "right": column_name(action_of(rule.right[0]))}
    is_wider_type = rule.right[1] == ANY and wanted[1] != ANY
    if reason.is_denied:
        words: dict[How, str] = {
            How.OWN: _("Denied"),
            How.GROUP: _("✗ %(group)s", **values),
            How.WIDER: _("✗ every type") if is_wider_type else _("✗ all companies"),
            How.BROUGHT: _("✗ without “%(right)s”", **values),
        }
    else:
        words = {
            How.OWN: _("Allowed"),
            How.GROUP: _("✓ %(group)s", **values),
            How.WIDER: _("✓ every type") if is_wider_type else _("✓ all companies"),
            How.BROUGHT: _("✓ with “%(right)s”", **values),
        }
    return words[reason.how]


def reason_sentence(reason: Reason, names: Names) -> str:
    """The same as a sentence: which rule decides, and whose it is."""
    rule = reason.rule
    if rule is None:
        return str(_("Nothing gives this right."))
    values = {
        "state": choice_name(Choice.DENY if rule.is_denied else Choice.ALLOW),
        "right": right_name(rule.right, names),
        "who": rule.given_by or "–",
        "at": format_datetime(rule.given_at, "short") if rule.given_at else "–",
    }
    if rule.group:
        return str(_("Group %(group)s: %(right)s, %(state)s by %(who)s, %(at)s", group=rule.group, **values))
    return str(_("%(right)s: %(state)s by %(who)s, %(at)s", **values))


def tone_of(reason: Reason) -> str:
    """The colour of a cell: never alone, the words stand beside it."""
    if reason.is_denied:
        return "denied"
    if not reason.is_held:
        return "nothing"
    return "own" if reason.how is How.OWN else "inherited"


def choice_name(choice: Choice) -> str:
    """What a cell is set to, in a list of changes."""
    names: dict[Choice, str] = {
        Choice.INHERIT: _("not set"),
        Choice.ALLOW: _("allowed"),
        Choice.DENY: _("denied"),
    }
    return names[choice]


def _verb(column: str) -> str:
    labels: dict[str, str] = {
        "see": pgettext("may", "see"),
        "prepare": pgettext("may", "prepare"),
        "review": pgettext("may", "review"),
        "commit": pgettext("may", "send"),
        "manage": pgettext("may", "bring in and correct"),
        "export": pgettext("may", "export"),
    }
    return labels[column]


def _join(words: Iterable[str]) -> str:
    return format_list(list(words), locale=get_locale() or "en")


def rights_in_words(actor: Actor, names: Names) -> list[str]:
    """What a person may do, one sentence for each thing: ``May prepare and review Invoice of SM02; may not send.``"""
    if actor.is_admin:
        return [
            _("Administrator: may do everything, in every company."),
            *_sight(actor),
            *limits_in_words(actor.limits),
        ]
    sentences = [*_of_types(actor, names), *_of_areas(actor, names)]
    if not sentences:
        return [_("May only sign in.")]
    if actor.can(Permission.OUTBOX_COMMIT):
        sentences += limits_in_words(actor.limits)
    return [*sentences, *_sight(actor)]


def _companies(actor: Actor) -> list[int]:
    named = {one[2] for one in (*actor.grants, *actor.denials) if one[2] is not None}
    return [_OTHER_COMPANY, *sorted(named)]


def _of_types(actor: Actor, names: Names) -> list[str]:
    """A sentence for each set of actions that differs from what holds more widely."""
    named = {one[1] for one in (*actor.grants, *actor.denials) if one[1] not in (ANY, "")}
    types = [_OTHER_TYPE, *sorted(named)]
    held = {
        (company, type_): tuple(name for name, one in ACTIONS.items() if actor.can(one, company, type_))
        for company in _companies(actor)
        for type_ in types
    }
    clauses: dict[tuple[int, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (company, type_), actions in held.items():
        wider = set(held[_OTHER_COMPANY, type_]) if company != _OTHER_COMPANY else set()
        wider |= set(held[company, _OTHER_TYPE]) if type_ != _OTHER_TYPE else set()
        if set(actions) == wider:
            continue
        lost = tuple(name for name in ACTIONS if name in wider and name not in actions)
        clauses.setdefault((company, actions, lost), []).append(type_)
    return [_clause(actor, names, *key, found) for key, found in clauses.items()]


def _clause(
    actor: Actor,
    names: Names,
    company: int,
    actions: Sequence[str],
    lost: Sequence[str],
    types: Sequence[str],
) -> str:
    missing = list(lost)
    if {"prepare", "review"} & set(actions) and "commit" not in (*actions, *missing):
        missing.append("commit")
    values = {
        "types": _("every document type") if _OTHER_TYPE in types else _join(map(names.type_name, types)),
        "company": names.company(None if company == _OTHER_COMPANY else company) + _whose(actor),
        "actions": _join(map(_verb, actions)),
        "missing": _join(map(_verb, missing)),
    }
    if not actions:
        return str(_("May not %(missing)s %(types)s of %(company)s.", **values))
    if missing:
        return str(_("May %(actions)s %(types)s of %(company)s; may not %(missing)s.", **values))
    return str(_("May %(actions)s %(types)s of %(company)s.", **values))


def _whose(actor: Actor) -> str:
    """Whose customers: `` for agent Bianchi``; empty for all."""
    parts = []
    if actor.agents:
        text = ngettext(
            "agent %(names)s", "agents %(names)s", len(actor.agents), names=_join(sorted(actor.agents))
        )
        parts.append(text)
    if actor.zones:
        text = ngettext(
            "zone %(names)s", "zones %(names)s", len(actor.zones), names=_join(sorted(actor.zones))
        )
        parts.append(text)
    return _(" for %(whose)s", whose=_join(parts)) if parts else ""


def _of_areas(actor: Actor, names: Names) -> list[str]:
    """A sentence for each company in which areas are open, beyond those of every company."""
    everywhere = _areas_in(actor, _OTHER_COMPANY)
    sentences = []
    for company in _companies(actor):
        held = _areas_in(actor, company)
        if company != _OTHER_COMPANY:
            held = {area: actions for area, actions in held.items() if actions != everywhere.get(area)}
        if held:
            where = names.company(None if company == _OTHER_COMPANY else company)
            areas = [
                f"{area_name(area)} ({_join(map(_verb_of_area, actions))})" for area, actions in held.items()
            ]
            sentences.append(_("In %(company)s: %(areas)s.", company=where, areas=_join(areas)))
        if company != _OTHER_COMPANY:
            closed = [area for area in everywhere if area not in _areas_in(actor, company)]
            if closed:
                areas = [area_name(area) for area in closed]
                sentences.append(
                    _("Not in %(company)s: %(areas)s.", company=names.company(company), areas=_join(areas))
                )
    return sentences


def _areas_in(actor: Actor, company: int) -> dict[str, tuple[str, ...]]:
    found = {
        area: tuple(name for name, one in actions.items() if actor.can(one, company))
        for area, actions in AREAS.items()
    }
    return {area: actions for area, actions in found.items() if actions}


def _verb_of_area(column: str) -> str:
    return pgettext("may", "change") if column == "manage" else _verb(column)


def _sight(actor: Actor) -> list[str]:
    levels = (
        _("Sees only public contacts."),
        _("Sees public and internal contacts."),
        _("Sees all contacts but the confidential ones."),
        _("Sees all contacts, confidential ones too."),
    )
    sentences = [levels[actor.clearance]]
    if not actor.sight.is_whole:
        sentences.append(_("Sees only customers%(whose)s.", whose=_whose(actor)))
    return sentences
