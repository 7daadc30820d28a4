"""The doctor against a real DNS server: what is found, how it is judged, and the record to publish."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from crm_mail.delivery.connection_check import Step, StepResult
from crm_mail.delivery.dkim import KeyKind, make_key, public_record
from crm_mail.delivery.domains import doctor
from crm_mail.delivery.domains.checkups import (
    DomainUnknown,
    count_faulty_domains,
    keep,
    list_checkups,
    look,
    read_patient,
    without_connecting,
)
from crm_mail.delivery.domains.doctor import examine
from crm_mail.delivery.domains.doctor_words import describe
from crm_mail.delivery.domains.findings import Check, Finding, Level, from_dict
from crm_mail.delivery.domains.resolver import Resolver
from crm_mail.delivery.domains.sender_facts import SenderFacts
from crm_mail.delivery.domains.spf import SpfFault
from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.models import AccountKind
from crm_mail.permissions import PermissionDenied
from crm_mail.sandbox.dns import FAILS, Zone, dns_server
from tests.factories import make_account, make_actor, make_company

KEY = public_record(make_key(KeyKind.ED25519))
OTHER_KEY = public_record(make_key(KeyKind.ED25519))
SHORT_KEY = (
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC"
    "jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBc"
    "WToIMmPSPDdQPNUYckcQ2QIDAQAB"
)


@pytest.fixture
def zone() -> Zone:
    return Zone(
        {
            "acme.example": {"MX": ["10 mail.acme.example."], "TXT": ["v=spf1 mx -all"]},
            "mail.acme.example": {"A": ["8.8.4.4"]},
            "4.4.8.8.in-addr.arpa": {"PTR": ["mail.acme.example."]},
            "k1._domainkey.acme.example": {"TXT": [KEY]},
            "_dmarc.acme.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@acme.example"]},
            "_mta-sts.acme.example": {"TXT": ["v=STSv1; id=1"]},
        }
    )


@pytest.fixture
def resolver(zone: Zone) -> Iterator[Resolver]:
    with dns_server(zone) as server:
        yield Resolver([server], lifetime=20, canaries=())


def connects() -> list[StepResult]:
    return [StepResult(Step.REACH, True), StepResult(Step.ENCRYPT, True)]


def sender(**overrides: Any) -> SenderFacts:
    values: dict[str, Any] = {
        "name": "Office", "host": "mail.acme.example", "dkim_domain": "acme.example", "dkim_selector": "k1",
        "dkim_record": KEY, "connect": connects,
    }  # fmt: skip
    return SenderFacts(**(values | overrides))


def by_check(findings: list[Finding]) -> dict[Check, Finding]:
    return {finding.check: finding for finding in findings}


def test_a_sound_domain_is_found_sound_in_everything(resolver: Resolver) -> None:
    findings = examine(resolver, "Acme.example.", [sender()], report_to="it@acme.example")
    assert {(one.check, one.level, one.code) for one in findings} == {
        (Check.MX, Level.OK, "mx_ok"),
        (Check.SPF, Level.OK, "spf_ok"),
        (Check.SPF_SENDER, Level.OK, "spf_sender_ok"),
        (Check.DKIM, Level.OK, "dkim_ok"),
        (Check.DMARC, Level.OK, "dmarc_ok"),
        (Check.ALIGNMENT, Level.OK, "aligned_dkim"),
        (Check.TLS, Level.OK, "tls_ok"),
        (Check.REVERSE, Level.OK, "reverse_ok"),
        (Check.MTA_STS, Level.OK, "mta_sts_ok"),
        (Check.TLS_RPT, Level.NOTE, "tls_rpt_missing"),
    }
    assert all(from_dict(one.to_dict()) == one for one in findings)


CASES: list[tuple[str, dict[str, dict[str, list[str]] | None], dict[str, Any], Check, Level, str, str]] = [
    ("no MX", {"acme.example": {"TXT": ["v=spf1 -all"]}}, {}, Check.MX, Level.ERROR, "mx_missing", ""),
    ("null MX", {"acme.example": {"MX": ["0 ."]}}, {}, Check.MX, Level.ERROR, "mx_null", ""),
    ("implicit MX", {"acme.example": {"A": ["8.8.4.4"]}}, {}, Check.MX, Level.WARNING, "mx_implicit", ""),
    ("dead MX", {"mail.acme.example": {"TXT": ["x"]}}, {}, Check.MX, Level.ERROR, "mx_without_address", ""),
    ("no SPF", {"acme.example": {"MX": ["10 mail.acme.example."]}}, {}, Check.SPF, Level.ERROR, "spf_missing",
     "v=spf1 a:mail.acme.example ~all"),
    ("+all", {"acme.example": {"TXT": ["v=spf1 mx +all"]}}, {}, Check.SPF, Level.ERROR, "spf_lets_all",
     "v=spf1 mx ~all"),
    ("?all", {"acme.example": {"TXT": ["v=spf1 mx ?all"]}}, {}, Check.SPF, Level.WARNING, "spf_open_end", ""),
    ("two", {"acme.example": {"TXT": ["v=spf1 -all", "v=spf1 mx -all"]}}, {}, Check.SPF, Level.ERROR,
     "spf_several_records", "v=spf1 mx a:mail.acme.example -all"),
    ("Microsoft", {}, {"host": "smtp.office365.com"}, Check.SPF_SENDER, Level.ERROR, "spf_sender_missing",
     "v=spf1 mx include:spf.protection.outlook.com -all"),
    ("relay", {"relay.example": {"A": ["9.9.9.9"]}}, {"host": "relay.example"}, Check.SPF_SENDER, Level.WARNING,
     "spf_sender_unnamed", "v=spf1 mx a:relay.example -all"),
    ("private", {}, {"host": "192.168.1.4"}, Check.SPF_SENDER, Level.UNCHECKED, "spf_sender_private", ""),
    ("no key", {"k1._domainkey.acme.example": None}, {}, Check.DKIM, Level.ERROR, "dkim_missing", KEY),
    ("revoked", {"k1._domainkey.acme.example": {"TXT": ["v=DKIM1; p="]}}, {}, Check.DKIM, Level.ERROR,
     "dkim_revoked", KEY),
    ("other key", {"k1._domainkey.acme.example": {"TXT": [OTHER_KEY]}}, {}, Check.DKIM, Level.ERROR,
     "dkim_other_key", KEY),
    ("broken key", {"k1._domainkey.acme.example": {"TXT": ["v=DKIM1; p=abc"]}}, {}, Check.DKIM, Level.ERROR,
     "dkim_unreadable", KEY),
    ("1024 bits", {"k1._domainkey.acme.example": {"TXT": [SHORT_KEY]}}, {"dkim_record": SHORT_KEY}, Check.DKIM,
     Level.WARNING, "dkim_short", SHORT_KEY),
    ("not ours", {}, {"dkim_domain": "", "dkim_record": ""}, Check.DKIM, Level.NOTE, "dkim_not_ours", ""),
    ("no DMARC", {"_dmarc.acme.example": None}, {}, Check.DMARC, Level.ERROR, "dmarc_missing",
     "v=DMARC1; p=none; rua=mailto:it@acme.example"),
    ("p=none", {"_dmarc.acme.example": {"TXT": ["v=DMARC1;p=none;rua=mailto:a@acme.example"]}}, {}, Check.DMARC,
     Level.WARNING, "dmarc_none", "v=DMARC1; p=quarantine; rua=mailto:a@acme.example"),
    ("t=y", {"_dmarc.acme.example": {"TXT": ["v=DMARC1;p=reject;t=y;rua=mailto:a@acme.example"]}}, {},
     Check.DMARC, Level.WARNING, "dmarc_testing", "v=DMARC1; p=reject; t=n; rua=mailto:a@acme.example"),
    ("no rua", {"_dmarc.acme.example": {"TXT": ["v=DMARC1; p=reject"]}}, {}, Check.DMARC, Level.WARNING,
     "dmarc_no_rua", "v=DMARC1; p=reject; rua=mailto:it@acme.example"),
    ("reports elsewhere", {"_dmarc.acme.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:a@other.example"]}}, {},
     Check.DMARC, Level.WARNING, "dmarc_rua_elsewhere", "v=DMARC1;"),
    ("SPF only", {}, {"dkim_domain": "", "dkim_record": ""}, Check.ALIGNMENT, Level.OK, "aligned_spf_only", ""),
    ("foreign signature", {"k1._domainkey.other.example": {"TXT": [KEY]}, "relay.example": {"A": ["9.9.9.9"]}},
     {"dkim_domain": "other.example", "host": "relay.example"}, Check.ALIGNMENT, Level.ERROR, "not_aligned_dkim", ""),
    ("nothing aligned", {"relay.example": {"A": ["9.9.9.9"]}},
     {"dkim_domain": "", "dkim_record": "", "host": "relay.example"}, Check.ALIGNMENT, Level.ERROR, "not_aligned", ""),
    ("unencrypted", {}, {"is_encrypted": False}, Check.TLS, Level.ERROR, "tls_none", ""),
    ("unencrypted here", {}, {"is_encrypted": False, "host": "127.0.0.1"}, Check.TLS, Level.NOTE, "tls_none_local", ""),
    ("no reverse name", {"4.4.8.8.in-addr.arpa": None}, {}, Check.REVERSE, Level.WARNING, "reverse_missing", ""),
    ("another's reverse name", {"4.4.8.8.in-addr.arpa": {"PTR": ["else.example."]}}, {}, Check.REVERSE,
     Level.WARNING, "reverse_other", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("_name", "changes", "facts", "check", "level", "code", "publish"), CASES, ids=[case[0] for case in CASES]
)  # names only: the key is another one in every process
def test_each_fault_has_its_level_and_the_record_to_publish(
    zone: Zone,
    resolver: Resolver,
    _name: str,
    changes: dict[str, dict[str, list[str]] | None],
    facts: dict[str, Any],
    check: Check,
    level: Level,
    code: str,
    publish: str,
) -> None:
    for name, records in changes.items():
        zone.records.pop(name, None)
        if records is not None:
            zone.add(name, records)
    found = by_check(examine(resolver, "acme.example", [sender(**facts)], report_to="it@acme.example"))[check]
    assert (found.level, found.code) == (level, code)
    assert (found.publish.value if found.publish else "") == publish


def test_where_nobody_answers_nothing_is_called_missing(zone: Zone, resolver: Resolver) -> None:
    zone.faults |= dict.fromkeys([*zone.records, "_smtp._tls.acme.example", "_dmarc.example"], FAILS)
    found = examine(resolver, "acme.example", [sender()])
    levels = {one.check: one.level for one in found if one.check is not Check.TLS}
    assert set(levels.values()) == {Level.UNCHECKED}, levels


def test_a_certificate_that_fails_is_an_error_and_a_silent_server_is_not(resolver: Resolver) -> None:
    def failing(step: Step, cause: Cause) -> list[StepResult]:
        return [StepResult(step, False, Outcome(OutcomeKind.TRANSIENT, "", "what it said", cause))]

    for step, cause, level in (
        (Step.ENCRYPT, Cause.CERTIFICATE, Level.ERROR),
        (Step.REACH, Cause.TIMEOUT, Level.UNCHECKED),
    ):
        facts = sender(connect=lambda step=step, cause=cause: failing(step, cause))
        tls = by_check(examine(resolver, "acme.example", [facts]))[Check.TLS]
        assert (tls.level, tls.params["detail"]) == (level, "what it said")


def test_a_pec_domain_is_not_asked_for_spf_dkim_or_dmarc(zone: Zone, resolver: Resolver) -> None:
    zone.add("acme-pec.example", {"MX": ["10 mx.pec.aruba.it."]})
    zone.add("mx.pec.aruba.it", {"A": ["8.8.4.4"]})
    found = by_check(examine(resolver, "acme-pec.example", [sender(is_pec=True, host="smtps.pec.aruba.it")]))
    assert set(found) == {Check.MX, Check.PEC, Check.TLS, Check.REVERSE}
    assert (found[Check.PEC].level, found[Check.PEC].code) == (Level.OK, "pec_operator")
    wrong = by_check(examine(resolver, "gmail.com", [sender(is_pec=True)]))
    assert (wrong[Check.PEC].level, wrong[Check.PEC].code) == (Level.ERROR, "pec_not_pec")


def test_what_was_found_is_kept_for_each_domain_of_the_company(session: Session, resolver: Resolver) -> None:
    company, actor = make_company(session), make_actor()
    make_account(session, company, name="Office", from_address="a@acme.example", host="mail.acme.example")
    make_account(session, company, name="Certified", from_address="a@pec.example", kind=AccountKind.PEC)
    assert [(c.domain, c.is_pec, c.checked_at) for c in list_checkups(session, actor, company.id)] == [
        ("acme.example", False, None),
        ("pec.example", True, None),
    ]
    patient = without_connecting(read_patient(session, actor, company.id, "Acme.example", lambda _: ""))
    for _twice in range(2):
        keep(session, actor, patient, look(resolver, patient))
    kept = list_checkups(session, actor, company.id)[0]
    assert (kept.level, kept.checked_at is not None) == (Level.OK, True) or kept.level is Level.UNCHECKED
    assert count_faulty_domains(session, company.id) == 0
    keep(session, actor, patient, [Finding(Check.MX, Level.ERROR, "mx_null")])
    assert count_faulty_domains(session, company.id) == 1
    with pytest.raises(DomainUnknown, match=r"acme\.example"):
        read_patient(session, actor, company.id, "other.example", lambda _: "")
    with pytest.raises(PermissionDenied):
        list_checkups(session, make_actor(is_admin=False), company.id)


def test_every_finding_has_words() -> None:
    """The sources are read for the codes, so that none is forgotten."""
    folder = Path(doctor.__file__).parent
    source = "".join(
        (folder / name).read_text() for name in ("doctor.py", "doctor_spf.py", "doctor_dmarc.py")
    )
    prefixes = "mx|spf|dkim|dmarc|aligned|not_aligned|alignment|tls|reverse|host|mta_sts|pec|no_domain"
    codes = {code for code in re.findall(rf'"((?:{prefixes})(?:_\w+)?)"', source) if "_" in code}
    codes |= {f"spf_{fault.value}" for fault in SpfFault}
    assert len(codes) > 40
    for code in codes:
        words = describe(Finding(Check.MX, Level.NOTE, code, {"trouble": "offline"}))
        assert words.title
        assert words.text
