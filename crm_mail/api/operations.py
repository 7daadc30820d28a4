"""One address of the interface: its route, its rights, what it takes and what it answers, all said once.

The description that is published (`openapi`) is made of the same values that read the request and write the answer, so
that it cannot say something else than the code does.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, get_args, get_origin

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from crm_mail.api.problems import ApiProblem, not_found, of_validation, wrong
from crm_mail.permissions import Permission, requires

LARGEST_ID = 2**63 - 1
F = TypeVar("F", bound=Callable[..., Any])


def _has_bad_character(value: Any) -> bool:
    """A zero byte, or half of a pair: no database keeps them."""
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= one <= "\udfff" for one in value)
    if isinstance(value, Mapping):
        return any(_has_bad_character(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return any(_has_bad_character(one) for one in value)
    return False


_SUSPICIOUS = re.compile(rb"\\u(0000|d[89a-f])", re.IGNORECASE)
"""Escapes in a body that may stand for such a character; only then it is looked through."""


def _bad_character(where: str) -> ApiProblem:
    return wrong(where, "a text holds the character U+0000 or half a surrogate pair", "leave it out")


class Taken(BaseModel):
    """What a request carries: unknown fields are refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Given(BaseModel):
    """What an answer carries."""

    model_config = ConfigDict(from_attributes=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer. ``model`` None and a ``mime``: bytes; neither: nothing."""

    status: int
    description: str
    model: type[BaseModel] | None = None
    mime: str = "application/json"
    has_location: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    scope: Permission
    query: type[Taken] | None
    body: type[BaseModel] | None
    takes_files: bool
    answers: tuple[Answer, ...]
    refusals: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Reply:
    """What a view returns when its answer is not the first of its operation."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Interface:
    """The addresses of one version."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        path: str,
        *,
        tag: str,
        scope: Permission,
        answers: Sequence[Answer],
        query: type[Taken] | None = None,
        body: type[BaseModel] | None = None,
        takes_files: bool = False,
        refusals: Sequence[int] = (),
        is_frequent: bool = False,
    ) -> Callable[[F], F]:
        """Publish a view: its docstring's first line is the summary, the rest the description.

        Args:
            scope: without it the answer is 403; the services check the very company and document type.
            query, body: read and checked before the view, which is given them under these names.
            takes_files: the body may also be ``multipart/form-data`` with files; the view reads them itself.
            refusals: further statuses, beside those that every address may answer.
            is_frequent: asked many times a second: the key's rights may be those of a moment ago (`known_keys`).
        """

        def publish(view: F) -> F:
            summary, _, rest = (view.__doc__ or "").strip().partition("\n")
            operation = Operation(
                view.__name__,
                method,
                path,
                tag,
                summary.strip().rstrip("."),
                " ".join(rest.split()),
                scope,
                query,
                body,
                takes_files,
                tuple(answers),
                tuple(refusals),
            )
            self.operations.append(operation)
            guarded: Any = requires(scope)(_serve(operation, view))
            guarded.is_frequent = is_frequent  # the door asks it
            self.blueprint.add_url_rule(path, view.__name__, guarded, methods=[method])
            return view

        return publish


def _serve(operation: Operation, view: Callable[..., Any]) -> Callable[..., Response]:
    @wraps(view)
    def served(**ids: Any) -> Response:
        for name, value in ids.items():
            if isinstance(value, int) and value > LARGEST_ID:
                raise not_found(name.removesuffix("_id").replace("_", " "), value)
        given = dict(ids)
        if operation.query is not None:
            given["query"] = read_query(operation.query)
        if operation.body is not None and not (operation.takes_files and request.files):
            given["body"] = read_body(operation.body)
        return _respond(operation, view(**given))

    return served


def _respond(operation: Operation, value: Any) -> Response:
    if isinstance(value, Response):
        return value
    usual = operation.answers[0]
    reply = value if isinstance(value, Reply) else Reply(value, usual.status)
    if reply.value is None:
        response = Response(status=reply.status)
        response.headers.pop("Content-Type", None)
    else:
        response = Response(reply.value.model_dump_json(), reply.status, mimetype="application/json")
    response.headers.update(reply.headers)
    return response


def _takes_several(model: type[BaseModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation
    return any(get_origin(one) in (list, tuple) for one in (annotation, *get_args(annotation)))


def read_query(model: type[Taken]) -> Taken:
    """The arguments behind the question mark; lists are given by repeating the name.

    Raises:
        ApiProblem: naming the argument.
    """
    names = {info.alias or name: name for name, info in model.model_fields.items()}
    values: dict[str, Any] = {}
    for given in request.args:
        if given not in names:
            known = ", ".join(sorted(names)) or "none"
            raise wrong(f"?{given}", "this address does not know it", f"remove it; known are: {known}")
        several = request.args.getlist(given)
        if len(several) > 1 and not _takes_several(model, names[given]):
            raise wrong(f"?{given}", "it is given more than once", "give it once")
        values[given] = several if _takes_several(model, names[given]) else several[0]
    if _has_bad_character(values):
        raise _bad_character("?")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise of_validation(error, "?") from None


def read_body(model: type[BaseModel]) -> BaseModel:
    """The JSON of the request.

    Raises:
        ApiProblem: it is no JSON, or not what the address takes.
    """
    if request.mimetype != "application/json":
        raise ApiProblem(
            415,
            "media_type",
            "the body must be JSON",
            "send it with the header Content-Type: application/json",
        )
    data = request.get_data(cache=True)
    try:
        found = model.model_validate_json(data)
    except ValidationError as error:
        raise of_validation(error) from None
    if _SUSPICIOUS.search(data) and _has_bad_character(json.loads(data)):
        raise _bad_character("body")
    return found
