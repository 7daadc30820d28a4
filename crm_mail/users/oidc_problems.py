"""Why a sign-in at the OpenID Connect provider leads to no session: a code with its values, in English for the record.

Pages translate the same code in `oidc_words`.
"""

from enum import StrEnum

from crm_mail.refusals import Refusal


class OidcProblem(StrEnum):
    """Every way in which such a sign-in ends without a session."""

    STATE = "state"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TOKEN = "token"  # noqa: S105 - a code, not a token
    NO_EMAIL = "no_email"
    UNVERIFIED = "unverified"
    DOMAIN = "domain"
    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    OTHER_PERSON = "other_person"
    EMPTY = "empty"


_ENGLISH = {
    OidcProblem.STATE: "the answer belongs to no sign-in that this browser began in the last minutes: begin again",
    OidcProblem.UNREACHABLE: "the provider cannot be used at the moment: {detail}",
    OidcProblem.REFUSED: "the provider refused: {detail}",
    OidcProblem.TOKEN: "the provider's answer cannot be trusted: {detail}",
    OidcProblem.NO_EMAIL: "the provider told no e-mail address",
    OidcProblem.UNVERIFIED: "the provider has not verified the address {email}",
    OidcProblem.DOMAIN: "the address {email} is of a domain that may not sign in here",
    OidcProblem.UNKNOWN: "nobody here has the address {email}: somebody who manages users can add it",
    OidcProblem.INACTIVE: "the user {email} is not active: an administrator can activate the account",
    OidcProblem.OTHER_PERSON: "{email} is bound to another identity at the provider: an administrator can undo that",
    OidcProblem.EMPTY: "there is no administrator yet: make one first",
}


class OidcRefused(Refusal):
    """No session begins.

    Args:
        problem: the code.
        params: values of the message; never a token, a code or a secret.
    """

    def __init__(self, problem: OidcProblem, **params: str) -> None:
        super().__init__(_ENGLISH[problem].format(**params))
        self.problem = problem
        self.params = params
