"""Personal data of the schedules room (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, Why, table

TABLES = (
    table(
        "schedules",
        "options",  # a filter may name a party, a report its readers: addresses of the staff
        "name kind rule times timezone starts_on ends_on calendar on_holiday missed authorisation_id state",
        why=Why.STAFF,
    ),
    table("schedule_firings", "", "due_on state attempts reason detail"),
    table("special_dates", "audience", "month day texts channel", why=Why.STAFF),
    table("greetings", "", "year", Link.CONTACT, "contact_id", Fate.DELETE),
)
