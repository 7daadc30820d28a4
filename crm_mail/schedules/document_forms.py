"""Questions of the kinds *documents* and *statements*."""

from typing import Any

from flask_babel import get_locale, lazy_pgettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import RadioField, SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.statements import Layout
from crm_mail.schedules.kind_forms import AudienceForm, choices_of, describe_audience
from crm_mail.schedules.kinds import Options
from crm_mail.schedules.periods import Period

PERIODS = {
    Period.ANY: _l("of any date"),
    Period.TODAY: _l("of the same day"),
    Period.YESTERDAY: _l("of the day before"),
    Period.LAST_7_DAYS: _l("of the seven days before"),
    Period.LAST_WEEK: _l("of the week before"),
    Period.LAST_30_DAYS: _l("of the thirty days before"),
    Period.THIS_MONTH: _l("of the same month"),
    Period.LAST_MONTH: _l("of the month before"),
    Period.LAST_QUARTER: _l("of the quarter before"),
    Period.THIS_YEAR: _l("of the same year"),
    Period.LAST_YEAR: _l("of the year before"),
}


class DocumentsForm(AudienceForm):
    """Which documents."""

    label = _l("Documents")
    hint = _l("Prepares a run of the documents that are due, as the page Prepare does.")

    types = SelectMultipleField(
        _l("Document types"),
        description=_l("None ticked means all of them."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        choices=[],
    )
    period = SelectField(
        lazy_pgettext("documents", "Dated"),
        default=Period.ANY.value,
        choices=choices_of((one.value, words) for one, words in PERIODS.items()),
    )
    sent = RadioField(
        _l("Sent before"),
        default="never",
        choices=choices_of(
            [
                ("never", _l("Only what a recipient was never sent")),
                ("all", _l("Also what was sent before; each such message carries a warning")),
            ]
        ),
    )

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """The types that the person may prepare."""
        super().prepare(session, actor, company, options)
        known, language = company_types(session, company.id), str(get_locale() or "en")
        allowed = actor.types(Permission.OUTBOX_PREPARE, company.id, known.used)
        self.types.choices = choices_of((one, known.label(one, language)) for one in allowed)

    def read_options(self) -> dict[str, Any]:
        """`sent` is kept as a truth value."""
        options = super().read_options()
        sent = options.pop("sent")
        return options | {"only_unsent": sent != "all"}

    @classmethod
    def values_of(cls, options: Options) -> dict[str, Any]:
        """Back from the truth value."""
        values = super().values_of(options)
        return {**values, "sent": "never" if values.pop("only_unsent", True) else "all"}

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """Types, period, audience."""
        known, language = company_types(session, company.id), str(get_locale() or "en")
        types = ", ".join(known.label(one, language) for one in options.get("types") or ())
        lines = [types or str(_("Every document type"))]
        period = Period(options.get("period", Period.ANY))
        if period is not Period.ANY:
            lines.append(str(PERIODS[period]))
        lines.append(str(_("for: %(whom)s", whom=describe_audience(options, company.id))))
        return lines


class StatementsForm(AudienceForm):
    """Which account statements."""

    label = _l("Account statements")
    hint = _l(
        "Works out the statements of everybody meant who has open items or movements, and prepares their run."
    )

    layout = RadioField(
        _l("What it shows"),
        default=Layout.OPEN_ITEMS.value,
        choices=choices_of(
            [
                (Layout.OPEN_ITEMS.value, _l("Open items: what is still to be paid")),
                (
                    Layout.MOVEMENTS.value,
                    _l("Movements: opening balance and every line of the month of the cut-off date"),
                ),
            ]
        ),
    )
    cut_off = SelectField(
        _l("As of"),
        default="day",
        choices=choices_of(
            [("day", _l("the same day")), ("month_end", _l("the last day of the month before"))]
        ),
    )

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """As of when, and for whom."""
        ends_month = options.get("cut_off") == "month_end"
        as_of = _("as of the last day of the month before") if ends_month else _("as of the same day")
        return [str(as_of), str(_("for: %(whom)s", whom=describe_audience(options, company.id)))]
