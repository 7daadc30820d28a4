"""Printing documents of every layout through the pool of processes, in documents a second.

Each layout is measured with the product's own sample of it (a handful of lines); an invoice of 15 lines and a statement
of 80 movements also beside the same documents one after the other in one process.
"""

import json
import subprocess
import sys
import time
from typing import Any

from bench.figures import Figure, interleave
from crm_mail.demo.document_samples import sample_document, sample_names, variant_names
from crm_mail.documents.pdf_layouts import layout_for
from crm_mail.documents.pdf_markup import Theme
from crm_mail.documents.pdf_pool import PdfPool, RenderJob
from crm_mail.documents.rendering import pdf_available, render_pdf

COMPANY = {
    "name": "Officine Rossi & C. S.r.l.",
    "address": "Via Roma 12",
    "postcode": "10121",
    "city": "Torino",
    "province": "TO",
    "country": "IT",
    "vat_number": "IT01234567890",
}
PARTY = {"code": "000123", "name": "Società Agricola S.n.c.", "postcode": "39100", "city": "Bolzano"}


def invoice(number: int) -> dict[str, Any]:
    """One page, 15 lines."""
    line = {"qty": "12.5", "uom": "pz", "price": "1234.5678", "net": "1234.50", "tax_code": "22"}
    return {
        "type": "invoice",
        "number": str(number),
        "date": "2026-11-21",
        "currency": "EUR",
        "company": COMPANY,
        "party": PARTY,
        "lines": [{"code": f"ART-{n}", "description": f"Vite nº {n}", **line} for n in range(15)],
        "tax_summary": [{"rate": "22", "base": "1000.00", "tax": "220.00"}],
        "totals": {"net": "1000.00", "tax": "220.00", "gross": "1220.00"},
    }


def statement(number: int) -> dict[str, Any]:
    """Two pages, 80 movements."""
    movement = {"date": "2026-03-01", "debit": "50", "balance": "150"}
    return {
        "type": "account_statement",
        "as_of": "2026-11-21",
        "currency": "EUR",
        "company": COMPANY,
        "party": PARTY,
        "opening": str(number),
        "entries": [{"number": f"{n}/A", "overdue_days": n % 3, **movement} for n in range(80)],
        "closing": "-150.00",
    }


LONG = {"invoice_15_lines": invoice, "statement_80_movements": statement}


def samples() -> list[str]:
    """Every printed layout: a sample of each type, the stamped CFDI, the other forms of statements and reminders."""
    return [*sample_names(), *variant_names()]


def document(name: str, number: int) -> dict[str, Any]:
    """The document of that name; another number gives another document."""
    return LONG[name](number) if name in LONG else sample_document(name) | {"number": str(number)}


def jobs(name: str, count: int) -> list[RenderJob]:
    """As many different documents of a layout."""
    made = [document(name, number) for number in range(count)]
    return [
        RenderJob(f"{name}-{number}", layout_for(str(data["type"]), data), data, "it", Theme())
        for number, data in enumerate(made)
    ]


def in_one_process(name: str, count: int) -> float:
    """Documents a second, in a fresh process, after its first document."""
    answer = subprocess.run(
        [sys.executable, "-m", "bench.render", name, str(count)], check=True, capture_output=True, text=True
    )
    return float(json.loads(answer.stdout))


def measure(times: int = 3, count: int = 8) -> list[Figure]:
    """Each layout: documents a second with the pool warm; long documents also in one process."""
    is_available, why_not = pdf_available()
    if not is_available:
        sys.exit(why_not)
    figures = []
    with PdfPool() as pool:
        for name in [*LONG, *samples()]:
            list(pool.render_many(jobs(name, pool.size)))  # layout and stylesheet are read once in a process

            def pooled(name: str = name) -> float:
                wanted = jobs(name, count)
                began = time.perf_counter()
                results = list(pool.render_many(wanted))
                assert all(result.content for result in results)
                return count / (time.perf_counter() - began)

            def alone(name: str = name) -> float:
                return in_one_process(name, max(4, count // 4))

            if name in LONG:
                values, baseline = interleave(times, pooled, alone)
                figures.append(Figure(f"render {name}", "documents/s", values, "one process", baseline))
            else:
                (values,) = interleave(times, pooled)
                figures.append(Figure(f"render {name}", "documents/s", values))
    return figures


if __name__ == "__main__":
    wanted = jobs(sys.argv[1], int(sys.argv[2]) + 1)
    render_pdf(wanted[0].layout, wanted[0].data, wanted[0].language, wanted[0].theme)
    started = time.perf_counter()
    for job in wanted[1:]:
        render_pdf(job.layout, job.data, job.language, job.theme)
    print(json.dumps((len(wanted) - 1) / (time.perf_counter() - started)))
