"""The resolver against a real DNS server on the loopback: an answer, an absence and a failure are three things."""

from collections.abc import Iterator

import pytest

from crm_mail.delivery.domains.resolver import Resolver, ServersInvalid, Status, Trouble, read_servers
from crm_mail.sandbox.dns import FAILS, SILENT, TRUNCATES, Zone, dns_server

CANARIES = (("canary.example", "MX"),)


@pytest.fixture
def zone() -> Zone:
    return Zone(
        {
            "canary.example": {"MX": ["10 mx.canary.example."]},
            "two.example": {"MX": ["20 second.two.example.", "10 FIRST.two.example."]},
            "null.example": {"MX": ["0 ."]},
            "a.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
            "long.example": {"TXT": ["v=x " + "y" * 300]},
            "big.example": {"TXT": ["whole"]},
            "xn--caff-8oa.example": {"MX": ["1 mx.example."]},
            "1.2.0.192.in-addr.arpa": {"PTR": ["mail.a.example."]},
        }
    )


@pytest.fixture
def resolver(zone: Zone) -> Iterator[Resolver]:
    with dns_server(zone) as server:
        yield Resolver([server], lifetime=20, canaries=CANARIES)  # a busy machine answers late


@pytest.fixture
def impatient(zone: Zone) -> Iterator[Resolver]:
    """Gives up soon: for servers that never answer."""
    with dns_server(zone) as server:
        yield Resolver([server], lifetime=0.6, canaries=CANARIES)


def test_each_kind_of_answer_is_told_from_the_others(
    zone: Zone, resolver: Resolver, impatient: Resolver
) -> None:
    zone.faults |= {"silent.example": SILENT, "fails.example": FAILS, "big.example": TRUNCATES}
    cases = [
        (resolver.mx("two.example"), Status.FOUND, ("first.two.example", "second.two.example"), None),
        (resolver.mx("TWO.example."), Status.FOUND, ("first.two.example", "second.two.example"), None),
        (resolver.mx("caffè.example"), Status.FOUND, ("mx.example",), None),
        (resolver.mx("null.example"), Status.NULL_MX, (), None),
        (resolver.mx("a.example"), Status.NO_ANSWER, (), None),
        (resolver.mx("nothing.example"), Status.NO_NAME, (), None),
        (resolver.txt("long.example"), Status.FOUND, ("v=x " + "y" * 300,), None),
        (resolver.txt("big.example"), Status.FOUND, ("whole",), None),  # over TCP
        (resolver.addresses("a.example"), Status.FOUND, ("192.0.2.1", "2001:db8::1"), None),
        (resolver.reverse("192.0.2.1"), Status.FOUND, ("mail.a.example",), None),
        (impatient.mx("silent.example"), Status.COULD_NOT_CHECK, (), Trouble.TIMEOUT),
        (resolver.mx("fails.example"), Status.COULD_NOT_CHECK, (), Trouble.NO_SERVERS),
        (resolver.mx("x" * 70 + ".example"), Status.COULD_NOT_CHECK, (), Trouble.BAD_NAME),
    ]
    for answer, status, records, trouble in cases:
        assert (answer.status, answer.records, answer.trouble) == (status, records, trouble), answer.name


def test_no_such_name_is_no_answer_while_names_that_exist_are_not_found(
    zone: Zone, resolver: Resolver
) -> None:
    """An office's resolver without internet says NXDOMAIN even for pec.it."""
    zone.is_blank = True
    answer = resolver.mx("nothing.example")
    assert (answer.status, answer.trouble) == (Status.COULD_NOT_CHECK, Trouble.OFFLINE)
    zone.is_blank = False
    resolver.forget()
    assert resolver.mx("nothing.example").status is Status.NO_NAME  # and the failure was not remembered


def test_answers_are_kept_for_their_time_and_asked_again_after_it(zone: Zone) -> None:
    moment = [0.0]
    with dns_server(zone) as server:
        resolver = Resolver([server], canaries=(), clock=lambda: moment[0])
        for at, asked in ((0.0, 1), (299.0, 1), (301.0, 2)):
            moment[0] = at
            resolver.mx("two.example")
            assert zone.asked.count(("two.example", "MX")) == asked
        resolver.mx("two.example", fresh=True)
        assert zone.asked.count(("two.example", "MX")) == 3


def test_servers_are_read_from_the_settings_and_a_name_among_them_is_refused() -> None:
    assert read_servers(" 192.0.2.1, 192.0.2.2:5353,[2001:db8::1]:54, 2001:db8::2") == [
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 54),
        ("2001:db8::2", 53),
    ]
    with pytest.raises(ServersInvalid, match=r"dns\.example"):
        read_servers("dns.example:53")
