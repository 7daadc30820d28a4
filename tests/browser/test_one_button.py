"""One button in a real browser: from a document's page to the sentence that says to whom it went (PD-7, PD-8)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.office import ADMINISTRATOR, Office
from tests.browser.watched import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_document_is_sent_from_its_own_page_and_the_page_says_to_whom(
    demo: Office, window: Callable[..., Watched]
) -> None:
    anna = window(demo.url, width=390, height=844, expected=(422,))
    anna.sign_in(ADMINISTRATOR)
    anna.go("/documents?q=102%2FA")
    anna.page.locator("tr[data-row] a[data-open]").first.click()
    before = anna.page.locator("#sent-to [data-row]").count()
    anna.button("Send by e-mail").press("Enter")
    anna.page.wait_for_url("**/send")
    address = anna.page.locator("#send-live .preview-facts .strong").first.inner_text()
    expect(anna.page.locator("#send-live")).to_contain_text("This recipient was sent")
    confirm = anna.page.locator("#confirm button.btn-primary")
    confirm.press("Enter")
    expect(anna.page.locator("#confirm")).to_contain_text("Tick that it is to be sent again")
    assert not [*anna.flaws(), *anna.barriers()]
    anna.page.locator("#again").press("Space")
    confirm.press("Enter")
    expect(anna.page.locator("#send-live")).to_contain_text(f"It went to {address}")
    anna.page.locator("#send-live a.btn[href*='/documents/']").press("Enter")
    expect(anna.page.locator("#sent-to [data-row]")).to_have_count(before + 1)
    expect(anna.page.locator("#sent-to [data-row]").first).to_contain_text(address)
