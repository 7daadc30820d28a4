"""Users on a real database: making and changing them, and the two rules that protect the installation."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, INSTALLATION, Actor, Permission, PermissionDenied
from crm_mail.users import granting, groups, service, sessions
from crm_mail.users.actors import actor_by_email, build_actor
from crm_mail.users.matrix import Choice
from crm_mail.users.models import Grant, User, UserSession
from crm_mail.users.passwords import Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.service import UserDraft
from tests.factories import make_company, make_user

PREPARE, REVIEW, COMMIT = Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT
CHEAP = Passwords(64)
PASSWORD = "verde barca lenta"


def draft_of(user: User, **overrides: object) -> UserDraft:
    return replace(service.draft_of(user), **overrides)  # type: ignore[arg-type]


def manager(session: Session, **overrides: object) -> Actor:
    return build_actor(session, make_user(session, areas=[Permission.USERS_MANAGE], **overrides))


def problem_of(error: pytest.ExceptionInfo[UserRefused]) -> Problem:
    return error.value.problem


def audit_actions(session: Session) -> list[str]:
    session.flush()
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_a_new_user_has_exactly_the_rights_given(session: Session) -> None:
    company = make_company(session)
    user = service.create_user(
        session,
        INSTALLATION,
        UserDraft(" Anna@Office.Example ", " Anna ", clearance=2, zones=frozenset({"Nord"})),
        PASSWORD,
        CHEAP,
        grants=[(COMMIT, "invoice", company.id)],
    )
    actor = actor_by_email(session, "ANNA@office.example")
    assert (actor.user_id, actor.name, actor.email, actor.clearance) == (
        user.id,
        "Anna",
        "anna@office.example",
        2,
    )
    assert actor.can(COMMIT, company.id, "invoice")
    assert not actor.can(COMMIT, company.id, "credit_note")
    assert not actor.can(PREPARE)
    assert actor.zones == {"Nord"}
    assert not actor.can(Permission.USERS_MANAGE)
    assert CHEAP.verify(user.password_hash, PASSWORD)
    assert audit_actions(session) == ["users.user.created"]


def test_the_audit_of_a_user_never_holds_a_password(session: Session) -> None:
    user = service.create_user(session, INSTALLATION, UserDraft("a@office.example", "A"), PASSWORD, CHEAP)
    password = service.give_one_time_password(session, INSTALLATION, user, CHEAP)
    session.flush()
    kept = "".join(str(event.detail) + event.object_label for event in session.scalars(select(AuditEvent)))
    assert PASSWORD not in kept
    assert password not in kept
    assert "argon2" not in kept


@pytest.mark.parametrize(
    ("draft", "problem"),
    [
        (UserDraft("taken@office.example", "B"), Problem.EMAIL_TAKEN),
        (UserDraft("TAKEN@office.example", "B"), Problem.EMAIL_TAKEN),
        (UserDraft("no address", "B"), Problem.EMAIL_INVALID),
        (UserDraft("b@office.example\nBcc: x@y.example", "B"), Problem.EMAIL_INVALID),
        (UserDraft("", "B"), Problem.EMAIL_INVALID),
        (UserDraft("b@office.example", " "), Problem.NAME_MISSING),
        (UserDraft("b@office.example", "B", clearance=4), Problem.CLEARANCE_INVALID),
        (UserDraft("b@office.example", "B", clearance=-1), Problem.CLEARANCE_INVALID),
    ],
)
def test_a_user_with_a_wrong_value_is_not_made(session: Session, draft: UserDraft, problem: Problem) -> None:
    make_user(session, email="taken@office.example")
    with pytest.raises(UserRefused) as refused:
        service.create_user(session, INSTALLATION, draft, PASSWORD, CHEAP)
    assert problem_of(refused) is problem
    assert len(list(session.scalars(select(User)))) == 1


def test_an_unknown_or_inactive_address_is_no_actor(session: Session) -> None:
    make_user(session, email="gone@office.example", is_active=False)
    with pytest.raises(UserRefused, match=r"no user has the address nobody@office\.example"):
        actor_by_email(session, "nobody@office.example")
    with pytest.raises(UserRefused, match=r"gone@office\.example is not active"):
        actor_by_email(session, "gone@office.example")


def test_who_does_not_manage_users_changes_none(session: Session) -> None:
    clerk = build_actor(session, make_user(session, grants=[(COMMIT, ANY, None)]))
    user = make_user(session)
    for attempt in (
        lambda: service.list_users(session, clerk),
        lambda: service.create_user(session, clerk, UserDraft("b@office.example", "B"), PASSWORD, CHEAP),
        lambda: service.update_user(session, clerk, user, draft_of(user)),
        lambda: granting.set_rules(session, clerk, user, []),
        lambda: service.give_one_time_password(session, clerk, user, CHEAP),
    ):
        with pytest.raises(PermissionDenied):
            attempt()


def test_a_user_manager_gives_only_what_he_holds(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    actor = manager(session, clearance=1, grants=[(COMMIT, "invoice", company.id)])
    user = make_user(session)
    strong = groups.save_group(session, INSTALLATION, None, groups.GroupDraft("Strong"))
    granting.set_rules(session, INSTALLATION, strong, [(Permission.SETTINGS_MANAGE, "", None)])
    granting.set_rules(session, actor, user, [(COMMIT, "invoice", company.id)])
    for grant in (
        (COMMIT, "invoice", None),
        (COMMIT, "invoice", other.id),
        (COMMIT, ANY, company.id),
        (PREPARE, "invoice", company.id),
    ):
        with pytest.raises(UserRefused) as refused:
            granting.set_rules(session, actor, user, [(COMMIT, "invoice", company.id), grant])
        assert problem_of(refused) is Problem.MORE_THAN_OWN_RIGHTS
    for overrides, problem in (
        ({"is_admin": True}, Problem.ADMINISTRATOR_ONLY),
        ({"clearance": 2}, Problem.MORE_THAN_OWN_CLEARANCE),
        ({"group_ids": frozenset({strong.id})}, Problem.MORE_THAN_OWN_RIGHTS),
    ):
        with pytest.raises(UserRefused) as refused:
            service.update_user(session, actor, user, draft_of(user, **overrides))
        assert problem_of(refused) is problem
        with pytest.raises(UserRefused) as refused:
            service.create_user(
                session,
                actor,
                UserDraft("n@office.example", "N", **overrides),
                PASSWORD,
                CHEAP,  # type: ignore[arg-type]
            )
        assert problem_of(refused) is problem


def test_a_user_manager_cannot_raise_his_own_rights(session: Session) -> None:
    actor = manager(session, clearance=1)
    own = session.get_one(User, actor.user_id)
    with pytest.raises(UserRefused):
        granting.set_rules(session, actor, own, [(COMMIT, ANY, None)])
    strong = groups.save_group(session, INSTALLATION, None, groups.GroupDraft("Strong"))
    granting.set_rules(session, INSTALLATION, strong, [(COMMIT, ANY, None)])
    for overrides in ({"clearance": 3}, {"is_admin": True}, {"group_ids": frozenset({strong.id})}):
        with pytest.raises(UserRefused):
            service.update_user(session, actor, own, draft_of(own, **overrides))
    service.update_user(session, actor, own, draft_of(own, name="Renamed", clearance=0))
    assert (own.name, own.clearance) == ("Renamed", 0)


def test_a_user_manager_cannot_take_over_an_account_that_holds_more(session: Session) -> None:
    actor = manager(session)
    admin = make_user(session, is_admin=True)
    make_user(session, is_admin=True)
    before = admin.password_hash
    for attempt in (
        lambda: service.give_one_time_password(session, actor, admin, CHEAP),
        lambda: service.update_user(session, actor, admin, draft_of(admin, email="mine@office.example")),
        lambda: service.set_active(session, actor, admin, False),
        lambda: granting.set_rules(session, actor, admin, []),
    ):
        with pytest.raises(UserRefused) as refused:
            attempt()
        assert problem_of(refused) is Problem.HOLDS_MORE
    assert admin.password_hash == before


def test_the_last_active_administrator_stays(session: Session) -> None:
    admin = make_user(session, is_admin=True)
    make_user(session, is_admin=True, is_active=False)
    other = build_actor(session, make_user(session, is_admin=False))
    actor = Actor(other.user_id, "Command line", is_admin=True)
    with pytest.raises(UserRefused) as refused:
        service.set_active(session, actor, admin, False)
    assert problem_of(refused) is Problem.LAST_ADMINISTRATOR
    with pytest.raises(UserRefused) as refused:
        service.update_user(session, actor, admin, draft_of(admin, is_admin=False))
    assert problem_of(refused) is Problem.LAST_ADMINISTRATOR
    make_user(session, is_admin=True)
    service.update_user(session, actor, admin, draft_of(admin, is_admin=False))
    assert not admin.is_admin


def test_two_administrators_who_remove_each_other_leave_one(home: Installation) -> None:
    with home.database.write() as session:
        ids = [make_user(session, is_admin=True).id for _ in range(2)]
    start = threading.Barrier(2)
    refused: list[Problem] = []

    def remove(own: int, other: int) -> None:
        start.wait()
        try:
            with home.database.write() as session:
                actor = build_actor(session, session.get_one(User, own))
                target = session.get_one(User, other)
                service.update_user(session, actor, target, draft_of(target, is_admin=False))
        except UserRefused as error:
            refused.append(error.problem)
        except PermissionDenied:
            refused.append(Problem.ADMINISTRATOR_ONLY)

    threads = [threading.Thread(target=remove, args=pair) for pair in (tuple(ids), tuple(reversed(ids)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with home.database.read() as session:
        assert len(list(session.scalars(select(User).where(User.is_admin)))) == 1
    assert len(refused) == 1


def test_nobody_deactivates_the_own_account(session: Session) -> None:
    admin = make_user(session, is_admin=True)
    make_user(session, is_admin=True)
    with pytest.raises(UserRefused) as refused:
        service.set_active(session, build_actor(session, admin), admin, False)
    assert problem_of(refused) is Problem.OWN_ACCOUNT


def test_deactivating_ends_every_session_at_once(session: Session) -> None:
    user = make_user(session)
    token = sessions.open_session(session, user.id, ip="", user_agent="")
    service.set_active(session, INSTALLATION, user, False)
    service.set_active(session, INSTALLATION, user, True)
    assert session.scalar(select(UserSession.revoked_at)) is not None
    assert token
    assert audit_actions(session) == ["users.user.deactivated", "users.user.activated"]


def test_changing_the_grants_of_one_company_leaves_the_others(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    user = make_user(session, grants=[(COMMIT, "invoice", other.id), (REVIEW, "invoice", company.id)])
    kept = {grant.id for grant in user.grants}
    choices = {
        (REVIEW, "invoice", company.id): Choice.ALLOW,
        (PREPARE, "invoice", company.id): Choice.ALLOW,
        (COMMIT, "invoice", company.id): Choice.INHERIT,
    }
    changed = granting.choose(session, INSTALLATION, user, choices)
    assert [one.right[0] for one in changed] == [PREPARE]
    held = {(g.permission, g.document_type, g.company_id) for g in session.scalars(select(Grant))}
    assert held == {
        (COMMIT, "invoice", other.id),
        (REVIEW, "invoice", company.id),
        (PREPARE, "invoice", company.id),
    }
    assert kept <= {grant.id for grant in user.grants}
    event = session.scalars(select(AuditEvent)).one()
    assert event.detail["after"] == sorted(
        [f"invoice:commit:{other.code}", f"invoice:prepare:{company.code}", f"invoice:review:{company.code}"]
    )


def test_setting_the_same_grants_again_writes_no_audit(session: Session) -> None:
    user = make_user(session, grants=[(COMMIT, "invoice", None)])
    granting.set_rules(session, INSTALLATION, user, [(COMMIT, "invoice", None)])
    assert audit_actions(session) == []


def test_a_one_time_password_must_be_replaced_and_ends_sessions(session: Session) -> None:
    user = make_user(session, password_hash=CHEAP.hash(PASSWORD))
    sessions.open_session(session, user.id, ip="", user_agent="")
    password = service.give_one_time_password(session, INSTALLATION, user, CHEAP)
    assert user.must_change_password
    assert CHEAP.verify(user.password_hash, password)
    assert not CHEAP.verify(user.password_hash, PASSWORD)
    assert all(row.revoked_at for row in session.scalars(select(UserSession)))
    service.change_own_password(session, user, None, "tre gatti sul tetto", CHEAP, session_id=0)
    assert not user.must_change_password
    assert not CHEAP.verify(user.password_hash, password)


def test_the_own_password_changes_only_with_the_present_one(session: Session) -> None:
    user = make_user(session, password_hash=CHEAP.hash(PASSWORD))
    for present, new, problem in (
        ("wrong", "tre gatti sul tetto", Problem.WRONG_PASSWORD),
        (None, "tre gatti sul tetto", Problem.WRONG_PASSWORD),
        (PASSWORD, "short", Problem.PASSWORD_TOO_SHORT),
        (PASSWORD, "password1234", Problem.PASSWORD_COMMON),
        (PASSWORD, PASSWORD, Problem.SAME_PASSWORD),
    ):
        with pytest.raises(UserRefused) as refused:
            service.change_own_password(session, user, present, new, CHEAP, session_id=0)
        assert problem_of(refused) is problem
    assert CHEAP.verify(user.password_hash, PASSWORD)


def test_of_two_first_administrators_at_the_same_moment_one_is_made(home: Installation) -> None:
    start = threading.Barrier(2)
    refused: list[Problem] = []

    def make(number: int) -> None:
        start.wait()
        try:
            with home.database.write() as session:
                draft = UserDraft(f"admin{number}@office.example", f"Admin {number}")
                service.create_first_administrator(session, draft, PASSWORD, CHEAP)
        except UserRefused as error:
            refused.append(error.problem)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with home.database.read() as session:
        only = session.scalars(select(User)).one()
        assert (only.is_admin, only.clearance) == (True, 3)
    assert refused == [Problem.NOT_EMPTY]


def test_an_address_added_by_two_people_at_once_is_added_once(home: Installation) -> None:
    start = threading.Barrier(2)
    refused: list[Problem] = []

    def add() -> None:
        start.wait()
        try:
            with home.database.write() as session:
                service.create_user(
                    session, INSTALLATION, UserDraft("a@office.example", "A"), PASSWORD, CHEAP
                )
        except UserRefused as error:
            refused.append(error.problem)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == [Problem.EMAIL_TAKEN]
    with home.database.read() as session:
        assert len(list(session.scalars(select(User)))) == 1
