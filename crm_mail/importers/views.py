"""Pages of the importers room: `contact_pages`, `document_pages`, `folder_pages`, `sales_pages`, `sql_view_pages`."""

from flask import Flask

from crm_mail.importers.blueprint import blueprint
from crm_mail.importers.contacts import pages as contact_pages
from crm_mail.importers.databases import pages as sql_view_pages
from crm_mail.importers.documents import pages as document_pages
from crm_mail.importers.folders import pages as folder_pages
from crm_mail.importers.sales import pages as sales_pages

ROOM_PARTS = (contact_pages, document_pages, folder_pages, sales_pages, sql_view_pages)


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
