"""Personal data of the contacts room (`crm_mail.personal_data`)."""

from crm_mail.personal_data import Fate, Link, Why, table

_OF = (Link.CONTACT, "contact_id", Fate.DELETE)

TABLES = (
    table(
        "contacts",
        "name name_key phone mobile notes birth_month birth_day birth_year",
        "language privacy_level source",
        Link.CONTACT,
        "id",
        Fate.REDACT,
    ),
    table("contact_addresses", "email email_key", "position", *_OF),
    table("contact_roles", "", "", *_OF),
    table("characteristics", "key value", "", *_OF),
    table(
        "consent_events",
        "address proof proof_name ip",
        "text_version proof_sha256 message_id user_id actor_name",
        *_OF,
    ),  # a word of an address alone goes with the address
    table("consent_states", "address", "", *_OF),
    table("subscriptions", "", "document_type", *_OF),
    table(
        "parties",
        "code name name_key vat_number tax_code address postcode city province email billing_email packaging_emails "
        "addenda search_key agent",
        "country zone category credit_days language packaging",
        Link.PARTY,
        "id",
        why=Why.PARTY,
    ),
    table(
        "suppressions", "address detail", "reason status soft_bounces", Link.ADDRESS, "address", Fate.DELETE
    ),
    table("address_verdicts", "subject detail", "", Link.ADDRESS, "subject", Fate.DELETE),
    table("catalogue_entries", "", "", Link.PARTY, "party_id", why=Why.PARTY),
    table("erased_addresses", "", "digest"),  # a hash: recognises an address, does not tell it
    table("merged_rows", "", "object_type merged_id kept_id"),  # ids alone
    table(
        "contact_merges", "snapshot", "user_id", *_OF
    ),  # erased with the contact: the merge then stays done
    table("party_merges", "snapshot", "user_id", Link.PARTY, "party_id", why=Why.PARTY),
    table("roles", "", "name"),
    table("privacy_level_names", "", "level name"),
    table("saved_mappings", "", "name purpose columns"),
    table("saved_filters", "filter", "name", why=Why.STAFF),
    table("party_changes", "", "kind value count before"),  # parties' attributes, by party id
)
