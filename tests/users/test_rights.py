"""Rights as values: reading them from the command line, who may give what, and what they amount to (IT-11)."""

import pytest

from crm_mail.permissions import ANY, Actor, Permission
from crm_mail.users import rights
from crm_mail.users.problems import Problem, UserRefused

PREPARE, REVIEW, COMMIT = Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT
TYPES = ("invoice", "credit_note")
COMPANIES = {"SM01": 1, "SM02": 2}


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("invoice:commit:SM02", (COMMIT, "invoice", 2)),
        ("*:prepare:SM01", (PREPARE, ANY, 1)),
        ("credit_note:review:*", (REVIEW, "credit_note", None)),
        (" * : commit : * ", (COMMIT, ANY, None)),
        ("contacts:manage", (Permission.CONTACTS_MANAGE, "", None)),
        ("contacts:see:SM01", (Permission.CONTACTS_SEE, "", 1)),
    ],
)
def test_a_grant_is_read_from_its_text(text: str, grant: rights.Grant) -> None:
    assert rights.parse_grant(text, TYPES, COMPANIES) == grant


@pytest.mark.parametrize(
    ("text", "problem", "named"),
    [
        ("invoice:commit", Problem.GRANT_MALFORMED, "TYPE:ACTION:COMPANY"),
        ("bill:commit:SM02", Problem.GRANT_TYPE, "*, invoice, credit_note"),
        ("invoice:send:SM02", Problem.GRANT_ACTION, "prepare, review, commit"),
        ("invoice:commit:SM99", Problem.GRANT_COMPANY, "*, SM01, SM02"),
        ("invoice:commit:", Problem.GRANT_COMPANY, "*, SM01, SM02"),
        ("contacts:commit", Problem.GRANT_ACTION, "see, manage, export"),
    ],
)
def test_a_wrong_grant_says_what_would_be_right(text: str, problem: Problem, named: str) -> None:
    with pytest.raises(UserRefused) as refused:
        rights.parse_grant(text, TYPES, COMPANIES)
    assert refused.value.problem is problem
    assert named in str(refused.value)
    assert text in str(refused.value)


def test_a_grant_for_one_company_does_not_cover_every_company() -> None:
    assert rights.covers((COMMIT, ANY, None), (COMMIT, "invoice", 2))
    assert not rights.covers((COMMIT, "invoice", 2), (COMMIT, "invoice", None))
    assert not rights.covers((COMMIT, "invoice", None), (COMMIT, ANY, None))
    assert not rights.covers((COMMIT, ANY, None), (PREPARE, "invoice", 2))
    assert not rights.covers((COMMIT, "invoice", 1), (COMMIT, "invoice", 2))


def actor(user_id: int = 1, **overrides: object) -> Actor:
    area = (Permission.USERS_MANAGE, "", None)
    values = {"clearance": 1, **overrides}
    values["grants"] = frozenset({area, *overrides.get("grants", ())})  # type: ignore[misc]
    return Actor(user_id, "Anna", **values)  # type: ignore[arg-type]


def test_a_user_manager_may_not_touch_somebody_who_holds_more() -> None:
    manager = actor(grants=frozenset({(COMMIT, "invoice", 2)}))
    assert rights.may_change(manager, actor(2))
    assert rights.may_change(manager, actor(2, grants=frozenset({(COMMIT, "invoice", 2)})))
    assert not rights.may_change(manager, actor(2, grants=frozenset({(COMMIT, "invoice", None)})))
    assert not rights.may_change(manager, actor(2, clearance=2))
    assert not rights.may_change(manager, actor(2, is_admin=True))
    assert not rights.may_change(
        manager, actor(2, grants=frozenset({(Permission.SETTINGS_MANAGE, "", None)}))
    )
    assert rights.may_change(actor(is_admin=True), actor(2, is_admin=True, clearance=3))


@pytest.mark.parametrize(
    ("grants", "denials", "missing"),
    [
        ({(COMMIT, "invoice", 2)}, set(), []),  # the manager holds it too
        ({(COMMIT, "invoice", None)}, set(), ["invoice:commit:*", "invoice:see:*", "contacts:see"]),
        ({(COMMIT, ANY, 2)}, set(), ["*:commit:2", "*:see:2"]),
        ({(COMMIT, "invoice", None)}, {(COMMIT, ANY, None)}, []),  # given and taken away again
        ({(COMMIT, ANY, 2)}, {(COMMIT, ANY, 2)}, []),
        ({(PREPARE, "invoice", 2)}, set(), ["invoice:prepare:2"]),
    ],
)
def test_what_somebody_holds_beyond_the_giver_is_named(
    grants: set[rights.Grant], denials: set[rights.Grant], missing: list[str]
) -> None:
    giver = actor(grants=frozenset({(COMMIT, "invoice", 2)}))
    wanted = Actor(2, "Bruno", grants=frozenset(grants), denials=frozenset(denials))
    assert sorted(map(rights.describe_grant, rights.excess(wanted, giver))) == sorted(missing)


def test_a_denial_of_the_giver_is_missing_in_what_he_can_give() -> None:
    giver = actor(grants=frozenset({(COMMIT, ANY, None)}), denials=frozenset({(COMMIT, "credit_note", None)}))
    whole = Actor(2, "Bruno", grants=frozenset({(COMMIT, ANY, None)}))
    missing = [rights.describe_grant(one) for one in rights.excess(whole, giver)]
    assert missing == ["credit_note:commit:*", "credit_note:see:*"]
    assert rights.may_change(giver, Actor(3, "Carla", grants=whole.grants, denials=giver.denials))
    assert not rights.may_change(giver, whole)


def test_nobody_lets_others_see_customers_that_he_does_not_see() -> None:
    giver = actor(agents=frozenset({"Bianchi"}))
    assert rights.may_change(giver, Actor(2, "B", agents=frozenset({"Bianchi"})))
    assert not rights.may_change(giver, Actor(2, "B"))
    assert not rights.may_change(
        giver, Actor(2, "B", agents=frozenset({"Bianchi"}), zones=frozenset({"Nord"}))
    )
    assert rights.may_change(actor(), Actor(2, "B", zones=frozenset({"Nord"})))
