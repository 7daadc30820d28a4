"""DMARC (RFC 9989) against a real DNS server: the tree walk and what is read from the record."""

from collections.abc import Iterator

import pytest

from crm_mail.delivery.domains.dmarc import (
    DmarcFault,
    is_aligned,
    names_to_ask,
    parse_tags,
    read_dmarc,
)
from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.sandbox.dns import FAILS, Zone, dns_server


@pytest.fixture(scope="module")
def resolver() -> Iterator[Resolver]:
    texts = {
        "acme.example": "v=DMARC1; p=reject; sp=quarantine; np=reject; rua=mailto:d@acme.example",
        "own.acme.example": "v=DMARC1; p=none; rua=mailto:d@acme.example",
        "example": "v=DMARC1; p=reject; psd=y",
        "shop.host.example": "v=DMARC1; p=quarantine; psd=n",
        "old.example": "v=DMARC1; p=none; pct=50; rf=afrf",
        "wrong.example": "v=DMARC1; p=strict",
        "watch.example": "v=DMARC1; rua=mailto:d@watch.example",
        "rua.example": "v=DMARC1; p=none; rua=d@rua.example",
        "test.example": "v=DMARC1; t=y; p=reject; adkim=s",
        "lower.example": "v=dmarc1; p=reject",
    }
    zone = Zone({f"_dmarc.{name}": {"TXT": [text]} for name, text in texts.items()})
    zone.add("_dmarc.twice.example", {"TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]})
    zone.add("mail.acme.example", {"A": ["192.0.2.1"]})
    zone.faults["_dmarc.silent.example"] = FAILS
    with dns_server(zone) as server:
        yield Resolver([server], lifetime=20, canaries=())


def test_a_long_name_is_asked_for_and_then_only_its_last_seven_labels() -> None:
    assert names_to_ask("a.b.c.d.e.f.g.h.i.example") == [
        "a.b.c.d.e.f.g.h.i.example", "d.e.f.g.h.i.example", "e.f.g.h.i.example", "f.g.h.i.example",
        "g.h.i.example", "h.i.example", "i.example", "example",
    ]  # fmt: skip
    assert names_to_ask("Mail.Acme.example.") == ["mail.acme.example", "acme.example", "example"]


@pytest.mark.parametrize(
    ("domain", "at", "organization", "policy", "tag"),
    [
        ("acme.example", "acme.example", "acme.example", "reject", "p"),
        ("own.acme.example", "own.acme.example", "acme.example", "none", "p"),
        ("mail.acme.example", "acme.example", "acme.example", "quarantine", "sp"),
        ("gone.acme.example", "acme.example", "acme.example", "reject", "np"),
        ("nobody.example", "example", "nobody.example", "reject", "p"),  # the public suffix's own policy
        ("shop.host.example", "shop.host.example", "shop.host.example", "quarantine", "p"),
        ("a.shop.host.example", "shop.host.example", "shop.host.example", "quarantine", "p"),
        ("watch.example", "watch.example", "watch.example", "none", "p"),  # no p, but reports: none
        ("lower.example", "example", "lower.example", "reject", "p"),  # the version is written exactly so
    ],
)
def test_the_walk_finds_the_policy_and_the_organization(
    resolver: Resolver, domain: str, at: str, organization: str, policy: str, tag: str
) -> None:
    report = read_dmarc(resolver, domain)
    assert report.record is not None
    assert (report.record.domain, report.organizational_domain) == (at, organization)
    assert (report.policy, report.policy_tag) == (policy, tag)


@pytest.mark.parametrize(
    ("domain", "fault"),
    [
        ("wrong.example", (DmarcFault.BAD_POLICY, "strict")),
        ("old.example", (DmarcFault.REMOVED_TAG, "pct")),
        ("rua.example", (DmarcFault.BAD_RUA, "d@rua.example")),
        ("twice.example", (DmarcFault.SEVERAL, "_dmarc.twice.example")),
    ],
)
def test_what_is_wrong_with_a_record_is_named(
    resolver: Resolver, domain: str, fault: tuple[DmarcFault, str]
) -> None:
    assert fault in read_dmarc(resolver, domain).faults


def test_silence_is_no_missing_record(resolver: Resolver) -> None:
    report = read_dmarc(resolver, "silent.example")
    assert report.unanswered == ["_dmarc.silent.example"]


def test_domains_of_one_organization_are_aligned_unless_the_record_is_strict(resolver: Resolver) -> None:
    for from_domain, other, is_strict, expected in (
        ("acme.example", "ACME.example", True, True),
        ("mail.acme.example", "acme.example", False, True),
        ("mail.acme.example", "acme.example", True, False),
        ("acme.example", "sender.example", False, False),  # only the public suffix in common
        ("a.shop.host.example", "acme.example", False, False),
    ):
        assert is_aligned(resolver, from_domain, other, is_strict=is_strict) is expected, (from_domain, other)
    assert read_dmarc(resolver, "test.example").is_strict("adkim")
    assert read_dmarc(resolver, "test.example").is_testing


def test_the_first_of_two_equal_tags_counts() -> None:
    assert parse_tags("v=DMARC1 ; p = none;p=reject; x") == {"v": "DMARC1", "p": "none"}
