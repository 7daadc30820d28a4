"""Addresses made from the current one (filters, order and paging live there), and safe return paths."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Flask, request

CURSOR_ARGUMENTS = ("after", "before")


def url_with(**changes: object) -> str:
    """Return the current address with some query arguments changed.

    None or an empty string removes an argument, a list gives it several times. The paging cursors (`after`,
    `before`) are dropped unless given: another filter or order starts again at the first page.
    """
    arguments: dict[str, list[str]] = {
        name: values for name, values in request.args.lists() if name not in CURSOR_ARGUMENTS
    }
    for name, value in changes.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        arguments[name] = [str(one) for one in values if one is not None and one != ""]
    query = urlencode(arguments, doseq=True)
    return f"{request.path}?{query}" if query else request.path


def sort_state(key: str, default: str = "") -> str:
    """Return how the list is sorted by a column: 'ascending', 'descending' or 'none' (words of aria-sort)."""
    current = request.args.get("sort", default)
    if current == key:
        return "ascending"
    return "descending" if current == f"-{key}" else "none"


def sort_url(key: str, default: str = "") -> str:
    """Return the address that sorts by a column, or turns the order round when it is sorted by it already."""
    return url_with(sort=f"-{key}" if sort_state(key, default) == "ascending" else key)


def local_path(target: str | None, otherwise: str = "/") -> str:
    """Return a path to go back to, only when it is on this site (never `//host` or another scheme)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    return otherwise if any(ord(char) < 32 for char in target) or "\\" in target else target


def current_path() -> str:
    """Return the current path with its query, for forms that come back here afterwards."""
    if request.method != "GET":
        return local_path(request.path)
    return request.full_path.rstrip("?")


def init_app(app: Flask) -> None:
    """Give templates url_with, sort_url, sort_state and current_path."""
    app.jinja_env.globals.update(
        url_with=url_with, sort_url=sort_url, sort_state=sort_state, current_path=current_path
    )
