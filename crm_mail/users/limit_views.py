"""The page of a user's limits when sending."""

from datetime import time
from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    IntegerField,
    SelectChoice,
    SelectMultipleField,
    TimeField,
)
from wtforms.validators import NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.permissions import CommitLimits, Permission, requires, signed_in_actor
from crm_mail.users import account_difference, authority, limits, messages, service
from crm_mail.users.actors import build_actor, limits_of
from crm_mail.users.blueprint import blueprint
from crm_mail.users.limit_words import limits_in_words, weekday_name
from crm_mail.users.models import User
from crm_mail.users.problems import UserRefused
from crm_mail.web.door import db


class LimitsForm(FlaskForm):
    """How much a user may commit, and when; what is left empty is not limited."""

    most_messages = IntegerField(
        _l("Most messages at once"),
        [Optional(), NumberRange(1, limits.MOST)],
        description=_l("A run with more is refused, and the page says who may commit it. Empty: no limit."),
    )
    second_person_above = IntegerField(
        _l("A second person above"),
        [Optional(), NumberRange(0, limits.MOST)],
        description=_l(
            "A commit of more messages waits until somebody else approves it. 0: always. Empty: only where the "
            "company wants it."
        ),
    )
    weekdays = SelectMultipleField(
        _l("On these days"),
        coerce=int,
        choices=lambda: [SelectChoice(str(day), weekday_name(day).capitalize()) for day in range(7)],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("None ticked: every day."),
    )
    begins = TimeField(_l("Not before"), [Optional()])
    ends = TimeField(_l("Not after"), [Optional()])

    def validate_begins(self, field: Any) -> None:
        """Two times, or none; asked only of a time that is given (`Optional`)."""
        if field.data is not None and self.ends.data is None:
            raise ValidationError(_("Enter both times, or none."))

    def validate_ends(self, field: Any) -> None:
        """The same, and different ones."""
        if field.data is not None and self.begins.data is None:
            raise ValidationError(_("Enter both times, or none."))
        if field.data is not None and field.data == self.begins.data:
            raise ValidationError(_("The two times are the same. Leave both empty for the whole day."))

    def fill(self, kept: CommitLimits) -> None:
        """Show what is kept."""
        self.most_messages.data, self.second_person_above.data = kept.most_messages, kept.second_person_above
        self.weekdays.data = sorted(kept.weekdays)
        self.begins.data, self.ends.data = _time(kept.from_minute), _time(kept.to_minute)

    def wanted(self) -> CommitLimits:
        """What was entered."""
        return CommitLimits(
            self.most_messages.data,
            self.second_person_above.data,
            _minute(self.begins.data),
            _minute(self.ends.data),
            frozenset(self.weekdays.data or ()),
        )


def _time(minute: int | None) -> time | None:
    return None if minute is None else time(*divmod(minute, 60))


def _minute(value: time | None) -> int | None:
    return None if value is None else value.hour * 60 + value.minute


@blueprint.route("/users/<int:user_id>/limits", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def edit_limits(user_id: int) -> Any:
    """How much a user may commit at once, and when."""
    user = service.get_user(db(), signed_in_actor(), user_id) or abort(404)
    form = LimitsForm()
    if not form.is_submitted():
        form.fill(limits_of(user))
    elif form.validate():
        try:
            if shown := _difference(user, form.wanted()):
                return shown
            limits.set_limits(db(), signed_in_actor(), user, form.wanted())
        except UserRefused as refused:
            form.form_errors.append(messages.explain(refused))
        else:
            flash(_("The limits of %(name)s were saved.", name=user.name), "success")
            return redirect(url_for("users.edit_limits", user_id=user.id), 303)
    return _page(user, form), 422 if form.is_submitted() else 200


def _difference(user: User, wanted: CommitLimits) -> Any:
    """The page to be confirmed, where the limits would be others; else None."""
    if account_difference.is_confirmed():
        return None
    before = _in_words(user)
    attempt = db().begin_nested()
    try:
        limits.set_limits(db(), signed_in_actor(), user, wanted)
        after = _in_words(user)
    finally:
        attempt.rollback()
        db().expire(user)
    return account_difference.difference_page(user, "limits", [], before, after) if after != before else None


def _in_words(user: User) -> list[str]:
    return limits_in_words(limits_of(user)) or [_("No limits of its own.")]


def _page(user: User, form: LimitsForm) -> str:
    actor, target = signed_in_actor(), build_actor(db(), user)
    may_change = authority.may_change(db(), actor, user) and (actor.is_admin or not actor.limits.is_any)
    return render_template(
        "users/limits.html",
        user=user,
        form=form,
        actor=actor,
        may_change=may_change,
        may_commit=target.can(Permission.OUTBOX_COMMIT),
        zone=limits_of(user).zone,
        summary=_in_words(user),
    )
