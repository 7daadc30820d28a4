"""Personal data of mailings (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, Why, table

TABLES = (
    table(
        "campaigns",
        "audience",
        "title document_type purpose texts letter_kind letter_name letter_sha256 letter_html tested_mark",
        why=Why.STAFF,
    ),
    table("campaign_files", "", "name mime sha256 size content_id"),
    table("campaign_letters", "sha256 problem", "mark size", Link.CONTACT, "contact_id", Fate.DELETE),
)
