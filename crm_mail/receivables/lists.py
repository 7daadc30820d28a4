"""A list of open items or movements as a table, whatever it came as."""

from pathlib import Path

from crm_mail.importers.tables.object_tables import open_list
from crm_mail.importers.tables.table_rows import TableLimits
from crm_mail.importers.tables.tabular import Table
from crm_mail.receivables.columns import COLUMNS


def open_ledger(source: bytes | Path, sheet: str | None = None, limits: TableLimits | None = None) -> Table:
    """A list as a table: CSV, TSV, XLSX, XLS, ODS, pasted cells, or JSON (a list of objects).

    Raises:
        ImportRefused: it is none of them.
    """
    return open_list(source, COLUMNS.score_header, sheet, limits, "not_ledger_json")
