"""Beginning and ending to see the product as another user."""

from typing import Any

from flask import abort, flash, redirect, session, url_for
from flask_babel import gettext as _

from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.users import messages, seeing, service
from crm_mail.users.blueprint import blueprint
from crm_mail.users.looking import SEEN_KEY
from crm_mail.users.models import User
from crm_mail.users.problems import UserRefused
from crm_mail.web.door import db
from crm_mail.web.forms import ActionForm


@blueprint.post("/users/<int:user_id>/see-as")
@requires(Permission.USERS_MANAGE)
def start_seeing(user_id: int) -> Any:
    """Show every page as this user sees it, until that is ended."""
    if not ActionForm().validate_on_submit():
        abort(400)
    user = service.get_user(db(), signed_in_actor(), user_id) or abort(404)
    try:
        seeing.begin(db(), signed_in_actor(), user)
    except UserRefused as refused:
        flash(messages.explain(refused), "danger")
        return redirect(url_for("users.edit_user", user_id=user_id), 303)
    session[SEEN_KEY] = user.id
    return redirect(url_for("reports.dashboard"), 303)


@blueprint.post("/stop-seeing")
@requires(Permission.SIGNED_IN)
def stop_seeing() -> Any:
    """See with the own eyes again."""
    if not ActionForm().validate_on_submit():
        abort(400)
    user_id = session.pop(SEEN_KEY, None)
    if not isinstance(user_id, int):
        return redirect(url_for("reports.dashboard"), 303)
    seeing.end(db(), signed_in_actor(), db().get(User, user_id))
    flash(_("The pages are shown with your own rights again."), "success")
    return redirect(url_for("users.list_users"), 303)
