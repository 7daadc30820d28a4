"""The text log of a run, in exactly the format of RP-15: one line per message.

``Sociedad: SM02 | NoCliente: 1006210 | FechaCorte: 20200302 | NombreCliente: … | CorreoDestino: a@b | Enviado: ok``

What the source of the format leaves open is decided here: failures (RP-17) are ``Enviado: error (the server's own
answer)``, uncertain messages ``Enviado: incierto (…)``, those that a person or a check kept back ``Enviado: no enviado
(…)``, those not settled yet ``Enviado: pendiente``. A message with Cc lists every address once, separated by ``;`` as
in RP-2. The words stay Spanish in every language: programs read this file.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.outbox.models import Run
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor
from crm_mail.reports.rows import ReportRow, run_rows

LINE_END = "\r\n"
_SEPARATORS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_WITHHELD = {
    "": "excluido por una persona",
    "by_person": "excluido por una persona",
    "merged_into_other": "unido a otro mensaje",
    "blocked": "bloqueado",
    "sent_meanwhile": "ya enviado",
    "queued_meanwhile": "en espera en otro envío",
    "voided_meanwhile": "documento anulado",
    "rejected_meanwhile": "rechazado por el SdI",
    "replaced_meanwhile": "documento sustituido",
    "party_blocked_meanwhile": "cliente bloqueado",
    "contact_changed_meanwhile": "contacto modificado",
    "unsubscribed_meanwhile": "contacto dado de baja",
    "unsubscribed": "sin consentimiento",
    "suppressed_meanwhile": "dirección suprimida",
    "pressure_meanwhile": "límite de publicidad",
}


def cut_off_date(run: Run, company: Company) -> date:
    """*FechaCorte*: the last day of the documents asked for, else the day of the commit in the company's time zone."""
    to_on = run.criteria.get("to_on")
    if to_on:
        return date.fromisoformat(str(to_on))
    return in_zone(run.committed_at or run.created_at or now(), company).date()


def in_zone(moment: datetime, company: Company) -> datetime:
    """A time as the company's clock shows it."""
    return moment.astimezone(ZoneInfo(company.timezone))


def log_name(run: Run, company: Company) -> str:
    """``LogEnvioMasivo_yyyymmdd.txt``, with the day that its lines name."""
    return f"LogEnvioMasivo_{cut_off_date(run, company):%Y%m%d}.txt"


def log_lines(session: Session, actor: Actor, run: Run) -> Iterator[str]:
    """The lines without their ends, in the order of the run; bounded memory."""
    company = session.get_one(Company, run.company_id)
    cut_off = f"{cut_off_date(run, company):%Y%m%d}"
    for row in run_rows(session, actor, run, is_full=False):
        yield log_line(row, company.code, cut_off)


def log_line(row: ReportRow, company_code: str, cut_off: str) -> str:
    """One line (pure)."""
    fields = (
        ("Sociedad", company_code),
        ("NoCliente", row.party_code),
        ("FechaCorte", cut_off),
        ("NombreCliente", row.party_name),
        ("CorreoDestino", ";".join(row.recipients)),
        ("Enviado", _result(row)),
    )
    return " | ".join(f"{name}: {_on_one_line(value)}".rstrip() for name, value in fields)


def _on_one_line(text: str) -> str:
    """Bars would be taken for separators, line breaks for new lines."""
    return _SEPARATORS.sub(" ", text.replace("|", "/")).strip()


def _result(row: ReportRow) -> str:
    if row.is_sent:
        return "ok"
    detail = row.detail or row.cause or "sin detalle"
    if row.state is MessageState.FAILED:
        return f"error ({detail})"
    if row.state is MessageState.BOUNCED:
        return f"error (devuelto: {detail})"
    if row.state is MessageState.UNCERTAIN:
        return f"incierto ({detail})"
    if row.state is MessageState.CANCELLED:
        return "no enviado (cancelado)"
    if row.state is MessageState.WITHHELD:
        return f"no enviado ({_WITHHELD.get(row.withheld_reason, row.withheld_reason)})"
    return f"pendiente ({detail})" if row.state is MessageState.RETRYING else "pendiente"
