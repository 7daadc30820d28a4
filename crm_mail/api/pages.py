"""The blueprint of the pages: keys and reference."""

from flask import Blueprint

pages = Blueprint("api_pages", __name__)
