"""Every list of the product that a report can show, in the order in which they are offered. Add your room's here."""

from crm_mail.reports import saved_listings
from crm_mail.reports.saved_audit_listing import AuditLines
from crm_mail.reports.saved_consent_listings import Consents, Suppressed
from crm_mail.reports.saved_master_listings import Contacts, Customers, Suppliers
from crm_mail.reports.saved_outbox_listings import LeftOutRows, Messages, Runs
from crm_mail.reports.saved_paper_listings import Documents, Movements, OpenItems
from crm_mail.reports.saved_receipt_listing import CameBack
from crm_mail.reports.saved_work_listings import ScheduleHistory, SendOrders


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
