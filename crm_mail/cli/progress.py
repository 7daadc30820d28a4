"""Progress bars on a terminal; silence where nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from crm_mail.outbox.preparation import Progress
from crm_mail.outbox.sender import Tally


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
def show_sending() -> Iterator[Callable[[Tally], None] | None]:
    """One line of counts while messages leave."""
    with bars() as shown:
        if shown is None:
            yield None
            return
        task = shown.add_task("Sent", total=None)
        yield lambda tally: shown.update(task, completed=tally.sent)
