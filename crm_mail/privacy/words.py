"""The words of this room, in the reader's language (pure): tables, reasons, terms."""

from collections.abc import Callable

from crm_mail.privacy.keeping import KeptFor
from crm_mail.privacy.models import ActKind
from crm_mail.privacy.retention_rules import Kind, Term
from crm_mail.words import Translate
from crm_mail.words import mark as _

_KINDS = {
    Kind.MESSAGES: _("Messages sent"),
    Kind.STRAY_MAIL: _("Mail taken in that belongs to no message"),
    Kind.SUGGESTIONS: _("Suggested contacts that nobody confirmed"),
    Kind.FOLDER_LOG: _("List of what came through the hot folder"),
    Kind.EVENTS: _("Events that other programs told of"),
    Kind.LOGINS: _("Sign-ins and ended sessions"),
}
_REASONS = {
    KeptFor.FISCAL: _("Accounting document or letter, and the proof that it was delivered (art. 2220 c.c.)"),
    KeptFor.PEC: _("PEC message with its receipts: proof of a notice (art. 48 CAD, art. 2220 c.c.)"),
}
_ACTS = {
    ActKind.EXPORTED: _("Data handed out"),
    ActKind.RESTRICTED: _("Processing restricted"),
    ActKind.LIFTED: _("Restriction lifted"),
    ActKind.ERASED: _("Erased"),
}
_TABLES = {
    "contacts": _("Contact"),
    "contact_addresses": _("E-mail addresses"),
    "contact_roles": _("Roles"),
    "characteristics": _("Characteristics"),
    "subscriptions": _("What it receives"),
    "consent_events": _("Consents"),
    "consent_states": _("Consents"),
    "suppressions": _("Entries of the suppression list"),
    "address_verdicts": _("What is known of its addresses"),
    "messages": _("Messages"),
    "message_contents": _("Texts of messages"),
    "attempts": _("Sources of messages and answers of servers"),
    "message_events": _("History of messages"),
    "message_issues": _("Warnings of messages"),
    "message_revisions": _("Earlier versions of messages"),
    "download_links": _("Download links"),
    "packaging_copies": _("Lists of copied files"),
    "left_out": _("Notes on what was left out"),
    "mail_items": _("Answers, bounces and receipts"),
    "message_proofs": _("Proofs of delivery"),
    "audit_events": _("Lines of the audit"),
}


def kind_name(kind: str, translate: Translate) -> str:
    """A kind of data."""
    return translate(_KINDS[Kind(kind)])


def reason_words(reason: KeptFor, translate: Translate) -> str:
    """Why a message stays."""
    return translate(_REASONS[reason])


def act_words(kind: ActKind, translate: Translate) -> str:
    """What was done."""
    return translate(_ACTS[kind])


def table_words(name: str, translate: Translate) -> str:
    """What a table holds; its name when nobody gave it words."""
    return translate(_TABLES[name]) if name in _TABLES else name


def kept_words(translate: Translate) -> str:
    """The sentence on what law obliges to keep."""
    return translate(
        _(
            "Accounting documents, letters and the proof of their delivery are kept for ten years "
            "(art. 2220 of the Italian civil code)."
        )
    )


def months_words(months: int | None, translate: Translate) -> str:
    """A term."""
    if months is None:
        return translate(_("without a term"))
    return translate(_("%(months)s months")) % {"months": months}


def retention_words(term: Term, translate: Translate, type_name: Callable[[str], str]) -> str:
    """A term in a line: what, and how long."""
    name = kind_name(term.kind, translate)
    if term.document_type:
        name = f"{name}: {type_name(term.document_type)}"
    return f"{name} – {months_words(term.months, translate)}"
