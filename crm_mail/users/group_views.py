"""Pages of groups of users: the list, one group with its members, and deleting it after a look at who loses what."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import SelectChoice, SelectField, SelectMultipleField, StringField  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.users import groups, messages, rights_words
from crm_mail.users.blueprint import blueprint
from crm_mail.users.groups import GroupDraft
from crm_mail.users.login_views import show_refusal
from crm_mail.users.models import User, UserGroup
from crm_mail.users.problems import UserRefused
from crm_mail.users.rights_views import may_change_holder, names
from crm_mail.web.door import db
from crm_mail.web.forms import ActionForm


class GroupForm(FlaskForm):
    """A group: what it is called, what it stands under, who is in it."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=groups.LONGEST_NAME)])
    parent_id = SelectField(
        _l("Stands under"), coerce=int, description=_l("It has the rights of that group as well.")
    )
    member_ids = SelectMultipleField(
        _l("Members"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def offer(self, group: UserGroup | None) -> None:
        """What can be chosen."""
        parents = groups.possible_parents(db(), group)
        self.parent_id.choices = [
            SelectChoice("0", _("No other group")),
            *(SelectChoice(str(one.id), one.name) for one in parents),
        ]
        people = db().scalars(select(User).order_by(User.is_active.desc(), User.name, User.id))
        self.member_ids.choices = [SelectChoice(str(one.id), f"{one.name} · {one.email}") for one in people]

    def draft(self) -> GroupDraft:
        """What was entered."""
        return GroupDraft(
            self.name.data or "", self.parent_id.data or None, frozenset(self.member_ids.data or ())
        )


def found(group_id: int) -> UserGroup:
    """The group, or 404."""
    return groups.find_group(db(), signed_in_actor(), group_id) or abort(404)


@blueprint.get("/groups")
@requires(Permission.USERS_MANAGE)
def list_groups() -> Any:
    """Every group with its members."""
    every = groups.list_groups(db(), signed_in_actor())
    return render_template(
        "users/groups.html",
        groups=[(one, groups.members_of(db(), one)) for one in every],
        parents={one.id: one.name for one in every},
    )


@blueprint.route("/groups/new", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def create_group() -> Any:
    """Add a group; its rights come next."""
    form = GroupForm()
    form.offer(None)
    if form.validate_on_submit():
        try:
            group = groups.save_group(db(), signed_in_actor(), None, form.draft())
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            flash(_("%(name)s was added. Choose its rights next.", name=group.name), "success")
            return redirect(url_for("users.edit_rights", kind="groups", holder_id=group.id), 303)
    return _page(None, form)


@blueprint.route("/groups/<int:group_id>", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def edit_group(group_id: int) -> Any:
    """A group's name, members, and what it stands under."""
    group = found(group_id)
    members = [one.id for one in groups.members_of(db(), group)]
    form = GroupForm(data={"name": group.name, "parent_id": group.parent_id or 0, "member_ids": members})
    form.offer(group)
    if form.validate_on_submit():
        try:
            groups.save_group(db(), signed_in_actor(), group, form.draft())
        except UserRefused as refused:
            show_refusal(form, refused)
        else:
            flash(_("%(name)s was saved.", name=group.name), "success")
            return redirect(url_for("users.edit_group", group_id=group.id), 303)
    return _page(group, form)


def _page(group: UserGroup | None, form: GroupForm) -> Any:
    may_change = group is None or may_change_holder(group)
    page = render_template("users/group.html", group=group, form=form, may_change=may_change)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/groups/<int:group_id>/delete", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def delete_group(group_id: int) -> Any:
    """Who loses what without the group; then delete it."""
    group, form = found(group_id), ActionForm()
    if form.validate_on_submit():
        name = group.name
        try:
            groups.delete_group(db(), signed_in_actor(), group)
        except UserRefused as refused:
            flash(messages.explain(refused), "danger")
            return redirect(url_for("users.edit_group", group_id=group_id), 303)
        flash(_("The group %(name)s was deleted.", name=name), "success")
        return redirect(url_for("users.list_groups"), 303)
    return render_template(
        "users/group_delete.html",
        group=group,
        losses=groups.losses(db(), group),
        may_change=may_change_holder(group),
        names=names(),
        words=rights_words,
    )
