"""Pages of the outbox room."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the room's pages."""
