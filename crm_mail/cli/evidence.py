"""``crm-mail evidence``: what is proven of a message or a run, and receipts that were saved by hand."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.cli.frame import Answer, Failure, command, find_actor
from crm_mail.companies.models import Company
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.handing_in import HandedIn, hand_in
from crm_mail.evidence.listing import run_evidence, visible_messages
from crm_mail.evidence.message_evidence import read_evidence
from crm_mail.evidence.timeline_words import headline, stage_words, step_told
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.reviewing.review import find_message, find_run
from crm_mail.permissions import Actor
from crm_mail.web.translating import translator
from crm_mail.words import Translate, english

LANGUAGES = ("en", "it", "es")


@click.group(name="evidence")
def evidence() -> None:
    """What receipts and bounces prove."""


@evidence.command("show")
@click.argument("message", required=False)
@click.option("--run", type=int, help="Counts of a run instead of one message.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="Of the sentences.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def show(
    home: Installation, message: str | None, run: int | None, language: str, email: str | None
) -> Answer:
    """Tell the legal timeline of MESSAGE (its number, or its Message-ID), or what is proven of a run."""
    if (message is None) == (run is None):
        raise Failure("say what to show: a message's number or Message-ID, or --run NUMBER")
    with home.database.read() as session:
        actor = find_actor(session, email)
        if run is not None:
            return _of_run(session, actor, run)
        return _of_message(
            session, actor, message or "", translator(language) if language != "en" else english
        )


def _of_run(session: Session, actor: Actor, number: int) -> Answer:
    run = find_run(session, actor, number)
    if run is None:
        raise Failure(f"there is no run {number}")
    conditions = [Message.run_id == run.id, *visible_messages(session, actor, run.company_id)]
    found = run_evidence(session, run, conditions)
    names = ("accepted", "delivered", "not_certified", "warned", "failed", "silent", "replied")
    return {"run": run.id} | {name: getattr(found, name) for name in names}


def _of_message(session: Session, actor: Actor, named: str, _: Translate) -> Answer:
    message_id = named if not named.isdigit() else None
    id_ = (
        int(named)
        if named.isdigit()
        else session.scalar(select(Message.id).where(Message.message_id == f"<{named.strip('<>')}>"))
    )
    message = find_message(session, actor, id_) if id_ is not None else None
    if message is None:
        raise Failure(f"there is no message {message_id or named}")
    found = read_evidence(session, message)
    zone = ZoneInfo(session.get_one(Company, message.company_id).timezone)
    told = [step_told(step, zone, _) for step in found.steps]
    proof = found.proof
    answer: dict[str, Any] = {
        "message": message.id,
        "message_id": message.message_id or "",
        "to": message.to_address,
        "state": message.state.value,
        "stage": proof.stage.value,
        "stage_words": stage_words(proof.stage, found.story.is_pec, _),
        "summary": headline(proof, message.to_address, found.story.is_pec, zone, _),
        "conflict": proof.conflict.value if proof.conflict else "",
        "alarm": found.story.silence,
        "timeline": [
            {"at": one.at.isoformat() if one.at else None, "text": one.text, "item": one.item_id}
            for one in told
        ],
        "mails": [
            {
                "item": item.id,
                "kind": item.kind.value,
                "receipt_type": item.receipt_type,
                "recipient": item.recipient,
                "trust": item.trust,
                "alarm": item.alarm,
                "sha256": item.sha256,
            }
            for item in found.items
        ],
    }
    return answer


@evidence.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--account", type=int, required=True, help="Number of the account whose mailbox it came to.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def import_(home: Installation, files: tuple[Path, ...], account: int, email: str | None) -> Answer:
    """Take in receipts and bounces that were saved by hand (.eml)."""
    outcomes = []
    for path in files:
        data = path.read_bytes()
        with home.database.write() as session:
            actor = find_actor(session, email)
            found = session.get(SenderAccount, account)
            if found is None:
                raise Failure(f"there is no account {account}")
            outcome = hand_in(session, home, actor, found, path.name, data)
            item = outcome.item
            outcomes.append(
                {
                    "file": path.name,
                    "result": outcome.result.value,
                    "item": item.id if item else None,
                    "message": item.message_id if item else None,
                    "alarm": item.alarm if item else "",
                }
            )
    return {"taken": sum(one["result"] == HandedIn.TAKEN for one in outcomes), "files": outcomes}


COMMANDS = {"evidence": evidence}
