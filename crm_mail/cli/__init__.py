"""Command line: thin commands over the same services as the pages.

Each command takes ``--json`` and then prints exactly one JSON object; a failure prints what is wrong, where and what
to do, and exits with status 1 (2 for a wrong call).
"""

import sys

import click

from crm_mail.cli import accounts, companies, database, imports, office, outbox, users
from crm_mail.cli.frame import spread_lists


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """CRM Mail: prepare, review, commit and send an office's documents."""


for module in (database, users, companies, accounts, imports, outbox, office):
    module.register(cli)


def main() -> None:
    """Entry point of the `crm-mail` command."""
    cli(args=spread_lists(sys.argv[1:]), prog_name="crm-mail")
