"""Names in plain letters: found and ordered without their accents"""

import unicodedata
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 5_000
_APOSTROPHES = str.maketrans(dict.fromkeys("‘’ʼ´`", "'"))


def upgrade() -> None:
    _write_keys(_plain)


def downgrade() -> None:
    _write_keys(str.lower)


def _write_keys(key_of: Callable[[str], str]) -> None:
    """Write the keys of all names again that are not as they should be; the database keeps its indexes up."""
    connection = op.get_bind()
    for name in ("parties", "contacts"):
        table = sa.table(name, sa.column("id"), sa.column("name"), sa.column("name_key"))
        change = (
            sa.update(table).where(table.c.id == sa.bindparam("of")).values(name_key=sa.bindparam("becomes"))
        )
        last = 0
        while rows := connection.execute(
            sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE)
        ).all():
            last = rows[-1].id
            wrong = [
                {"of": row.id, "becomes": key}
                for row in rows
                if (key := key_of(" ".join(row.name.split()))) != row.name_key
            ]
            if wrong:
                connection.execute(change, wrong)


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFD", text.lower().translate(_APOSTROPHES))
    return unicodedata.normalize("NFC", "".join(one for one in bare if not unicodedata.combining(one)))
