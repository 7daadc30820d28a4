"""Groups on a real database: what they give, what they deny, and that nobody uses them to get more (IT-11)."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.permissions import ANY, INSTALLATION, Actor, Permission
from crm_mail.users import granting, groups, rights, seeing, service
from crm_mail.users.actors import build_actor
from crm_mail.users.groups import GroupDraft
from crm_mail.users.models import Grant, User, UserGroup
from crm_mail.users.problems import Problem, UserRefused
from tests.factories import make_company, make_user

PREPARE, COMMIT = Permission.OUTBOX_PREPARE, Permission.OUTBOX_COMMIT


def add_group(
    session: Session, name: str, *members: User, under: UserGroup | None = None, **rules: list[rights.Grant]
) -> UserGroup:
    draft = GroupDraft(name, under.id if under else None, frozenset(one.id for one in members))
    group = groups.save_group(session, INSTALLATION, None, draft)
    granting.set_rules(session, INSTALLATION, group, rules.get("allowed", []), rules.get("denied", []))
    return group


def manager(session: Session, *grants: rights.Grant) -> Actor:
    return build_actor(session, make_user(session, areas=[Permission.USERS_MANAGE], grants=grants))


def test_a_member_has_the_rights_of_the_group_and_of_what_it_stands_under(session: Session) -> None:
    company, user = make_company(session), make_user(session)
    top = add_group(session, "All", allowed=[(PREPARE, ANY, None)])
    add_group(session, "Sales", user, under=top, allowed=[(COMMIT, "invoice", company.id)])
    actor = build_actor(session, user)
    assert actor.can(PREPARE, company.id, "order")
    assert actor.can(COMMIT, company.id, "invoice")
    assert not actor.can(COMMIT, company.id, "order")


def test_a_denial_of_a_group_in_one_company_leaves_the_others(session: Session) -> None:
    one, other = make_company(session), make_company(session)
    user = make_user(session, grants=[(COMMIT, ANY, None), (Permission.TEXTS_MANAGE, "", None)])
    add_group(session, "Careful", user, denied=[(COMMIT, ANY, one.id)])
    actor = build_actor(session, user)
    assert not actor.can(COMMIT, one.id, "invoice")
    assert actor.can(COMMIT, other.id, "invoice")
    assert actor.company_ids(COMMIT) == {other.id}
    assert (
        actor.company_ids(Permission.TEXTS_MANAGE) is None
    )  # what is not denied anywhere stays “every company”


def test_groups_never_stand_in_a_circle_and_names_are_taken_once(session: Session) -> None:
    top = add_group(session, "All")
    middle = add_group(session, "Sales", under=top)
    low = add_group(session, "North", under=middle)
    for parent in (top, middle, low):
        with pytest.raises(UserRefused) as refused:
            groups.save_group(session, INSTALLATION, top, GroupDraft("All", parent.id))
        assert refused.value.problem is Problem.GROUP_CIRCLE
    with pytest.raises(UserRefused) as refused:
        groups.save_group(session, INSTALLATION, None, GroupDraft(" sales "))
    assert refused.value.problem is Problem.GROUP_TAKEN


def test_deleting_a_group_says_who_loses_and_gains_what(session: Session) -> None:
    user, other = make_user(session), make_user(session, grants=[(COMMIT, ANY, None)])
    top = add_group(session, "All")
    group = add_group(
        session,
        "Sales",
        user,
        other,
        under=top,
        allowed=[(PREPARE, "invoice", None)],
        denied=[(COMMIT, ANY, None)],
    )
    below = add_group(session, "North", under=group)
    found = {one.user.id: one for one in groups.losses(session, group)}
    assert (PREPARE, "invoice", None) in found[user.id].lost
    assert found[user.id].gained == []
    assert (COMMIT, ANY, None) in found[other.id].gained
    groups.delete_group(session, INSTALLATION, group)
    session.flush()
    assert below.parent_id == top.id
    assert not build_actor(session, user).can(PREPARE)
    assert build_actor(session, other).can(COMMIT)
    assert session.scalars(select(Grant).where(Grant.group_id.is_not(None))).all() == []


@pytest.mark.parametrize(
    "way",
    ["give the group more", "remove a denial", "put in a stronger group", "put the group under a stronger one",
     "delete a group that denies", "copy an administrator"],
)  # fmt: skip
def test_a_user_manager_gets_nobody_more_than_he_holds(session: Session, way: str) -> None:
    giver = manager(session, (PREPARE, ANY, None))
    user = make_user(session)
    weak = add_group(session, "Weak", user, allowed=[(PREPARE, ANY, None)])
    strong = add_group(session, "Strong", allowed=[(COMMIT, ANY, None)])
    careful = add_group(session, "Careful", user, denied=[(COMMIT, ANY, None)])
    source = make_user(session, grants=[(COMMIT, ANY, None)])
    if way in ("remove a denial", "delete a group that denies"):
        user.grants.append(Grant(permission=COMMIT, document_type=ANY, company_id=None))
        session.flush()
    ways = {
        "give the group more": lambda: granting.set_rules(session, giver, weak, [(COMMIT, ANY, None)]),
        "remove a denial": lambda: granting.set_rules(session, giver, careful, []),
        "put in a stronger group": lambda: groups.save_group(
            session, giver, strong, GroupDraft("Strong", None, frozenset({user.id}))
        ),
        "put the group under a stronger one": lambda: groups.save_group(
            session, giver, weak, GroupDraft("Weak", strong.id, frozenset({user.id}))
        ),
        "delete a group that denies": lambda: groups.delete_group(session, giver, careful),
        "copy an administrator": lambda: granting.choose(
            session, giver, user, granting.choices_like(user, source)
        ),
    }
    with pytest.raises(UserRefused) as refused:
        ways[way]()
    assert refused.value.problem in (Problem.MORE_THAN_OWN_RIGHTS, Problem.HOLDS_MORE)
    session.expire_all()
    assert not build_actor(session, user).can(COMMIT)
    assert session.scalar(select(UserGroup.id).where(UserGroup.id == careful.id)) is not None


def test_a_user_manager_may_take_away_and_deny(session: Session) -> None:
    giver, user = manager(session, (PREPARE, ANY, None)), make_user(session, grants=[(PREPARE, ANY, None)])
    granting.set_rules(session, giver, user, [], [(PREPARE, "invoice", None)])
    assert not build_actor(session, user).can(PREPARE)
    row = user.grants[0]
    assert (row.is_denied, row.given_by) == (True, giver.user_id)
    assert row.given_at is not None
    event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert event.detail == {"before": ["*:prepare:*"], "after": ["deny invoice:prepare:*"]}


def test_rights_about_nobodys_company_are_not_given_for_one(session: Session) -> None:
    company, user = make_company(session), make_user(session)
    with pytest.raises(UserRefused) as refused:
        granting.set_rules(session, INSTALLATION, user, [(Permission.USERS_MANAGE, "", company.id)])
    assert refused.value.problem is Problem.GRANT_EVERYWHERE


def test_nobody_looks_through_the_eyes_of_somebody_who_holds_more(session: Session) -> None:
    giver = manager(session)
    weak, chief = make_user(session), make_user(session, is_admin=True)
    seeing.begin(session, giver, weak)
    seen = seeing.seen_actor(session, giver, weak.id)
    assert seen is not None
    assert (seen.user_id, giver.name in seen.name) == (weak.id, True)
    assert seeing.seen_actor(session, giver, chief.id) is None
    for user in (chief, session.get_one(User, giver.user_id)):
        with pytest.raises(UserRefused):
            seeing.begin(session, giver, user)
    service.set_active(session, INSTALLATION, weak, False)
    assert seeing.seen_actor(session, giver, weak.id) is None
