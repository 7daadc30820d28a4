"""Decisions in the pane of the review, one after the other, in a browser that may complain about none of them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import ADMINISTRATOR, Office
from tests.browser.watched import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_AS_EXTENSIONS_DO = """() => document.querySelectorAll('input, button, a').forEach((one) => {
  one.style.setProperty('caret-color', 'auto');
})"""


def shown(page: Page) -> str:
    return page.locator("#pane [data-message]").get_attribute("data-message") or ""


def open_row(page: Page, number: int) -> str:
    row = page.locator("tr[data-row]").nth(number)
    id_ = row.get_attribute("data-row") or ""
    row.locator("a[data-open]").click()
    expect(page.locator("#pane [data-message]")).to_have_attribute("data-message", id_)
    return id_


def leave_out(page: Page, reason: str) -> None:
    page.locator("#pane .preview-bar").get_by_role("button", name="Leave out").click()
    dialog = page.get_by_role("dialog", name="Leave the message out")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name="Leave out").click()
    expect(dialog).to_be_hidden()


def test_decisions_leave_counts_in_place_and_the_console_empty(
    demo: Office, window: Callable[..., Watched]
) -> None:
    """Password managers style the fields of a page: htmx must not carry such styles over, the policy forbids it."""
    run_id = demo.prepare("One by one", code_from="000101", code_to="000104", again=True)
    anna = window(demo.url)
    anna.sign_in(ADMINISTRATOR)
    page, counts = anna.page, anna.page.locator("#run-counts")
    anna.go(f"/outbox/{run_id}")
    not_in_run = counts.get_by_role("link", name="not in this run")
    expect(not_in_run).to_be_visible()
    second = open_row(page, 1)
    page.evaluate(_AS_EXTENSIONS_DO)
    leave_out(page, "delivered by hand")
    row = page.locator(f"#row-{second}")
    expect(row).to_contain_text("delivered by hand")
    expect(counts).to_contain_text("1 left out by hand")
    expect(not_in_run).to_be_visible()
    anna.shot("pane-left-out")
    third = shown(page)
    open_row(page, 0)
    page.evaluate(_AS_EXTENSIONS_DO)
    page.locator("#pane").get_by_role("button", name="Approve and next").click()
    expect(page.locator("#pane [data-message]")).to_have_attribute("data-message", third)
    open_row(page, 1)
    page.evaluate(_AS_EXTENSIONS_DO)
    page.locator("#pane").get_by_role("button", name="Put back").click()
    expect(row).to_contain_text("Ready")
    expect(not_in_run).to_be_visible()
