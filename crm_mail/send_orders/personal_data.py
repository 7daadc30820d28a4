"""Personal data of send orders (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, Why, table

TABLES = (
    table(
        "send_order_folders",
        "",
        "path wait_minutes mapping element_paths stranger_party document_type authorisation_id",
        why=Why.OWN,
    ),
    table(
        "send_orders",
        "to_address subject files params",
        "order_id sha256 name document_ids problem privacy_level",
        Link.ADDRESS,
        "to_address",
        Fate.REDACT,
    ),
    table("send_order_messages", "", "", Link.MESSAGE, "message_id", Fate.KEEP, why=Why.FISCAL),
    table("written_orders", "", "order_id", why=Why.FISCAL),
)
