"""While somebody commits the list changes; while something is sent servers fail."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from crm_mail.installation import Installation
from crm_mail.schema import upgrade
from tests.browser.office import ADMINISTRATOR, REVIEWER, Office
from tests.browser.watched import Watched
from tests.delivery.servers import Faults, FaultyServer
from tests.factories import make_account, make_company, make_document, make_party

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

RECIPIENTS = {
    "here@customer.example": "ordinary",
    "gone@customer.example": "ordinary",
    "certified@pec.example": "pec",
}
REFUSAL = "550 5.1.1 <gone@customer.example>: Recipient address rejected"


def test_a_list_that_changed_since_it_was_looked_at_is_shown_before_anything_leaves(
    demo: Office, window: Callable[..., Watched]
) -> None:
    """IT-12, PM-14: one leaves out and one corrects while the other is about to commit."""
    run_id = demo.prepare("Two tabs", code_from="000107", code_to="000110", again=True)
    anna, carla = window(demo.url, expected=(409, 422)), window(demo.url)
    anna.sign_in(ADMINISTRATOR)
    carla.sign_in(REVIEWER)
    anna.go(f"/outbox/{run_id}/commit")
    send = anna.page.locator("#commit button.btn-primary")
    ready = int(re.sub(r"\D", "", send.inner_text()))
    carla.go(f"/outbox/{run_id}")
    carla.page.locator("[data-select-row]").first.check()
    carla.page.locator("#bulk").get_by_role("button", name="Leave out").click()
    carla.page.get_by_role("dialog", name="Leave messages out").get_by_role(
        "button", name="Leave out"
    ).click()
    expect(carla.page.locator("#run-counts")).to_contain_text("1 left out by hand")
    send.click()
    changed = anna.page.get_by_text("The list changed. Nothing was sent yet.")
    expect(changed).to_be_visible()
    expect(anna.page.locator("#commit")).to_contain_text(
        f"{ready} messages were ready when the page was opened; now there are {ready - 1}."
    )
    anna.shot("changed-list")
    carla.page.locator("tr[data-row]").last.get_by_role("link").click()
    carla.page.locator("#pane").get_by_role("link", name="Edit", exact=True).click()
    carla.page.locator("#pane #subject").fill("Corrected meanwhile")
    carla.page.locator("#pane").get_by_role("button", name="Save").click()
    expect(carla.page.locator("#pane .preview-subject")).to_have_text("Corrected meanwhile")
    send.click()
    expect(anna.page.locator("#commit")).to_contain_text("A message was corrected")
    send.click()
    anna.page.wait_for_url("**/progress")
    expect(anna.page.locator("#run-live")).to_contain_text("100% done", timeout=60_000)
    expect(anna.page.locator("#run-live")).to_contain_text(f"{ready - 1} of {ready - 1}")


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[tuple[Office, FaultyServer, FaultyServer]]:
    """An office with two accounts: a server that refuses one recipient, and a PEC server that is down."""
    folder = tmp_path / "office"
    folder.mkdir()
    office = Office(folder)
    upgrade(office.home.database)
    office.add_user(ADMINISTRATOR, is_admin=True, clearance=3)
    ordinary = FaultyServer(Faults(replies={"RCPT gone@customer.example": REFUSAL}))
    certified = FaultyServer(Faults(hang_up={"GREETING"}))
    with ordinary, certified:
        with office.home.database.write() as session:
            fill(session, office.home, ordinary.port, certified.port)
        with office:
            yield office, ordinary, certified


def fill(session: Session, home: Installation, ordinary: int, certified: int) -> None:
    company = make_company(session, undo_seconds=0)
    make_account(session, company, name="Administration", port=ordinary, from_address="office@acme.example")
    make_account(
        session, company, name="Certified", port=certified, kind="pec", from_address="office@pec.acme.example"
    )
    sha256 = home.store.put(b"%PDF-1.7 a courtesy copy")
    for email, kind in RECIPIENTS.items():
        party = make_party(
            session, company, email=email, email_kind=kind, name=email.split("@")[0].title() + " S.r.l."
        )
        make_document(session, party, files=(("invoice.pdf", sha256, 24),))


def test_failures_are_grouped_by_cause_and_only_they_are_tried_again(
    faulty: tuple[Office, FaultyServer, FaultyServer], window: Callable[..., Watched]
) -> None:
    """RP-9, RP-10, RP-12, PM-19: a refused recipient, a server that is down; each comes back on its own."""
    office, ordinary, certified = faulty
    run_id = office.prepare("Faults")
    anna = window(office.url)
    anna.sign_in(ADMINISTRATOR)
    anna.go(f"/outbox/{run_id}/commit")
    anna.page.locator("#commit button.btn-primary").click()
    anna.page.wait_for_url("**/progress")
    live = anna.page.locator("#run-live")
    expect(live).to_contain_text("2 of 3", timeout=60_000)
    anna.shot("faults-progress")
    assert not certified.received
    certified.faults.hang_up = set()
    expect(live).to_contain_text("100% done", timeout=120_000)
    anna.link("Show the report").click()
    group = anna.page.locator(".report-group")
    expect(group).to_have_count(1)
    expect(group).to_contain_text("550 5.1.1")
    expect(group).to_contain_text("What to do:")
    anna.shot("faults-report")
    ordinary.faults.replies.clear()
    group.get_by_role("button", name="Retry these").click()
    anna.go(f"/outbox/{run_id}/progress")
    expect(live).to_contain_text("3 of 3", timeout=60_000)
    anna.go(f"/outbox/{run_id}/report")
    expect(anna.page.get_by_text("No message failed.")).to_be_visible()
    anna.shot("faults-mended")
    heard = sorted(recipients for recipients, _content in ordinary.received)
    assert heard.count(("here@customer.example",)) == heard.count(("gone@customer.example",)) == 1
    assert [recipients for recipients, _content in certified.received] == [("certified@pec.example",)]
