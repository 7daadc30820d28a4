"""The published description (OpenAPI 3.1), made of the very values that read requests and write answers."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from crm_mail.api.operations import Answer, Interface, Operation, Taken
from crm_mail.api.problems import CODES

TITLE = "CRM Mail"
PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"
_ALWAYS = (400, 401, 403, 422, 429)
_WORDS = {
    400: "The request was not understood.",
    401: "No key, or none that works.",
    403: "The key's scopes and its owner's rights together do not allow this.",
    404: "It does not exist, or not for this key.",
    409: "The present state does not allow it.",
    410: "The stored file is missing or damaged.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    422: "A value is wrong; `errors` names each field and the remedy.",
    429: "The key's minute is spent; `Retry-After` says when the next one begins.",
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. " + " ".join(f"`{code}`: {words}" for code, words in CODES.items()),
    "properties": {
        "type": {"type": "string", "examples": ["urn:crm-mail:problem:invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and where."},
        "remedy": {"type": "string", "description": "What to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("field", "message", "remedy")},
                "required": ["field", "message", "remedy"],
            },
        },
    },
    "required": ["title", "status", "detail"],
}
_RATE_HEADERS = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "Requests of a minute."},
    "RateLimit": {"schema": {"type": "string"}, "description": "What is left, and for how many seconds."},
}


def describe(interface: Interface, version: str) -> dict[str, Any]:
    """The whole description.

    Args:
        version: of the product.
    """
    return _describe(tuple(interface.operations), version)


@lru_cache(maxsize=4)
def _describe(operations: tuple[Operation, ...], version: str) -> dict[str, Any]:
    schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(_path(operation.path), {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "description": "The same services, rights, privacy levels and audit as the pages. Times are UTC.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of the page “API keys”; cookies mean nothing here.",
                }
            },
            "schemas": {**{name: schema for name, schema in schemas["$defs"].items()}, "Problem": _PROBLEM},
        },
    }


def _models(operations: Iterable[Operation]) -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], str], None] = {}
    for operation in operations:
        if operation.body is not None:
            found[operation.body, "validation"] = None
        for one in operation.answers:
            if one.model is not None:
                found[one.model, "serialization"] = None
    return list(found)


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    models = _models(operations)
    refs, document = models_json_schema(models, ref_template=_REF)
    return {"$defs": document.get("$defs", {}), "refs": refs}


def _path(rule: str) -> str:
    return rule.replace("<int:", "{").replace("<", "{").replace(">", "}")


def _operation(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.description, f"Scope: `{operation.scope.value}`."))),
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query)],
        "responses": _responses(operation, schemas),
        "x-scope": operation.scope.value,
    }
    if operation.method in ("POST", "PUT", "PATCH", "DELETE"):
        told["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Makes a repetition safe: the first answer is given again, and nothing is done twice.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
            }
        )
    if operation.body is not None:
        content = {"application/json": {"schema": schemas["refs"][operation.body, "validation"]}}
        if operation.takes_files:
            content["multipart/form-data"] = {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "contentMediaType": "application/*"},
                        }
                    },
                    "required": ["file"],
                }
            }
        told["requestBody"] = {"required": True, "content": content}
    return told


def _path_parameters(rule: str) -> list[dict[str, Any]]:
    found = []
    for part in rule.split("/"):
        if not part.startswith("<"):
            continue
        kind, _, name = part[1:-1].rpartition(":")
        schema: dict[str, Any] = {
            "type": "string",
            "minLength": 1,
            "maxLength": 100,
            "pattern": "^[a-z0-9_-]+$",
        }
        if kind == "int":
            schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _query_parameters(model: type[Taken] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    needed = set(schema.get("required", ()))
    definitions = schema.get("$defs", {})
    found = []
    for name, part in schema.get("properties", {}).items():
        plain = _without_refs(part, definitions)
        given = {"name": name, "in": "query", "required": name in needed, "schema": plain}
        if "description" in plain:
            given["description"] = plain.pop("description")
        found.append(given)
    return found


def _without_refs(part: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema by itself; an argument cannot be null, it is left out."""
    if isinstance(part, list):
        return [_without_refs(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _without_refs(definitions[part["$ref"].rpartition("/")[2]], definitions)
    made = {name: _without_refs(value, definitions) for name, value in part.items() if name != "title"}
    choices = [one for one in made.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del made["anyOf"]
        made |= choices[0]
    if made.get("default", ...) is None:
        del made["default"]
    return made


def _responses(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    told = {str(one.status): _answer(one, schemas) for one in operation.answers}
    taken = {415} if operation.body is not None else set()
    for status in sorted({*_ALWAYS, *operation.refusals, *taken}):
        told[str(status)] = {
            "description": _WORDS[status],
            "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    return told


def _answer(one: Answer, schemas: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": one.description, "headers": dict(_RATE_HEADERS)}
    if one.has_location:
        told["headers"]["Location"] = {"schema": {"type": "string"}, "description": "Its own address."}
    if one.model is not None:
        told["content"] = {one.mime: {"schema": schemas["refs"][one.model, "serialization"]}}
    elif one.mime:
        told["content"] = {one.mime: {"schema": {"type": "string", "contentMediaType": one.mime}}}
    return told
