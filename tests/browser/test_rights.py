"""What a person may not do is not offered and refused; what a person may not see is nowhere."""

import io
import re
import zipfile
from collections.abc import Callable
from html import unescape

import pytest
from playwright.sync_api import APIResponse, expect

from tests.browser.office import ADMINISTRATOR, JUNIOR, REVIEWER, SECRET_ADDRESS, SECRET_NAME, Office
from tests.browser.watched import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FORBIDDEN = (SECRET_NAME, SECRET_ADDRESS, SECRET_NAME.split()[1])
STARTS = (
    "/contacts/?q=contessa", "/contacts/?characteristic=golf", "/contacts/?role=Direzione", "/documents/?q=contessa",
    "/outbox/{run}?q=contessa", "/outbox/{run}?q=riservata", "/outbox/{run}/left-out", "/outbox/{run}/report",
    "/outbox/{run}/report/messages", "/outbox/{run}/report/agents", "/outbox/{run}/commit", "/outbox/{run}/progress",
    "/outbox/{run}/report/download?format=txt", "/outbox/{run}/report/download?format=csv",
    "/outbox/{run}/report/download?format=xlsx", "/prepare?step=3&role=Direzione", "/import/parties?party=serbelloni",
)  # fmt: skip
MOST = 220
"""Addresses that one walk looks at; the sample company has fewer that differ in more than their order."""
_VOLATILE = re.compile(r"[?&](sort|size|before|after|from|tab|view)=|/assets/|/logout|/preferences/|\.pdf")


def words_of(answer: APIResponse) -> str:
    """The text of an answer; a workbook is opened."""
    content = answer.body()
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"\n".join(book.read(name) for name in book.namelist())
    return unescape(content.decode("utf-8", "replace"))


def walk(anna: Watched, starts: list[str]) -> dict[str, str]:
    """Every address that links lead to from the starts, with its text."""
    waiting, seen = ["/", *starts], dict[str, str]()
    while waiting and len(seen) < MOST:
        path = waiting.pop(0)
        if path in seen:
            continue
        answer = anna.page.request.get(f"{anna.url}{path}")
        text = words_of(answer)
        assert answer.status < 500, f"{path}: {answer.status}"
        seen[path] = text if answer.ok else ""
        found = (
            re.findall(r'(?:href|src|hx-get)="(/[^"#]*)', text)
            if "html" in answer.headers["content-type"]
            else []
        )
        waiting += [link for link in dict.fromkeys(found) if link not in seen and not _VOLATILE.search(link)]
    return seen


def test_who_may_not_commit_has_no_send_button_and_is_refused(
    demo: Office, window: Callable[..., Watched]
) -> None:
    """PD-12, PM-22: three rights, held one by one."""
    run_id = demo.prepare("Rights", again=True)
    carla = window(demo.url, expected=(403,))
    carla.sign_in(REVIEWER)
    carla.go(f"/outbox/{run_id}")
    expect(carla.page.locator("#run-counts")).to_be_visible()
    assert carla.page.get_by_role("button", name=re.compile("^Send")).count() == 0
    assert carla.page.get_by_role("link", name=re.compile("^Send")).count() == 0
    expect(carla.page.locator("#run-actions")).to_contain_text("Somebody with the right to commit")
    carla.shot("rights-review")
    assert carla.go(f"/outbox/{run_id}/commit").status == 403
    carla.shot("rights-refused")
    carla.go(f"/outbox/{run_id}")
    token = carla.page.locator('meta[name="csrf-token"]').get_attribute("content") or ""
    answer = carla.page.request.post(
        f"{demo.url}/outbox/{run_id}/commit",
        form={"csrf_token": token, "start": "now", "key": "k" * 20, "seen": "x"},
    )
    assert answer.status == 403


def test_a_contact_above_the_clearance_is_nowhere(demo: Office, window: Callable[..., Watched]) -> None:
    """PD-3, PM-23: lists, searches, cards, runs, left-out, reports, exports; the number left for a colleague is all."""
    run_id = demo.prepare("Clearance", code_from="000101", code_to="000101", again=True)
    starts = [start.format(run=run) for run in (run_id, 1) for start in STARTS]
    anna, junior = window(demo.url), window(demo.url, expected=(403, 404))
    anna.sign_in(ADMINISTRATOR)
    known = {path for path, text in walk(anna, starts).items() if any(word in text for word in FORBIDDEN)}
    assert any(re.fullmatch(r"/contacts/\d+", path) for path in known), "the walk never met the contact"
    assert any(re.match(rf"/outbox/{run_id}/messages/\d+", path) for path in known), (
        "the walk never met the message"
    )
    assert any("format=xlsx" in path for path in known), "the walk never opened the workbook"
    junior.sign_in(JUNIOR)
    seen = walk(junior, [*starts, *sorted(known)])
    leaks = [path for path, text in seen.items() if any(word in text for word in FORBIDDEN)]
    assert not leaks, "\n".join(leaks)
    own = demo.prepare("By the junior", by=JUNIOR, code_from="000101", code_to="000101", again=True)
    junior.go(f"/outbox/{own}")
    expect(junior.page.locator("#run-counts")).to_contain_text("1 recipient is left for a colleague")
    junior.shot("clearance-review")
