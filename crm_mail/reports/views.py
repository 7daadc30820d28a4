"""Pages of the reports room: the dashboard; the end report and the audit stand in files of their own."""

from flask import Blueprint, Flask, render_template

from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.reports import chart, timeline_views
from crm_mail.reports.audit_page import add_audit_routes
from crm_mail.reports.changes import views as change_views
from crm_mail.reports.dashboard import LISTED, read_dashboard
from crm_mail.reports.mailer_state import read_mailer_state
from crm_mail.reports.report_views import add_report_routes
from crm_mail.reports.saved import views as saved_views
from crm_mail.web.door import db
from crm_mail.web.language import zone_of_user
from crm_mail.web.navigation import current_company

ROOM_PARTS = (timeline_views,)
"""Pages that stand in another room's blueprint: imported, they are there."""

blueprint = Blueprint("reports", __name__)
add_audit_routes(blueprint)
add_report_routes(blueprint)


@blueprint.get("/")
@requires(Permission.SIGNED_IN)
def dashboard() -> str:
    """What waits, what runs, what went out; for a new installation: the first steps."""
    actor = signed_in_actor()
    company = current_company(actor)
    if company is None:
        return render_template(
            "reports/no_company.html", may_add=actor.can_everywhere(Permission.SETTINGS_MANAGE)
        )
    board = read_dashboard(db(), actor, company, zone_of_user())
    return render_template(
        "reports/dashboard.html" if board.beginning.is_over else "reports/first_steps.html",
        board=board,
        company=company,
        mailer=read_mailer_state(db()),
        bars=chart.draw_bars(board.days),
        chart=chart,
        listed=LISTED,
        may_prepare=actor.can(Permission.OUTBOX_PREPARE, company.id),
        may_set=actor.can(Permission.ACCOUNTS_MANAGE, company.id),
        may_import=actor.can(Permission.CONTACTS_MANAGE, company.id),
    )


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
    app.register_blueprint(change_views.blueprint)
    app.register_blueprint(saved_views.blueprint)
