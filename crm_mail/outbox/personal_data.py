"""Personal data of the outbox (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, Why, table

_OF = (Link.MESSAGE, "message_id")

TABLES = (
    table(
        "messages",
        "recipient_name to_address cc bcc search_key subject why last_detail unsubscribe_url",
        "privacy_level party_code party_name agent zone city language reply_to document_types first_documents "
        "document_count file_count size blockers warnings first_issue withheld_reason revision message_id "
        "timeout_seconds frozen_sha256 purpose attempt_count lease_owner last_cause last_code",
        Link.MESSAGE,
        "id",
        Fate.REDACT,
        is_proof=True,
    ),
    table("message_contents", "body_text body_html", "", *_OF, Fate.REDACT, is_proof=True),
    table(
        "attempts",
        "detail mime",
        "account_id worker outcome cause code mime_sha256",
        *_OF,
        Fate.REDACT,
        is_proof=True,
    ),
    table("message_events", "detail", "kind actor_name", *_OF, Fate.REDACT, is_proof=True),
    table("message_issues", "params", "code", *_OF, Fate.REDACT),
    table(
        "message_revisions",
        "to_address cc subject body_text body_html",
        "revision account_id replaced_by",
        *_OF,
        Fate.DELETE,
    ),
    table(
        "message_files",
        "name",
        "position mime sha256 size content_id",
        *_OF,
        Fate.KEEP,
        is_proof=True,
        why=Why.FISCAL,
    ),
    table("download_links", "files", "token days downloads", *_OF, Fate.DELETE),
    table("message_documents", "", "position"),
    table("packaging_copies", "names", "folder state detail", *_OF, Fate.REDACT, is_proof=True),
    table("left_out", "detail", "reason privacy_level", Link.CONTACT, "contact_id", Fate.REDACT),
    table("runs", "", "title criteria document_types hidden_recipients commit_key commit_summary changes"),
    table(
        "standing_authorisations",
        "",
        "title document_types most_per_run most_per_day from_minute to_minute weekdays last_on",
    ),
    table("standing_uses", "", "messages reason detail"),
    table("selections", "filter", "exceptions", why=Why.STAFF),
    table("review_actions", "detail", "kind count before", why=Why.STAFF),
)
