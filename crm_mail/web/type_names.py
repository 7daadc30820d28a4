"""Names of document types in the language of the page, as the company at work calls them."""

from collections.abc import Callable

from flask import Flask, current_app, g
from flask_babel import get_locale

from crm_mail.document_types import NO_NAMES, DocumentType, TypeNames, type_label

_NAMES = "type_names"
_OFFERED = "type_ids"


def _given_names() -> TypeNames:
    """What the company at work calls its types; read once in a request."""
    if _NAMES not in g:
        find: Callable[[], TypeNames] | None = current_app.extensions.get(_NAMES)
        setattr(g, _NAMES, find() if find else NO_NAMES)
    names: TypeNames = getattr(g, _NAMES)
    return names


def type_name(document_type: str) -> str:
    """One document type in the language of the page."""
    return type_label(document_type, str(get_locale() or "en"), _given_names())


def type_names(only_used: bool = True) -> dict[str, str]:
    """The document types of the company at work, in the order of the product.

    Args:
        only_used: what is offered for new work; otherwise also the types that were switched off.
    """
    find: Callable[[bool], tuple[str, ...]] | None = current_app.extensions.get(_OFFERED)
    ids = find(only_used) if find else tuple(one.value for one in DocumentType)
    return {document_type: type_name(document_type) for document_type in ids}


def names_from(app: Flask, names: Callable[[], TypeNames], ids: Callable[[bool], tuple[str, ...]]) -> None:
    """Say where the names and the types in use come from (a room above this one knows the company)."""
    app.extensions[_NAMES] = names
    app.extensions[_OFFERED] = ids


def init_app(app: Flask) -> None:
    """Give templates the filter `type_name`."""
    app.add_template_filter(type_name, "type_name")
