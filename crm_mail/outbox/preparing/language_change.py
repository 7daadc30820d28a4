"""Send messages in another language: their texts are made again from the company's text in that language (IT-12).

Rows in which a person wrote are left as they are and counted. What each row said before is kept as an earlier
version, so that undoing gives it back to the letter.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message, MessageContent, MessageRevision, ReviewAction, Run
from crm_mail.outbox.preparing.refilling import (
    AT_ONCE,
    Refill,
    TextFiller,
    documents_of,
    is_by_hand,
    keep_revisions,
    refresh_search_keys,
    replace_text_issues,
    text_issues,
    write_texts,
)
from crm_mail.outbox.reviewing.review import Chosen, require_open, write_events
from crm_mail.outbox.reviewing.review_changes import as_ranges, keep_action
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

KIND = "language_changed"


class LanguageUnknown(Exception):
    """There are no texts in this language: choose one of the list."""

    def __init__(self) -> None:
        super().__init__("there are no texts in this language: choose one of the list")


def in_other_language(language: str) -> list[ColumnElement[bool]]:
    """Rows that are open and not in this language yet, whoever wrote their text."""
    return [Message.state == MessageState.PENDING, Message.language != language]


def change_language(
    session: Session, actor: Actor, run: Run, chosen: Chosen, language: str
) -> ReviewAction | None:
    """Write the chosen rows anew in a language.

    Raises:
        PermissionDenied, RunNotOpen, LanguageUnknown
    """
    if language not in TEXT_LANGUAGES:
        raise LanguageUnknown
    require_open(session, actor, run)
    meant = [*chosen.conditions(run, actor), *in_other_language(language)]
    by_hand = session.scalar(select(func.count()).select_from(Message).where(*meant, is_by_hand())) or 0
    query = select(Message.id, Message.language).where(*meant, ~is_by_hand()).order_by(Message.id)
    rows = [(id_, before) for id_, before in session.execute(query)]
    if not rows:
        return None
    at, filler = now(), TextFiller.of(session, actor, run)
    before = []
    for part in chunks(rows, AT_ONCE):
        ids = [id_ for id_, _language in part]
        issues = text_issues(session, ids)
        before += [(id_, [old, issues[id_]]) for id_, old in part]
        _rewrite(session, actor, filler, ids, language, at)
    session.expire_all()
    detail = {"language": language, "by_hand": by_hand}
    return keep_action(session, actor, run, KIND, len(rows), detail, as_ranges(before), at)


def _rewrite(
    session: Session, actor: Actor, filler: TextFiller, ids: Sequence[int], language: str, at: Any
) -> None:
    keep_revisions(session, actor, ids, at)
    documents = documents_of(session, ids)
    messages = session.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.id))
    rows = [Refill(message, language, documents[message.id]) for message in messages]
    write_texts(session, rows, filler.fill(rows))
    write_events(session, [Message.id.in_(ids)], KIND, actor, {"language": language})
    session.expire_all()


def undo_language(session: Session, actor: Actor, run: Run, action: ReviewAction) -> int:
    """Give rows their old text and language back; rows whose text changed again since are left alone. How many."""
    groups: dict[str, list[int]] = defaultdict(list)
    for first, last, value in action.before:
        groups[json.dumps(value)] += range(first, last + 1)
    count = 0
    for value, ids in groups.items():
        language, issues = json.loads(value)
        for part in chunks(ids):
            count += _give_back(session, actor, run, action, part, language, issues)
    return count


def _give_back(
    session: Session,
    actor: Actor,
    run: Run,
    action: ReviewAction,
    part: Sequence[int],
    language: str,
    issues: list[tuple[str, dict[str, Any]]],
) -> int:
    kept = [
        MessageRevision.message_id == Message.id,
        MessageRevision.revision == Message.revision - 1,
        MessageRevision.replaced_at == action.at,
    ]
    still = [
        Message.run_id == run.id,
        messages_in_sight(actor.sight),
        Message.state == MessageState.PENDING,
        Message.language == action.detail["language"],
        Message.id.in_(part),
        exists().where(*kept),
    ]
    ids = list(session.scalars(select(Message.id).where(*still)))
    if not ids:
        return 0
    write_events(session, [Message.id.in_(ids)], KIND, actor, {"language": language, "undone": True})
    of_content = [
        MessageRevision.message_id == MessageContent.message_id,
        MessageRevision.replaced_at == action.at,
    ]
    contents = {
        name: select(getattr(MessageRevision, name)).where(*of_content).scalar_subquery()
        for name in ("body_text", "body_html")
    }
    connection = session.connection()
    connection.execute(update(MessageContent).where(MessageContent.message_id.in_(ids)).values(**contents))
    subject = select(MessageRevision.subject).where(*kept).correlate(Message).scalar_subquery()
    connection.execute(
        update(Message)
        .where(Message.id.in_(ids))
        .values(subject=subject, language=language, revision=Message.revision + 1)
    )
    refresh_search_keys(session, ids)
    replace_text_issues(session, run.id, dict.fromkeys(ids, issues))
    return len(ids)
