"""The form of a saved report: what it shows, how it looks, to whom it goes."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    FieldList,
    Form,
    FormField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.delivery.addresses import split_addresses
from crm_mail.importers.databases.models import SqlSource
from crm_mail.reports.saved.listings import Filters, Listing, Scene
from crm_mail.reports.saved.models import ReportFormat, SavedReport
from crm_mail.reports.saved.parameters import ParameterKind
from crm_mail.reports.saved.service import MOST_PARAMETERS, ReportValues
from crm_mail.reports.saved.tables import MOST_READ
from crm_mail.reports.saved.words import format_words, parameter_words, period_words
from crm_mail.schedules.periods import Period
from crm_mail.users.models import User
from crm_mail.web.forms import LANGUAGES

_REQUIRED = DataRequired(_l("Fill in this field."))
SPARE_ROWS = 2
"""Empty lines for further parameters."""


def say(message: str) -> str:
    """Into the language of the page."""
    return str(_(message))


def _ticks(label: Any, **values: Any) -> SelectMultipleField:
    return SelectMultipleField(
        label, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(), choices=[], **values
    )


def _choices(pairs: Sequence[tuple[Any, str]]) -> list[Any]:
    return [SelectChoice(value, label) for value, label in pairs]


class ParameterForm(Form):
    """A parameter of the query; a line without a name is passed over."""

    name = StringField(_l("Name"), [Length(max=40)])
    kind = SelectField(_l("Value is"), choices=[])
    value = StringField(_l("Value"), [Length(max=5000)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = _choices(list(parameter_words(say).items()))


class ReportEditForm(FlaskForm):
    """A saved report. `offer` leaves the questions that its list or its query answers."""

    name = StringField(
        _l("Name"), [_REQUIRED, Length(max=80)], description=_l("Stands in the subject of the mail.")
    )
    period = SelectField(_l("Days"), choices=[])
    choice = SelectField(_l("Only"), choices=[])
    text = StringField(
        _l("With the words"), [Length(max=200)], description=_l("As in the search of the list.")
    )
    columns = _ticks(_l("Columns"))
    order_by = SelectField(_l("In the order of"), choices=[])
    is_descending = BooleanField(_l("The highest or latest first"))
    source_id = SelectField(_l("Database"), coerce=int, choices=[])
    query = TextAreaField(
        _l("Query"),
        [Length(max=20_000)],
        description=_l("One SELECT, read only. :company and :today are given; other names are parameters."),
    )
    parameters = FieldList(FormField(ParameterForm), _l("Parameters"), max_entries=MOST_PARAMETERS)
    formats = _ticks(_l("In what form"))
    user_ids = _ticks(_l("To these people"), coerce=int)
    addresses = TextAreaField(
        _l("Further addresses"),
        [Length(max=6000)],
        description=_l("Of people of the office who do not sign in here. One on each line."),
    )
    clearance = SelectField(
        _l("What further addresses see"),
        coerce=int,
        choices=[],
        description=_l(
            "Contacts up to this privacy level. People who sign in see what they see here, never more."
        ),
    )
    language = SelectField(_l("Language"), choices=[])
    row_limit = IntegerField(
        _l("At most so many rows"),
        [NumberRange(1, MOST_READ, _l("From 1 to 20,000 rows."))],
        default=1000,
        description=_l("When there are more, the report says so."),
    )
    sends_empty = BooleanField(
        _l("Send it also when there are no rows"),
        default=True,
        description=_l("Then everybody knows that it was looked."),
    )

    def offer(
        self,
        listing: Listing | None,
        scene: Scene,
        users: Sequence[User],
        levels: Sequence[str],
        sources: Sequence[SqlSource],
        kept: SavedReport | None,
    ) -> None:
        """The choices of this person; what does not apply is taken out."""
        self.formats.choices = _choices(list(format_words(say).items()))
        self.user_ids.choices = _choices([(one.id, f"{one.name} ({one.email})") for one in users])
        self.language.choices = _choices([("", _("each reader's own")), *LANGUAGES.items()])
        self.clearance.choices = _choices(list(enumerate(levels)))
        if listing is None:
            for name in ("period", "choice", "text", "columns", "order_by", "is_descending"):
                del self[name]
            self.source_id.choices = _choices([(one.id, one.name) for one in sources])
            return
        for name in ("source_id", "query", "parameters"):
            del self[name]
        self._offer_listing(listing, scene, kept)

    def _offer_listing(self, listing: Listing, scene: Scene, kept: SavedReport | None) -> None:
        columns = [(one.key, one.title) for one in listing.columns(say)]
        self.columns.choices = _choices(columns)
        self.order_by.choices = _choices([("", _("the list itself")), *columns])
        if title := listing.date_title(say):
            self.period.label.text = title
            self.period.choices = _choices([(one.value, period_words(say)[one]) for one in Period])
        else:
            del self.period
        if title := listing.choice_title(say):
            choices = list(listing.choices(scene))
            held = Filters.from_kept(kept.filters).choice if kept else ""
            if held and held not in dict(choices):
                choices.append((held, _("as it was saved")))
            self.choice.label.text = title
            self.choice.choices = _choices([("", _("all")), *choices])
        else:
            del self.choice
        if not listing.has_text:
            del self.text

    def begin(self, listing: Listing | None) -> None:
        """A new report: every column, as a table."""
        self.formats.data = [ReportFormat.HTML.value]
        self.language.data = ""
        if listing is not None:
            self.columns.data = [one.key for one in listing.columns(say)]
        else:
            self.add_rows()

    def show(self, report: SavedReport, listing: Listing | None, highest: int) -> None:
        """Fill the form with what is kept."""
        for name in ("name", "formats", "user_ids", "language", "row_limit", "sends_empty"):
            self[name].data = getattr(report, name)
        self.addresses.data = "\n".join(report.addresses)
        self.clearance.data = min(report.clearance, highest)
        if listing is not None:
            filters = Filters.from_kept(report.filters).as_kept()
            for name in ("period", "choice", "text"):
                if name in self:
                    self[name].data = filters[name]
            self.columns.data = report.columns or [one.key for one in listing.columns(say)]
            self.order_by.data, self.is_descending.data = report.order_by, report.is_descending
            return
        self.source_id.data, self.query.data = report.source_id, report.query
        for one in report.parameters:
            self.parameters.append_entry(one)
        self.add_rows()

    def add_rows(self, names: Sequence[str] = ()) -> None:
        """Lines for parameters that are asked for, and empty ones."""
        blank = [row for row in self.parameters if not row.form.name.data]
        for name in names:
            if len(self.parameters) < MOST_PARAMETERS:
                self.parameters.append_entry({"name": name, "kind": ParameterKind.TEXT.value, "value": ""})
        for _one in range(SPARE_ROWS - len(blank)):
            if len(self.parameters) < MOST_PARAMETERS:
                self.parameters.append_entry()

    def read(self, listing: Listing | None) -> ReportValues:
        """What was chosen; call it on a valid form."""
        listed = {} if listing is None else self._read_listing(listing)
        asked = {} if listing is not None else self._read_query()
        return ReportValues(
            " ".join((self.name.data or "").split()),
            listing.id if listing else "",
            formats=tuple(self.formats.data or ()),
            user_ids=tuple(self.user_ids.data or ()),
            addresses=tuple(dict.fromkeys(split_addresses((self.addresses.data or "").replace("\n", ";")))),
            clearance=self.clearance.data or 0,
            language=self.language.data or "",
            row_limit=self.row_limit.data or 0,
            sends_empty=bool(self.sends_empty.data),
            **listed,
            **asked,
        )

    def _read_listing(self, listing: Listing) -> dict[str, Any]:
        chosen = {name: self[name].data or "" for name in ("period", "choice", "text") if name in self}
        every = [one.key for one in listing.columns(say)]
        columns = tuple(key for key in every if key in (self.columns.data or ()))
        return {
            "filters": Filters.from_kept(chosen),
            "columns": columns,
            "order_by": self.order_by.data or "",
            "is_descending": bool(self.is_descending.data),
        }

    def _read_query(self) -> dict[str, Any]:
        rows = [row.form for row in self.parameters if (row.form.name.data or "").strip()]
        return {
            "source_id": self.source_id.data,
            "query": self.query.data or "",
            "parameters": tuple(
                {
                    "name": (row.name.data or "").strip().removeprefix(":"),
                    "kind": row.kind.data,
                    "value": row.value.data or "",
                }
                for row in rows
            ),
        }

    def refuse(self, field: str, words: str) -> None:
        """Show what the service refused beside its field, or above the form."""
        if field in self and field != "parameters":
            self[field].errors = [*self[field].errors, words]
        else:
            self.form_errors.append(words)
