"""The lists of the product that a report can show: a small registry.

A listing reads through the services of its room, with the rights and the sight of the actor that it is given: what does
not exist for that person is not in the report. To add one, write a subclass and name it in `saved_listing_registry`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.document_types import type_label
from crm_mail.permissions import Actor
from crm_mail.reports.saved.tables import Column, Row
from crm_mail.schedules.periods import Period, days_of
from crm_mail.words import Translate

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """What a report narrows a listing to.

    Args:
        choice: one of the listing's own choices.
        kept: what the choice meant when it was made, where it may change or go (`Listing.keep`).
    """

    period: Period = Period.ANY
    choice: str = ""
    text: str = ""
    kept: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_kept(cls, kept: Mapping[str, Any]) -> Self:
        """As it stands in the row; what is not known counts as not given."""
        period = str(kept.get("period") or "any")
        return cls(
            Period(period) if period in set(Period) else Period.ANY,
            str(kept.get("choice") or ""),
            str(kept.get("text") or "")[:200],
            kept.get("kept") or {},
        )

    def as_kept(self) -> dict[str, Any]:
        """For the row; what was kept is added by `saved_service`."""
        return {"period": self.period.value, "choice": self.choice, "text": self.text}


@dataclass(frozen=True, slots=True)
class Scene:
    """For whom a listing is read, and of which days.

    Args:
        on: the local day from which periods are counted.
        translate: into the reader's language.
    """

    session: Session
    actor: Actor
    company: Company
    on: date
    language: str
    translate: Translate
    filters: Filters = field(default_factory=Filters)

    @property
    def days(self) -> tuple[date | None, date | None]:
        """First and last day of the period, both included; None: no bound."""
        return days_of(self.filters.period, self.on)

    @property
    def moments(self) -> tuple[datetime | None, datetime | None]:
        """The same as times: from the first on, before the second."""
        first, last = self.days
        zone = ZoneInfo(self.company.timezone)
        return (
            datetime.combine(first, time(), zone).astimezone(UTC) if first else None,
            datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC) if last else None,
        )

    def type_name(self, document_type: str) -> str:
        """What the company calls a document type, in the reader's language."""
        names = company_types(self.session, self.company.id).names
        return type_label(document_type, self.language, names)


class Listing(ABC):
    """One list. ``date_title`` and ``choice_title`` are empty where the list has no such filter."""

    id: ClassVar[str]
    has_text: ClassVar[bool] = False

    @abstractmethod
    def title(self, _: Translate) -> str:
        """What the list is called."""

    @abstractmethod
    def columns(self, _: Translate) -> Sequence[Column]:
        """Its columns, in the order of the cells."""

    @abstractmethod
    def require(self, actor: Actor, company_id: int) -> None:
        """Raise unless the actor may take this list away.

        Raises:
            PermissionDenied: naming the right.
        """

    @abstractmethod
    def rows(self, scene: Scene) -> Iterator[Row]:
        """The rows, in the list's own order; read as they are asked for."""

    def date_title(self, _: Translate) -> str:
        """Of which date the period is."""
        return ""

    def choice_title(self, _: Translate) -> str:
        """What is chosen from."""
        return ""

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        """What can be chosen, with its words."""
        return ()

    def keep(self, scene: Scene) -> dict[str, Any] | None:
        """What the choice means at this moment; None: the actor knows of no such choice."""
        return {}


_listings: dict[str, Listing] = {}


def register(*listings: Listing) -> None:
    """Make listings known; a second time changes nothing."""
    _listings.update({listing.id: listing for listing in listings})


def find_listing(id_: str) -> Listing | None:
    """The listing of this name, or None."""
    return _listings.get(id_)


def all_listings() -> Sequence[Listing]:
    """Every listing, in the order of registration."""
    return tuple(_listings.values())
