"""A link in the folder of documents is no document, wherever it leads."""

from pathlib import Path

import pytest

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.folders.hot_folder import HotFolder
from crm_mail.importers.folders.taking import read_claim


def test_a_link_to_a_file_of_the_system_is_refused_unread(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"%PDF-1.7 nobody's business")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "invoice.xml").symlink_to(secret)
    watched = HotFolder(folder)
    watched.ready(0.0)
    (group,) = watched.ready(1e12)
    claim = watched.claim(group)
    assert claim is not None
    with pytest.raises(ImportRefused) as refused:
        read_claim(claim, 1_000_000)
    assert refused.value.code == "folder_file_odd"
