"""The frame around each page, for the signed-in person: only what this person may open, and the company at work."""

from typing import cast

from flask import Flask, abort, g, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.permissions import Actor, Permission, PermissionDenied, current_actor, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.shell import CompanyChoice, NavItem, Shell, provide_shell

COMPANY_KEY = "company_id"
SHORT_MENU = 8
"""So many entries are read at a glance and need no headings."""
EVERYWHERE = frozenset(
    {
        Permission.SIGNED_IN,
        Permission.SETTINGS_MANAGE,
        Permission.USERS_MANAGE,
        Permission.PRIVACY_MANAGE,
        Permission.AUDIT_SEE,
    }
)
"""Rights whose pages do not stand in the company at work."""
_SETTINGS_OF_DOCUMENTS = {
    "/documents/look/": "documents.list_texts",
    "/documents/layouts/": "documents.list_texts",
    "/documents/packagings/": "companies.list_companies",
    "/webhooks/": "companies.list_companies",
    "/dossiers/": "evidence.list_items",
    "/events/": "schedules.list_schedules",
    "/send-orders/": "outbox.list_runs",
    "/send-orders/settings/": "companies.list_companies",
    "/status/": "reports.dashboard",
    "/suppressions/": "contacts.list_parties",
}
"""Pages that stand as tabs under another entry of the menu."""


def visible_companies(actor: Actor) -> list[Company]:
    """The companies in which the person may see anything, by code; read once for each request."""
    kept: tuple[Actor, list[Company]] | None = g.get("visible_companies")
    if kept is not None and kept[0] == actor:
        return kept[1]
    query = select(Company).order_by(Company.code)
    ids = actor.company_ids()
    if ids is not None:
        query = query.where(Company.id.in_(ids))
    companies = list(db().scalars(query))
    g.visible_companies = (actor, companies)
    return companies


def current_company(actor: Actor) -> Company | None:
    """The company chosen in the top bar, else the first one the person works for; None when there is none.

    Who may keep the contacts of all companies but prepare for one begins with that one.
    """
    companies = visible_companies(actor)
    chosen = cast("int | None", session.get(COMPANY_KEY))
    if found := next((c for c in companies if c.id == chosen), None):
        return found
    return next((c for c in companies if _works_for(actor, c.id)), companies[0] if companies else None)


def company_at_work(*permissions: Permission) -> Company:
    """The company at work, for pages that need one of the rights in it; 404 without a company.

    Raises:
        PermissionDenied: none of the rights is held in the company.
    """
    company = current_company(signed_in_actor()) or abort(404)
    _require_one(company, permissions)
    return company


def company_if_any(*permissions: Permission) -> Company | None:
    """As `company_at_work`, for pages that also say something to an office without a company."""
    company = current_company(signed_in_actor())
    if company is not None:
        _require_one(company, permissions)
    return company


def _require_one(company: Company, permissions: tuple[Permission, ...]) -> None:
    actor = signed_in_actor()
    if permissions and not any(actor.can(one, company.id) for one in permissions):
        raise PermissionDenied(permissions[0], company.code)


def _works_for(actor: Actor, company_id: int) -> bool:
    rights = (Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW, Permission.OUTBOX_COMMIT)
    return any((ids := actor.company_ids(right)) is None or company_id in ids for right in rights)


def _items(actor: Actor) -> list[NavItem]:
    entries = (
        ("reports.dashboard", _("Dashboard"), "home", Permission.SIGNED_IN),
        ("contacts.list_parties", _("Contacts"), "users", Permission.CONTACTS_SEE),
        ("documents.list_documents", _("Documents"), "file-text", Permission.DOCUMENTS_SEE),
        ("importers.home", _("Import"), "file-import", Permission.CONTACTS_MANAGE),
        ("importers.import_documents", _("Import"), "file-import", Permission.DOCUMENTS_MANAGE),
        ("receivables.list_items", _("Receivables"), "coin", Permission.DOCUMENTS_SEE),
        ("outbox.prepare", _("Prepare"), "wand", Permission.OUTBOX_PREPARE),
        ("campaigns.list_campaigns", _("Mailings"), "mail-plus", Permission.OUTBOX_PREPARE),
        ("outbox.list_runs", _("Outbox"), "mail-forward", Permission.DOCUMENTS_SEE),
        ("schedules.list_schedules", _("Schedules"), "calendar-event", Permission.SCHEDULES_SEE),
        ("evidence.list_items", _("Receipts"), "certificate", Permission.DOCUMENTS_SEE),
        ("saved_reports.list_all", _("Reports"), "report", Permission.REPORTS_SEE),
        ("documents.list_texts", _("Texts"), "template", Permission.TEXTS_MANAGE),
        ("delivery.list_accounts", _("Accounts"), "at", Permission.ACCOUNTS_MANAGE),
        ("companies.list_companies", _("Companies"), "building", Permission.SETTINGS_MANAGE),
        ("users.list_users", _("Users"), "user-cog", Permission.USERS_MANAGE),
        ("privacy.home", _("Privacy"), "lock", Permission.PRIVACY_MANAGE),
        ("reports.audit", _("Audit"), "history", Permission.AUDIT_SEE),
    )
    company = current_company(actor)
    here = company.id if company else None
    mine = [one for one in entries if actor.can(one[3], None if one[3] in EVERYWHERE else here)]
    if ("importers.home", Permission.CONTACTS_MANAGE) in [(one[0], one[3]) for one in mine]:
        mine = [one for one in mine if one[0] != "importers.import_documents"]
    active = _active_endpoint([entry[0] for entry in mine])
    groups = _groups() if len(mine) > SHORT_MENU else {}
    return [
        NavItem(endpoint, label, icon, active=endpoint == active, group=groups.get(endpoint, ""))
        for endpoint, label, icon, _right in mine
    ]


def _groups() -> dict[str, str]:
    """The heading of each entry of a long menu."""
    headed = {
        _("Data"): "contacts.list_parties documents.list_documents receivables.list_items"
        " importers.home importers.import_documents",
        _("Mail"): "outbox.prepare campaigns.list_campaigns outbox.list_runs schedules.list_schedules"
        " evidence.list_items saved_reports.list_all",
        _("Settings"): "documents.list_texts delivery.list_accounts companies.list_companies"
        " users.list_users privacy.home reports.audit",
    }
    return {endpoint: heading for heading, endpoints in headed.items() for endpoint in endpoints.split()}


def may(right: str, company_id: int | None = None) -> bool:
    """For templates: whether the signed-in person holds a right in a company (left out: the one at work)."""
    actor = current_actor()
    if actor is None:
        return False
    company = current_company(actor) if company_id is None else None
    return actor.can(Permission(right), company.id if company else company_id)


def _active_endpoint(endpoints: list[str]) -> str | None:
    """The entry of the present page: itself, else the one whose address the page's address begins with."""
    if request.endpoint in endpoints:
        return request.endpoint
    addresses = {
        url_for(endpoint).rstrip("/") + "/": endpoint for endpoint in endpoints
    } | _SETTINGS_OF_DOCUMENTS
    here = request.path.rstrip("/") + "/"
    fitting = [address for address in addresses if address != "/" and here.startswith(address)]
    return addresses[max(fitting, key=len)] if fitting else None


def _shell() -> Shell:
    actor = current_actor()
    if actor is None:
        return Shell()
    companies = visible_companies(actor)
    company = current_company(actor)
    choices = [CompanyChoice(str(c.id), c.code, c.name) for c in companies]
    return Shell(
        nav=_items(actor),
        search_url=url_for("contacts.list_parties") if actor.can(Permission.CONTACTS_SEE) else "",
        companies=choices,
        company=next((c for c in choices if company and c.id == str(company.id)), None),
        company_switch_url=url_for("companies.switch_company"),
        user_name=actor.name,
        user_email=actor.email,
        account_url=url_for("users.my_account"),
        logout_url=url_for("users.logout"),
        test_mode_to=company.test_address if company else "",
        home_url=url_for("reports.dashboard"),
        outbox_url=url_for("outbox.list_runs"),
        shortcuts=g.signed_in.keyboard_shortcuts,
    )


def init_app(app: Flask) -> None:
    """Describe the frame of every page."""
    provide_shell(app, _shell)
    app.jinja_env.globals["may"] = may
