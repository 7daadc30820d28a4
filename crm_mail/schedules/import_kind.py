"""Bringing data in at given times: the company's hot folder, or a list from the ERP's database."""

import threading

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.importers.folder_watch import FileReport, Watcher
from crm_mail.importers.models import FileOutcome
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.sources import find_source, import_from_source
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, done, nothing_due

FOLDER = "folder"
SOURCE = "source:"
PAUSE_SECONDS = 2.0
"""Between the two looks: a file that grows within it is left for the next time."""


class Imports(ScheduleKind):
    """Brings data in; options: ``what``, the hot folder or ``source:`` and its name."""

    id = "import"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to bring documents in; a source that is named must be there."""
        actor.require(Permission.DOCUMENTS_MANAGE, company_id)
        if str(options.get("what")).startswith(SOURCE):
            find_source(session, actor, company_id, str(options["what"]).removeprefix(SOURCE))

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome | None:
        """A list comes in within the transaction, the folder outside: its files are moved one by one."""
        what = str(due.options.get("what"))
        if not what.startswith(SOURCE):
            return None
        company = session.get_one(Company, due.company_id)
        result = import_from_source(session, actor, home, company, what.removeprefix(SOURCE))
        return done(rows=result.rows, failed=result.error_rows)

    def work(self, home: Installation, actor: Actor, due: Due) -> Outcome:
        """Two looks into the folder; a file that is brought in twice is the same document."""
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
