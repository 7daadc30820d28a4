"""Guards of the house: each of them fails when somebody builds a page or a file that breaks a law of the house."""

import re
from pathlib import Path

import pytest
from flask import Flask

from crm_mail.permissions import Permission

ROOT = Path(__file__).resolve().parents[1]
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
SEGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*")
PUBLIC = {
    "static",  # Flask's own; the pages use /assets/, which WhiteNoise answers before Flask
    "users.login",
    "users.login_code",  # shows nothing but to whoever has given the password a moment ago
    "users.forgotten_password",  # one answer, whether the address is known or not
    "users.choose_password",  # whoever holds a link that works once: 256 random bits
    "users.begin_oidc",  # leads to the provider of the settings and nowhere else
    "users.finish_oidc",  # takes only the answer to a sign-in that this browser began
    "users.sign_out_at_provider",
    "users.oidc_refused",  # says why the browser that holds the answer was not let in
    "users.first_administrator",  # answers only while there are no users
    "preferences.set_language",
    "preferences.set_theme",
    "api.published_description",  # what addresses take and answer; no data
    "outbox.show_download",  # whoever holds a message's token: 256 random bits, which expire and can be revoked
    "outbox.download_file",
    "evidence.take_sms_inbound",  # a gateway that holds its account's signed token
    "evidence.take_sms_status",
    "outbox.show_preferences",  # whoever holds a message's signed token, which opens nothing but its own consents
    "outbox.save_preferences",
}
"""Every route that a guest may call. Think twice before adding one."""
FRAMED = {"texts_preview.html", "texts_preview_subject.html"}
"""Mails shown in a frame under their own policy (`security_headers.MAIL_POLICY`), with a mail's inline styles."""


def rules_of(app: Flask) -> list[tuple[str, str]]:
    return [(rule.endpoint, rule.rule) for rule in app.url_map.iter_rules()]


def test_every_route_names_its_permission_or_is_listed_as_public(app: Flask) -> None:
    unguarded = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if not isinstance(getattr(view, "permission", None), Permission)
    }
    assert unguarded <= PUBLIC, "a route without @requires"
    assert set(app.view_functions) >= PUBLIC, "a public route that is gone is still listed"


def test_public_routes_say_so_themselves(app: Flask) -> None:
    for endpoint in PUBLIC - {"static"}:
        assert hasattr(app.view_functions[endpoint], "permission"), f"{endpoint} lacks @public"


def test_paths_are_kebab_case(app: Flask) -> None:
    for endpoint, rule in rules_of(app):
        fixed = [part for part in re.sub(r"<[^>]+>", "0", rule).split("/") if part]
        assert all(SEGMENT.fullmatch(part) for part in fixed), f"{endpoint}: {rule}"


def test_templates_and_views_link_only_to_pages_that_exist(app: Flask) -> None:
    """A link that hides itself when its page is called otherwise is lost without anybody noticing."""
    named = re.compile(r"""\b(?:url_for|link)\(\s*["'](\w+\.\w+)["']""")
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "crm_mail").rglob("*.py")]
    wanted = {(one, path.name) for path in files for one in named.findall(path.read_text())}
    assert len(wanted) > 100
    assert [found for found in wanted if found[0] not in app.view_functions] == []


def test_ids_in_paths_have_a_type(app: Flask) -> None:
    for endpoint, rule in rules_of(app):
        for variable in re.findall(r"<([^>]+)>", rule):
            converter, _colon, name = variable.rpartition(":")
            if name == "id" or name.endswith("_id"):
                assert converter == "int", f"{endpoint}: {rule} has an id that is not a number"


@pytest.mark.parametrize("folder", ["crm_mail", "tests", "bench", "scripts"])
def test_no_module_is_a_drawer_for_everything(folder: str) -> None:
    names = {path for path in (ROOT / folder).rglob("*") if path.suffix == ".py" or path.is_dir()}
    assert not [str(path) for path in names if path.stem in BANNED_NAMES]


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in (ROOT / "crm_mail").rglob("*.py")
        if not path.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""', "# "))
    ]
    assert not silent


def test_pages_have_no_inline_styles_nor_scripts() -> None:
    """The Content-Security-Policy would block them silently; mails and PDFs are another matter."""
    inline = re.compile(
        r"\sstyle=|<style|\son(click|change|submit|input|load)=|<script(?![^>]*\ssrc=)|javascript:"
    )
    pages = [
        path
        for path in (ROOT / "templates").rglob("*.html")
        if path.relative_to(ROOT / "templates").parts[0] not in {"email", "pdf"} and path.name not in FRAMED
    ]
    assert pages
    assert not [path.relative_to(ROOT) for path in pages if inline.search(path.read_text(encoding="utf-8"))]


def test_every_form_that_posts_carries_its_token() -> None:
    form = re.compile(r"<form\b[^>]*method=\"post\"[^>]*>(.*?)</form>", re.DOTALL | re.IGNORECASE)
    token = re.compile(r"csrf_token|csrf\(\)|hidden_tag\(\)")
    lacking = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "templates").rglob("*.html")
        for body in form.findall(path.read_text(encoding="utf-8"))
        if not token.search(body)
    ]
    assert not lacking
