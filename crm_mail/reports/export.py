"""The report of a run as a file: text log (RP-15), CSV, XLSX, and JSON for the command line.

Rows are streamed; what a cell may hold is decided in `web.table_files`.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.delivery.routing import Channel
from crm_mail.document_types import TypeNames, type_label
from crm_mail.evidence.proof import Stage
from crm_mail.evidence.timeline_words import stage_words
from crm_mail.outbox.models import Run
from crm_mail.outbox.sending.answer_words import answer_words
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.why_words import describe_why, left_out_words, withheld_words
from crm_mail.permissions import Actor
from crm_mail.reports.languages import Translate, translator
from crm_mail.reports.queries import enhanced_of, failure_groups, left_out_reasons, run_totals
from crm_mail.reports.rows import ReportRow, run_rows
from crm_mail.reports.state_words import state_word
from crm_mail.reports.text_log import LINE_END, cut_off_date, in_zone, log_lines, log_name
from crm_mail.web import table_files

_CHUNK = 64 * 1024


class ReportFormat(StrEnum):
    """What a report can be downloaded as."""

    TXT = "txt"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


MIME_TYPES = {
    ReportFormat.TXT: "text/plain; charset=utf-8",
    ReportFormat.CSV: table_files.CSV_MIME,
    ReportFormat.XLSX: table_files.XLSX_MIME,
    ReportFormat.JSON: "application/json",
}


def file_name(run: Run, company: Company, chosen: ReportFormat) -> str:
    """What the download is called; the text log has the name of RP-15."""
    if chosen is ReportFormat.TXT:
        return log_name(run, company)
    return f"run-{run.id}-{company.code}-{cut_off_date(run, company):%Y%m%d}.{chosen.value}"


def text_chunks(session: Session, actor: Actor, run: Run) -> Iterator[bytes]:
    """The text log as UTF-8, lines ended as Windows and RFC 2046 (4.1.1) want it."""
    yield from _joined(line + LINE_END for line in log_lines(session, actor, run))


def csv_chunks(session: Session, actor: Actor, run: Run, language: str) -> Iterator[bytes]:
    """Every row as CSV (`table_files`)."""
    table = _table(session, run, language)
    rows = (table.values(row) for row in run_rows(session, actor, run))
    return table_files.csv_chunks(table.header(), rows, language)


def write_xlsx(session: Session, actor: Actor, run: Run, language: str, target: Path | IO[bytes]) -> None:
    """Every row as a workbook, written straight to a file or into an open one."""
    table = _table(session, run, language)
    rows = (table.values(row) for row in run_rows(session, actor, run))
    table_files.write_xlsx(table.header(), rows, target, "report")


def _table(session: Session, run: Run, language: str) -> "Table":
    company = session.get_one(Company, run.company_id)
    return Table(company, language, company_types(session, company.id).names)


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for line in lines:
        parts.append(line.encode())
        size += len(parts[-1])
        if size >= _CHUNK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


class Table:
    """The columns of CSV and XLSX, in the reader's language."""

    def __init__(self, company: Company, language: str, named: TypeNames) -> None:
        self._named = named
        self._company = company
        self._language = language
        self._translate: Translate = translator(language)

    def header(self) -> Sequence[str]:
        """The titles."""
        _ = self._translate
        return (
            _("Number"),
            _("State"),
            _("Party code"),
            _("Party"),
            _("Contact"),
            _("To"),
            _("Cc"),
            _("Channel"),
            _("Account"),
            _("Subject"),
            _("Documents"),
            _("Attachments"),
            _("Why"),
            _("Reason"),
            _("Code"),
            _("Server's answer"),
            _("Sent at"),
            _("Accepted at"),
            _("Delivered at"),
            _("Proof"),
        )

    def values(self, row: ReportRow) -> Sequence[Any]:
        """The values of one row; times on the company's clock."""
        documents = (
            f"{type_label(type_, self._language, self._named)} {number}" for type_, number in row.documents
        )
        return (
            row.id,
            state_word(row.state, self._translate),
            row.party_code,
            row.party_name,
            row.recipient_name,
            row.to,
            "; ".join(row.cc),
            row.channel.upper(),
            row.account,
            row.subject,
            "; ".join(documents),
            "; ".join(row.attachments),
            describe_why(row.why, self._translate, self._language, self._named),
            reason_word(row, self._translate),
            row.code,
            "" if row.is_sent else answer_words(row.detail, row.cause, self._translate),
            *(
                in_zone(at, self._company) if at else None
                for at in (row.sent_at, row.proof.accepted_at, row.proof.delivered_at)
            ),
            proof_word(row, self._translate),
        )


def reason_word(row: ReportRow, translate: Translate) -> str:
    """Why a row was not sent, in words; empty for a sent one."""
    if row.state.value == "withheld":
        return withheld_words(row.withheld_reason, translate)
    if row.is_sent or not row.cause or row.state.value not in ("failed", "bounced", "uncertain", "retrying"):
        return ""
    return cause_words(row.cause, row.code, enhanced_of(row.detail), translate)[0]


def proof_word(row: ReportRow, translate: Translate) -> str:
    """How far a row is proven to have come; empty where nothing is known."""
    stage = row.proof.stage
    return "" if stage is Stage.NOTHING else stage_words(stage, row.channel is Channel.PEC, translate)


def report_json(session: Session, actor: Actor, run: Run, language: str = "en") -> dict[str, Any]:
    """The report as one object, for ``crm-mail run report --format json``."""
    translate = translator(language)
    named = company_types(session, run.company_id).names
    return {
        "run": run.id,
        "state": run.state.value,
        "counts": run_totals(session, actor, run).states,
        "failures": [
            {
                "cause": group.cause,
                "code": group.code,
                "enhanced": group.enhanced,
                "title": cause_words(group.cause, group.code, group.enhanced, translate)[0],
                "count": group.count,
                "remedy": cause_words(group.cause, group.code, group.enhanced, translate)[1],
                "answer": group.answer,
            }
            for group in failure_groups(session, actor, run)
        ],
        "left_out": [
            {"reason": reason, "count": count, "title": left_out_words(reason, translate)[0]}
            for reason, count in left_out_reasons(session, actor, run)
        ],
        "hidden_recipients": run.hidden_recipients,
        "messages": [_message_json(row, translate, language, named) for row in run_rows(session, actor, run)],
    }


def _message_json(row: ReportRow, translate: Translate, language: str, named: TypeNames) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state.value,
        "party": row.party_code,
        "name": row.party_name,
        "to": row.to,
        "cc": list(row.cc),
        "channel": row.channel,
        "account": row.account,
        "subject": row.subject,
        "documents": [{"type": type_, "number": number} for type_, number in row.documents],
        "attachments": list(row.attachments),
        "why": describe_why(row.why, translate, language, named),
        "reason": reason_word(row, translate),
        "code": row.code,
        "answer": row.detail,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "accepted_at": row.proof.accepted_at.isoformat() if row.proof.accepted_at else None,
        "delivered_at": row.proof.delivered_at.isoformat() if row.proof.delivered_at else None,
        "proof": row.proof.stage.value,
    }
