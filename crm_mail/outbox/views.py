"""Pages of the outbox room: prepare, the list of runs, review, commit, progress."""

from flask import Blueprint, Flask
from flask_babel import gettext as _

from crm_mail.outbox import run_views
from crm_mail.outbox.links.download_views import add_download_routes
from crm_mail.outbox.links.unsubscribe_views import add_unsubscribe_routes
from crm_mail.outbox.one_button.send_views import add_send_routes
from crm_mail.outbox.preparing import prepare_views
from crm_mail.outbox.preparing.kind_views import add_kind_routes
from crm_mail.outbox.preparing.manual_views import add_manual_routes
from crm_mail.outbox.reviewing.review_views import add_review_routes
from crm_mail.outbox.sending.answer_words import answer_words
from crm_mail.outbox.standing.views import add_standing_routes


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    blueprint = Blueprint("outbox", __name__, url_prefix="/outbox")
    run_views.add_run_routes(blueprint)
    add_kind_routes(blueprint)
    add_manual_routes(blueprint)
    add_review_routes(blueprint)
    add_send_routes(blueprint)
    add_standing_routes(blueprint)
    app.register_blueprint(blueprint)
    prepare_views.add_prepare_routes(app)
    add_download_routes(app)
    add_unsubscribe_routes(app)
    app.add_template_filter(lambda detail, cause: answer_words(detail, cause, _), "answer_words")
