"""From the dashboard to a sent run without a pointer; the focus is always somewhere, and can be seen."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import MessageState
from tests.browser.office import ADMINISTRATOR, Office
from tests.browser.watched import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return 'lost';
  const look = getComputedStyle(one);
  const shown = (look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== 'none';
  const around = one.closest('label') && getComputedStyle(one.closest('label'));
  if (!shown && !(around && around.outlineStyle !== 'none')) return 'invisible: ' + one.outerHTML.slice(0, 120);
  return '';
}"""


def press(page: Page, *keys: str) -> None:
    """Keys, one after the other; each waits until what the one before brought is in place."""
    for key in keys:
        page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-added')")
        page.keyboard.press(key)


def assert_focus(page: Page, after: str) -> None:
    """The focus is on something, which shows it."""
    until = time.monotonic() + 3
    while (trouble := page.evaluate(_FOCUS)) and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert not trouble, f"after {after}: {trouble}"


def tab_to(page: Page, words: str, limit: int = 80) -> None:
    """Tab until the focused element says these words."""
    for _ in range(limit):
        if words in page.evaluate(
            "() => document.activeElement.matches('a, button') ? document.activeElement.innerText : ''"
        ):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {words!r}")


def test_a_run_is_prepared_reviewed_and_sent_with_the_keyboard_alone(
    demo: Office, window: Callable[..., Watched]
) -> None:
    """IT-9, IT-10, BX-7: prepared by Tab and Enter; then j, k, x, Enter, e, a, d; no single key sends."""
    anna = window(demo.url)
    anna.sign_in(ADMINISTRATOR)
    page = anna.page
    run_id = prepare(page)
    press(page, "g", "o")
    page.wait_for_url("**/outbox")
    press(page, "j")
    assert_focus(page, "j in the list of runs")
    press(page, "Enter")
    page.wait_for_url(f"**/outbox/{run_id}")
    select_and_open(page)
    edit(page)
    approve_and_leave_out(page)
    anna.shot("keyboard-review")
    send(page)
    anna.shot("keyboard-progress")
    with demo.home.database.read() as session:
        run = session.get_one(Run, run_id)
        assert run.committed_at is not None
        states = {
            message.subject: message.state for message in session.query(Message).filter_by(run_id=run_id)
        }
    assert states["By keys alone"] is MessageState.SENT
    assert MessageState.WITHHELD in states.values()


def tab_into(page: Page, field: str, limit: int = 80) -> None:
    """Tab until a field has the focus."""
    for _ in range(limit):
        if page.evaluate("() => document.activeElement.name") == field:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to the field {field}")


def prepare(page: Page) -> int:
    """What was sent before, of the first customers; the run's id."""
    tab_to(page, "Prepare")
    press(page, "Enter")
    page.wait_for_url("**/prepare")
    tab_into(page, "sent")
    press(page, "ArrowDown")
    assert_focus(page, "choosing what was sent before")
    tab_to(page, "Next: to whom")
    press(page, "Enter")
    page.wait_for_url(re.compile(r"step=2"))
    tab_into(page, "code_to")
    page.keyboard.type("000103")
    press(page, "Enter")
    page.wait_for_url(re.compile(r"step=3"))
    tab_to(page, "documents")
    assert_focus(page, "Tab to the button that prepares")
    press(page, "Enter")
    page.wait_for_url(re.compile(r"/outbox/\d+$"))
    expect(page.locator("tr[data-row]").first).to_be_visible()
    return int(page.url.rpartition("/")[2])


def select_and_open(page: Page) -> None:
    press(page, "j", "j", "k")
    assert_focus(page, "j and k")
    current = page.locator("tr.is-current")
    expect(current).to_have_attribute(
        "data-row", page.locator("tr[data-row]").first.get_attribute("data-row") or ""
    )
    press(page, "x")
    expect(page.locator("[data-select-row]").first).to_be_checked()
    expect(page.locator("#bulk")).to_contain_text("1 on this page selected")
    press(page, "x")
    expect(page.locator("[data-select-row]").first).not_to_be_checked()
    press(page, "Enter")
    expect(page.locator("#pane .preview-subject")).to_be_visible()
    assert_focus(page, "Enter on a row")
    first = page.locator("#pane [data-message]").get_attribute("data-message")
    press(page, "j")
    expect(page.locator("#pane [data-message]")).not_to_have_attribute("data-message", first or "")
    assert_focus(page, "j with an open preview")
    press(page, "k")
    expect(page.locator("#pane [data-message]")).to_have_attribute("data-message", first or "")


def edit(page: Page) -> None:
    press(page, "e")
    expect(page.locator("#pane #subject")).to_be_focused()
    press(page, "Control+a")
    page.keyboard.type("By keys alone")
    press(page, "Enter")
    expect(page.locator("#pane .preview-subject")).to_have_text("By keys alone")
    assert_focus(page, "saving an edited message")


def approve_and_leave_out(page: Page) -> None:
    shown = page.locator("#pane [data-message]")
    first = shown.get_attribute("data-message") or ""
    press(page, "a")
    expect(shown).not_to_have_attribute("data-message", first)
    expect(page.locator("#run-counts")).to_contain_text("1 approved")
    assert_focus(page, "approving")
    second = shown.get_attribute("data-message") or ""
    press(page, "d")
    expect(page.get_by_role("dialog", name="Leave the message out").get_by_label("Reason")).to_be_focused()
    page.keyboard.type("not by keys")
    press(page, "Enter")
    expect(page.locator(f"#row-{second}")).to_have_class(re.compile(r"\bis-out\b"))
    expect(page.locator(f"#row-{second}")).to_contain_text("not by keys")
    assert_focus(page, "leaving out")


def send(page: Page) -> None:
    ready = page.locator("#run-actions a").inner_text().strip().rstrip("…")
    tab_to(page, ready)
    assert_focus(page, "Tab")
    press(page, "Enter")
    page.wait_for_url("**/commit")
    tab_to(page, ready)
    press(page, "Enter")
    page.wait_for_url("**/progress")
    expect(page.locator("#run-live")).to_contain_text("100% done", timeout=60_000)
