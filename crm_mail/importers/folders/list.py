"""The list of what came in by a hot folder, as a person may see it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.importers.models import FileOutcome, HotFolderFile
from crm_mail.permissions import Actor, Permission


def _visible(actor: Actor, company_id: int) -> list[ColumnElement[bool]]:
    found = [HotFolderFile.company_id == company_id, HotFolderFile.privacy_level <= actor.sight.clearance]
    return found if actor.sight.is_whole else [*found, false()]  # a file is of no agent and no zone


def _open_refusals() -> list[ColumnElement[bool]]:
    return [HotFolderFile.outcome == FileOutcome.REFUSED, HotFolderFile.is_settled.is_(False)]


def list_files(
    session: Session, actor: Actor, company_id: int, count: int, *, only_open_refusals: bool = False
) -> Sequence[HotFolderFile]:
    """The last `count` files, newest first. Raises PermissionDenied."""
    actor.require(Permission.DOCUMENTS_MANAGE, company_id)
    wanted = [*_visible(actor, company_id), *(_open_refusals() if only_open_refusals else ())]
    return session.scalars(
        select(HotFolderFile).where(*wanted).order_by(HotFolderFile.id.desc()).limit(count)
    ).all()


def count_refusals(session: Session, actor: Actor, company_id: int) -> int:
    """How many refused files nobody has looked at yet."""
    wanted = [*_visible(actor, company_id), *_open_refusals()]
    return session.scalar(select(func.count()).select_from(HotFolderFile).where(*wanted)) or 0


def settle_refusals(session: Session, actor: Actor, company_id: int) -> int:
    """Mark the refusals that the actor sees as seen; how many. Raises PermissionDenied."""
    actor.require(Permission.DOCUMENTS_MANAGE, company_id)
    count = count_refusals(session, actor, company_id)
    if count:
        wanted = [*_visible(actor, company_id), *_open_refusals()]
        session.execute(update(HotFolderFile).where(*wanted).values(is_settled=True))
        audit.record(session, actor, "importers.hot_folder.settled", company_id=company_id, count=count)
    return count
