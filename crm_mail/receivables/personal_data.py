"""Personal data of receivables (`crm_mail.personal_data`): what a party owes; accounting records."""

from crm_mail.personal_data import Link, Why, table

TABLES = (
    table(
        "ledger_lines",
        "description debit credit open_amount number due_on",
        "source_key currency doc_type posted_on doc_on method level reminded_on fingerprint settled_on source",
        Link.PARTY,
        "party_id",
        why=Why.FISCAL,
    ),
    table("reminders", "", "source_key level", Link.PARTY, "party_id", why=Why.FISCAL),
    table("ledger_mappings", "", "name columns"),
    table("ledger_sources", "", "name url_encrypted query columns"),
    table(
        "receivables_settings",
        "bank iban",
        "business_rate consumer_rate lump_sum minimum days_between level_days charges_from_level pay_within_days "
        "statement_comment",
        why=Why.OWN,
    ),
)
