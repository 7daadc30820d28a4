"""The interface's addresses, its published description, and the pages of keys."""

from importlib.metadata import PackageNotFoundError, version

from flask import Flask, Response, json
from flask_wtf.csrf import CSRFProtect

from crm_mail.api import (
    companies,
    contacts,
    documents,
    events,
    messages,
    parties,
    receipts,
    runs,
    subscriptions,
)
from crm_mail.api.key_views import add_key_routes
from crm_mail.api.openapi import describe
from crm_mail.api.pages import pages
from crm_mail.api.reference_views import add_reference_routes
from crm_mail.api.resources import blueprint, interface
from crm_mail.permissions import public

RESOURCES = (companies, documents, parties, contacts, subscriptions, events, runs, messages, receipts)


def product_version() -> str:
    """The version of the product, for the description."""
    try:
        return version("crm-mail")
    except PackageNotFoundError:
        return "0"


@blueprint.get("/openapi.json")
@public
def published_description() -> Response:
    """What every address takes and answers, as OpenAPI 3.1; without secrets, so for everybody."""
    text = json.dumps(describe(interface, product_version()))
    return Response(text, mimetype="application/json", headers={"Cache-Control": "max-age=300"})


add_key_routes(pages)
add_reference_routes(pages, product_version)


def init_app(app: Flask) -> None:
    """Add the interface. It takes no cookies, so the guard against forged forms has nothing to guard there."""
    csrf: CSRFProtect = app.extensions["csrf"]
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(pages)
