"""One installation: its settings, database, stored files and keys. Every door opens the same one."""

import base64
import os
import secrets
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config import Settings
from crm_mail.db import Database
from crm_mail.refusals import Refusal
from crm_mail.storage import BlobStore, LocalBlobStore

KEY_FILE = "secret.key"
NEXT_KEY_FILE = "secret.key.next"
"""The key that a rotation is about to use, or was using when it was interrupted."""


class SecretUnreadable(Refusal):
    """A stored secret was encrypted with another key: enter the secret again, or restore the key."""

    def __init__(self) -> None:
        super().__init__(
            "a stored password cannot be read with the present CRM_MAIL_SECRET_KEY: "
            "restore the key it was saved with, or enter the password again"
        )


class Installation:
    """Everything that the doors (pages, API, command line, worker) share.

    Args:
        settings: read from the environment by `config.Settings`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.database = Database(settings.resolved_database_url)
        self.store: BlobStore = LocalBlobStore(settings.data_dir / "files")

    @cached_property
    def secret_key(self) -> str:
        """The key of the settings, or one made on first use and kept in the data folder, readable by its owner."""
        given = self.settings.secret_key.get_secret_value()
        return given or _read_or_make_key(self.settings.data_dir / KEY_FILE)

    @cached_property
    def older_keys(self) -> list[str]:
        """Keys that are only read with: the previous one of the settings, and that of a rotation under way."""
        previous = self.settings.previous_secret_key.get_secret_value()
        following = self.settings.data_dir / NEXT_KEY_FILE
        return [
            key for key in (previous, following.read_text().strip() if following.is_file() else "") if key
        ]

    @cached_property
    def _cipher(self) -> MultiFernet:
        return MultiFernet([_cipher_of(key) for key in (self.secret_key, *self.older_keys)])

    def reencrypt(self, stored: bytes) -> bytes:
        """A stored secret under the present key, whichever key it was kept with.

        Raises:
            SecretUnreadable: it was kept with none of the keys.
        """
        try:
            return self._cipher.rotate(stored)
        except InvalidToken:
            raise SecretUnreadable from None

    def with_keys(self, present: str, *older: str) -> "Installation":
        """The same installation with other keys: the present one encrypts, all of them read."""
        other = Installation(self.settings)
        other.secret_key, other.older_keys = present, list(older)
        return other

    def encrypt(self, secret: str) -> bytes:
        """A secret as it is kept in the database (PM-27)."""
        return self._cipher.encrypt(secret.encode())

    def decrypt(self, stored: bytes | None) -> str:
        """A secret from the database; empty when none is kept.

        Raises:
            SecretUnreadable: it was kept with another key.
        """
        if not stored:
            return ""
        try:
            return self._cipher.decrypt(stored).decode()
        except InvalidToken:
            raise SecretUnreadable from None


def _cipher_of(key: str) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=b"crm-mail stored secrets").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _read_or_make_key(path: Path) -> str:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key
