"""``crm-mail hotfolder``: look into a company's hot folder once, or until told to stop."""

from dataclasses import asdict
from typing import Any

import click

from crm_mail.cli.frame import Answer, command
from crm_mail.cli.looking import company_id_of, look_twice, look_until_stopped
from crm_mail.importers.folders.watch import FileReport, Watcher
from crm_mail.installation import Installation


@click.group()
def hotfolder() -> None:
    """Folders in which other programs put documents."""


@hotfolder.command()
@click.option("--company", "company_code", required=True)
@command()
def once(home: Installation, company_code: str) -> Answer:
    """Bring in what lies in the folder and is ready now."""
    files: list[FileReport] = []
    watcher = Watcher(home, company_id_of(home, company_code), files.append)
    look_twice(watcher)
    left = watcher.waiting() - sum(len(one.name.split(" + ")) for one in files)
    return _answer(files) | {"waiting": max(0, left)}


@hotfolder.command()
@click.option("--company", "company_code", required=True)
@command()
def watch(home: Installation, company_code: str) -> Answer:
    """Bring in what comes, until Ctrl-C; the worker and `serve` do the same for every watched folder."""
    files: list[FileReport] = []

    def tell(file: FileReport) -> None:
        files.append(file)
        click.echo(f"{file.name}: {file.outcome} {file.reason}".rstrip(), err=True)

    watcher = Watcher(home, company_id_of(home, company_code), tell)
    look_until_stopped(watcher, home.settings.hot_folder_seconds)
    return _answer(files)


def _answer(files: list[FileReport]) -> dict[str, Any]:
    counted = {name: 0 for name in ("created", "version", "unchanged", "receipt", "refused")}
    for file in files:
        counted[file.outcome] += 1
    return {**counted, "files": [asdict(file) for file in files]}


COMMANDS = {"hotfolder": hotfolder}
