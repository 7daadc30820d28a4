"""The interface's door: who asks (a key, never a cookie), how often, and whether this request was answered before."""

import hashlib
from typing import Any, cast

from flask import Blueprint, Response, current_app, g, request
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from crm_mail.api.allowance import WINDOW, Verdict, allowances_of
from crm_mail.api.known_keys import KnownKey, known_keys_of
from crm_mail.api.models import ApiAnswer
from crm_mail.api.problems import ApiProblem
from crm_mail.web.door import SAFE_METHODS, db, installation

IDEMPOTENCY_HEADER = "Idempotency-Key"
LONGEST_IDEMPOTENCY_KEY = 200
REPLAYED_HEADER = "Idempotent-Replayed"
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def key_id() -> int:
    """The key of this request."""
    return known_key().id


def key_name() -> str:
    """What the key of this request is called: the source of what it tells."""
    return known_key().name


def known_key() -> KnownKey:
    """The key of this request, and what it may."""
    return cast(KnownKey, g.api_key)


def identify() -> None:
    """Find the key's owner; a cookie means nothing here, so that no other site's page can act in a person's name.

    Raises:
        ApiProblem: 401 without a key that works, 429 when its minute is spent.
    """
    g.pop("signed_in", None)
    g.actor = None
    view = current_app.view_functions.get(request.endpoint or "")
    if view is not None and getattr(view, "permission", "") is None:
        return
    known = g.api_key = _find_key(is_frequent=getattr(view, "is_frequent", False))
    g.actor = known.actor
    verdict = allowances_of(installation().database).spend(
        installation().database, known.id, known.per_minute, request.remote_addr or ""
    )
    g.api_verdict = verdict
    if not verdict.is_allowed:
        raise ApiProblem(
            429,
            "rate",
            f"this key may make {verdict.limit} requests a minute, and has made them",
            f"try again in {verdict.resets_in} seconds; events can be sent many at a time",
            headers={"Retry-After": str(verdict.resets_in)},
        )


def _find_key(*, is_frequent: bool) -> KnownKey:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _nobody("the request carries no key")
    keys = known_keys_of(installation().database)
    known = keys.find_again(token.strip()) if is_frequent else keys.find(token.strip())
    if known is None:
        raise _nobody("the key is unknown, revoked or expired, or its owner is no longer active")
    return known


def _nobody(why: str) -> ApiProblem:
    return ApiProblem(
        401,
        "unauthorised",
        why,
        "send the header Authorization: Bearer KEY; keys are made on the page “API keys” of the own account",
        headers={"WWW-Authenticate": 'Bearer realm="CRM Mail"'},
    )


def find_earlier_answer() -> Response | None:
    """Answer a repeated request with what was answered first; take note of a new one, in its own transaction."""
    if request.method in SAFE_METHODS or g.get("actor") is None:
        return None
    name = request.headers.get(IDEMPOTENCY_HEADER)
    if name is None:
        return None
    if not 1 <= len(name) <= LONGEST_IDEMPOTENCY_KEY or not name.isprintable():
        raise ApiProblem(
            400,
            "idempotency",
            f"the {IDEMPOTENCY_HEADER} must have 1 to {LONGEST_IDEMPOTENCY_KEY} printable characters",
            "a UUID does",
        )
    digest = _request_hash()
    make: Any = sqlite.insert if installation().database.is_sqlite else postgresql.insert
    row = make(ApiAnswer).values(key_id=key_id(), idempotency_key=name, request_hash=digest)
    written = db().execute(row.on_conflict_do_nothing().returning(ApiAnswer.id)).scalar()
    if written is not None:
        g.api_answer_id = written
        return None
    kept = db().scalars(
        select(ApiAnswer).where(ApiAnswer.key_id == key_id(), ApiAnswer.idempotency_key == name)
    )
    return _replay(kept.one(), digest)


def has_idempotency_key() -> bool:
    """Whether the answer to this request is kept in its transaction."""
    return "api_answer_id" in g


def _request_hash() -> str:
    """Of method, path, query and body: what makes two requests the same."""
    digest = hashlib.sha256()
    for part in (request.method, request.full_path, request.mimetype):
        digest.update(part.encode() + b"\0")
    digest.update(request.get_data(cache=True))
    return digest.hexdigest()


def _replay(kept: ApiAnswer, digest: str) -> Response:
    if kept.request_hash != digest:
        raise ApiProblem(
            422,
            "idempotency",
            f"this {IDEMPOTENCY_HEADER} was used for another request",
            "take a new one for each new request, and the same one only to repeat a request unchanged",
        )
    response = Response(kept.body, kept.status)
    response.headers.update(kept.headers)
    response.headers[REPLAYED_HEADER] = "true"
    return response


def forget_answer() -> None:
    """This request may be repeated: it is about to be refused, yet something of it is kept."""
    written = g.pop("api_answer_id", None)
    if written is not None:
        db().execute(delete(ApiAnswer).where(ApiAnswer.id == written))


def keep_answer(response: Response) -> Response:
    """Keep the answer in the transaction of what was done; a refusal keeps nothing, and may be tried again."""
    written = g.pop("api_answer_id", None)
    if written is not None and response.status_code < 400:
        kept = db().get_one(ApiAnswer, written)
        kept.status, kept.body = response.status_code, response.get_data()
        kept.headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        db().flush()
    return response


def tell_limits(response: Response) -> Response:
    """How much of the minute is left (draft-ietf-httpapi-ratelimit-headers)."""
    verdict = cast("Verdict | None", g.get("api_verdict"))
    if verdict is not None:
        response.headers["RateLimit-Policy"] = f'"minute";q={verdict.limit};w={WINDOW}'
        response.headers["RateLimit"] = f'"minute";r={verdict.remaining};t={verdict.resets_in}'
    return response


def guard(blueprint: Blueprint) -> None:
    """Put the door before every address of the interface."""
    blueprint.before_request(identify)
    blueprint.before_request(find_earlier_answer)
    blueprint.after_request(tell_limits)
    blueprint.after_request(keep_answer)
