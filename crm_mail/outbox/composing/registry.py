"""Who composes the messages of runs that a worker prepares: each room registers its composer under a name.

`crm_mail.composers` registers all of them; every door that may prepare a run calls it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.installation import Installation
from crm_mail.outbox.composing.parts import Composed
from crm_mail.outbox.models import Run
from crm_mail.permissions import Actor
from crm_mail.refusals import Refusal

Composer = Callable[[Session, Installation, Actor, Run, Mapping[str, Any]], Iterable[Composed]]
"""(session, installation, who prepares, run, `Composition.data`) → its messages, lazily: they are never all in memory.

It must give the same messages again when it is asked again. It writes nothing but files into the store.
"""

Making = Callable[[Installation, Actor, int, Callable[[int], None] | None], None]
"""(installation, who prepares, run id, told the number of files made): what takes long, before any message is written.

It has transactions of its own, outside of which files are made; it finds what it made before.
"""

_known: dict[str, tuple[Composer, Making | None]] = {}
_by_data_alone: set[str] = set()


class ComposerMissing(Refusal):
    """Nothing is registered under the name that a run carries."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"this version cannot prepare runs of the kind {name!r}: prepare it with the version that made it"
        )


def register(
    name: str, composer: Composer, making: Making | None = None, *, by_data_alone: bool = False
) -> None:
    """Make a composer known; a second registration replaces the first.

    Args:
        making: makes the files that its messages carry (letters), outside any transaction of the run.
        by_data_alone: it gives the same messages for any run with the same data, so that a colleague's run may
            hold the rest of another (`outbox.completing`).
    """
    _known[name] = (composer, making)
    if by_data_alone:
        _by_data_alone.add(name)


def composes_by_data_alone(name: str) -> bool:
    """Whether another run may be composed from the same data."""
    return name in _by_data_alone


def composer_of(name: str) -> Composer:
    """The composer of this name.

    Raises:
        ComposerMissing
    """
    if name not in _known:
        raise ComposerMissing(name)
    return _known[name][0]


def making_of(name: str) -> Making | None:
    """What a composer's messages need to be made first; None: nothing.

    Raises:
        ComposerMissing
    """
    composer_of(name)
    return _known[name][1]
