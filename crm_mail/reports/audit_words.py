"""Audit actions in words, in the language of the page; an action without words is shown by its code."""

from flask_babel import gettext as _

from crm_mail.document_types import OWN_PREFIX, DocumentType
from crm_mail.web.type_names import type_name


def _words() -> dict[str, str]:
    return {
        "users.login.succeeded": _("Signed in"),
        "users.login.failed": _("Sign-in failed"),
        "users.logout.succeeded": _("Signed out"),
        "users.user.created": _("User added"),
        "users.user.updated": _("User changed"),
        "users.user.activated": _("User activated"),
        "users.user.deactivated": _("User deactivated"),
        "users.grants.changed": _("Rights changed"),
        "users.password.changed": _("Password changed"),
        "users.password.reset": _("One-time password given"),
        "users.session.revoked": _("Browser signed out"),
        "companies.company.added": _("Company added"),
        "companies.company.changed": _("Company changed"),
        "companies.logo.changed": _("Logo changed"),
        "companies.packaging.added": _("Packaging added"),
        "companies.packaging.changed": _("Packaging changed"),
        "companies.packaging.removed": _("Packaging removed"),
        "companies.packaging.till": _("Packaging of customers born at the till changed"),
        "companies.policy.changed": _("Rule of a document type changed"),
        "companies.type.added": _("Document type added"),
        "companies.type.changed": _("Document type changed"),
        "contacts.party.created": _("Party added"),
        "contacts.party.updated": _("Party changed"),
        "contacts.party.blocked": _("Party blocked"),
        "contacts.party.unblocked": _("Party unblocked"),
        "contacts.contact.created": _("Contact added"),
        "contacts.contact.updated": _("Contact changed"),
        "contacts.contact.deactivated": _("Contact deactivated"),
        "contacts.contact.deleted": _("Contact deleted"),
        "contacts.subscriptions.changed": _("Subscriptions changed"),
        "contacts.suggestion.confirmed": _("Suggested address confirmed"),
        "contacts.suggestion.dismissed": _("Suggested address dismissed"),
        "contacts.role.added": _("Role added"),
        "contacts.role.renamed": _("Role renamed"),
        "contacts.role.removed": _("Role removed"),
        "contacts.levels.named": _("Privacy levels named"),
        "documents.document.received": _("Document received"),
        "documents.document.replaced": _("New version of a document"),
        "documents.document.voided": _("Document voided"),
        "documents.document.mailable": _("Document may be mailed"),
        "documents.document.not_mailable": _("Document not to be mailed"),
        "documents.text.saved": _("Text saved"),
        "documents.text.restored": _("Built-in text restored"),
        "delivery.account.added": _("Sender account added"),
        "delivery.account.changed": _("Sender account changed"),
        "delivery.account.enabled": _("Sender account enabled"),
        "delivery.account.disabled": _("Sender account disabled"),
        "delivery.account.stopped": _("Sender account stopped"),
        "delivery.account.restarted": _("Sender account started again"),
        "delivery.account.made_default": _("Sender account made the usual one"),
        "delivery.account.deleted": _("Sender account deleted"),
        "delivery.account.tried": _("Sender account tried"),
        "outbox.run.created": _("Run begun"),
        "outbox.run.prepared": _("Run prepared"),
        "outbox.run.approval_asked": _("Second person asked to approve"),
        "outbox.run.committed": _("Run committed"),
        "outbox.run.commit_undone": _("Commit called back"),
        "outbox.run.started": _("Sending started"),
        "outbox.message.edited": _("Message edited"),
        "outbox.run.prepare_failed": _("Preparing a run failed"),
        "outbox.run.paused": _("Run paused"),
        "outbox.run.resumed": _("Run resumed"),
        "outbox.run.cancelled": _("Run cancelled"),
        "outbox.run.retried": _("Failures retried"),
        "outbox.run.finished": _("Run finished"),
        "outbox.messages.excluded": _("Messages excluded"),
        "outbox.messages.included": _("Messages included"),
        "outbox.messages.account_changed": _("Account of messages changed"),
        "outbox.messages.approved": _("Messages approved"),
        "outbox.messages.approval_withdrawn": _("Approval of messages withdrawn"),
        "importers.contacts.imported": _("Contacts imported"),
        "importers.documents.imported": _("Documents imported"),
        "receivables.ledger.imported": _("Open items or movements imported"),
        "receivables.statements.made": _("Account statements made"),
        "receivables.letters.made": _("Reminders made"),
        "receivables.settings.changed": _("Settings of statements and reminders changed"),
        "receivables.source.saved": _("Database source saved"),
        "receivables.source.deleted": _("Database source deleted"),
        "outbox.messages.checked": _("Messages checked again"),
        "outbox.messages.language_changed": _("Language of messages changed"),
        "outbox.messages.merged": _("Messages merged"),
        "outbox.messages.taken_apart": _("Merged messages taken apart"),
        "outbox.messages.exported": _("Messages downloaded as a file"),
        "outbox.messages.undone": _("Change of messages undone"),
        "outbox.message.resolved": _("Uncertain message resolved"),
        "outbox.message.restored": _("Earlier version of a message restored"),
        "reports.run_report.mailed": _("Report mailed"),
        "reports.run_report.failed": _("Report could not be mailed"),
        "outbox.run.dropped": _("Run dropped"),
    }


def action_label(action: str) -> str:
    """The action in words, else its code."""
    return _words().get(action, action)


def known_actions() -> list[tuple[str, str]]:
    """Actions to filter by, with their words, in the order of the rooms."""
    return list(_words().items())


def field_label(name: str) -> str:
    """A field of an event's detail in words, else its name."""
    labels: dict[str, str] = {
        "email": _("E-mail address"),
        "name": _("Name"),
        "is_admin": _("Administrator"),
        "is_active": _("Active"),
        "clearance": _("Privacy clearance"),
        "areas": _("Manages"),
        "grants": _("Rights"),
        "ip": _("Network address"),
        "count": _("Number"),
        "address": _("Address"),
        "blocked": _("Blocked"),
        "ca_file": _("Own certificate authority"),
        "changed": _("Changed"),
        "city": _("City"),
        "code": _("Code"),
        "country": _("Country"),
        "created": _("New"),
        "document_type": _("Document type"),
        "dropped": _("Left out"),
        "error_address": _("Address for error reports"),
        "error_rows": _("Not applied"),
        "from_address": _("Sender address"),
        "from_name": _("Sender name"),
        "has_secret": _("Password"),
        "host": _("Server"),
        "is_default": _("Default"),
        "is_used": _("In use"),
        "is_bundled": _("Several in one message"),
        "labels": _("Names"),
        "plurals": _("Names of several"),
        "base": _("Fields of"),
        "layout": _("Printed like"),
        "direction": _("Goes to"),
        "role": _("Usually received by"),
        "channel": _("Channel"),
        "fields": _("Its fields"),
        "is_enabled": _("Active"),
        "kind": _("Kind"),
        "language": _("Language"),
        "max_connections": _("Connections at once"),
        "max_message_mb": _("Largest message (MB)"),
        "messages": _("Messages"),
        "messages_per_connection": _("Messages per connection"),
        "needs_second_person": _("A second person approves each run"),
        "per_day": _("Messages per day"),
        "per_hour": _("Messages per hour"),
        "per_minute": _("Messages per minute"),
        "phone": _("Phone"),
        "packaging": _("Packaging"),
        "packaging_emails": _("Addresses behind the packaging"),
        "party_code": _("Only for the customer"),
        "has_main": _("PDF"),
        "has_legal_xml": _("Legal XML"),
        "has_bom": _("Byte-order mark (BOM) at the start of the XML"),
        "has_attachments": _("Other attachments"),
        "name_pattern": _("File names"),
        "zip_above_kb": _("Zip when the files are larger than (KB)"),
        "text_name": _("Subject and text"),
        "addenda": _("Addenda (XML)"),
        "port": _("Port"),
        "postcode": _("Postcode"),
        "privacy_level": _("Privacy level"),
        "province": _("Province"),
        "reason": _("Reason"),
        "reply_to": _("Answers go to"),
        "roles": _("Roles"),
        "security": _("Encryption"),
        "starts_at": _("Start"),
        "tax_code": _("Tax code"),
        "test_address": _("Test mode: send all mail to"),
        "time_zone": _("Time zone"),
        "credit_days": _("Days of credit"),
        "timezone": _("Time zone"),
        "timeout_seconds": _("Time-out (seconds)"),
        "to": _("To"),
        "unchanged": _("Already known"),
        "undo_seconds": _("Undo window (seconds)"),
        "updated": _("Changed"),
        "user": _("User"),
        "username": _("User name"),
        "vat_number": _("VAT number"),
        "version": _("Version"),
        "versions": _("New versions"),
        "settled": _("Settled"),
        "website": _("Website"),
    }
    return labels.get(name, name)


def object_name(label: str) -> str:
    """What an event was done to: runs and documents are kept as ``run 12`` and ``invoice 7/A``."""
    first, _blank, rest = label.partition(" ")
    if first == "run" and rest.isdecimal():
        return str(_("Run %(number)s", number=rest))
    if (first in set(DocumentType) or first.startswith(OWN_PREFIX)) and rest:
        return f"{type_name(first)} {rest}"
    return label


def yes_no(value: bool) -> str:
    """A truth value in words."""
    return str(_("yes") if value else _("no"))
