"""What can be scheduled: a small registry to which every room adds its kinds (`crm_mail.scheduled_kinds`).

A kind does its work in one of two ways:

* `begin`, inside the transaction that also keeps the outcome: what it writes happens exactly once, however often a
  worker dies. For whatever writes to the database only, above all for making a run.
* `work`, outside any transaction, when `begin` gives None: for what reaches beyond the database (files, mails). A
  worker that dies in between leaves it undone or half-done; `is_repeatable` says whether another one begins again.

Nothing here sends to contacts: a kind makes a run, and gives its id.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.schedules.models import FiringState

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Due:
    """One firing, as a kind is told of it.

    Args:
        on: the local day that the rule gave, before a holiday moved it; periods are counted from it.
        schedule_name: for the title of the run.
    """

    firing_id: int
    schedule_id: int
    schedule_name: str
    company_id: int
    options: Options
    at: datetime
    on: date
    is_manual: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a firing.

    Args:
        reason: a code of `schedules.words`, or empty.
        detail: JSON values for the words; no personal value.
        run_id: the run that was made; it is prepared, and committed where a standing authorisation allows it.
    """

    state: FiringState
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    run_id: int | None = None


def made_run(run_id: int) -> Outcome:
    """A run was made and waits to be prepared, or is prepared already."""
    return Outcome(FiringState.PREPARING, run_id=run_id)


def done(**detail: Any) -> Outcome:
    """Done; the figures are shown as they are."""
    return Outcome(FiringState.DONE, "figures" if detail else "", detail)


def nothing_due() -> Outcome:
    """There was nothing to do."""
    return Outcome(FiringState.NOTHING)


class ScheduleKind(ABC):
    """One kind of schedule. ``options`` are its own JSON values, as its form gave them."""

    id: ClassVar[str]
    is_repeatable: ClassVar[bool] = True
    """Whether a `work` that a dying worker left may be done again."""

    @abstractmethod
    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """Raise unless the actor may do this now; asked when a schedule is saved, and again at each firing.

        Raises:
            PermissionDenied: naming the right.
        """

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome | None:
        """Do it in the given transaction; None: `work` does it."""
        return None

    def work(self, home: Installation, actor: Actor, due: Due) -> Outcome:
        """Do it outside any transaction.

        Raises:
            Refusal: its message is kept in the history.
        """
        raise NotImplementedError


_kinds: dict[str, ScheduleKind] = {}


def register(*kinds: ScheduleKind) -> None:
    """Make kinds known; a second time changes nothing."""
    _kinds.update({kind.id: kind for kind in kinds})


def find_kind(id_: str) -> ScheduleKind | None:
    """The kind of this name, or None when its room is not registered here."""
    return _kinds.get(id_)


def all_kinds() -> Iterable[ScheduleKind]:
    """Every known kind, in the order of registration."""
    return tuple(_kinds.values())
