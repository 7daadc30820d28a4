"""A small application that has only crm_mail.web, a gallery of all components, and routes that fail on purpose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask, abort, flash, render_template, request
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect, FlaskForm
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.serving import make_server
from wtforms import BooleanField, FileField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from crm_mail import web
from crm_mail.permissions import Permission, PermissionDenied
from crm_mail.web.shell import CompanyChoice, NavItem, Shell, provide_shell

ROOT = Path(__file__).resolve().parents[2]
NAV = (
    ("Dashboard", "layout-dashboard"), ("Contacts", "address-book"), ("Documents", "file-text"),
    ("Prepare", "wand"), ("Outbox", "send"), ("Texts", "template"), ("Accounts", "at"),
    ("Reports", "chart-bar"), ("Settings", "settings"),
)  # fmt: skip
ROWS = [
    ("Rossi Mario S.r.l.", "amministrazione@rossi.example.com", "pending", Decimal("1234.50")),
    (
        "Ferreteria Núñez y Compañía",
        "facturas.muy.largas@nunez-y-compania.example.es",
        "withheld",
        Decimal(98),
    ),
    ("Bianchi & Figli", "bianchi@pec.example.it", "sent", Decimal("-12.30")),
]


class GalleryForm(FlaskForm):  # type: ignore[misc]
    """One field of each kind; submitted empty it shows its errors."""

    name = StringField("Name", validators=[DataRequired()])
    kind = SelectField(
        "Kind", choices=[SelectChoice("customer", "Customer"), SelectChoice("supplier", "Supplier")]
    )
    note = TextAreaField("Note")
    file = FileField("File")
    active = BooleanField("Active", description="Blocked parties receive nothing")
    channel = RadioField("Channel", choices=[SelectChoice("pec", "PEC"), SelectChoice("smtp", "Ordinary")])


def make_shell() -> Shell:
    company = CompanyChoice("1", "SM02", "Sanmarco Srl")
    return Shell(
        nav=[NavItem("gallery", label, icon, label == "Outbox", 12 * (label == "Outbox")) for label, icon in NAV],
        search_url="/gallery", sending="active", sending_url="/gallery",
        companies=[company, CompanyChoice("2", "SM03", "Sanmarco Iberia")], company=company,
        company_switch_url="/gallery", user_name="Anna Neri", user_email="anna@example.com",
        account_url="/gallery", logout_url="/gallery", test_mode_to="test@example.com", outbox_url="/gallery?outbox=1",
    )  # fmt: skip


def make_app() -> Flask:
    app = Flask("gallery", template_folder=str(ROOT / "templates"), static_folder=None)
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(Path(__file__).parent / "templates")]
    )
    app.config.update(SECRET_KEY="gallery", MAX_CONTENT_LENGTH=1000)
    CSRFProtect(app)
    web.init_app(app)
    provide_shell(app, make_shell)

    @app.route("/gallery", methods=["GET", "POST"])
    def gallery() -> tuple[str, int]:
        form = GalleryForm()
        valid = form.validate_on_submit()
        if request.args.get("flash"):
            flash("Contact saved.", "success")
        page = render_template("gallery.html", form=form, rows=ROWS, now=dt.datetime.now(dt.UTC))
        return page, 200 if valid or request.method == "GET" else 422

    @app.get("/status/<int:code>")
    def status(code: int) -> str:
        abort(code)

    @app.get("/refused")
    def refused() -> str:
        raise PermissionDenied(Permission.OUTBOX_COMMIT)

    @app.get("/broken")
    @app.get("/api/broken")
    def broken() -> str:
        raise RuntimeError("secret detail")

    app.add_url_rule("/poll", view_func=lambda: '<div id="polled" data-announce="Half">fresh</div>')
    return app


@pytest.fixture(scope="session")
def gallery_app() -> Flask:
    """Made once: most of a test's time would go into its templates."""
    return make_app()


@pytest.fixture
def web_app(gallery_app: Flask) -> Iterator[Flask]:
    config = dict(gallery_app.config)
    yield gallery_app
    gallery_app.config.update(config)


@pytest.fixture
def web_client(web_app: Flask) -> FlaskClient:
    return web_app.test_client()


@pytest.fixture(scope="session")
def gallery_url() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
