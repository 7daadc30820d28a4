"""Personal data of the people who sign in (`crm_mail.personal_data`): ours, not contacts'."""

from crm_mail.personal_data import Why, table

TABLES = (
    table(
        "users",
        "email name",
        "password_hash clearance language theme timezone totp_secret totp_step commit_most commit_second_person_above"
        " commit_from_minute commit_to_minute commit_weekdays commit_zone agents zones",
        why=Why.STAFF,
    ),
    table("user_sessions", "ip user_agent", "token_hash", why=Why.STAFF),
    table("login_attempts", "email ip", why=Why.STAFF),
    table("oidc_identities", "subject", "issuer", why=Why.STAFF),
    table("recovery_codes", "", "code_hash"),
    table("password_links", "", "token_hash"),
    table("grants", "", "document_type"),
    table("user_groups", "", "name"),
    table("user_group_members"),
)
