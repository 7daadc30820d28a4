"""Personal data of the reports (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "change_rules",
        "name addresses problem",
        "kinds ways language every_minutes clearance position",
        why=Why.STAFF,
    ),
    table(
        "change_notices", "address last_detail", "after_position to_position attempts", why=Why.STAFF
    ),  # they name lines of the audit and copy nothing of them
    table(
        "saved_reports",
        "name query parameters filters addresses",
        "listing columns order_by user_ids formats clearance language row_limit",
        why=Why.STAFF,
    ),  # the texts and values of our own people's questions
    table("report_issues", "problem", "key counted_on attempts row_count", why=Why.STAFF),
    table("report_mails", "address detail", "row_count", why=Why.STAFF),
)
