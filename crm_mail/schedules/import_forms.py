"""Questions of the kind *import*."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField

from crm_mail.companies.models import Company
from crm_mail.importers.sql_view_service import list_views
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.sources import list_sources
from crm_mail.schedules.import_kind import FOLDER, SOURCE, VIEW
from crm_mail.schedules.kind_forms import KindForm, choices_of
from crm_mail.schedules.kinds import Options


class ImportForm(KindForm):
    """From where."""

    label = _l("Import")
    hint = _l("Brings in what lies in the company's folder, or a list from the database of the ERP.")

    what = SelectField(_l("From where"), default=FOLDER, choices=[])

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """The folder, and the databases of the company."""
        pairs = [(FOLDER, _("the company's folder for documents"))]
        if actor.can(Permission.DOCUMENTS_MANAGE, company.id):
            pairs += [
                (f"{SOURCE}{one.name}", _source(one.name)) for one in list_sources(session, actor, company.id)
            ]
        pairs += [(f"{VIEW}{one.name}", _view(one.name)) for one in list_views(session, actor, company.id)]
        self.what.choices = choices_of(pairs)

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """From where."""
        what = str(options.get("what"))
        if what.startswith(SOURCE):
            return [_source(what.removeprefix(SOURCE))]
        if what.startswith(VIEW):
            return [_view(what.removeprefix(VIEW))]
        return [str(_("the company's folder for documents"))]


def _view(name: str) -> str:
    words: str = _("the query “%(name)s” on the database", name=name)
    return words


def _source(name: str) -> str:
    words: str = _("the list “%(name)s” of the database", name=name)
    return words
