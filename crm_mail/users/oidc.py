"""Signing in at the OpenID Connect provider: whose account it is, and whether a session begins.

A person at the provider is known by issuer and ``sub``. At the first sign-in the verified address finds the user, who
is bound to that ``sub`` from then on: whoever gets the address later is somebody else. Nothing here gives rights.
"""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config import Settings
from crm_mail import audit
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.permissions import INSTALLATION, Actor
from crm_mail.users import service
from crm_mail.users.actors import build_actor, find_user, normalise_email
from crm_mail.users.authority import check_target
from crm_mail.users.login import SignIn, finish_sign_in
from crm_mail.users.models import User
from crm_mail.users.oidc_client import Claims
from crm_mail.users.oidc_models import OidcIdentity
from crm_mail.users.oidc_problems import OidcProblem, OidcRefused
from crm_mail.users.passwords import Passwords, one_time_password
from crm_mail.users.problems import UserRefused
from crm_mail.users.service import UserDraft
from crm_mail.users.ways import SignInWay


def sign_in(
    home: Installation, claims: Claims, *, ip: str, user_agent: str, language: str
) -> tuple[SignIn, bool]:
    """Begin a session for the person of verified claims, or ask for the own code; and whether the user is newly bound.

    Owns its transactions, as `login.sign_in`: a refusal is written down although the page answers with an error.

    Args:
        language: of an account that is made now.

    Raises:
        OidcRefused: saying why no session begins.
    """
    try:
        with home.database.write() as session:
            user, is_new = _user_of(home, session, claims, language)
            way = SignInWay.PROVIDER_STRONG if claims.has_second_factor else SignInWay.PROVIDER
            if user.totp_secret is not None and way is SignInWay.PROVIDER:
                return SignIn(user=user, needs_code=True), is_new
            return finish_sign_in(session, user, ip=ip, user_agent=user_agent, way=way), is_new
    except OidcRefused as refused:
        with home.database.write() as session:
            note_refusal(session, refused, claims.email, ip)
        raise


def note_refusal(session: Session, refused: OidcRefused, email: str, ip: str) -> None:
    """Write down that somebody came from the provider and was not let in."""
    label = normalise_email(email)
    user = find_user(session, label) if label else None
    reason = refused.problem.value
    audit.record(
        session, Actor(None, ""), "users.oidc.refused", subject=user, label=label, ip=ip, reason=reason
    )


def _user_of(home: Installation, session: Session, claims: Claims, language: str) -> tuple[User, bool]:
    email = _allowed_email(home.settings, claims)
    identity = session.scalar(
        select(OidcIdentity).where(
            OidcIdentity.issuer == claims.issuer, OidcIdentity.subject == claims.subject
        )
    )
    if identity is None:
        return _bind(home, session, claims, email, language), True
    user = _active(session.get_one(User, identity.user_id))
    identity.last_used_at = now()
    return user, False


def _allowed_email(settings: Settings, claims: Claims) -> str:
    """The address, of a domain that may sign in, and verified by the provider."""
    email = normalise_email(claims.email)[:254]
    if "@" not in email:
        raise OidcRefused(OidcProblem.NO_EMAIL)
    is_trusted = claims.is_verified or (claims.is_verified is None and settings.oidc_trust_emails)
    if not is_trusted:
        raise OidcRefused(OidcProblem.UNVERIFIED, email=email)
    domains = settings.resolved_oidc_domains
    if domains and email.rpartition("@")[2] not in domains:
        raise OidcRefused(OidcProblem.DOMAIN, email=email)
    return email


def _active(user: User) -> User:
    if not user.is_active:
        raise OidcRefused(OidcProblem.INACTIVE, email=user.email)
    return user


def _bind(home: Installation, session: Session, claims: Claims, email: str, language: str) -> User:
    """Bind the user of this address, made now if the installation wants that, to the person at the provider."""
    user = find_user(session, email)
    if user is None:
        user = _make_user(home, session, claims, email, language)
    _active(user)
    bound = session.scalar(
        select(OidcIdentity.subject).where(
            OidcIdentity.user_id == user.id, OidcIdentity.issuer == claims.issuer
        )
    )
    if bound == claims.subject:  # meanwhile, in another tab
        return user
    if bound is not None:
        raise OidcRefused(OidcProblem.OTHER_PERSON, email=email)
    try:
        with session.begin_nested():
            session.add(OidcIdentity(user_id=user.id, issuer=claims.issuer, subject=claims.subject))
    except IntegrityError:  # the same person, or the same account, at this very moment
        raise OidcRefused(OidcProblem.STATE) from None
    if user.must_change_password:  # a one-time password that others know is not needed any more
        user.password_hash, user.must_change_password = "", False
    actor = build_actor(session, user)
    audit.record(session, actor, "users.oidc.bound", subject=user, label=user.email, issuer=claims.issuer)
    return user


def _make_user(home: Installation, session: Session, claims: Claims, email: str, language: str) -> User:
    """An account without rights and without password, where the installation wants that."""
    if service.is_empty(session):
        raise OidcRefused(OidcProblem.EMPTY)
    if not home.settings.oidc_create_users:
        raise OidcRefused(OidcProblem.UNKNOWN, email=email)
    draft = UserDraft(email, claims.name or email.partition("@")[0], language=language)
    passwords = Passwords(home.settings.argon2_memory_kib)
    try:
        user = service.create_user(
            session, INSTALLATION, draft, one_time_password(), passwords, must_change_password=True
        )
    except UserRefused:
        raise OidcRefused(OidcProblem.UNKNOWN, email=email) from None
    user.password_hash, user.must_change_password = "", False
    return user


def identity_of(session: Session, user: User) -> OidcIdentity | None:
    """Whom a user is bound to at the provider, the one used last."""
    query = select(OidcIdentity).where(OidcIdentity.user_id == user.id)
    return session.scalars(query.order_by(OidcIdentity.last_used_at.desc())).first()


def unbind(session: Session, actor: Actor, user: User) -> None:
    """Undo the binding, for whoever manages this user: the next sign-in from the provider binds anew."""
    check_target(session, actor, user)
    found = delete(OidcIdentity).where(OidcIdentity.user_id == user.id).returning(OidcIdentity.id)
    if session.execute(found).all():
        audit.record(session, actor, "users.oidc.unbound", subject=user, label=user.email)
