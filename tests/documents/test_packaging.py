"""Packaging, the pure part: file names, what a party names, the attached copy of an XML (PM-7, PM-15, PM-18)."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from crm_mail.companies.addenda import AddendaInvalid, check_addenda
from crm_mail.companies.packaging_rules import PackagingChoice, PackagingChoiceInvalid, parse_packaging
from crm_mail.documents.packaging import (
    NamedDocument,
    PackagingFacts,
    PatternInvalid,
    name_files,
    parse_pattern,
)
from crm_mail.documents.packaging_folders import FolderRefused, clean_folder, folder_inside
from crm_mail.documents.packaging_xml import add_addenda, add_bom

FACTS = {
    "customer": "C00001",
    "customer_name": "ALMACENES GARCÍA",
    "company": "SM02",
    "type": "invoice",
    "series": "A",
    "number": "12/2026",
    "seller_tax_id": "EKU9003173C9",
    "buyer_tax_id": "URE180429TM6",
    "uuid": "6128396F-C09B-4EC6-8699-43C5F7E3B230",
}


def document(*files: str, **facts: str) -> NamedDocument:
    return NamedDocument(FACTS | facts, date(2026, 3, 7), files)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{customer}{date:%Y%m%d}", ["C0000120260307.pdf", "C0000120260307.xml"]),
        ("{SERIE}{FOLIO}", ["A12-2026.pdf", "A12-2026.xml"]),
        (
            "{RFC_EMISOR}_{RFC_RECEPTOR}_{UUID}",
            [
                f"EKU9003173C9_URE180429TM6_6128396F-C09B-4EC6-8699-43C5F7E3B230.{end}"
                for end in ("pdf", "xml")
            ],
        ),
        ("{customer_name} {date}", ["ALMACENES GARCÍA 20260307.pdf", "ALMACENES GARCÍA 20260307.xml"]),
        ("../../{customer}", ["C00001.pdf", "C00001.xml"]),  # no folder, whatever the pattern says
        ("{name}", ["f.pdf", "f.xml"]),
    ],
)
def test_the_pdf_and_the_xml_of_a_document_share_their_base_name(pattern: str, names: list[str]) -> None:
    assert name_files(parse_pattern(pattern), [document("f.PDF", "other.xml")]) == [names]


def test_documents_with_the_same_name_are_numbered_and_a_pair_stays_a_pair() -> None:
    pattern = parse_pattern("{customer}")
    named = name_files(
        pattern, [document("a.pdf", "a.xml"), document("b.pdf", "b.xml"), document("c.xml.p7m")]
    )
    assert named == [
        ["C00001.pdf", "C00001.xml"],
        ["C00001-2.pdf", "C00001-2.xml"],
        ["C00001-3.xml.p7m"],
    ]


def test_two_files_of_one_ending_do_not_hide_each_other_whatever_their_capitals() -> None:
    assert name_files(None, [document("Note.pdf"), document("note.PDF")]) == [["Note.pdf"], ["note-2.PDF"]]
    assert name_files(parse_pattern("{FOLIO}"), [document("a.pdf", "b.pdf")]) == [
        ["12-2026.pdf", "12-2026-2.pdf"]
    ]


def test_a_document_of_which_the_pattern_knows_nothing_keeps_its_name() -> None:
    assert name_files(parse_pattern("{UUID}"), [document("old.pdf", uuid="")]) == [["old.pdf"]]


@pytest.mark.parametrize(
    ("pattern", "code", "value"),
    [
        ("{custmer}", "unknown_token", "custmer"),
        ("{customer:%Y}", "unknown_token", "customer:%Y"),
        ("{date:%Q}", "bad_date", "%Q"),
        ("{date:../%Y}x{", "bad_date", "../%Y"),
        ("{customer", "stray_brace", "{"),
        ("{customer.__class__}", "stray_brace", "{"),
        ("all", "no_token", "all"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_which_piece(pattern: str, code: str, value: str) -> None:
    with pytest.raises(PatternInvalid) as caught:
        parse_pattern(pattern)
    assert (caught.value.code, caught.value.value) == (code, value)


@pytest.mark.parametrize(
    ("text", "code", "emails"),
    [
        ("", "GRAL", ()),
        (" liverpool ", "LIVERPOOL", ()),
        ("GRAL,a@x.example, b@x.example,", "GRAL", ("a@x.example", "b@x.example")),
        ("GRAL,A@x.example,a@X.example", "GRAL", ("A@x.example",)),
        ("a@x.example", "GRAL", ("a@x.example",)),
    ],
)
def test_a_party_names_its_packaging_and_addresses_behind_it(
    text: str, code: str, emails: tuple[str, ...]
) -> None:
    assert parse_packaging(text) == PackagingChoice(code, emails)


@pytest.mark.parametrize(("text", "part"), [("G R", "code"), ("../x", "code"), ("GRAL,nobody", "email")])
def test_what_names_no_packaging_is_refused_with_its_piece(text: str, part: str) -> None:
    with pytest.raises(PackagingChoiceInvalid) as caught:
        parse_packaging(text)
    assert caught.value.part == part


CFDI = b'<?xml version="1.0" encoding="UTF-8"?>\n<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" A="1"%s'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b"><cfdi:X/></cfdi:Comprobante>\n",
            b"><cfdi:X/><cfdi:Addenda><o>\xc3\xb1</o></cfdi:Addenda></cfdi:Comprobante>\n",
        ),
        (
            b"><cfdi:Addenda><p/></cfdi:Addenda></cfdi:Comprobante>",
            b"><cfdi:Addenda><p/><o>\xc3\xb1</o></cfdi:Addenda></cfdi:Comprobante>",
        ),
        (
            b"><cfdi:Addenda/></cfdi:Comprobante>",
            b"><cfdi:Addenda><o>\xc3\xb1</o></cfdi:Addenda></cfdi:Comprobante>",
        ),
    ],
)
def test_an_addenda_stands_inside_the_cfdi_and_no_other_byte_changes(before: bytes, after: bytes) -> None:
    """PM-18."""
    assert add_addenda(CFDI % before, check_addenda("<?xml version='1.0'?><o>ñ</o>")) == CFDI % after


def test_an_xml_that_is_no_cfdi_gets_no_addenda() -> None:
    assert add_addenda(b"<FatturaElettronica/>", "<o/>") == b"<FatturaElettronica/>"


def test_the_content_of_an_addenda_element_is_what_is_added() -> None:
    text = '<cfdi:Addenda xmlns:cfdi="http://www.sat.gob.mx/cfd/4"><order n="7"/></cfdi:Addenda>'
    assert check_addenda(text).startswith("<order ")


@pytest.mark.parametrize("text", ["<a>", "words", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "</a><a>"])
def test_an_addenda_that_is_not_well_formed_is_refused(text: str) -> None:
    with pytest.raises(AddendaInvalid):
        check_addenda(text)


def test_a_bom_is_added_once_and_only_to_utf_8() -> None:
    assert add_bom(b"<a/>") == b"\xef\xbb\xbf<a/>"
    assert add_bom(b"\xef\xbb\xbf<a/>") == b"\xef\xbb\xbf<a/>"
    latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>"
    assert hashlib.sha256(add_bom(latin)).digest() == hashlib.sha256(latin).digest()


@pytest.mark.parametrize(
    ("text", "kept"), [("", ""), (" Envios/CFDI 2026 ", "Envios/CFDI 2026"), ("a.b", "a.b")]
)
def test_a_folder_for_copies_is_names_below_the_allowed_one(text: str, kept: str) -> None:
    assert clean_folder(text) == kept


@pytest.mark.parametrize(
    "text", ["/etc", "..", "a/../b", "a//b", "C:x", "a\\b", "~", ".ssh", "a/", "recycle/x", "a/b.", "x\ny"]
)
def test_a_folder_outside_the_allowed_one_is_refused(text: str) -> None:
    with pytest.raises(FolderRefused):
        clean_folder(text)


def test_a_link_on_disk_does_not_lead_out_of_the_folder_of_copies(tmp_path: Path) -> None:
    root, outside = tmp_path / "copies", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "trap").symlink_to(outside)
    with pytest.raises(FolderRefused):
        folder_inside(root, "trap", "customer")
    assert list(outside.iterdir()) == []


def test_a_packaging_without_wishes_is_plain() -> None:
    assert PackagingFacts("GRAL").is_plain
    assert not PackagingFacts("GRAL", zip_above=0).is_plain
