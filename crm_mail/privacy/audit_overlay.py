"""Taking a person out of the audit: its lines stay as they are, a redaction lies over each."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.audit_redactions import AuditRedaction
from crm_mail.privacy.footprint import Footprint, audit_lines
from crm_mail.privacy.redacting import ERASED, replaced


def redact_audit(session: Session, footprint: Footprint) -> int:
    """Lay a redaction over each line that is about the person; how many lines.

    A line about the contact itself loses its label and its values; in another one the person's addresses, numbers and
    names are replaced.
    """
    lines = AuditEvent.__table__.c
    query = select(lines.id, lines.object_type, lines.object_id, lines.object_label, lines.detail).where(
        audit_lines(footprint)
    )
    count = 0
    for id_, kind, object_id, label, detail in session.execute(query).all():
        is_own = kind == "contacts" and object_id in footprint.contact_ids
        new_label = ERASED if is_own else replaced(label, footprint.values)
        new_detail = {"redacted": sorted(detail)} if is_own else replaced(detail, footprint.values)
        if (new_label, new_detail) == (label, detail):
            continue
        overlay = session.get(AuditRedaction, id_)
        if overlay is None:
            session.add(AuditRedaction(event_id=id_, object_label=new_label, detail=new_detail))
        else:
            overlay.object_label = replaced(overlay.object_label, footprint.values) if not is_own else ERASED
            overlay.detail = replaced(overlay.detail, footprint.values) if not is_own else new_detail
        count += 1
    return count
