"""Alembic environment: migrations run on the installation's own engine, in one transaction."""

from typing import Any

from alembic import context
from sqlalchemy import JSON
from sqlalchemy.types import TypeDecorator

from crm_mail.db import Base
from crm_mail.schema import import_models

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


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_plainly,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
