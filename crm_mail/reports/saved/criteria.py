"""What a report shows, in a few lines: the list, its days, its filters."""

from datetime import date

from babel.dates import format_date
from sqlalchemy.orm import Session

from crm_mail.reports.saved.models import SavedReport
from crm_mail.reports.saved.reading import Asked, listing_of, scene_of
from crm_mail.reports.saved.words import period_words
from crm_mail.schedules.periods import Period


def criteria_lines(session: Session, report: SavedReport, asked: Asked) -> list[str]:
    """In the language of the reader; nothing is said of a query but its database."""
    if not report.listing:
        return [report.source.name] if report.source else []
    listing, scene = listing_of(report), scene_of(session, report.company, asked, report)
    _, filters = scene.translate, scene.filters
    found = [listing.title(_)]
    title = listing.date_title(_)
    if title and filters.period is not Period.ANY:
        first, last = scene.days
        days = " – ".join(dict.fromkeys(_day(one, asked.language) for one in (first, last) if one))
        found.append(f"{title}: {period_words(_)[filters.period]} ({days})")
    if filters.choice and listing.choice_title(_):
        word = dict(listing.choices(scene)).get(filters.choice)
        found.append(f"{listing.choice_title(_)}: {word}" if word else listing.choice_title(_))
    if filters.text and listing.has_text:
        found.append(_("with the words “%(text)s”") % {"text": filters.text})
    return found


def _day(day: date, language: str) -> str:
    return str(format_date(day, "dd/MM/yyyy", locale=language))
