"""Personal data of the webhooks (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, table

TABLES = (
    table("webhook_endpoints", "", "name url topics secret clearance"),
    table(
        "webhook_deliveries",
        "payload",
        "run_id message_id attempts last_status last_detail",
        Link.MESSAGE,
        "message_id",
        Fate.DELETE,
    ),
)
