"""The command line starts quickly: what a command does not need is not loaded."""

import subprocess
import sys

from click.testing import CliRunner

from crm_mail.cli import COMMANDS, cli

_LOADED = """
import sys
{first}
print(*sorted(name for name in sys.modules if name.startswith("crm_mail.")))
"""


def _loaded_by(first: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(first=first)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_list_of_commands_loads_no_room() -> None:
    first = "from crm_mail.cli import cli; cli(['--help'], standalone_mode=False)"
    assert _loaded_by(first) == {"crm_mail.cli"}


def test_what_every_command_shares_loads_no_room_for_its_refusals() -> None:
    loaded = _loaded_by("import crm_mail.cli.frame")
    assert "crm_mail.refusals" in loaded
    assert (
        not {"crm_mail.outbox.preparing.prepare", "crm_mail.importers.base", "crm_mail.background"} & loaded
    )


def test_the_list_says_of_each_command_what_it_says_itself() -> None:
    context = cli.make_context("crm-mail", [], resilient_parsing=True)
    for name, (_module, line) in COMMANDS.items():
        found = cli.get_command(context, name)
        assert found is not None
        assert found.get_short_help_str(200) == line
    shown = CliRunner().invoke(cli, ["--help"]).output
    assert all(f"  {name} " in shown for name in COMMANDS)
