"""The tab with everything that happened shows no trace of what is above the clearance (IT-17)."""

from collections.abc import Callable
from types import SimpleNamespace

from flask.testing import FlaskClient

from crm_mail.permissions import Permission
from tests.contacts.conftest import SECRET_WORDS


def test_the_tab_tells_what_happened_and_nothing_of_hidden_contacts(
    world: SimpleNamespace, browser_of: Callable[..., FlaskClient]
) -> None:
    browser = browser_of(areas=[Permission.CONTACTS_SEE, Permission.CONTACTS_MANAGE])
    form = {"purpose": "commercial", "channel": "email", "decision": "given"}
    browser.post(f"/contacts/people/{world.public.id}/consents", data=form)
    address = f"/contacts/{world.party.id}/timeline"
    for query in ("", "?kind=consent", "?kind=change", f"?contact={world.public.id}", "?after=x.y"):
        answer = browser.get(address + query)
        assert answer.status_code == 200
        assert not [word for word in SECRET_WORDS if word in answer.text]
    assert browser.get(f"{address}?contact={world.hidden.id}").status_code == 404
    assert "What happened" in browser.get(f"/contacts/{world.party.id}").text
