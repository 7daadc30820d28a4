"""The public FatturaPA samples (SAMPLES_DIR): each imports as the table says, or is refused naming what is wrong."""

import os
from pathlib import Path

import pytest

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.fatturapa import parse_fatturapa

SAMPLES = Path(os.environ.get("SAMPLES_DIR", "")) / "fatturapa"
pytestmark = pytest.mark.skipif(not os.environ.get("SAMPLES_DIR"), reason="SAMPLES_DIR is not set")

# (file, type, number, date, buyer, total): one row for each body
GOOD = [
    ("fe-net__IT01234567890_FPA02.xml", "invoice", "123", "2014-12-18", "AMMINISTRAZIONE BETA", "44.02"),
    ("fe-net__IT01234567890_FPR02.xml", "invoice", "123", "2014-12-18", "BETA GAMMA", "44.02"),
    ("fe-net__IT01234567890_FSM10.xml", "invoice", "123", "2019-01-01", "BETA GAMMA", "25.00"),
    ("fe-php__ESEMPIO_FT_SEMPL.xml", "invoice", "02", "2020-05-15", "PROVA AZIENDA TEST CIAO SRL", "120.00"),
    ("fe-php__ESEMPIO_FT_SEMPL_2.xml", "invoice", "AAA123456789", "2020-12-29", None, "1.78"),
    (
        "fe-php__ESEMPIO_NDC_SEMPL.xml",
        "credit_note",
        "987354321",
        "2019-03-30",
        "PROVA TEST TEST SRL",
        "63.90",
    ),
    (
        "fe-php__ESEMPIO_TD24.xml",
        "invoice",
        "90",
        "2021-02-24",
        "AZIENDA PROVA & C. SNS DI PROVA TEST",
        "3214.29",
    ),
    ("fe-php__IT01234567890_11001.xml", "invoice", "123", "2014-12-18", "AMMINISTRAZIONE BETA", "6.10"),
    (
        "fe-php__IT01234567890_11001_entity.xml",
        "invoice",
        "20/20/21G",
        "2014-12-18",
        "AMMINISTRAZIONE BETA",
        "6.10",
    ),
    (
        "fe-php__IT01234567890_11001_multi_ritenute.xml",
        "invoice",
        "123",
        "2014-12-18",
        "AMMINISTRAZIONE BETA",
        "6.10",
    ),
    (
        "fe-php__IT01234567890_11001_payment_details.xml",
        "invoice",
        "123",
        "2014-12-18",
        "AMMINISTRAZIONE BETA",
        "6.10",
    ),
    ("fe-php__IT01234567890_11001_reso.xml", "invoice", "123", "2014-12-18", "AMMINISTRAZIONE BETA", "6.10"),
    (
        "fe-php__IT01234567890_11001_slash.xml",
        "invoice",
        "20/20/21G",
        "2014-12-18",
        "AMMINISTRAZIONE BETA",
        "6.10",
    ),
    ("fe-php__IT01234567890_11001_spazi.xml", "invoice", "123", "2014-12-18", "AMMINISTRAZIONE BETA", "6.10"),
    ("fe-php__IT01234567890_11002.xml", "invoice", "123", "2014-12-18", "AMMINISTRAZIONE BETA", "6.10"),
    ("fe-php__IT01234567890_21101.xml", "invoice", "123", "2014-12-18", "AMMINISTRAZIONE BETA", "6.10"),
    ("fe-php__IT01234567890_Attachment.xml", "invoice", "123", "2014-12-18", "BETA GAMMA", "30.50"),
    ("fe-php__IT01234567890_FPR02.xml", "invoice", "123", "2014-12-18", "BETA GAMMA", "30.50"),
    ("fe-php__IT01234567899_000sq.xml", "invoice", "1", "2019-03-19", "Azienda della Fattura Srl", "2486.02"),
    ("fe-php__invalid.xml.p7m", "invoice", "30122583", "2018-11-30", "WEBLE S.R.L.", "542.31"),
    ("gobl-in__acube_test.xml", "invoice", "1", "2018-07-10", "Jane Doe", "12.20"),
    ("gobl-in__invoice-b2g.xml", "invoice", "SAMPLE-002", "2024-10-09", "Mela S.r.l.", "265.00"),
    ("gobl-in__invoice-credit-note.xml", "credit_note", "CN-001", "2024-10-09", "MARIO LEONI", "1388.40"),
    (
        "gobl-in__invoice-despatch.xml",
        "invoice",
        "SAMPLE-002",
        "2025-08-21",
        "Edilizia Firenze S.r.l.",
        "976.00",
    ),
    (
        "gobl-in__invoice-fund-contribution-mixed-retention.xml",
        "invoice",
        "SAMPLE-003",
        "2025-08-21",
        "Mela S.r.l.",
        "1789.08",
    ),
    ("gobl-in__invoice-hotel-complex.xml", "invoice", "INV4-000008", "2025-02-06", "ABC SRL", "248.58"),
    ("gobl-in__invoice-hotel-private.xml", "invoice", "SAMPLE-003", "2023-05-21", "John Doe", "876.00"),
    ("gobl-in__invoice-hotel.xml", "invoice", "SAMPLE-002", "2023-05-21", "Mela S.r.l.", "241.00"),
    ("gobl-in__invoice-irpef-no-flag.xml", "invoice", "42", "2026-04-24", "MR. ADVENTURES S.R.L.", "1395.68"),
    ("gobl-in__invoice-irpef.xml", "invoice", "SAMPLE-001", "2023-03-02", "MARIO LEONI", "1026.74"),
    ("gobl-in__invoice-reverse-charge.xml", "invoice", "SAMPLE-010", "2024-02-15", "Acme GmbH", "2300.00"),
    ("gobl-in__invoice-services-period.xml", "invoice", "SAMPLE-001", "2023-03-02", "MARIO LEONI", "2806.00"),
    ("gobl-in__invoice-simple-iban.xml", "invoice", "SAMPLE-001", "2023-03-02", "MARIO LEONI", "1388.40"),
    ("gobl-in__invoice-simple-rounding.xml", "invoice", "SAMPLE-001", "2023-03-02", "MARIO LEONI", "1388.41"),
    ("gobl-in__invoice-simple-with-pec.xml", "invoice", "SAMPLE-001", "2023-03-02", "MARIO LEONI", "1388.40"),
    ("gobl-in__invoice-simple.xml", "invoice", "SAMPLE-001", "2023-03-02", "MARIO LEONI", "1388.40"),
    ("gobl-in__invoice-windows1252.xml", "invoice", "1", "2025-01-23", "MARIO LEONI", "169.14"),
    ("gobl-in__invoice-zero-price.xml", "invoice", "SAMPLE-002", "2023-03-02", "MARIO LEONI", "122.00"),
    ("simevo__IT01234567890_FPA01.xml", "invoice", "123", "2017-01-18", "AMMINISTRAZIONE BETA", "6.10"),
    ("simevo__IT01234567890_FPA02.xml", "invoice", "123", "2017-01-18", "AMMINISTRAZIONE BETA", "30.50"),
    ("simevo__IT01234567890_FPA03.xml", "invoice", "12", "2017-01-18", "AMMINISTRAZIONE BETA", "30.50"),
    ("simevo__IT01234567890_FPA03.xml", "invoice", "456", "2017-01-20", "AMMINISTRAZIONE BETA", "2440.00"),
    ("simevo__IT01234567890_FPR01.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__IT01234567890_FPR02.xml", "invoice", "123", "2014-12-18", "BETA GAMMA", "30.50"),
    ("simevo__IT01234567890_FPR03.xml", "invoice", "123", "2014-12-18", "BETA GAMMA", "32.95"),
    ("simevo__IT01234567890_FPR03.xml", "invoice", "456", "2014-12-20", "BETA GAMMA", "2440.00"),
    ("simevo__IT01234567890_FPR04.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_CodiceDestinatario.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_DatiBeniServizi.xml", "invoice", "123", "2014-12-18", "DITTA BETA", None),
    (
        "simevo__missing_DatiGeneraliDocumento_Divisa.xml",
        "invoice",
        "123",
        "2014-12-18",
        "DITTA BETA",
        "6.10",
    ),
    ("simevo__missing_DatiTrasmissione.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_FormatoTrasmissione.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_IdTrasmittente.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_IdTrasmittente_IdCodice.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_IdTrasmittente_IdPaese.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("simevo__missing_ProgressivoInvio.xml", "invoice", "123", "2014-12-18", "DITTA BETA", "6.10"),
    ("viewer__test.xml", "invoice", "TEST-0001", "2024-01-18", "Demo Customer SRL", "37.62"),
    ("viewer__test.xml.p7m", "invoice", "TEST-0001", "2024-01-18", "Demo Customer SRL", "37.62"),
]
# (file, code of the refusal, element it names)
BAD = [
    ("simevo__malformed.xml", "broken_xml", ""),
    ("simevo__missing_CedentePrestatore.xml", "missing_element", "CedentePrestatore"),
    ("simevo__missing_CessionarioCommittente.xml", "missing_element", "CessionarioCommittente"),
    ("simevo__missing_DatiGenerali.xml", "missing_element", "DatiGeneraliDocumento"),
    ("simevo__missing_DatiGeneraliDocumento.xml", "missing_element", "DatiGeneraliDocumento"),
    ("simevo__missing_DatiGeneraliDocumento_Data.xml", "missing_element", "Data"),
    ("simevo__missing_DatiGeneraliDocumento_Numero.xml", "missing_element", "Numero"),
    ("simevo__missing_DatiGeneraliDocumento_TipoDocumento.xml", "missing_element", "TipoDocumento"),
    ("simevo__missing_FatturaElettronicaBody.xml", "missing_element", "FatturaElettronicaBody"),
    ("simevo__missing_FatturaElettronicaHeader.xml", "missing_element", "FatturaElettronicaHeader"),
    ("viewer__test-bad.xml", "broken_xml", ""),
    ("viewer__test-bad.xml.p7m", "wrong_format", ""),
]


@pytest.mark.parametrize("name", sorted({row[0] for row in GOOD}))
def test_a_good_sample_gives_the_documents_of_the_table(name: str) -> None:
    """IT-19: type, number, date, buyer and total of every body."""
    found = [
        (
            name,
            document.type,
            document.number,
            document.date.isoformat(),
            document.buyer.name,
            None if document.totals.gross is None else str(document.totals.gross),
        )
        for document in parse_fatturapa((SAMPLES / name).read_bytes())
    ]
    assert found == [row for row in GOOD if row[0] == name]


@pytest.mark.parametrize(("name", "code", "element"), BAD)
def test_a_bad_sample_is_refused_with_the_reason(name: str, code: str, element: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        parse_fatturapa((SAMPLES / name).read_bytes())
    assert refused.value.code == code
    assert element in refused.value.message
    assert len(refused.value.message) > 40


def test_every_sample_is_in_a_table() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {row[0] for row in GOOD} | {row[0] for row in BAD}


def test_a_file_inside_an_invoice_comes_out_whole() -> None:
    [document] = parse_fatturapa((SAMPLES / "simevo__IT01234567890_FPR04.xml").read_bytes())
    [attachment] = document.attachments
    assert (attachment.name, attachment.mime) == ("LogoA.jpg", "image/jpeg")
    assert attachment.content.startswith(b"\xff\xd8")
    assert attachment.content.endswith(b"\xff\xd9")


def test_a_signed_file_with_split_strings_gives_its_xml_and_keeps_the_envelope() -> None:
    data = (SAMPLES / "viewer__test.xml.p7m").read_bytes()
    [document] = parse_fatturapa(data)
    assert document.legal_file == data
    assert document.legal_file_kind == "p7m"
    assert document.legal_xml.startswith(b"<?xml")
    assert document.legal_xml.rstrip().endswith(b">")
