"""Names of document types in the language of the page."""

from flask import Flask
from flask_babel import get_locale

from crm_mail.document_types import DocumentType, type_label


def type_name(document_type: str) -> str:
    """One document type in the language of the page."""
    return type_label(document_type, str(get_locale() or "en"))


def type_names() -> dict[str, str]:
    """Every document type, in the order of the product."""
    return {document_type.value: type_name(document_type) for document_type in DocumentType}


def init_app(app: Flask) -> None:
    """Give templates the filter `type_name`."""
    app.add_template_filter(type_name, "type_name")
