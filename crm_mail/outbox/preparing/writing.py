"""The rows of a run are written: messages get their ids, everything is inserted in bulk.

Ids are handed out here, under the write transaction's lock, so that the rows that belong together need no look-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from crm_mail.many_rows import insert_ready
from crm_mail.outbox.models import Message
from crm_mail.outbox.preparing.draft_rows import Part, RowMaker
from crm_mail.outbox.preparing.drafts import Draft


@dataclass(slots=True)
class MessageWriter:
    """Writes the parts of one run, and counts what they hold."""

    session: Session
    next_id: int = 0
    count: int = 0
    blocked: int = 0
    warned: int = 0
    types: set[str] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)

    def write(self, part: Part) -> None:
        """Insert a part's rows; its messages get ids where they have none."""
        for table in (part if part.is_numbered else part.numbered(self.take_ids(part.messages))).tables:
            insert_ready(self.session, table)
        self.count += part.messages
        self.blocked += part.blocked
        self.warned += part.warned
        self.types |= part.types
        self.hidden |= part.hidden

    def write_drafts(self, maker: RowMaker, drafts: Sequence[Draft]) -> None:
        """Make the rows of some messages and insert them."""
        self.write(maker.make(drafts, self.take_ids(len(drafts))))

    def take_ids(self, count: int) -> Sequence[int]:
        """Ids for as many messages, each handed out once."""
        if self.session.get_bind().dialect.name == "postgresql":
            query = text("SELECT nextval('messages_id_seq') FROM generate_series(1, :count)")
            return list(self.session.scalars(query, {"count": count}))
        if not self.next_id:
            self.next_id = (self.session.scalar(select(func.max(Message.id))) or 0) + 1
        first = self.next_id
        self.next_id += count
        return range(first, first + count)
