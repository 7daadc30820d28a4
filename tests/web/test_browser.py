"""The gallery of all components in a real Chromium: accessible, fits every width, and the scripts do their work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = pytest.mark.browser
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
AXE = (Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js").read_text(encoding="utf-8")
SHOTS = os.environ.get("GALLERY_SHOTS")
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page wrote to the console: broken scripts and blocked (CSP) things."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-GB")
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(30_000)
    yield opened
    context.close()


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    result = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", STANDARDS)
    return [
        f"{found['id']}: {node['target']} {node['any'][0]['message'] if node['any'] else node['html'][:120]}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


def open_gallery(page: Page, url: str, theme: str = "light", errors: bool = False) -> None:
    page.context.add_cookies([{"name": "crm_theme", "value": theme, "url": url}])
    page.goto(f"{url}/gallery?flash=1")
    if errors:
        page.locator("form[novalidate] .btn-primary").click()
        page.wait_for_selector(".error-summary")
    page.wait_for_selector(".has-js")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 768, 390, 320])
def test_the_gallery_is_accessible_and_fits_in_every_theme_and_width(
    page: Page, gallery_url: str, complaints: list[str], theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_gallery(page, gallery_url, theme)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{theme}-{width}.png", full_page=True)
    assert not (found := violations(page)), "\n".join(found)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_refused_form_and_an_open_dialog_are_accessible(page: Page, gallery_url: str, theme: str) -> None:
    open_gallery(page, gallery_url, theme, errors=True)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{theme}-errors.png", full_page=True)
    assert page.evaluate("document.activeElement.className").endswith("error-summary")
    page.get_by_role("region", name="Notices").get_by_role("button", name="Close").click()
    page.evaluate("window.scrollTo(0, 0)")
    assert not (found := violations(page)), "\n".join(found)
    page.get_by_role("button", name="Send 341 messages").click()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{theme}-dialog.png")
    assert not (found := violations(page)), "\n".join(found)


def test_the_dialog_gives_the_focus_back_to_its_opener(page: Page, gallery_url: str) -> None:
    open_gallery(page, gallery_url)
    opener = page.get_by_role("button", name="Send 341 messages")
    opener.click()
    assert page.locator("#commit").evaluate("d => d.matches(':modal')")
    page.keyboard.press("Escape")
    assert opener.evaluate("b => b === document.activeElement")


def test_selecting_a_range_with_shift_and_all_matching_sets_the_scope(page: Page, gallery_url: str) -> None:
    open_gallery(page, gallery_url)
    boxes = page.locator("[data-select-row]")
    assert not page.locator("[data-select-bar]").is_visible()
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    assert page.locator("[data-select-row]:checked").count() == 3
    assert page.locator("[data-select-count]").text_content() == "3 on this page selected"
    page.locator("[data-select-all]").click()
    assert page.locator("[data-select-scope]").input_value() == "all"
    assert page.locator("[data-select-count]").text_content() == "All 1,284 matching selected"
    boxes.nth(1).click()
    assert page.locator("[data-select-scope]").input_value() == "page"


def test_keys_move_and_select_rows_but_not_while_typing(page: Page, gallery_url: str) -> None:
    open_gallery(page, gallery_url)
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("tr.is-current").get_attribute("data-row") == "2"
    assert page.locator("[data-select-row]").nth(1).is_checked()
    page.keyboard.press("/")
    page.keyboard.type("jx?")
    assert page.locator("#global-search").input_value() == "jx?"
    assert page.locator("tr.is-current").get_attribute("data-row") == "2"
    page.locator("h1").click()
    page.keyboard.press("?")
    assert page.locator("#shortcuts").evaluate("d => d.open")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/gallery?outbox=1")


def test_a_polled_part_is_replaced_and_announced(page: Page, gallery_url: str) -> None:
    open_gallery(page, gallery_url)
    page.evaluate(
        """() => {
        const main = document.querySelector('#main');
        const part = '<div id="polled" data-poll="/poll" data-poll-seconds="0.05">old</div>';
        main.insertAdjacentHTML('beforeend', part);
        document.dispatchEvent(new CustomEvent('htmx:afterSettle', {detail: {elt: main}}));
        }"""
    )
    expect(page.locator("#polled")).to_have_text("fresh")
    expect(page.locator("#live")).to_have_text("Half")


def test_the_theme_changes_at_once_and_is_remembered(page: Page, gallery_url: str) -> None:
    open_gallery(page, gallery_url)
    page.locator("summary[aria-label='Theme']").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_load_state()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    assert any(c["name"] == "crm_theme" and c["value"] == "dark" for c in page.context.cookies())


def test_the_system_theme_is_followed_when_nothing_was_chosen(browser: Browser, gallery_url: str) -> None:
    context = browser.new_context(color_scheme="dark")
    opened = context.new_page()
    opened.goto(f"{gallery_url}/gallery")
    assert opened.locator("html").get_attribute("data-bs-theme") == "dark"
    context.close()


def test_the_page_works_without_javascript(browser: Browser, gallery_url: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="it-IT")
    opened = context.new_page()
    opened.goto(f"{gallery_url}/gallery")
    assert opened.locator("[data-select-bar]").is_visible()
    assert opened.get_by_role("button", name="Applica").is_visible()
    opened.locator("summary[aria-label^='Lingua']").click()
    opened.get_by_role("button", name="English").click()
    assert opened.locator("html").get_attribute("lang") == "en"
    assert opened.url.endswith("/gallery")
    context.close()
