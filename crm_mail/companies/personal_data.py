"""Personal data of our own companies (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "companies",
        "name vat_number tax_code address postcode city province email phone error_address test_address",
        "code country website logo_sha256 language timezone undo_seconds max_message_mb till_packaging "
        "pressure_messages pressure_days send_windows",
        why=Why.OWN,
    ),
    table("company_types", "", "type_id labels plurals base layout direction role fields"),
    table(
        "packagings",
        "party_code",
        "code description types name_pattern zip_above_kb link_above_kb link_days copy_folder "
        "timeout_seconds text_name addenda",
        why=Why.PARTY,
    ),
)
