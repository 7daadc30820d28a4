"""The main job of a stranger, whole, in a real browser: an empty installation becomes a sent run and its report."""

import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm_mail.demo.main_job import SAMPLES
from crm_mail.sandbox.maildrop import Maildrop
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers, ServerInfo
from tests.browser.office import PASSWORD, Office
from tests.browser.watched import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UNDO_SECONDS = 5
CELLS = """\
party_code|party_name|VAT number|language|contact_name|contact_email|pec|subscriptions|Shoe size
000101|Ferrari Utensileria S.r.l.|IT02190340369|it|Paola Ferrari|paola@ferrari.example||invoice|38
000102|Agrimeccanica Po & Figli S.n.c.|IT01740980352|it|Giulia Po||po@pec.example|invoice|40
000107|Hidráulica Peñalver S.L.|ESB12345674|es|Íñigo Peñalver|inigo@penalver.example||invoice|44
000112|Torneria Rossi di Rossi Ivo|IT03330120363|it|||||
""".replace("|", "\t")
FIRST_INVOICES = ("IT03482910365_00101.xml", "IT03482910365_00102.xml")
MORE_INVOICES = ("IT03482910365_00107.xml", "IT03482910365_00115.xml")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[SandboxInfo]:
    """The two local mail servers, outside the product."""
    with SandboxServers(tmp_path / "servers") as info:
        yield info


@pytest.fixture
def office(tmp_path: Path, servers: SandboxInfo) -> Iterator[Office]:
    """An empty installation that trusts the authority of the mail servers, as a machine trusts those it knows."""
    folder = tmp_path / "office"
    folder.mkdir()
    office = Office(folder, {"SSL_CERT_FILE": str(servers.ordinary.ca_file)})
    office.run("db", "upgrade")
    with office:
        yield office


def test_a_stranger_gets_from_an_empty_installation_to_a_report_of_mails_that_arrived(
    office: Office, servers: SandboxInfo, window: Callable[..., Watched]
) -> None:
    """IT-1, IT-3 to IT-10, IT-12, IT-16 to IT-20, RP-1, RP-9 to RP-17, CO-1, BX-1, BX-2 and issue 2 §13."""
    anna = window(office.url)
    become_administrator(anna)
    add_company(anna)
    add_account(anna, "Administration", servers.ordinary)
    add_account(anna, "Certified", servers.pec)
    import_contacts(anna)
    import_invoices(anna, FIRST_INVOICES)
    import_invoices(anna, MORE_INVOICES)
    prepare(anna)
    review(anna)
    commit_and_undo(anna)
    assert not servers.ordinary.maildrop.paths()
    assert not servers.pec.maildrop.paths()
    commit_and_wait(anna)
    report(anna)
    judge_mails(servers)


def become_administrator(anna: Watched) -> None:
    anna.go("/")
    expect(anna.page.get_by_role("heading", level=1)).to_have_text("First administrator")
    anna.page.get_by_label("Your name").fill("Anna Neri")
    anna.page.get_by_label("E-mail address").fill("anna@bassi.example")
    anna.page.get_by_label("Password", exact=True).fill(PASSWORD)
    anna.page.get_by_label("The same password again").fill(PASSWORD)
    anna.shot("1-first-administrator")
    anna.button("Create the account and sign in").click()
    anna.page.wait_for_url(re.compile(r":\d+/$"))
    anna.shot("2-signed-in")


def add_company(anna: Watched) -> None:
    anna.page.get_by_role("main").get_by_role("link", name=re.compile("company", re.I)).first.click()
    anna.page.get_by_label("Code", exact=True).fill("OMB")
    anna.page.get_by_label("Name", exact=True).fill("Officine Meccaniche Bassi S.p.A.")
    anna.page.get_by_label("VAT number").fill("IT03482910365")
    anna.page.get_by_label("Time to call back").fill(str(UNDO_SECONDS))
    anna.button("Add the company").click()
    anna.go("/")
    expect(anna.page.get_by_role("heading", name="Add a sender account")).to_be_visible()
    anna.shot("3-first-steps")


def add_account(anna: Watched, name: str, server: ServerInfo) -> None:
    """Each fails once with a wrong password, and says so, before it is right."""
    anna.go("/accounts/new")
    page = anna.page
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Kind", exact=True).select_option(server.kind.value)
    page.get_by_label("Sender address", exact=True).fill(server.username)
    page.get_by_label("Sender name").fill("Officine Bassi")
    page.get_by_label("Server", exact=True).fill(server.host)
    page.get_by_label("Port", exact=True).fill(str(server.port))
    page.get_by_label("Encryption", exact=True).select_option(server.security.value)
    page.locator("#username").fill(server.username)
    page.locator("#secret").fill("wrong")
    anna.button("Add the account").click()
    page.wait_for_url(re.compile(r"/accounts/\d+$"))
    anna.button("Test the connection").click()
    expect(page.get_by_text("The account does not work yet")).to_be_visible()
    anna.shot(f"4-account-{name}-refused")
    anna.link("Back to the account").click()
    page.locator("#secret").fill(server.password)
    anna.button("Save").click()
    page.wait_for_load_state()
    anna.button("Test the connection").click()
    expect(page.get_by_text("The account works")).to_be_visible()
    anna.shot(f"4-account-{name}-works")


def import_contacts(anna: Watched) -> None:
    """Cells as a spreadsheet copies them; the column that nobody knows is left out by hand."""
    anna.go("/import/")
    page = anna.page
    page.get_by_label("Cells copied from a spreadsheet").fill(CELLS)
    anna.button("Use these cells").click()
    expect(page.get_by_label("The column VAT number is taken as")).to_have_value("vat_number")
    expect(page.get_by_label("The column Shoe size is taken as")).to_have_value("")
    anna.shot("5-columns")
    anna.button("Check the rows").click()
    expect(page.get_by_text("Nothing is written yet. 4 rows will be applied.")).to_be_visible()
    anna.shot("6-preview")
    anna.button("Apply").click()
    expect(page.get_by_text("All rows were applied.")).to_be_visible()
    anna.link("Show the contacts").click()
    expect(page.get_by_role("main").get_by_text("Hidráulica Peñalver S.L.")).to_be_visible()
    anna.shot("7-contacts")


def import_invoices(anna: Watched, names: tuple[str, ...]) -> None:
    anna.go("/import/documents")
    page = anna.page
    page.locator("input[type=file]").set_input_files([SAMPLES / "invoices" / name for name in names])
    anna.button("Import").click()
    expect(page.locator("#outcomes tbody tr")).to_have_count(len(names))
    expect(page.locator("#outcomes").get_by_text("New", exact=True)).to_have_count(len(names))
    anna.shot("8-invoices")


def prepare(anna: Watched) -> None:
    anna.go("/prepare")
    anna.page.get_by_label("Invoice", exact=True).check()
    expect(anna.page.locator("#prepare-counts")).to_contain_text("4 documents")
    anna.shot("9-what")
    anna.button("Next: to whom").click()
    anna.button("Next: check").click()
    anna.shot("9-check")
    anna.page.get_by_label("Yes, everybody is meant").check()
    anna.button("Prepare 4 documents").click()
    anna.page.wait_for_url(re.compile(r"/outbox/\d+$"), timeout=60_000)
    expect(anna.page.locator("#run-counts")).to_contain_text("4 messages")
    anna.shot("10-review")


def open_row(page: Page, party: str) -> None:
    """Click a row and wait for its preview."""
    page.locator("tr[data-row]", has_text=party).get_by_role("link", name=party).click()
    expect(page.locator("#pane .preview-facts")).to_contain_text(party)


def review(anna: Watched) -> None:
    fix_the_blocked(anna)
    leave_one_out(anna)
    edit_a_subject(anna)
    look_at_everything(anna)


def fix_the_blocked(anna: Watched) -> None:
    """IT-9: the missing address is given where it is missing."""
    page = anna.page
    page.locator("#run-counts").get_by_role("link", name="1 blocked").click()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    open_row(page, "Torneria Rossi")
    anna.shot("11-blocked")
    page.locator("#pane .problem-danger").get_by_role("link").first.click()
    address = page.locator("#pane").get_by_label("To", exact=True)
    expect(address).to_be_focused()
    address.fill("ivo@torneria-rossi.example")
    page.locator("#pane").get_by_label("Ordinary mail").check()
    anna.shot("12-missing-address")
    page.locator("#pane").get_by_role("button", name="Save").click()
    expect(page.locator("#run-counts")).to_contain_text("0 blocked")
    expect(page.locator("#run-actions")).to_contain_text("Send 4 messages")


def leave_one_out(anna: Watched) -> None:
    page = anna.page
    page.locator("#run-counts").get_by_role("link", name="4 messages").click()
    page.get_by_label("Select Hidráulica").check()
    page.locator("#bulk").get_by_role("button", name="Leave out").click()
    dialog = page.get_by_role("dialog", name="Leave messages out")
    dialog.get_by_label("Reason").fill("paid in advance")
    anna.shot("13-leave-out")
    dialog.get_by_role("button", name="Leave out").click()
    expect(page.locator("tr[data-row]", has_text="Hidráulica")).to_contain_text("paid in advance")
    expect(page.locator("#run-actions")).to_contain_text("Send 3 messages")


def edit_a_subject(anna: Watched) -> None:
    page = anna.page
    open_row(page, "Ferrari Utensileria")
    page.locator("#pane").get_by_role("link", name="Edit", exact=True).click()
    page.locator("#pane").get_by_label("Subject").fill("La tua fattura è qui – perché no?")
    page.locator("#pane").get_by_role("button", name="Save").click()
    expect(page.locator("#pane .preview-subject")).to_have_text("La tua fattura è qui – perché no?")
    expect(page.locator("#pane").get_by_text("Edited")).to_be_visible()


def look_at_everything(anna: Watched) -> None:
    """IT-10: message, text, each PDF, headers, why and history of one row."""
    page = anna.page
    tabs = page.get_by_role("navigation", name="Parts of the message")
    expect(page.frame_locator("#pane iframe.frame-mail").get_by_text("Ferrari").first).to_be_visible()
    anna.shot("14-message")
    tabs.get_by_role("link", name=re.compile(r"\.pdf$")).first.click()
    source = page.locator("#pane iframe.frame:not(.frame-mail)").get_attribute("src")
    pdf = page.request.get(f"{anna.url}{source}")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.body().startswith(b"%PDF-")
    tabs.get_by_role("link", name="Headers").click()
    expect(page.locator("#raw-headers")).to_contain_text("To: paola@ferrari.example")
    anna.shot("15-headers")
    tabs.get_by_role("link", name="Why").click()
    expect(page.locator("#pane .preview-tab")).to_contain_text("000101")
    tabs.get_by_role("link", name="History").click()
    expect(page.locator("#pane .preview-tab")).to_contain_text("Version 1")
    anna.shot("16-history")


def commit(anna: Watched) -> None:
    anna.page.locator("#run-actions").get_by_role("link", name="Send 3 messages").click()
    anna.page.wait_for_url(re.compile(r"/commit$"))
    moment = anna.page.get_by_label("Day and time")
    assert not moment.is_visible()  # nobody is asked for it who starts now
    anna.page.get_by_label("At a chosen time").check()
    assert moment.is_visible()
    anna.page.get_by_label("Now", exact=True).check()
    anna.shot("17-commit")
    anna.button("Send 3 messages").click()
    anna.page.wait_for_url(re.compile(r"/progress$"))


def commit_and_undo(anna: Watched) -> None:
    """IT-12: nothing has left when the commit is called back within its window."""
    commit(anna)
    expect(anna.page.locator("#undo-title")).to_contain_text("Sending begins in")
    anna.shot("18-undo")
    anna.page.locator("#undo-button").click()
    anna.page.wait_for_url(re.compile(r"/outbox/\d+$"))
    expect(anna.page.locator("#run-actions")).to_contain_text("Send 3 messages")
    time.sleep(UNDO_SECONDS + 1)


def commit_and_wait(anna: Watched) -> None:
    commit(anna)
    expect(anna.page.locator("#run-live")).to_contain_text("3 of 3", timeout=60_000)
    anna.shot("19-finished")
    anna.link("Show the report").click()


def figure(page: Page, label: str) -> str:
    """The number of a total of the report."""
    tile = page.get_by_role("main").locator(".stat", has_text=label).first
    return re.sub(r"\D", "", tile.inner_text().replace(label, ""))


def report(anna: Watched) -> None:
    """RP-9 to RP-15: totals, who was left out, and the text log line by line."""
    page = anna.page
    page.wait_for_url(re.compile(r"/report$"))
    anna.shot("20-report")
    assert [figure(page, label) for label in ("Sent", "Failed", "Uncertain", "Not sent")] == [
        "3",
        "0",
        "0",
        "1",
    ]
    with page.expect_download() as download:
        anna.link("Text log").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 4
    assert any("NoCliente: 000102" in line and "po@pec.example | Enviado: ok" in line for line in lines)
    assert any("NoCliente: 000107" in line and "Enviado: no enviado" in line for line in lines)
    for kind in ("CSV", "XLSX"):
        with page.expect_download() as download:
            anna.link(kind).click()
        assert Path(download.value.path()).stat().st_size > 100


def mails_of(drop: Maildrop) -> dict[str, EmailMessage]:
    """What a server received, by the recipient of its envelope; one recipient for each message."""
    found: dict[str, EmailMessage] = {}
    for received in drop.messages():
        (recipient,) = received.recipients
        assert recipient not in found, f"{recipient} received two messages"
        found[recipient] = message_from_bytes(
            drop.content(received), _class=EmailMessage, policy=policy.default
        )
    return found


def judge_mails(servers: SandboxInfo) -> None:
    """PM-12, IT-16, IT-18, RP-17: each mail on its server, from its account, with its PDF; the report to its sender."""
    ordinary, certified = mails_of(servers.ordinary.maildrop), mails_of(servers.pec.maildrop)
    end_report = ordinary.pop("anna@bassi.example")
    assert "LogEnvioMasivo" in str([part.get_filename() for part in end_report.iter_attachments()])
    assert set(ordinary) == {"paola@ferrari.example", "ivo@torneria-rossi.example"}
    assert set(certified) == {"po@pec.example"}
    ferrari, po = ordinary["paola@ferrari.example"], certified["po@pec.example"]
    assert ferrari["Subject"] == "La tua fattura è qui – perché no?"
    assert ferrari["From"] == f"Officine Bassi <{servers.ordinary.username}>"
    assert ferrari["To"] == "paola@ferrari.example"
    assert servers.pec.username in po["From"]
    for mail in (*ordinary.values(), po):
        (attached,) = list(mail.iter_attachments())
        assert attached.get_content_type() == "application/pdf"
        assert attached.get_content().startswith(b"%PDF-")
