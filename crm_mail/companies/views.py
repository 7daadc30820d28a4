"""Pages of the companies room: the firms that send, their logo, and what each decides per document type."""

from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.companies import policies, service
from crm_mail.companies.company_rules import CompanyDetails, CompanyInvalid
from crm_mail.companies.forms import CompanyForm, LogoForm, PolicyForm
from crm_mail.companies.logo import MAX_BYTES, image_mime
from crm_mail.companies.messages import show_problems
from crm_mail.companies.models import Company
from crm_mail.companies.sending_views import add_sending_routes
from crm_mail.companies.type_registry import BUILT_IN, all_types, company_types
from crm_mail.companies.type_views import add_type_routes
from crm_mail.delivery.service import accounts_for
from crm_mail.document_types import TypeNames
from crm_mail.permissions import Permission, current_actor, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import COMPANY_KEY, current_company
from crm_mail.web.type_names import names_from
from crm_mail.web.urls import local_path

blueprint = Blueprint("companies", __name__, url_prefix="/companies")
add_type_routes(blueprint)
add_sending_routes(blueprint)


def found(company_id: int) -> Company:
    """The company that the person may set up, or 404."""
    company = db().get(Company, company_id) or abort(404)
    return company if signed_in_actor().can(Permission.SETTINGS_MANAGE, company.id) else abort(404)


def name_in(company: Company) -> Callable[[str], str]:
    """What a company calls its document types, in the language of the page."""
    types, language = company_types(db(), company.id), str(get_locale() or "en")
    return lambda document_type: types.label(document_type, language)


def _names_at_work() -> TypeNames:
    """The names of the company at work; own types of other companies by theirs."""
    found = dict(all_types(db()).names)
    actor = current_actor()
    company = current_company(actor) if actor else None
    return found | dict(company_types(db(), company.id).names) if company else found


def _types_at_work(only_used: bool) -> tuple[str, ...]:
    actor = current_actor()
    company = current_company(actor) if actor else None
    types = company_types(db(), company.id) if company else BUILT_IN
    return types.used if only_used else types.ids


@blueprint.post("/switch")
@requires(Permission.SIGNED_IN)
def switch_company() -> Any:
    """Work in another company from now on, in this browser."""
    company = db().get(Company, request.form.get("company", 0, type=int))
    if company is None or not service.can_work_in(signed_in_actor(), company.id):
        abort(404)
    session[COMPANY_KEY] = company.id
    return redirect(local_path(request.form.get("next")), 303)


@blueprint.get("")
@requires(Permission.SETTINGS_MANAGE)
def list_companies() -> Any:
    """Every company of the installation."""
    actor = signed_in_actor()
    return render_template(
        "companies/list.html",
        companies=service.list_companies(db(), actor),
        may_add=actor.can_everywhere(Permission.SETTINGS_MANAGE),
    )


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def create_company() -> Any:
    """Add a company."""
    signed_in_actor().require_everywhere(Permission.SETTINGS_MANAGE)
    form = CompanyForm(data=vars_of(CompanyDetails("", "", language=str(get_locale() or "it"))))
    if form.validate_on_submit():
        try:
            company = service.add_company(db(), signed_in_actor(), form.details())
            flash(_("%(name)s was added. Add its sender accounts next.", name=company.name), "success")
            return redirect(url_for(".edit_company", company_id=company.id), 303)
        except CompanyInvalid as refused:
            show_problems(form, refused.problems)
    return render_template("companies/edit.html", form=form, company=None), 422 if form.errors else 200


@blueprint.route("/<int:company_id>", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_company(company_id: int) -> Any:
    """A company's data."""
    company = found(company_id)
    form = CompanyForm(data=vars_of(service.details_of(company)))
    if form.validate_on_submit():
        try:
            service.update_company(db(), signed_in_actor(), company, form.details())
            flash(_("Saved."), "success")
            return redirect(url_for(".edit_company", company_id=company.id), 303)
        except CompanyInvalid as refused:
            show_problems(form, refused.problems)
    return company_page(company, form, LogoForm(formdata=None))


def vars_of(details: CompanyDetails) -> dict[str, Any]:
    """A form's values."""
    return {name: getattr(details, name) for name in CompanyDetails.__dataclass_fields__}


def company_page(company: Company, form: CompanyForm, logo_form: LogoForm) -> Any:
    """The page of a company's data and logo."""
    status = 422 if form.errors or logo_form.errors else 200
    return render_template("companies/edit.html", form=form, logo_form=logo_form, company=company), status


@blueprint.post("/<int:company_id>/logo")
@requires(Permission.SETTINGS_MANAGE)
def save_logo(company_id: int) -> Any:
    """Replace the logo, or remove it when no file comes."""
    company = found(company_id)
    form = LogoForm()
    try:
        data = form.logo.data.read(MAX_BYTES + 1) if form.logo.data else None
        if data is None and not request.form.get("remove"):
            return redirect(url_for(".edit_company", company_id=company.id), 303)
        service.set_logo(db(), signed_in_actor(), company, installation().store, data)
        flash(_("The logo was changed."), "success")
        return redirect(url_for(".edit_company", company_id=company.id), 303)
    except CompanyInvalid as refused:
        show_problems(form, refused.problems)
    return company_page(company, CompanyForm(formdata=None, data=vars_of(service.details_of(company))), form)


@blueprint.get("/<int:company_id>/logo")
@requires(Permission.SIGNED_IN)
def show_logo(company_id: int) -> Any:
    """The logo itself; 404 for who does not work in the company."""
    company = db().get(Company, company_id) or abort(404)
    if company.logo_sha256 is None or not service.can_work_in(signed_in_actor(), company_id):
        abort(404)
    data = installation().store.read(company.logo_sha256)
    return Response(
        data, mimetype=image_mime(data), headers={"Content-Security-Policy": "default-src 'none'"}
    )


@blueprint.route("/<int:company_id>/documents", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_policies(company_id: int) -> Any:
    """What the company decides for each document type: one table."""
    company = found(company_id)
    before = policies.policy_for(db(), company_id)
    book = accounts_for(db(), company_id)
    sent = request.form if request.method == "POST" else None
    forms = {t: PolicyForm.of(policy, book, sent) for t, policy in before.items()}
    if sent is not None and all(form.validate() for form in forms.values()):
        wanted = {t: form.policy(before[t], has_addresses=False) for t, form in forms.items()}
        policies.save_policies(db(), signed_in_actor(), company, wanted)
        flash(_("Saved."), "success")
        return redirect(url_for(".edit_policies", company_id=company_id), 303)
    status = 422 if sent is not None else 200
    page = render_template(
        "companies/documents.html", company=company, forms=forms, policies=before, type_name=name_in(company)
    )
    return page, status


@blueprint.route("/<int:company_id>/documents/<document_type>", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_policy(company_id: int, document_type: str) -> Any:
    """Everything about one document type, copies and answers included."""
    company = found(company_id)
    before = policies.policy_for(db(), company_id).get(document_type) or abort(404)
    sent = request.form if request.method == "POST" else None
    form = PolicyForm.of(before, accounts_for(db(), company_id), sent)
    if sent is not None and form.validate():
        try:
            policy = form.policy(before, has_addresses=True)
            policies.save_policies(db(), signed_in_actor(), company, {policy.document_type: policy})
            flash(_("Saved."), "success")
            return redirect(url_for(".edit_policies", company_id=company_id), 303)
        except CompanyInvalid as refused:
            show_problems(form, refused.problems)
    page = render_template(
        "companies/document.html", company=company, form=form, title=name_in(company)(document_type)
    )
    return page, 422 if form.errors else 200


def init_app(app: Flask) -> None:
    """Register the room's pages; they know what the company at work calls its document types."""
    names_from(app, _names_at_work, _types_at_work)
    app.register_blueprint(blueprint)
