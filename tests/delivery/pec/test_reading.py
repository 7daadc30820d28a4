"""Receipts and envelopes are read from the signed daticert.xml alone; hostile and broken ones are refused in words."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from crm_mail.delivery.pec.reading import ReceiptUnreadable, is_final_delay, read_receipt
from crm_mail.delivery.pec.receipt import Disagreement, ParsedReceipt, ReceiptType, Recipient
from tests.delivery.pec.operators import DOMAIN, OURS, RECIPIENT, SENDER, Receipt, multipart, with_signature

AT = datetime(2026, 11, 3, 9, 15, 30, tzinfo=UTC)
ORIGINAL = (
    b"From: a@pec.example\r\nIn-Reply-To: <opec1.2@pec.operator.example>\r\n"
    b"References: <first@x.example>\r\n\t<20261122.1@crm.example>\r\nSubject: Re\r\n\r\nHello\r\n"
)


def mail(receipt: Receipt) -> bytes:
    """Signed by nobody: reading does not judge."""
    return with_signature(receipt.head(), receipt.signed_part(), b"no signature")


def read(receipt: Receipt) -> ParsedReceipt:
    found = read_receipt(mail(receipt))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("tipo", "kind", "is_final"),
    [
        ("accettazione", ReceiptType.ACCEPTANCE, False),
        ("non-accettazione", ReceiptType.NON_ACCEPTANCE, True),
        ("presa-in-carico", ReceiptType.TAKEN_OVER, False),
        ("avvenuta-consegna", ReceiptType.DELIVERY, False),
        ("errore-consegna", ReceiptType.DELIVERY_ERROR, True),
        ("preavviso-errore-consegna", ReceiptType.DELAY, False),
        ("rilevazione-virus", ReceiptType.VIRUS, False),
        ("posta-certificata", ReceiptType.ENVELOPE, False),
        ("consegna-del-futuro", ReceiptType.UNKNOWN, False),
    ],
)
def test_each_type_is_known_and_an_unknown_one_is_kept(tipo: str, kind: ReceiptType, is_final: bool) -> None:
    found = read(Receipt(tipo=tipo))
    assert (found.type, found.raw_type, found.is_final, found.disagreements) == (kind, tipo, is_final, ())


def test_what_a_delivery_receipt_says() -> None:
    """IT-7: which message, to whom, when."""
    people = (("altro@pec.example", "certificato"), (RECIPIENT, "certificato"), ("x@mail.example", "esterno"))
    found = read(Receipt(recipients=people, consegna=RECIPIENT, form="breve", at=AT, postacert=ORIGINAL))
    assert (found.reference_id, found.provider_id, found.own_id) == (
        OURS,
        f"opec1.2@{DOMAIN}",
        f"<opec9.9@{DOMAIN}>",
    )
    assert found.recipients == tuple(Recipient(address, kind == "certificato") for address, kind in people)
    assert (found.sender, found.recipient, found.occurred_at) == (SENDER, RECIPIENT, AT)
    assert (found.subject, found.provider, found.error) == (
        "Fattura n. 1 & allegati",
        "Operator S.p.A.",
        "nessuno",
    )
    assert (found.form, found.postacert, found.answers) == ("breve", ORIGINAL, ())
    assert found.daticert.startswith(b"<?xml")


def test_an_unknown_mailbox_as_aruba_reports_it() -> None:
    detail = "5.1.1 - ARUBA PEC S.p.A. - indirizzo non valido"
    found = read(Receipt(tipo="errore-consegna", errore="altro", detail=detail, consegna=RECIPIENT))
    assert (found.error, found.error_detail, found.recipient, found.is_final) == (
        "altro",
        detail,
        RECIPIENT,
        True,
    )


@pytest.mark.parametrize(
    ("detail", "hours", "is_final"),
    [
        ("Il messaggio non e' stato consegnato (MancataConsegna12h)", 12, False),
        ("Il messaggio non e' stato consegnato (MancataConsegna24h)", 22.5, True),
        ("5.4.1 - Namirial S.p.A. - Tempo massimo superato", 12, True),
        ("codice 15.4.1", 12, False),
        ("", 12, False),
        ("", 21.9, False),
        ("", 22, True),
    ],
)
def test_the_notice_of_12_hours_warns_and_that_of_24_is_final(
    detail: str, hours: float, is_final: bool
) -> None:
    """`reference/pec.md` finding 3: both have the same type."""
    found = read(Receipt(tipo="preavviso-errore-consegna", errore="altro", detail=detail, at=AT))
    assert is_final_delay(found, AT - timedelta(hours=hours)) is is_final
    assert not is_final_delay(read(Receipt(at=AT)), AT - timedelta(days=9))


def test_an_envelope_tells_what_it_answers_the_nearest_first() -> None:
    """Replies cite our Message-ID or the one that the operator gave our message."""
    found = read(Receipt(tipo="posta-certificata", postacert=ORIGINAL))
    assert found.answers == (f"<opec1.2@{DOMAIN}>", OURS, "<first@x.example>")
    assert found.recipient == ""


def test_an_anomaly_is_uncertified_mail_and_says_nothing_certain() -> None:
    inner = multipart(
        "mixed",
        "inner",
        b"Content-Type: text/plain\r\n\r\nA",
        b"Content-Type: message/rfc822\r\n\r\n" + ORIGINAL,
    )
    head = ["X-Trasporto: errore", f"From: <posta-certificata@{DOMAIN}>", "Subject: ANOMALIA MESSAGGIO: Re"]
    found = read_receipt(with_signature(head, inner, b"p7s"))
    assert found is not None
    assert (found.type, found.reference_id, found.sender) == (ReceiptType.ANOMALY, "", "a@pec.example")
    assert (found.postacert, found.answers[1]) == (ORIGINAL, OURS)


@pytest.mark.parametrize(
    ("zone", "giorno", "expected"),
    [
        ("+0100", "03/11/2026", AT - timedelta(hours=1)),
        ("-02:30", "3/11/2026", AT + timedelta(hours=2.5)),
        ("CET", "03/11/2026", None),
        ("+0100", "31/02/2026", None),
        ("+0100", "2026-11-03", None),
    ],
)
def test_times_carry_their_zone_and_are_never_guessed(
    zone: str, giorno: str, expected: datetime | None
) -> None:
    xml = Receipt(at=AT).xml().decode().replace("+0000", zone).replace("03/11/2026", giorno)
    assert read(Receipt(daticert=xml.encode())).occurred_at == expected


def test_defaults_of_the_dtd_and_little_said() -> None:
    """DM 2/11/2005: errore defaults to nessuno, destinatari/@tipo to certificato; msgid may lack."""
    to = b"<destinatari>a@b.example</destinatari>"
    xml = b"<postacert tipo='accettazione'><intestazione>" + to + b"</intestazione></postacert>"
    found = read(Receipt(daticert=xml, headers=()))
    assert (found.error, found.recipients) == ("nessuno", (Recipient("a@b.example", True),))
    assert (found.reference_id, found.occurred_at, found.recipient) == ("", None, "a@b.example")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("x-RICEVUTA: Avvenuta-Consegna", f"X-riferimento-message-id:  {OURS} "), ()),
        ((), ()),
        (("X-Ricevuta: avvenuta-consegna", "X-Ricevuta: errore-consegna"), (Disagreement.TYPE,)),
        (("X-Trasporto: posta-certificata",), (Disagreement.TYPE,)),
        (("X-Riferimento-Message-ID: <other@crm.example>",), (Disagreement.REFERENCE,)),
        (("From: <posta-certificata@other.example>",), (Disagreement.SENDER,)),
        (
            (f'From: "Per conto di: altro@pec.example" <posta-certificata@{DOMAIN}>',),
            (Disagreement.SENDER,),
        ),
        (("X-REM-Subject: REM ContentConsignment: Fattura", "X-REM-Evidence: 1"), ()),
    ],
)
def test_headers_are_not_signed_and_contradictions_are_told(
    headers: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Findings 2 and 5; names of headers in any case; headers of REM are left alone."""
    found = read(Receipt(headers=headers))
    assert (found.type, found.reference_id, found.disagreements) == (ReceiptType.DELIVERY, OURS, expected)


def test_other_mail_is_none_and_receipts_inside_it_are_not_looked_at() -> None:
    """A forwarded receipt, and a fake one inside postacert.eml, are somebody's mail."""
    receipt = mail(Receipt())
    assert read_receipt(b"From: a@b.example\r\nSubject: CONSEGNA: x\r\n\r\nHello") is None
    assert read_receipt(b"") is None
    enclosed = b"Content-Type: message/rfc822\r\n\r\n" + receipt
    assert read_receipt(b"From: a@b.example\r\n" + multipart("mixed", "fwd", enclosed)) is None
    found = read(Receipt(tipo="posta-certificata", msgid="<theirs@x.example>", postacert=receipt))
    assert (found.type, found.reference_id) == (ReceiptType.ENVELOPE, "<theirs@x.example>")


def test_a_receipt_wrapped_by_a_mailing_list_is_read() -> None:
    receipt = mail(Receipt(tipo="posta-certificata"))
    cut = receipt.index(b"Content-Type: multipart/signed")
    wrapped = receipt[:cut] + multipart(
        "mixed", "list", receipt[cut:], b"Content-Type: text/plain\r\n\r\nThe list"
    )
    found = read_receipt(b"From someone Tue Nov  3 2026\n" + wrapped)
    assert found is not None
    assert found.type is ReceiptType.ENVELOPE


def test_an_external_doctype_is_legitimate_and_not_fetched() -> None:
    """Finding 9: TIM, 2013."""
    doctype = '<?xml version="1.0"?><!DOCTYPE postacert SYSTEM "http://127.0.0.1:9/daticert.dtd">'
    assert read(Receipt(prologue=doctype)).reference_id == OURS


LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(12)
)
HUGE = b"<postacert tipo='accettazione'><intestazione><oggetto>" + b"a" * 6_000_000


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        (Receipt(daticert=b"<postacert"), "xml_malformed"),
        (Receipt(daticert=b""), "xml_malformed"),
        (Receipt(daticert=b'<?xml version="1.0" encoding="klingon"?><postacert/>'), "xml_malformed"),
        (Receipt(daticert=b"<html/>"), "xml_root"),
        (Receipt(daticert=HUGE), "xml_too_large"),
        (Receipt(daticert=b"<a>" * 100), "xml_too_large"),
        (Receipt(daticert=b"<postacert>" + b"<a/>" * 60_000), "xml_too_large"),
        (Receipt(prologue=f"<!DOCTYPE postacert [{LAUGHS}]>"), "xml_entities"),
        (Receipt(prologue='<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "xml_entities"),
        (Receipt(prologue='<!DOCTYPE p [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>'), "xml_entities"),
        (
            Receipt(prologue='<!DOCTYPE p SYSTEM "x.dtd">', detail="").but(
                daticert=b'<!DOCTYPE p SYSTEM "x"><p>&x;</p>'
            ),
            "xml_entities",
        ),
        (Receipt(daticert='<!DOCTYPE p [<!ENTITY x "y">]><postacert/>'.encode("utf-16")), "xml_entities"),
        (Receipt(copies=2), "several_daticert"),
        (Receipt(copies=0), "no_daticert"),
    ],
)
def test_hostile_and_broken_receipts_are_refused_soon(receipt: Receipt, code: str) -> None:
    """Finding 9 and the OCA complaints: one unreadable mail never stops a mailbox."""
    data = mail(receipt)
    start = time.perf_counter()
    with pytest.raises(ReceiptUnreadable) as refused:
        read_receipt(data)
    assert refused.value.code == code
    assert time.perf_counter() - start < 2


def test_a_mail_that_claims_much_and_holds_nothing_is_refused() -> None:
    with pytest.raises(ReceiptUnreadable, match="no_daticert"):
        read_receipt(b"X-Ricevuta: avvenuta-consegna\r\n\r\n<postacert/>")


def test_deep_and_wide_mails_are_read_in_bounded_time() -> None:
    deep = b"Content-Type: text/plain\r\n\r\nx"
    for depth in range(300):
        deep = multipart("mixed", f"d{depth}", deep)
    wide = multipart("mixed", "w", *[b"\r\nx"] * 20_000)
    teasing = b'Content-Type: multipart/mixed; boundary="t"\r\n\r\n' + b"\r\n--tt" * 200_000
    start = time.perf_counter()
    for body in (deep, wide, teasing):
        with pytest.raises(ReceiptUnreadable):
            read_receipt(b"X-Ricevuta: accettazione\r\n" + body)
    assert time.perf_counter() - start < 5


def test_a_cut_off_receipt_is_read_or_refused_but_nothing_else() -> None:
    data = mail(Receipt(postacert=ORIGINAL))
    for cut in range(0, len(data), 37):
        try:
            read_receipt(data[:cut])
        except ReceiptUnreadable as refused:
            assert refused.code  # noqa: PT017
