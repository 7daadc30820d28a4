"""The authorities this installation believes receipts from: the built-in ones, and those put into its data folder."""

from functools import lru_cache
from pathlib import Path

from crm_mail.delivery.pec.trust_anchors import BUILT_IN, Anchors, read_anchors
from crm_mail.installation import Installation

FOLDER = "pec-anchors"
"""In the data folder: certificates of more authorities (.pem, .crt, .cer, .der), looked at again when it changes."""


def anchors_folder(home: Installation) -> Path:
    """Where more authorities are put."""
    return home.settings.pec_anchors or home.settings.data_dir / FOLDER


def anchors_of(home: Installation) -> Anchors:
    """Everybody whose receipts are believed here.

    Raises:
        AnchorUnreadable: a file in the folder holds no certificate.
    """
    folder = anchors_folder(home)
    try:
        stamp = tuple((path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir()))
    except FileNotFoundError:
        return BUILT_IN
    return _read(folder, stamp)


@lru_cache(maxsize=8)
def _read(folder: Path, _stamp: tuple[tuple[str, int], ...]) -> Anchors:
    return read_anchors(folder)
