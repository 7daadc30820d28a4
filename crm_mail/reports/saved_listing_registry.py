"""Every list of the product that a report can show, in the order in which they are offered. Add your room's here."""

from crm_mail.reports import saved_listings
from crm_mail.reports.saved_audit_listing import AuditLines
from crm_mail.reports.saved_master_listings import Consents, Contacts, Customers, Suppliers, Suppressed
from crm_mail.reports.saved_outbox_listings import CameBack, LeftOutRows, Messages, Runs
from crm_mail.reports.saved_paper_listings import Documents, OpenItems


def register_listings() -> None:
    """Make every listing known (`saved_listings`); a second time changes nothing."""
    saved_listings.register(
        Documents(),
        OpenItems(),
        Runs(),
        Messages(),
        LeftOutRows(),
        CameBack(),
        Customers(),
        Suppliers(),
        Contacts(),
        Consents(),
        Suppressed(),
        AuditLines(),
    )
