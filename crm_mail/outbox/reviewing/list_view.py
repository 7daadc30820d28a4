"""Which columns the list of a run shows and how many rows: each browser's own choice, kept in two cookies."""

from collections.abc import Iterable

from flask import Response, request
from flask_babel import gettext as _

from crm_mail.outbox.reviewing.review import PAGE_SIZES
from crm_mail.web.language import ONE_YEAR_SECONDS

COLUMNS_COOKIE, SIZE_COOKIE = "crm_review_columns", "crm_review_size"
COLUMNS = (
    "number",
    "to",
    "documents",
    "subject",
    "files",
    "language",
    "account",
    "agent",
    "zone",
    "city",
    "last_sent",
)
USUAL = frozenset(COLUMNS) - {"number", "zone", "city"}


def column_words() -> dict[str, str]:
    """The columns that can be shown or hidden, in their order, with their names."""
    words = (
        _("Number"),
        _("To"),
        _("Documents"),
        _("Subject"),
        _("Files"),
        _("Language"),
        _("Account"),
        _("Agent"),
        _("Zone"),
        _("City"),
        _("Last sent"),
    )
    return dict(zip(COLUMNS, words, strict=True))


def is_chosen() -> bool:
    """Whether somebody chose the columns; otherwise a narrow window shows fewer of the usual ones."""
    return COLUMNS_COOKIE in request.cookies


def shown_columns() -> frozenset[str]:
    """The chosen columns; the usual ones when nothing was chosen."""
    kept = request.cookies.get(COLUMNS_COOKIE)
    return USUAL if kept is None else frozenset(kept.split(".")) & frozenset(COLUMNS)


def page_size() -> int:
    """Rows of a page: as the address says, else as last chosen."""
    for given in (request.args.get("size", type=int), request.cookies.get(SIZE_COOKIE, type=int)):
        if given in PAGE_SIZES:
            return int(given)
    return PAGE_SIZES[0]


def keep_columns(response: Response, columns: Iterable[str] | None) -> None:
    """Remember the columns; None: the usual ones again."""
    if columns is None:
        response.delete_cookie(COLUMNS_COOKIE)
        return
    chosen = set(columns)
    _keep(response, COLUMNS_COOKIE, ".".join(name for name in COLUMNS if name in chosen))


def keep_size(response: Response) -> None:
    """Remember the rows of a page when the address asks for another number than last time."""
    size = page_size()
    if request.args.get("size", type=int) == size and request.cookies.get(SIZE_COOKIE) != str(size):
        _keep(response, SIZE_COOKIE, str(size))


def _keep(response: Response, cookie: str, value: str) -> None:
    response.set_cookie(
        cookie, value, max_age=ONE_YEAR_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
    )
