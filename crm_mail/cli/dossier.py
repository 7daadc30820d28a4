"""``crm-mail dossier``: prove what was sent, and check such a proof again years later on any machine."""

import os
from pathlib import Path
from typing import Any

import click

from crm_mail.cli.frame import Answer, Failure, Interrupted, command, find_actor
from crm_mail.delivery.pec.trust_anchors import AnchorUnreadable, read_anchors
from crm_mail.evidence.anchors import anchors_folder, anchors_of
from crm_mail.evidence.dossiers.building import Built, build_dossier
from crm_mail.evidence.dossiers.checking import check_dossier
from crm_mail.evidence.dossiers.findings import DossierCheck, NotADossier
from crm_mail.evidence.dossiers.layout import Scope
from crm_mail.evidence.dossiers.summary import PrintedSummary
from crm_mail.evidence.dossiers.words import (
    problem_words,
    receipt_words,
    refusal_words,
    verdict_words,
)
from crm_mail.installation import Installation
from crm_mail.web.translating import translator

LANGUAGES = ("it", "es", "en")


@click.group(name="dossier")
def dossier() -> None:
    """Proof dossiers: what was sent, the receipts, and their signatures."""


@dossier.command("build")
@click.option("--message", type=int, help="Number of a message (run show tells it).")
@click.option("--document", type=int, help="Number of a document: every message that carried it.")
@click.option("--run", type=int, help="Number of a run: every message that left.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: dossier-….zip here.")
@click.option("--language", type=click.Choice(LANGUAGES), default="it", help="Of the printed summary.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def build(
    home: Installation,
    message: int | None,
    document: int | None,
    run: int | None,
    out: Path | None,
    language: str,
    email: str | None,
) -> Answer:
    """Write the dossier of a message, a document or a run as a ZIP."""
    chosen = {"message": message, "document": document, "run": run}
    given = [Scope(kind, id_) for kind, id_ in chosen.items() if id_ is not None]
    if len(given) != 1:
        raise Failure("say what to prove: exactly one of --message, --document and --run")
    target = out or Path(f"dossier-{given[0].kind}-{given[0].id}.zip")
    partial = target.with_name(target.name + ".part")
    try:
        with home.database.write() as session, partial.open("wb") as file:
            actor = find_actor(session, email)
            summary = PrintedSummary(language)
            built = build_dossier(session, home.store, actor, given[0], file, anchors_of(home), summary)
        os.replace(partial, target)
    except AnchorUnreadable as problem:
        raise Failure(f"{anchors_folder(home)}: {problem}") from None
    finally:
        partial.unlink(missing_ok=True)
    return _built(built, target, summary.problem)


def _built(built: Built, target: Path, problem: str) -> Answer:
    answer: dict[str, Any] = {
        "file": str(target),
        "messages": built.messages,
        "receipts": built.receipts,
        "untrusted_receipts": built.untrusted,
        "without_source": built.without_source,
        "sha256": built.sha256,
    }
    return answer | ({"summary": problem} if problem else {})


@dossier.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--anchors",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with certificates of more authorities to trust.",
)
@command(needs_schema=False)
def verify(home: Installation, file: Path, anchors: Path | None) -> Answer:
    """Check a dossier again, offline: hashes, signatures, and what the receipts prove."""
    words = translator("en")
    try:
        trusted = read_anchors(anchors) if anchors else anchors_of(home)
        check = check_dossier(file, trusted)
    except NotADossier as problem:
        raise Failure(f"{file}: {refusal_words(problem, words)}") from None
    except AnchorUnreadable as problem:
        raise Failure(str(problem)) from None
    if not check.is_intact:
        raise Interrupted(_answer(check)) from Failure(verdict_words(check, words))
    return _answer(check)


def _answer(check: DossierCheck) -> Answer:
    words = translator("en")
    return {
        "verdict": verdict_words(check, words),
        "is_intact": check.is_intact,
        "company": check.company,
        "scope": check.scope,
        "created_at": check.created_at,
        "sha256": check.sha256,
        "files": check.files,
        "problems": [{"path": p.path, "problem": problem_words(p, words)} for p in check.problems],
        "messages": [
            {
                "folder": message.folder,
                "message_id": message.message_id,
                "to": message.to,
                "state": message.state,
                "is_good": message.is_good,
            }
            for message in check.messages
        ],
        "receipts": [
            {
                "path": receipt.path,
                "type": receipt.type,
                "recipient": receipt.recipient,
                "occurred_at": receipt.occurred_at,
                "trust": receipt.trust.value,
                "is_good": receipt.is_good,
                "words": receipt_words(receipt, words),
                "content": [f"{one['name']}: {one['match']}" for one in receipt.content],
                "is_content_proven": receipt.is_content_proven,
            }
            for message in check.messages
            for receipt in message.receipts
        ],
    }


COMMANDS = {"dossier": dossier}
