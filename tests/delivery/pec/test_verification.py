"""Forged, replayed, altered, nested and expired receipts do not verify; genuine ones do, and openssl agrees."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from crm_mail.delivery.pec.certificate_chain import ChainRefused, find_chain
from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors, AnchorUnreadable, read_anchors
from crm_mail.delivery.pec.verification import StepName, Trust, verify
from crm_mail.pec_simulator.authority import Signer
from crm_mail.pec_simulator.signing import detached_signature
from tests.delivery.pec.operators import (
    DOMAIN,
    OURS,
    Authority,
    Operator,
    Receipt,
    certificate,
    days,
    multipart,
    new_authority,
    openssl_verifies,
    with_signature,
)


def failed(mail: bytes, anchors: Anchors, **options: object) -> tuple[Trust, set[str]]:
    found = verify(mail, anchors, **options)  # type: ignore[arg-type]
    return found.trust, {step.code for step in found.failed}


def genuine(authority: Authority, operator: Operator) -> dict[str, bytes]:
    receipt = Receipt(at=datetime.now(UTC))  # one moment for all of them
    mail, content = receipt.mail(operator), receipt.signed_part()
    signer = Signer(
        "",
        operator.holder.key,
        operator.holder.certificate,
        authority.middle.certificate,  # type: ignore[arg-type]
    )
    now = datetime.now(UTC)
    return {
        "as operators send it": mail,
        "with LF alone, as a store kept it": mail.replace(b"\r\n", b"\n"),
        "signed by a key on a curve": receipt.mail(authority.operator()),
        "SHA-512": receipt.mail(operator, operator.signature(content, hashes.SHA512())),
        "BER of indefinite length": receipt.mail(
            operator, detached_signature(content, signer, now, is_ber=True)
        ),
        "SHA-1": receipt.mail(operator, detached_signature(content, signer, now, digest="sha1")),
    }


def test_genuine_receipts_verify_in_every_form_and_openssl_agrees(
    authority: Authority, operator: Operator, tmp_path: Path
) -> None:
    for form, mail in genuine(authority, operator).items():
        found = verify(mail, authority.anchors, message_id=OURS)
        expected = Trust.WEAK if form == "SHA-1" else Trust.VALID
        assert (form, found.trust, found.failed) == (form, expected, ())
        assert found.trust.is_trusted
        assert found.certificates[0]
        assert found.certificates[-1] == authority.root.der
        assert found.signed_at is not None
        assert abs(found.signed_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert openssl_verifies(mail, tmp_path, authority.root), form


def test_every_step_has_its_result(authority: Authority, operator: Operator) -> None:
    steps = verify(Receipt().mail(operator), authority.anchors, message_id=OURS).as_json()
    assert [step["name"] for step in steps] == [name.value for name in StepName]
    assert all(step["is_ok"] is True and step["code"] for step in steps)


@pytest.mark.parametrize(
    ("what", "replaced", "by"),
    [
        ("the certified data", rb"PD94", b"PD95"),
        ("the words for people", rb"-- Ricevuta", b"-- Ricevute"),
        ("a header of a part", rb"charset=iso-8859-1", b"charset=iso-8859-2"),
    ],
)
def test_what_was_altered_does_not_verify_and_openssl_agrees(
    what: str, replaced: bytes, by: bytes, authority: Authority, operator: Operator, tmp_path: Path
) -> None:
    mail = Receipt().mail(operator)
    altered = re.sub(replaced, by, mail, count=1)
    assert altered != mail
    trust, codes = failed(altered, authority.anchors)
    assert trust is Trust.INVALID
    assert "digest_different" in codes
    assert not openssl_verifies(altered, tmp_path)


def test_any_flipped_byte_of_the_signed_part_is_noticed(authority: Authority, operator: Operator) -> None:
    mail = Receipt(postacert=b"From: a@b.example\r\n\r\nHello\r\n").mail(operator)
    start = mail.index(b"------outer\r\n") + 13
    end = mail.index(b"\r\n------outer\r\n", start)
    for at in range(start, end, 41):
        flipped = mail[:at] + bytes([mail[at] ^ 0x01]) + mail[at + 1 :]
        assert not verify(flipped, authority.anchors).trust.is_trusted, at


def test_signers_who_may_not_sign_for_pec_do_not_verify(authority: Authority) -> None:
    """`reference/pec.md` section 3: wrong authority, expired or not yet valid, SAN, constraints, policy."""
    stranger = new_authority(name="Other").operator()
    namesake = new_authority().operator()
    elsewhere = Receipt(sender="posta-certificata@evil.example")
    unlimited = new_authority(())
    found = {
        "authority_unknown": (Receipt(), stranger, authority),
        "certificate_expired": (Receipt(), authority.operator(start=days(-900), end=days(-1)), authority),
        "certificate_not_yet_valid": (Receipt(), authority.operator(start=days(1), end=days(9)), authority),
        "sender_differs": (elsewhere, authority.operator(), authority),
        "policy_missing": (Receipt(), authority.operator(has_policy=False), authority),
        "certificate_without_address": (Receipt(), unlimited.operator(address=""), unlimited),
        "chain_invalid": (elsewhere, authority.operator(address="posta-certificata@evil.example"), authority),
    }
    for code, (receipt, signer, trusted) in found.items():
        trust, codes = failed(receipt.mail(signer), trusted.anchors)
        assert (trust, code in codes) == (Trust.INVALID, True), (code, codes)
    assert failed(Receipt().mail(namesake), authority.anchors) == (Trust.INVALID, {"chain_invalid"})
    open_one = verify(Receipt().mail(unlimited.operator()), unlimited.anchors)
    assert open_one.trust is Trust.VALID  # the authority of 2014 was not restricted


def test_a_receipt_that_is_judged_years_later_is_judged_at_its_time(authority: Authority) -> None:
    """Certificates live three years; receipts are kept longer."""
    signer = authority.operator(start=days(-30), end=days(30))
    mail = Receipt().mail(signer)
    assert verify(mail, authority.anchors, now=days(3000)).trust is Trust.VALID
    assert failed(mail, authority.anchors, now=days(-3))[1] == {"signed_in_future"}


def test_a_genuine_receipt_does_not_serve_for_another_message(
    authority: Authority, operator: Operator
) -> None:
    """Replay: the signed part quotes the message it is about; headers may be forged."""
    mail = Receipt().mail(operator)
    assert failed(mail, authority.anchors, message_id="<other@crm.example>")[1] == {"reference_other"}
    forged = mail.replace(
        b"X-Riferimento-Message-ID: " + OURS.encode(), b"X-Riferimento-Message-ID: <o@crm.example>"
    )
    assert failed(forged, authority.anchors)[1] == {"headers_differ"}
    failure = Receipt(tipo="errore-consegna").mail(operator)
    prepended = b"X-Ricevuta: avvenuta-consegna\r\n" + failure
    assert verify(failure, authority.anchors).trust is Trust.VALID
    assert failed(prepended, authority.anchors) == (Trust.INVALID, {"headers_differ"})


def test_a_signature_made_at_another_time_than_certified_is_refused(
    authority: Authority, operator: Operator
) -> None:
    old = Receipt(at=days(-2)).mail(operator)
    assert failed(old, authority.anchors) == (Trust.INVALID, {"time_differs"})


def test_a_receipt_inside_another_mail_lends_it_no_trust(authority: Authority, operator: Operator) -> None:
    nested = Receipt().mail(operator)
    forwarded = b"From: x@y.example\r\n" + multipart(
        "mixed", "fwd", b"Content-Type: message/rfc822\r\n\r\n" + nested
    )
    assert verify(forwarded, authority.anchors).trust is Trust.UNSIGNED
    two = b"From: x@y.example\r\n" + multipart("mixed", "fwd", *[nested[nested.index(b"Content-Type") :]] * 2)
    assert verify(two, authority.anchors).trust is Trust.UNSIGNED
    moved = with_signature(
        Receipt().head(), b"Content-Type: message/rfc822\r\n\r\n" + nested, b"no signature"
    )
    assert verify(moved, authority.anchors).trust is Trust.INVALID


def test_what_is_signed_must_be_a_receipt_that_can_be_read(authority: Authority, operator: Operator) -> None:
    within = Receipt().mail(operator).replace(b"--outer", b"--within")
    inner = b"Content-Type: message/rfc822\r\n\r\n" + within
    twice = with_signature(Receipt(headers=()).head(), inner, operator.signature(inner))
    assert failed(twice, authority.anchors) == (Trust.INVALID, {"receipt_missing"})
    broken = Receipt(daticert=b"<postacert").mail(operator)
    assert failed(broken, authority.anchors) == (Trust.INVALID, {"receipt_unreadable"})


def test_a_receipt_wrapped_by_a_mailing_list_verifies(authority: Authority, operator: Operator) -> None:
    mail = Receipt(tipo="posta-certificata").mail(operator)
    cut = mail.index(b"Content-Type: multipart/signed")
    footer = b"Content-Type: text/plain\r\n\r\nThe list\r\n"
    assert (
        verify(mail[:cut] + multipart("mixed", "list", mail[cut:], footer), authority.anchors).trust
        is Trust.VALID
    )


def test_whatever_comes_is_answered_with_steps(authority: Authority, operator: Operator) -> None:
    mail = Receipt().mail(operator)
    assert verify(b"", authority.anchors).trust is Trust.UNSIGNED
    assert verify(b"From: a@b.example\r\n\r\nHello", authority.anchors).trust is Trust.UNSIGNED
    for cut in range(0, mail.rindex(b"------outer--") - 100, 173):
        assert not verify(mail[:cut], authority.anchors).trust.is_trusted
    good = operator.signature(Receipt().signed_part())
    for at in range(0, len(good), 61):
        broken = good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :]
        found = verify(Receipt().mail(operator, broken), authority.anchors)
        assert found.steps  # a flipped byte in an unsigned place may do no harm; none raises


def test_more_certificates_than_a_path_needs_are_refused(authority: Authority, operator: Operator) -> None:
    """Cross-signed authorities would make as many paths as there are orders of them."""
    crowd = Operator(operator.holder, tuple(new_authority().middle.certificate for _ in range(6)))
    assert failed(Receipt().mail(crowd), authority.anchors)[1] == {"too_many_certificates"}


def test_a_path_that_was_found_is_not_kept_beyond_its_time(authority: Authority) -> None:
    signer = certificate("Brief", ec.generate_private_key(ec.SECP256R1()), authority.middle, end=days(5))
    others = (authority.middle.der,)
    chain = find_chain(signer.der, others, authority.anchors, days(0))
    assert find_chain(signer.der, others, authority.anchors, days(1)) is chain
    with pytest.raises(ChainRefused, match="certificate_expired"):
        find_chain(signer.der, others, authority.anchors, days(6))
    with pytest.raises(ChainRefused, match="authority_unknown"):
        find_chain(signer.der, others, BUILT_IN, days(0))


def test_a_pinned_signer_needs_no_authority_and_a_caller_may_have_an_event_loop(operator: Operator) -> None:
    async def inside() -> Trust:
        return verify(Receipt().mail(operator), Anchors((operator.holder.der,))).trust

    assert asyncio.run(inside()) is Trust.VALID


def test_anchors_are_pinned_and_a_folder_adds_more(tmp_path: Path, authority: Authority) -> None:
    names = {
        x509.load_der_x509_certificate(der).subject.rfc4514_string()[:32] for der in BUILT_IN.certificates
    }
    assert (
        names == {"CN=Actalis Authentication Root CA", "CN=Baltimore CyberTrust Root,OU="} or len(names) == 2
    )
    assert "55926084ec963a64b96e2abe01ce0ba86a64fbfebcc7aab5afc155b37fd76066" in BUILT_IN.fingerprints
    (tmp_path / "own.pem").write_bytes(authority.root.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "own.der").write_bytes(authority.root.der)
    (tmp_path / "notes.txt").write_text("not looked at")
    assert read_anchors(tmp_path).fingerprints == BUILT_IN.fingerprints | authority.anchors.fingerprints
    assert read_anchors(tmp_path / "missing") is BUILT_IN
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(AnchorUnreadable, match=r"empty\.pem holds no certificate"):
        read_anchors(tmp_path)


def test_domains_that_the_authority_may_certify_are_compared_exactly(authority: Authority) -> None:
    signer = authority.operator(address=f"posta-certificata@sub.{DOMAIN}")
    trust, _ = failed(Receipt(sender=f"posta-certificata@sub.{DOMAIN}").mail(signer), authority.anchors)
    assert trust is Trust.INVALID
