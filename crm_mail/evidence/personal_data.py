"""Personal data in evidence (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, table

TABLES = (
    table(
        "mail_items",
        "own_id recipient detail verification facts alarm_note",
        "sha256 size folder uid_validity uid receipt_type status reason trust alarm",
        Link.MESSAGE,
        "message_id",
        Fate.DELETE,
        is_proof=True,
    ),
    table(
        "message_proofs",
        "failure_detail alarm_note",
        "provider_id failure_reason conflict alarm",
        Link.MESSAGE,
        "message_id",
        Fate.REDACT,
        is_proof=True,
    ),
    table("mailboxes", "", "failure quota_used_kb quota_limit_kb lease_owner"),
    table("mailbox_folders", "", "name uid_validity last_uid seen taken"),
    table("error_notices", "", "cause waiting last_detail"),
)
