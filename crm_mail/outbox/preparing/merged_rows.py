"""Write merged rows: documents, files, issues and text go to the row that takes over, and back.

Kept on the row that takes over, ``why["merged"]``: ``revision`` it had afterwards, ``privacy_level`` and
``last_sent_at`` it had before, and for each row that came (``rows``) the ids of its documents and issues.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, selectinload

from crm_mail.many_rows import chunks
from crm_mail.outbox.models import (
    Message,
    MessageDocument,
    MessageEvent,
    MessageFile,
    MessageIssue,
    MessageRevision,
    Run,
)
from crm_mail.outbox.preparing.draft_rows import FIRST_DOCUMENTS
from crm_mail.outbox.preparing.facts import DocumentFacts
from crm_mail.outbox.preparing.refilling import (
    TEXT_ISSUES,
    Refill,
    TextFiller,
    documents_of,
    keep_revisions,
    write_texts,
)
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import refresh_counts
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

MERGED, INTO = "merged", "merged_into"


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges rows of one run and takes them apart."""

    session: Session
    actor: Actor
    run: Run
    filler: TextFiller

    @classmethod
    def of(cls, session: Session, actor: Actor, run: Run) -> "Merger":
        """Read the company's texts once."""
        return cls(session, actor, run, TextFiller.of(session, actor, run))

    def merge(self, groups: Sequence[Sequence[int]]) -> None:
        """Have the first row of each group take the others over."""
        ids = [id_ for group in groups for id_ in group]
        messages = self._load(ids)
        documents = documents_of(self.session, ids)
        keep_revisions(self.session, self.actor, [group[0] for group in groups])
        for first, *others in groups:
            target = messages[first]
            self._begin(target)
            for id_ in others:
                self._take_over(target, messages[id_], documents)
            self._tell(target, "merged_here", rows=others)
            self._summarise(target, documents[first])
        self._write(messages, documents, [group[0] for group in groups])

    def take_apart(self, ids: Sequence[int]) -> int:
        """Give rows back what they brought into others; how many."""
        by_target: dict[int, list[int]] = defaultdict(list)
        for part in chunks(ids):
            rows = self.session.execute(select(Message.id, Message.why).where(Message.id.in_(part)))
            for id_, why in rows:
                by_target[int(why.get(INTO) or 0)].append(id_)
        for targets in chunks(sorted(by_target), 200):
            self._take_apart({target: by_target[target] for target in targets})
        return len(ids)

    def _load(self, ids: Sequence[int]) -> dict[int, Message]:
        query = select(Message).where(Message.id.in_(ids)).execution_options(populate_existing=True)
        rows = self.session.scalars(query.options(selectinload(Message.files), selectinload(Message.issues)))
        return {message.id: message for message in rows}

    def _begin(self, target: Message) -> None:
        sent = target.last_sent_at.isoformat() if target.last_sent_at else None
        kept = target.why.get(MERGED) or {
            "privacy_level": target.privacy_level,
            "last_sent_at": sent,
            "rows": {},
        }
        target.why = target.why | {MERGED: {**kept, "revision": target.revision + 1}}

    def _take_over(self, target: Message, source: Message, documents: dict[int, list[DocumentFacts]]) -> None:
        own = {document.id for document in documents[target.id]}
        fresh = [document for document in documents[source.id] if document.id not in own]
        ids = [document.id for document in fresh]
        place = len(documents[target.id])
        self.session.add_all(
            MessageDocument(message_id=target.id, document_id=id_, position=place + number)
            for number, id_ in enumerate(ids)
        )
        documents[target.id] += fresh
        last = max((file.position for file in target.files), default=-1)
        archived = bool(ids) and "archived" in source.why  # one file for all its documents
        wanted = [file for file in source.files if archived or file.document_id in ids]
        target.files += [_copy(file, last + number) for number, file in enumerate(wanted, start=1)]
        issues = self._issues(target, source)
        rows = {**target.why[MERGED]["rows"], str(source.id): {"documents": ids, "issues": issues}}
        target.why = target.why | {MERGED: {**target.why[MERGED], "rows": rows}}
        target.privacy_level = max(target.privacy_level, source.privacy_level)
        if source.last_sent_at and (target.last_sent_at is None or source.last_sent_at > target.last_sent_at):
            target.last_sent_at = source.last_sent_at
        source.state, source.withheld_reason = MessageState.WITHHELD, WithheldReason.MERGED.value
        source.why = source.why | {INTO: target.id}
        source.revision += 1
        self._tell(source, MERGED, rows=[target.id])

    def _issues(self, target: Message, source: Message) -> list[int]:
        """Take over what a person should look at; what stands against the text is asked of the new text."""
        known = {(issue.code, str(issue.params)) for issue in target.issues}
        fresh = [
            MessageIssue(run_id=self.run.id, code=one.code, is_blocker=one.is_blocker, params=one.params)
            for one in source.issues
            if one.code not in TEXT_ISSUES and (one.code, str(one.params)) not in known
        ]
        target.issues += fresh
        self.session.flush()
        return [issue.id for issue in fresh]

    def _take_apart(self, by_target: dict[int, list[int]]) -> None:
        targets = self._load(list(by_target))
        sources = self._load([id_ for ids in by_target.values() for id_ in ids])
        for source in sources.values():
            source.state, source.withheld_reason = MessageState.PENDING, ""
            source.why = {name: value for name, value in source.why.items() if name != INTO}
            source.revision += 1
            self._tell(source, "taken_apart")
        written = set(self._written_since(targets.values()))
        if targets:
            keep_revisions(self.session, self.actor, list(targets))
        for id_, target in targets.items():
            self._give_back(target, by_target[id_])
            self._tell(target, "taken_apart", rows=by_target[id_])
        self.session.flush()
        documents = documents_of(self.session, list(targets))
        for id_, target in targets.items():
            self._summarise(target, documents[id_])
            if id_ in written:  # the person's text stays; it must be looked at again
                target.revision += 1
                target.is_approved = False
        self._write(targets, documents, [id_ for id_ in targets if id_ not in written])

    def _written_since(self, targets: Any) -> list[int]:
        """Rows in which a person wrote after they took others over."""
        return [
            target.id
            for target in targets
            if target.is_edited
            and self.session.scalar(
                select(
                    exists().where(
                        MessageRevision.message_id == target.id,
                        MessageRevision.revision >= target.why.get(MERGED, {}).get("revision", 0),
                    )
                )
            )
        ]

    def _give_back(self, target: Message, ids: Sequence[int]) -> None:
        kept = target.why.get(MERGED) or {"rows": {}}
        gone = [kept["rows"][str(id_)] for id_ in ids if str(id_) in kept["rows"]]
        documents = {id_ for one in gone for id_ in one["documents"]}
        issues = {id_ for one in gone for id_ in one["issues"]}
        own = MessageDocument.message_id == target.id
        self.session.execute(
            delete(MessageDocument).where(own, MessageDocument.document_id.in_(documents)),
            execution_options={"synchronize_session": False},
        )
        target.files = [file for file in target.files if file.document_id not in documents]
        target.issues = [issue for issue in target.issues if issue.id not in issues]
        rows = {id_: one for id_, one in kept["rows"].items() if int(id_) not in ids}
        rest = {name: value for name, value in target.why.items() if name != MERGED}
        target.why = rest | (
            {MERGED: {**kept, "rows": rows, "revision": target.revision + 1}} if rows else {}
        )
        if not rows and "privacy_level" in kept:
            target.privacy_level = kept["privacy_level"]
            sent = kept["last_sent_at"]
            target.last_sent_at = datetime.fromisoformat(sent) if sent else None

    def _summarise(self, target: Message, documents: Sequence[DocumentFacts]) -> None:
        """What the list shows of a row that has other documents now."""
        types = list(dict.fromkeys(document.type for document in documents))
        target.document_types = " ".join(types)
        target.first_documents = [[one.type, one.number] for one in documents[:FIRST_DOCUMENTS]]
        target.document_count = len(documents)
        target.file_count, target.size = len(target.files), sum(file.size for file in target.files)
        target.why = target.why | {"types": types}
        refresh_counts(target)

    def _write(
        self, messages: dict[int, Message], documents: dict[int, list[DocumentFacts]], ids: Sequence[int]
    ) -> None:
        self.session.flush()
        if ids:
            rows = [Refill(messages[id_], messages[id_].language, documents[id_]) for id_ in ids]
            write_texts(self.session, rows, self.filler.fill(rows))
        self.session.expire_all()

    def _tell(self, message: Message, kind: str, **detail: Any) -> None:
        event = MessageEvent(message_id=message.id, kind=kind, actor_name=self.actor.name, detail=detail)
        self.session.add(event)


def _copy(file: MessageFile, position: int) -> MessageFile:
    return MessageFile(
        position=position,
        document_id=file.document_id,
        name=file.name,
        mime=file.mime,
        sha256=file.sha256,
        size=file.size,
    )
