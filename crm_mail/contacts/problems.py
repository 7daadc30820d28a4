"""Why the contacts room refuses something: a code with its values, in English for the command line.

Pages translate the same code in `messages.py`.
"""

from enum import StrEnum

from crm_mail.refusals import Refusal


class Problem(StrEnum):
    """Every reason for which the contacts room refuses."""

    CODE_MISSING = "code_missing"
    CODE_TAKEN = "code_taken"
    CODE_OF_OTHERS = "code_of_others"
    OUTSIDE_SIGHT = "outside_sight"
    NAME_MISSING = "name_missing"
    NEITHER_KIND = "neither_kind"
    TOO_LONG = "too_long"
    EMAIL_INVALID = "email_invalid"
    ADDRESS_REPEATED = "address_repeated"
    LANGUAGE_INVALID = "language_invalid"
    COUNTRY_INVALID = "country_invalid"
    CREDIT_DAYS_INVALID = "credit_days_invalid"
    PACKAGING_INVALID = "packaging_invalid"
    PACKAGING_UNKNOWN = "packaging_unknown"
    ADDENDA_INVALID = "addenda_invalid"
    LEVEL_INVALID = "level_invalid"
    MERGE_CONTINUED = "merge_continued"
    MERGE_NOT_UNDONE = "merge_not_undone"
    TYPE_UNKNOWN = "type_unknown"
    LEVEL_ABOVE_OWN = "level_above_own"
    ROLE_UNKNOWN = "role_unknown"
    ROLE_TAKEN = "role_taken"
    ROLE_NEEDS_CLEARANCE = "role_needs_clearance"
    CHARACTERISTIC_INVALID = "characteristic_invalid"
    SUBSCRIPTION_ADDRESS = "subscription_address"
    BIRTHDAY_INVALID = "birthday_invalid"
    NOT_SUGGESTED = "not_suggested"
    MERGE_SAME = "merge_same"
    MERGE_OTHER_PARTY = "merge_other_party"
    MERGE_OTHER_COMPANY = "merge_other_company"
    MERGE_CONFLICT = "merge_conflict"


_ENGLISH = {
    Problem.CODE_MISSING: "the code is missing: every customer and supplier has one",
    Problem.CODE_OF_OTHERS: "the code {code} is taken: choose another",
    Problem.OUTSIDE_SIGHT: "you see the customers of {own} only: give the customer one of these",
    Problem.CODE_TAKEN: "the code {code} belongs to {name} already: choose another, or edit that one",
    Problem.NAME_MISSING: "the name is missing",
    Problem.NEITHER_KIND: "say whether this is a customer, a supplier or both",
    Problem.TOO_LONG: "{value} is too long: at most {maximum} characters",
    Problem.EMAIL_INVALID: "{email} is not an e-mail address: {detail}",
    Problem.ADDRESS_REPEATED: "the address {email} stands here twice: remove one",
    Problem.LANGUAGE_INVALID: "{language} is not a language of two letters such as it, es or en",
    Problem.COUNTRY_INVALID: "{country} is not a country code of two letters such as IT",
    Problem.CREDIT_DAYS_INVALID: "{days} is not a number of days from 0 to 999",
    Problem.PACKAGING_INVALID: "{code} is not the code of a packaging: write GRAL, or GRAL,a@x,b@x",
    Problem.PACKAGING_UNKNOWN: "there is no packaging {code} for this customer: name one of {known}",
    Problem.ADDENDA_INVALID: "the addenda is not well-formed XML: {reason}",
    Problem.LEVEL_INVALID: "the privacy level {level} does not exist: give 0 (public) to 3 (confidential)",
    Problem.MERGE_CONTINUED: "{name} was merged further, into {other}: undo that merge first",
    Problem.MERGE_NOT_UNDONE: "{name} cannot come back: its code or something that may exist once is taken by now",
    Problem.TYPE_UNKNOWN: "{type} is not a document type of this company",
    Problem.LEVEL_ABOVE_OWN: "the privacy level {level} is above your clearance {own}: you would not see it any more",
    Problem.ROLE_UNKNOWN: "the role {role} does not exist in this company: add it to the list of roles first",
    Problem.ROLE_TAKEN: "the role {role} exists already",
    Problem.ROLE_NEEDS_CLEARANCE: "removing a role needs clearance 3, because contacts that you cannot see may hold it",
    Problem.CHARACTERISTIC_INVALID: "{text} is not a characteristic: write a name, or name=value",
    Problem.SUBSCRIPTION_ADDRESS: "{email} is not an address of this contact: choose one of its own",
    Problem.BIRTHDAY_INVALID: "{text} is not a birthday: write 1980-03-31, 31/3/1980, or 31/3 without a year",
    Problem.MERGE_SAME: "choose two different ones: {name} cannot be merged with itself",
    Problem.MERGE_OTHER_PARTY: "{name} and {other} belong to different customers or suppliers: merge those first",
    Problem.MERGE_OTHER_COMPANY: "{name} and {other} belong to different companies and stay apart",
    Problem.MERGE_CONFLICT: "{name} and {other} both have the same entry in {table}: remove one of the two first",
    Problem.NOT_SUGGESTED: "{name} does not wait for confirmation any more",
}


class ContactRefused(Refusal):
    """A change that the rules of the contacts room do not allow; nothing was changed.

    Args:
        problem: the code.
        field: name of the input field that is wrong; empty when none is.
        params: values of the message.
    """

    def __init__(self, problem: Problem, field: str = "", **params: object) -> None:
        super().__init__(_ENGLISH[problem].format(**params))
        self.problem = problem
        self.field = field
        self.params = params
