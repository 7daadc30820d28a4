"""What the Proof tab of a message, and the page of one received mail, show."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.evidence.alarm_words import alarm_words
from crm_mail.evidence.item_words import kind_words, receipt_words
from crm_mail.evidence.listing import proofs_of
from crm_mail.evidence.message_evidence import read_evidence
from crm_mail.evidence.models import MailItem
from crm_mail.evidence.proof import Stage
from crm_mail.evidence.resolving import what_is_known
from crm_mail.evidence.timeline import TONE_OF_STAGE
from crm_mail.evidence.timeline_words import conflict_words, failure_words, headline, stage_words, step_told
from crm_mail.evidence.verification_words import step_title, step_words, trust_words
from crm_mail.outbox.models import Message
from crm_mail.permissions import Permission, signed_in_actor
from crm_mail.users.models import User
from crm_mail.web.door import db


def gettext(message: str) -> str:
    """A message in the page's language, as the pure files want it."""
    return str(_(message))


def proof_context(message: Message) -> dict[str, Any]:
    """Everything that the Proof tab needs."""
    company = db().get_one(Company, message.company_id)
    zone = ZoneInfo(company.timezone)
    found = read_evidence(db(), message)
    row, story, stage = found.row, found.story, found.proof.stage
    steps = [step_told(one, zone, gettext) for one in found.steps]
    return {
        "headline": headline(found.proof, message.to_address, story.is_pec, zone, gettext),
        "stage": stage_words(stage, story.is_pec, gettext),
        "tone": TONE_OF_STAGE[stage],
        "zone": company.timezone,
        "steps": steps,
        "items": [shown_item(one) for one in found.items],
        "conflict": conflict_words(row.conflict, gettext) if row else "",
        "silence": alarm_words(row.alarm, gettext) if row and row.alarm else None,
        "proof": row,
        "known": what_is_known(db(), message) if story.is_uncertain else None,
        "may_settle": may_settle(message, message.company_id),
        "settled_by": user_name(row.alarm_settled_by) if row else "",
    }


def may_settle(message: Message | None, company_id: int) -> bool:
    """Whether the signed-in person may settle an alarm about the message (None: about no message of ours)."""
    actor = signed_in_actor()
    if message is None:
        return actor.can(Permission.ACCOUNTS_MANAGE, company_id)
    types: list[str | None] = [*message.document_types.split()] or [None]
    return all(actor.can(Permission.OUTBOX_COMMIT, message.company_id, type_) for type_ in types)


def user_name(user_id: int | None) -> str:
    """What a user is called; empty for nobody."""
    user = db().get(User, user_id) if user_id else None
    return user.name if user else ""


def shown_item(item: MailItem) -> dict[str, Any]:
    """A received mail in words: what it is, whether it is believed and why, what it says."""
    facts = item.facts or {}
    is_checked = bool(item.trust)
    why, remedy = (
        failure_words(item.reason, item.status, gettext) if item.reason and not item.alarm else ("", "")
    )
    return {
        "item": item,
        "at": item.occurred_at or item.taken_at,
        "title": receipt_words(item.receipt_type, bool(facts.get("is_final")), gettext)
        if item.receipt_type
        else kind_words(item.kind, gettext),
        "trust": trust_words(item.trust, gettext) if is_checked else None,
        "is_trusted": item.trust in ("valid", "weak"),
        "steps": [
            (
                step_title(str(one["name"]), gettext),
                one["is_ok"],
                step_words(str(one["code"]), one.get("detail") or {}, gettext),
            )
            for one in item.verification or ()
        ],
        "alarm": alarm_words(item.alarm, gettext) if item.alarm else None,
        "why": why,
        "remedy": remedy,
        "url": url_for("evidence.show_item", item_id=item.id),
        "mail_url": url_for("evidence.download_mail", item_id=item.id),
    }


def stage_badges(message_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Word and tone of what is proven of messages, for the small badges of lists; only where anything is known."""
    return {
        id_: (stage_words(proof.stage, True, gettext), TONE_OF_STAGE[proof.stage])
        for id_, proof in proofs_of(db(), message_ids).items()
        if proof.stage not in (Stage.NOTHING, Stage.LEFT)
    }
