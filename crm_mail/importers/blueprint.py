"""The room's blueprint, shared by its files of views."""

from flask import Blueprint

blueprint = Blueprint("importers", __name__, url_prefix="/import")
