"""Files of events in the hot folder (issue 6, section 3): taken in once, refused with the reason."""

import json
from pathlib import Path

from sqlalchemy import select

from crm_mail.events.models import InboundEvent
from crm_mail.importers.folders.watch import FileReport, Watcher
from crm_mail.installation import Installation
from tests.factories import make_company

EVENT = {
    "id": "77",
    "kind": "fuel.sold",
    "occurred_at": "2026-11-22T10:00:00+01:00",
    "data": {"party_code": "C1", "litres": 40},
}


def look(home: Installation, company_id: int) -> list[FileReport]:
    told: list[FileReport] = []
    watcher = Watcher(home, company_id, told.append)
    watcher.turn()
    watcher.turn()
    return told


def test_a_file_of_events_is_taken_in_once_and_a_wrong_one_is_refused_whole(
    sqlite_home: Installation,
) -> None:
    with sqlite_home.database.write() as session:
        company_id = make_company(session, code="ACME").id
    folder = Path(sqlite_home.settings.resolved_hot_folder_root) / "ACME"
    folder.mkdir(parents=True)
    (folder / "sales.events.json").write_text(json.dumps([EVENT, EVENT | {"id": "78"}, EVENT]))
    (folder / "one.event.json").write_text(json.dumps(EVENT))
    (folder / "bad.events.json").write_text(
        json.dumps([EVENT | {"id": "79"}, EVENT | {"occurred_at": "today"}])
    )
    outcomes = {one.name: one.outcome for one in look(sqlite_home, company_id)}
    assert outcomes.pop("bad.events.json") == "refused"
    assert set(outcomes.values()) == {"created"}
    (folder / "again.events.json").write_text(json.dumps([EVENT]))
    assert [one.outcome for one in look(sqlite_home, company_id)] == ["unchanged"]
    reason = (folder / "error" / "bad.events.json.reason.txt").read_text(encoding="utf-8")
    assert "event 77 has no occurred_at" in reason
    with sqlite_home.database.read() as session:
        kept = session.scalars(select(InboundEvent).order_by(InboundEvent.event_id)).all()
        assert [(one.event_id, one.source, one.data["litres"]) for one in kept] == [
            ("77", "folder", 40),
            ("78", "folder", 40),
        ]
