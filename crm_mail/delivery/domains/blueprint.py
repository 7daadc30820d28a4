"""The blueprint of the pages on what DNS knows."""

from flask import Blueprint

blueprint = Blueprint("domains", __name__, url_prefix="/accounts")
