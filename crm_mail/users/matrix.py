"""Why a right is held or not, and the grid that the page of a user or a group shows. Pure.

`explain` says in one reason what `Actor.can` says in one word; a test compares the two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crm_mail.permissions import ANY, GIVEN_BY, NEEDS, TYPE_PERMISSIONS, Grant, Permission
from crm_mail.users.rights import ACTIONS, AREAS, COLUMNS, EVERYWHERE_ONLY


@dataclass(frozen=True, slots=True)
class Rule:
    """A right given or taken away, and where it was written.

    Args:
        group: name of the group that has it; empty: the person's own (or, on a group's page, the group's own).
        given_by: name of who wrote it; empty when nobody knows.
    """

    right: Grant
    is_denied: bool = False
    group: str = ""
    given_by: str = ""
    given_at: datetime | None = None


class How(StrEnum):
    """Why a right is held, or is not."""

    OWN = "own"
    GROUP = "group"
    WIDER = "wider"  # an own rule of every type, or of every company
    BROUGHT = "brought"  # comes with another right
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Reason:
    """Whether a right is held in one place, and why.

    Args:
        is_denied: a denial says so; otherwise nothing gives it (or something does).
        rule: the rule that decides; None for `How.NOTHING`.
    """

    is_held: bool
    how: How
    is_denied: bool = False
    rule: Rule | None = None


NOTHING = Reason(False, How.NOTHING)


class Choice(StrEnum):
    """What a cell is set to."""

    INHERIT = "inherit"
    ALLOW = "allow"
    DENY = "deny"


def explain(rules: Iterable[Rule], wanted: Grant) -> Reason:
    """Why a right is held for a type (``*``: every type) in a company (None: every company), or is not."""
    permission, document_type, company_id = wanted
    known = sorted(rules, key=lambda rule: (rule.right != wanted, bool(rule.group), rule.group))
    if denial := _denial(known, permission, document_type, company_id):
        return Reason(False, _how(denial, wanted), True, denial)
    for rule in known:
        if not rule.is_denied and rule.right[0] is permission and _reaches(rule, document_type, company_id):
            return Reason(True, _how(rule, wanted), False, rule)
    for rule in known:
        giver, type_, _company = rule.right
        if rule.is_denied or giver not in GIVEN_BY[permission]:
            continue
        of_type = permission in TYPE_PERMISSIONS
        here = document_type if of_type else type_
        if _reaches(rule, here, company_id) and not _denial(known, giver, here, company_id):
            return Reason(True, How.BROUGHT, False, rule)
    return NOTHING


def _reaches(rule: Rule, document_type: str, company_id: int | None) -> bool:
    _permission, type_, company = rule.right
    return type_ in (ANY, document_type) and company in (None, company_id)


def _denial(
    rules: Iterable[Rule], permission: Permission, document_type: str, company_id: int | None
) -> Rule | None:
    fallen = {permission} | NEEDS.get(permission, frozenset())
    return next(
        (
            rule
            for rule in rules
            if rule.is_denied and rule.right[0] in fallen and _reaches(rule, document_type, company_id)
        ),
        None,
    )


def _how(rule: Rule, wanted: Grant) -> How:
    if rule.group:
        return How.GROUP
    if rule.right[0] is not wanted[0]:
        return How.BROUGHT
    return How.OWN if rule.right == wanted else How.WIDER


@dataclass(frozen=True, slots=True)
class Cell:
    """One right in one place.

    Args:
        right: what it is about.
        choice: what the person's (or the group's) own rule says.
        inherited: what holds without that rule.
        reason: what holds.
        own: that rule.
        is_open: whether the reader may set it.
    """

    right: Grant
    choice: Choice
    inherited: Reason
    reason: Reason
    own: Rule | None
    is_open: bool

    @property
    def field(self) -> str:
        """What the form calls it."""
        return f"{self.right[0].value}|{self.right[1]}"


@dataclass(frozen=True, slots=True)
class Row:
    """A document type (``*``: every type) or an area, with a cell or nothing for each column."""

    name: str
    is_area: bool
    cells: tuple[Cell | None, ...]


def cells_of(name: str, is_area: bool, company_id: int | None) -> list[Grant | None]:
    """The rights of a row, column by column; those of every company only do not exist in one of them."""
    actions: Mapping[str, Permission] = AREAS[name] if is_area else ACTIONS
    found: list[Grant | None] = []
    for column in COLUMNS:
        permission = actions.get(column)
        is_elsewhere = company_id is not None and permission in EVERYWHERE_ONLY
        found.append(
            None if permission is None or is_elsewhere else (permission, "" if is_area else name, company_id)
        )
    return found


def build_matrix(
    document_types: Sequence[str],
    rules: Collection[Rule],
    company_id: int | None,
    giver: Collection[Rule] | None,
) -> list[Row]:
    """The grid for one company, or (None) for the rules that hold in every company.

    Args:
        document_types: ids, ``*`` first.
        giver: the reader's own rules: only what they give can be set; None for an administrator.
    """
    names = [(name, False) for name in document_types] + [(area, True) for area in AREAS]
    grid = [
        Row(
            name,
            is_area,
            tuple(
                _cell(right, rules, giver) if right else None for right in cells_of(name, is_area, company_id)
            ),
        )
        for name, is_area in names
    ]
    return [row for row in grid if any(row.cells)]


def _cell(right: Grant, rules: Collection[Rule], giver: Collection[Rule] | None) -> Cell:
    own = next((rule for rule in rules if rule.right == right and not rule.group), None)
    others = [rule for rule in rules if rule is not own]
    choice = Choice.INHERIT if own is None else Choice.DENY if own.is_denied else Choice.ALLOW
    is_open = giver is None or own is not None or explain(giver, right).is_held
    return Cell(right, choice, explain(others, right), explain(rules, right), own, is_open)


def read_choices(
    fields: Iterable[tuple[str, str]], document_types: Collection[str], company_id: int | None
) -> dict[Grant, Choice]:
    """What was posted; what no cell of ours could have posted is left out."""
    names = [(name, False) for name in (ANY, *document_types)] + [(area, True) for area in AREAS]
    offered = {
        f"{right[0].value}|{right[1]}": right
        for name, is_area in names
        for right in cells_of(name, is_area, company_id)
        if right
    }
    return {
        offered[name]: Choice(value)
        for name, value in fields
        if name in offered and value in Choice.__members__.values()
    }
