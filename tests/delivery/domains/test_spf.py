"""SPF against a real DNS server: what counts towards the ten look-ups, and who is let send."""

from collections.abc import Iterator

import pytest

from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.delivery.domains.spf import (
    Result,
    SpfFault,
    Term,
    check_address,
    parse,
    read_spf,
    with_mechanism,
)
from crm_mail.sandbox.dns import FAILS, Zone, dns_server

CHAIN = {f"_{n}.chain.example": {"TXT": [f"v=spf1 include:_{n + 1}.chain.example ?all"]} for n in range(11)}


@pytest.fixture(scope="module")
def zone() -> Zone:
    zone = Zone(
        {
            "plain.example": {"TXT": ["google-site-verification=x", "v=spf1 ip4:192.0.2.0/24 mx -all"],
                              "MX": ["10 mx.plain.example."]},
            "mx.plain.example": {"A": ["198.51.100.7"], "AAAA": ["2001:db8::7"]},
            "includes.example": {"TXT": ["v=spf1 include:plain.example a:host.example ~all"]},
            "host.example": {"A": ["203.0.113.9"]},
            "redirects.example": {"TXT": ["v=spf1 redirect=plain.example"]},
            "two.example": {"TXT": ["v=spf1 -all", "v=spf1 mx -all"]},
            "none.example": {"TXT": ["hello"]},
            "typo.example": {"TXT": ["v=spf1 ipv4:192.0.2.1 -all"]},
            "badnet.example": {"TXT": ["v=spf1 ip4:192.0.2.999 -all"]},
            "empty.example": {"TXT": ["v=spf1 include:none.example -all"]},
            "void.example": {"TXT": ["v=spf1 a:no1.example a:no2.example a:no3.example -all"]},
            "loop.example": {"TXT": ["v=spf1 include:loop.example -all"]},
            "late.example": {"TXT": ["v=spf1 -all include:nothing.example"]},
            "macro.example": {"TXT": ["v=spf1 exists:%{i}._spf.macro.example include:%{d}.x.example ptr ~all"]},
            "broken.example": {"TXT": ["v=spf1 include:servfail.example -all"]},
            "six.example": {"TXT": ["v=spf1 ip6:2001:db8::/32 a:host.example/24//64 -all"]},
            "ten.example": {"TXT": ["v=spf1 " + " ".join(f"a:h{n}.example" for n in range(10)) + " -all"]},
            "eleven.example": {"TXT": ["v=spf1 mx " + " ".join(f"a:h{n}.example" for n in range(10)) + " -all"],
                               "MX": ["1 host.example."]},
            "deep.example": {"TXT": ["v=spf1 include:_0.chain.example -all"]},
            **{f"h{n}.example": {"A": ["192.0.2.1"]} for n in range(10)},
            **CHAIN,
        }
    )  # fmt: skip
    zone.faults["servfail.example"] = FAILS
    return zone


@pytest.fixture(scope="module")
def resolver(zone: Zone) -> Iterator[Resolver]:
    with dns_server(zone) as server:
        yield Resolver([server], lifetime=20, canaries=())


@pytest.mark.parametrize(
    ("domain", "lookups", "faults"),
    [
        ("plain.example", 1, set()),
        ("includes.example", 3, set()),
        ("redirects.example", 2, set()),
        ("ten.example", 10, set()),
        ("eleven.example", 11, {SpfFault.TOO_MANY}),
        ("deep.example", 12, {SpfFault.TOO_MANY, SpfFault.INCLUDE_MISSING}),
        ("two.example", 0, {SpfFault.SEVERAL}),
        ("typo.example", 0, {SpfFault.SYNTAX}),
        ("badnet.example", 0, {SpfFault.SYNTAX}),
        ("empty.example", 1, {SpfFault.INCLUDE_MISSING}),
        ("void.example", 3, {SpfFault.TOO_MANY_VOID}),
        ("loop.example", 1, {SpfFault.LOOP}),
        ("late.example", 0, set()),
        ("macro.example", 3, set()),
        ("none.example", 0, set()),
    ],
)
def test_look_ups_are_counted_through_includes_and_faults_named(
    resolver: Resolver, domain: str, lookups: int, faults: set[SpfFault]
) -> None:
    report = read_spf(resolver, domain)
    assert (report.lookups, {fault for fault, _ in report.faults}) == (lookups, faults)
    assert report.unanswered == []


def test_an_include_that_nobody_answers_for_is_no_fault_of_the_record(resolver: Resolver) -> None:
    report = read_spf(resolver, "broken.example")
    assert (report.faults, report.unanswered) == ([], ["servfail.example"])


@pytest.mark.parametrize(
    ("domain", "ip", "result"),
    [
        ("plain.example", "192.0.2.200", Result.PASS),
        ("plain.example", "198.51.100.7", Result.PASS),  # its MX
        ("plain.example", "2001:db8::7", Result.PASS),
        ("plain.example", "203.0.113.9", Result.FAIL),
        ("includes.example", "192.0.2.1", Result.PASS),
        ("includes.example", "203.0.113.9", Result.PASS),
        ("includes.example", "203.0.113.10", Result.SOFTFAIL),
        ("redirects.example", "203.0.113.9", Result.FAIL),
        ("six.example", "2001:db8:1::1", Result.PASS),
        ("six.example", "203.0.113.200", Result.PASS),
        ("none.example", "192.0.2.1", Result.NONE),
        ("two.example", "192.0.2.1", Result.PERMERROR),
        ("empty.example", "192.0.2.1", Result.PERMERROR),
        ("broken.example", "192.0.2.1", Result.TEMPERROR),
    ],
)
def test_an_address_is_judged_as_a_receiver_would(
    resolver: Resolver, domain: str, ip: str, result: Result
) -> None:
    assert check_address(resolver, ip, domain) is result


def test_terms_are_read_with_their_lengths_and_unknown_modifiers_left_out() -> None:
    assert parse("v=spf1 -a:x.example/24//64 ip6:2001:db8::/32 exp=why.example MX ~all") == [
        Term("-", "a", "x.example", "/24//64"),
        Term("+", "ip6", "2001:db8::", "/32"),
        Term("+", "mx", "", ""),
        Term("~", "all", "", ""),
    ]


def test_a_server_is_let_in_before_the_end_of_the_record() -> None:
    assert with_mechanism("", "include:x.example") == "v=spf1 include:x.example ~all"
    assert with_mechanism("v=spf1 mx -all", "a:x.example") == "v=spf1 mx a:x.example -all"
    assert with_mechanism("v=spf1 redirect=y.example", "a:x") == "v=spf1 a:x redirect=y.example"
    assert with_mechanism("v=spf1 a:x -all", "a:x") == "v=spf1 a:x -all"
