"""The database itself, whatever stands in it."""

from sqlalchemy import text

from crm_mail.companies.models import Company
from crm_mail.installation import Installation


def test_sqlite_counts_what_stands_in_its_tables_so_that_it_chooses_its_indexes_well(
    sqlite_home: Installation,
) -> None:
    with sqlite_home.database.write() as session:
        session.add(Company(code="A", name="A", language="it", country="IT"))
    sqlite_home.database.count_anew()
    with sqlite_home.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'companies'"))
