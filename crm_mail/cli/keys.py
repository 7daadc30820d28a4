"""``crm-mail rotate-keys``: encrypt everything that is kept secret with a new key."""

from pathlib import Path

import click

from crm_mail import key_rotation
from crm_mail.background import hold_instance
from crm_mail.cli.frame import SHELL, Answer, Failure, command, read_password
from crm_mail.installation import NEXT_KEY_FILE, Installation


@click.command("rotate-keys")
@click.option("--old-key-stdin", is_flag=True, help="Read the old key from standard input.")
@click.option(
    "--old-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the old key from this file.",
)
@command()
def rotate_keys(home: Installation, old_key_stdin: bool, old_key_file: Path | None) -> Answer:
    """Encrypt every stored secret with a new key; sessions and links to choose a password end.

    Where the key is a file of the data folder, a new one is made. Where it is CRM_MAIL_SECRET_KEY, set that to the new
    key first, and give the old one as CRM_MAIL_PREVIOUS_SECRET_KEY, on standard input or in a file.
    """
    old = read_password() if old_key_stdin else old_key_file.read_text().strip() if old_key_file else ""
    with hold_instance(home.settings):
        if home.settings.secret_key.get_secret_value():
            return _from_the_environment(home, old)
        return _from_the_file(home, old)


def _from_the_environment(home: Installation, old: str) -> Answer:
    if not old and not home.older_keys:
        raise Failure(
            "the old key is missing: give it with --old-key-stdin, --old-key-file or CRM_MAIL_PREVIOUS_SECRET_KEY"
        )
    return _rotate(home.with_keys(home.secret_key, *filter(None, (old, *home.older_keys))))


def _from_the_file(home: Installation, old: str) -> Answer:
    folder = home.settings.data_dir
    key_rotation.write_next_key(folder)
    new = (folder / NEXT_KEY_FILE).read_text().strip()
    previous = home.settings.previous_secret_key.get_secret_value()
    answer = _rotate(home.with_keys(new, home.secret_key, *filter(None, (old, previous))))
    key_rotation.take_next_key(folder)
    return answer


def _rotate(home: Installation) -> Answer:
    try:
        done = key_rotation.rotate(home, SHELL)
    finally:
        home.database.dispose()
    return {"values": done.values, "sessions_ended": done.sessions}


COMMANDS = {"rotate-keys": rotate_keys}
