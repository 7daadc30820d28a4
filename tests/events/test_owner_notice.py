"""The owner of a rule is told, once for each run, that the run waits for a person."""

from email import message_from_bytes, policy

from crm_mail.events import handling
from crm_mail.installation import Installation
from tests import factories
from tests.delivery.servers import FaultyServer
from tests.events.making import make_office, make_rule, make_standing, post


def test_the_owner_is_told_once_that_a_run_waits_and_not_of_one_that_leaves(
    sqlite_home: Installation,
) -> None:
    with FaultyServer() as server:
        with sqlite_home.database.write() as session:
            company, user = make_office(session, port=server.port)
            factories.make_party(session, company, code="F1", is_supplier=True, email="uno@firma.example")
            standing = make_standing(session, company, user, ("quote",))
            make_rule(session, company, user, "collection.recorded", name="Thanks")
            make_rule(session, company, user, "quote.saved", authorisation_id=standing)
            told = {
                "party_code": "F1",
                "number": "7",
                "amount": "5.00",
                "currency": "EUR",
                "date": "2026-11-20",
            }
            post(session, company, "collection.recorded", 1, told)
            post(session, company, "collection.recorded", 2, told)
            post(session, company, "quote.saved", 3, told)
            owner = user.email
        for _sweep in range(3):
            handling.tend(sqlite_home)
    mails = [(to[0], message_from_bytes(data, policy=policy.default)) for to, data in server.received]
    assert [(to, str(mail["Subject"]).partition(": ")[2]) for to, mail in mails] == [
        (owner, "a run of the rule “Thanks” waits")
    ]
    body = mails[0][1].get_body(("plain",))
    assert body is not None
    assert "/outbox/" in body.get_content()
