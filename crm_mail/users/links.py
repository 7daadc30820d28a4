"""Links to choose a password: by invitation, or after a forgotten one. Each works once and ends by itself.

Only the hash of a link's token is kept. A later link ends the earlier ones, a chosen password all of them. Opening the
page uses nothing up, because programs that scan mail open links too; only the password that is sent does. The second
factor stays: a link is no way around it.
"""

import secrets
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.permissions import Actor
from crm_mail.users import sessions
from crm_mail.users.actors import build_actor, find_user, normalise_email
from crm_mail.users.authority import check_target
from crm_mail.users.models import LoginAttempt, PasswordLink, User
from crm_mail.users.passwords import Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.service import check_password
from crm_mail.users.throttle import network_of

INVITATION_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=1)
ASKED_EVERY = timedelta(minutes=5)
ASKED_A_DAY = 5
ASKED_BY_ADDRESS_AN_HOUR = 20


def path_of(token: str) -> str:
    """The address of the page, without the host."""
    return f"/choose-password/{token}"


def give_link(session: Session, actor: Actor, user: User) -> tuple[str, bool]:
    """A link for this user, made by whoever manages the user: the token, and whether it is an invitation.

    An invitation, for a user who has never signed in, ends the one-time password.

    Raises:
        UserRefused: the user holds more than the actor, or is not active.
    """
    check_target(session, actor, user)
    if not user.is_active:
        raise UserRefused(Problem.INACTIVE_USER, email=user.email)
    is_invitation = user.last_login_at is None
    if is_invitation:
        user.password_hash = ""
    token = _make(session, user, is_invitation)
    kind = "invitation" if is_invitation else "reset"
    audit.record(session, actor, "users.link.made", subject=user, label=user.email, kind=kind)
    return token, is_invitation


def may_ask(session: Session, email: str, ip: str) -> tuple[bool, bool]:
    """Whether a guest may ask for a link from this network address, and whether this name gets one now.

    What is asked is counted whether or not the name exists, so that nothing shows which names do.
    """
    name, network, moment = f"LINK {normalise_email(email)}"[:254], network_of(ip), now()
    asked = select(func.count()).where(LoginAttempt.email.startswith("LINK "))
    by_address = session.scalar(
        asked.where(LoginAttempt.ip == network, LoginAttempt.at > moment - timedelta(hours=1))
    )
    if (by_address or 0) >= ASKED_BY_ADDRESS_AN_HOUR:
        return False, False
    same_name = asked.where(LoginAttempt.email == name)
    lately = session.scalar(same_name.where(LoginAttempt.at > moment - ASKED_EVERY))
    in_a_day = session.scalar(same_name.where(LoginAttempt.at > moment - timedelta(days=1)))
    session.add(LoginAttempt(email=name, ip=network, succeeded=True))  # no failure of a sign-in
    session.flush()
    return True, not lately and (in_a_day or 0) < ASKED_A_DAY


def make_reset_link(session: Session, email: str) -> tuple[User, str] | None:
    """A link for whoever forgot the password; None when there is no such active user."""
    user = find_user(session, email)
    if user is None or not user.is_active:
        return None
    token = _make(session, user, is_invitation=False)
    audit.record(
        session, Actor(None, ""), "users.link.made", subject=user, label=user.email, kind="forgotten"
    )
    return user, token


def _make(session: Session, user: User, is_invitation: bool) -> str:
    end_links(session, user.id)
    token = secrets.token_urlsafe(32)
    lasts = INVITATION_LASTS if is_invitation else RESET_LASTS
    session.add(
        PasswordLink(
            user_id=user.id,
            is_invitation=is_invitation,
            token_hash=sessions.hash_token(token),
            expires_at=now() + lasts,
        )
    )
    return token


def end_links(session: Session, user_id: int | None = None) -> None:
    """End every link of a user, or of everybody."""
    query = update(PasswordLink).where(PasswordLink.used_at.is_(None)).values(used_at=now())
    session.execute(query if user_id is None else query.where(PasswordLink.user_id == user_id))


def find_link(session: Session, token: str) -> User | None:
    """The user of a link that still works."""
    found = session.scalar(
        select(User)
        .join(PasswordLink, PasswordLink.user_id == User.id)
        .where(
            PasswordLink.token_hash == sessions.hash_token(token),
            PasswordLink.used_at.is_(None),
            PasswordLink.expires_at > now(),
            User.is_active,
        )
    )
    return found


def choose_password(session: Session, passwords: Passwords, token: str, new: str) -> User:
    """Use the link up: set the password and sign the user out everywhere.

    Raises:
        UserRefused: the link is over, or the password breaks a rule (the link then still works).
    """
    user = find_link(session, token)
    if user is None:
        raise UserRefused(Problem.LINK_OVER)
    check_password(new, user.name, user.email)
    used = (
        update(PasswordLink)
        .where(PasswordLink.token_hash == sessions.hash_token(token), PasswordLink.used_at.is_(None))
        .values(used_at=now())
        .returning(PasswordLink.id)
    )
    if session.execute(used).first() is None:  # somebody else was quicker
        raise UserRefused(Problem.LINK_OVER)
    user.password_hash, user.must_change_password = passwords.hash(new), False
    end_links(session, user.id)
    sessions.revoke_all(session, user.id)
    audit.record(session, build_actor(session, user), "users.link.used", subject=user, label=user.email)
    return user
