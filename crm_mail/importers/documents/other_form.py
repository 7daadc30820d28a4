"""An electronic invoice comes signed (.p7m) and plain (.xml): two forms of one document, and no new version of it."""

from sqlalchemy.orm import Session

from crm_mail.documents.service import FileRole, NewDocument, find_current
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.formats.p7m import extract_signed_xml
from crm_mail.storage import BlobStore, StoredFileDamaged, StoredFileMissing


def is_other_form(session: Session, store: BlobStore, company_id: int, new: NewDocument) -> bool:
    """Whether all that came is the legal file of a document that is kept, in its other form."""
    offered = [file for file in new.files if file.role is FileRole.LEGAL_XML]
    if len(offered) != 1:
        return False
    current = find_current(session, company_id, new.natural_key)
    if current is None:
        return False
    kept = [file for file in current.files if file.role == FileRole.LEGAL_XML]
    signed = {name.lower().endswith(".p7m") for name in (offered[0].name, *(file.name for file in kept))}
    if len(kept) != 1 or len(signed) != 2:
        return False
    try:
        return extract_signed_xml(store.read(kept[0].sha256)) == extract_signed_xml(offered[0].content)
    except (ImportRefused, StoredFileDamaged, StoredFileMissing, OSError):
        return False  # what came is a new version then, and has its own file
