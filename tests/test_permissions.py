"""Who may do what: `Actor.can` by table, and the reasons of the matrix against it."""

import random
from itertools import product

import pytest

from crm_mail.permissions import (
    ANY,
    AREA_PERMISSIONS,
    GIVEN_BY,
    TYPE_PERMISSIONS,
    Actor,
    Grant,
    Permission,
    PermissionDenied,
)
from crm_mail.users.matrix import Rule, explain

P = Permission
ALL = (P.OUTBOX_COMMIT, ANY, None)

CASES: list[tuple[set[Grant], set[Grant], P, int | None, str | None, bool]] = [
    # one type in one company
    ({(P.OUTBOX_COMMIT, "invoice", 1)}, set(), P.OUTBOX_COMMIT, 1, "invoice", True),
    ({(P.OUTBOX_COMMIT, "invoice", 1)}, set(), P.OUTBOX_COMMIT, 1, "order", False),
    ({(P.OUTBOX_COMMIT, "invoice", 1)}, set(), P.OUTBOX_COMMIT, 2, "invoice", False),
    ({(P.OUTBOX_COMMIT, "invoice", 1)}, set(), P.OUTBOX_REVIEW, 1, "invoice", False),
    ({(P.OUTBOX_COMMIT, "invoice", 1)}, set(), P.OUTBOX_COMMIT, None, None, True),
    # every type, every company
    ({(P.OUTBOX_COMMIT, ANY, 1)}, set(), P.OUTBOX_COMMIT, 1, "order", True),
    ({(P.OUTBOX_COMMIT, "invoice", None)}, set(), P.OUTBOX_COMMIT, 7, "invoice", True),
    # what a right brings along
    ({(P.OUTBOX_PREPARE, "invoice", 1)}, set(), P.DOCUMENTS_SEE, 1, "invoice", True),
    ({(P.OUTBOX_PREPARE, "invoice", 1)}, set(), P.DOCUMENTS_SEE, 1, "order", False),
    ({(P.OUTBOX_PREPARE, "invoice", 1)}, set(), P.CONTACTS_SEE, 1, None, True),
    ({(P.OUTBOX_PREPARE, "invoice", 1)}, set(), P.CONTACTS_SEE, 2, None, False),
    ({(P.DOCUMENTS_MANAGE, "invoice", 1)}, set(), P.CONTACTS_SEE, 1, None, False),
    ({(P.SETTINGS_MANAGE, "", 1)}, set(), P.TEXTS_MANAGE, 1, None, True),
    ({(P.SETTINGS_MANAGE, "", 1)}, set(), P.ACCOUNTS_MANAGE, 2, None, False),
    ({(P.CONTACTS_EXPORT, "", None)}, set(), P.CONTACTS_SEE, 1, None, True),
    # denials
    ({ALL}, {(P.OUTBOX_COMMIT, "invoice", None)}, P.OUTBOX_COMMIT, 1, "invoice", False),
    ({ALL}, {(P.OUTBOX_COMMIT, "invoice", None)}, P.OUTBOX_COMMIT, 1, "order", True),
    ({ALL}, {(P.OUTBOX_COMMIT, "invoice", 2)}, P.OUTBOX_COMMIT, 1, "invoice", True),
    ({ALL}, {(P.OUTBOX_COMMIT, ANY, 2)}, P.OUTBOX_COMMIT, 2, "order", False),
    ({(P.OUTBOX_COMMIT, "invoice", 1)}, {(P.OUTBOX_COMMIT, ANY, None)}, P.OUTBOX_COMMIT, 1, "invoice", False),
    ({ALL}, {(P.DOCUMENTS_SEE, "invoice", None)}, P.OUTBOX_COMMIT, 1, "invoice", False),  # needs to see
    ({ALL}, {(P.CONTACTS_SEE, "", None)}, P.CONTACTS_SEE, 1, None, False),
    ({ALL}, {(P.CONTACTS_SEE, "", None)}, P.OUTBOX_COMMIT, 1, "invoice", True),
    ({(P.CONTACTS_MANAGE, "", None)}, {(P.CONTACTS_SEE, "", 1)}, P.CONTACTS_MANAGE, 1, None, False),
    ({(P.CONTACTS_MANAGE, "", None)}, {(P.CONTACTS_SEE, "", 1)}, P.CONTACTS_MANAGE, 2, None, True),
    ({(P.SETTINGS_MANAGE, "", None)}, {(P.TEXTS_MANAGE, "", None)}, P.TEXTS_MANAGE, 1, None, False),
    ({(P.SETTINGS_MANAGE, "", None)}, {(P.TEXTS_MANAGE, "", None)}, P.SETTINGS_MANAGE, 1, None, True),
]


@pytest.mark.parametrize(("grants", "denials", "permission", "company", "document_type", "expected"), CASES)
def test_a_right_is_held_where_something_gives_it_and_nothing_denies_it(
    grants: set[Grant],
    denials: set[Grant],
    permission: Permission,
    company: int | None,
    document_type: str | None,
    expected: bool,
) -> None:
    actor = Actor(1, "Anna", grants=frozenset(grants), denials=frozenset(denials))
    assert actor.can(permission, company, document_type) is expected
    if not expected:
        with pytest.raises(PermissionDenied):
            actor.require(permission, company, *([document_type] if document_type else []))


def test_an_administrator_may_do_everything_whatever_is_denied() -> None:
    boss = Actor(1, "Anna", is_admin=True, denials=frozenset({(P.USERS_MANAGE, "", None)}))
    assert all(boss.can(one, 1, "invoice") for one in Permission)
    assert boss.company_ids(P.OUTBOX_COMMIT) is None


def test_the_companies_of_a_right_are_those_where_it_is_held() -> None:
    grants = {(P.OUTBOX_COMMIT, ANY, 1), (P.OUTBOX_COMMIT, "invoice", 2), (P.CONTACTS_SEE, "", 3)}
    actor = Actor(1, "Anna", grants=frozenset(grants), denials=frozenset({(P.OUTBOX_COMMIT, ANY, 2)}))
    assert actor.company_ids(P.OUTBOX_COMMIT) == {1}
    assert actor.company_ids(P.CONTACTS_SEE) == {1, 3}  # committing brings the contacts along
    assert not actor.can_everywhere(P.CONTACTS_SEE)
    with pytest.raises(PermissionDenied, match="every company"):
        actor.require_everywhere(P.CONTACTS_SEE)
    assert Actor(1, "Anna", grants=frozenset({(P.SETTINGS_MANAGE, "", None)})).can_everywhere(P.TEXTS_MANAGE)


def test_the_reason_in_the_matrix_never_says_otherwise_than_the_check() -> None:
    """`explain` and `Actor.can` are two readings of the same rules: random ones, compared everywhere."""
    dice = random.Random(20)
    every = [
        *product(TYPE_PERMISSIONS, (ANY, "invoice", "order"), (None, 1, 2)),
        *product(AREA_PERMISSIONS, ("",), (None, 1, 2)),
    ]
    asked = [one for one in every if one[1] != ANY and one[2] is not None]
    held = 0
    for _round in range(150):
        chosen = dice.sample(every, dice.randint(1, 12))
        rules = [Rule(one, is_denied=dice.random() < 0.3, group=dice.choice(["", "Sales"])) for one in chosen]
        actor = Actor(
            1,
            "Anna",
            grants=frozenset(one.right for one in rules if not one.is_denied),
            denials=frozenset(one.right for one in rules if one.is_denied),
        )
        for wanted in asked:
            reason = explain(rules, wanted)
            may = actor.can(wanted[0], wanted[2], wanted[1] or None)
            held += may
            assert reason.is_held == may, (wanted, rules)
            assert not (reason.is_held and reason.is_denied)
    assert held > 1000


def test_every_right_is_given_by_itself() -> None:
    assert all(one in GIVEN_BY[one] for one in Permission)
