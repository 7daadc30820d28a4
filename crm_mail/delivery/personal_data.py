"""Personal data of sender accounts and of what is known of mail domains (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "sender_accounts",
        "username from_name from_address reply_to mailbox_username bounce_address",
        "name host port ca_file ca_pem secret timeout_seconds per_minute per_hour per_day max_connections "
        "messages_per_connection max_message_mb stopped_reason operator oauth_provider oauth_client_id oauth_tenant "
        "oauth_authorize_url oauth_token_url oauth_scope oauth_secret oauth_tokens oauth_secret_ends_on mailbox_host "
        "mailbox_port mailbox_secret mailbox_folders mailbox_sent_folder mailbox_minutes acceptance_minutes "
        "dkim_domain dkim_selector dkim_key sms sms_headers",
        why=Why.OWN,
    ),
    table("account_usage", "", "messages"),
    table("sms_days", "", "day messages segments cost full_at"),
    table("sms_receipts", "", "provider_id"),
    table(
        "type_policies",
        "bcc reply_to",
        "document_type",
        why=Why.OWN,
    ),
    table("domain_checks", "", "domain findings"),
    table("pec_registries", "", "name file_name lines addresses"),
    table("pec_registry_entries", "address tax_code holder", why=Why.PUBLIC),
)
