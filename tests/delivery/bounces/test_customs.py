"""The customs of mail systems, written by hand after their published forms; real samples are in `test_samples`."""

import pytest

from crm_mail.delivery.bounces.reading import read_bounce

DAEMON = (
    "From: Mail Delivery System <MAILER-DAEMON@mx.acme.example>\n"
    "To: office@acme.example\nSubject: {subject}\n"
)
RETURNED = (
    "Message-ID: <ours@acme.example>\nFrom: office@acme.example\nTo: ann@bella.example\nSubject: Fattura 1\n"
)


def plain(body: str, subject: str = "Undelivered Mail Returned to Sender", headers: str = "") -> bytes:
    return (DAEMON.format(subject=subject) + headers + "\n" + body).encode()


def report(fields: str, words: str = "It failed.", returned: str = RETURNED) -> bytes:
    head = DAEMON.format(subject="Delivery Status Notification (Failure)")
    return (
        f'{head}Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{words}\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.acme.example\n\n{fields}\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n\n--b--\n"
    ).encode()


def failed(diagnostic: str, status: str = "5.0.0", action: str = "failed") -> bytes:
    return report(
        f"Final-Recipient: rfc822; ann@bella.example\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {diagnostic}"
    )


@pytest.mark.parametrize(
    ("mail", "kind", "status", "reason"),
    [
        # answers of large providers in an RFC 3464 report
        (
            failed("550 5.1.1 The email account that you tried to reach does not exist."),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            failed("550-5.7.26 This mail is unauthenticated, SPF [acme.example] did not pass", "5.7.26"),
            "soft",
            "5.7.26",
            "policy",
        ),
        (
            failed("550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus."),
            "soft",
            "5.7.1",
            "blocked",
        ),
        (failed("554 5.7.1 Message rejected as spam by Content Filtering."), "soft", "5.7.1", "spam"),
        (
            failed("552-5.2.2 The email account that you tried to reach is over quota.", "5.2.2"),
            "soft",
            "5.2.2",
            "mailbox_full",
        ),
        (
            failed("550 5.2.1 The email account that you tried to reach is inactive.", "5.2.1"),
            "hard",
            "5.2.1",
            "disabled",
        ),
        (
            failed("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "5.7.54"),
            "soft",
            "5.7.54",
            "relay_denied",
        ),
        (failed("552 5.3.4 Message size exceeds fixed limit", "5.3.4"), "soft", "5.3.4", "too_big"),
        (
            failed("550 5.4.1 Recipient address rejected: Access denied.", "5.4.1"),
            "hard",
            "5.4.1",
            "user_unknown",
        ),
        (failed("556 5.1.10 Recipient address has null MX", "5.1.10"), "hard", "5.1.10", "not_accepted"),
        (failed("551 5.1.6 User has moved to ann@new.example", "5.1.6"), "hard", "5.1.6", "moved"),
        (failed("554 5.7.1 Virus found in the message", "5.7.1"), "soft", "5.7.1", "virus"),
        (
            failed("550 5.1.8 Sender address rejected: Domain not found", "5.1.8"),
            "soft",
            "5.1.8",
            "sender_refused",
        ),
        (
            failed(
                "450 4.2.1 The user you are trying to contact is receiving mail at a rate limit",
                "4.2.1",
                "delayed",
            ),
            "delay",
            "4.2.1",
            "rate_limit",
        ),
        (failed("421 4.4.2 Connection timed out", "4.4.7", "expired"), "soft", "4.4.7", "expired"),
        (failed("550 indirizzo inesistente", "5.0.0"), "hard", "5.1.1", "user_unknown"),
        (failed("552 casella di posta piena", "5.0.0"), "soft", "5.2.2", "mailbox_full"),
        (failed("550 El buzón del usuario está lleno", "5.0.0"), "soft", "5.2.2", "mailbox_full"),
        # for people only
        (
            plain(
                "Recapito non riuscito per i destinatari seguenti:\n\nann@bella.example\n"
                "L'indirizzo di posta elettronica immesso non è stato trovato.\n",
                "Notifica sullo stato del recapito (operazione non riuscita)",
            )
            .replace(b"MAILER-DAEMON@mx", b"noreply@mx")
            .replace(b"Mail Delivery System", b"Posta"),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "ann@bella.example\nLa cassetta postale del destinatario è piena.\n", "Non recapitabile: x"
            ),
            "soft",
            "5.2.2",
            "mailbox_full",
        ),
        (
            plain(
                "No se pudo entregar el mensaje a estos destinatarios:\n\nann@bella.example\n"
                "La dirección de correo no se encontró en el dominio.\n",
                "No se puede entregar: Factura",
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain("---The following addresses had delivery errors---\n\nann@bella.example [User unknown]\n"),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "   ----- The following addresses had delivery problems -----\n"
                "ann@bella.example\n\n"
                "The number of messages in recipient's mailbox exceeded the local limit.\n"
            ),
            "soft",
            "5.2.2",
            "mailbox_full",
        ),
        (
            plain(
                "Could not be delivered because of\n\n550 5.1.1 User unknown\n\n"
                "The following recipients were affected:\n    ann@bella.example\n"
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "  ----- The following addresses had permanent fatal errors -----\n\n"
                ">>> ann@bella.example <ann@bella.example>\n\n"
                "  ----- Transcript of session follows -----\n"
                "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)\n"
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "Sent <<< RCPT TO:<ann@bella.example>\n"
                "Received >>> 550 5.1.1 <ann@bella.example>... user unknown\n"
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "Error message below:\n550 - Requested action not taken: no such user here\n\n"
                "Message details:\n  RCPT TO: ann@bella.example\n"
            ).replace(b"\n", b"\r"),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "<ann@bella.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
                "--- Below this line is a copy of the message.\n\n" + RETURNED,
                "failure notice",
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "The following address(es) failed:\n\n  ann@bella.example\n"
                "    retry timeout exceeded\n\n"
                "------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED
            ),
            "soft",
            "4.4.7",
            "expired",
        ),
        (
            plain(
                "The following address(es) failed:\n\n  ann@bella.example\n"
                "    all relevant MX records point to non-existent hosts\n"
            ),
            "hard",
            "5.1.2",
            "domain_unknown",
        ),
        (
            plain(
                "<ann@bella.example>: host mx.bella.example[192.0.2.7] said: 554 5.7.1\n"
                "    <ann@bella.example>: Relay access denied (in reply to RCPT TO command)\n"
            ),
            "soft",
            "5.7.1",
            "relay_denied",
        ),
        (
            plain(
                "   ----- The following addresses had permanent fatal errors -----\n"
                "<ann@bella.example>\n\n   ----- Transcript of session follows -----\n"
                "550 5.2.1 <ann@bella.example>... Mailbox disabled, not accepting messages\n"
            ),
            "hard",
            "5.2.1",
            "disabled",
        ),
        (
            plain(
                "Your message\n  Subject: Fattura 1\nwas not delivered to:\n  ann@bella.example\n"
                "because:\n  User ann (ann@bella.example) not listed in Domino Directory\n",
                "DELIVERY FAILURE: User ann not listed",
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "Delivery has failed to these recipients or groups:\n\n"
                "ann@bella.example<mailto:ann@bella.example>\n"
                "The recipient's mailbox is full and can't accept messages now.\n",
                "Non recapitabile: Fattura 1",
            ),
            "soft",
            "5.2.2",
            "mailbox_full",
        ),
        (
            plain(
                "Impossibile recapitare il messaggio.\n\nann@bella.example: 550 5.1.1 utente sconosciuto\n",
                "Mancata consegna",
            ),
            "hard",
            "5.1.1",
            "user_unknown",
        ),
        (
            plain(
                "Hi!\n    A message is delayed for more than 4 hours for the following\n"
                "    list of recipients:\n\n"
                "ann@bella.example: 451 4.7.1 Greylisted, please try again\n\n"
                "    You DO NOT NEED to re-send the message to these recipients.\n",
                "Delivery status notification: delayed",
            ),
            "delay",
            "4.7.1",
            "rate_limit",
        ),
        (
            plain(
                "Warning: message 1abc-2 delayed 24 hours\n\n  ann@bella.example\n"
                "    Delay reason: Connection refused\n\nNo action is required on your part.\n",
                "Warning: message 1abc delayed 24 hours",
            ),
            "delay",
            "4.4.0",
            "network",
        ),
    ],
)
def test_each_custom_is_understood(mail: bytes, kind: str, status: str, reason: str) -> None:
    found = read_bounce(mail)
    assert found is not None
    assert found.recipients == ("ann@bella.example",)
    assert (found.kind, found.status, found.reason) == (kind, status, reason)


def test_each_recipient_has_its_own_report() -> None:
    """The mail is as bad as its worst report; the address written to comes before the one it was forwarded to."""
    found = read_bounce(
        report(
            "Original-Recipient: rfc822;ann@bella.example\nFinal-Recipient: rfc822; ann@elsewhere.example\n"
            "Action: failed\nStatus: 4.2.2\n\n"
            "Final-Recipient: rfc822; bob@bella.example\nAction: failed\nStatus: 5.1.1\n\n"
            "Final-Recipient: rfc822; eve@bella.example\nAction: delivered\nStatus: 2.0.0"
        )
    )
    assert found is not None
    assert [(r.address, r.kind, r.final_address) for r in found.reports] == [
        ("ann@bella.example", "soft", "ann@elsewhere.example"),
        ("bob@bella.example", "hard", ""),
    ]
    assert (found.kind, found.status) == ("hard", "5.1.1")
    assert (found.original_message_id, found.original_to) == ("<ours@acme.example>", "ann@bella.example")


def test_a_report_that_it_was_delivered_is_no_bounce() -> None:
    assert read_bounce(failed("250 2.0.0 Ok", "2.0.0", "delivered")) is None
    assert read_bounce(failed("250 2.0.0 Ok", "2.0.0", "relayed")) is None


def test_the_token_is_found_where_the_bounce_arrived_and_where_ours_came_from() -> None:
    token = "abcdefghijklmnopqrstuv23"
    to = failed("550 5.1.1 unknown").replace(
        b"To: office@acme.example", f"To: <bounces+{token}@acme.example>".encode()
    )
    assert (found := read_bounce(to)) is not None
    assert found.token == token
    returned = f"Return-Path: <bounces+{token.upper()}@acme.example>\n" + RETURNED
    back = report(
        "Final-Recipient: rfc822; ann@bella.example\nAction: failed\nStatus: 5.1.1", returned=returned
    )
    assert (found := read_bounce(back)) is not None
    assert found.token == token


def test_a_bounce_that_names_nobody_still_tells_its_message() -> None:
    mail = plain(
        "It did not work out: mailbox is full.\n\n--- Original message ---\n\n"
        + RETURNED.replace("To: ann@bella.example\n", "")
    )
    assert (found := read_bounce(mail)) is not None
    assert found.recipients == ()
    assert (found.original_message_id, found.reason) == ("<ours@acme.example>", "mailbox_full")


PERSON = "From: Ann <ann@bella.example>\nTo: office@acme.example\nIn-Reply-To: <ours@acme.example>\n"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("Subject: Re: Fattura\nAuto-Submitted: auto-replied (vacation)\n", "auto_reply"),
        ("Subject: Risposta automatica: Fattura 1\n", "auto_reply"),
        ("Subject: =?utf-8?q?Respuesta_autom=C3=A1tica:_Fattura?=\n", "auto_reply"),
        ("Subject: Fuori sede: Fattura\n", "auto_reply"),
        ("Subject: Hello\nX-Autoreply: yes\n", "auto_reply"),
        ("Subject: Hello\nPrecedence: auto_reply\n", "auto_reply"),
        ("Subject: Please confirm your message\nAuto-Submitted: auto-replied\n", "challenge"),
        ("Subject: Hello\nX-Boxtrapper: xyz\n", "challenge"),
        ("Subject: Re: Fattura 1\n", None),
        ("Subject: Re: Undelivered parcels\nAuto-Submitted: no\n", None),
        ("Subject: Delivery problem with order 7\n", None),
        ("Subject: Please confirm your message arrived, the invoice is missing\n", None),
    ],
)
def test_answers_of_machines_are_told_from_answers_of_people(head: str, kind: str | None) -> None:
    """RFC 3834: recognised and left alone; a person's answer is none of them."""
    found = read_bounce(
        (PERSON + head + "\nSono in ferie fino a lunedì.\n\nann@bella.example\nTel. 02 5501\n").encode()
    )
    assert (found.kind if found else None) == kind
    if found:
        assert (found.recipients, found.original_message_id) == (
            ("ann@bella.example",),
            "<ours@acme.example>",
        )


def test_a_complaint_names_who_complained() -> None:
    """RFC 5965 (ARF)."""
    mail = (
        "From: staff@provider.example\nSubject: FW: Fattura\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
        "Content-Type: text/plain\n\n"
        "This is an abuse report.\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {type}\n"
        "User-Agent: X/1\nVersion: 1\nOriginal-Rcpt-To: <ann@bella.example>\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{RETURNED}\nText\n--b--\n"
    )
    assert (found := read_bounce(mail.replace("{type}", "abuse").encode())) is not None
    assert (found.kind, found.recipients, found.reason) == ("complaint", ("ann@bella.example",), "complaint")
    assert found.original_message_id == "<ours@acme.example>"
    assert read_bounce(mail.replace("{type}", "not-spam").encode()) is None


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\x00" * 5000,
        DAEMON.format(subject="failure notice").encode() + b"\n" + b"a@" * 600_000,
        DAEMON.format(subject="failure notice").encode() + b"\n" + b"<a@b.example>:\n" * 100_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(20_000)),
        b"Content-Type: message/rfc822\n\n" * 30_000,
        b"Content-Type: text/html\n\n" + b"<script " * 100_000,
        b"Content-Type: text/plain; charset=rot13\nContent-Transfer-Encoding: base64\n\n====",
        b"Subject: =?utf-8?b?\xff\xfe?= =?x?q?=\nAuto-Submitted: auto-replied\n\n\xff",
        report("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" * 20_000),
    ],
    ids=["empty", "nul", "at", "lines", "nested", "rfc822", "html", "charset", "words", "groups"],
)
def test_hostile_bytes_cost_little_and_raise_nothing(mail: bytes) -> None:
    """Looked at: a megabyte, 60 parts, 6 levels, 100 recipients; each of these takes a fraction of a second."""
    found = read_bounce(mail)
    assert found is None or len(found.reports) <= 100


def test_the_other_side_cannot_write_more_than_one_printable_line() -> None:
    found = read_bounce(failed("550 5.1.1 user unknown\x1b[31m\x07 " + "x" * 2000))
    assert found is not None
    assert found.diagnostic.isprintable()
    assert len(found.diagnostic) <= 500
