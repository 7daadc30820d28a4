"""Pages of the reports room."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the room's pages."""
