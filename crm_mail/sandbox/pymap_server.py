"""pymap, an IMAP server in Python: where Dovecot is not installed, the mailboxes of the demonstration are read from it.

It reads the same Maildirs, but through Python's `email`, which changes bytes that signatures are made over; as a
program (`python -m crm_mail.sandbox.pymap_server`) this file runs it on the bytes as they lie in the files.
"""

import base64
import hashlib
import os
import secrets
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ROUNDS = 1_000  # of passwords that are made by chance, for this computer only


def pymap_is_installed() -> bool:
    """Whether the optional library is there (`pip install pymap`)."""
    return find_spec("pymap") is not None


def pymap_command(folder: Path, host: str, port: int, cert_file: Path, key_file: Path) -> list[str]:
    """The command that serves the Maildirs of a folder; its users stand in `pymap-etc-passwd` and `-shadow`."""
    module = "crm_mail.sandbox.pymap_server"
    address = ["--host", host, "--port", str(port), "--cert", str(cert_file), "--key", str(key_file)]
    return [sys.executable, "-m", module, *address, "maildir", str(folder)]


def pymap_password(password: str) -> str:
    """A password as pymap keeps it."""
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    return f"$pbkdf2-sha256${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


class _Exact:
    """Stands for the mail in a file: its bytes, with CRLF line ends."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __bytes__(self) -> bytes:
        data = Path(self._path).read_bytes()
        return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _message(maildir: Any, key: str) -> _Exact:
    return _Exact(os.path.join(maildir._path, maildir._lookup(key)))


def main() -> None:
    """Runs pymap with the arguments of the command line."""
    import_module("pymap.backend.maildir.mailbox").Maildir.get_message = _message
    import_module("pymap.main").main()


if __name__ == "__main__":
    main()
