"""Pages of webhooks: endpoints of the company at work, what each was told, and telling it again."""

from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from crm_mail.companies.models import Company
from crm_mail.contacts.messages import level_label
from crm_mail.contacts.vocabulary import level_names
from crm_mail.delivery.web_targets import TargetRefused
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import current_company
from crm_mail.webhooks import service
from crm_mail.webhooks.forms import EndpointForm, topic_words
from crm_mail.webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from crm_mail.webhooks.service import EndpointRefused

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


def _company() -> Company:
    company = current_company(signed_in_actor())
    if company is None or not signed_in_actor().can(Permission.SETTINGS_MANAGE, company.id):
        abort(404)
    return company


def _found(endpoint_id: int) -> WebhookEndpoint:
    return service.find_endpoint(db(), signed_in_actor(), endpoint_id) or abort(404)


def _form(company_id: int) -> EndpointForm:
    form, clearance = EndpointForm(), signed_in_actor().clearance
    names = level_names(db(), company_id)
    form.offer(clearance, [level_label(level, names) for level in range(clearance + 1)])
    return form


def _show_refusal(form: EndpointForm, refused: EndpointRefused | TargetRefused) -> None:
    if isinstance(refused, TargetRefused):
        words = {
            "url": _("This is no address: write it as https://host/path."),
            "scheme": _("The address must begin with https://."),
            "private": _("This address leads into a private network, which the installation does not allow."),
        }
        form.url.errors = [*form.url.errors, words.get(refused.problem, str(refused))]
    else:
        field = form[refused.field]
        words = _("This value is not possible.")
        if not signed_in_actor().sight.is_whole:
            words = _("A webhook tells of every customer: somebody who sees them all must save it.")
        field.errors = [*field.errors, words]


@blueprint.get("")
@requires(Permission.SETTINGS_MANAGE)
def list_endpoints() -> str:
    """The endpoints of the company at work."""
    company = _company()
    return render_template(
        "webhooks/list.html",
        company=company,
        endpoints=service.list_endpoints(db(), signed_in_actor(), company.id),
        words={topic.value: text for topic, text in topic_words().items()},
    )


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def create_endpoint() -> Any:
    """Add an endpoint; its secret is shown on the answer, this once."""
    company = _company()
    form = _form(company.id)
    if form.validate_on_submit():
        try:
            endpoint, secret = service.create_endpoint(
                db(), signed_in_actor(), installation(), company.id, form.read()
            )
        except (EndpointRefused, TargetRefused) as refused:
            _show_refusal(form, refused)
        else:
            return render_template("webhooks/secret.html", endpoint=endpoint, secret=secret)
    page = render_template("webhooks/edit.html", form=form, endpoint=None, company=company)
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/<int:endpoint_id>")
@requires(Permission.SETTINGS_MANAGE)
def show_endpoint(endpoint_id: int) -> str:
    """What an endpoint was told, newest first."""
    endpoint = _found(endpoint_id)
    state = request.args.get("state", "")
    rows = service.list_deliveries(db(), endpoint, state, request.args.get("after", type=int))
    return render_template(
        "webhooks/show.html",
        endpoint=endpoint,
        rows=rows[: service.PAGE],
        following=rows[service.PAGE - 1].id if len(rows) > service.PAGE else None,
        state=state,
        counts=service.count_deliveries(db(), endpoint),
        states=DeliveryState,
        words=topic_words(),
    )


@blueprint.route("/<int:endpoint_id>/edit", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_endpoint(endpoint_id: int) -> Any:
    """Change an endpoint."""
    endpoint = _found(endpoint_id)
    form = _form(endpoint.company_id)
    if not form.is_submitted():
        form.show(endpoint)
    elif form.validate():
        try:
            service.update_endpoint(db(), signed_in_actor(), installation(), endpoint, form.read())
        except (EndpointRefused, TargetRefused) as refused:
            _show_refusal(form, refused)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".show_endpoint", endpoint_id=endpoint.id), 303)
    page = render_template("webhooks/edit.html", form=form, endpoint=endpoint, company=None)
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<int:endpoint_id>/secret")
@requires(Permission.SETTINGS_MANAGE)
def renew_secret(endpoint_id: int) -> str:
    """A new secret, shown this once."""
    endpoint = _found(endpoint_id)
    secret = service.renew_secret(db(), signed_in_actor(), installation(), endpoint)
    return render_template("webhooks/secret.html", endpoint=endpoint, secret=secret)


@blueprint.post("/<int:endpoint_id>/delete")
@requires(Permission.SETTINGS_MANAGE)
def delete_endpoint(endpoint_id: int) -> Any:
    """Forget an endpoint."""
    service.delete_endpoint(db(), signed_in_actor(), _found(endpoint_id))
    flash(_("The webhook was deleted."), "success")
    return redirect(url_for(".list_endpoints"), 303)


@blueprint.post("/<int:endpoint_id>/try")
@requires(Permission.SETTINGS_MANAGE)
def try_endpoint(endpoint_id: int) -> Any:
    """Have it be told that it is being tried out."""
    endpoint = _found(endpoint_id)
    service.try_out(db(), signed_in_actor(), endpoint)
    flash(_("A trial is on its way: reload the page in a few seconds."), "info")
    return redirect(url_for(".show_endpoint", endpoint_id=endpoint.id), 303)


@blueprint.post("/<int:endpoint_id>/replay")
@requires(Permission.SETTINGS_MANAGE)
def replay_endpoint(endpoint_id: int) -> Any:
    """Tell again all that were given up, or the one that the form names."""
    endpoint = _found(endpoint_id)
    one = request.form.get("delivery", type=int)
    row = db().get(WebhookDelivery, one) if one else None
    if one and (row is None or row.endpoint_id != endpoint.id):
        abort(404)
    count = service.replay(db(), signed_in_actor(), endpoint, one)
    flash(
        ngettext("%(num)d notification is sent again.", "%(num)d notifications are sent again.", count),
        "info",
    )
    return redirect(url_for(".show_endpoint", endpoint_id=endpoint.id), 303)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(blueprint)
