"""What becomes of a message: the access point's checks, and the course of each recipient (pec.md 1 and 5)."""

import email
import hashlib
from dataclasses import replace

import pytest
from lxml import etree

from tests.pec_simulator.conftest import SENDER, Office, mail


def daticert(message: email.message.Message) -> etree._Element:
    part = next(part for part in message.walk() if part.get_filename() == "daticert.xml")
    return etree.fromstring(part.get_payload(decode=True))


def course(office: Office) -> list[tuple[str, str, str]]:
    """Type, error and hour of each mail that came."""
    office.run()
    told = []
    for hours, _, content in office.arrived:
        xml = daticert(email.message_from_bytes(content))
        told.append((xml.get("tipo"), xml.get("errore"), f"{hours:.1f}"))
    return told


ACCEPTED = ("accettazione", "nessuno", "0.5")
DELIVERED = ("avvenuta-consegna", "nessuno", "0.5")
WARNED = ("preavviso-errore-consegna", "altro", "12.0")
LATE = ("preavviso-errore-consegna", "altro", "22.5")


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("anna@pec.example", [ACCEPTED, DELIVERED]),
        ("piena@pec.example", [ACCEPTED, ("errore-consegna", "altro", "0.5")]),
        ("inesistente@pec.example", [ACCEPTED, ("errore-consegna", "altro", "0.5")]),
        ("inesistente@infocert.example", [ACCEPTED, ("errore-consegna", "no-dest", "0.5")]),
        ("senzadominio@pec.example", [ACCEPTED, ("errore-consegna", "no-dominio", "0.5")]),
        ("ufficio.virus@pec.example", [ACCEPTED, ("errore-consegna", "virus", "0.5")]),
        ("lenta@pec.example", [ACCEPTED, WARNED, ("avvenuta-consegna", "nessuno", "13.0")]),
        ("mai@namirial.example", [ACCEPTED, WARNED, LATE]),
        ("tardiva@pec.example", [ACCEPTED, WARNED, LATE, ("avvenuta-consegna", "nessuno", "25.0")]),
        ("muta@pec.example", [ACCEPTED]),
        ("silenzio@pec.example", []),
        ("infetta@pec.example", [("non-accettazione", "virus", "0.5")]),
        ("rifiutata@pec.example", [("non-accettazione", "altro", "0.5")]),
        ("qualcuno@posta.example", [ACCEPTED]),
        ("risponde@pec.example", [ACCEPTED, DELIVERED, ("posta-certificata", "nessuno", "0.5")]),
        (SENDER, [ACCEPTED, ("posta-certificata", "nessuno", "0.5"), DELIVERED]),
    ],
)
def test_each_name_takes_its_course(office: Office, to: str, expected: list[tuple[str, str, str]]) -> None:
    office.send(mail(to))
    assert course(office) == expected


def test_the_acceptance_says_who_is_pec(office: Office) -> None:
    office.send(mail("anna@pec.example, x@posta.example"))
    xml = daticert(office.run()[0])
    assert [(e.text, e.get("tipo")) for e in xml.iter("destinatari")] == [
        ("anna@pec.example", "certificato"),
        ("x@posta.example", "esterno"),
    ]
    assert xml.findtext(".//msgid") == "<1@azienda.example>"


@pytest.mark.parametrize(
    ("content", "to", "expected"),
    [
        (mail("anna@pec.example"), ("anna@pec.example", "b@pec.example"), "To e Cc"),
        (b"Bcc: b@pec.example\r\n" + mail("anna@pec.example"), (), "Bcc"),
        (mail("anna@pec.example").replace(SENDER.encode(), b"altri@pec.example"), (), "From"),
        (mail("", cc="anna@pec.example"), (), "campo To"),
    ],
)
def test_the_access_point_refuses_by_mail(
    office: Office, content: bytes, to: tuple[str, ...], expected: str
) -> None:
    office.send(content, to)
    (refusal,) = office.run(1)
    assert daticert(refusal).get("tipo") == "non-accettazione"
    assert expected in (daticert(refusal).findtext(".//errore-esteso") or "")


def test_size_counts_once_for_each_recipient(office: Office) -> None:
    office.post_office.rules = replace(office.post_office.rules, size_times_recipients=9_000)
    office.send(mail("anna@pec.example"))
    office.send(mail("anna@pec.example, b@pec.example"))
    types = [daticert(message).get("tipo") for message in office.run(1)]
    assert sorted(types) == ["accettazione", "avvenuta-consegna", "non-accettazione"]


@pytest.mark.parametrize("form", ["completa", "breve", "sintetica"])
def test_the_receipt_holds_what_was_asked_for_and_nothing_for_copies(office: Office, form: str) -> None:
    office.send(mail("anna@pec.example", cc="carlo@pec.example", form=form))
    deliveries = {daticert(m).findtext(".//consegna"): m for m in office.run(1)[1:]}
    assert daticert(deliveries["anna@pec.example"]).find(".//ricevuta").get("tipo") == form
    assert daticert(deliveries["carlo@pec.example"]).find(".//ricevuta").get("tipo") == "sintetica"
    files = [part.get_filename() for part in deliveries["anna@pec.example"].walk() if part.get_filename()]
    enclosed = {
        "completa": ["postacert.eml", "Fattura 12.pdf"],
        "breve": ["postacert.eml", "Fattura 12.pdf.hash"],
        "sintetica": [],
    }[form]
    assert files == ["daticert.xml", *enclosed, "smime.p7s"]


def test_a_brief_receipt_has_the_sha1_of_the_encoded_part(office: Office) -> None:
    content = mail("anna@pec.example", form="breve")
    office.send(content)
    receipt = office.run(1)[1]
    encoded = content.partition(b'filename="Fattura 12.pdf"')[2].partition(b"\r\n\r\n")[2]
    encoded = encoded.partition(b"\r\n--")[0]
    part = next(part for part in receipt.walk() if (part.get_filename() or "").endswith(".hash"))
    assert part.get_payload().strip() == hashlib.sha1(encoded).hexdigest()


def test_the_message_is_carried_on_under_the_operators_own_id(office: Office) -> None:
    """daticert `identificativo` = Message-ID of postacert.eml; ours becomes a header (pec.md 1)."""
    taken = office.send(mail(SENDER))
    accepted, envelope, delivered = office.run(1)
    inner = next(p for p in delivered.walk() if p.get_filename() == "postacert.eml").get_payload(0)
    assert inner["Message-ID"] == f"<{taken.identifier}>" == envelope["Message-ID"]
    assert inner["X-Riferimento-Message-ID"] == "<1@azienda.example>" == accepted["X-Riferimento-Message-ID"]
    assert len({accepted["Message-ID"], envelope["Message-ID"], delivered["Message-ID"]}) == 3


def test_without_a_message_id_there_is_nothing_to_match(office: Office) -> None:
    office.send(mail("anna@pec.example", message_id=""))
    acceptance = office.run(1)[0]
    assert daticert(acceptance).find(".//msgid") is None
    assert acceptance["X-Riferimento-Message-ID"] is None


def test_disorder_changes_the_order_and_repeats_and_leaks(office: Office) -> None:
    office.post_office.disorder = replace(
        office.post_office.disorder, shuffled=True, duplicates=1.0, leaks=True
    )
    office.send(mail("lenta@pec.example"))
    types = [daticert(message).get("tipo") for message in office.run()]
    assert types[0] != "accettazione"
    assert len(types) == 8
    assert types.count("presa-in-carico") == 2
