"""One claimed group of a hot folder becomes documents, and the list of what came in tells of it."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path, PurePosixPath

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.events.intake import EventsWrong, is_event_file, take_file
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.documents.bundles import Door, ImportedFile, base_name, import_group
from crm_mail.importers.folders.hot_folder import Claim, is_ordinary, outer_file
from crm_mail.importers.models import FileOutcome, HotFolderFile
from crm_mail.importers.sentences import explain_in
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor
from crm_mail.web.translating import translator
from crm_mail.words import Translate

FOLDER_ACTOR = Actor(None, "hot folder", clearance=HIGHEST_CLEARANCE, is_admin=True)
"""Who brings in what lies in a hot folder: nobody is at the keyboard."""
KEPT_LINES = 5000
_MOST_REASON, _MOST_NOTICES = 1000, 20


def read_claim(claim: Claim, size_limit: int) -> dict[str, bytes]:
    """The bytes of the claimed files.

    Raises:
        ImportRefused: one is no ordinary file, or all together are too large; nothing was read then.
        OSError: one cannot be read now.
    """
    total = 0
    for name in claim.group.names:
        if not is_ordinary(claim.path(name)):
            raise ImportRefused("folder_file_odd", name=name)
        total += claim.path(name).stat().st_size
    if total > size_limit:
        raise ImportRefused("file_too_large", size_mb=total >> 20, limit_mb=size_limit >> 20)
    return {name: claim.path(name).read_bytes() for name in claim.group.names}


def import_claim(door: Door, claim: Claim, files: dict[str, bytes], folder: Path) -> HotFolderFile:
    """Import the claimed files inside the caller's transaction; the line of the list that was added.

    Raises:
        ImportRefused: a file of events cannot be taken in.
    """
    digest = sha256(files[claim.group.lead]).hexdigest()
    if is_event_file(claim.group.lead):
        return _take_events(door, claim, files[claim.group.lead], digest)

    def beside(path: PurePosixPath) -> bytes | None:
        limit = door.size_limit
        inner = outer_file(claim.folder, path, limit)
        is_deeper = len(path.parts) > 1 and path.parts[0] not in ("processing", "done", "error")
        return outer_file(folder, path, limit) if inner is None and is_deeper else inner

    done = list(import_group(door, claim.group, files, beside))
    return record(door.session, door.company, claim, done, digest)


def _take_events(door: Door, claim: Claim, content: bytes, digest: str) -> HotFolderFile:
    """Events are kept for the rules to see; a file that came before is told apart from one that brought something."""
    try:
        new = take_file(door.session, door.company.id, content)
    except EventsWrong as wrong:
        raise ImportRefused("folder_events", name=claim.group.lead, detail=str(wrong)) from None
    outcome = FileOutcome.CREATED if new else FileOutcome.UNCHANGED
    return record(door.session, door.company, claim, [], digest, outcome)


def record(
    session: Session,
    company: Company,
    claim: Claim,
    done: Iterable[ImportedFile],
    digest: str = "",
    outcome: FileOutcome | None = None,
) -> HotFolderFile:
    """Add a line to the list of what came in; an earlier refusal of the same name is settled by it.

    Args:
        outcome: of files that hold no documents; None: as what was done says.
    """
    done = list(done)
    translate = translator(company.language)
    documents = [document for one in done if one.result for document in one.result.documents]
    reason = _reason(translate, claim, done)
    name = " + ".join(claim.group.names)[:300]
    session.execute(
        update(HotFolderFile)
        .where(HotFolderFile.company_id == company.id, HotFolderFile.name == name)
        .values(is_settled=True)
    )
    notices = [
        explain_in(translate, notice.code, notice.params)
        for one in done
        if one.result
        for notice in one.result.warnings
    ]
    line = HotFolderFile(
        company_id=company.id,
        name=name,
        outcome=outcome or _outcome(done),
        document_ids=list(dict.fromkeys(document.id for document in documents))[:100],
        reason=reason[:_MOST_REASON],
        notices=list(dict.fromkeys(notices))[:_MOST_NOTICES],
        sha256=digest,
        privacy_level=max((document.privacy_level for document in documents), default=0),
    )
    session.add(line)
    session.flush()
    if line.outcome is FileOutcome.REFUSED:
        audit.record(
            session,
            FOLDER_ACTOR,
            "importers.hot_folder.refused",
            company_id=company.id,
            label=name,
            reason=reason[:500],
        )
    if line.id % 100 == 0:
        _forget_old(session, company.id)
    return line


def _outcome(done: list[ImportedFile]) -> FileOutcome:
    results = [one.result for one in done if one.result]
    if len(results) < len(done) or not done:
        return FileOutcome.REFUSED
    for outcome, name in (
        (FileOutcome.CREATED, "created"),
        (FileOutcome.VERSION, "versions"),
        (FileOutcome.RECEIPT, "receipts"),
    ):
        if any(getattr(result, name) for result in results):
            return outcome
    return FileOutcome.UNCHANGED


def _reason(translate: Translate, claim: Claim, done: list[ImportedFile]) -> str:
    """Why it was refused; with several files in one, each reason behind its file's name."""
    said = [
        (base_name(one.name), explain_in(translate, one.refused.code, one.refused.params))
        for one in done
        if one.refused
    ]
    if len(done) <= 1:
        return "\n".join(text for _name, text in said)
    return "\n".join(f"{name.removeprefix(claim.group.lead)}: {text}" for name, text in said)


def _forget_old(session: Session, company_id: int) -> None:
    oldest = session.scalar(
        select(HotFolderFile.id)
        .where(HotFolderFile.company_id == company_id)
        .order_by(HotFolderFile.id.desc())
        .offset(KEPT_LINES)
        .limit(1)
    )
    if oldest is not None:
        session.execute(
            delete(HotFolderFile).where(HotFolderFile.company_id == company_id, HotFolderFile.id <= oldest)
        )
