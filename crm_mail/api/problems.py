"""Errors of the interface: `application/problem+json` (RFC 9457) that name the field and the remedy.

Programs are answered in English whatever the language of the pages; a person reads these lines in a log.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, current_app, json
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

from crm_mail.contacts.finding.party_filter import FilterInvalid
from crm_mail.contacts.problems import ContactRefused
from crm_mail.importers.base import ImportRefused
from crm_mail.outbox.committing.commit import CommitRefused
from crm_mail.outbox.reviewing.review import RunNotOpen
from crm_mail.outbox.sending.control import ControlRefused
from crm_mail.permissions import PermissionDenied
from crm_mail.refusals import Refusal

MIME = "application/problem+json"

CODES: Mapping[str, str] = {
    "unauthorised": "No key, or one that is unknown, revoked, expired, or whose owner is no longer active.",
    "forbidden": "The key's scopes and its owner's rights together do not allow this.",
    "not_found": "It does not exist, or not for this key.",
    "method": "The address knows other methods; the header Allow names them.",
    "invalid": "A value is wrong; `errors` names each field and the remedy.",
    "media_type": "The body is of a kind that this address does not take.",
    "too_large": "The body is larger than the installation allows.",
    "conflict": "The present state does not allow it; look again, then decide.",
    "list_changed": "The messages of the run are no longer those that were looked at.",
    "idempotency": "The Idempotency-Key was used for another request.",
    "rate": "More requests in this minute than the key may make.",
    "refused": "A rule of the office does not allow it; `detail` says which.",
    "unexpected": "A fault on our side; `reference` stands in the log of the installation.",
}
"""Each code stands at the end of the problem's type; the reference page lists them."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one value. ``field``: its path, such as ``addresses.0.email``, ``?limit`` or ``company``."""

    field: str
    message: str
    remedy: str


@dataclass(eq=False)
class ApiProblem(Exception):
    """An answer that is an error."""

    status: int
    code: str
    detail: str
    remedy: str = ""
    errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


def not_found(what: str, value: object = "") -> ApiProblem:
    """404: also for what lies above the clearance or in another company."""
    said = f"{what} {value} " if value != "" else f"{what} "
    return ApiProblem(
        404, "not_found", f"the {said}does not exist for this key", "check the id, and the key's companies"
    )


def invalid(errors: Iterable[FieldError]) -> ApiProblem:
    """422, naming each field."""
    found = list(errors)
    detail = "; ".join(f"{one.field}: {one.message}" for one in found[:5]) or "a value is wrong"
    return ApiProblem(422, "invalid", detail, found[0].remedy if found else "", found)


def wrong(field_name: str, message: str, remedy: str) -> ApiProblem:
    """422 for one field."""
    return invalid([FieldError(field_name, message, remedy)])


def of_validation(error: ValidationError, prefix: str = "") -> ApiProblem:
    """What pydantic found, in our form; values are not repeated, one may be a secret."""
    return invalid(
        FieldError(prefix + (".".join(map(str, one["loc"])) or "body"), one["msg"], _remedy(one))
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    )


_REMEDIES = {
    "missing": "give this field",
    "extra_forbidden": "remove it: this address does not know it",
    "json_invalid": "send valid JSON in UTF-8",
    "enum": "give one of the values that the message names",
    "literal_error": "give one of the values that the message names",
    "string_too_long": "shorten it",
    "timezone_aware": "write the time with its zone, such as 2026-11-30T08:30:00+01:00",
}


def _remedy(error: Any) -> str:
    return _REMEDIES.get(error["type"], "correct it as the message says; the reference page shows the form")


def answer(problem: ApiProblem) -> Response:
    """The response of a problem."""
    body: dict[str, Any] = {
        "type": f"urn:crm-mail:problem:{problem.code}",
        "title": HTTP_STATUS_CODES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
        "remedy": problem.remedy,
    }
    if problem.errors:
        body["errors"] = [
            {"field": one.field, "message": one.message, "remedy": one.remedy} for one in problem.errors
        ]
    response = Response(json.dumps(body | problem.more), problem.status, mimetype=MIME)
    response.headers.update(problem.headers)
    return response


def of_refusal(refused: Refusal) -> ApiProblem:
    """What a service refused."""
    if isinstance(refused, PermissionDenied):
        remedy = f"give the key the scope {refused.permission.value}, and its owner this right"
        return ApiProblem(403, "forbidden", str(refused), remedy)
    if isinstance(refused, ContactRefused):
        said = str(refused)
        return wrong(refused.field or "body", said, said.partition(": ")[2] or "correct the value")
    if isinstance(refused, CommitRefused):
        code = "list_changed" if refused.code == "list_changed" else "conflict"
        remedy = "read the run again, have its list looked at, and commit with its new fingerprint"
        return ApiProblem(
            409, code, str(refused), remedy if code == "list_changed" else "", more={"reason": refused.code}
        )
    if isinstance(refused, ControlRefused | RunNotOpen):
        return ApiProblem(409, "conflict", str(refused), "read the run again")
    if isinstance(refused, FilterInvalid):
        return wrong(f"parties.{refused.name}", str(refused), "remove it or correct it")
    if isinstance(refused, ImportRefused):
        return wrong("body", refused.message, refused.message.partition(": ")[2] or "correct the document")
    return ApiProblem(422, "refused", str(refused), str(refused).partition(": ")[2])


def of_http(error: HTTPException) -> ApiProblem:
    """An error of the frame: an address that does not exist, a body that is too large."""
    codes = {401: "unauthorised", 403: "forbidden", 404: "not_found", 405: "method", 413: "too_large"}
    status = error.code or 500
    remedy = {
        403: "give the key the scope that the reference page names for this address, and its owner this right",
        404: "look the address up in /api/v1/openapi.json",
        413: "send a smaller body, or several requests",
    }.get(status, "look the request up in /api/v1/openapi.json")
    return ApiProblem(status, codes.get(status, "invalid"), error.description or "", remedy)


def register(blueprint: Blueprint) -> None:
    """Every error inside the interface is answered in this form."""

    @blueprint.errorhandler(ApiProblem)
    def _own(problem: ApiProblem) -> Response:
        return answer(problem)

    @blueprint.errorhandler(Refusal)
    def _refused(refused: Refusal) -> Response:
        return answer(of_refusal(refused))

    @blueprint.errorhandler(IntegrityError)
    def _collided(_error: IntegrityError) -> Response:
        return answer(
            ApiProblem(409, "conflict", "somebody else stored the same meanwhile", "read it, then try again")
        )

    @blueprint.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Any:
        if isinstance(error, InternalServerError) or error.response is not None:
            return error
        response = answer(of_http(error))
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
        return response


def log_refused(what: str) -> None:
    """A line for whoever looks after the installation, without keys or values."""
    current_app.logger.info("api: %s", what)
