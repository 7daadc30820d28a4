"""What is said of a row of the catalogue: a code, its values, and the sentence in any language. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from crm_mail.words import N_, Translate


class Outcome(StrEnum):
    """What becomes of a row."""

    READY = "ready"  # Save writes it
    SAVED = "saved"
    SKIPPED = "skipped"  # there is nothing to do: known already, or written twice
    REFUSED = "refused"


SENTENCES: Final[Mapping[str, str]] = {
    "adds": N_("Account statements will go to %(emails)s."),
    "own_address": N_(
        "No e-mail given: account statements will go to the customer's own address, %(email)s."
    ),
    "saved": N_("Saved: account statements go to %(emails)s."),
    "saved_own": N_("Saved: account statements go to the customer's own address, %(email)s."),
    "already": N_("Already in the catalogue: nothing to do."),
    "repeated": N_("The same as row %(row)s: nothing more to do."),
    "company_missing": N_("The row names no company."),
    "company_unknown": N_("There is no company %(company)s whose contacts you may change."),
    "number_missing": N_("The row names no customer number."),
    "number_unknown": N_("Customer %(code)s is not in company %(company)s."),
    "zeros": N_("Customer %(code)s is not in company %(company)s: did you mean %(suggestion)s?"),
    "supplier_only": N_("%(code)s is a supplier in company %(company)s, not a customer."),
    "scientific": N_(
        "The spreadsheet turned a number into %(value)s: format the column as text and copy it again."
    ),
    "email_invalid": N_("“%(value)s” is not an e-mail address: %(reason)s."),
    "no_address": N_("No e-mail given, and customer %(code)s has no address of its own."),
    # notes beside a row that is saved
    "same_customer": N_("The same customer as row %(row)s: the addresses are put together."),
    "billing_alone": N_("Its billing address %(email)s receives in place of these."),
    "packaging_alone": N_("The addresses behind its packaging receive in place of these."),
    "blocked": N_("The customer is blocked: nothing is sent to it."),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A code with its values."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def in_words(self, translate: Translate, reason: Callable[[str], str] = str) -> str:
        """The sentence; ``reason`` translates why a text is not an address."""
        params = {**self.params}
        if "reason" in params:
            params["reason"] = reason(str(params["reason"]))
        return str(translate(SENTENCES[self.code])) % params
