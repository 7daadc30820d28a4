"""Canonical JSON as it comes from a stranger's program: what is refused and why, and what is kept (BX-12)."""

import base64
import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from sqlalchemy import select

from crm_mail.documents.models import Document
from crm_mail.importers.base import Direction, ImportRefused
from crm_mail.importers.documents.bundles import Door, import_together
from crm_mail.importers.documents.pairing import group_files
from crm_mail.importers.formats.canonical import (
    Surroundings,
    inner_path,
    named_paths,
    read_canonical,
    split_list,
)
from crm_mail.importers.formats.detect import FileFormat, sniff_document_format
from crm_mail.importers.formats.name_patterns import PatternInvalid, check_pattern, read_name
from crm_mail.installation import Installation
from tests.factories import make_actor, make_company, make_party

OTHER_PATTERN = "{date} {doctype} {number} ({customer}){*}.pdf"
PDF = b"%PDF-1.4 a page"


def written(**fields: Any) -> bytes:
    document = {"type": "generic", "title": "T", "number": "1", "date": "2026-11-21", "party": {"code": "C1"}}
    return json.dumps(document | fields).encode()


def file(role: str = "attachment", name: str = "a.pdf", **fields: Any) -> dict[str, Any]:
    return {"name": name, "role": role, **fields}


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


CONTENT = {"content": in_base64(PDF)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "broken at line 1, column 2"),
        (b"[" * 100_000 + b"{", "nested too deeply"),
        (b'{"number": ' + b"9" * 5000 + b"}", "numbers is too long"),
        (b'{"total": NaN}', "holds NaN"),
        (b"[]", "neither a document nor a list"),
        (written(type="bill"), "no document type “bill”"),
        (written(party={}), "“party” says nothing that names it"),
        (written(company="OTHER"), "belongs to the company “OTHER”"),
        (written(files=[file()]), "“files[1]” has neither “content” nor “path”"),
        (written(files=[file(content="né")]), "“files[1].content” is not Base64"),
        (written(files=[file(path="../secret")]), "“../secret”, which leads out"),
        (written(files=[file(path="gone.pdf")]), "“gone.pdf”: there is no such file"),
        (written(files=[file("main", content=in_base64(b"hello"))]), "is not a PDF"),
        (
            written(files=[file("main", **CONTENT), file("main", **CONTENT)]),
            "“files[2]”: the document has a main",
        ),
        (written(files=[file(**CONTENT, sha256="0" * 64)]), "“files[1].sha256” is not the SHA-256"),
        (written(files=[file(content=in_base64(b"x" * 2000))]), "file of more than"),
    ],
)
def test_a_bad_document_is_refused_with_path_fault_and_remedy(data: bytes, said: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        read_canonical(data, Surroundings(company="ACME", file_limit=1024))
    assert said in caught.value.message


def test_a_number_is_one_line_and_a_missing_currency_is_the_companys() -> None:
    party, lines = {"code": "1"}, [{"code": "A"}]
    quote = {"type": "quote", "number": "Q\r\nBcc: x@y", "date": "2026-11-21", "party": party, "lines": lines}
    data = json.dumps(quote).encode()
    (found,) = read_canonical(data, Surroundings(currency="MXN"))
    assert (found.number, found.currency) == ("Q Bcc: x@y", "MXN")


@pytest.mark.parametrize("text", ["/etc/passwd", "C:\\x.pdf", "..\\x", "a/../../x", "//share/x", "", "a\0b"])
def test_a_path_never_leaves_its_folder(text: str) -> None:
    assert inner_path(text) is None
    assert inner_path("pics\\a.jpg") == PurePosixPath("pics/a.jpg")


def test_a_document_comes_with_its_files_and_its_direction() -> None:
    files = [file("main", **CONTENT), file(name="b.jpg", path="pics/b.jpg")]
    data = b"\xef\xbb\xbf" + written(type="purchase_order", files=files, confidential=True, currency="usd")
    around = Surroundings(company="ACME", beside={PurePosixPath("pics/b.jpg"): b"\xff\xd8"}.get)
    [parsed] = read_canonical(data, around)
    assert [(one.role, one.mime) for one in parsed.files] == [
        ("main", "application/pdf"),
        ("attachment", "image/jpeg"),
    ]
    assert (parsed.direction, parsed.currency, parsed.privacy_level) == (Direction.SUPPLIER, "USD", 3)
    assert (parsed.mailable, parsed.not_mailable_reason) == (False, "confidential")
    assert parsed.canonical is not None
    assert "content" not in json.dumps(parsed.canonical)
    assert named_paths(data) == [PurePosixPath("pics/b.jpg")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"type": "invoice"}', FileFormat.JSON),
        ('\ufeff [ {"type": 1} ]', FileFormat.JSON),
        ("[]", FileFormat.JSON),
        ("{\\rtf1 hello}", FileFormat.TEXT),
        ("[section]\nkey=1", FileFormat.TEXT),
    ],
)
def test_json_is_recognised_by_its_content(text: str, found: FileFormat) -> None:
    assert sniff_document_format(text.encode()) is found
    assert sniff_document_format(text.encode("utf-16")) is found or found is FileFormat.TEXT


def test_a_list_is_split_into_its_documents_as_they_were_written() -> None:
    assert split_list(b'[ {"a": 1.10},\n [2], "x,]" ]') == [b'{"a": 1.10}', b"[2]", b'"x,]"']
    assert split_list(b'[{"a": 1}') == [b'[{"a": 1}']


def test_files_of_one_base_name_are_one_document() -> None:
    names = [
        "a.PDF",
        "a.xml",
        "a_Adj.zip",
        "b.pdf",
        "c.xml.p7m",
        "c.pdf",
        "c.json",
        "d.zip",
        "x/a.pdf",
        "e.jpg",
        "f.xml",
        "f.xml.p7m",
        "f.pdf",
    ]
    groups = group_files(names, {"c.json": {"e.jpg", "gone.jpg"}})
    assert [group.names for group in groups] == [
        ("a.xml", "a.PDF", "a_Adj.zip"),
        ("b.pdf",),
        ("c.json", "c.pdf", "c.xml.p7m", "e.jpg"),
        ("d.zip",),
        ("f.xml",),
        ("f.xml.p7m", "f.pdf"),
        ("x/a.pdf",),
    ]
    assert [group.lacks_half for group in groups] == [False, True, False, False, True, False, True]


@pytest.mark.parametrize(
    ("name", "pattern", "found"),
    [
        ("invoice_000101_A-45_2026-11-21.pdf", "", ("invoice", "000101", "A-45", "2026-11-21")),
        ("DDT_C1_7_20112026.PDF", "", ("delivery_note", "C1", "7", "2026-11-20")),
        ("Nota di credito_C1_7_20101120.pdf", "", ("credit_note", "C1", "7", "2010-11-20")),
        ("delivery_note_C1_7_21.11.2026.pdf", "", ("delivery_note", "C1", "7", "2026-11-21")),
        ("20261121 FT 45 (C1) scan.pdf", OTHER_PATTERN, ("invoice", "C1", "45", "2026-11-21")),
        ("letter_C1_7_20261121.pdf", "", None),
        ("DDT_C1_7_20261332.pdf", "", None),
        ("holiday.pdf", "", None),
    ],
)  # fmt: skip
def test_a_name_tells_type_party_number_and_date(
    name: str, pattern: str, found: tuple[str, str, str, str] | None
) -> None:
    read = read_name(name, check_pattern(pattern))
    said = read and (read.type, read.party_code, read.number, read.date.isoformat())
    assert said == found


@pytest.mark.parametrize(
    "pattern", ["{doctype}.pdf", "{doctype}{number}_{date}_{vat}", "{x}", "{number}{number}"]
)
def test_a_pattern_that_tells_too_little_is_refused(pattern: str) -> None:
    with pytest.raises(PatternInvalid):
        check_pattern(pattern)


def test_what_is_told_anew_is_a_new_version_and_a_replaced_document_is_voided(
    sqlite_home: Installation,
) -> None:
    """The same PDF with another total is a version; the same twice is nothing; the other documents of a list stay."""
    with sqlite_home.database.write() as session:
        company = make_company(session, code="ACME")
        make_party(session, company, code="C1")
        door = Door(session, sqlite_home.store, make_actor(is_admin=True), company)

        def bring(*documents: bytes) -> list[str]:
            text = b"[" + b",".join(documents) + b"]"
            done = list(import_together(door, {"list.json": text, "a.jpg": b"\xff\xd8"}))
            told = {"created", "versions", "unchanged"}
            return [
                next(name for name in told if getattr(one.result, name)) if one.result else "refused"
                for one in done
            ]

        def first(gross: str) -> bytes:
            return written(
                type="invoice",
                files=[file(path="a.jpg")],
                totals={"gross": gross},
                lines=[{"description": "x"}],
            )

        assert bring(first("1.10"), written(party={})) == ["created", "refused"]
        assert bring(first("1.10")) == ["unchanged"]
        assert bring(first("2.20")) == ["versions"]
        corrected = written(
            type="invoice", number="2", replaces="1", lines=[{"description": "x"}], totals={"gross": 3}
        )
        assert bring(corrected)[-1] == "created"
        kept = session.scalars(select(Document).where(Document.is_current).order_by(Document.number)).all()
        assert [(one.number, one.version, one.voided_at is not None) for one in kept] == [
            ("1", 2, True),
            ("2", 1, False),
        ]
