"""The ladder: which step decides, with what reason, and that nothing but an answer is taken for one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import Database, now
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.domains.mx_check import check_domains
from crm_mail.delivery.domains.pec_domains import Reason, judge_by_list, judge_by_mx
from crm_mail.delivery.domains.pec_ladder import fresh_domains, judge_addresses, keep_person_word
from crm_mail.delivery.domains.registries import import_registry
from crm_mail.delivery.domains.registry_file import read_registry
from crm_mail.delivery.domains.resolver import Answer, Resolver, Status, Trouble
from crm_mail.delivery.models import AddressVerdict, VerdictSource
from crm_mail.delivery.routing import AddressKind
from crm_mail.installation import Installation
from crm_mail.sandbox.dns import FAILS, Zone, dns_server
from tests.factories import make_actor

PEC, ORDINARY, UNKNOWN = AddressKind.PEC, AddressKind.ORDINARY, AddressKind.UNKNOWN


@pytest.mark.parametrize(
    ("domain", "kind", "reason"),
    [
        ("pec.it", PEC, Reason.MAILBOX_DOMAIN),
        ("cert.legalmail.it", PEC, Reason.MAILBOX_DOMAIN),
        ("pec.aruba.it", PEC, Reason.OPERATOR_DOMAIN),
        ("aruba.it", ORDINARY, Reason.ORDINARY_DOMAIN),
        ("notariato.it", ORDINARY, Reason.ORDINARY_DOMAIN),
        ("postacertificata.notariato.it", PEC, Reason.MAILBOX_DOMAIN),
        ("gmail.com", ORDINARY, Reason.ORDINARY_DOMAIN),
        ("studio.pec.it", None, None),  # a child of a known domain is another domain
        ("cert.legalmail.it.comune.example", None, None),
        ("acme.example", None, None),
    ],
)
def test_the_lists_know_whole_domains_only(
    domain: str, kind: AddressKind | None, reason: Reason | None
) -> None:
    opinion = judge_by_list(domain)
    assert (opinion and opinion.kind, opinion and opinion.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("domain", "hosts", "kind", "reason"),
    [
        ("avvocatimonzaebrianza.it", "mx.pec.aruba.it", PEC, Reason.MX_OPERATOR),
        ("acme.it", "mx.cert.legalmail.it", PEC, Reason.MX_OPERATOR),
        ("acme.it", "sendmx.sicurezzapostale.it mx2.sicurezzapostale.it", PEC, Reason.MX_OPERATOR),
        ("acme.it", "mx.aruba.it", ORDINARY, Reason.MX_ORDINARY),
        ("acme.it", "mail.notariato.it", ORDINARY, Reason.MX_ORDINARY),
        ("acme.it", "acme-it.mail.protection.outlook.com", ORDINARY, Reason.MX_ORDINARY),
        ("acme.it", "mail.acme.it", ORDINARY, Reason.MX_OWN),
        ("pec.acme.it", "mail.pec.acme.it", UNKNOWN, Reason.MX_UNKNOWN),
        ("acme.it", "pec.acme.it", UNKNOWN, Reason.MX_UNKNOWN),
        ("acme.it", "mx.somebody.example", UNKNOWN, Reason.MX_UNKNOWN),
        ("cert.comune.it", "mx.cert.legalmail.it.comune.it", UNKNOWN, Reason.MX_UNKNOWN),  # misconfigured
        ("pec.acme.it", "mx.aruba.it", UNKNOWN, Reason.MX_UNKNOWN),
        ("acme.it", "mx.pec.aruba.it mx.aruba.it", UNKNOWN, Reason.MX_MIXED),
    ],
)
def test_the_most_specific_suffix_of_a_mail_server_decides(
    domain: str, hosts: str, kind: AddressKind, reason: Reason
) -> None:
    opinion = judge_by_mx(domain, Answer(domain, "MX", Status.FOUND, tuple(hosts.split())))
    assert (opinion.kind, opinion.reason) == (kind, reason)


def test_no_absence_says_that_an_address_is_not_pec() -> None:
    cases = {
        Status.NO_NAME: Reason.NO_DOMAIN,
        Status.NO_ANSWER: Reason.NO_MX,
        Status.NULL_MX: Reason.NULL_MX,
        Status.COULD_NOT_CHECK: Reason.COULD_NOT_CHECK,
    }
    for status, reason in cases.items():
        opinion = judge_by_mx("acme.it", Answer("acme.it", "MX", status, trouble=Trouble.TIMEOUT))
        assert (opinion.kind, opinion.reason) == (UNKNOWN, reason)


def _keep(session: Session, subject: str, source: VerdictSource, kind: AddressKind, **values: object) -> None:
    session.add(AddressVerdict(subject=address_key(subject), source=source, kind=kind, **values))
    session.flush()


def test_the_strongest_step_that_knows_decides(session: Session) -> None:
    moment = now()
    past = moment - timedelta(seconds=1)
    import_registry(
        session, make_actor(), "IndicePA", read_registry(b"Registered@Acme.it\nboth@acme.it\nx@gmail.com\n")
    )
    _keep(session, "learnt@pec.it", VerdictSource.RECEIPT, ORDINARY, detail="esterno")
    _keep(session, "both@acme.it", VerdictSource.RECEIPT, ORDINARY, detail="esterno")
    _keep(session, "said@acme.it", VerdictSource.RECEIPT, PEC)
    keep_person_word(session, "Said@acme.it", ORDINARY, "Anna", moment)
    _keep(session, "acme.it", VerdictSource.MX, PEC, detail="mx_operator mx.pec.aruba.it", expires_at=None)
    _keep(session, "old.it", VerdictSource.MX, PEC, detail="mx_operator mx.pec.aruba.it", expires_at=past)
    expected = {
        "said@acme.it": (ORDINARY, Reason.PERSON, "Anna"),
        "both@acme.it": (ORDINARY, Reason.RECEIPT, "esterno"),
        "registered@acme.it": (PEC, Reason.REGISTRY, "IndicePA"),
        "x@gmail.com": (PEC, Reason.REGISTRY, "IndicePA"),
        "learnt@pec.it": (ORDINARY, Reason.RECEIPT, "esterno"),
        "y@pec.it": (PEC, Reason.MAILBOX_DOMAIN, "pec.it"),
        "Other@ACME.it": (PEC, Reason.MX_OPERATOR, "mx.pec.aruba.it"),
        "x@old.it": (UNKNOWN, Reason.NOT_CHECKED, ""),
        "nothing": (UNKNOWN, Reason.NOT_CHECKED, ""),
    }
    found = judge_addresses(session, expected, moment)
    assert {email: (v.kind, v.reason, v.detail) for email, v in found.items()} == expected


@pytest.fixture
def zone() -> Zone:
    return Zone(
        {
            "canary.example": {"MX": ["10 mx.canary.example."]},
            "certified.it": {"MX": ["10 mx.pec.aruba.it."]},
            "plain.it": {"MX": ["10 aspmx.l.google.com."]},
        }
    )


@pytest.fixture
def resolver(zone: Zone) -> Iterator[Resolver]:
    with dns_server(zone) as server:
        yield Resolver([server], lifetime=20, canaries=(("canary.example", "MX"),))


def test_domains_are_looked_up_together_and_their_verdicts_kept_with_an_end(
    zone: Zone, resolver: Resolver, sqlite_home: Installation
) -> None:
    database: Database = sqlite_home.database
    zone.faults["broken.it"] = FAILS
    domains = ["certified.it", "plain.it", "broken.it", "gone.it", "pec.it", ""]
    done = check_domains(database, resolver, domains)
    assert (done.asked, done.settled, done.could_not_check, done.is_offline) == (4, 2, 1, False)
    assert ("pec.it", "MX") not in zone.asked  # the lists know it
    with database.read() as session:
        found = judge_addresses(session, ["a@certified.it", "a@plain.it", "a@broken.it", "a@gone.it"], now())
        reasons = {email: (verdict.kind, verdict.reason) for email, verdict in found.items()}
        assert reasons == {
            "a@certified.it": (PEC, Reason.MX_OPERATOR),
            "a@plain.it": (ORDINARY, Reason.MX_ORDINARY),
            "a@broken.it": (UNKNOWN, Reason.COULD_NOT_CHECK),
            "a@gone.it": (UNKNOWN, Reason.NO_DOMAIN),
        }
        later = now() + timedelta(hours=2)
        assert fresh_domains(session, domains, later) == {"certified.it", "plain.it", "gone.it"}


def test_an_office_without_internet_learns_nothing_about_any_domain(
    zone: Zone, resolver: Resolver, sqlite_home: Installation
) -> None:
    zone.is_blank = True
    assert check_domains(sqlite_home.database, resolver, ["certified.it"]).is_offline
    with sqlite_home.database.read() as session:
        assert session.scalars(select(AddressVerdict)).all() == []
