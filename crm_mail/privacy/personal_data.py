"""Personal data of this room itself, and of the audit (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, Why, table

TABLES = (
    table(
        "audit_events",
        "object_label detail",
        "user_id actor_name action object_type object_id privacy_level",
        Link.AUDIT,
        "",
        Fate.REDACT,
    ),  # the lines cannot be changed: `audit_redactions` lies over them
    table("audit_redactions", "", "object_label detail"),
    table("audit_seals", "", "position event_id content_hash chain_hash"),
    table("audit_keys", "", "value"),
    table("audit_checks", "", "listed head sealed problems"),
    table(
        "privacy_acts",
        "reason",
        "contact_id party_id privacy_level user_name report",
        Link.CONTACT,
        "contact_id",
        why=Why.FISCAL,
    ),
    table("privacy_remains", "", "kept_until_on reason"),
    table("retention_rules", "", "kind document_type months"),
    table("retention_runs", "", "report"),
    table("processing_registers", "controller representative officer", "activities", why=Why.OWN),
)
