"""An address that was erased does not come back by an import without being noticed (art. 17 GDPR)."""

from crm_mail.contacts.erased_addresses import remember_erased
from crm_mail.installation import Installation
from tests.factories import make_company
from tests.importers.test_contact_service import run


def test_an_import_that_brings_an_erased_address_back_says_so(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, other = make_company(session), make_company(session)
        remember_erased(session, company.id, ["Anna@Person.example"])
        head = "party_code;party_name;contact_name;contact_email"
        lines = f"{head}\n1;Ditta;Anna;anna@person.example\n1;;Ugo;ugo@x.example\n"
        told = run(session, company, lines, dry_run=True).warnings
        assert [(one.code, one.params["value"]) for one in told] == [
            ("address_erased", "anna@person.example")
        ]
        assert [one.code for one in run(session, other, lines).warnings] == []
