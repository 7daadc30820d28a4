"""Personal data of the interface's tables (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "api_keys",
        "last_ip",
        "name prefix key_hash scopes company_ids clearance per_minute",
        why=Why.STAFF,
    ),
    table("api_allowances", "", "key_id minute taken"),
    table(
        "api_answers", "body", "idempotency_key request_hash status headers", why=Why.PARTY
    ),  # kept for a day
)
