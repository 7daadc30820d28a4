"""The one status page: whether the mailer runs, since when, what it did last, what waits (PM-21, PD-14)."""

from typing import Any, Final

from flask import Blueprint, Flask, render_template
from flask_babel import gettext as _

from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.send_orders.wording import explain
from crm_mail.status.reading import LastError, MailerStatus, read_status
from crm_mail.status.words import notice_words, trouble_words
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import visible_companies

blueprint: Final = Blueprint("status", __name__, url_prefix="/status")


@blueprint.get("")
@requires(Permission.SIGNED_IN)
def show_status() -> Any:
    """The whole page; what changes is asked for again every few seconds."""
    return render_template("status/show.html", **_shown())


@blueprint.get("/now")
@requires(Permission.SIGNED_IN)
def show_part() -> Any:
    """What changes."""
    return render_template("status/_now.html", **_shown())


def _shown() -> dict[str, Any]:
    actor = signed_in_actor()
    companies = visible_companies(actor)
    sees_errors = actor.can(Permission.SETTINGS_MANAGE) or actor.can(Permission.OUTBOX_REVIEW)
    of_errors = (
        [one for one in companies if actor.can(Permission.OUTBOX_REVIEW, one.id)] if sees_errors else []
    )
    status = read_status(
        db(), installation().settings, companies, actor.sight, errors_of=[one.id for one in of_errors]
    )
    return {
        "status": status,
        "troubles": [trouble_words(trouble, detail, _translate) for trouble, detail in status.troubles],
        "errors": [(one, _words(one)) for one in status.errors],
        "sees_errors": bool(of_errors),
        "sees_machines": actor.can(Permission.SETTINGS_MANAGE),
        "waits": _waits(status),
    }


def _words(one: LastError) -> str:
    if one.kind == "notice":
        return f"{notice_words(one.name, _translate)}. {one.detail}".strip()
    return explain(one.code, one.params, _translate) if one.code else one.detail


def _waits(status: MailerStatus) -> int:
    return sum(queue.to_send + queue.retrying for queue in status.queues) + sum(
        folder.waiting + folder.processing for folder in status.folders
    )


def _translate(message: str) -> str:
    """Without values: gettext then leaves the placeholders alone."""
    return str(_(message))


def init_app(app: Flask) -> None:
    """Put the page on the application."""
    app.register_blueprint(blueprint)
