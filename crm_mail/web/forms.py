"""What the forms of several rooms share: the bare button, the languages, the time zones."""

from functools import lru_cache
from zoneinfo import available_timezones

from flask_wtf import FlaskForm

LANGUAGES = {"it": "Italiano", "es": "Español", "en": "English"}
_REGIONS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """The zones a person may choose: places, and UTC."""
    return (*sorted(zone for zone in available_timezones() if zone.startswith(_REGIONS)), "UTC")


class ActionForm(FlaskForm):
    """A button: nothing but the token."""
