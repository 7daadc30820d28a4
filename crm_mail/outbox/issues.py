"""Blockers and warnings of a message (BX-6), as codes with what their remedy needs (pure)."""

from enum import StrEnum


class Issue(StrEnum):
    """What stands in the way of a message, or deserves a look."""

    NO_ADDRESS = "no_address"
    INVALID_ADDRESS = "invalid_address"
    SUPPRESSED_ADDRESS = "suppressed_address"  # it bounced for good, complained, or a person said so
    NO_ACCOUNT = "no_account"
    NO_PEC_ACCOUNT = "no_pec_account"
    NO_SMS_ACCOUNT = "no_sms_account"
    PEC_REQUIRED = "pec_required"  # the company wants PEC for this type and the recipient has none
    NO_ORDINARY_ADDRESS = "no_ordinary_address"  # the company wants ordinary mail and there is only PEC
    MISSING_FILE = "missing_file"  # the document has no file to send, or the store has lost it
    PDF_FAILED = "pdf_failed"
    LETTER_FAILED = "letter_failed"  # a mailing's letter could not be made for this recipient
    FILE_TOO_LARGE = "file_too_large"
    TEXT_INVALID = "text_invalid"
    TEXT_TOO_LONG = "text_too_long"  # an SMS of more segments than are joined reliably
    ALREADY_SENT = "already_sent"
    IN_OTHER_RUN = "in_other_run"
    SHARED_ADDRESS = "shared_address"
    EMPTY_FIELD = "empty_field"
    ADDRESS_KIND_UNKNOWN = "address_kind_unknown"
    LOOKS_LIKE_PEC = "looks_like_pec"
    PEC_ANSWERS = "pec_answers"  # answers to a PEC message would go to an address that is not PEC
    UNPROVEN = (
        "unproven"  # a letter that says it goes by PEC or registered letter would leave by ordinary mail
    )
    OTHER_SELLER = "other_seller"


BLOCKERS = frozenset(
    {
        Issue.NO_ADDRESS,
        Issue.INVALID_ADDRESS,
        Issue.SUPPRESSED_ADDRESS,
        Issue.NO_ACCOUNT,
        Issue.NO_PEC_ACCOUNT,
        Issue.NO_SMS_ACCOUNT,
        Issue.PEC_REQUIRED,
        Issue.NO_ORDINARY_ADDRESS,
        Issue.MISSING_FILE,
        Issue.PDF_FAILED,
        Issue.LETTER_FAILED,
        Issue.FILE_TOO_LARGE,
        Issue.TEXT_INVALID,
        Issue.TEXT_TOO_LONG,
    }
)
