"""Headers, language, theme, error pages, formats and addresses, through a small application."""

from __future__ import annotations

import datetime as dt
import logging
import re
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crm_mail.web import formats
from crm_mail.web.assets import STATIC_FOLDER, build_hash
from crm_mail.web.catalogs import compile_catalogs
from crm_mail.web.urls import local_path, sort_state, sort_url, url_with

ROOT = Path(__file__).resolve().parents[2]


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/gallery").text)
    assert found
    return found[1]


def test_every_page_carries_the_strict_policy_and_no_inline_style_or_script(web_client: FlaskClient) -> None:
    answer = web_client.get("/gallery")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style", answer.text)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_static_files_are_kept_for_a_year_under_an_address_that_follows_their_content(
    web_client: FlaskClient, tmp_path: Path
) -> None:
    path = re.search(r"/assets/\w+/app\.css", web_client.get("/gallery").text)
    assert path
    with web_client.get(path[0]) as answer:
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"]
    (tmp_path / "a.css").write_text("a{}")
    before = build_hash(tmp_path)
    (tmp_path / "a.css").write_text("b{}")
    assert build_hash(tmp_path) != before


def test_a_page_that_names_a_missing_asset_fails_at_once(web_app: Flask) -> None:
    with pytest.raises(KeyError, match=r"nothing\.css"):
        web_app.jinja_env.globals["asset"]("nothing.css")


def test_icons_named_in_templates_and_code_exist_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([^"]+)"', (STATIC_FOLDER / "icons.svg").read_text()))
    used = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"\bicon\('([a-z0-9-]+)'", path.read_text())
        + re.findall(r"icon_name='([a-z0-9-]+)'", path.read_text())
    }
    assert used - known == set()


@pytest.mark.parametrize(("header", "language"), [("it-IT,it", "it"), ("es", "es"), ("de", "en"), ("", "en")])
def test_the_language_is_the_browsers_when_nothing_was_chosen(
    web_client: FlaskClient, header: str, language: str
) -> None:
    page = web_client.get("/gallery", headers={"Accept-Language": header}).text
    assert f'<html lang="{language}"' in page


def test_a_chosen_language_stays_and_the_user_comes_back_to_the_same_page(web_client: FlaskClient) -> None:
    form = {"language": "it", "next": "/gallery?city=mi", "csrf_token": token(web_client)}
    answer = web_client.post("/preferences/language", data=form)
    assert answer.headers["Location"] == "/gallery?city=mi"
    assert "Vai al contenuto" in web_client.get("/gallery").text


def test_a_chosen_theme_is_written_by_the_server(web_client: FlaskClient) -> None:
    web_client.post("/preferences/theme", data={"theme": "dark", "csrf_token": token(web_client)})
    assert 'data-bs-theme="dark"' in web_client.get("/gallery").text


def test_an_unknown_language_is_refused(web_client: FlaskClient) -> None:
    answer = web_client.post(
        "/preferences/language", data={"language": "xx", "csrf_token": token(web_client)}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "", None, "x"]
)
def test_nobody_is_sent_to_another_site(path: str | None) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422, 429])
def test_error_pages_say_what_happened_in_the_language_of_the_user(
    web_client: FlaskClient, code: int
) -> None:
    english = web_client.get(f"/status/{code}")
    italian = web_client.get(f"/status/{code}", headers={"Accept-Language": "it"})
    assert english.status_code == italian.status_code == code
    assert re.search(r"<h1>(.+?)</h1>", english.text) != re.search(r"<h1>(.+?)</h1>", italian.text)
    assert 'lang="it"' in italian.text


def test_a_part_of_a_page_gets_a_short_error(web_client: FlaskClient) -> None:
    text = web_client.get("/nowhere", headers={"HX-Request": "true"}).text
    assert text.startswith("<p data-error-text>")


def test_a_refusal_of_a_service_is_a_403_page(web_client: FlaskClient) -> None:
    assert web_client.get("/refused").status_code == 403


def test_an_old_form_is_explained_and_changes_nothing(web_client: FlaskClient) -> None:
    answer = web_client.post("/gallery", data={})
    assert answer.status_code == 400
    assert "open for too long" in answer.text


def test_an_unexpected_error_shows_only_a_reference_that_the_log_has_too(
    web_client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = web_client.get("/broken")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    reference = re.search(r"<strong>([0-9A-F]{6})</strong>", answer.text)
    assert reference
    assert reference[1] in caplog.text
    assert "secret detail" in caplog.text


def test_the_api_gets_problem_json(web_client: FlaskClient) -> None:
    answer = web_client.get("/api/broken")
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == 500
    assert answer.json["reference"]


def test_a_form_with_errors_ties_each_error_to_its_field(web_app: Flask) -> None:
    web_app.config["WTF_CSRF_ENABLED"] = False
    answer = web_app.test_client().post("/gallery", data={"name": ""})
    assert answer.status_code == 422
    assert 'aria-describedby="name-hint name-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'href="#name"' in answer.text


MOMENT = dt.datetime(2026, 11, 21, 17, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("language", "filter_name", "value", "expected"),
    [
        ("it", "money", Decimal("1234.5"), "1.234,50\u00a0€"),
        ("en", "money", Decimal("1234.5"), "€1,234.50"),
        ("es", "money", Decimal("12345.6"), "12.345,60\u00a0€"),
        ("it", "date", dt.date(2026, 11, 21), "21/11/2026"),
        ("en", "datetime", MOMENT, "21/11/2026 18:05"),
        ("it", "number", 1284, "1.284"),
        ("it", "filesize", 3_400_000, "3,4\u00a0MB"),
        ("en", "filesize", 999, "999\u00a0B"),
        ("it", "percent", 0.125, "12,5%"),
        ("es", "duration", 240, "4 minutos"),
        ("it", "date", None, "–"),
    ],
)
def test_values_are_written_as_the_language_does(
    web_app: Flask, language: str, filter_name: str, value: object, expected: str
) -> None:
    with web_app.test_request_context(headers={"Accept-Language": language}):
        assert formats.FILTERS[filter_name](value) == expected


def test_an_address_breaks_before_its_at_and_after_dots_and_is_escaped(web_app: Flask) -> None:
    line = web_app.jinja_env.from_string("{{ address|breakable }}").render(address="<b>a.b@pec.example")
    assert line == "&lt;b&gt;a.<wbr>b<wbr>@pec.<wbr>example"


def test_a_time_without_a_zone_is_never_shown(web_app: Flask) -> None:
    with web_app.test_request_context(), pytest.raises(ValueError, match="time zone"):
        formats.FILTERS["datetime"](MOMENT.replace(tzinfo=None))


def test_another_filter_or_order_starts_at_the_first_page(web_app: Flask) -> None:
    with web_app.test_request_context("/list?city=mi&after=abc&sort=name"):
        assert url_with(city=None) == "/list?sort=name"
        assert url_with(after="def") == "/list?city=mi&sort=name&after=def"
        assert sort_state("name") == "ascending"
        assert sort_url("name") == "/list?city=mi&sort=-name"
        assert sort_url("date") == "/list?city=mi&sort=date"


def test_catalogs_are_compiled_when_missing_or_older(tmp_path: Path) -> None:
    source = tmp_path / "it" / "LC_MESSAGES" / "messages.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Yes"\nmsgstr "Sì"\n'
    )
    assert compile_catalogs(tmp_path) == [source.with_suffix(".mo")]
    assert compile_catalogs(tmp_path) == []


def test_an_unknown_icon_fails_in_tests_but_never_breaks_a_live_page(web_app: Flask) -> None:
    icon_url = web_app.jinja_env.globals["icon_url"]
    assert icon_url("no-such-icon").endswith("#no-such-icon")
    web_app.testing = True
    with pytest.raises(KeyError, match="no-such-icon"):
        icon_url("no-such-icon")
