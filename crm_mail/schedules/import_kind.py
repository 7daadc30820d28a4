"""Bringing data in at given times: the hot folder, spreadsheets, a list or a named query of the ERP's database.

All of it may be done again without harm: what comes in twice is the same document or contact.
"""

import threading

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.importers.databases.service import find_view, run_view
from crm_mail.importers.folders.watch import FileReport, Watcher
from crm_mail.importers.models import FileOutcome
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.sources import find_source, import_from_source
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, done, nothing_due
from crm_mail.schedules.table_imports import PAUSE_SECONDS, TABLE, TableImport, bring_in, check_table

FOLDER = "folder"
SOURCE = "source:"
VIEW = "view:"


class Imports(ScheduleKind):
    """Brings data in; options: ``what``, the hot folder, or ``source:``, ``view:`` or ``table:`` and its name.

    ``file``: of a spreadsheet, or a folder of them (`table_imports`).
    """

    id = "import"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to bring in what it gives; a list or query that is named must be there."""
        what = str(options.get("what"))
        if what.startswith(VIEW):
            find_view(session, actor, company_id, what.removeprefix(VIEW))
            return
        if what.startswith(TABLE):
            check_table(session, actor, company_id, _table(options))
            return
        actor.require(Permission.DOCUMENTS_MANAGE, company_id)
        if what.startswith(SOURCE):
            find_source(session, actor, company_id, what.removeprefix(SOURCE))

    def work(self, home: Installation, actor: Actor, due: Due) -> Outcome:
        """Whatever it is, outside of the firing's transaction: a foreign database may take its time."""
        what = str(due.options.get("what"))
        if what.startswith(VIEW):
            counts = run_view(home, actor, due.company_id, what.removeprefix(VIEW))
            return _told(counts["rows"], counts["error_rows"])
        if what.startswith(TABLE):
            table = bring_in(home, actor, due.company_id, _table(due.options))
            return done(**table) if table["files"] else nothing_due()
        if what.startswith(SOURCE):
            with home.database.write() as session:
                company = session.get_one(Company, due.company_id)
                result = import_from_source(session, actor, home, company, what.removeprefix(SOURCE))
            return _told(result.rows, result.error_rows)
        return self._look_into_folder(home, due)

    def _look_into_folder(self, home: Installation, due: Due) -> Outcome:
        """Two looks; a file that grows in between is left for the next time."""
        files: list[FileReport] = []
        watcher = Watcher(home, due.company_id, files.append)
        watcher.turn()
        threading.Event().wait(PAUSE_SECONDS)
        watcher.turn()
        if not files:
            return nothing_due()
        refused = sum(one.outcome is FileOutcome.REFUSED for one in files)
        unchanged = sum(one.outcome is FileOutcome.UNCHANGED for one in files)
        return done(
            files=len(files), imported=len(files) - refused - unchanged, unchanged=unchanged, failed=refused
        )


def _table(options: Options) -> TableImport:
    return TableImport.parse(str(options.get("what")), str(options.get("file") or ""))


def _told(rows: int, refused: int) -> Outcome:
    """Rows that came, and how many of them were refused."""
    return done(rows=rows, failed=refused) if rows else nothing_due()
