"""Personal data of the events (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "inbound_events", "data", "source event_id kind", why=Why.PARTY
    ),  # business facts of a firm; retention deletes the rows
)
