"""Forms of the ERP's database: its address, and a query."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length

from crm_mail.importers.databases.models import SqlSource, ViewKind
from crm_mail.importers.databases.service import ViewValues

_REQUIRED = DataRequired(_l("Fill in this field."))


class SourceForm(FlaskForm):
    """A database of the ERP."""

    name = StringField(_l("Name"), [_REQUIRED, Length(max=80)])
    url = PasswordField(
        _l("Address"),
        [_REQUIRED, Length(max=1000)],
        description=_l("Such as postgresql+psycopg://reader:password@server/erp. It is kept encrypted."),
    )


class ViewForm(FlaskForm):
    """A query on it."""

    name = StringField(_l("Name"), [_REQUIRED, Length(max=80)])
    source_id = SelectField(_l("Database"), coerce=int)
    kind = SelectField(_l("What its rows become"))
    query = TextAreaField(
        _l("Query"),
        [_REQUIRED, Length(max=20_000)],
        description=_l("One SELECT. :company, :today and :since are given; other names are parameters."),
    )
    parameters = TextAreaField(_l("Parameters"), [Length(max=5000)], description=_l("One name=value a line."))
    mapping = SelectField(_l("Mapping of columns"))
    since_column = StringField(
        _l("Column of the last change"),
        [Length(max=80)],
        description=_l("Its highest value becomes :since of the next time."),
    )
    since = StringField(
        _l("Begin with"),
        [Length(max=70)],
        description=_l("A day, a time or a number, such as 2026-01-01. Empty: go on where it stands."),
    )

    def offer(self, sources: Sequence[SqlSource], mappings: Sequence[str]) -> None:
        """The choices of the company."""
        self.source_id.choices = [SelectChoice(one.id, one.name) for one in sources]
        self.kind.choices = [
            SelectChoice(ViewKind.CONTACTS.value, _l("Customers, suppliers and contacts")),
            SelectChoice(ViewKind.DOCUMENTS.value, _l("Documents (a column “document” with canonical JSON)")),
        ]
        self.mapping.choices = [
            SelectChoice("", _l("Recognise the columns by their names")),
            *(SelectChoice(name, name) for name in mappings),
        ]

    def read(self) -> ViewValues:
        """What was chosen; call it on a valid form."""
        lines = [line.partition("=") for line in (self.parameters.data or "").splitlines() if line.strip()]
        return ViewValues(
            self.name.data or "",
            self.source_id.data or 0,
            ViewKind(self.kind.data),
            self.query.data or "",
            {name.strip(): value.strip() for name, _, value in lines},
            self.mapping.data or "",
            self.since_column.data or "",
            self.since.data or "",
        )
