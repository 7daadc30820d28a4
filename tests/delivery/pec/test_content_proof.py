"""A delivery receipt proves these files: enclosed (completa), or as the SHA-1 of the encoded part (breve)."""

from base64 import encodebytes
from hashlib import sha1, sha256

import pytest

from crm_mail.delivery.pec.content_proof import ContentMatch, SentFile, prove_content
from tests.delivery.pec.operators import DOMAIN, OURS, RECIPIENT, Receipt, multipart, with_signature

FILES = {"fattura 1.pdf": b"%PDF-1.7 one" * 40, "lettera è.xml": "<è/>".encode()}
E_, H_, D_, M_, N_ = (
    ContentMatch.EQUAL,
    ContentMatch.HASH_EQUAL,
    ContentMatch.DIFFERENT,
    ContentMatch.MISSING,
    ContentMatch.NOT_CONTAINED,
)


def encoded(content: bytes) -> bytes:
    return encodebytes(content).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def named(name: str, body: bytes, encoding: str = "base64") -> bytes:
    from email.utils import quote
    from urllib.parse import quote as percent

    shown = f'filename="{quote(name)}"' if name.isascii() else f"filename*=utf-8''{percent(name)}"
    head = f"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return f"{head}Content-Disposition: attachment; {shown}\r\n\r\n".encode() + body


def message(files: dict[str, bytes], head: str = f"Message-ID: {OURS}\r\n") -> bytes:
    text = b"Content-Type: text/plain\r\n\r\nBuongiorno\r\n"
    return head.encode() + multipart("mixed", "msg", text, *[named(n, encoded(c)) for n, c in files.items()])


def carried(files: dict[str, bytes], ours: str = OURS) -> bytes:
    """The message as the operator carries it: with an ID of its own."""
    return message(files, f"Message-ID: <opec1.2@{DOMAIN}>\r\nX-Riferimento-Message-ID: {ours}\r\n")


def abbreviated(files: dict[str, bytes], end: bytes = b"", upper: bool = False) -> bytes:
    """As operators write it for *breve* (RFC 6109 3.3.2)."""
    parts = []
    for name, content in files.items():
        found = sha1(encoded(content) + end).hexdigest()
        parts.append(named(f"{name}.hash", (found.upper() if upper else found).encode() + b"\r\n", "7bit"))
    head = f"Message-ID: <opec1.2@{DOMAIN}>\r\nX-Riferimento-Message-ID: {OURS}\r\n".encode()
    return head + multipart("mixed", "msg", b"Content-Type: text/plain\r\n\r\nBuongiorno", *parts)


def receipt(form: str, postacert: bytes | None, tipo: str = "avvenuta-consegna", msgid: str = OURS) -> bytes:
    made = Receipt(tipo=tipo, form=form, consegna=RECIPIENT, postacert=postacert, msgid=msgid)
    return with_signature(made.head(), made.signed_part(), b"not looked at")


CHANGED = {**FILES, "fattura 1.pdf": b"%PDF-1.7 two"}
RENAMED = {"ATT00001.pdf": FILES["fattura 1.pdf"], "lettera è.xml": FILES["lettera è.xml"]}


@pytest.mark.parametrize(
    ("made", "is_ours", "expected"),
    [
        (receipt("completa", carried(FILES)), True, (E_, E_)),
        (receipt("completa", carried(FILES).replace(b"\r\n", b"\n")), True, (E_, E_)),
        (receipt("completa", carried(RENAMED)), True, (E_, E_)),
        (receipt("completa", carried(CHANGED)), True, (D_, E_)),
        (receipt("completa", carried({})), True, (M_, M_)),
        (receipt("completa", carried(FILES, "<other@crm.example>")), False, (E_, E_)),
        (receipt("completa", carried(FILES), msgid="<other@crm.example>"), False, (E_, E_)),
        (receipt("breve", abbreviated(FILES)), True, (H_, H_)),
        (receipt("breve", abbreviated(FILES, b"\r\n", upper=True)), True, (H_, H_)),
        (receipt("breve", abbreviated(CHANGED)), True, (D_, H_)),
        (receipt("breve", abbreviated({})), True, (M_, M_)),
        (receipt("sintetica", None), True, (N_, N_)),
        (receipt("completa", carried(FILES), tipo="accettazione"), True, (N_, N_)),
    ],
)
def test_each_sent_file_is_found_again_or_not(
    made: bytes, is_ours: bool, expected: tuple[ContentMatch, ...]
) -> None:
    found = prove_content(made, message(FILES))
    assert [a.filename for a in found.attachments] == list(FILES)
    assert [a.sha256 for a in found.attachments] == [sha256(c).hexdigest() for c in FILES.values()]
    assert (tuple(a.match for a in found.attachments), found.is_message_id_equal) == (expected, is_ours)
    assert found.is_proven is (is_ours and all(match in (E_, H_) for match in expected))


def test_without_the_sent_bytes_hashes_of_files_serve_for_completa_only() -> None:
    files = [SentFile(name, sha256(content).hexdigest()) for name, content in FILES.items()]
    complete = prove_content(receipt("completa", carried(FILES)), None, files, OURS)
    assert complete.is_proven
    brief = prove_content(receipt("breve", abbreviated(FILES)), None, files, OURS)
    assert [a.match for a in brief.attachments] == [ContentMatch.NO_SENT_BYTES] * 2
    assert not brief.is_proven


def test_one_enclosed_file_does_not_answer_for_two() -> None:
    twice = {"a.pdf": b"same", "b.pdf": b"same"}
    found = prove_content(receipt("completa", carried({"a.pdf": b"same"})), message(twice))
    assert [a.match for a in found.attachments] == [E_, M_]


def test_a_message_without_files_is_proven_by_its_id() -> None:
    assert prove_content(receipt("completa", carried({})), message({})).is_proven
    assert not prove_content(receipt("completa", carried({}, "<x@y.example>")), message({})).is_proven
