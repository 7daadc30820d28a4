"""Numbers of what is deleted are given to nobody else: the audit and merges name rows by them."""

from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, Party
from crm_mail.db import Base
from crm_mail.users.models import UserGroup
from tests.factories import make_company, make_contact, make_party


def test_a_new_row_never_gets_the_number_of_a_deleted_one(session: Session) -> None:
    company = make_company(session)
    made: list[Base] = [
        make_contact(session, make_party(session, company)),
        make_party(session, company),
        UserGroup(name="Night"),
    ]
    session.add_all(made)
    session.flush()
    last = [one.id for one in made]  # type: ignore[attr-defined]
    for one in made:
        session.delete(one)
    session.flush()
    kept = make_party(session, company)
    group = UserGroup(name="Day")
    session.add(group)
    session.flush()
    new: list[Contact | Party | UserGroup] = [make_contact(session, kept), kept, group]
    assert all(one.id > number for one, number in zip(new, last, strict=True))
