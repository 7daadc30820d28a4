"""The birthday of a contact, and finding the contacts who have theirs on given days."""

from collections.abc import Iterable

from sqlalchemy import and_, or_, select, union_all
from sqlalchemy.orm import aliased

from crm_mail.contacts.birthdays import Birthday
from crm_mail.contacts.finding.conditions import Condition
from crm_mail.contacts.models import Contact


def birthday_of(contact: Contact) -> Birthday | None:
    """The birthday of a contact, where it is known."""
    if contact.birth_month is None or contact.birth_day is None:
        return None
    return Birthday(contact.birth_month, contact.birth_day, contact.birth_year)


def born_on(days: Iterable[tuple[int, int]]) -> Condition:
    """Whether a contact's birthday is one of these (month, day)."""
    return or_(
        *(and_(Contact.birth_month == m, Contact.birth_day.in_(d)) for m, d in _by_month(days).items())
    )


def has_birthday(company_id: int, days: Iterable[tuple[int, int]]) -> Condition:
    """Whether a contact of a company has one of these (month, day) as its birthday.

    A question for each month by itself, so that the index answers it.
    """
    born = aliased(Contact)
    return Contact.id.in_(
        union_all(
            *(
                select(born.id).where(
                    born.company_id == company_id, born.birth_month == month, born.birth_day.in_(wanted)
                )
                for month, wanted in _by_month(days).items()
            )
        )
    )


def _by_month(days: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for month, day in days:
        found.setdefault(month, []).append(day)
    return found
