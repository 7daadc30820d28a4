"""The web application: `create_app` is the only place that knows every room."""

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Settings
from crm_mail.api import views as api
from crm_mail.background import Bell
from crm_mail.campaigns import views as campaigns
from crm_mail.catalogue import views as catalogue
from crm_mail.companies import views as companies
from crm_mail.composers import register_composers
from crm_mail.contacts import views as contacts
from crm_mail.delivery import views as delivery
from crm_mail.delivery.domains import views as domains
from crm_mail.documents import views as documents
from crm_mail.events import views as events
from crm_mail.evidence import views as evidence
from crm_mail.evidence.dossiers import views as dossiers
from crm_mail.importers import views as importers
from crm_mail.installation import Installation
from crm_mail.outbox import views as outbox
from crm_mail.privacy import views as privacy
from crm_mail.receivables import views as receivables
from crm_mail.reports import views as reports
from crm_mail.scheduled_forms import register_scheduled_forms
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import views as schedules
from crm_mail.send_orders import views as send_orders
from crm_mail.status import views as status
from crm_mail.users import views as users
from crm_mail.web import (
    assets,
    door,
    errors,
    formats,
    language,
    navigation,
    security_headers,
    shell,
    type_names,
    urls,
)
from crm_mail.webhooks import views as webhooks

ROOMS = (
    users,
    companies,
    contacts,
    catalogue,
    campaigns,
    documents,
    importers,
    outbox,
    delivery,
    domains,
    dossiers,
    events,
    evidence,
    privacy,
    receivables,
    reports,
    api,
    webhooks,
    schedules,
    send_orders,
    status,
)


def create_app(settings: Settings, home: Installation | None = None) -> Flask:
    """Build the web application.

    Args:
        settings: read from the environment by the caller.
        home: the installation, when the caller (command line, tests) has opened it already.
    """
    home = home or Installation(settings)
    app = Flask("crm_mail", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=home.secret_key,
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1024 * 1024,
        SESSION_COOKIE_NAME="crm_mail",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.session_days),
        TRUSTED_HOSTS=settings.resolved_trusted_hosts,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app,
            x_for=settings.trusted_proxies,
            x_proto=settings.trusted_proxies,
            x_host=settings.trusted_proxies,
        )
    CSRFProtect(app)
    door.init_app(app, home)
    app.extensions["bell"] = Bell(settings, inline=False)
    for concern in (language, security_headers, assets, formats, urls, type_names, errors, shell, navigation):
        concern.init_app(app)
    register_composers()
    register_scheduled_kinds()
    register_scheduled_forms()
    for room in ROOMS:
        room.init_app(app)
    return app
