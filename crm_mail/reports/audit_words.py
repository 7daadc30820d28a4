"""Audit actions in words, in the language of the page; an action without words is shown by its code."""

from flask_babel import gettext as _


def _words() -> dict[str, str]:
    return {
        "users.login.succeeded": _("Signed in"),
        "users.login.failed": _("Sign-in failed"),
        "users.logout.succeeded": _("Signed out"),
        "users.user.created": _("User added"),
        "users.user.updated": _("User changed"),
        "users.user.activated": _("User activated"),
        "users.user.deactivated": _("User deactivated"),
        "users.grants.changed": _("Rights changed"),
        "users.password.changed": _("Password changed"),
        "users.password.reset": _("One-time password given"),
        "users.session.revoked": _("Browser signed out"),
    }


def action_label(action: str) -> str:
    """The action in words, else its code."""
    return _words().get(action, action)


def known_actions() -> list[tuple[str, str]]:
    """Actions to filter by, with their words, in the order of the rooms."""
    return list(_words().items())
