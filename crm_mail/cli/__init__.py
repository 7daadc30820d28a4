"""Command line: thin commands over the same services as the pages.

Each command takes ``--json`` and then prints exactly one JSON object; a failure prints what is wrong, where and what
to do, and exits with status 1 (2 for a wrong call).
"""

import sys
from importlib import import_module

import click

COMMANDS = {
    "db": ("database", "The database."),
    "user": ("users", "People who sign in."),
    "group": ("users", "Groups of users."),
    "company": ("companies", "The firms that send."),
    "account": ("accounts", "The mailboxes that messages leave from."),
    "mailbox": ("mailboxes", "Receipts and bounces in the accounts' mailboxes, which are only looked at."),
    "doctor": (
        "domains",
        "Look at the domains that a company sends from, and say what should stand in their DNS.",
    ),
    "pec-registry": ("domains", "Public lists of PEC addresses (IndicePA, INI-PEC and the like)."),
    "contact": ("contacts", "Contacts: what stands twice, and merging it."),
    "import": ("imports", "Bring contacts and documents in."),
    "evidence": ("evidence", "What receipts and bounces prove."),
    "dossier": ("dossier", "Proof dossiers: what was sent, the receipts, and their signatures."),
    "hotfolder": ("hotfolder", "Folders in which other programs put documents."),
    "orders": ("orders", "Send orders: XML files that ask for one mail each."),
    "receivables": ("receivables", "Open items, account statements and reminders."),
    "suppression": ("suppressions", "Addresses that are not written to any more, why, and the way out."),
    "catalogue": (
        "catalogue",
        "The mass-mailing catalogue: a view on contacts and their subscriptions to account statements.",
    ),
    "privacy": ("privacy", "Requests of persons about their data, and retention."),
    "prepare": ("outbox", "Work out every message that is due, for review."),
    "run": ("outbox", "Prepared runs: look, commit, steer, report."),
    "campaign": ("campaigns", "Mailings to groups: list, show, test, prepare."),
    "schedules": ("schedules", "Schedules and special dates: list, run now, pause, resume."),
    "report": ("reports", "Reports by mail: list, run now, or write one into a file."),
    "audit": ("audit", "The record of who did what: its seals, its export."),
    "rotate-keys": (
        "keys",
        "Encrypt every stored secret with a new key; sessions and links to choose a password end.",
    ),
    "worker": ("worker", "Send what is committed, watch the hot folders, and read the mailboxes."),
    "pec-simulator": (
        "pec_simulator",
        "A PEC operator to try things out with; its mail never leaves this computer.",
    ),
    "status": ("status", "Whether the mailer runs, since when, what it did last, and what waits."),
    "serve": ("office", "Web pages and worker in one process."),
    "start": (
        "office",
        "Everything from nothing: database, sample company with its main job, pages and worker.",
    ),
}
"""Command → (module of this package, its help in a line); a module is loaded when one of its commands is called."""

LIST_OPTIONS = frozenset({"--grant", "--type"})


class LazyGroup(click.Group):
    """A group whose commands are found by name, so that a small command does not load the whole product."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"crm_mail.cli.{COMMANDS[cmd_name][0]}")
        found: click.Command = module.COMMANDS[cmd_name]
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without loading any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_module, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crm-mail", prog_name="crm-mail")
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
