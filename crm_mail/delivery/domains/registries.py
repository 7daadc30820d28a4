"""Importing registries of PEC addresses: each is replaced as a whole, set by set; looking an owner up in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.domains.models import PecRegistry, PecRegistryEntry
from crm_mail.delivery.domains.registry_file import RegistryFile
from crm_mail.many_rows import chunks, insert_many
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

AT_ONCE = 10_000
NAME_LENGTH = 60


class RegistryNameInvalid(Refusal):
    """A registry needs a name, so that the next import knows which one it replaces."""

    def __init__(self) -> None:
        super().__init__(f"a registry needs a name of at most {NAME_LENGTH} characters, such as IndicePA")


@dataclass(frozen=True, slots=True)
class Change:
    """What an import does, or would do, to a registry."""

    name: str
    addresses: int
    added: int
    removed: int
    before: int


def list_registries(session: Session) -> Sequence[PecRegistry]:
    """The registries that there are, by name."""
    return session.scalars(select(PecRegistry).order_by(PecRegistry.name)).all()


def find_registry(session: Session, name: str) -> PecRegistry | None:
    """The registry of this name, in any case."""
    return session.scalar(select(PecRegistry).where(func.lower(PecRegistry.name) == name.strip().lower()))


def compare(session: Session, name: str, file: RegistryFile) -> Change:
    """What importing a file under a name would change; writes nothing."""
    standing: set[str] = set()
    registry = find_registry(session, name)
    if registry is not None:
        query = select(PecRegistryEntry.address).where(PecRegistryEntry.registry_id == registry.id)
        standing = set(session.scalars(query))
    coming = {entry.address for entry in file.entries}
    return Change(
        registry.name if registry else name.strip(),
        len(coming),
        len(coming - standing),
        len(standing - coming),
        len(standing),
    )


def import_registry(
    session: Session, actor: Actor, name: str, file: RegistryFile, file_name: str = ""
) -> Change:
    """Put a file's addresses in the place of everything that the registry held.

    Raises:
        PermissionDenied, RegistryNameInvalid
    """
    actor.require_everywhere(Permission.ACCOUNTS_MANAGE)
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH:
        raise RegistryNameInvalid
    change = compare(session, name, file)
    registry = find_registry(session, name)
    if registry is None:
        registry = PecRegistry(name=name)
        session.add(registry)
        session.flush()
    session.execute(delete(PecRegistryEntry).where(PecRegistryEntry.registry_id == registry.id))
    for part in chunks(file.entries, AT_ONCE):
        rows = [
            {
                "registry_id": registry.id,
                "address": entry.address,
                "tax_code": entry.tax_code,
                "holder": entry.holder,
            }
            for entry in part
        ]
        insert_many(session, PecRegistryEntry, rows)
    registry.file_name, registry.imported_at, registry.imported_by = file_name[:250], now(), actor.user_id
    registry.lines, registry.addresses = file.lines, len(file.entries)
    session.flush()
    audit.record(
        session,
        actor,
        "delivery.registry.imported",
        subject=registry,
        label=registry.name,
        addresses=change.addresses,
        added=change.added,
        removed=change.removed,
    )
    return change


def delete_registry(session: Session, actor: Actor, registry: PecRegistry) -> None:
    """Forget a registry and what it said.

    Raises:
        PermissionDenied
    """
    actor.require_everywhere(Permission.ACCOUNTS_MANAGE)
    audit.record(session, actor, "delivery.registry.deleted", subject=registry, label=registry.name)
    session.execute(delete(PecRegistryEntry).where(PecRegistryEntry.registry_id == registry.id))
    session.delete(registry)
    session.flush()


def addresses_of_tax_codes(session: Session, codes: Sequence[str]) -> list[PecRegistryEntry]:
    """The PEC addresses that registries name for a party's tax codes (with or without a leading IT)."""
    wanted = {code.strip().upper() for code in codes if code.strip()}
    wanted |= {code.removeprefix("IT") for code in wanted}
    if not wanted:
        return []
    query = select(PecRegistryEntry).where(PecRegistryEntry.tax_code.in_(wanted))
    return list(session.scalars(query.order_by(PecRegistryEntry.address).limit(20)))
