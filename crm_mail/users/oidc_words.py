"""Why a sign-in at the OpenID Connect provider did not work, in the language of the page: what, and what to do."""

from flask_babel import gettext as _

from crm_mail.users.oidc_problems import OidcProblem, OidcRefused

STATUS = {
    OidcProblem.STATE: 400,
    OidcProblem.UNREACHABLE: 502,
}
"""What the page answers; 403 otherwise."""


def explain(refused: OidcRefused, label: str) -> str:
    """The sentence of a refusal.

    Args:
        label: what the provider is called here.
    """
    sentences = {
        OidcProblem.STATE: _(
            "This answer belongs to no sign-in that was begun in this browser in the last minutes. Begin again."
        ),
        OidcProblem.UNREACHABLE: _(
            "%(label)s cannot be used at the moment (%(detail)s). Try again in a minute, or sign in with the password."
        ),
        OidcProblem.REFUSED: _("%(label)s did not let you in: %(detail)s."),
        OidcProblem.TOKEN: _(
            "The answer of %(label)s cannot be trusted (%(detail)s), so nobody was signed in. Tell an administrator "
            "when it happens again."
        ),
        OidcProblem.NO_EMAIL: _(
            "%(label)s told no e-mail address. Without one nobody knows which account here is meant: an administrator "
            "of %(label)s can release it."
        ),
        OidcProblem.UNVERIFIED: _(
            "%(label)s has not verified the address %(email)s. Verify it there, then sign in again."
        ),
        OidcProblem.DOMAIN: _(
            "The address %(email)s does not belong to this office, so it cannot sign in here. Choose the office's "
            "account at %(label)s."
        ),
        OidcProblem.UNKNOWN: _(
            "You are signed in at %(label)s as %(email)s, but nobody here has this address. Ask somebody who manages "
            "users here to add it."
        ),
        OidcProblem.INACTIVE: _("The account %(email)s is not active. An administrator can activate it."),
        OidcProblem.OTHER_PERSON: _(
            "The account %(email)s belongs to another identity at %(label)s. If the address was given to you, ask "
            "somebody who manages users here to undo the old link."
        ),
        OidcProblem.EMPTY: _(
            "Nobody uses this installation yet. Make the first administrator, then sign in."
        ),
    }
    # The values are put in afterwards: gettext without values leaves the placeholders alone.
    sentence: str = sentences[refused.problem]
    return sentence % (refused.params | {"label": label})
