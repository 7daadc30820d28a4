"""Why a correction of a message is refused, as codes (pure)."""

from enum import StrEnum


class EditProblem(StrEnum):
    """Why a correction is refused; the words stand in `change_words`."""

    CONFLICT = "conflict"  # somebody else changed the row meanwhile
    SETTLED = "settled"  # the row has left, or is frozen
    ACCOUNT_UNFIT = "account_unfit"
    ACCOUNT_WRONG_KIND = "account_wrong_kind"
    SUBJECT_EMPTY = "subject_empty"
    SUBJECT_LINE_BREAK = "subject_line_break"
    SUBJECT_TOO_LONG = "subject_too_long"
    BODY_TOO_LONG = "body_too_long"
    NUMBER_INVALID = "number_invalid"
    COPIES_ON_PEC = "copies_on_pec"
