"""The proof dossier: complete, checkable offline by anybody, and no change to it goes unnoticed (BX-4)."""

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy.orm import Session

from crm_mail.delivery.pec.content_proof import ContentMatch
from crm_mail.delivery.pec.trust_anchors import BUILT_IN
from crm_mail.evidence.anchors import anchors_of
from crm_mail.evidence.dossiers.building import NothingToProve, build_dossier
from crm_mail.evidence.dossiers.checking import check_dossier
from crm_mail.evidence.dossiers.findings import DossierCheck, NotADossier
from crm_mail.evidence.dossiers.layout import Scope
from crm_mail.evidence.dossiers.summary import PrintedSummary
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.pec_simulator.original import read_original
from tests.evidence.mails import (
    RECIPIENT,
    SENDER,
    believe,
    hours,
    issuer,
    keep_source,
    pec_account,
    receive,
    sent_message,
)
from tests.factories import make_actor, make_company

Files = dict[str, bytes]


def _sent(session: Session, home: Installation, **overrides: object) -> Message:
    """A PEC message with a file, its exact bytes kept, accepted and delivered."""
    believe(home)
    account = pec_account(session, make_company(session))
    message = sent_message(session, account, **overrides)
    exact = keep_source(session, home, account, message)
    operator = issuer()
    accepted = operator.take(read_original(exact, SENDER, (RECIPIENT,)), hours(0.05))
    receive(session, home, account, operator.acceptance(accepted, hours(0.1)))
    receive(session, home, account, operator.delivery(accepted, hours(0.2), RECIPIENT))
    return message


class _NoSummary:
    def add(self, _facts: object) -> None: ...
    def finish(self, *_: object) -> bytes:
        return b""


def _dossier(session: Session, home: Installation, scope: Scope, summary: object = None) -> bytes:
    target = io.BytesIO()
    actor = make_actor(clearance=3)
    build_dossier(session, home.store, actor, scope, target, anchors_of(home), summary or _NoSummary())  # type: ignore[arg-type]
    return target.getvalue()


def _files(dossier: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(dossier)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zip(files: Files) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def _relisted(files: Files) -> Files:
    """The same with hashes that fit: what a forger who knows the format does."""
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        for name, data in files.items()
        if name != "SHA256SUMS"
    )
    return files | {"SHA256SUMS": sums.encode()}


def test_a_dossier_holds_what_was_sent_and_what_came_back_byte_for_byte_and_verifies(
    home: Installation, session: Session, tmp_path: Path
) -> None:
    message = _sent(session, home)
    dossier = _dossier(session, home, Scope("message", message.id))
    files = _files(dossier)
    check = check_dossier(io.BytesIO(dossier), anchors_of(home))
    assert check.is_intact
    assert [receipt.type for receipt in check.messages[0].receipts] == ["accettazione", "avvenuta-consegna"]
    delivery = check.messages[0].receipts[1]
    assert delivery.is_content_proven
    assert [one["match"] for one in delivery.content] == [ContentMatch.EQUAL]
    assert check.messages[0].message_id == message.message_id
    source = next(data for name, data in files.items() if name.endswith("/message.eml"))
    assert message.message_id.encode() in source  # type: ignore[union-attr]
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    listed = subprocess.run(
        ["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, timeout=30, check=False
    )
    assert listed.returncode == 0


def test_openssl_verifies_the_receipts_of_a_dossier_with_the_certificates_in_it(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    with sqlite_home.database.writing() as session:
        message = _sent(session, sqlite_home)
        files = _files(_dossier(session, sqlite_home, Scope("message", message.id)))
    authorities = b"".join(data for name, data in files.items() if name.startswith("certificates/"))
    (tmp_path / "ca.pem").write_bytes(authorities)
    receipts = [data for name, data in files.items() if "/evidence/" in name and name.endswith(".eml")]
    assert len(receipts) == 2
    for receipt in receipts:
        (tmp_path / "receipt.eml").write_bytes(receipt)
        moment = str(int(datetime(2026, 11, 3, 12, 30, tzinfo=UTC).timestamp()))
        command = ["openssl", "cms", "-verify", "-in", "receipt.eml", "-CAfile", "ca.pem", "-attime", moment]
        done = subprocess.run(
            [*command, "-purpose", "any", "-out", "/dev/null"],
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _in_receipt(files: Files, before: bytes, after: bytes) -> Files:
    name = next(n for n in files if n.endswith("avvenuta-consegna.eml"))
    assert before in files[name]
    return files | {name: files[name].replace(before, after)}


def _changed_source(files: Files) -> Files:
    name = next(n for n in files if n.endswith("/message.eml"))
    return files | {name: files[name].replace(b"fattura", b"FATTURA", 1)}


def _without_receipt(files: Files) -> Files:
    return {name: data for name, data in files.items() if not name.endswith("avvenuta-consegna.eml")}


def _other_daticert(files: Files) -> Files:
    name = next(n for n in files if n.endswith("avvenuta-consegna.daticert.xml"))
    return files | {name: files[name].replace(b"2026", b"2025")}


def _other_facts(files: Files, **changes: object) -> Files:
    name = next(n for n in files if n.endswith("/message.json"))
    return _relisted(files | {name: json.dumps(json.loads(files[name]) | changes).encode()})


def _other_attachment(files: Files) -> Files:
    name = next(n for n in files if n.endswith("/message.eml"))
    at = files[name].index(b"JVBERi0") + 8
    source = files[name][:at] + b"AAAA" + files[name][at + 4 :]
    facts = {"path": "message.eml", "sha256": hashlib.sha256(source).hexdigest(), "size": len(source)}
    return _other_facts(files | {name: source}, source=facts)


FORGERIES: dict[str, Callable[[Files], Files]] = {
    "a source that was edited": _changed_source,
    "a receipt that is gone": _without_receipt,
    "a file that was added": lambda files: files | {"messages/later.txt": b"I was here all the time"},
    "certification data that were edited": lambda files: _relisted(_other_daticert(files)),
    "a source that was edited, with hashes that fit": lambda files: _relisted(_changed_source(files)),
    "a receipt that was edited, with hashes that fit": lambda files: _relisted(
        _in_receipt(files, b"Content-Type: application/xml", b"Content-Type: application/xml ")
    ),
    "another recipient, with hashes that fit": lambda files: _other_facts(files, to="altra@pec.example"),
    "a delivery without a receipt, with hashes that fit": lambda files: _other_facts(
        files, evidence=[], state="delivered"
    ),
    "an attachment that was exchanged, with hashes that fit": _other_attachment,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_change_of_a_dossier_goes_unnoticed(sqlite_home: Installation, forgery: str) -> None:
    with sqlite_home.database.writing() as session:
        message = _sent(session, sqlite_home)
        files = _files(_dossier(session, sqlite_home, Scope("message", message.id)))
    check = check_dossier(_zip(FORGERIES[forgery](files)), anchors_of(sqlite_home))
    assert not check.is_intact


def test_where_nobody_believes_the_authority_the_files_are_good_and_the_receipts_are_not(
    sqlite_home: Installation,
) -> None:
    with sqlite_home.database.writing() as session:
        message = _sent(session, sqlite_home)
        dossier = _dossier(session, sqlite_home, Scope("message", message.id))
    check: DossierCheck = check_dossier(io.BytesIO(dossier), BUILT_IN)
    assert not check.problems
    assert not check.is_intact
    assert {receipt.trust.value for receipt in check.messages[0].receipts} == {"invalid"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04 cut short", "no_zip"),
        (_zip({"letter.txt": b"hello"}).getvalue(), "no_manifest"),
        (
            _zip({"manifest.json": json.dumps({"format": "crm-mail-dossier/9"}).encode()}).getvalue(),
            "other_format",
        ),
        (
            _zip({"manifest.json": json.dumps({"format": "crm-mail-dossier/1"}).encode()}).getvalue(),
            "no_sums",
        ),
        (_zip({"manifest.json": b" " * 60_000_000}).getvalue(), "too_large"),
        (_zip({"manifest.json": b"[" * 100_000}).getvalue(), "no_manifest"),
    ],
    ids=["cut", "no manifest", "other format", "no list", "bomb", "deep"],
)
def test_a_file_that_is_no_dossier_is_refused_with_its_reason(data: bytes, code: str) -> None:
    with pytest.raises(NotADossier) as refused:
        check_dossier(io.BytesIO(data))
    assert refused.value.code == code


def test_a_dossier_of_a_run_leaves_out_what_is_above_the_clearance(sqlite_home: Installation) -> None:
    with sqlite_home.database.writing() as session:
        message = _sent(session, sqlite_home, privacy_level=2)
        scope = Scope("run", message.run_id)
        below = make_actor(clearance=1)
        with pytest.raises(NothingToProve):
            build_dossier(
                session, sqlite_home.store, below, scope, io.BytesIO(), anchors_of(sqlite_home), _NoSummary()
            )
        assert check_dossier(
            io.BytesIO(_dossier(session, sqlite_home, scope)), anchors_of(sqlite_home)
        ).is_intact


@pytest.mark.parametrize(
    ("language", "word"),
    [("it", "Fascicolo di prova"), ("es", "Expediente de prueba"), ("en", "Proof dossier")],
)
def test_the_printed_summary_is_in_the_readers_language(
    sqlite_home: Installation, language: str, word: str
) -> None:
    with sqlite_home.database.writing() as session:
        message = _sent(session, sqlite_home)
        dossier = _dossier(session, sqlite_home, Scope("message", message.id), PrintedSummary(language))
    text = "".join(
        page.extract_text() for page in PdfReader(io.BytesIO(_files(dossier)["summary.pdf"])).pages
    )
    assert word in text
    assert RECIPIENT in text
    assert "fattura 41.pdf" in text
