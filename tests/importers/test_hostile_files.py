"""Files made to do harm: refused with a clear word, within bounded time and memory, and the next file works."""

import base64
import io
import time
import zipfile

import pytest

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.documents.archives import ArchiveLimits, Unpacked, open_archive
from crm_mail.importers.documents.service import import_document_file
from crm_mail.importers.formats.detect import FileFormat, sniff_document_format
from crm_mail.importers.formats.p7m import extract_signed_xml
from crm_mail.importers.formats.sandboxed import ParserFailed, run_limited
from crm_mail.installation import Installation
from tests.factories import make_actor, make_company


def answer(data: bytes) -> bytes:
    """Runs in the child."""
    return data[::-1]


def complain(data: bytes) -> bytes:
    """Runs in the child."""
    print("noise that must not pass for an answer")  # noqa: T201
    raise ValueError(data.decode())


def sleep(data: bytes) -> bytes:
    """Runs in the child: takes no processor time at all."""
    time.sleep(60)
    return data


def devour(data: bytes) -> bytes:
    """Runs in the child."""
    return bytes(4 << 30)


def test_a_child_that_is_late_or_greedy_refuses_its_own_file_only() -> None:
    assert run_limited(answer, b"abc", 5, 256) == b"cba"
    with pytest.raises(ParserFailed, match="ValueError: broken"):
        run_limited(complain, b"broken", 5, 256)
    for parser, code in ((sleep, "parser_timeout"), (devour, "parser_died")):
        started = time.monotonic()
        with pytest.raises(ImportRefused) as refused:
            run_limited(parser, b"x", 1, 256)
        assert refused.value.code == code
        assert time.monotonic() - started < 35  # a second, and the start of a fresh child on a busy machine
        assert run_limited(answer, b"next", 5, 256) == b"txen"


def test_one_child_serves_many_files() -> None:
    run_limited(answer, b"", 5, 256)
    started = time.monotonic()
    for _ in range(200):
        run_limited(answer, b"x" * 1000, 5, 256)
    assert time.monotonic() - started < 5


def signed(content: bytes) -> bytes:
    """A CMS envelope of indefinite lengths around `content`, itself the tagged octets (RFC 5652, 5.2)."""
    data_type = bytes.fromhex("06092a864886f70d010701")
    signed_data = b"\x02\x01\x01" + b"\x31\x00" + b"\x30\x80" + data_type + b"\xa0\x80" + content
    return (
        b"\x30\x80" + bytes.fromhex("06092a864886f70d010702") + b"\xa0\x80\x30\x80" + signed_data + bytes(12)
    )


def octets(piece: bytes) -> bytes:
    return b"\x04\x82" + len(piece).to_bytes(2, "big") + piece


def test_envelopes_open_to_six_layers_and_no_further() -> None:
    data = b"<FatturaElettronica/>"
    assert sniff_document_format(b"A" * 60 + b"\n") is FileFormat.TEXT
    for layer in range(5):
        data = base64.b64encode(data) if layer % 2 else signed(b"\x24\x80" + octets(data) + b"\0\0")
        assert extract_signed_xml(data) == b"<FatturaElettronica/>"
        assert sniff_document_format(data) is FileFormat.FATTURAPA_P7M
    assert sniff_document_format(base64.b64encode(base64.b64encode(data))) is FileFormat.FATTURAPA_P7M
    data = base64.b64encode(base64.b64encode(data))
    with pytest.raises(ImportRefused):
        extract_signed_xml(data)


@pytest.mark.parametrize(
    "content",
    [
        b"\x24\x80" + b"\x04\x00" * 5_000_000,
        b"\x24\x80" * 100_000,
        b"\x24\x80" + b"\x24\x00" * 5_000_000,
        b"\x04\x88" + b"\xff" * 8,
        b"\x04\xfe" + b"\xff" * 200,
    ],
    ids=[
        "five million empty strings",
        "nesting",
        "empty constructed strings",
        "length of 2^64",
        "length of lengths",
    ],
)
def test_a_crafted_envelope_is_refused_in_bounded_time(content: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(ImportRefused) as refused:
        extract_signed_xml(signed(content))
    assert refused.value.code == "p7m_unreadable"
    assert time.monotonic() - started < 5


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def names(found: list[Unpacked]) -> list[str]:
    return [f"{file.name}: {file.refused.code}" if file.refused else file.name for file in found]


def test_an_archive_gives_its_files_and_those_of_archives_inside_it() -> None:
    inner = zipped({"b.xml": b"<b/>"})
    data = zipped({"a.xml": b"<a/>", "sub/in.zip": inner, "__MACOSX/a.xml": b"x", ".hidden": b"x"})
    assert names(list(open_archive("out.zip", data))) == ["a.xml", "sub/in.zip/b.xml"]
    deep = zipped(
        {"1.zip": zipped({"2.zip": zipped({"3.zip": inner, "c.xml": b"<c/>"})}), "bad.zip": b"PK\x03\x04!"}
    )
    assert names(list(open_archive("deep.zip", deep))) == [
        "1.zip/2.zip/3.zip: zip_too_deep",
        "1.zip/2.zip/c.xml",
        "bad.zip: zip_damaged",
    ]


def test_a_bomb_is_refused_although_the_archive_lies_about_its_sizes() -> None:
    limits = ArchiveLimits(file_bytes=1 << 20, unpacked_bytes=3 << 20)
    bomb = zipped({f"{number}.xml": bytes(2 << 20) for number in range(5)})
    lying = bomb.replace((2 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    found: list[Unpacked] = []
    with pytest.raises(ImportRefused) as refused:
        found.extend(open_archive("bomb.zip", bomb, limits))
    assert refused.value.code == "zip_bomb"
    assert all(file.refused for file in found)
    assert {file.refused.code for file in open_archive("lying.zip", lying, limits) if file.refused} == {
        "zip_damaged"
    }
    with pytest.raises(ImportRefused) as many:
        list(open_archive("many.zip", zipped({str(n): b"" for n in range(9)}), ArchiveLimits(files=8)))
    assert many.value.code == "zip_too_many"
    with pytest.raises(ImportRefused) as cut:
        list(open_archive("cut.zip", bomb[:200]))
    assert cut.value.code == "zip_damaged"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"%PD", "damaged"),
        ("a.json", b"{number: 1", "damaged"),
        ("a.png", b"PNG", "damaged"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(20), "wrong_format"),
        ("a.txt", b"remember the milk", "wrong_format"),
        ("a.json", b'{"number": NaN}', "json_constant"),
        ("a.json", b'{"a": ' * 100_000, "json_beyond_reading"),
    ],
)
def test_a_broken_file_is_called_what_it_is_and_not_a_text(
    sqlite_home: Installation, name: str, data: bytes, code: str
) -> None:
    with sqlite_home.database.write() as session, pytest.raises(ImportRefused) as refused:
        import_document_file(session, sqlite_home.store, make_actor(), make_company(session), name, data)
    assert refused.value.code == code
    assert "?" not in str(refused.value)
