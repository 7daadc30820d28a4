"""Another secret key: everything that is kept encrypted is encrypted anew, in one transaction; sessions and links end.

The order makes an interruption harmless. Both keys are readable before the transaction begins (`Installation` tries the
present key, then the previous one, then the file of the next one), and the old key goes only after it was committed.
Running it again finishes what was interrupted.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import LargeBinary, Table, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import Base
from crm_mail.installation import KEY_FILE, NEXT_KEY_FILE, Installation, SecretUnreadable
from crm_mail.permissions import Actor
from crm_mail.refusals import Refusal
from crm_mail.users import links, sessions
from crm_mail.users.models import UserSession

ENCRYPTED = frozenset(
    {
        "audit_keys.value",
        "ledger_sources.url_encrypted",
        "sender_accounts.dkim_key",
        "sql_sources.url_encrypted",
        "webhook_endpoints.secret",
        "sender_accounts.mailbox_secret",
        "sender_accounts.oauth_secret",
        "sender_accounts.oauth_tokens",
        "sender_accounts.secret",
        "sender_accounts.sms_headers",
        "users.totp_secret",
    }
)
"""Every column that `Installation.encrypt` fills; a test asks of each binary column whether it is one."""

NOT_ENCRYPTED = frozenset({"api_answers.body", "attempts.mime"})
"""Binary columns that hold something else."""


class RotationImpossible(Refusal):
    """A value can be read with none of the keys at hand, so nothing was changed."""

    def __init__(self, column: str, row: object) -> None:
        super().__init__(
            f"{column} of row {row} can be read neither with the present key nor with the old one: "
            "nothing was changed; give the key it was saved with (--old-key-file), or enter the value again first"
        )


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    values: int
    sessions: int


def encrypted_columns() -> list[tuple[Table, str]]:
    """The tables and columns to be encrypted anew."""
    found = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary) and f"{table.name}.{column.name}" in ENCRYPTED:
                found.append((table, column.name))
    return found


def rotate(home: Installation, actor: Actor) -> Rotated:
    """Encrypt everything with the installation's newest key, in one transaction; end all sessions and links.

    Raises:
        RotationImpossible: a value belongs to none of the keys; nothing was changed.
    """
    with home.database.write() as session:
        values = sum(
            _reencrypt(session, table, column, home.reencrypt) for table, column in encrypted_columns()
        )
        users = set(session.scalars(select(UserSession.user_id).where(UserSession.revoked_at.is_(None))))
        ended = sum(sessions.revoke_all(session, user_id) for user_id in users)
        links.end_links(session)
        audit.record(session, actor, "users.keys.rotated", count=values)
    return Rotated(values, ended)


def _reencrypt(session: Session, table: Table, column: str, again: Callable[[bytes], bytes]) -> int:
    """Every value of a column; the rows stay locked, so that nothing is saved with the old key meanwhile."""
    key, count = next(iter(table.primary_key.columns)), 0
    kept = select(key, table.c[column]).where(table.c[column].is_not(None)).with_for_update()
    for row_id, value in session.execute(kept).all():
        if not value:
            continue
        try:
            anew = again(value)
        except SecretUnreadable:
            raise RotationImpossible(f"{table.name}.{column}", row_id) from None
        session.execute(update(table).where(key == row_id).values({column: anew}))
        count += 1
    return count


def write_next_key(folder: Path) -> None:
    """Make the next key, beside the present one; one that an interrupted rotation left is kept, it may be in use."""
    try:
        handle = os.open(folder / NEXT_KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())


def take_next_key(folder: Path) -> None:
    """The next key becomes the present one; the old one is gone."""
    (folder / NEXT_KEY_FILE).replace(folder / KEY_FILE)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
