"""The database's shape: every room's models in one place, and the migrations that make them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from crm_mail import audit_chain
from crm_mail.api import models as api
from crm_mail.audit import AuditEvent
from crm_mail.audit_redactions import AuditRedaction
from crm_mail.campaigns import models as campaigns
from crm_mail.catalogue import models as catalogue
from crm_mail.companies import models as companies
from crm_mail.contacts import models as contacts
from crm_mail.contacts.consents import models as consents
from crm_mail.contacts.word_index import is_of_words
from crm_mail.db import ONLY_ON, Database
from crm_mail.delivery import models as delivery
from crm_mail.delivery.domains import models as pec_registries
from crm_mail.documents import models as documents
from crm_mail.documents import sdi_models
from crm_mail.events import models as events
from crm_mail.evidence import models as evidence
from crm_mail.importers import models as importers
from crm_mail.importers.databases import models as sql_views
from crm_mail.outbox import models as outbox
from crm_mail.outbox.standing import models as standings
from crm_mail.privacy import models as privacy
from crm_mail.purchases import models as purchases
from crm_mail.receivables import models as receivables
from crm_mail.reports.changes import models as change_notices
from crm_mail.reports.saved import models as saved_reports
from crm_mail.schedules import models as schedules
from crm_mail.send_orders import models as send_orders
from crm_mail.status import models as status
from crm_mail.users import models as users
from crm_mail.users import oidc_models as oidc
from crm_mail.webhooks import models as webhooks

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def ours_on(dialect: str) -> Callable[[Any, str | None, str, bool, Any], bool]:
    """What of a database is compared with the models (Alembic's ``include_object``).

    What finds words is not among them: SQLite's own tables, and indexes where PostgreSQL has `pg_trgm`.
    """

    def is_ours(item: Any, name: str | None, kind: str, _is_reflected: bool, _other: Any) -> bool:
        if kind == "index" and item.info.get(ONLY_ON, dialect) != dialect:
            return False
        return kind not in ("index", "table") or not is_of_words(name)

    return is_ours


def import_models() -> list[object]:
    """Name every room that has tables, so that the metadata is complete whoever asks for it."""
    rooms = [
        api,
        campaigns,
        catalogue,
        change_notices,
        companies,
        consents,
        contacts,
        delivery,
        pec_registries,
        documents,
        sdi_models,
        events,
        evidence,
        importers,
        sql_views,
        outbox,
        standings,
        privacy,
        purchases,
        receivables,
        saved_reports,
        send_orders,
        status,
        schedules,
        users,
        oidc,
        webhooks,
    ]
    return [AuditEvent, AuditRedaction, audit_chain, *rooms]


def alembic_config(database: Database) -> Config:
    """Alembic's configuration for one database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.write_engine
    return config


def upgrade(database: Database) -> None:
    """Bring the database to the newest shape; does nothing when it is there already."""
    command.upgrade(alembic_config(database), "head")


def is_current(database: Database) -> bool:
    """Whether the database has the shape that this version of the code expects."""
    head = ScriptDirectory.from_config(alembic_config(database)).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
