"""``crm-mail pec-simulator``: a PEC operator on this computer, for trying things out by hand."""

import signal
import threading
from pathlib import Path

import click

from crm_mail.cli.frame import fail, show
from crm_mail.pec_simulator.clock import ShortWaits
from crm_mail.pec_simulator.simulator import PecSimulator
from crm_mail.pec_simulator.skins import SKINS
from crm_mail.sandbox.imap import ImapUnavailable
from crm_mail.sandbox.maildrop import Maildrop

DEFAULT_MAILBOX = "ufficio@pec.azienda.example"
DEFAULT_DOMAIN = "pec.example"


@click.command("pec-simulator")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("pec-simulator"),
    show_default=True,
    help="Keeps certificates, mailboxes and what waits.",
)
@click.option(
    "--mailbox",
    "mailboxes",
    multiple=True,
    help=f"A customer's address; may be repeated. [{DEFAULT_MAILBOX}]",
)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    help=f"A domain whose addresses are PEC; also DOMAIN=SKIN. [{DEFAULT_DOMAIN}]",
)
@click.option("--skin", type=click.Choice(sorted(SKINS)), default="aruba", show_default=True)
@click.option(
    "--divisor",
    type=float,
    default=720.0,
    show_default=True,
    help="Of waits of a minute and more: 720 makes 12 hours a minute.",
)
@click.option("--shuffled", is_flag=True, help="Receipts of one message come in any order.")
@click.option(
    "--duplicates", type=click.FloatRange(0, 1), default=0.0, help="Share of receipts that come twice."
)
@click.option("--leaks", is_flag=True, help="Mails between operators reach the sender.")
@click.option(
    "--per-minute",
    type=click.IntRange(0),
    default=0,
    help="Messages of one sender in a minute; 0: any number.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pec_simulator(
    folder: Path,
    mailboxes: tuple[str, ...],
    domains: tuple[str, ...],
    skin: str,
    divisor: float,
    shuffled: bool,
    duplicates: float,
    leaks: bool,
    per_minute: int,
    as_json: bool,
) -> None:
    """A PEC operator to try things out with; its mail never leaves this computer."""
    keep = Maildrop(folder / "taken").keep
    simulator = PecSimulator(folder, ShortWaits(divisor), SKINS[skin], keep=keep)
    for address in mailboxes or (DEFAULT_MAILBOX,):
        simulator.add_mailbox(address)
    for domain in domains or (DEFAULT_DOMAIN,):
        name, _, worn = domain.partition("=")
        if worn and worn not in SKINS:
            fail(f"there is no skin {worn!r} (skins: {', '.join(sorted(SKINS))})", as_json)
        simulator.operators.manage(name, skin=worn or None)
    disorder = simulator.office.disorder
    disorder.shuffled, disorder.duplicates, disorder.leaks = shuffled, duplicates, leaks
    simulator.submission.limits.per_minute = per_minute
    try:
        with simulator:
            show(_described(simulator), as_json)
            _wait_for_the_end()
    except (ImapUnavailable, OSError) as error:
        fail(str(error), as_json)


def _described(simulator: PecSimulator) -> dict[str, object]:
    return {
        "smtp": f"{simulator.host}:{simulator.smtp_port} (TLS)",
        "imap": f"{simulator.host}:{simulator.imap.port} (TLS)",
        "ca_file": str(simulator.ca_file),
        "anchor": str(simulator.anchor),
        "mailboxes": [
            {"address": address, "password": password} for address, password in simulator.passwords.items()
        ],
    }


def _wait_for_the_end() -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


COMMANDS = {"pec-simulator": pec_simulator}
