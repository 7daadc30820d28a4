"""What a company decides on its send orders: read, check, save (PM-1, PM-13, PM-22, PM-24)."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import Settings
from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Party
from crm_mail.permissions import Actor, Permission
from crm_mail.send_orders.attachment_paths import (
    AttachmentRoots,
    MappingInvalid,
    check_mapping,
    parse_mapping,
)
from crm_mail.send_orders.element_paths import PathsInvalid, parse_paths
from crm_mail.send_orders.folder import RESERVED
from crm_mail.send_orders.models import SendOrderFolder

MOST_MINUTES: Final = 24 * 60
LONGEST_TEXT: Final = 10_000


class OrdersInvalid(ValueError):
    """A value cannot be kept; ``field`` names it, ``problem`` says why, ``detail`` what it is about."""

    def __init__(self, field: str, problem: str, detail: str = "") -> None:
        super().__init__(f"{field}: {problem} {detail}".rstrip())
        self.field, self.problem, self.detail = field, problem, detail


@dataclass(frozen=True, slots=True)
class OrderChoices:
    """The choices of one company; the names are those of the model."""

    path: str = ""
    is_watched: bool = False
    afterwards: AfterSending = AfterSending.KEEP
    settles_files: bool = False
    wait_minutes: int = 10
    mapping: str = ""
    element_paths: str = ""
    stranger_party: str = ""
    document_type: str = "invoice"
    authorisation_id: int | None = None


_NAMES: Final = tuple(OrderChoices.__dataclass_fields__)


def read_choices(session: Session, company: Company) -> OrderChoices:
    """What the company decided, else the defaults: a folder called by its code, not watched."""
    row = session.get(SendOrderFolder, company.id)
    if row is None:
        code = "".join(letter if letter.isalnum() else "-" for letter in company.code)
        return OrderChoices(path=code or "company")
    return OrderChoices(**{name: getattr(row, name) for name in _NAMES})


def folder_of(settings: Settings, choices: OrderChoices) -> Path:
    """The folder that the choices mean.

    Raises:
        OrdersInvalid: path outside.
    """
    root = settings.resolved_mailer_dir.resolve()
    try:
        folder = (root / choices.path.strip()).resolve()
    except (OSError, RuntimeError, ValueError):
        raise OrdersInvalid("path", "outside", str(root)) from None
    if folder != root and root not in folder.parents:
        raise OrdersInvalid("path", "outside", str(root))
    return folder


def roots_of(session: Session, settings: Settings, company_id: int, choices: OrderChoices) -> AttachmentRoots:
    """Where the company's orders may take files from: never from another company's folder.

    A mapped folder that the installation no longer allows does not count.
    """
    own = folder_of(settings, choices)
    rules = []
    for rule in parse_mapping(choices.mapping):
        try:
            check_mapping([rule], settings.resolved_attachment_paths)
        except MappingInvalid:
            continue
        rules.append(rule)
    others = []
    for other in session.scalars(select(SendOrderFolder).where(SendOrderFolder.company_id != company_id)):
        theirs = folder_of(settings, OrderChoices(path=other.path))
        if theirs not in (own, *own.parents):  # one above ours holds nothing that lies below ours
            others.append(theirs)
    return AttachmentRoots(own, tuple(rules), tuple(others))


def check_choices(
    session: Session, settings: Settings, company: Company, choices: OrderChoices
) -> OrderChoices:
    """The choices as they are kept.

    Raises:
        OrdersInvalid: the first value that cannot be kept.
    """
    root, folder = settings.resolved_mailer_dir.resolve(), folder_of(settings, choices)
    inner = PurePosixPath(folder.relative_to(root).as_posix())
    path = "" if folder == root else str(inner)
    if RESERVED & {part.lower() for part in inner.parts}:
        raise OrdersInvalid("path", "reserved")
    if len(path) > 500:
        raise OrdersInvalid("path", "too_long")
    taken = select(SendOrderFolder.company_id).where(
        SendOrderFolder.company_id != company.id, SendOrderFolder.path == path
    )
    if session.scalar(taken.limit(1)) is not None:
        raise OrdersInvalid("path", "taken")
    if not 0 <= choices.wait_minutes <= MOST_MINUTES:
        raise OrdersInvalid("wait_minutes", "range", str(MOST_MINUTES))
    _check_texts(settings, choices)
    if choices.document_type not in company_types(session, company.id).used:
        raise OrdersInvalid("document_type", "unknown", choices.document_type)
    stranger = _check_stranger(session, company.id, choices.stranger_party.strip())
    return replace(choices, path=path, stranger_party=stranger)


def _check_texts(settings: Settings, choices: OrderChoices) -> None:
    for name in ("mapping", "element_paths"):
        if len(getattr(choices, name)) > LONGEST_TEXT:
            raise OrdersInvalid(name, "too_long")
    try:
        check_mapping(parse_mapping(choices.mapping), settings.resolved_attachment_paths)
    except MappingInvalid as refused:
        raise OrdersInvalid("mapping", refused.problem, refused.line) from None
    try:
        parse_paths(choices.element_paths)
    except PathsInvalid as refused:
        raise OrdersInvalid("element_paths", "syntax", refused.value) from None


def _check_stranger(session: Session, company_id: int, code: str) -> str:
    if not code:
        return ""
    found = session.scalar(select(Party.code).where(Party.company_id == company_id, Party.code == code))
    if found is None:
        raise OrdersInvalid("stranger_party", "unknown", code)
    return found


def save_choices(
    session: Session, actor: Actor, settings: Settings, company: Company, choices: OrderChoices
) -> OrderChoices:
    """Keep what a company decides.

    Raises:
        PermissionDenied: the right to change settings is missing.
        OrdersInvalid: a value cannot be kept.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    before, checked = read_choices(session, company), check_choices(session, settings, company, choices)
    session.merge(SendOrderFolder(company_id=company.id, **asdict(checked)))
    session.flush()
    old, new = asdict(before), asdict(checked)
    changed = [name for name in new if old[name] != new[name]]
    if changed:
        audit.record(
            session,
            actor,
            "send_orders.folder.changed",
            company_id=company.id,
            subject=company,
            label=company.code,
            before={name: old[name] for name in changed},
            after={name: new[name] for name in changed},
        )
    return checked
