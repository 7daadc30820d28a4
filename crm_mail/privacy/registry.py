"""Every room's declarations of personal data, in one place."""

from crm_mail.api import personal_data as api
from crm_mail.campaigns import personal_data as campaigns
from crm_mail.companies import personal_data as companies
from crm_mail.contacts import personal_data as contacts
from crm_mail.delivery import personal_data as delivery
from crm_mail.documents import personal_data as documents
from crm_mail.events import personal_data as events
from crm_mail.evidence import personal_data as evidence
from crm_mail.importers import personal_data as importers
from crm_mail.outbox import personal_data as outbox
from crm_mail.personal_data import Table
from crm_mail.privacy import personal_data as privacy
from crm_mail.purchases import personal_data as purchases
from crm_mail.receivables import personal_data as receivables
from crm_mail.reports import personal_data as reports
from crm_mail.schedules import personal_data as schedules
from crm_mail.send_orders import personal_data as send_orders
from crm_mail.status import personal_data as status
from crm_mail.users import personal_data as users
from crm_mail.webhooks import personal_data as webhooks

ROOMS = (
    api,
    campaigns,
    companies,
    contacts,
    delivery,
    documents,
    events,
    evidence,
    importers,
    outbox,
    privacy,
    purchases,
    receivables,
    reports,
    schedules,
    send_orders,
    status,
    users,
    webhooks,
)

TABLES: tuple[Table, ...] = tuple(one for room in ROOMS for one in room.TABLES)
BY_NAME: dict[str, Table] = {one.name: one for one in TABLES}
