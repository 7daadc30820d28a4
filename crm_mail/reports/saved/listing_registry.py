"""Every list of the product that a report can show, in the order in which they are offered. Add your room's here."""

from crm_mail.reports.saved import listings as saved_listings
from crm_mail.reports.saved.audit_listing import AuditLines
from crm_mail.reports.saved.consent_listings import Consents, Suppressed
from crm_mail.reports.saved.master_listings import Contacts, Customers, Suppliers
from crm_mail.reports.saved.outbox_listings import LeftOutRows, Messages, Runs
from crm_mail.reports.saved.paper_listings import Documents, Movements, OpenItems
from crm_mail.reports.saved.receipt_listing import CameBack
from crm_mail.reports.saved.work_listings import ScheduleHistory, SendOrders


def register_listings() -> None:
    """Make every listing known (`saved_listings`); a second time changes nothing."""
    saved_listings.register(
        Documents(),
        OpenItems(),
        Movements(),
        Runs(),
        Messages(),
        LeftOutRows(),
        CameBack(),
        SendOrders(),
        ScheduleHistory(),
        Customers(),
        Suppliers(),
        Contacts(),
        Consents(),
        Suppressed(),
        AuditLines(),
    )
