"""The tab *What happened* of a customer's card (`party_timeline`), in the words of the rooms the lines come from."""

from collections.abc import Mapping
from typing import Any

from flask import abort, request, url_for
from flask_babel import gettext as _

from crm_mail.contacts.access import find_contact, list_contacts
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_views import found, page
from crm_mail.contacts.confidential import Way, note_reading
from crm_mail.contacts.consents.words import decision_word, source_word, subject_line
from crm_mail.evidence.proof_page import shown_item
from crm_mail.permissions import OUTBOX_PERMISSIONS, Permission, requires, signed_in_actor
from crm_mail.reports.audit_details import flatten
from crm_mail.reports.audit_fields import field_label
from crm_mail.reports.audit_words import action_label
from crm_mail.reports.party_timeline import Line, LineKind, Timeline, read_timeline
from crm_mail.web.door import db
from crm_mail.web.type_names import type_name
from crm_mail.web.urls import url_with

ICONS: Mapping[LineKind, str] = {
    LineKind.DOCUMENT: "file-text",
    LineKind.MESSAGE: "mail",
    LineKind.ANSWER: "certificate",
    LineKind.CONSENT: "shield-check",
    LineKind.CHANGE: "pencil",
}

FORMATS = ("cfdi", "sifen", "ubl", "cii", "facturae")
MOST_DETAILS = 8
"""Fields that one line of the timeline tells; the audit tells all."""


def kind_choices() -> list[tuple[str, str]]:
    """What may be shown alone."""
    words = {
        LineKind.DOCUMENT: _("Documents"),
        LineKind.MESSAGE: _("Messages"),
        LineKind.ANSWER: _("Receipts, bounces and answers"),
        LineKind.CONSENT: _("Consents"),
        LineKind.CHANGE: _("Changes and merges"),
    }
    return [(kind.value, words[kind]) for kind in LineKind]


@blueprint.get("/<int:party_id>/timeline")
@requires(Permission.CONTACTS_SEE)
def show_timeline(party_id: int) -> Any:
    """Everything that happened, newest first, a page at a time."""
    party, actor = found(party_id), signed_in_actor()
    contact = None
    if (contact_id := request.args.get("contact", type=int)) is not None:
        contact = find_contact(db(), actor, contact_id)
        if contact is None or contact.party_id != party.id:
            abort(404)
    kind = request.args.get("kind", "")
    kinds = [LineKind(kind)] if kind in set(LineKind) else []
    timeline = read_timeline(db(), actor, party, contact, kinds, request.args.get("after", ""))
    people = list_contacts(db(), actor, party.id)
    note_reading(db(), actor, [contact.id] if contact else [one.id for one in people], Way.CARD)
    return page(
        "timeline",
        party,
        events=[_shown(line, timeline) for line in timeline.lines],
        kinds=kind_choices(),
        kind=kind,
        contact=contact,
        people=[(str(one.id), one.name) for one in people],
        older_url=url_with(after=timeline.cursor) if timeline.cursor else "",
        is_first=not request.args.get("after"),
    )


def _shown(line: Line, timeline: Timeline) -> dict[str, Any]:
    words = {
        LineKind.DOCUMENT: _document,
        LineKind.MESSAGE: _message,
        LineKind.ANSWER: _answer,
        LineKind.CHANGE: _change,
    }
    told = _consent(line.row, timeline) if line.kind is LineKind.CONSENT else words[line.kind](line.row)
    return {"at": line.at, "icon": ICONS[line.kind], "kind": line.kind.value} | told


def _document(row: Any) -> dict[str, Any]:
    title = f"{type_name(row.type)} {row.number}".strip()
    return {
        "title": title,
        "text": _("Version %(n)s", n=row.version) if row.version > 1 else _origin(row.source),
        "url": url_for("documents.show_document", document_id=row.id),
    }


def _origin(source: str) -> str:
    """How a document came in, in words; what another program calls itself stays as it is."""
    words: dict[str, str] = {
        "upload": _("Uploaded"),
        "import": _("Imported"),
        "file_name": _("Imported"),
        "receivables": _("Made here"),
        "fatturapa": "FatturaPA",
        "facturx": "Factur-X",
        "easyfatt": "Easyfatt",
        "pain001": "SEPA",
    }
    return words.get(source) or (source.upper() if source in FORMATS else source)


def _message(row: Any) -> dict[str, Any]:
    actor, types = signed_in_actor(), row.document_types.split() or [None]
    may_open = any(actor.can(p, row.company_id, t) for p in OUTBOX_PERMISSIONS for t in types)
    url = url_for("outbox.message", run_id=row.run_id, message_id=row.id) if may_open else ""
    text = " · ".join(part for part in (row.to_address, row.recipient_name) if part)
    return {"title": row.subject or _("Message"), "text": text, "state": row.state.value, "url": url}


def _answer(row: Any) -> dict[str, Any]:
    shown = shown_item(row)
    text = " · ".join(part for part in (row.recipient, shown["why"] or row.detail) if part)
    return {"title": shown["title"], "text": text, "url": shown["url"]}


def _consent(row: Any, timeline: Timeline) -> dict[str, Any]:
    said = f"{subject_line((row.purpose, row.channel))}: {decision_word(row.decision)}"
    text = " · ".join(
        part for part in (timeline.contacts.get(row.contact_id, ""), source_word(row.source)) if part
    )
    return {"title": said, "text": text, "who": row.actor_name}


def _change(row: Any) -> dict[str, Any]:
    detail = dict(row.detail or {})
    source = _file_row(detail.pop("file"), detail.pop("row")) if {"file", "row"} <= detail.keys() else ""
    told = [(field_label(name) if name else "", value) for name, value in flatten(detail)]
    name = row.object_label if row.object_type == "contacts" else ""  # the party's own stands above
    return {
        "title": f"{action_label(row.action)}: {name}" if name else action_label(row.action),
        "text": source,
        "details": [one for one in told if one != (_("Name"), name)][:MOST_DETAILS],
        "who": row.actor_name,
    }


def _file_row(file: str, row: int) -> str:
    """Which row of an import brought a change."""
    if not file:
        return str(_("Row %(row)s of an imported file", row=row))
    return str(_("Row %(row)s of the imported file %(file)s", row=row, file=file))
