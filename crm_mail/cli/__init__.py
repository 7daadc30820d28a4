"""Command line: thin commands over the same services as the pages.

Each command takes ``--json`` and then prints exactly one JSON object; a failure prints what is wrong, where and what
to do, and exits with status 1 (2 for a wrong call).
"""

import sys
from importlib import import_module

import click

COMMANDS = {
    "db": "database",
    "user": "users",
    "company": "companies",
    "account": "accounts",
    "import": "imports",
    "receivables": "receivables",
    "prepare": "outbox",
    "run": "outbox",
    "worker": "worker",
    "serve": "office",
    "start": "office",
}
"""Command → module of this package; a module is loaded only when one of its commands is called."""

LIST_OPTIONS = frozenset({"--grant", "--type"})


class LazyGroup(click.Group):
    """A group whose commands are found by name, so that a small command does not load the whole product."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"crm_mail.cli.{COMMANDS[cmd_name]}")
        found: click.Command = module.COMMANDS[cmd_name]
        return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """CRM Mail: prepare, review, commit and send an office's documents."""


def spread_lists(arguments: list[str]) -> list[str]:
    """``--type a b`` becomes ``--type a --type b``: the options that take several values."""
    spread: list[str] = []
    option, is_first = "", True
    for argument in arguments:
        if argument.startswith("-"):
            option, is_first = argument, True
        elif option in LIST_OPTIONS:
            if not is_first:
                spread.append(option)
            is_first = False
        spread.append(argument)
    return spread


def main() -> None:
    """Entry point of the `crm-mail` command."""
    cli(args=spread_lists(sys.argv[1:]), prog_name="crm-mail")
