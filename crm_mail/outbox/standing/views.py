"""Pages of standing authorisations: which there are, giving one, what it did, revoking it."""

from datetime import time
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    DateField,
    IntegerField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.db import today
from crm_mail.outbox.models import Run
from crm_mail.outbox.standing.limits import MINUTES_A_DAY, Limits
from crm_mail.outbox.standing.models import StandingAuthorisation, StandingUse
from crm_mail.outbox.standing.service import (
    LimitsWrong,
    can_revoke,
    find_standing,
    give_standing,
    latest_use,
    list_standings,
    revoke_standing,
    sent_today,
)
from crm_mail.outbox.standing.words import PROBLEMS, days_words, hours_words, reason_words, weekday_names
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company

LATEST_USES = 50


class StandingForm(FlaskForm):
    """The limits of an authorisation."""

    title = StringField(
        _l("Name"), [InputRequired(_l("Give it a name.")), Length(max=120)],
        description=_l("Such as: invoices of every night."),
    )  # fmt: skip
    document_types = SelectMultipleField(
        _l("Document types"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    most_per_run = IntegerField(
        _l("Most messages in one run"),
        [InputRequired(_l("At least one message.")), NumberRange(1, 1_000_000)],
    )
    most_per_day = IntegerField(
        _l("Most messages a day"), [InputRequired(_l("At least one message.")), NumberRange(1, 10_000_000)]
    )
    weekdays = SelectMultipleField(
        _l("Days of the week"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    from_time = TimeField(
        _l("From what time"), [Optional()], description=_l("In the company's time zone. Empty: at any hour.")
    )
    to_time = TimeField(_l("Until what time"), [Optional()])
    last_on = DateField(_l("Last day"), [InputRequired(_l("Choose a day that has not passed."))])

    @classmethod
    def of(cls, company: Company) -> "StandingForm":
        """The form with the types that the person may commit."""
        form = cls(data={"weekdays": list(range(5))})
        types, language = company_types(db(), company.id), str(get_locale() or "en")
        allowed = signed_in_actor().types(Permission.OUTBOX_COMMIT, company.id, types.used)
        form.document_types.choices = [SelectChoice(one, types.label(one, language)) for one in allowed]
        form.weekdays.choices = [SelectChoice(day, name) for day, name in enumerate(weekday_names())]
        return form

    def limits(self) -> Limits:
        """What was entered, as limits."""
        return Limits(
            frozenset(self.document_types.data or ()),
            self.most_per_run.data or 0,
            self.most_per_day.data or 0,
            _minute(self.from_time.data, 0),
            _minute(self.to_time.data, MINUTES_A_DAY),
            frozenset(self.weekdays.data or ()),
            self.last_on.data or today(),
        )

    def tell(self, problems: dict[str, str]) -> None:
        """Put what the service found on the fields."""
        for name, code in problems.items():
            field = self["to_time" if name == "to_minute" else name]
            field.errors = [*field.errors, PROBLEMS[code]()]


def _minute(at: time | None, empty: int) -> int:
    return at.hour * 60 + at.minute if at is not None else empty


@requires(Permission.OUTBOX_COMMIT)
def list_all() -> Any:
    """The authorisations of the company at work."""
    actor = signed_in_actor()
    company = current_company(actor) or abort(404)
    rows = list_standings(db(), actor, company.id)
    return render_template(
        "outbox/standings.html",
        company=company,
        rows=[_shown(row) for row in rows],
        may_give=actor.can(Permission.OUTBOX_COMMIT, company.id) and actor.user_id is not None,
    )


def _shown(row: StandingAuthorisation) -> dict[str, Any]:
    return {
        "row": row,
        "days": days_words(row),
        "hours": hours_words(row),
        "state": "revoked" if row.revoked_at else "over" if row.last_on < today() else "active",
    }


@requires(Permission.OUTBOX_COMMIT)
def give() -> Any:
    """Give an authorisation in one's own name."""
    company = current_company(signed_in_actor()) or abort(404)
    form = StandingForm.of(company)
    if form.validate_on_submit():
        try:
            row = give_standing(db(), signed_in_actor(), company, form.title.data or "", form.limits())
        except LimitsWrong as wrong:
            form.tell(wrong.problems)
        else:
            flash(_("The authorisation holds from now on. It can be revoked at any moment."), "success")
            return redirect(url_for("outbox.show_standing", standing_id=row.id), 303)
    page = render_template("outbox/standing_give.html", form=form, company=company)
    return (page, 422) if form.errors else page


def _found(standing_id: int) -> StandingAuthorisation:
    return find_standing(db(), signed_in_actor(), standing_id) or abort(404)


@requires(Permission.OUTBOX_COMMIT)
def show(standing_id: int) -> Any:
    """An authorisation, its limits, and what became of each run."""
    row, actor = _found(standing_id), signed_in_actor()
    types, language = company_types(db(), row.company_id), str(get_locale() or "en")
    query = select(StandingUse).where(StandingUse.authorisation_id == row.id)
    uses = db().scalars(query.order_by(StandingUse.id.desc()).limit(LATEST_USES)).all()
    return render_template(
        "outbox/standing.html",
        **_shown(row),
        types=[types.label(one, language) for one in row.document_types],
        uses=[(use, reason_words(use, types, language)) for use in uses],
        sent_today=sent_today(db(), row),
        may_revoke=row.revoked_at is None and can_revoke(actor, row),
    )


@requires(Permission.OUTBOX_COMMIT)
def revoke(standing_id: int) -> Any:
    """End it at once."""
    row = _found(standing_id)
    revoke_standing(db(), signed_in_actor(), row)
    flash(_("Revoked. From now on its runs wait for a person."), "success")
    return redirect(url_for("outbox.show_standing", standing_id=row.id), 303)


def standing_note(run: Run) -> dict[str, Any] | None:
    """What a run's page says of the authorisation that committed it, or did not; None: no automation asked."""
    use = latest_use(db(), run.id)
    if use is None:
        return None
    types, language = company_types(db(), run.company_id), str(get_locale() or "en")
    return {
        "use": use,
        "row": use.authorisation,
        "words": reason_words(use, types, language),
        "given_on": format_date(use.authorisation.given_at),
        "may_open": signed_in_actor().can(Permission.OUTBOX_COMMIT, run.company_id),
    }


def add_standing_routes(blueprint: Blueprint) -> None:
    """Register these pages."""
    blueprint.add_url_rule("/standing-authorisations", "list_standings", list_all)
    blueprint.add_url_rule("/standing-authorisations/new", "give_standing", give, methods=["GET", "POST"])
    blueprint.add_url_rule("/standing-authorisations/<int:standing_id>", "show_standing", show)
    blueprint.add_url_rule(
        "/standing-authorisations/<int:standing_id>/revoke", "revoke_standing", revoke, methods=["POST"]
    )
