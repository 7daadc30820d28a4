"""The room's blueprint; its pages stand among those of contacts."""

from flask import Blueprint, request

from crm_mail.catalogue.lines import LIMITS

blueprint = Blueprint("catalogue", __name__, url_prefix="/contacts/catalogue")


@blueprint.url_value_preprocessor
def allow_long_paste(endpoint: str | None, _values: object) -> None:
    """Fifty thousand pasted rows are some megabytes, more than a form may have otherwise."""
    if endpoint == "catalogue.paste_rows":
        request.max_form_memory_size = LIMITS.file_bytes
