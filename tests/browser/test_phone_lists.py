"""Lists on a phone: the first row stands on the first screen, and the filters open when they are asked for."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.office import ADMINISTRATOR, Office
from tests.browser.watched import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(
    ("address", "field"), [("/contacts/", "#filter-city"), ("/documents/", "#filter-type")]
)
def test_the_list_begins_on_the_first_screen_and_filters_wait_behind_a_button(
    demo: Office, window: Callable[..., Watched], address: str, field: str
) -> None:
    anna = window(demo.url, width=390, height=844)
    anna.sign_in(ADMINISTRATOR)
    anna.go(address)
    first = anna.page.locator("tr[data-row]").first.bounding_box()
    assert first
    assert first["y"] < 844 * 0.6
    expect(anna.page.locator(field)).to_be_hidden()
    anna.page.locator(".filter-fold > summary").click()
    expect(anna.page.locator(field)).to_be_visible()
    assert not [*anna.flaws(), *anna.barriers()]


def test_a_document_stands_with_its_customer_and_the_code_beside_it(
    demo: Office, window: Callable[..., Watched]
) -> None:
    anna = window(demo.url, width=390, height=844)
    anna.sign_in(ADMINISTRATOR)
    anna.go("/documents/?q=911")
    row = anna.page.locator("tr[data-row]").first
    name, code = (row.locator(f".cell-who {one}").bounding_box() for one in ("a", "small"))
    kind = row.locator("td", has_text="Delivery note").first.bounding_box()
    assert name
    assert code
    assert kind
    assert 0 <= code["x"] - (name["x"] + name["width"]) < 12
    assert name["y"] < kind["y"]
