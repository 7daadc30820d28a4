"""The reference of the interface as a page of our own: made of the published description, without a script."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template

from crm_mail.api.openapi import describe
from crm_mail.api.problems import CODES
from crm_mail.api.resources import interface
from crm_mail.permissions import Permission, requires
from crm_mail.web.door import installation

_WORDS = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
}


def type_words(schema: dict[str, Any]) -> str:
    """A schema in a word or two: ``text``, ``list of Address``, ``a, b or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_words(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(str(one) or "(empty)" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}))}"
    if schema.get("type") == "null":
        return "null"
    known = {"date": "day (2026-11-30)", "date-time": "time with zone"}
    words = known.get(schema.get("format", ""))
    return words or _WORDS.get(str(schema.get("type", "")), "anything")


def add_reference_routes(bp: Blueprint, version: Callable[[], str]) -> None:
    """Where the reference is."""

    @bp.get("/api-reference")
    @requires(Permission.SIGNED_IN)
    def reference() -> str:
        """Every address, what it takes, what it answers."""
        told = describe(interface, version())
        groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in told["tags"]}
        for path, methods in told["paths"].items():
            for method, one in methods.items():
                groups[one["tags"][0]].append(one | {"method": method.upper(), "path": path})
        return render_template(
            "api/reference.html",
            groups=groups,
            schemas=dict(sorted(told["components"]["schemas"].items())),
            type_words=type_words,
            codes=CODES,
            base=f"{installation().settings.resolved_public_url}/api/v1",
        )
