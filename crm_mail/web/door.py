"""The pages' door: one database session and one commit per request, and the signed-in actor.

A service never commits. A request that changes something (POST, PUT, PATCH, DELETE) gets a writing session, committed
once after the view has returned, unless the answer is an error (status 400 and above) or the view raised; every other
request reads.
"""

from collections.abc import Callable
from typing import cast

from flask import Flask, Response, abort, current_app, g, request
from sqlalchemy.orm import Session

from crm_mail.installation import Installation

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def installation() -> Installation:
    """The installation that this application serves."""
    return cast("Installation", current_app.extensions["crm_mail"])


def db() -> Session:
    """The request's database session, opened on first use."""
    session = cast("Session | None", g.get("db_session"))
    if session is None:
        database = installation().database
        session = database.reading() if request.method in SAFE_METHODS else database.writing()
        g.db_session = session
    return session


def after_commit(action: Callable[[], None]) -> None:
    """Do something once this request's changes are durable (ring the worker's bell); not at all when they are not."""
    g.setdefault("after_commit", []).append(action)


def commit_now() -> None:
    """End the request's transaction early, for a view that must answer an error and still keep what it wrote."""
    db().commit()


def _commit(response: Response) -> Response:
    session = cast("Session | None", g.get("db_session"))
    if session is not None and request.method not in SAFE_METHODS and response.status_code < 400:
        session.commit()
        for action in g.pop("after_commit", []):
            action()
    return response


def _close(_error: BaseException | None) -> None:
    session = cast("Session | None", g.pop("db_session", None))
    if session is not None:
        session.close()


def _refuse_nul() -> None:
    """No text holds the character 0, and PostgreSQL takes none: whoever sends it in an address is no browser."""
    if "%00" in request.query_string.decode("latin-1") or "\0" in request.path:
        abort(400)


def init_app(app: Flask, home: Installation) -> None:
    """Give the application its installation and its unit of work."""
    app.extensions["crm_mail"] = home
    app.before_request(_refuse_nul)
    app.after_request(_commit)
    app.teardown_request(_close)
