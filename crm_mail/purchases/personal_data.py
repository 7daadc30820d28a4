"""Personal data of the purchases room (`crm_mail.personal_data`): what the firm bought, not what a contact is."""

from crm_mail.personal_data import Link, Why, table

TABLES = (
    table("products", "", "code name group_name"),
    table(
        "purchase_lines",
        "bought_on quantity amount number source source_key",
        "currency",
        Link.PARTY,
        "party_id",
        why=Why.PARTY,
    ),
    table("purchase_totals", "last_on gross net", "party_id currency", Link.PARTY, "party_id", why=Why.PARTY),
    table(
        "purchase_months", "month quantity amount", "party_id currency", Link.PARTY, "party_id", why=Why.PARTY
    ),
)
