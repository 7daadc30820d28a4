"""Which PDFs are drawn again after a change of the look: those that belong to no message (IT-19)."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.delivery.routing import Channel
from crm_mail.documents.models import DocumentFile
from crm_mail.outbox.models import Message, MessageDocument, Run
from crm_mail.outbox.preparing.redrawing import count_redrawable, draw_again
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor, PermissionDenied
from tests.factories import make_actor, make_company, make_document, make_party, outbox_grants


def test_only_what_was_drawn_and_belongs_to_no_message_is_drawn_again(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    party = make_party(session, company)
    run = Run(company_id=company.id, title="Run")
    session.add(run)
    session.flush()

    def drawn(state: MessageState | None = None, is_rendered: bool = True) -> int:
        document = make_document(session, party)
        document.files[0].is_rendered = is_rendered
        if state is not None:
            message = Message(
                run_id=run.id,
                company_id=company.id,
                party_id=party.id,
                state=state,
                party_code=party.code,
                party_name=party.name,
                language="it",
                channel=Channel.SMTP,
            )
            session.add(message)
            session.flush()
            session.add(MessageDocument(message_id=message.id, document_id=document.id))
        return document.files[0].id

    gone = {drawn(), drawn(MessageState.CANCELLED)}
    kept = {drawn(state) for state in MessageState if state is not MessageState.CANCELLED}
    kept |= {drawn(is_rendered=False)}
    session.flush()
    assert count_redrawable(session, other.id) == 0
    with pytest.raises(PermissionDenied):
        draw_again(session, Actor(None, "Clerk", grants=outbox_grants()), company.id)
    assert draw_again(session, make_actor(), company.id) == len(gone)
    assert set(session.scalars(select(DocumentFile.id))) == kept
