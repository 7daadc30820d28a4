"""Preparing a mailing to 200,000 contacts: chosen, asked for consent, written, beside django-post_office queueing.

Customers that never said no (soft opt-in), a text of two placeholders in plain text and HTML. Each turn is a process of
its own, so that its memory is its own.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, insert, select

from bench.figures import Figure
from bench.office import make_sender, office, open_office
from bench.prepare import run_module
from crm_mail.campaigns.content import mark_of
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.service import begin_campaign, change_text, prepare_campaign
from crm_mail.composers import register_composers
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party
from crm_mail.db import now
from crm_mail.delivery.routing import AddressKind
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.tasks import fill_one_run
from crm_mail.permissions import INSTALLATION

CONTACTS = 200_000
LIMIT_SECONDS = 60.0
AT_ONCE = 10_000
TEXT = MessageText(
    "Novità per {{ party.name }}",
    "Gentile {{ contact.name }},\nle novità della primavera sono arrivate.\n",
    "<p>Gentile {{ contact.name }}, le novità della primavera sono arrivate.</p>",
)


def seed(home: Installation, count: int) -> int:
    """A company with as many customers, each with a contact and an address; the company's id."""
    with home.database.write() as session:
        company_id = make_sender(session, 25, 2, is_default=True).company_id
        for start in range(1000, count + 1000, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, count + 1000))
            session.execute(
                insert(Party),
                [
                    {
                        "id": n,
                        "company_id": company_id,
                        "code": f"{n:07}",
                        "name": f"Cliente {n}",
                        "name_key": f"cliente {n}",
                    }
                    for n in numbers
                ],
            )
            people = [
                {
                    "id": n,
                    "company_id": company_id,
                    "party_id": n,
                    "name": f"Anna {n}",
                    "name_key": f"anna {n}",
                    "state": ContactState.ACTIVE,
                }
                for n in numbers
            ]
            session.execute(insert(Contact), people)
            session.execute(
                insert(ContactAddress),
                [
                    {
                        "contact_id": n,
                        "email": f"c{n}@customer.example",
                        "kind": AddressKind.ORDINARY,
                        "position": 0,
                    }
                    for n in numbers
                ],
            )
    return company_id


def prepare(folder: Path) -> dict[str, float]:
    """One mailing in this process: messages, seconds, resident memory at its highest in MB."""
    home = open_office(folder)
    register_composers()
    with home.database.read() as session:
        company_id = session.scalar(select(Party.company_id).limit(1))
        turn = len(session.scalars(select(Campaign.id)).all())
    assert company_id is not None
    began = time.perf_counter()
    with home.database.write() as session:
        campaign = begin_campaign(
            session, INSTALLATION, company_id, f"Spring {turn}", "generic", "commercial"
        )
        change_text(session, INSTALLATION, campaign, "it", TEXT)
        campaign.tested_at, campaign.tested_mark = now(), mark_of(campaign)
        run_id = prepare_campaign(session, INSTALLATION, campaign).id
    fill_one_run(home, run_id)
    seconds = time.perf_counter() - began
    with home.database.read() as session:
        messages = session.scalar(select(func.count()).where(Message.run_id == run_id)) or 0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"messages": messages, "seconds": seconds, "memory": memory}


def measure(times: int = 3, count: int = CONTACTS) -> list[Figure]:
    """Seconds for one mailing; the peer queues a twentieth as many mails, counted up."""
    seconds, peer, memory = [], [], []
    for _ in range(times):
        with office() as home, tempfile.TemporaryDirectory(prefix="peer-bench-") as folder:
            seed(home, count)
            home.database.dispose()
            found = run_module("bench.mailing", str(home.settings.data_dir))
            if found["messages"] != count:
                raise RuntimeError(f"prepared {found} of {count}")
            seconds.append(found["seconds"])
            memory.append(found["memory"])
            part = max(100, count // 20)
            queued = run_module("bench.peer", folder, "0", str(part), "600", "-")["queued"]
            peer.append(count / queued)
    notes = {"contacts": count, "resident_mb": round(max(memory))}
    return [
        Figure(
            "mailing",
            "s",
            seconds,
            "django-post_office queueing",
            peer,
            LIMIT_SECONDS * count / CONTACTS,
            None,
            notes,
        )
    ]


if __name__ == "__main__":
    print(json.dumps(prepare(Path(sys.argv[1]))))
