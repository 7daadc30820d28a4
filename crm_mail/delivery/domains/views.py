"""The pages on what DNS knows: the deliverability doctor, and the registries of PEC addresses."""

from flask import Flask

from crm_mail.delivery.domains import doctor_views, registry_views
from crm_mail.delivery.domains.blueprint import blueprint

PAGES = (doctor_views, registry_views)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)
