"""Addresses that were erased, kept as hashes: an import that brings one back says so (art. 17 GDPR).

A hash tells no address to whoever reads the table; whoever has an address can find out that it is in it: that is what
it is for.
"""

import hashlib
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import ErasedAddress
from crm_mail.delivery.addresses import address_key


def digest_of(company_id: int, address: str) -> str:
    """The hash of an address within a company."""
    return hashlib.sha256(f"crm-mail erased {company_id} {address_key(address)}".encode()).hexdigest()


def remember_erased(session: Session, company_id: int, addresses: Iterable[str]) -> int:
    """Note that addresses were erased; how many were not noted yet."""
    wanted = {digest_of(company_id, one) for one in addresses}
    query = select(ErasedAddress.digest).where(
        ErasedAddress.company_id == company_id, ErasedAddress.digest.in_(wanted)
    )
    fresh = wanted - set(session.scalars(query))
    session.add_all(ErasedAddress(company_id=company_id, digest=one) for one in sorted(fresh))
    return len(fresh)


def erased_digests(session: Session, company_id: int) -> frozenset[str]:
    """Every hash of a company: few, as requests of persons are."""
    query = select(ErasedAddress.digest).where(ErasedAddress.company_id == company_id)
    return frozenset(session.scalars(query))


class ErasedAddresses:
    """Whether an address of a company was erased: read once, on the first question."""

    def __init__(self, session: Session, company_id: int) -> None:
        self._session, self._company_id = session, company_id
        self._digests: frozenset[str] | None = None

    def __contains__(self, address: object) -> bool:
        if self._digests is None:
            self._digests = erased_digests(self._session, self._company_id)
        return bool(self._digests) and digest_of(self._company_id, str(address)) in self._digests
