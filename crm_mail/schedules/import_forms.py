"""Questions of the kind *import*."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import Field, SelectField, StringField, ValidationError
from wtforms.validators import Length

from crm_mail.companies.models import Company
from crm_mail.importers.databases.service import list_views
from crm_mail.importers.tables import mappings as contact_mappings
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables import mappings as ledger_mappings
from crm_mail.receivables.sources import list_sources
from crm_mail.schedules.import_kind import FOLDER, SOURCE, VIEW
from crm_mail.schedules.kind_forms import KindForm, choices_of
from crm_mail.schedules.kinds import Options
from crm_mail.schedules.table_imports import RIGHT, TABLE, TableImport, Target


class ImportForm(KindForm):
    """From where."""

    label = _l("Import")
    makes_run = False
    hint = _l(
        "Brings in what lies in the company's folder, a spreadsheet, or a list from the database of the ERP."
    )

    what = SelectField(_l("From where"), default=FOLDER, choices=[])
    file = StringField(
        _l("Spreadsheet or folder"),
        [Length(max=300)],
        description=_l(
            "Only for spreadsheets: a file or a folder inside the company's folder for documents, such as "
            "lists/customers.xlsx. A file stays where it is; of a folder every file is taken, then moved away."
        ),
    )

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """The folder, and the databases of the company."""
        pairs = [(FOLDER, _("the company's folder for documents"))]
        if actor.can(Permission.DOCUMENTS_MANAGE, company.id):
            pairs += [
                (f"{SOURCE}{one.name}", _source(one.name)) for one in list_sources(session, actor, company.id)
            ]
        pairs += _tables(session, actor, company.id)
        pairs += [(f"{VIEW}{one.name}", _view(one.name)) for one in list_views(session, actor, company.id)]
        self.what.choices = choices_of(pairs)

    def validate_file(self, field: Field) -> None:
        """A spreadsheet needs its place."""
        if str(self.what.data).startswith(TABLE) and not (field.data or "").strip():
            raise ValidationError(_("Say which file or folder."))

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """From where."""
        what = str(options.get("what"))
        if what.startswith(SOURCE):
            return [_source(what.removeprefix(SOURCE))]
        if what.startswith(VIEW):
            return [_view(what.removeprefix(VIEW))]
        if what.startswith(TABLE):
            return [_table(TableImport.parse(what, "")), str(options.get("file") or "")]
        return [str(_("the company's folder for documents"))]


def _tables(session: Session, actor: Actor, company_id: int) -> list[tuple[str, str]]:
    """Spreadsheets of each sort that the person may bring in: by the names of their columns, or as a saved mapping."""
    found: list[TableImport] = []
    for target, room in ((Target.CONTACTS, contact_mappings), (Target.LEDGER, ledger_mappings)):
        if actor.can(RIGHT[target], company_id):
            names = [one.name for one in room.list_mappings(session, actor, company_id)]
            found += [TableImport(target, name, "") for name in ("", *names)]
    return [(one.text, _table(one)) for one in found]


def _table(one: TableImport) -> str:
    sort = {
        Target.CONTACTS: _("a spreadsheet of contacts"),
        Target.LEDGER: _("a spreadsheet of open items or movements"),
    }[one.target]
    if not one.mapping:
        return str(_("%(sort)s, columns known by their names", sort=sort))
    return str(_("%(sort)s, columns as in “%(name)s”", sort=sort, name=one.mapping))


def _view(name: str) -> str:
    words: str = _("the query “%(name)s” on the database", name=name)
    return words


def _source(name: str) -> str:
    words: str = _("the list “%(name)s” of the database", name=name)
    return words
