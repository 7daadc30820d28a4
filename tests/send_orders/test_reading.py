"""Orders are read whatever they look like, and never harm (PM-2, PM-3, PM-11, PM-12, PM-26)."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_mail.send_orders.attachment_paths import (
    AttachmentRoots,
    MappingInvalid,
    check_mapping,
    parse_mapping,
)
from crm_mail.send_orders.element_paths import PathsInvalid, parse_paths
from crm_mail.send_orders.names import order_id, order_name, result_name
from crm_mail.send_orders.order_xml import read_order
from crm_mail.send_orders.orders import OrderRefused
from tests.conftest import samples_dir
from tests.send_orders.making import order_xml

SAMPLE = Path(__file__).parents[2] / "docs/send-order.example.xml"


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("_CFD_MAIL_REQ_0012_20250115103045.XML", "0012_20250115103045"),
        ("_cfd_mail_req_7.xml", "7"),
        ("_CFD_MAIL_REQ_.XML", None),
        ("CFD_MAIL_REQ_7.XML", None),
        ("_CFD_MAIL_REQ_7.XML.tmp", None),
        (f"_CFD_MAIL_REQ_{'7' * 101}.XML", None),
    ],
)
def test_an_order_is_known_by_its_name(name: str, id_: str | None) -> None:
    """PM-2."""
    assert order_id(name) == id_


def test_names_of_ours_and_of_the_answers() -> None:
    assert order_id(order_name("CRM-12")) == "CRM-12"
    assert result_name("_CFD_MAIL_REQ_7.XML") == "_CFD_MAIL_RES_7.XML"
    with pytest.raises(ValueError, match="cannot be the id"):
        order_name("../x")


SPANISH = """<?xml version="1.0" encoding="ISO-8859-1"?>
<Orden><Smtp><Servidor>smtp.x.example</Servidor><Puerto>465</Puerto><Usuario>u</Usuario><Contraseña>p</Contraseña></Smtp>
<Remitente>f@x.example</Remitente><Destinatario>a@x.example; b@x.example</Destinatario><Título>Peña &amp; Cía</Título>
<Cuerpo>Estimado señor: "1 &lt; 2"</Cuerpo><Adjuntos>C:\\E\\a.xml
C:\\E\\a.pdf</Adjuntos></Orden>"""


def test_other_names_other_languages_other_encodings() -> None:
    read = read_order(SPANISH.encode("iso-8859-1"))
    assert (read.to, read.subject) == (("a@x.example", "b@x.example"), "Peña & Cía")
    assert read.text == 'Estimado señor: "1 < 2"'
    assert [file.path for file in read.files] == ["C:\\E\\a.xml", "C:\\E\\a.pdf"]
    assert (read.smtp.host, read.smtp.port, read.smtp.user, read.smtp.password) == (
        "smtp.x.example",
        465,
        "u",
        "p",
    )
    assert "p'" not in repr(read.smtp)  # PM-27


@pytest.mark.parametrize(
    ("raw", "subject", "html"),
    [
        (b"<o><to>a@x.example</to><subject>A & B</subject><body>t</body></o>", "A & B", ""),
        ("<o><to>a@x.example</to><subject>Peña</subject><body>t</body></o>".encode("cp1252"), "Peña", ""),
        (b"<o><to>a@x.example</to><subject>&ntilde;</subject><body>t</body></o>", "ñ", ""),
        (
            b"<o><to>a@x.example</to><subject>s</subject><body>HTML <p>one<br>two</body></o>",
            "s",
            "<p>one<br>two</p>",
        ),
        (
            b"<o><to>a@x.example</to><subject>s</subject><body><b>x</b><script>y</script></body></o>",
            "s",
            "<b>x</b>",
        ),
        (
            b"<o><to>a@x.example</to><subject>s</subject><body>HTML &lt;i&gt;{{ x }}&lt;/i&gt;</body></o>",
            "s",
            "<i>{{ x }}</i>",
        ),
    ],
)
def test_small_faults_are_mended_and_html_is_cleaned(raw: bytes, subject: str, html: str) -> None:
    """PM-11, PM-12."""
    read = read_order(raw)
    assert (read.subject, read.html) == (subject, html)


def test_a_company_s_own_paths_come_first() -> None:
    raw = (
        b'<x><mail kind="to">wrong@x.example</mail><dst addr="right@x.example"/><q>t</q><title>no</title></x>'
    )
    own = parse_paths("to = dst/@addr\nsubject = q\n")
    read = read_order(raw, own)
    assert (read.to, read.subject) == (("right@x.example",), "t")
    for wrong in ("nonsense = x", "to =", "to x"):
        with pytest.raises(PathsInvalid):
            parse_paths(wrong)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_file"),
        (b"<o><to>a@x.example</to><subject>cut", "broken_xml"),
        (b'<!DOCTYPE o [<!ENTITY e "x">]><o><to>a@x.example</to><subject>&e;</subject></o>', "hostile_xml"),
        (b"<o><to>a@x.example</to></o>", "no_text"),
        (b"<o><subject>s</subject></o>", "no_recipient"),
        (b"<html><p>hello</p></html>", "not_an_order"),
        (b"<o><to>nobody</to><subject>s</subject></o>", "bad_address"),
        (
            b"<o><to>"
            + b",".join(b"a%d@x.example" % n for n in range(51))
            + b"</to><subject>s</subject></o>",
            "too_many",
        ),
        (b"x" * (6 << 20), "file_too_large"),
    ],
)
def test_what_cannot_be_an_order_is_refused_with_its_reason(raw: bytes, code: str) -> None:
    """PM-26."""
    with pytest.raises(OrderRefused) as refused:
        read_order(raw)
    assert refused.value.code == code


def test_our_own_schema_is_read_as_it_is_documented() -> None:
    read = read_order(SAMPLE.read_bytes())
    assert read.to == ("compras@cedimu.example",)
    assert (read.customer, read.document_type, read.packaging, read.language) == (
        "CEDIMU",
        "invoice",
        "GRAL",
        "es",
    )
    assert [(one.number, one.series, one.type) for one in read.documents] == [("123", "A", "invoice")]
    first = read.files[0]
    assert (first.path, first.name) == ("C:\\Trabajo\\proscai\\Envio_Mails\\A123.pdf", "Factura A123.pdf")
    assert read.html
    assert (read.smtp.host, read.smtp.timeout_seconds) == ("smtp.example", 600)
    assert (read.cc, read.reply_to) == (("cxp@cedimu.example",), "cobranza@demo.example")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2", 120),
        ("10", 600),
        ("11", 11),
        ("600", 600),
        ("120000", 120),
        ("9999", 600),
        ("soon", 0),
        ("-1", 0),
    ],
)
def test_a_time_out_is_read_in_whatever_unit_it_was_meant(said: str, seconds: int) -> None:
    """PM-10: two minutes, or ten; in minutes, seconds, or the milliseconds of .NET."""
    read = read_order(order_xml(more=f"<Smtp><Host>h</Host><Timeout>{said}</Timeout></Smtp>"))
    assert read.smtp.timeout_seconds == seconds


def test_the_sample_of_the_public_collection_is_read() -> None:
    folder = samples_dir()
    if folder is None or not (folder / "spool").is_dir():
        pytest.skip("SAMPLES_DIR is not set")
    for path in (folder / "spool").iterdir():
        read = read_order(path.read_bytes())
        assert read.to
        assert read.files


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_an_order_or_a_refusal(data: bytes) -> None:
    assert what_came_of(data) in ("an order", "a refusal")


_TAGS = ["<to>", "</to>", "<subject>", "</subject>", "<body>", "</body>", "<b>", "<img src='x'>", "o>", "<"]
_TEXTS = [
    "a@x.example",
    "HTML ",
    "&",
    "&amp;",
    "]]>",
    "<![CDATA[",
    "&ntilde;",
    "\x00",
    "ñ",
    "{{",
    "<!--",
    "-->",
]
_PIECES = st.sampled_from([*_TAGS, *_TEXTS, "<?xml version='1.0'?>"])


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=25))
def test_broken_orders_are_an_order_or_a_refusal(pieces: list[str]) -> None:
    assert what_came_of(f"<o>{''.join(pieces)}</o>".encode()) in ("an order", "a refusal")


def what_came_of(data: bytes) -> str:
    try:
        read = read_order(data)
    except OrderRefused:
        return "a refusal"
    if "\n" in read.subject:
        return "a subject of two lines"
    return "a script" if "<script" in read.html.lower() else "an order"


@settings(max_examples=150, deadline=None)
@given(
    title=st.text(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60
    ),
    body=st.text(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=200
    ),
)
def test_title_and_text_arrive_as_they_were_written(title: str, body: str) -> None:
    """PM-12: accents, ñ and `& < > " '`."""
    if not title.strip() or not body.strip() or body.lstrip().startswith(("HTML", "<")):
        return
    read = read_order(order_xml(title=title, body=body))
    assert read.subject == " ".join(title.split())[:500]
    assert read.text == body


# Attachments


@pytest.fixture
def roots(tmp_path: Path) -> AttachmentRoots:
    own, mount = tmp_path / "orders", tmp_path / "mount"
    for folder in (own, mount / "Sub", tmp_path / "outside", own / "theirs"):
        folder.mkdir(parents=True)
    (own / "a.pdf").write_bytes(b"own")
    (mount / "Sub" / "Factura.PDF").write_bytes(b"mounted")
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (own / "theirs" / "b.pdf").write_bytes(b"of another company")
    (own / "out.pdf").symlink_to(tmp_path / "outside" / "secret")
    (own / "way").symlink_to(tmp_path / "outside")
    (own / "inside.pdf").symlink_to(own / "a.pdf")
    os.mkfifo(own / "pipe")
    rules = parse_mapping(f"C:\\Trabajo\\Envio = {mount}\n\\\\server\\share\\ = {mount}")
    return AttachmentRoots(own, tuple(rules), (own / "theirs",))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.pdf", b"own"),
        ("inside.pdf", b"own"),
        ("c:/trabajo/ENVIO/sub/factura.pdf", b"mounted"),
        ("\\\\SERVER\\share\\Sub\\Factura.PDF", b"mounted"),
    ],
)
def test_a_path_of_windows_becomes_one_of_the_mount(
    roots: AttachmentRoots, path: str, content: bytes
) -> None:
    """PM-24."""
    assert roots.read(path, 100) == content


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../outside/secret", "path_outside"),
        ("C:\\Trabajo\\Envio\\..\\..\\outside\\secret", "path_outside"),
        ("C:\\Windows\\win.ini", "path_outside"),
        ("/etc/passwd", "path_outside"),
        ("out.pdf", "path_outside"),
        ("way/secret", "path_outside"),
        ("theirs/b.pdf", "path_outside"),
        ("a.pdf:stream", "path_outside"),
        ("a\x00.pdf", "bad_path"),
        ("pipe", "not_a_file"),
        ("nothing.pdf", "file_missing"),
        ("a.pdf/x", "file_missing"),
    ],
)
def test_nothing_outside_the_allowed_folders_is_opened(roots: AttachmentRoots, path: str, code: str) -> None:
    with pytest.raises(OrderRefused) as refused:
        roots.read(path, 100)
    assert refused.value.code == code


def test_a_large_file_is_refused_unread(roots: AttachmentRoots) -> None:
    with pytest.raises(OrderRefused) as refused:
        roots.read("a.pdf", 2)
    assert refused.value.code == "attachment_too_large"


def test_a_mapping_may_only_lead_inside_what_the_installation_allows(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    check_mapping(parse_mapping(f"C:\\ = {tmp_path / 'in'}"), [tmp_path])
    for text, problem in ((f"C:\\ = {tmp_path.parent}", "outside"), (f"C:\\ = {tmp_path / 'no'}", "missing")):
        with pytest.raises(MappingInvalid) as refused:
            check_mapping(parse_mapping(text), [tmp_path])
        assert refused.value.problem == problem
    with pytest.raises(MappingInvalid):
        parse_mapping("C:\\")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab./\\:C*\x00 ñ~"), max_size=30))
def test_whatever_a_path_says_it_stays_inside(text: str) -> None:
    own = Path("/srv/orders")
    try:
        place = AttachmentRoots(own).locate(text)
    except OrderRefused:
        return
    assert Path(os.path.normpath(place.path)).is_relative_to(own)
    assert Path(os.path.normpath(place.path)) != own
