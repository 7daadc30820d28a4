"""Another secret key: nothing is lost, whenever it is interrupted, and the old key opens nothing afterwards."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import LargeBinary, select

from crm_mail.cli import cli
from crm_mail.cli.frame import SHELL
from crm_mail.db import Base
from crm_mail.installation import KEY_FILE, NEXT_KEY_FILE, Installation, SecretUnreadable
from crm_mail.key_rotation import (
    ENCRYPTED,
    NOT_ENCRYPTED,
    RotationImpossible,
    encrypted_columns,
    rotate,
    take_next_key,
    write_next_key,
)
from crm_mail.users import links, sessions
from crm_mail.users.models import User, UserSession
from tests.conftest import make_settings
from tests.factories import make_account, make_actor, make_company, make_user


def test_every_binary_column_is_known_as_encrypted_or_not() -> None:
    binary = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert binary == ENCRYPTED | NOT_ENCRYPTED
    assert len(encrypted_columns()) == len(ENCRYPTED)


def fill(home: Installation) -> str:
    """A user with a second factor, signed in, and an account with a password; a link's token."""
    with home.database.write() as session:
        account = make_account(session, make_company(session))
        account.secret, account.dkim_key = home.encrypt("the password"), home.encrypt("the key")
        user = make_user(session, totp_secret=home.encrypt("ABC"))
        sessions.open_session(session, user.id, ip="", user_agent="")
        return links.give_link(session, make_actor(), user)[0]


def secrets_in(home: Installation) -> list[str]:
    with home.database.read() as session:
        return [
            home.decrypt(value)
            for table, column in encrypted_columns()
            for value in session.scalars(select(table.c[column]).where(table.c[column].is_not(None)))
        ]


def test_secrets_are_kept_under_the_new_key_and_sessions_and_links_end(home: Installation) -> None:
    token = fill(home)
    new = home.with_keys("the new key", home.secret_key)
    assert sorted(secrets_in(new)) == ["ABC", "the key", "the password"]  # both keys read meanwhile
    assert rotate(new, SHELL).values == 3
    only_new = home.with_keys("the new key")
    assert sorted(secrets_in(only_new)) == ["ABC", "the key", "the password"]
    with pytest.raises(SecretUnreadable):
        secrets_in(home)
    with home.database.read() as session:
        assert all(row.revoked_at for row in session.scalars(select(UserSession)))
        assert links.find_link(session, token) is None
    new.database.dispose()
    only_new.database.dispose()


def test_a_value_of_an_unknown_key_changes_nothing(sqlite_home: Installation) -> None:
    fill(sqlite_home)
    stranger = sqlite_home.with_keys("another key")
    with sqlite_home.database.write() as session:
        session.scalars(select(User)).one().totp_secret = stranger.encrypt("lost")
    new = sqlite_home.with_keys("the new key", sqlite_home.secret_key)
    with pytest.raises(RotationImpossible, match=r"users\.totp_secret"):
        rotate(new, SHELL)
    with sqlite_home.database.read() as session:
        user = session.scalars(select(User)).one()
    assert stranger.decrypt(user.totp_secret) == "lost"
    for one in (stranger, new):
        one.database.dispose()


@pytest.mark.parametrize("stage", ["before", "after"])
def test_an_interruption_leaves_everything_readable(tmp_path: Path, empty_sqlite: Path, stage: str) -> None:
    """Between the new key's file and the transaction, and between the transaction and the old key's end."""
    (tmp_path / "test.sqlite3").write_bytes(empty_sqlite.read_bytes())
    home = Installation(make_settings(tmp_path, secret_key=""))
    fill(home)
    old = (tmp_path / KEY_FILE).read_text()
    write_next_key(tmp_path)
    new = (tmp_path / NEXT_KEY_FILE).read_text()
    if stage == "after":
        rotating = home.with_keys(new, old)
        rotate(rotating, SHELL)
        rotating.database.dispose()
    interrupted = Installation(home.settings)
    assert len(secrets_in(interrupted)) == 3
    write_next_key(tmp_path)  # running it again takes the same key
    finishing = home.with_keys((tmp_path / NEXT_KEY_FILE).read_text(), old)
    assert rotate(finishing, SHELL).values == 3
    take_next_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == new
    done = Installation(home.settings)
    assert len(secrets_in(done)) == 3
    for one in (home, interrupted, finishing, done):
        one.database.dispose()


def test_the_command_makes_a_new_key_file(
    tmp_path: Path, empty_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crm-mail.sqlite3").write_bytes(empty_sqlite.read_bytes())
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)  # made from the models
    home = Installation(make_settings(tmp_path, secret_key="", database_url=""))
    fill(home)
    before = (tmp_path / KEY_FILE).read_text()
    done = CliRunner().invoke(cli, ["rotate-keys", "--json"])
    assert json.loads(done.output) == {"values": 3, "sessions_ended": 1}
    assert (tmp_path / KEY_FILE).read_text() != before
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / NEXT_KEY_FILE).exists()
    monkeypatch.setenv("CRM_MAIL_SECRET_KEY", "a key of the environment")
    assert "the old key is missing" in CliRunner().invoke(cli, ["rotate-keys"]).output
    now = (tmp_path / KEY_FILE).read_text()
    moved = CliRunner().invoke(cli, ["rotate-keys", "--old-key-stdin", "--json"], input=now + "\n")
    assert json.loads(moved.output)["values"] == 3
    home.database.dispose()
