"""Pages of the importers room: `contact_pages`, `document_pages`, `folder_pages`, `sales_pages`, `sql_view_pages`."""

from flask import Flask

from crm_mail.importers import contact_pages, document_pages, folder_pages, sales_pages, sql_view_pages
from crm_mail.importers.blueprint import blueprint

ROOM_PARTS = (contact_pages, document_pages, folder_pages, sales_pages, sql_view_pages)


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
