"""Personal data of the events (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "inbound_events", "data", "source event_id kind", why=Why.PARTY
    ),  # business facts of a firm; retention deletes the rows
    table(
        "event_rules",
        "staff",
        "kind name is_on conditions target characteristic document_type sends_document attaches_document "
        "texts channel sms_texts purpose",
        why=Why.STAFF,
    ),
    table("event_actions", "", "state reason detail"),
)
