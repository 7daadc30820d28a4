"""The guard of a request that is shown as another user: his rights, and nothing can be changed."""

from flask import abort, g, request, session
from flask_babel import gettext as _

from crm_mail.permissions import Actor
from crm_mail.users import seeing
from crm_mail.web.door import installation

SEEN_KEY = "seen_as"
STOPPING = frozenset({"users.stop_seeing", "users.logout", "users.stay_signed_in"})
"""What may be posted meanwhile: the way back, and what concerns the own session alone."""
PERSONAL = frozenset(
    {
        "users.my_account",
        "users.change_password",
        "users.second_factor_state",
        "users.confirm_second_factor",
        "delivery.finish_sign_in",
    }
)
"""Pages that belong to the person who sits there, not to the one who is looked at."""


def look_through(actor: Actor) -> None:
    """Give the request the rights of the user who is being looked at, if somebody is; nothing can be changed then."""
    user_id = session.get(SEEN_KEY)
    if not isinstance(user_id, int):
        return
    with installation().database.read() as reading:
        seen = seeing.seen_actor(reading, actor, user_id)
    if seen is None:
        session.pop(SEEN_KEY)
        return
    if request.endpoint in STOPPING:
        return
    g.actor, g.looking_on = seen, actor
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        abort(403, _("Nothing can be changed while the pages are shown as another user. End that first."))
    if request.endpoint in PERSONAL:
        abort(403, _("This page is personal: it is not shown as another user."))


def banner() -> dict[str, object]:
    """Whom the pages are shown as; for `base.html`."""
    return {"seen_as": g.actor.email if g.get("looking_on") is not None else ""}
