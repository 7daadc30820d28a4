"""What a change of a user's account comes to, shown before it is saved: clearance, groups, agents and zones, limits."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.permissions import signed_in_actor
from crm_mail.users import rights_views, rights_words, service
from crm_mail.users.actors import plain_actor
from crm_mail.users.authority import may_change
from crm_mail.users.messages import clearance_label
from crm_mail.users.models import User
from crm_mail.web.door import db

CONFIRMED = "confirmed"
_RIGHTS = ("is_admin", "clearance", "groups", "agents", "zones")
"""The facts of an account that say what its user may see and do, in the order of the page."""

Change = tuple[str, str, str]
"""What it is called, before, afterwards."""


def is_confirmed() -> bool:
    """Whether the difference was looked at."""
    return CONFIRMED in request.form


def summary_of(user: User) -> list[str]:
    """What a user may do, in sentences."""
    return rights_words.rights_in_words(plain_actor(db(), user), rights_views.names())


def trial(user: User, change: Callable[[], None]) -> tuple[list[Change], list[str], list[str]]:
    """Make a change and take it back: what is different, and what the user may do before and afterwards.

    Raises:
        UserRefused: the change is refused, as it would be when it is saved.
    """
    before, said = service.state_of(user), summary_of(user)
    attempt = db().begin_nested()
    try:
        change()
        db().flush()
        after, then = service.state_of(user), summary_of(user)
    finally:
        attempt.rollback()
        db().expire(user)
    changes = [_line(name, before, after) for name in _RIGHTS if before[name] != after[name]]
    return changes, said, then


def _line(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    titles = {
        "is_admin": _("Administrator"),
        "clearance": _("Privacy clearance"),
        "groups": _("Groups"),
        "agents": _("Only customers of these agents"),
        "zones": _("Only customers of these zones"),
    }
    return str(titles[name]), _value(name, before[name]), _value(name, after[name])


def _value(name: str, value: Any) -> str:
    if name == "clearance":
        return clearance_label(value)
    if name == "is_admin":
        return str(_("Yes") if value else _("No"))
    return ", ".join(value) or (str(_("None")) if name == "groups" else "–")


def difference_page(
    user: User, tab: str, changes: list[Change], before: list[str], after: list[str]
) -> tuple[str, int]:
    """The page; it carries what was entered, and nothing is written yet.

    Args:
        tab: of the user's pages: ``account`` or ``limits``.
    """
    page = "users.edit_user" if tab == "account" else "users.edit_limits"
    entered = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in (CONFIRMED, "csrf_token")
    ]
    return render_template(
        "users/account_difference.html",
        user=user,
        tab=tab,
        actor=signed_in_actor(),
        may_change=may_change(db(), signed_in_actor(), user),
        changes=changes,
        before=before,
        after=after,
        entered=entered,
        address=url_for(page, user_id=user.id),
    ), 200
