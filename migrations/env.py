"""Alembic environment: migrations run on the installation's own engine, in one transaction."""

from typing import Any

from alembic import context
from sqlalchemy import JSON, Connection
from sqlalchemy.types import TypeDecorator

from crm_mail.db import Base
from crm_mail.schema import import_models, ours_on

import_models()


def render_plainly(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our own column types as the plain ones they are kept as: a migration must not change with the code."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    if isinstance(item, JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def set_foreign_keys(connection: Connection, word: str) -> None:
    """SQLite heeds them between transactions only; without them off, a table that is made anew loses what hangs on it."""
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={word}")
        cursor.close()


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    set_foreign_keys(connection, "OFF")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_plainly,
        include_object=ours_on(connection.dialect.name),
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if lost is not None:
                raise RuntimeError(f"rows of {lost[0]} would refer to rows of {lost[2]} that do not exist")
    connection.commit()
    set_foreign_keys(connection, "ON")
