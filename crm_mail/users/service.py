"""Users: making, changing and deactivating them, their rights and passwords.

Two rules stand over everything: an installation always has an active administrator, and nobody who is not an
administrator gives, or takes over, what he does not hold himself.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.permissions import HIGHEST_CLEARANCE, INSTALLATION, Actor, Permission
from crm_mail.permissions import Grant as Right
from crm_mail.users import rights, sessions
from crm_mail.users.actors import build_actor, find_user, normalise_email, plain_actor, put_limits
from crm_mail.users.authority import check_target, giver_of, nobody_holds_more
from crm_mail.users.granting import describe_rules
from crm_mail.users.groups import set_groups
from crm_mail.users.models import Grant, User
from crm_mail.users.passwords import (
    MAXIMUM_LENGTH,
    MINIMUM_LENGTH,
    PasswordProblem,
    Passwords,
    find_problem,
    one_time_password,
)
from crm_mail.users.problems import Problem, UserRefused

_PASSWORD_PROBLEMS = {
    PasswordProblem.TOO_SHORT: Problem.PASSWORD_TOO_SHORT,
    PasswordProblem.TOO_LONG: Problem.PASSWORD_TOO_LONG,
    PasswordProblem.COMMON: Problem.PASSWORD_COMMON,
    PasswordProblem.PERSONAL: Problem.PASSWORD_PERSONAL,
}


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What is said about a user besides the rights and the password.

    Args:
        agents, zones: the customers that exist for the user (`permissions.Sight`); both empty: all.
        group_ids: the groups of the user.
    """

    email: str
    name: str
    is_admin: bool = False
    clearance: int = 0
    language: str = "it"
    agents: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    group_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Preferences:
    """What every user decides for the own account."""

    name: str
    language: str
    theme: str
    timezone: str
    keyboard_shortcuts: bool


def is_empty(session: Session) -> bool:
    """Whether nobody can sign in yet: the installation asks for its first administrator."""
    return session.scalar(select(User.id).limit(1)) is None


def list_users(session: Session, actor: Actor, text_filter: str = "") -> list[User]:
    """Every user, active ones first, by name."""
    actor.require(Permission.USERS_MANAGE)
    query = select(User).order_by(User.is_active.desc(), User.name, User.id)
    if text_filter:
        query = query.where(
            User.name.icontains(text_filter, autoescape=True)
            | User.email.icontains(text_filter, autoescape=True)
        )
    return list(session.scalars(query))


def get_user(session: Session, actor: Actor, user_id: int) -> User | None:
    """One user, for somebody who manages users."""
    actor.require(Permission.USERS_MANAGE)
    return session.get(User, user_id)


def create_first_administrator(
    session: Session, draft: UserDraft, password: str, passwords: Passwords
) -> User:
    """Make the first user of an empty installation; of two at the same moment one succeeds.

    Raises:
        UserRefused: there is a user already, or a value is not valid.
    """
    if (
        session.get_bind().dialect.name == "postgresql"
    ):  # SQLite: a write transaction is alone from its beginning
        session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
    if not is_empty(session):
        raise UserRefused(Problem.NOT_EMPTY)
    whole = UserDraft(draft.email, draft.name, True, HIGHEST_CLEARANCE, draft.language)
    return create_user(session, INSTALLATION, whole, password, passwords)


def create_user(
    session: Session,
    actor: Actor,
    draft: UserDraft,
    password: str,
    passwords: Passwords,
    *,
    grants: Iterable[Right] = (),
    must_change_password: bool = False,
) -> User:
    """Make a user.

    Args:
        password: a chosen one, checked against the rules; or a one-time one (`must_change_password`).

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: a value is not valid, the address is taken, or the actor would give more than he holds.
    """
    actor.require(Permission.USERS_MANAGE)
    giver = giver_of(session, actor)
    email = _checked_email(session, draft.email, None)
    _check_draft(draft)
    if not must_change_password:
        check_password(password, draft.name, email)
    user = User(
        email=email,
        name=draft.name.strip(),
        is_admin=draft.is_admin,
        clearance=draft.clearance,
        language=draft.language,
        agents=sorted(draft.agents),
        zones=sorted(draft.zones),
        password_hash=passwords.hash(password),
        must_change_password=must_change_password,
    )
    user.grants = [_grant_row(grant, actor) for grant in sorted(set(grants), key=rights.describe_grant)]
    if not actor.is_admin:
        put_limits(user, actor.limits)  # who is limited makes nobody who is not
    try:
        with session.begin_nested():
            session.add(user)
            set_groups(session, actor, user, draft.group_ids)
            session.flush()
            rights.check_may_give(giver, plain_actor(session, user))
    except IntegrityError:  # somebody else added the same address at this very moment
        raise UserRefused(Problem.EMAIL_TAKEN, email=email) from None
    after = state_of(user) | {"grants": describe_rules(session, user)}
    audit.record(session, actor, "users.user.created", subject=user, label=user.email, after=after)
    return user


def update_user(
    session: Session, actor: Actor, user: User, draft: UserDraft, *, is_active: bool = True
) -> None:
    """Change address, name, clearance, sight, groups, administration and activity of a user.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: see the rules of this module; nothing was changed.
    """
    check_target(session, actor, user)
    email = _checked_email(session, draft.email, user)
    _check_draft(draft)
    if user.is_active and not is_active and user.id == actor.user_id:
        raise UserRefused(Problem.OWN_ACCOUNT)
    if user.is_admin and user.is_active and not (draft.is_admin and is_active):
        _check_not_last_administrator(session, user)
    before = state_of(user)
    with nobody_holds_more(session, actor, [user]):
        user.email, user.name, user.is_admin = email, draft.name.strip(), draft.is_admin
        user.clearance, user.language, user.is_active = draft.clearance, draft.language, is_active
        user.agents, user.zones = sorted(draft.agents), sorted(draft.zones)
        set_groups(session, actor, user, draft.group_ids)
    _record_change(session, actor, user, before)
    if not is_active:
        sessions.revoke_all(session, user.id)


def draft_of(user: User) -> UserDraft:
    """The user as a draft, to change one thing of it."""
    return UserDraft(
        user.email,
        user.name,
        user.is_admin,
        user.clearance,
        user.language,
        frozenset(user.agents),
        frozenset(user.zones),
        frozenset(group.id for group in user.groups),
    )


def set_active(session: Session, actor: Actor, user: User, is_active: bool) -> None:
    """Deactivate a user, ending every session at once, or activate again."""
    update_user(session, actor, user, draft_of(user), is_active=is_active)


def give_one_time_password(session: Session, actor: Actor, user: User, passwords: Passwords) -> str:
    """Set a new one-time password, end every session of the user, and return it to be told to the person."""
    check_target(session, actor, user)
    password = one_time_password()
    user.password_hash = passwords.hash(password)
    user.must_change_password = True
    sessions.revoke_all(session, user.id)
    audit.record(session, actor, "users.password.reset", subject=user, label=user.email)
    return password


def change_own_password(
    session: Session, user: User, present: str | None, new: str, passwords: Passwords, session_id: int
) -> None:
    """Change the own password and end the other sessions.

    Args:
        present: the present password; None right after a sign-in with a one-time password.
        session_id: the session that goes on.

    Raises:
        UserRefused: the present password is wrong, or the new one breaks a rule.
    """
    if not user.must_change_password and not passwords.verify(user.password_hash, present or ""):
        raise UserRefused(Problem.WRONG_PASSWORD)
    check_password(new, user.name, user.email)
    if passwords.verify(user.password_hash, new):
        raise UserRefused(Problem.SAME_PASSWORD)
    user.password_hash = passwords.hash(new)
    user.must_change_password = False
    sessions.revoke_all(session, user.id, except_id=session_id)
    audit.record(
        session, build_actor(session, user), "users.password.changed", subject=user, label=user.email
    )


def set_preferences(session: Session, user: User, preferences: Preferences) -> None:
    """Change what every user decides alone."""
    if not preferences.name.strip():
        raise UserRefused(Problem.NAME_MISSING)
    for name, value in asdict(preferences).items():
        setattr(user, name, value.strip() if isinstance(value, str) else value)


def check_password(password: str, *personal: str) -> None:
    """Raise when a new password breaks a rule.

    Raises:
        UserRefused: naming the rule.
    """
    found = find_problem(password, *personal)
    if found is not None:
        raise UserRefused(_PASSWORD_PROBLEMS[found], minimum=MINIMUM_LENGTH, maximum=MAXIMUM_LENGTH)


def _check_not_last_administrator(session: Session, user: User) -> None:
    """Lock the active administrators (in one order), so that two of them cannot remove each other at once."""
    query = select(User.id).where(User.is_admin, User.is_active).order_by(User.id).with_for_update()
    if not set(session.scalars(query)) - {user.id}:
        raise UserRefused(Problem.LAST_ADMINISTRATOR, name=user.name)


def _checked_email(session: Session, email: str, user: User | None) -> str:
    wanted = normalise_email(email)
    if user is not None and wanted == user.email:
        return wanted
    try:
        validate_email(wanted, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise UserRefused(Problem.EMAIL_INVALID, email=wanted or "(empty)", detail=str(error)) from None
    other = find_user(session, wanted)
    if other is not None and other is not user:
        raise UserRefused(Problem.EMAIL_TAKEN, email=wanted)
    return wanted


def _check_draft(draft: UserDraft) -> None:
    if not draft.name.strip():
        raise UserRefused(Problem.NAME_MISSING)
    if not 0 <= draft.clearance <= HIGHEST_CLEARANCE:
        raise UserRefused(Problem.CLEARANCE_INVALID, clearance=draft.clearance)


def _grant_row(grant: Right, giver: Actor) -> Grant:
    permission, document_type, company_id = grant
    return Grant(
        permission=permission, document_type=document_type, company_id=company_id, given_by=giver.user_id
    )


def state_of(user: User) -> dict[str, object]:
    """The account as the audit keeps it."""
    return {
        "email": user.email,
        "name": user.name,
        "is_admin": user.is_admin,
        "is_active": user.is_active,
        "clearance": user.clearance,
        "agents": list(user.agents),
        "zones": list(user.zones),
        "groups": sorted(group.name for group in user.groups),
    }


def _record_change(session: Session, actor: Actor, user: User, before: dict[str, object]) -> None:
    after = state_of(user)
    changed = [key for key in after if after[key] != before[key]]
    if not changed:
        return
    action = "users.user.updated"
    if changed == ["is_active"]:
        action = "users.user.activated" if user.is_active else "users.user.deactivated"
    audit.record(
        session,
        actor,
        action,
        subject=user,
        label=user.email,
        before={key: before[key] for key in changed},
        after={key: after[key] for key in changed},
    )
