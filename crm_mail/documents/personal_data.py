"""Personal data of documents (`crm_mail.personal_data`): of the party; kept as accounting records."""

from crm_mail.personal_data import Link, Why, table

TABLES = (
    table(
        "documents",
        "data number natural_key gross_total net_total tax_total",
        "type version series dated_on currency direction first_due_on not_mailable_reason privacy_level print_error "
        "source",
        Link.PARTY,
        "party_id",
        why=Why.FISCAL,
    ),
    table(
        "document_files",
        "name",
        "position role mime sha256 size",
        Link.DOCUMENT,
        "document_id",
        why=Why.FISCAL,
    ),
    table("sdi_invoices", "", "file_key", Link.DOCUMENT, "document_id", why=Why.FISCAL),
    table("sdi_receipts", "detail", "file_key sdi_id outcome name sha256", why=Why.FISCAL),
    table("rendered_files", "", "key sha256 size"),
    table("document_layouts", "", "type version source"),
    table("company_themes", "", "version values"),
    table("message_texts", "", "document_type language version subject body_text body_html", why=Why.OWN),
)
