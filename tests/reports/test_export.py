"""Downloads of the end report, on both databases: the text log to the letter, and spreadsheets that stay harmless."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from crm_mail.outbox.models import Run
from crm_mail.permissions import Actor
from crm_mail.reports.export import ReportFormat, csv_chunks, file_name, report_json, text_chunks, write_xlsx
from crm_mail.reports.text_log import cut_off_date, log_lines
from tests.factories import make_account, make_actor, make_company, make_party
from tests.reports.finished_run import FinishedRun, make_message, make_run

FROM_THE_MANUAL = """\
Sociedad: SM02 | NoCliente: 1006210 | FechaCorte: 20200302 | NombreCliente: AGRO EQUIPOS Y CONSTRUCCIONES CARSO S DE RL DE CV | CorreoDestino: david.loredo@alliax.example | Enviado: ok
Sociedad: SM02 | NoCliente: 1004273 | FechaCorte: 20200302 | NombreCliente: PLUMBERS CENTER SA DE CV | CorreoDestino: david.loredo@alliax.example | Enviado: ok
Sociedad: SM02 | NoCliente: 1004274 | FechaCorte: 20200302 | NombreCliente: FELIPE BARRERA MALDONADO | CorreoDestino: david.loredo@alliax.example | Enviado: ok
"""  # noqa: E501


def rows_of_csv(session: Session, actor: Actor, run: Run, language: str) -> list[dict[str, str]]:
    text = b"".join(csv_chunks(session, actor, run, language)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";" if language != "en" else ","))


def test_the_log_is_the_one_of_the_manual_to_the_letter(session: Session) -> None:
    """RP-15."""
    company = make_company(session, code="SM02", timezone="America/Mexico_City")
    account = make_account(session, company)
    run = make_run(session, company, committed_at=datetime(2020, 3, 3, 1, 30, tzinfo=UTC))
    for line in FROM_THE_MANUAL.splitlines():
        fields = dict(part.split(": ", 1) for part in line.split(" | "))
        party = make_party(session, company, code=fields["NoCliente"], name=fields["NombreCliente"])
        make_message(session, run, party, account, to_address=fields["CorreoDestino"])
    assert "\n".join(log_lines(session, make_actor(), run)) + "\n" == FROM_THE_MANUAL
    assert b"".join(text_chunks(session, make_actor(), run)) == FROM_THE_MANUAL.replace("\n", "\r\n").encode()
    assert file_name(run, company, ReportFormat.TXT) == "LogEnvioMasivo_20200302.txt"


def test_every_fate_has_a_line_and_a_name_cannot_break_the_format(session: Session) -> None:
    """RP-17."""
    made = FinishedRun(session)
    lines = list(log_lines(session, make_actor(), made.run))
    assert len(lines) == 8
    assert all(line.count(" | ") == 5 for line in lines)
    assert "NombreCliente: Ñandú / Hijos =SUM(A1) |" in lines[0]
    ends = [line.rpartition("Enviado: ")[2] for line in lines]
    answer = "550 5.1.1 <uno@customer.example>: Recipient address rejected: User unknown"
    assert ends[0] == "ok"
    assert ends[2] == f"error (uno@customer.example: {answer})"
    assert ends[4] == "error (Connection refused)"
    assert ends[5:] == [
        "incierto (no answer came)",
        "no enviado (documento anulado)",
        "no enviado (cancelado)",
    ]


def test_a_recipient_with_copies_has_each_address_once(session: Session) -> None:
    """RP-17, RP-2."""
    made = FinishedRun(session)
    message = made.add(session, to_address="a@x.example", cc=["b@x.example", "A@X.example"])
    line = next(line for line in log_lines(session, make_actor(), made.run) if "b@x.example" in line)
    assert (
        "CorreoDestino: A@X.example;b@x.example" in line or "CorreoDestino: a@x.example;b@x.example" in line
    )
    assert message.id


def test_the_cut_off_date_is_the_last_day_asked_for(session: Session) -> None:
    made = FinishedRun(session)
    made.run.criteria = {"to_on": "2020-02-29"}
    assert f"{cut_off_date(made.run, made.company):%Y%m%d}" == "20200229"


def test_without_a_last_day_it_is_the_day_of_the_commit_on_the_companys_clock(session: Session) -> None:
    made = FinishedRun(session)
    assert cut_off_date(made.run, made.company).isoformat() == "2020-03-02"
    made.company.timezone = "Asia/Tokyo"
    assert cut_off_date(made.run, made.company).isoformat() == "2020-03-03"


@pytest.mark.parametrize("language", ["it", "es", "en"])
def test_the_csv_keeps_codes_and_calculates_nothing(session: Session, language: str) -> None:
    made = FinishedRun(session)
    made.party.name = "=HYPERLINK(1)"
    made.add(session, party_name="=HYPERLINK(1)", subject="+1", recipient_name="@cmd")
    raw = b"".join(csv_chunks(session, make_actor(), made.run, language))
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = rows_of_csv(session, make_actor(), made.run, language)
    assert len(rows) == 9
    last = list(rows[-1].values())
    assert last[2] == "0012"
    assert {"'=HYPERLINK(1)", "'+1", "'@cmd"} <= set(last)


def test_the_workbook_keeps_codes_as_text_and_has_no_formula(session: Session, tmp_path: Path) -> None:
    made = FinishedRun(session)
    made.add(session, party_name="=1+1", subject="bell \x07 inside")
    write_xlsx(session, make_actor(), made.run, "it", tmp_path / "report.xlsx")
    sheet = load_workbook(tmp_path / "report.xlsx").active
    assert sheet is not None
    rows = list(sheet.iter_rows())
    assert len(rows) == 10
    assert all(cell.data_type != "f" for row in rows for cell in row)
    last = [cell.value for cell in rows[-1]]
    assert (last[2], last[3], last[9]) == ("0012", "=1+1", "bell   inside")
    assert isinstance(last[16], datetime)


def test_no_file_names_a_contact_above_the_clearance(session: Session, tmp_path: Path) -> None:
    """IT-17."""
    made = FinishedRun(session)
    actor = make_actor(clearance=2)
    write_xlsx(session, actor, made.run, "en", tmp_path / "report.xlsx")
    sheet = load_workbook(tmp_path / "report.xlsx").active
    assert sheet is not None
    texts = [
        b"".join(text_chunks(session, actor, made.run)).decode(),
        b"".join(csv_chunks(session, actor, made.run, "en")).decode(),
        json.dumps(report_json(session, actor, made.run)),
        str([[cell.value for cell in row] for row in sheet.iter_rows()]),
    ]
    for text in texts:
        assert "uno@customer.example" in text
        assert "segreto" not in text.lower()


def test_the_object_for_the_command_line_says_cause_count_remedy_and_answer(session: Session) -> None:
    made = FinishedRun(session)
    found = report_json(session, make_actor(), made.run)
    assert json.loads(json.dumps(found)) == found
    assert found["counts"] == {"sent": 2, "failed": 3, "uncertain": 1, "withheld": 1, "cancelled": 1}
    first = found["failures"][0]
    assert (first["cause"], first["count"]) == ("recipient", 2)
    assert "Correct the address" in first["remedy"]
    assert "User unknown" in first["answer"]
    assert found["left_out"][0]["count"] == 2
    assert found["messages"][0]["attachments"] == ["0012.pdf"]
