"""The room's blueprint, shared by its files of views."""

from flask import Blueprint

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")
