"""The second factor of a user: set up, asked, switched off, reset (TOTP with recovery codes).

A code of the app works once: the step that was used is kept, in one statement that only one of two requests wins. The
same holds for a recovery code. Whoever fails here has shown the password, so the attempts are counted apart from those
of the sign-in, where nobody can use them up for somebody else.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.users import sessions, totp
from crm_mail.users.actors import build_actor, must_have_second_factor
from crm_mail.users.authority import check_target, nobody_holds_more
from crm_mail.users.groups import check_group, people_of
from crm_mail.users.models import LoginAttempt, RecoveryCode, User, UserGroup
from crm_mail.users.passwords import Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.throttle import network_of, remaining_pause


def is_on(user: User) -> bool:
    """Whether the user's sign-in asks for a code."""
    return user.totp_secret is not None


def attempts_name(user_id: int) -> str:
    """Under what name the throttle counts: in capitals, so that no login name is the same."""
    return f"SECOND FACTOR {user_id}"


def password_name(user_id: int) -> str:
    """The same for a password that is asked again of somebody who is signed in."""
    return f"PASSWORD {user_id}"


def check_code(home: Installation, session: Session, user: User, code: str, ip: str) -> bool | timedelta:
    """Whether the code is the user's: one of the app, or a recovery code; either works once. Or how long to wait.

    The door commits at once, whatever the answer: a failure must be kept although the page answers with an error.
    """
    is_right = _attempt(
        session, user, attempts_name(user.id), ip, lambda: _use_code(home, session, user, code)
    )
    if is_right is False:
        action = "users.second_factor.failed"
        audit.record(session, Actor(None, ""), action, subject=user, label=user.email, ip=ip)
        session.flush()
    return is_right


def check_password_again(
    session: Session, passwords: Passwords, user: User, password: str, ip: str
) -> bool | timedelta:
    """Whether a signed-in person knows the password: asked before the second factor changes. Or how long to wait.

    The door commits at once, whatever the answer.
    """
    return _attempt(
        session, user, password_name(user.id), ip, lambda: passwords.verify(user.password_hash, password)
    )


def _attempt(
    session: Session, user: User, name: str, ip: str, is_right: Callable[[], bool]
) -> bool | timedelta:
    """One attempt at a time, written down under a name of the throttle; none while there is a pause."""
    network = network_of(ip)
    session.refresh(user, with_for_update=True)
    wait = remaining_pause(session, name, network)
    if wait:
        return wait
    succeeded = is_right()
    session.add(LoginAttempt(email=name, ip=network, succeeded=succeeded))
    session.flush()
    return succeeded


def _use_code(home: Installation, session: Session, user: User, code: str) -> bool:
    if totp.is_recovery_code(code):
        return _use_recovery_code(session, user, code)
    if user.totp_secret is None:
        return False
    step = totp.matching_step(home.decrypt(user.totp_secret), code, time.time(), user.totp_step)
    if step is None:
        return False
    taken = update(User).where(User.id == user.id, User.totp_step < step).values(totp_step=step)
    return session.execute(taken.returning(User.id)).first() is not None


def _use_recovery_code(session: Session, user: User, code: str) -> bool:
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id,
            RecoveryCode.code_hash == totp.hash_recovery_code(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
        .returning(RecoveryCode.id)
    )
    if session.execute(used).first() is None:
        return False
    left = codes_left(session, user)
    actor = build_actor(session, user)
    audit.record(session, actor, "users.recovery_code.used", subject=user, label=user.email, count=left)
    return True


def codes_left(session: Session, user: User) -> int:
    """How many recovery codes still work."""
    query = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return session.scalar(query) or 0


def turn_on(
    home: Installation, session: Session, user: User, secret: str, code: str, session_id: int
) -> list[str]:
    """Begin to ask for codes of this secret, once a code shows that the app has it; the recovery codes.

    Other browsers of the user are signed out: they were let in with the password alone.

    Raises:
        UserRefused: the code is not right, or there is a second factor already.
    """
    if is_on(user):
        raise UserRefused(Problem.SECOND_FACTOR_IS_ON)
    step = totp.matching_step(secret, code, time.time(), 0)
    if step is None:
        raise UserRefused(Problem.WRONG_CODE)
    user.totp_secret, user.totp_step = home.encrypt(secret), step
    codes = _replace_codes(session, user)
    sessions.revoke_all(session, user.id, except_id=session_id)
    audit.record(
        session, build_actor(session, user), "users.second_factor.on", subject=user, label=user.email
    )
    return codes


def renew_codes(session: Session, user: User) -> list[str]:
    """New recovery codes; the old ones end. The caller has asked for the password and a code."""
    codes = _replace_codes(session, user)
    actor = build_actor(session, user)
    audit.record(session, actor, "users.recovery_codes.renewed", subject=user, label=user.email)
    return codes


def _replace_codes(session: Session, user: User) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = totp.new_recovery_codes()
    session.add_all(RecoveryCode(user_id=user.id, code_hash=totp.hash_recovery_code(one)) for one in codes)
    return codes


def turn_off(session: Session, user: User) -> None:
    """Stop asking. The caller has asked for the password and a code.

    Raises:
        UserRefused: this user must have a second factor.
    """
    if must_have_second_factor(session, user):
        raise UserRefused(Problem.SECOND_FACTOR_REQUIRED)
    _forget(session, user)
    audit.record(
        session, build_actor(session, user), "users.second_factor.off", subject=user, label=user.email
    )


def reset(session: Session, actor: Actor, user: User) -> None:
    """Take a lost second factor away and sign the user out everywhere; for whoever manages this user.

    Raises:
        UserRefused: the user holds more than the actor, or has no second factor.
    """
    check_target(session, actor, user)
    if not is_on(user):
        raise UserRefused(Problem.SECOND_FACTOR_IS_OFF, name=user.name)
    _forget(session, user)
    sessions.revoke_all(session, user.id)
    audit.record(session, actor, "users.second_factor.reset", subject=user, label=user.email)


def require(session: Session, actor: Actor, user: User, is_required: bool) -> None:
    """Decide whether this user must have a second factor; without one the next page is where to set it up."""
    check_target(session, actor, user)
    if user.second_factor_required == is_required:
        return
    user.second_factor_required = is_required
    action = "users.second_factor.required" if is_required else "users.second_factor.not_required"
    audit.record(session, actor, action, subject=user, label=user.email)


def require_of_group(session: Session, actor: Actor, group: UserGroup, is_required: bool) -> None:
    """Decide whether everybody in a group, and in those that stand under it, must have a second factor.

    Raises:
        PermissionDenied: the actor does not manage users.
        UserRefused: the group holds more than the actor.
    """
    with nobody_holds_more(session, actor, people_of(session, group)):
        check_group(session, actor, group)
    if group.second_factor_required == is_required:
        return
    group.second_factor_required = is_required
    action = "users.second_factor.required" if is_required else "users.second_factor.not_required"
    audit.record(session, actor, action, subject=group, label=group.name)


def _forget(session: Session, user: User) -> None:
    user.totp_secret = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
