"""The movements of a hot folder, on a real disk; and one way through the database (BX-12)."""

import json
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.importers.folders import watch as folder_watch
from crm_mail.importers.folders.claims import try_folder
from crm_mail.importers.folders.hot_folder import Claim, HotFolder
from crm_mail.importers.folders.settings import FolderInvalid, resolve_path
from crm_mail.importers.folders.watch import FileReport, Watcher
from crm_mail.importers.models import HotFolderFile
from crm_mail.installation import Installation
from tests.factories import make_company, make_party

TODAY = date(2026, 11, 21)


def put(folder: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        (folder / name).write_bytes(content)


def leads(folder: HotFolder, after: float = 0.0) -> list[str]:
    return [group.lead for group in folder.ready(time.time() + after)]


def claim_only(folder: HotFolder) -> Claim:
    folder.ready(time.time())
    [group] = folder.ready(time.time())
    claim = folder.claim(group)
    assert claim is not None
    return claim


def test_a_growing_file_waits_and_a_marker_takes_it_at_once(tmp_path: Path) -> None:
    folder = HotFolder(tmp_path)
    put(tmp_path, "a.zip", "b.zip", "b.zip.ok", "~$c.zip", "d.zip.part", ".e.zip")
    assert leads(folder) == ["b.zip"]
    put(tmp_path, "a.zip", content=b"xx")
    assert leads(folder) == ["b.zip"]
    assert leads(folder) == ["a.zip", "b.zip"]


def test_a_lone_half_waits_for_the_other_and_then_goes_alone(tmp_path: Path) -> None:
    folder = HotFolder(tmp_path, wait_seconds=60, stands_alone=lambda name: name == "named.pdf")
    put(tmp_path, "a.xml", "b.xml", "B.PDF", "b_Adj1.pdf", "named.pdf")
    leads(folder)
    assert leads(folder) == ["b.xml", "named.pdf"]
    assert leads(folder, after=61) == ["a.xml", "b.xml", "named.pdf"]


def test_a_json_waits_for_the_files_that_it_names(tmp_path: Path) -> None:
    folder = HotFolder(tmp_path, wait_seconds=60, named_by=lambda _path: {"x.pdf", "y.jpg"})
    put(tmp_path, "a.json", "x.pdf")
    leads(folder)
    assert leads(folder) == []
    put(tmp_path, "y.jpg")
    leads(folder)
    [group] = folder.ready(time.time())
    assert group.names == ("a.json", "x.pdf", "y.jpg")


def test_of_two_watchers_one_has_the_file(tmp_path: Path) -> None:
    put(tmp_path, "a.xml", "a.pdf")
    one, two = HotFolder(tmp_path), HotFolder(tmp_path)
    for folder in (one, two):
        folder.ready(time.time())
    [mine], [theirs] = one.ready(time.time()), two.ready(time.time())
    assert one.claim(mine) is not None
    assert two.claim(theirs) is None
    assert sorted(path.name for path in (tmp_path / "processing").glob("*/*")) == ["a.pdf", "a.xml"]


def test_what_a_dead_watcher_left_is_taken_up_again_once(tmp_path: Path) -> None:
    put(tmp_path, "a.xml", "a.pdf")
    claim = claim_only(HotFolder(tmp_path))
    now = time.time()
    assert list(HotFolder(tmp_path).abandoned(now)) == []  # its watcher lives: it is this process
    dead = claim.folder.with_name("another-machine~1~00~00")
    claim.folder.rename(dead)
    assert list(HotFolder(tmp_path).abandoned(now)) == []
    [found] = HotFolder(tmp_path).abandoned(now + 3600)
    assert found.group.names == ("a.xml", "a.pdf")
    assert list(HotFolder(tmp_path).abandoned(now)) == []


def test_done_and_error_never_overwrite(tmp_path: Path) -> None:
    folder = HotFolder(tmp_path)
    for _turn in range(2):
        put(tmp_path, "a.xml", "a.pdf")
        folder.finish(claim_only(folder), TODAY)
        put(tmp_path, "b.pdf")
        folder.refuse(claim_only(folder), "Perché no.")
    put(tmp_path, "c.zip")
    folder.finish(claim_only(folder), TODAY, is_deleted=True)
    moved = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert moved == [
        *("done/2026-11-21/a (2).pdf", "done/2026-11-21/a (2).xml"),
        *("done/2026-11-21/a.pdf", "done/2026-11-21/a.xml"),
        *("error/b (2).pdf", "error/b (2).pdf.reason.txt", "error/b.pdf", "error/b.pdf.reason.txt"),
    ]
    assert (tmp_path / "error" / "b.pdf.reason.txt").read_text(encoding="utf-8") == "Perché no.\n"
    assert list((tmp_path / "processing").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_waits(tmp_path: Path) -> None:
    put(tmp_path, "a.zip")
    (tmp_path / "a.zip").chmod(0)
    folder = HotFolder(tmp_path)
    folder.ready(time.time())
    [group] = folder.ready(time.time())
    assert folder.claim(group) is None
    assert (tmp_path / "a.zip").exists()


@pytest.mark.parametrize("text", ["", ".", "..", "../x", "/etc", "a/../..", "link/x"])
def test_a_folder_outside_the_root_is_refused(tmp_path: Path, text: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(FolderInvalid):
        resolve_path(root, text)
    assert try_folder(resolve_path(root, "a/b")) == ""


Office = tuple[Installation, Path, Callable[[], list[FileReport]]]


@pytest.fixture
def office(sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A company with one customer, its folder, and a watcher's two looks."""
    with sqlite_home.database.write() as session:
        company = make_company(session, code="ACME", language="it")
        make_party(session, company, code="000101", name="Rossi")
        company_id = company.id
    folder = sqlite_home.settings.resolved_hot_folder_root / "ACME"
    folder.mkdir(parents=True)
    monkeypatch.setattr(folder_watch, "PEEK_BYTES", 1 << 20)

    def look() -> list[FileReport]:
        told: list[FileReport] = []
        watcher = Watcher(sqlite_home, company_id, told.append)
        watcher.turn()
        watcher.turn()
        return told

    return sqlite_home, folder, look


def test_files_become_documents_once_and_a_crash_before_the_move_loses_and_doubles_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder, look = office
    note = {"type": "delivery_note", "number": "7", "date": "2026-11-20", "party": {"code": "000101"}}
    bad = {"type": "invoice", "number": "8", "date": "20.11.2026", "party": {"code": "000101"}}
    lines = [{"description": "Pompa", "qty": "1"}]
    text = json.dumps([note | {"lines": lines}, bad])
    (folder / "list.json").write_text(text)
    (folder / "list.json.ok").touch()

    def die(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(HotFolder, "refuse", die)
        with pytest.raises(KeyboardInterrupt):
            look()
    [left] = (folder / "processing").iterdir()
    left.rename(left.with_name("another-machine~1~00~00"))
    os.utime(folder / "processing" / "another-machine~1~00~00", (0, 0))

    [report] = look()
    assert report.outcome == "refused"
    reason = (folder / "error" / "list.json.reason.txt").read_text(encoding="utf-8")
    assert "[2]" in reason
    assert "20.11.2026" in reason
    with home.database.read() as session:
        [document] = session.scalars(select(Document)).all()
        assert (document.number, document.version, session.get_one(Party, document.party_id).name) == (
            "7",
            1,
            "Rossi",
        )
        lines_kept = session.scalars(select(HotFolderFile).order_by(HotFolderFile.id)).all()
        assert [(line.document_ids, line.is_settled) for line in lines_kept] == [
            ([document.id], True),
            ([document.id], False),
        ]
