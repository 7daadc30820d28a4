"""The page of manual packaging: customer and period, then the run's result on the same page (PM-5, PM-17)."""

from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, lazy_pgettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    DateField,
    SelectChoice,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.outbox import tasks
from crm_mail.outbox.issue_words import issue_name
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing import manual_packaging
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import count_unprinted
from crm_mail.outbox.preparing.prepare import create_run, fill_run, preview_run
from crm_mail.outbox.preparing.prepare_views import AT_ONCE, ring, run_url
from crm_mail.outbox.reviewing.review_page import run_or_404
from crm_mail.outbox.states import RunState
from crm_mail.outbox.why_words import left_out_detail, left_out_words
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import after_commit, db, installation
from crm_mail.web.navigation import current_company


class ManualForm(FlaskForm):
    """Which customer, which documents, which period."""

    customer = StringField(
        _l("Customer"),
        [Length(max=250)],
        description=_l("Its code. Type ? to list the customers, or ? and a part of the name."),
    )
    types = SelectMultipleField(
        _l("Document types"),
        description=_l("None ticked means all of them."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    from_on = DateField(lazy_pgettext("date", "From"), [Optional()])
    to_on = DateField(lazy_pgettext("date", "To"), [Optional()])
    again = BooleanField(_l("Also what was sent before"))

    @classmethod
    def of(cls, company: Company) -> "ManualForm":
        """The form with the types that the person may prepare; a link may name the customer."""
        form = cls(
            data={
                "customer": request.args.get("customer", ""),
                "types": request.args.getlist("types"),
                "from_on": _day("from_on"),
                "to_on": _day("to_on"),
                "again": "again" in request.args,
            }
        )
        types, language = company_types(db(), company.id), str(get_locale() or "en")
        allowed = signed_in_actor().types(Permission.OUTBOX_PREPARE, company.id, types.used)
        form.types.choices = [SelectChoice(one, types.label(one, language)) for one in allowed]
        return form

    def chosen(self) -> dict[str, Any]:
        """What was chosen beside the customer, for a link that keeps it."""
        given = {
            "types": self.types.data or (),
            "from_on": self.from_on.data,
            "to_on": self.to_on.data,
            "again": self.again.data,
        }
        return {name: value for name, value in given.items() if value}

    def criteria(self, company: Company) -> Criteria | None:
        """What the form means; None, with the reason at its field, when it means nothing."""
        text = (self.customer.data or "").strip()
        code = manual_packaging.find_customer(db(), signed_in_actor(), company.id, text) if text else None
        if text and code is None:
            self.customer.errors = [_("There is no customer with the code %(value)s.", value=text)]
        elif not text and not (self.from_on.data or self.to_on.data):
            self.customer.errors = [_("Name a customer or a period.")]
        elif self.from_on.data and self.to_on.data and self.to_on.data < self.from_on.data:
            self.to_on.errors = [_("The last day lies before the first one.")]
        else:
            return Criteria(
                PartyFilter(company.id, codes=(code,) if code else ()),
                tuple(self.types.data or ()),
                self.from_on.data,
                self.to_on.data,
                only_unsent=not self.again.data,
            )
        return None


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


@requires(Permission.OUTBOX_PREPARE)
def manual_packaging_page() -> Any:
    """Choose, pack, and see what became of it."""
    company = current_company(signed_in_actor()) or abort(404)
    if not signed_in_actor().can(Permission.OUTBOX_PREPARE, company.id):
        abort(403)
    form = ManualForm.of(company)
    asked = manual_packaging.asks_for_customers(form.customer.data or "")
    if not asked and form.validate_on_submit():
        criteria = form.criteria(company)
        if criteria is not None:
            return _pack(criteria)
    return _page(company, form, asked), 422 if form.errors else 200


def _page(company: Company, form: ManualForm, asked: bool) -> str:
    actor, text = signed_in_actor(), form.customer.data or ""
    run = run_or_404(request.args.get("run", 0, type=int)) if "run" in request.args else None
    is_ready = run is not None and run.state is not RunState.PREPARING
    return render_template(
        "outbox/packaging.html",
        form=form,
        customers=manual_packaging.search_customers(db(), actor, company.id, text) if asked else None,
        run=run,
        run_url=run_url(run) if run else "",
        result=manual_packaging.packaging_result(db(), actor, run) if run and is_ready else None,
        issue_name=lambda code: issue_name(code, _),
        left_out_detail=lambda detail: left_out_detail(detail, _),
        left_out_words=lambda reason: left_out_words(reason, _)[0],
    )


def _pack(criteria: Criteria) -> Any:
    """Make the run: at once when it is small and every PDF is drawn, else the worker does it."""
    actor, home = signed_in_actor(), installation()
    preview = preview_run(db(), actor, criteria)
    run = create_run(db(), actor, criteria, _("Manual packaging"))
    if preview.documents <= AT_ONCE and not count_unprinted(home, actor, criteria):
        fill_run(db(), actor, run, home.store.has, home=home)
    else:
        after_commit(lambda: ring(tasks.FILL_RUN, run.id))
    return redirect(url_for("outbox.manual_packaging", run=run.id), 303)


@requires(Permission.OUTBOX_PREPARE)
def repackage(run_id: int) -> Any:
    """Pack one customer of a run again, after what stood against it was mended."""
    run: Run = run_or_404(run_id)
    code = manual_packaging.find_customer(
        db(), signed_in_actor(), run.company_id, request.form.get("customer", "")
    )
    if code is None:
        flash(_("There is no such customer any more."), "danger")
        return redirect(url_for("outbox.manual_packaging", run=run.id), 303)
    return _pack(manual_packaging.again_for(run, code))


def add_manual_routes(blueprint: Blueprint) -> None:
    """Put the page on the room's blueprint."""
    blueprint.add_url_rule("/packaging", "manual_packaging", manual_packaging_page, methods=["GET", "POST"])
    blueprint.add_url_rule("/<int:run_id>/repackage", view_func=repackage, methods=["POST"])
