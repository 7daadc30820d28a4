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
)
