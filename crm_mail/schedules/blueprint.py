"""The room's blueprint; the files of pages put their routes on it."""

from flask import Blueprint

from crm_mail.permissions import Actor, current_actor

blueprint = Blueprint("schedules", __name__, url_prefix="/schedules")


@blueprint.context_processor
def give_actor() -> dict[str, Actor | None]:
    """The person, for what the templates of the room offer."""
    return {"actor": current_actor()}
