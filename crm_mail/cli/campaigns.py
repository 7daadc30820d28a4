"""``crm-mail campaign``: mailings to groups, from the shell. They are written in the pages."""

from typing import Any

import click
from sqlalchemy.orm import Session

from crm_mail.campaigns.audience import count_audience
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.service import find_campaign, is_tested, list_campaigns, prepare_campaign
from crm_mail.campaigns.testing import send_test
from crm_mail.cli.frame import Answer, Failure, command, find_actor, find_company
from crm_mail.cli.progress import show_preparation, tell_preparation
from crm_mail.composers import register_composers
from crm_mail.installation import Installation
from crm_mail.outbox.preparing.preparation import finish_preparation
from crm_mail.permissions import Actor

CAMPAIGN = click.argument("campaign_id", type=int, metavar="CAMPAIGN")
AS_USER = click.option("--as", "email", default=None, metavar="EMAIL", help="With the eyes of this user.")
IN_NAME_OF = click.option("--as", "email", required=True, metavar="EMAIL", help="The user who does it.")


@click.group()
def campaign() -> None:
    """Mailings to groups: list, show, test, prepare."""


@campaign.command("list")
@click.option("--company", "company_code", required=True)
@AS_USER
@command()
def list_all(home: Installation, company_code: str, email: str | None) -> Answer:
    """The mailings of a company, the newest first."""
    with home.database.read() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        return {"campaigns": [_line(one) for one in list_campaigns(session, actor, company.id)]}


@campaign.command()
@CAMPAIGN
@AS_USER
@command()
def show(home: Installation, campaign_id: int, email: str | None) -> Answer:
    """One mailing: its content, whom it would reach now, and who is left out."""
    with home.database.read() as session:
        actor = find_actor(session, email)
        found = _find(session, actor, campaign_id)
        counts = count_audience(session, actor, found)
        return {
            **_line(found),
            "languages": sorted(found.texts),
            "files": [file.name for file in found.files],
            "letter": found.letter_kind,
            "letter_as_pdf": found.letter_as_pdf,
            "chosen": counts.chosen,
            "remaining": counts.remaining,
            "left_out": counts.excluded,
        }


@campaign.command()
@CAMPAIGN
@IN_NAME_OF
@command()
def test(home: Installation, campaign_id: int, email: str) -> Answer:
    """Send the compulsory test to the user's own address."""
    with home.database.read() as session:
        actor = find_actor(session, email)
        _find(session, actor, campaign_id)
    outcome = send_test(home, actor, campaign_id)
    if not outcome.is_sent:
        raise Failure(f"the test could not be sent: {outcome.detail}")
    return {"campaign": campaign_id, "is_tested": True}


@campaign.command()
@CAMPAIGN
@IN_NAME_OF
@command()
def prepare(home: Installation, campaign_id: int, email: str) -> Answer:
    """Make its run, for review; nothing is sent."""
    register_composers()
    with home.database.write() as session:
        actor = find_actor(session, email)
        run_id = prepare_campaign(session, actor, _find(session, actor, campaign_id)).id
    with show_preparation() as progress:
        return tell_preparation(finish_preparation(home, actor, run_id, progress), campaign=campaign_id)


def _line(one: Campaign) -> dict[str, Any]:
    return {
        "campaign": one.id,
        "title": one.title,
        "type": one.document_type,
        "purpose": one.purpose,
        "is_tested": is_tested(one),
        "run": one.run_id,
        "created_at": one.created_at.isoformat(timespec="seconds"),
    }


def _find(session: Session, actor: Actor, campaign_id: int) -> Campaign:
    found = find_campaign(session, actor, campaign_id)
    if found is None:
        raise Failure(
            f"there is no mailing {campaign_id} for {actor.name}: `crm-mail campaign list` shows those there are"
        )
    return found


COMMANDS = {"campaign": campaign}
