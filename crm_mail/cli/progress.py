"""Progress bars on a terminal; silence where nobody watches."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from sqlalchemy import func, select

from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.preparing.preparation import Progress
from crm_mail.outbox.preparing.prepare import Prepared
from crm_mail.outbox.sending.sender import Tally
from crm_mail.outbox.states import QUEUED


@contextmanager
def bars() -> Iterator[Bars | None]:
    """Bars on standard error, or None when it is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as shown:
        yield shown


def tell_preparation(prepared: Prepared, **more: Any) -> dict[str, Any]:
    """What a command answers of a run that was prepared."""
    return {
        "run": prepared.run_id,
        **more,
        "messages": prepared.messages,
        "blocked": prepared.blocked,
        "warnings": prepared.warnings,
        "left_out": prepared.left_out,
        "left_for_colleague": prepared.hidden,
    }


@contextmanager
def show_preparation() -> Iterator[Progress]:
    """Bars for the PDFs drawn and the messages written."""
    with bars() as shown:
        if shown is None:
            yield Progress()
            return
        printed = shown.add_task("PDF", total=None)
        written = shown.add_task("Messages", total=None)
        yield Progress(
            lambda count: shown.update(printed, completed=count),
            lambda count: shown.update(written, completed=count),
        )


@contextmanager
def show_sending(home: Installation) -> Iterator[Callable[[Tally], None] | None]:
    """How many of the queued messages are settled, how many a minute, and the time left."""
    with bars() as shown:
        if shown is None:
            yield None
            return
        with home.database.read() as session:
            queued = session.scalar(select(func.count()).where(Message.state.in_(sorted(QUEUED)))) or 0
        task = shown.add_task("Sending", total=queued)
        began = time.monotonic()

        def tell(tally: Tally) -> None:
            done = tally.sent + tally.failed + tally.uncertain
            minutes = (time.monotonic() - began) / 60
            speed = f"Sending, {done / minutes:,.0f} a minute" if minutes > 0 else "Sending"
            shown.update(task, completed=done, total=max(queued, done), description=speed)

        yield tell
