"""Preparing a run of 100,000 messages without printing, beside django-post_office queueing (`send_many`).

The peer only writes its rows: it chooses no recipient, fills no text, explains nothing.
"""

import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.figures import Figure
from bench.office import make_sender, office
from crm_mail.contacts.models import Party
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.installation import Installation

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


def measure(times: int = 5, count: int = 100_000) -> list[Figure]:
    """Messages a second, each time in a fresh process on the same documents; the peer queues a tenth as many."""
    ours, peer, memory = [], [], []
    with office() as home:
        seed(home, count)
        home.database.dispose()
        for _ in range(times):
            found = run_module("bench.prepare_worker", str(home.settings.data_dir))
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
    """What a program of its own measured: the last line that it prints, JSON.

    ``memory`` in MB is the most that it and its children held at once, in two looks one after the other (a child that
    is being started shows its parent's memory for a moment); pages that they share count once.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        memory = last = 0.0
        while process.poll() is None:
            seen = resident_mb(process.pid)
            memory, last = max(memory, min(last, seen)), seen
            time.sleep(0.1)
        answer = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return {"memory": memory} | found


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, each page divided by those who share it (Linux: Pss)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has just ended
        return 0.0
    own = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return own / 1024 + sum(resident_mb(int(child)) for child in children)
