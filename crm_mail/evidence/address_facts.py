"""What an accettazione teaches of an address: PEC or not (`certificato`, `esterno`), by the sender's own operator.

The verdict is kept with its source, *receipt*, where the ladder (`delivery.domains.pec_ladder`) finds it: an address
whose card says nothing is what the receipt says. An address that a person (or an import) called otherwise keeps that
word, and the card shows the contradiction (`contradicted_addresses`).
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import ContactAddress
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.models import AddressVerdict, VerdictSource
from crm_mail.delivery.routing import AddressKind


def learn_kind(session: Session, address: str, is_pec: bool, at: datetime, detail: str = "") -> None:
    """Keep what a genuine receipt says of an address; a later receipt replaces an earlier one, never the reverse."""
    subject, kind = address_key(address), AddressKind.PEC if is_pec else AddressKind.ORDINARY
    verdict = session.scalar(
        select(AddressVerdict).where(
            AddressVerdict.subject == subject, AddressVerdict.source == VerdictSource.RECEIPT
        )
    )
    if verdict is None:
        verdict = AddressVerdict(subject=subject, source=VerdictSource.RECEIPT, kind=kind, decided_at=at)
        session.add(verdict)
    elif verdict.decided_at > at:
        return
    verdict.kind, verdict.decided_at, verdict.detail, verdict.expires_at = kind, at, detail[:300], None


def contradicted_addresses(session: Session, addresses: list[ContactAddress]) -> dict[str, AddressVerdict]:
    """Of these addresses, those of which a receipt said another kind than the card: by address, the verdict."""
    known = {one.email: one.kind for one in addresses if one.kind is not AddressKind.UNKNOWN}
    query = select(AddressVerdict).where(
        AddressVerdict.source == VerdictSource.RECEIPT,
        AddressVerdict.subject.in_([address_key(a) for a in known]),
    )
    found = {verdict.subject: verdict for verdict in session.scalars(query)}
    return {
        email: found[address_key(email)]
        for email, kind in known.items()
        if address_key(email) in found and found[address_key(email)].kind is not kind
    }
