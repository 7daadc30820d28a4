"""Public receipts of real operators, where the environment has them (`SAMPLES_DIR`); openssl is the second opinion."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm_mail.delivery.pec.reading import ReceiptUnreadable, read_receipt
from crm_mail.delivery.pec.receipt import Disagreement, ReceiptType
from crm_mail.delivery.pec.verification import StepName, Trust, verify
from tests.conftest import samples_dir
from tests.delivery.pec.operators import openssl_verifies

NOVEMBER = datetime(2024, 11, 15, 17, 20, 38, tzinfo=UTC)
FAILED = (ReceiptType.DELIVERY_ERROR, "no-dest", "rec@fakepec.it", (Disagreement.REFERENCE,))
ACCEPTED = (ReceiptType.ACCEPTANCE, "nessuno", "rec@fakepec.it", ())
EXPECTED = {  # two of the "consegna" are errors, and were made anonymous by hand: their headers disagree
    "gopec-accettazione.eml": ACCEPTED,
    "javapec-accettazione.eml": ACCEPTED,
    "gopec-consegna.eml": FAILED,
    "javapec-consegna.eml": FAILED,
    "gopec-email_2.eml": (ReceiptType.DELIVERY, "nessuno", "example.example.com", ()),
    "gopec-email_3.eml": (ReceiptType.ENVELOPE, "nessuno", "", (Disagreement.REFERENCE,)),
}


def public_mails() -> list[Path]:
    """All of them, also those that somebody put there beside the known ones."""
    folder = samples_dir()
    return sorted((folder / "pec").glob("*.eml")) if folder else []


pytestmark = pytest.mark.skipif(not public_mails(), reason="no public receipts here")


@pytest.mark.parametrize("path", [p for p in public_mails() if p.name in EXPECTED], ids=lambda p: p.name)
def test_known_public_receipts_say_what_they_say_and_their_stubs_do_not_verify(path: Path) -> None:
    data = path.read_bytes()
    found = read_receipt(data)
    assert found is not None
    assert (found.type, found.error, found.recipient, found.disagreements) == EXPECTED[path.name]
    assert verify(data).trust is Trust.INVALID  # signatures were cut out
    if path.name.endswith("accettazione.eml"):
        assert found.occurred_at == NOVEMBER


@pytest.mark.parametrize("path", public_mails(), ids=lambda p: p.name)
def test_any_public_receipt_is_judged_as_openssl_judges_it(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    try:
        read_receipt(data)
    except ReceiptUnreadable as refused:
        assert refused.code  # noqa: PT017
    steps = {step.name: step.is_ok for step in verify(data).steps}
    is_good = steps[StepName.DIGEST] is True and steps[StepName.SIGNATURE] is True
    assert is_good is openssl_verifies(data, tmp_path)
