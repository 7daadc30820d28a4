"""The watcher of addresses of unknown kind: looks their domains' mail servers up before anybody prepares a run.

Any number of watchers may share a database: what two look up is looked up twice, and is the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from crm_mail.background import repeating
from crm_mail.contacts.address_kinds import waiting_domains
from crm_mail.db import now
from crm_mail.delivery.domains.mx_check import CheckedDomains, check_domains
from crm_mail.delivery.domains.resolver import shared_resolver
from crm_mail.installation import Installation

SECONDS = 300.0
FIRST_SECONDS = 20.0
MOST = 500
"""Domains of one round."""


def check_kinds(
    home: Installation, *, most: int = MOST, seconds: float = 60.0, company_id: int | None = None
) -> CheckedDomains:
    """One round: look up the domains that wait for it.

    Args:
        seconds: after which no further domain is begun.
        company_id: of this company alone.
    """
    with home.database.read() as session:
        domains = waiting_domains(session, now(), most, company_id)
    if not domains:
        return CheckedDomains()
    resolver = shared_resolver(home.settings.dns_servers)
    return check_domains(home.database, resolver, domains, seconds=seconds)


@contextmanager
def watching_kinds(home: Installation) -> Iterator[None]:
    """Look the domains up in a thread of this process, for as long as the block runs."""
    with repeating("kinds", lambda: check_kinds(home), SECONDS, first=FIRST_SECONDS, patience=10):
        yield
