"""Is what we make what operators make? Judged by others: openssl, the DTD of the technical rules, public samples."""

import email
import subprocess
from collections.abc import Callable
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest
from lxml import etree

from crm_mail.pec_simulator import adversary
from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.issuer import Accepted, Issuer
from crm_mail.pec_simulator.operators import Operators
from crm_mail.pec_simulator.original import read_original
from crm_mail.pec_simulator.skins import SKINS
from tests.conftest import samples_dir
from tests.pec_simulator.conftest import NOON, SENDER, mail

TO = "anna@pec.example"
Make = Callable[[Issuer, Accepted], bytes]
KINDS: dict[str, Make] = {
    "accettazione": lambda i, m: i.acceptance(m, NOON),
    "non-accettazione": lambda i, m: i.refusal(m, NOON, "virus", is_virus=True),
    "presa-in-carico": lambda i, m: i.taken_over(m, NOON, (TO,)),
    "avvenuta-consegna": lambda i, m: i.delivery(m, NOON, TO),
    "errore-consegna": lambda i, m: i.unknown_mailbox(m, NOON, TO),
    "preavviso-errore-consegna": lambda i, m: i.delay(m, NOON, TO, 12),
    "rilevazione-virus": lambda i, m: i.virus_found(m, NOON),
    "posta-certificata": lambda i, m: i.envelope(m, NOON),
}
SAMPLES = samples_dir()
needs_samples = pytest.mark.skipif(SAMPLES is None, reason="SAMPLES_DIR is not set")


def take(issuer: Issuer) -> Accepted:
    return issuer.take(read_original(mail(TO), SENDER, (TO,)), NOON)


def openssl_verifies(content: bytes, anchor: Path, folder: Path) -> bool:
    """The independent oracle: digest, signature, chain and name constraints at the time of signing."""
    path = folder / "mail.eml"
    path.write_bytes(content)
    command = ["openssl", "cms", "-verify", "-inform", "SMIME", "-in", str(path), "-CAfile", str(anchor)]
    command += ["-attime", str(int(NOON.timestamp())), "-out", str(folder / "signed")]
    return subprocess.run(command, capture_output=True, timeout=30).returncode == 0


def daticert(content: bytes) -> bytes:
    parts = email.message_from_bytes(content).walk()
    return next(part for part in parts if part.get_filename() == "daticert.xml").get_payload(decode=True)


@pytest.mark.parametrize(
    ("skin", "kind"), [(s, "avvenuta-consegna") for s in SKINS] + [("aruba", k) for k in KINDS]
)
def test_openssl_verifies_every_kind_in_every_dress(
    operators: Operators, anchor: Path, tmp_path: Path, skin: str, kind: str
) -> None:
    issuer = operators.issuer(skin)
    receipt = KINDS[kind](issuer, take(issuer))
    assert openssl_verifies(receipt, anchor, tmp_path)
    assert not openssl_verifies(adversary.altered_daticert(receipt), anchor, tmp_path)


@needs_samples
@pytest.mark.parametrize("skin", SKINS)
def test_every_daticert_is_valid_by_the_dtd(operators: Operators, skin: str) -> None:
    assert SAMPLES is not None
    dtd = etree.DTD(str(SAMPLES / "pec" / "daticert.dtd"))
    issuer = operators.issuer(skin)
    for kind, make in KINDS.items():
        xml = etree.fromstring(daticert(make(issuer, take(issuer))))
        assert xml.get("tipo") == kind
        assert dtd.validate(xml), dtd.error_log


def outline(part: Message) -> object:
    """The tree of parts: type, file name, disposition, encoding; of an enclosed message only that it is one."""
    head = (
        part.get_content_type(),
        part.get_filename(),
        part.get_content_disposition(),
        part.get("Content-Transfer-Encoding"),
    )
    if part.is_multipart() and part.get_content_type() != "message/rfc822":
        return (head, [outline(child) for child in part.get_payload()])
    return head


@needs_samples
@pytest.mark.parametrize(
    ("sample", "skin", "kind"),
    [
        ("gopec-accettazione.eml", "namirial", "accettazione"),
        ("gopec-consegna.eml", "namirial", "errore-consegna"),
        ("gopec-email_2.eml", "aruba", "avvenuta-consegna"),
        ("gopec-email_3.eml", "aruba", "posta-certificata"),
    ],
)
def test_our_receipts_are_built_like_public_ones(
    operators: Operators, sample: str, skin: str, kind: str
) -> None:
    """Same tree of parts, same headers of PEC, same elements in daticert.xml; only what the road adds may differ."""
    assert SAMPLES is not None
    theirs = (SAMPLES / "pec" / sample).read_bytes()
    ours = KINDS[kind](operators.issuer(skin), take(operators.issuer(skin)))
    real, made = email.message_from_bytes(theirs), email.message_from_bytes(ours)
    assert outline(made.get_payload(0).get_payload(0)) == outline(real.get_payload(0).get_payload(0))
    assert outline(made.get_payload(0).get_payload(1)) == outline(real.get_payload(0).get_payload(1))
    assert made.get_params()[1:3] == [(n, v.strip('"')) for n, v in real.get_params()[1:3]]
    road = {"received", "delivered-to", "return-path", "x-tiporicevuta"}
    assert {name.lower() for name, _ in real.items()} - road <= {name.lower() for name, _ in made.items()}
    their_xml, our_xml = (etree.fromstring(daticert(content)) for content in (theirs, ours))
    assert [e.tag for e in our_xml.iter()] == [e.tag for e in their_xml.iter()]
    assert our_xml.get("errore") == their_xml.get("errore")


def test_openssl_judges_the_adversaries(
    operators: Operators, authority: Authority, anchor: Path, tmp_path: Path
) -> None:
    """Forged headers, a replay and a foreign From verify all the same: they are for the reader to find (pec.md 0.2)."""
    issuer = operators.issuer("aruba")
    message = take(issuer)
    receipt = issuer.delivery(message, NOON, TO)
    mails = {name: make(issuer, message, NOON, TO) for name, make in adversary.all_deliveries().items()}
    mails["forged_headers"] = adversary.forged_headers(receipt)
    mails["replayed"] = adversary.replayed(receipt, "<ours@azienda.example>")
    mails["outside"] = adversary.outside_the_constraints(issuer, authority, message, NOON, TO)
    mails["expired"] = adversary.by_an_expired_signer(issuer, authority, message, TO)
    mails["no_policy"] = adversary.by_a_signer_without_policy(issuer, authority, message, NOON, TO)
    mails["nested"] = adversary.nested_in_a_reply(issuer, receipt, "evil@pec.example", SENDER, NOON)
    refused = {name for name, content in mails.items() if not openssl_verifies(content, anchor, tmp_path)}
    assert refused == {"by_another_authority", "unsigned", "outside", "expired"}


def test_a_mailing_list_changes_nothing_that_is_signed(
    operators: Operators, anchor: Path, tmp_path: Path
) -> None:
    issuer = operators.issuer("namirial")
    wrapped = adversary.through_a_mailing_list(issuer.envelope(take(issuer), NOON), "lista@liste.example")
    whole = email.message_from_bytes(wrapped)
    assert [part.get_content_type() for part in whole.get_payload()] == ["multipart/signed", "text/plain"]
    assert openssl_verifies(
        wrapped.partition(b"--=_list\r\n")[2].partition(b"\r\n--=_list")[0] + b"\r\n", anchor, tmp_path
    )


def test_an_anomaly_has_no_daticert_and_is_signed(operators: Operators, anchor: Path, tmp_path: Path) -> None:
    envelope = operators.issuer("aruba").anomaly(mail(SENDER), "x@posta.example", SENDER, NOON + timedelta())
    assert openssl_verifies(envelope, anchor, tmp_path)
    files = [part.get_filename() for part in email.message_from_bytes(envelope).walk() if part.get_filename()]
    assert files == ["postacert.eml", "Fattura 12.pdf", "smime.p7s"]
