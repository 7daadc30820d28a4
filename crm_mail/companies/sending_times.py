"""When a company sends, and how much advertising a contact receives: windows by channel, and the pressure cap."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.send_windows import SendWindow
from crm_mail.permissions import Actor, Permission


def save_sending_times(
    session: Session,
    actor: Actor,
    company: Company,
    windows: Mapping[str, SendWindow],
    pressure: tuple[int | None, int | None],
) -> bool:
    """Keep the windows and the pressure cap; whether anything changed.

    Args:
        windows: by channel; one that is always open is not kept.
        pressure: most messages to one contact in so many days; either empty: no cap.

    Raises:
        PermissionDenied: the company may not be set up by the actor.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    before = _facts(company)
    company.send_windows = {
        channel: window.to_dict() for channel, window in windows.items() if not window.is_always
    }
    company.pressure_messages, company.pressure_days = pressure if all(pressure) else (None, None)
    after = _facts(company)
    if before == after:
        return False
    audit.record(
        session,
        actor,
        "companies.sending_times.changed",
        company_id=company.id,
        subject=company,
        label=company.code,
        before=before,
        after=after,
    )
    return True


def _facts(company: Company) -> dict[str, object]:
    return {
        "windows": company.send_windows or {},
        "pressure": [company.pressure_messages, company.pressure_days],
    }
