"""SMS as a library: numbers, lengths, and gateways at real local servers (issue 6, section 5; GA-9)."""

import json
from dataclasses import replace

import pytest

from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.callback_tokens import account_of, callback_key, is_genuine, make_token
from crm_mail.delivery.sms.connecting import send_once
from crm_mail.delivery.sms.gateway import BodyForm, GatewayConfig, GatewayProtocol, GatewaySettings
from crm_mail.delivery.sms.http_gateway import fields_of, judge_answer, look_up
from crm_mail.delivery.sms.numbers import NumberInvalid, mobile_of, normalise_number
from crm_mail.delivery.sms.segments import Alphabet, measure, plain_text, split_text
from crm_mail.delivery.sms.smpp_gateway import SmppGateway, gsm_octets, gsm_text, read_reports
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Security
from crm_mail.delivery.web_targets import Told
from crm_mail.sandbox.sms_gateway import SmsGateway
from tests.delivery.smpp_server import SmppServer

NUMBER = "+393331234567"


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("0981 123 456", "PY", "+595981123456"),  # GA-9
        ("333 123 4567", "IT", NUMBER),
        ("0039 333-1234567", "IT", NUMBER),
        ("+52 55 1234 5678", "IT", "+525512345678"),
        ("+1 (202) 555-0143", "", "+12025550143"),
    ],
)
def test_numbers_become_international(written: str, region: str, number: str) -> None:
    assert normalise_number(written, region) == number


@pytest.mark.parametrize(
    ("written", "problem"),
    [("333 12", "not_a_number"), ("call me", "not_a_number"), ("02 1234 5678", "not_mobile")],
)
def test_what_takes_no_texts_is_refused(written: str, problem: str) -> None:
    with pytest.raises(NumberInvalid) as refused:
        normalise_number(written, "IT")
    assert refused.value.problem == problem


def test_the_other_number_is_taken_only_when_it_is_mobile() -> None:
    assert mobile_of(("", "02 1234 5678"), "IT") == ("", "")
    assert mobile_of(("ask", "333 1234567"), "IT") == (NUMBER, "333 1234567")


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "segments"),
    [
        ("a" * 160, Alphabet.GSM7, 160, 1),
        ("a" * 161, Alphabet.GSM7, 161, 2),
        ("a" * 307, Alphabet.GSM7, 307, 3),
        ("€" * 80, Alphabet.GSM7, 160, 1),
        (
            "a" * 152 + "€" * 77,
            Alphabet.GSM7,
            306,
            3,
        ),  # an escape is never divided: 152, then 76 times two, then one
        ("perché è così", Alphabet.GSM7, 13, 1),
        ("á" * 70, Alphabet.UCS2, 70, 1),
        ("á" * 71, Alphabet.UCS2, 71, 2),
        ("😀" * 35, Alphabet.UCS2, 70, 1),
        ("😀" * 67, Alphabet.UCS2, 134, 3),  # a pair is never divided: 33 of them in 67 units
        ("", Alphabet.GSM7, 0, 1),
    ],
)
def test_lengths_are_counted_as_networks_do(text: str, alphabet: Alphabet, units: int, segments: int) -> None:
    length = measure(text)
    assert (length.alphabet, length.units, length.segments) == (alphabet, units, segments)
    assert "".join(split_text(text)) == text


def test_typographic_signs_do_not_halve_the_room() -> None:
    text = plain_text("“Costa” 70,00\u00a0€ – l’ultimo…\r\n\r\n\r\nCiao  ")
    assert text == '"Costa" 70,00 € - l\'ultimo...\n\nCiao'
    assert measure(text).alphabet is Alphabet.GSM7
    assert gsm_text(gsm_octets("è {€}")) == "è {€}"


def test_fields_are_filled_in_as_the_configuration_says() -> None:
    values = {"number": NUMBER, "text": "{sender} ciao", "sender": "ACME", "reference": "r1"}
    template = 'messages.to: ["{number}"]\nmessages.body: {text}\npriority: 1\nfrom: {sender}'
    fields = fields_of(GatewayConfig(template=template), values)
    assert fields == {
        "messages": {"to": [NUMBER], "body": "{sender} ciao"},
        "priority": 1,
        "from": "ACME",
    }
    assert fields_of(GatewayConfig(form=BodyForm.FORM, template="a.b: 1\nto: {number}"), values) == {
        "a.b": "1",
        "to": NUMBER,
    }
    assert look_up({"messages": [{"id": 7}]}, "messages.0.id") == "7"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (Told(202, "", data=b'{"id": 5}'), OutcomeKind.SENT),
        (Told(401, "no"), OutcomeKind.ACCOUNT_REFUSED),
        (Told(402, "no credit"), OutcomeKind.ACCOUNT_REFUSED),
        (Told(400, "bad number"), OutcomeKind.PERMANENT),
        (Told(429, "slow"), OutcomeKind.TRANSIENT),
        (Told(503, "later"), OutcomeKind.TRANSIENT),
        (Told(500, "oops"), OutcomeKind.UNCERTAIN),  # it may have been taken
        (Told(None, "reset"), OutcomeKind.UNCERTAIN),
        (Told(None, "refused", is_unsent=True), OutcomeKind.TRANSIENT),
        (Told(302, ""), OutcomeKind.ACCOUNT_REFUSED),
    ],
)
def test_a_lost_answer_is_uncertain_and_a_refusal_is_none(told: Told, kind: OutcomeKind) -> None:
    assert judge_answer(GatewayConfig(), told).outcome.kind is kind


def test_an_answer_that_says_no_in_its_body_is_a_refusal() -> None:
    config = GatewayConfig(ok_path="status", ok_values="0, ok", id_path="id")
    said = [judge_answer(config, Told(200, "", data=json.dumps(d).encode())) for d in ({"status": "OK", "id": "9"}, {"status": "error"}, {})]  # noqa: E501  # fmt: skip
    assert [one.outcome.kind for one in said] == [
        OutcomeKind.SENT,
        OutcomeKind.PERMANENT,
        OutcomeKind.UNCERTAIN,
    ]
    assert said[0].provider_ids == ("9",)


def _http(gateway: SmsGateway, **changes: object) -> AccountSettings:
    config = replace(GatewayConfig(url=gateway.url), **changes)  # type: ignore[arg-type]
    headers = {"Authorization": "Bearer k3y"}
    return AccountSettings(
        Channel.SMS,
        "127.0.0.1",
        gateway.port,
        Security.NONE,
        "ACME",
        timeout_seconds=10,
        sms=GatewaySettings(config, headers, allow_private=True),
    )


def test_a_text_reaches_an_http_gateway_as_json_and_as_a_form() -> None:
    with SmsGateway() as gateway:
        assert send_once(_http(gateway), NUMBER, "Ciao è €", "ref1").detail == "id SM1"
        assert send_once(_http(gateway, form=BodyForm.FORM), NUMBER, "a & b", "ref2").is_sent
        gateway.answers = [(200, None)]
        assert send_once(_http(gateway), NUMBER, "lost", "ref3").kind is OutcomeKind.UNCERTAIN
    first, second, _lost = gateway.texts
    assert (first.number, first.text, first.reference) == (NUMBER, "Ciao è €", "ref1")
    assert (first.headers["authorization"], first.headers["idempotency-key"]) == ("Bearer k3y", "ref1")
    assert (second.text, second.headers["content-type"]) == ("a & b", "application/x-www-form-urlencoded")
    outcome = send_once(_http(gateway), NUMBER, "nobody there", "ref4")
    assert (outcome.kind, outcome.cause) == (OutcomeKind.TRANSIENT, Cause.CONNECTION)


def test_a_gateway_in_a_private_network_is_not_called_unless_that_is_allowed() -> None:
    with SmsGateway() as gateway:
        settings = _http(gateway)
        assert settings.sms is not None
        closed = replace(settings, sms=replace(settings.sms, allow_private=False))
        assert send_once(closed, NUMBER, "x", "r").kind is OutcomeKind.ACCOUNT_REFUSED
    assert gateway.texts == []


def _smpp(server: SmppServer, password: str = "secret") -> AccountSettings:
    config = GatewayConfig(protocol=GatewayProtocol.SMPP)
    return AccountSettings(
        Channel.SMS,
        "127.0.0.1",
        server.port,
        Security.NONE,
        "ACME",
        username="acme",
        password=password,
        timeout_seconds=10,
        sms=GatewaySettings(config),
    )


def test_texts_reach_an_smpp_server_in_joined_segments() -> None:
    with SmppServer() as server:
        gateway = SmppGateway(_smpp(server))
        gateway.connect()
        short = gateway.submit(NUMBER, "Ciao è", "r1")
        long = gateway.submit(NUMBER, "á" * 100, "r2")
        server.states = [0x58, 0x0B]
        refusals = [gateway.submit(NUMBER, "x", "r3").outcome.kind for _ in range(2)]
        server.states = [0, 0x0B]
        half = gateway.submit(NUMBER, "á" * 100, "r4")
        gateway.close()
        refused = send_once(_smpp(server, "wrong"), NUMBER, "x", "r5")
    assert (short.outcome.kind, short.provider_ids) == (OutcomeKind.SENT, ("M1",))
    assert long.provider_ids == ("M3",)  # the last one, which alone is reported on
    plain, first, second = server.taken[:3]
    assert (plain.number, plain.source, plain.coding) == (NUMBER[1:], "ACME", 0)
    assert gsm_text(plain.data) == "Ciao è"
    assert [one.data[3:6] for one in (first, second)] == [bytes((2, 2, 1)), bytes((2, 2, 2))]
    assert (first.data[6:] + second.data[6:]).decode("utf-16-be") == "á" * 100
    assert [one.registered for one in (plain, first, second)] == [1, 0, 1]
    assert refusals == [OutcomeKind.TRANSIENT, OutcomeKind.PERMANENT]
    assert half.outcome.kind is OutcomeKind.UNCERTAIN  # a part of it has left
    assert (refused.kind, refused.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.LOGIN)


def test_reports_and_answers_are_read_from_an_smpp_server_and_confirmed() -> None:
    report = (
        b"id:M1 sub:001 dlvrd:001 submit date:2611221000 done date:2611221001 stat:DELIVRD err:000 text:Ciao"
    )
    with SmppServer(waiting=[(report, 4, "393331234567"), (b"STOP", 0, "393331234567")]) as server:
        found: list[object] = []
        assert read_reports(_smpp(server), found.append, quiet_seconds=1) == 2
        first, second = found
        with pytest.raises(ConnectionFailed):
            read_reports(_smpp(server, "wrong"), found.append, quiet_seconds=1)
    assert (first.provider_id, first.state) == ("M1", "DELIVRD")  # type: ignore[attr-defined]
    assert (second.sender, second.text) == ("393331234567", "STOP")  # type: ignore[attr-defined]
    assert server.confirmed == 2


def test_a_callback_token_holds_for_one_account_and_until_it_is_renewed() -> None:
    key, other = callback_key("k" * 40), callback_key("o" * 40)
    token = make_token(key, 7, 1)
    assert account_of(token) == 7
    assert is_genuine([other, key], token, 7, 1)
    assert not is_genuine([key], token, 7, 2)
    assert not is_genuine([key], token.replace("7-", "8-"), 8, 1)
    assert [account_of(one) for one in ("", "7-", "x-y", "7-" + "é" * 32)] == [None, None, None, 7]
