"""The words of the list's rows, translated once for each page instead of once for each cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from crm_mail.outbox.issue_words import issue_name
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.reviewing import list_view, review_page
from crm_mail.outbox.why_words import withheld_words
from crm_mail.web.formats import format_date, format_filesize
from crm_mail.web.type_names import type_names

_PLACEHOLDER = 987_654_321


@dataclass(frozen=True, slots=True)
class RowWords:
    """Everything that `_row.html` writes beside the row's own values."""

    url: Callable[[int], str]
    asks_kind: Callable[[Message], bool]
    list_url: Callable[[int], str]
    select_url: str
    select: str
    number: str
    recipient: str
    to: str
    documents: str
    subject: str
    files: str
    language: str
    account: str
    agent: str
    zone: str
    city: str
    last_sent: str
    never: str
    no_address: str
    ordinary: str
    kind_asked: str
    kind_unknown: str
    types: dict[str, str]
    issues: dict[str, str]
    states: list[str]
    size: Callable[[int], str]
    day: Callable[[datetime], str]


def row_context(run: Run, messages: Sequence[Message]) -> dict[str, Any]:
    """What the template of a row needs for these messages."""
    return {
        "w": row_words(run, messages),
        "marks": {},
        "shown_state": review_page.shown_state,
        "is_kind_open": review_page.is_kind_open,
        "withheld_words": cache(lambda reason, into=None: withheld_words(reason, _, into)),
        "shown": list_view.shown_columns(),
        "columns_chosen": list_view.is_chosen(),
        "link": review_page.link,
    }


def row_words(run: Run, messages: Sequence[Message]) -> RowWords:
    """The words for a page of rows."""
    place = review_page.place_arguments()
    return RowWords(
        url=_pattern(url_for("outbox.message", run_id=run.id, message_id=_PLACEHOLDER, **place)),
        asks_kind=lambda row: _asks_kind(run, row),
        list_url=_pattern(url_for("outbox.review", run_id=run.id, open=_PLACEHOLDER, **place)),
        select_url=url_for("outbox.select", run_id=run.id, **place),
        select=_("Select"),
        number=_("No."),
        recipient=_("Recipient"),
        to=_("To"),
        documents=_("Documents"),
        subject=_("Subject"),
        files=_("Files"),
        language=_("Language"),
        account=_("Account"),
        agent=_("Agent"),
        zone=_("Zone"),
        city=_("City"),
        last_sent=_("Last sent"),
        never=_("never"),
        no_address=_("no address"),
        ordinary=_("Ordinary mail"),
        kind_asked=_("PEC or not? Asked at commit"),
        kind_unknown=_("Kind not known yet"),
        types=type_names(only_used=False),
        issues={code: issue_name(code, _) for code in {one.first_issue for one in messages} if code},
        states=sorted({review_page.shown_state(one) for one in messages}),
        size=cache(format_filesize),
        day=cache(format_date),
    )


def _asks_kind(run: Run, row: Message) -> bool:
    """Whether the commit would ask of what kind the address of a row is."""
    is_asked = review_page.is_kind_open(row) and not run.company.unknown_is_ordinary
    return is_asked and review_page.shown_state(row) == "ready"


def _pattern(address: str) -> Callable[[int], str]:
    """Addresses that differ only in a number, without building each of them anew."""
    before, _mark, after = address.rpartition(str(_PLACEHOLDER))
    return lambda number: f"{before}{number}{after}"
