"""Why the users room refuses something: a code with its values, in English for the command line.

Pages translate the same code in `messages.py`.
"""

from enum import StrEnum

from crm_mail.refusals import Refusal


class Problem(StrEnum):
    """Every reason for which the users room refuses."""

    UNKNOWN_USER = "unknown_user"
    INACTIVE_USER = "inactive_user"
    EMAIL_TAKEN = "email_taken"
    EMAIL_INVALID = "email_invalid"
    NAME_MISSING = "name_missing"
    CLEARANCE_INVALID = "clearance_invalid"
    LAST_ADMINISTRATOR = "last_administrator"
    ADMINISTRATOR_ONLY = "administrator_only"
    MORE_THAN_OWN_RIGHTS = "more_than_own_rights"
    MORE_THAN_OWN_CLEARANCE = "more_than_own_clearance"
    HOLDS_MORE = "holds_more"
    OWN_ACCOUNT = "own_account"
    NOT_EMPTY = "not_empty"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a code, not a password
    SAME_PASSWORD = "same_password"  # noqa: S105
    PASSWORD_TOO_SHORT = "password_too_short"  # noqa: S105
    PASSWORD_TOO_LONG = "password_too_long"  # noqa: S105
    PASSWORD_COMMON = "password_common"  # noqa: S105
    PASSWORD_PERSONAL = "password_personal"  # noqa: S105
    WRONG_CODE = "wrong_code"
    SECOND_FACTOR_IS_ON = "second_factor_is_on"
    SECOND_FACTOR_IS_OFF = "second_factor_is_off"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    LINK_OVER = "link_over"
    LIMITS_OF_LIMITED = "limits_of_limited"
    MORE_THAN_OWN_SIGHT = "more_than_own_sight"
    NOT_TO_BE_SEEN = "not_to_be_seen"
    UNKNOWN_GROUP = "unknown_group"
    GROUP_TAKEN = "group_taken"
    GROUP_CIRCLE = "group_circle"
    GRANT_EVERYWHERE = "grant_everywhere"
    GRANT_MALFORMED = "grant_malformed"
    GRANT_TYPE = "grant_type"
    GRANT_ACTION = "grant_action"
    GRANT_COMPANY = "grant_company"


_ENGLISH = {
    Problem.UNKNOWN_USER: "no user has the address {email}: add one with `crm-mail user add {email}`",
    Problem.INACTIVE_USER: "the user {email} is not active: an administrator can activate the account",
    Problem.EMAIL_TAKEN: "another user has the address {email} already",
    Problem.EMAIL_INVALID: "{email} is not an e-mail address: {detail}",
    Problem.NAME_MISSING: "the name is missing",
    Problem.CLEARANCE_INVALID: "clearance {clearance} does not exist: give 0 (public) to 3 (confidential)",
    Problem.LAST_ADMINISTRATOR: "{name} is the last active administrator: make somebody else an administrator first",
    Problem.ADMINISTRATOR_ONLY: "only an administrator can make, change or remove an administrator",
    Problem.MORE_THAN_OWN_RIGHTS: "you cannot grant {right}, because you do not hold it: an administrator can",
    Problem.MORE_THAN_OWN_CLEARANCE: "you cannot grant clearance {clearance}, yours is {own}: an administrator can",
    Problem.HOLDS_MORE: "{name} holds rights that you do not: only an administrator can change this user",
    Problem.OWN_ACCOUNT: "nobody can deactivate the own account: ask another administrator",
    Problem.NOT_EMPTY: "the first administrator exists already: sign in",
    Problem.WRONG_PASSWORD: "the present password is not right",
    Problem.SAME_PASSWORD: "the new password is the present one: choose another",
    Problem.PASSWORD_TOO_SHORT: "the password is too short: use at least {minimum} characters, several words are fine",
    Problem.PASSWORD_TOO_LONG: "the password is too long: use at most {maximum} characters",
    Problem.PASSWORD_COMMON: "this password is on the lists that attackers try first: choose another",
    Problem.PASSWORD_PERSONAL: "the password is little more than the name or the address: choose another",
    Problem.WRONG_CODE: "the code is not right",
    Problem.SECOND_FACTOR_IS_ON: "two-factor sign-in is set up already",
    Problem.SECOND_FACTOR_IS_OFF: "{name} has no two-factor sign-in that could be reset",
    Problem.SECOND_FACTOR_REQUIRED: "this account must use two-factor sign-in: an administrator decides that",
    Problem.LINK_OVER: "the link was used already or has expired: ask for another one",
    Problem.LIMITS_OF_LIMITED: "your own commits are limited: only an administrator can change limits then",
    Problem.MORE_THAN_OWN_SIGHT: "you see customers of some agents or zones only, and cannot let others see more",
    Problem.NOT_TO_BE_SEEN: "the pages cannot be shown as {name}: it is you, or the account is not active",
    Problem.UNKNOWN_GROUP: "there is no group called {name}: `crm-mail group list` names them",
    Problem.GROUP_TAKEN: "there is a group called {name} already",
    Problem.GROUP_CIRCLE: "{name} cannot stand under itself or under one of its own groups",
    Problem.GRANT_EVERYWHERE: "the right {right} is given for every company, not for one",
    Problem.GRANT_MALFORMED: "the grant {grant} is not written as TYPE:ACTION:COMPANY, such as invoice:commit:SM02, "
    "nor as AREA:ACTION, such as contacts:see",
    Problem.GRANT_TYPE: "the grant {grant} names the document type {value}; known are: {valid}",
    Problem.GRANT_ACTION: "the grant {grant} names the action {value}; known are: {valid}",
    Problem.GRANT_COMPANY: "the grant {grant} names the company {value}; known are: {valid}",
}


class UserRefused(Refusal):
    """A change that the rules of the users room do not allow; nothing was changed.

    Args:
        problem: the code.
        params: values of the message; never a password.
    """

    def __init__(self, problem: Problem, **params: object) -> None:
        super().__init__(_ENGLISH[problem].format(**params))
        self.problem = problem
        self.params = params
