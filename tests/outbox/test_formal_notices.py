"""A formal notice of default that would leave without proof of delivery is warned of."""

import pytest
from sqlalchemy.orm import Session

from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import MessageDocument
from crm_mail.outbox.preparing.bulk_warnings import warn_unproven
from crm_mail.outbox.reviewing.editing import address_issues
from tests.factories import make_account, make_company, make_document, make_party
from tests.outbox.sending import make_run
from tests.outbox.test_sending_accounts import messages_of


@pytest.mark.parametrize(
    ("level", "channel", "country", "is_warned"),
    [
        (3, Channel.SMTP, "IT", True),
        (4, Channel.SMTP, "IT", True),
        (2, Channel.SMTP, "IT", False),
        (3, Channel.PEC, "IT", False),
        (3, Channel.SMTP, "MX", False),
    ],
)
def test_a_letter_that_says_it_goes_by_pec_is_warned_of_when_it_does_not(
    session: Session, level: int, channel: Channel, country: str, is_warned: bool
) -> None:
    """Art. 1219 c.c.: levels 3 and 4 of an Italian company are printed as sent by PEC or registered letter."""
    company = make_company(session, country=country)
    letter = make_document(
        session, make_party(session, company), type="dunning_letter", data={"level": level}
    )
    account = make_account(session, company, kind=AccountKind(channel.value))
    kinds = {
        "channel": channel,
        "to_kind": AddressKind.PEC if channel is Channel.PEC else AddressKind.ORDINARY,
    }
    run = make_run(session, account, 2, document_types="dunning_letter", **kinds)
    row, other = messages_of(session, run)
    session.add(MessageDocument(message_id=row.id, document_id=letter.id, position=0))
    session.flush()
    assert (Issue.UNPROVEN in address_issues(session, row)) is is_warned
    assert warn_unproven(session, run) == int(is_warned)
    session.expire_all()
    assert ["unproven" in {issue.code for issue in one.issues} for one in (row, other)] == [is_warned, False]
