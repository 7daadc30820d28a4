"""Public FatturaPA samples (SAMPLES_DIR) with files inside and with signatures; the others: `test_document_samples`."""

import os
from pathlib import Path

import pytest

from crm_mail.importers.formats.fatturapa import parse_fatturapa

SAMPLES = Path(os.environ.get("SAMPLES_DIR", "")) / "fatturapa"
pytestmark = pytest.mark.skipif(not os.environ.get("SAMPLES_DIR"), reason="SAMPLES_DIR is not set")


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
