"""A full disk: a store on a file system of 64 KB. Nothing is half-written, the message says what to do."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crm_mail.documents.models import Document
from crm_mail.installation import Installation
from crm_mail.schema import upgrade
from crm_mail.storage import LocalBlobStore
from tests.cli.commands import crm_mail
from tests.conftest import make_settings
from tests.factories import make_company

INVOICE = Path(__file__).resolve().parents[1] / "samples" / "fatturapa"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 KB; skipped where mounting is not allowed."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False, timeout=20)
    except OSError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=20)


def test_a_full_disk_keeps_what_is_there_and_leaves_no_half_file(small_disk: Path) -> None:
    store = LocalBlobStore(small_disk)
    kept = store.put(b"x" * 1000)
    with pytest.raises(OSError, match="No space left"):
        store.put(os.urandom(100_000))
    assert list(store.hashes()) == [kept]
    assert not list(small_disk.rglob(".new-*"))
    assert store.read(kept) == b"x" * 1000


def test_an_import_on_a_full_disk_keeps_no_document_without_its_file(
    small_disk: Path, tmp_path: Path
) -> None:
    """The database has room, the store has none: the document is not there, and the same command works later."""
    home = Installation(make_settings(tmp_path / "data", database_url=""))
    upgrade(home.database)
    with home.database.write() as session:
        make_company(session, code="ACME")
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 60 * 1024)
    (tmp_path / "data" / "files").symlink_to(small_disk)
    sample = next(p for p in sorted(INVOICE.glob("*.xml")) if 4096 < p.stat().st_size < 40_000)
    invoice = tmp_path / "1.xml"  # files are taken in the order of their names
    invoice.write_bytes(sample.read_bytes())
    command = ("import", "documents", str(invoice), "--company", "ACME", "--json")
    (tmp_path / "0.xml").write_text("<nothing/>")
    done = crm_mail(tmp_path / "data", "import", "documents", str(tmp_path / "0.xml"), *command[2:])
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert "No space left" in told["error"]
    assert [Path(one["file"]).name for one in told["errors"]] == ["0.xml"]
    assert (told["created"], told["not_read"]) == (0, [str(invoice)])
    with home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 0
    filler.unlink()
    assert json.loads(crm_mail(tmp_path / "data", *command).stdout)["created"] > 0
