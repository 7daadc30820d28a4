"""Alembic environment: migrations run on the installation's own engine, in one transaction."""

from alembic import context

from crm_mail.db import Base
from crm_mail.schema import import_models

import_models()
engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
