"""Preparing a run of 100,000 messages without printing, beside django-post_office queueing (`send_many`).

The peer only writes its rows: it chooses no recipient, fills no text, explains nothing.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.figures import Figure
from bench.office import make_sender, office, open_office
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.installation import Installation
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import create_run, fill_run
from crm_mail.permissions import INSTALLATION

AT_ONCE = 10_000


def seed(home: Installation, count: int) -> int:
    """A company with as many parties, each with an address and an invoice; the company's id."""
    sha256 = home.store.put(b"%PDF-1.7 an invoice")
    with home.database.write() as session:
        account = make_sender(session, 25, 2, is_default=True)
        company_id = account.company_id
        for start in range(100, count + 100, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, count + 100))
            session.execute(insert(Party), [_party(company_id, n) for n in numbers])
            session.execute(insert(Document), [_document(company_id, n) for n in numbers])
            session.execute(insert(DocumentFile), [_file(n, sha256) for n in numbers])
    return company_id


def _party(company_id: int, number: int) -> dict[str, Any]:
    name = f"Cliente {number} S.r.l."
    return {
        "id": number,
        "company_id": company_id,
        "code": f"{number:07}",
        "name": name,
        "name_key": name.lower(),
        "email": f"cliente{number}@customer.example",
    }


def _document(company_id: int, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "company_id": company_id,
        "party_id": number,
        "type": DocumentType.INVOICE,
        "number": str(number),
        "dated_on": date(2026, 11, 2),
        "is_mailable": True,
        "natural_key": f"invoice/2026//{number}",
    }


def _file(number: int, sha256: str) -> dict[str, Any]:
    return {
        "document_id": number,
        "position": 0,
        "role": "main",
        "name": f"fattura-{number}.pdf",
        "mime": "application/pdf",
        "sha256": sha256,
        "size": 19,
    }


def prepare(folder: Path) -> dict[str, float]:
    """One preparation in this process: messages, seconds, resident memory at its highest in MB."""
    home = open_office(folder)
    with home.database.read() as session:
        company_id = session.query(Company.id).scalar()
    began = time.perf_counter()
    with home.database.write() as session:
        criteria = Criteria(PartyFilter(company_id), ("invoice",))
        run = create_run(session, INSTALLATION, criteria)
        prepared = fill_run(session, INSTALLATION, run, home.store.has)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"messages": prepared.messages, "blocked": prepared.blocked, "seconds": seconds, "memory": memory}


def measure(times: int = 5, count: int = 100_000) -> list[Figure]:
    """Messages a second, each time in a fresh process on the same documents; the peer queues a tenth as many."""
    ours, peer, memory = [], [], []
    with office() as home:
        seed(home, count)
        home.database.dispose()
        for _ in range(times):
            found = run_module("bench.prepare", str(home.settings.data_dir))
            if found["messages"] != count or found["blocked"]:
                raise RuntimeError(f"prepared {found} of {count}")
            ours.append(count / found["seconds"])
            memory.append(found["memory"])
            with tempfile.TemporaryDirectory(prefix="peer-bench-") as folder:
                peer.append(
                    run_module("bench.peer", folder, "0", str(max(100, count // 10)), "600", "-")["queued"]
                )
    notes = {"messages": count, "resident_mb": round(max(memory))}
    return [
        Figure("prepare", "messages/s", ours, "django-post_office queueing", peer, 5000.0, None, notes),
    ]


def run_module(module: str, *arguments: str) -> dict[str, float]:
    """What a program of its own measured: the last line that it prints, JSON."""
    command = [sys.executable, "-m", module, *arguments]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=3600)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(prepare(Path(sys.argv[1]))))
