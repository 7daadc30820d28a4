"""DKIM: what our signer makes, dkimpy verifies; what was changed on the way, it refuses (BX-9)."""

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import dkim
import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_mail.delivery.blobs import EncodedBlobs
from crm_mail.delivery.dkim import (
    DkimKeyUnusable,
    DkimSigner,
    KeyKind,
    hash_body,
    is_aligned,
    is_selector,
    make_key,
    public_record,
    record_name,
    signer_for,
    wire_domain,
)
from crm_mail.delivery.envelope import Attachment, Envelope
from crm_mail.delivery.mime import BlobRef, build, encode_blob
from crm_mail.delivery.packing import pack, unpack

AT = datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
KEYS = {kind: make_key(kind) for kind in KeyKind}
FILE = bytes(range(256)) * 300
FILES = {hashlib.sha256(data).hexdigest(): data for data in (FILE, b"")}
SHAS = list(FILES)
PLAIN = Envelope(
    message_id="<a.1@acme.example>",
    date=AT,
    from_name="Officine Ñandú",
    from_address="office@acme.example",
    to="rossi@customer.example",
    subject="Fattura n. 12 — scadenza 30/11, importo 1.234,56 €, un oggetto lungo abbastanza da andare a capo",
    body_text="Buongiorno,\n\n  righe \t con   spazi  \n\t\nin fondo\n\n\n \n",
    language="it",
)
RICH = PLAIN._replace(
    body_html="<p>È allegata la fattura.</p>" * 60,
    cc=("bianchi@customer.example",),
    reply_to="answers@acme.example",
    attachments=tuple(
        Attachment(f"f{n}.pdf", "application/pdf", sha, len(FILES[sha])) for n, sha in enumerate(SHAS)
    ),
    extra_headers=(
        ("List-Unsubscribe", "<https://acme.example/u/1>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ),
)


def sent(envelope: Envelope, kind: KeyKind = KeyKind.RSA) -> bytes:
    blobs = EncodedBlobs(FILES.__getitem__)
    segments = DkimSigner("acme.example", "crm2026", KEYS[kind]).sign(build(envelope), blobs, AT)
    return blobs.flatten(segments)


def receives(data: bytes, kind: KeyKind = KeyKind.RSA) -> bool:
    record = public_record(KEYS[kind]).encode()
    asked: dict[bytes, bytes] = {b"crm2026._domainkey.acme.example.": record}
    return bool(dkim.DKIM(data).verify(dnsfunc=lambda name, timeout=5: asked.get(name)))


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize(
    "envelope", [PLAIN, RICH, PLAIN._replace(body_text=""), PLAIN._replace(body_text=". \n\n")]
)
def test_another_implementation_verifies_what_was_signed(envelope: Envelope, kind: KeyKind) -> None:
    """RFC 6376, RFC 8463."""
    assert receives(sent(envelope, kind), kind)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "the amount": lambda data: data.replace(b"Buongiorno", b"Buonasera "),
    "a file": lambda data: data.replace(encode_blob(FILE)[:40], b"B" * 40),
    "the recipient": lambda data: data.replace(b"To: rossi", b"To: verdi"),
    "the way out": lambda data: data.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
    "a second sender": lambda data: data.replace(b"\r\nTo: ", b"\r\nFrom: thief@bad.example\r\nTo: ", 1),
    "a second subject": lambda data: b"Subject: Pay here\r\n" + data,
    "another way to answer": lambda data: b"Reply-To: thief@bad.example\r\n" + data,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_on_the_way_is_refused(change: str) -> None:
    """Oversigning (RFC 6376 8.15): a field that is added counts as a change."""
    data = sent(RICH)
    changed = CHANGES[change](data)
    assert changed != data
    with suppress(dkim.DKIMException):  # dkimpy refuses two From fields outright
        assert not receives(changed)


def test_blanks_that_servers_change_do_no_harm() -> None:
    assert receives(sent(PLAIN).replace(b"  righe", b" righe").replace(b"Message-ID: ", b"message-id:   "))


def test_the_same_message_is_signed_with_the_same_bytes_and_kept_as_sent() -> None:
    assert sent(RICH) == sent(RICH)
    signed = DkimSigner("acme.example", "s", KEYS[KeyKind.RSA]).sign(
        build(RICH), EncodedBlobs(FILES.__getitem__), AT
    )
    assert unpack(pack(signed)) == signed
    assert signed[1:] == build(RICH)[1:]
    assert all(len(line) <= 78 for line in sent(RICH).partition(b"\r\nDate:")[0].split(b"\r\n"))


_pieces = st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"b  c", b". "]), max_size=30)


@settings(max_examples=150)
@given(_pieces, st.integers(0, 30))
def test_where_a_body_is_cut_into_pieces_changes_nothing(pieces: list[bytes], cut: int) -> None:
    """Against dkimpy's own canonical form."""
    whole = b"".join(pieces) + b"\r\n"
    expected = Relaxed.canonicalize_body(whole)
    want = base64.b64encode(hashlib.sha256(expected).digest()).decode()
    parts = (b"".join(pieces[:cut]), b"".join(pieces[cut:]) + b"\r\n")
    assert hash_body(parts, FILES.__getitem__) == want


def test_a_file_between_texts_is_hashed_as_it_leaves() -> None:
    encoded = encode_blob(FILE)
    parts = (b"text \r\n\r\n", BlobRef(SHAS[0]), b"\r\n--end--\r\n")
    assert hash_body(parts, lambda _sha: encoded) == hash_body(
        (b"text\r\n\r\n" + encoded + b"\r\n--end--\r\n",), lambda _sha: b""
    )


def test_keys_records_and_names() -> None:
    assert record_name("Acme.EXAMPLE.", "crm2026") == "crm2026._domainkey.acme.example"
    assert wire_domain("officine-ñandú.example").startswith("xn--")
    assert public_record(KEYS[KeyKind.ED25519]).startswith("v=DKIM1; k=ed25519; p=")
    assert signer_for("a.it", "s", KEYS[KeyKind.RSA]) is signer_for("a.it", "s", KEYS[KeyKind.RSA])
    for bad in ("acme", "a b.it", "acme..it", "-a.it", "a.it\r\nBcc: x"):
        with pytest.raises(ValueError, match="Not a domain"):
            wire_domain(bad)
    with pytest.raises(DkimKeyUnusable):
        signer_for("a.it", "s", "no key")
    assert is_selector("mail.2026-11")
    assert not any(map(is_selector, ("", "A", "a b", "a;b", "x" * 64, "-a")))


@pytest.mark.parametrize(
    ("domain", "sender", "aligned"),
    [
        ("acme.example", "acme.example", True),
        ("acme.example", "mail.ACME.example", True),
        ("mail.acme.example", "acme.example", True),
        ("acme.example", "notacme.example", False),
        ("acme.example", "other.example", False),
    ],
)
def test_a_signature_counts_for_its_own_domain(domain: str, sender: str, aligned: bool) -> None:
    """DMARC's relaxed alignment (RFC 9989)."""
    assert is_aligned(domain, sender) is aligned
