"""The address of every page that can be opened, with ids that exist in the sample company."""

import re
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, Role
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.outbox.models import Message, MessageFile, Run
from crm_mail.outbox.states import RunState
from crm_mail.users.models import User

FOR_GUESTS = (
    "/login",
    "/login/code",
    "/forgotten-password",
    "/first-administrator",
    "/change-password",
    "/my-account/second-factor/app",
)
"""A signed-in person with a chosen password is led on from these, or they have nothing to show."""
WITHOUT_SAMPLE = {
    "campaigns.show": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.check": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.edit_audience": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.count_audience": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.edit_content": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.preview_saved": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.edit_files": "no mailing in the sample company; walked in tests/campaigns",
    "campaigns.trial_letter": "no mailing in the sample company; walked in tests/campaigns",
    "users.choose_password": "no link was sent; walked in tests/users",
    "users.begin_oidc": "no sign-in provider is set; walked in tests/users",
    "users.finish_oidc": "the same",
    "users.oidc_refused": "the same",
    "users.sign_out_at_provider": "the same",
    "catalogue.show_rows": "a paste of its own, walked in tests/contacts",
    "catalogue.download_refused": "the same",
    "evidence.show_item": "no mail came back yet; walked in tests/evidence",
    "evidence.download_mail": "the same",
    "delivery.finish_sign_in": "the answer of a provider, walked in tests/delivery",
    "documents.download_receipt": "no receipt of the SdI in the sample company",
    "contacts.download_proof": "no consent was proven yet; walked in tests/contacts",
    "schedules.show_schedule": "nothing is scheduled in the sample company; walked in tests/schedules",
    "schedules.show_history": "the same",
    "schedules.edit_schedule": "the same",
    "schedules.edit_special_date": "the same",
    "events.edit_rule": "no rule is set up in the sample company; walked in tests/events",
    "outbox.show_preferences": "a signed token of its own, walked in tests/outbox",
    "outbox.show_download": "no file in it is too large to attach",
    "campaigns.count_segment": "no segment in the sample company; walked in tests/purchases",
    "importers.choose_sales_columns": "an import of its own, walked in tests/purchases",
    "importers.show_sales_report": "the same",
    "receivables.choose_item_columns": "an import of its own, walked in tests/receivables",
    "receivables.preview_items": "the same",
    "suppressions.lift_address": "every address is written to",
    "webhooks.show_endpoint": "no webhook yet; walked in tests/api",
    "webhooks.edit_endpoint": "the same",
    "saved_reports.show_report": "no report is saved yet; walked in tests/reports",
    "saved_reports.show_history": "the same",
    "saved_reports.preview_report": "the same",
    "saved_reports.edit_report": "the same",
    "change_notices.edit_rule": "nobody is told of changes yet; walked in tests/reports",
    "outbox.show_standing": "no authorisation was given; walked in tests/outbox",
    "users.edit_group": "no group in the sample company; walked in tests/users",
    "users.delete_group": "the same",
    "users.copy_rights": "nothing to compare with in the sample company; the same",
    "users.export_rights": "a file; the same",
    "receivables.preview_statement": "the statement of a customer who owes something",
}
FURTHER = (
    "/prepare?step=2",
    "/prepare?step=3",
    "/documents/?q=101",
    "/contacts/?q=ferrari",
    "/contacts/?q=zzzz",
    "/outbox/{run}?state=blocked",
    "/outbox/{run}?open={message}",
    "/outbox/{run}/messages/{message}?tab=proof",
    "/evidence?alarm=open",
    "/schedules/new?of=documents",
    "/events/new?of=fuel.sold",
    "/reports/new?of=documents",
)
"""Other faces of pages: later steps, a search with and without results, an open preview."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values for the variable parts of addresses."""

    values: dict[str, str]

    def path(self, rule: Rule) -> str:
        """The address of a rule."""
        return re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: self.values[found[1]], rule.rule)


def sample(session: Session, state: RunState, token: str) -> Sample:
    """Ids of one run in the state, and of the things of the sample company.

    Args:
        token: an import that waits for its columns.
    """
    run = session.scalars(select(Run).where(Run.state == state).order_by(Run.id)).first()
    assert run is not None
    message = session.scalars(
        select(Message).join(MessageFile).where(Message.run_id == run.id).order_by(Message.id)
    ).first()
    file = session.scalars(select(DocumentFile).join(Document).order_by(DocumentFile.id)).first()
    contact = session.scalars(select(Contact).order_by(Contact.id)).first()
    assert message is not None
    assert file is not None
    assert contact is not None
    return Sample(
        {
            "run_id": str(run.id),
            "message_id": str(message.id),
            "position": "0",
            "document_id": str(file.document_id),
            "file_id": str(file.id),
            "contact_id": str(contact.id),
            "party_id": str(contact.party_id),
            "role_id": str(session.scalar(select(Role.id))),
            "account_id": str(
                session.scalar(select(SenderAccount.id).where(SenderAccount.kind == AccountKind.SMTP))
            ),
            "company_id": str(session.scalar(select(Company.id))),
            "user_id": str(session.scalar(select(User.id))),
            "holder_id": str(session.scalar(select(User.id))),
            "kind": "users",
            "document_type": "invoice",
            "type_name": "invoice",
            "code": "GRAL",
            "name": "invoice",
            "language": "it",
            "token": token,
        }
    )


def paths(app: Flask, at: Sample) -> list[str]:
    """Every address that answers GET, by room."""
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint != "static"
    ]
    found = [
        at.path(rule)
        for rule in rules
        if rule.rule not in FOR_GUESTS
        and not rule.rule.startswith(("/assets", "/api/v1/"))  # the latter are no pages: tests/api
        and rule.endpoint not in WITHOUT_SAMPLE
    ]
    further = [p.format(run=at.values["run_id"], message=at.values["message_id"]) for p in FURTHER]
    return sorted(set(found)) + further
