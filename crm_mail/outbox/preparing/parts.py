"""Parts of a run, worked out from documents to rows: read, assembled, packed, filled in. Nothing is written here.

A part is independent of every other: its documents are those of whole parties, and none of its rows knows another
part's. So two processes can work at one run (`side_by_side`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.outbox.consent_gate import purposes_of, read_consents
from crm_mail.outbox.links.unsubscribe_links import UnsubscribeLinks
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.assembly import AskConsent, ask_nobody, assemble_party
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.draft_rows import Part, RowMaker
from crm_mail.outbox.preparing.drafts import Draft
from crm_mail.outbox.preparing.due import due_documents
from crm_mail.outbox.preparing.facts import Rules
from crm_mail.outbox.preparing.filling import RunTexts
from crm_mail.outbox.preparing.gathering import read_batch
from crm_mail.outbox.preparing.leaving_out import refused_row, sent_row, unpackaged_row
from crm_mail.outbox.preparing.packing import FilePacker
from crm_mail.outbox.preparing.rules import load_rules, load_run_texts
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class Task:
    """What all parts of a run are worked out with, read once; picklable, so that they follow the same rules.

    Args:
        criteria: with the document types that the actor may prepare and the company sends.
    """

    run_id: int
    criteria: Criteria
    actor: Actor
    rules: Rules
    texts: RunTexts

    @classmethod
    def of(cls, session: Session, run: Run, company: Company, criteria: Criteria, actor: Actor) -> Self:
        """Read the company's rules and texts."""
        rules = load_rules(session, company, criteria, actor)
        return cls(run.id, criteria, actor, rules, load_run_texts(session, company, actor))


TakeIds = Callable[[int], Sequence[int]]
"""Gives as many messages their ids."""


@dataclass(frozen=True, slots=True)
class PartMaker:
    """Works out parts of one run."""

    session: Session
    task: Task
    packer: FilePacker
    rows: RowMaker

    @classmethod
    def of(
        cls, session: Session, task: Task, has_file: Callable[[str], bool], home: Installation | None
    ) -> Self:
        """Make ready.

        Args:
            has_file: whether a stored file is there.
            home: keeps the files that a packaging makes; None: files are only renamed.
        """
        largest = task.rules.max_bytes
        rows = RowMaker(
            task.run_id,
            task.criteria.company_id,
            session.connection().dialect,
            task.texts,
            has_file,
            largest,
            UnsubscribeLinks.of(home) if home else None,
        )
        return cls(session, task, FilePacker(session, home, task.texts.shared.company, largest), rows)

    def divisible_criteria(self) -> Criteria | None:
        """The run's criteria when its messages can be made before they have their ids, else None.

        A link to unsubscribe names its message; types whose messages carry one are left out when none of them is due.
        """
        criteria, policies = self.task.criteria, self.task.rules.policies
        asking = tuple(type_ for type_, policy in policies.items() if policy.purpose)
        if not asking:
            return criteria
        due = due_documents(replace(criteria, document_types=asking), self.task.actor.sight)
        if self.session.scalar(due.limit(1)) is not None:
            return None
        others = tuple(type_ for type_ in criteria.document_types if type_ not in asking)
        return replace(criteria, document_types=others)

    def make(self, document_ids: Sequence[int], take_ids: TakeIds | None = None) -> Part:
        """The messages of these documents, and what becomes of those that nobody receives.

        Args:
            document_ids: all that are due of their parties (`due.due_batches`).
            take_ids: None: the messages are numbered from 0.
        """
        run_id = self.task.run_id
        criteria, rules = self.task.criteria, self.task.rules
        batch = read_batch(self.session, criteria, self.task.actor.sight, document_ids)
        ask: AskConsent = ask_nobody
        if purposes := purposes_of(rules):
            company = self.session.get_one(Company, criteria.company_id)
            ask = read_consents(self.session, company, batch, purposes).ask
        drafts: list[Draft] = []
        left_out: list[dict[str, Any]] = []
        for party_id, documents in batch.documents.items():
            party = assemble_party(
                batch.parties[party_id],
                documents,
                batch.contacts.get(party_id, ()),
                frozenset(batch.hidden_types.get(party_id, ())),
                rules,
                batch.sent_before,
                ask,
            )
            drafts += party.drafts
            left_out += [sent_row(run_id, party_id, *found) for found in party.already_sent]
            left_out += [unpackaged_row(run_id, party_id, document) for document in party.not_packaged]
            left_out += [refused_row(run_id, party_id, *found) for found in party.refused]
        self.packer.pack(drafts)
        ids = take_ids(len(drafts)) if take_ids else None
        return self.rows.make(drafts, ids, left_out, batch.hidden_contacts)
