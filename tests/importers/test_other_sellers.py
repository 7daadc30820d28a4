"""An invoice of which neither side is our company: kept, and not mailed without a person's word."""

from pathlib import Path

from crm_mail.documents.service import set_mailable
from crm_mail.importers.documents.service import DocumentFileResult, import_document_file
from crm_mail.installation import Installation
from tests.factories import make_account, make_actor, make_company
from tests.outbox.preparing import codes, left_out, prepare, rows

FILE = Path(__file__).resolve().parents[1] / "samples" / "fatturapa" / "windows-1252.xml"


def test_a_strangers_invoice_waits_for_a_person_and_ours_does_not(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, actor = make_company(session, vat_number=""), make_actor()
        make_account(session, company)

        def bring() -> DocumentFileResult:
            return import_document_file(
                session, sqlite_home.store, actor, company, FILE.name, FILE.read_bytes()
            )

        (strange,) = bring().documents
        assert (strange.is_mailable, strange.not_mailable_reason) == (False, "other_seller")
        waiting = prepare(session, actor, company)
        assert (rows(session, waiting), left_out(session, waiting)) == (
            [],
            {("not_mailable", strange.id, None)},
        )
        set_mailable(session, actor, strange, True)
        (message,) = rows(session, prepare(session, actor, company))
        assert "other_seller" in codes(message)
        set_mailable(session, actor, strange, False)

        company.vat_number = strange.data["seller"]["vat_number"]
        (ours,) = bring().documents
        assert (ours.is_mailable, ours.not_mailable_reason) == (True, "")
        assert not strange.is_mailable
