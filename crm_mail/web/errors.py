"""Error pages: what happened, what it means, what to do; a reference id where a log line exists.

The same errors answer in three shapes: a page, a short text for a part of a page (htmx), and
`application/problem+json` (RFC 9457) under /api/.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus

from flask import Flask, Response, current_app, jsonify, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from crm_mail.permissions import PermissionDenied


def explain(status: int) -> tuple[str, str]:
    """Return the title and the sentence for a status code, in the language of the page."""
    texts = {
        400: (
            _("The request was not understood"),
            _("Nothing was changed. Go back, reload the page and try again."),
        ),
        401: (_("Sign in to go on"), _("The session has ended. Sign in again; nothing was changed.")),
        403: (
            _("This needs a permission you do not have"),
            _("Nothing was changed. An administrator can give you the permission."),
        ),
        404: (
            _("Page not found"),
            _("It may have been deleted, or the address is wrong. Start again from the menu or search."),
        ),
        405: (
            _("The request was not understood"),
            _("Nothing was changed. Go back, reload the page and try again."),
        ),
        409: (
            _("Somebody else changed this meanwhile"),
            _("Nothing was changed. Reload the page and look again."),
        ),
        410: (_("This is no longer available"), _("It was deleted or has expired.")),
        413: (_("The file is too large"), _("Nothing was uploaded. Send a smaller file, or several ones.")),
        422: (_("Some values are not valid"), _("Nothing was changed. Go back and correct them.")),
        429: (_("Too many attempts"), _("Wait a minute, then try again.")),
        503: (_("The service is busy"), _("Nothing was changed. Try again in a minute.")),
    }
    unexpected = (
        _("Something went wrong on our side"),
        _("Your last action may not have been saved. Try again."),
    )
    return texts.get(status, unexpected)


def _answer(status: int, title: str, message: str, reference: str = "") -> Response:
    if request.path.startswith("/api/"):
        problem = {"title": title, "status": status, "detail": message}
        response = jsonify(problem | ({"reference": reference} if reference else {}))
        response.mimetype = "application/problem+json"
    else:
        template = "errors/_fragment.html" if request.headers.get("HX-Request") else "errors/page.html"
        text = render_template(template, status=status, title=title, message=message, reference=reference)
        response = Response(text, mimetype="text/html")
    response.status_code = status
    return response


def show_http_error(error: HTTPException) -> Response | HTTPException:
    """Answer an HTTP error; a description given to `abort` is the user's message and replaces ours."""
    if error.response is not None:
        return error  # abort(response): the caller made its own answer
    if isinstance(
        error, SecurityError
    ):  # a foreign Host header: no page can be made, its links would have no address
        return Response("This address does not belong to this installation.\n", 400, mimetype="text/plain")
    status = error.code or 500
    title, message = explain(status)
    own_text = error.description if error.description != type(error).description else None
    response = _answer(status, title, own_text or message)
    for name, value in error.get_headers(request.environ):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def show_csrf_error(error: CSRFError) -> Response:
    """Answer a form whose token is missing or old: almost always a page left open for long."""
    return _answer(
        HTTPStatus.BAD_REQUEST,
        _("This page was open for too long"),
        _("For your safety nothing was saved. Go back, reload the page and send it again."),
    )


def show_permission_denied(error: PermissionDenied) -> Response:
    """Answer a service that refused: the right was checked for the very company and document type."""
    title, message = explain(403)
    return _answer(403, title, message)


def show_unexpected_error(error: Exception) -> Response:
    """Log the error under a new reference id and show only the id (never the stack)."""
    original = error.original_exception if isinstance(error, InternalServerError) else error
    reference = secrets.token_hex(3).upper()
    current_app.logger.error(
        "unexpected error %s on %s %s", reference, request.method, request.path, exc_info=original or error
    )
    title, message = explain(500)
    return _answer(500, title, message, reference)


def show_impossible_number(error: OverflowError) -> Response:
    """Answer an address with a number that no database can keep: it names nothing."""
    if "SQLite INTEGER" not in str(error):
        return show_unexpected_error(error)
    title, message = explain(404)
    return _answer(404, title, message)


def init_app(app: Flask) -> None:
    """Register the error pages."""
    app.register_error_handler(OverflowError, show_impossible_number)
    app.register_error_handler(CSRFError, show_csrf_error)
    app.register_error_handler(PermissionDenied, show_permission_denied)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(InternalServerError, show_unexpected_error)
