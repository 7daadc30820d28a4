"""What is said about rows of open items and movements; `messages` joins it to the rest."""

from collections.abc import Mapping
from typing import Final

from crm_mail.words import N_

LEDGER_MESSAGES: Final[Mapping[str, str]] = {
    "not_ledger_json": N_(
        "The JSON holds no list of open items: a list of objects is expected, alone or under “items”."
    ),
    "not_list_json": N_("The JSON holds no list: a list of objects is expected, alone or under “items”."),
    "sale_product_missing": N_("The row names no product. Fill in its code or its name."),
    "sale_amount_missing": N_("The row has neither a quantity nor an amount. Fill in one of them."),
    "sale_date_missing": N_("The row has no date. Fill in the day of the sale."),
    "sale_id_twice": N_(
        "The key “%(value)s” stands in an earlier row already: each line needs a key of its own."
    ),
    "ledger_all_wrong": N_(
        "No row of the list can be used, so nothing was changed. A dry run tells what is wrong in each row."
    ),
    "ledger_unknown_party": N_(
        "The company has no customer “%(value)s”. Import the customer first, or correct the code; "
        "leading zeros count."
    ),
    "ledger_not_customer": N_(
        "“%(value)s” is a supplier, not a customer: statements and reminders are for customers."
    ),
    "ledger_amount_missing": N_("The row has no amount. Fill in debit, credit or the open amount."),
    "ledger_date_missing": N_("The row has no date. Fill in the date of the document or its due date."),
    "ledger_bad_amount": N_("“%(value)s” is not an amount. Write it as 1.200,00 or 1200.00."),
    "ledger_bad_date": N_("“%(value)s” is not a date. Write it as 31/12/2026 or 2026-12-31."),
    "ledger_bad_currency": N_("“%(value)s” is not a currency. Use its three letters, for example EUR."),
    "ledger_bad_level": N_("“%(value)s” is not a reminder level. Use 0, 1, 2, 3 or 4."),
    "ledger_negative_credit": N_(
        "The credit note stands with a minus: it was taken as a credit of %(value)s."
    ),
}
