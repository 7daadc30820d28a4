"""Parts of a run, worked out from documents to rows: read, assembled, packed, filled in. Nothing is written here.

A part is independent of every other: its documents are those of whole parties, and none of its rows knows another
part's. So two processes can work at one run (`side_by_side`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.documents.context_fields import company_fields
from crm_mail.installation import Installation
from crm_mail.outbox.consent_gate import purposes_of, read_consents
from crm_mail.outbox.links.unsubscribe_links import UnsubscribeLinks
from crm_mail.outbox.preparing.assembly import Draft, Rules, ask_nobody, assemble_party
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.draft_rows import Part, RowMaker
from crm_mail.outbox.preparing.gathering import read_batch
from crm_mail.outbox.preparing.leaving_out import refused_row, sent_row, unpackaged_row
from crm_mail.outbox.preparing.packing import FilePacker
from crm_mail.outbox.preparing.rules import load_rules, load_run_texts
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class Task:
    """What the parts of a run are worked out for; picklable.

    Args:
        criteria: with the document types that the actor may prepare and the company sends.
    """

    run_id: int
    criteria: Criteria
    actor: Actor


TakeIds = Callable[[int], Sequence[int]]
"""Gives as many messages their ids."""


@dataclass(frozen=True, slots=True)
class PartMaker:
    """Works out parts of one run."""

    session: Session
    task: Task
    company: Company
    rules: Rules
    packer: FilePacker
    rows: RowMaker

    @classmethod
    def of(
        cls, session: Session, task: Task, has_file: Callable[[str], bool], home: Installation | None
    ) -> Self:
        """Read what holds for the whole run.

        Args:
            has_file: whether a stored file is there.
            home: keeps the files that a packaging makes; None: files are only renamed.
        """
        company = session.get_one(Company, task.criteria.company_id)
        rules = load_rules(session, company, task.criteria, task.actor)
        rows = RowMaker(
            task.run_id,
            company.id,
            session.connection().dialect,
            load_run_texts(session, company, task.actor),
            has_file,
            rules.max_bytes,
            UnsubscribeLinks.of(home) if home else None,
        )
        packer = FilePacker(session, home, company_fields(company), rules.max_bytes)
        return cls(session, task, company, rules, packer, rows)

    @property
    def is_divisible(self) -> bool:
        """Whether messages can be made before they have their ids: a link to unsubscribe names its message."""
        return not purposes_of(self.rules)

    def make(self, document_ids: Sequence[int], take_ids: TakeIds | None = None) -> Part:
        """The messages of these documents, and what becomes of those that nobody receives.

        Args:
            document_ids: all that are due of their parties (`gathering.due_batches`).
            take_ids: None: the messages are numbered from 0.
        """
        run_id = self.task.run_id
        batch = read_batch(self.session, self.task.criteria, self.task.actor.sight, document_ids)
        purposes = purposes_of(self.rules)
        ask = read_consents(self.session, self.company, batch, purposes).ask if purposes else ask_nobody
        drafts: list[Draft] = []
        left_out: list[dict[str, Any]] = []
        for party_id, documents in batch.documents.items():
            party = assemble_party(
                batch.parties[party_id],
                documents,
                batch.contacts.get(party_id, ()),
                frozenset(batch.hidden_types.get(party_id, ())),
                self.rules,
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
