"""What a company decides on its hot folder: read, check, save; and whether the folder can be worked in.

A page may name only folders inside the root that the installation allows: files are moved there, so it must never be
a folder that belongs to something else.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.importers.folders.claims import PROCESSING
from crm_mail.importers.formats.name_patterns import PatternInvalid, check_pattern
from crm_mail.importers.models import Afterwards, HotFolder
from crm_mail.permissions import Actor, Permission

MOST_MINUTES: Final = 24 * 60
DONE, ERROR = "done", "error"


class FolderInvalid(ValueError):
    """A value cannot be kept; `field` names it, `problem` says why, `detail` what it is about."""

    def __init__(self, field: str, problem: str, detail: str = "") -> None:
        super().__init__(f"{field}: {problem} {detail}")
        self.field, self.problem, self.detail = field, problem, detail


@dataclass(frozen=True, slots=True)
class FolderChoices:
    """The choices of one company.

    Args:
        path: of the folder, relative to the root; an absolute one must lie inside the root.
        name_pattern: of PDFs (`name_patterns`); empty means the default.
        wait_minutes: for the other half of a pair.
    """

    path: str = ""
    is_watched: bool = False
    name_pattern: str = ""
    wait_minutes: int = 2
    afterwards: Afterwards = Afterwards.KEEP


def read_folder(session: Session, company: Company) -> FolderChoices:
    """What the company decided, else the defaults: a folder called by its code, not watched."""
    row = session.get(HotFolder, company.id)
    if row is None:
        return FolderChoices(path=_safe_code(company.code))
    return FolderChoices(row.path, row.is_watched, row.name_pattern, row.wait_minutes, row.afterwards)


def _safe_code(code: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in code) or "company"


def read_pattern(session: Session, company_id: int) -> str:
    """How the company writes the names of its PDFs; empty means the default."""
    return session.scalar(select(HotFolder.name_pattern).where(HotFolder.company_id == company_id)) or ""


def resolve_path(root: Path, text: str) -> Path:
    """The folder that a company's path means.

    Raises FolderInvalid("path", "empty" | "outside"): it is the root itself, or leads out of it, links followed.
    """
    root = root.resolve()
    if not text.strip() or "\0" in text:
        raise FolderInvalid("path", "empty")
    try:
        folder = (root / text.strip()).resolve()
    except (OSError, RuntimeError):
        raise FolderInvalid("path", "outside", str(root)) from None
    if folder == root or root not in folder.parents:
        raise FolderInvalid("path", "outside", str(root))
    return folder


def check_folder(session: Session, root: Path, company: Company, choices: FolderChoices) -> FolderChoices:
    """The choices as they are kept. Raises FolderInvalid."""
    folder = resolve_path(root, choices.path)
    inner = PurePosixPath(folder.relative_to(root.resolve()).as_posix())
    if {PROCESSING, DONE, ERROR} & {part.lower() for part in inner.parts}:
        raise FolderInvalid("path", "reserved")
    if len(str(inner)) > 500:
        raise FolderInvalid("path", "too_long")
    for other in session.scalars(select(HotFolder).where(HotFolder.company_id != company.id)):
        theirs = PurePosixPath(other.path)
        if theirs == inner or inner in theirs.parents or theirs in inner.parents:
            raise FolderInvalid("path", "taken", other.path)
    if not 0 <= choices.wait_minutes <= MOST_MINUTES:
        raise FolderInvalid("wait_minutes", "range", str(MOST_MINUTES))
    try:
        pattern = check_pattern(choices.name_pattern)
    except PatternInvalid as wrong:
        raise FolderInvalid("name_pattern", wrong.problem, wrong.detail) from None
    return replace(choices, path=str(inner), name_pattern=pattern)


def save_folder(
    session: Session, actor: Actor, root: Path, company: Company, choices: FolderChoices
) -> FolderChoices:
    """Keep what a company decides.

    Raises:
        PermissionDenied: the right to change settings is missing.
        FolderInvalid: a value cannot be kept.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    before, checked = read_folder(session, company), check_folder(session, root, company, choices)
    session.merge(HotFolder(company_id=company.id, **asdict(checked)))
    old, new = asdict(before), asdict(checked)
    changed = [name for name in new if old[name] != new[name]]
    if changed:
        audit.record(
            session,
            actor,
            "importers.hot_folder.changed",
            company_id=company.id,
            subject=company,
            label=company.code,
            before={name: old[name] for name in changed},
            after={name: new[name] for name in changed},
        )
    return checked
