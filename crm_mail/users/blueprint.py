"""The room's blueprint, shared by its files of views."""

from flask import Blueprint

blueprint = Blueprint("users", __name__)
