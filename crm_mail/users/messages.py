"""The words of the users room in the language of the page: why something is refused, and what a person may do."""

from collections.abc import Mapping
from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from crm_mail.users.problems import Problem, UserRefused

CLEARANCES = range(4)


def explain(refused: UserRefused) -> str:
    """The sentence for a refusal, in the language of the page."""
    template = _sentences()[refused.problem]
    return template % {name: str(value) for name, value in refused.params.items()}


def _sentences() -> Mapping[Problem, str]:
    # The values are put in afterwards: gettext without values leaves the placeholders alone.
    return {
        Problem.UNKNOWN_USER: _("No user has the address %(email)s."),
        Problem.INACTIVE_USER: _("The user %(email)s is not active."),
        Problem.EMAIL_TAKEN: _("Another user has the address %(email)s already."),
        Problem.EMAIL_INVALID: _("%(email)s is not an e-mail address."),
        Problem.NAME_MISSING: _("Enter the name."),
        Problem.CLEARANCE_INVALID: _("Choose a clearance from 0 to 3."),
        Problem.LAST_ADMINISTRATOR: _(
            "%(name)s is the last active administrator. Make somebody else an administrator first."
        ),
        Problem.ADMINISTRATOR_ONLY: _("Only an administrator can make, change or remove an administrator."),
        Problem.MORE_THAN_OWN_RIGHTS: _(
            "You cannot grant what you do not hold yourself (%(right)s). An administrator can."
        ),
        Problem.MORE_THAN_OWN_CLEARANCE: _(
            "You cannot grant clearance %(clearance)s, because yours is %(own)s. An administrator can."
        ),
        Problem.HOLDS_MORE: _(
            "%(name)s holds rights that you do not. Only an administrator can change this user."
        ),
        Problem.OWN_ACCOUNT: _("You cannot deactivate your own account. Ask another administrator."),
        Problem.NOT_EMPTY: _("The first administrator exists already. Sign in."),
        Problem.WRONG_PASSWORD: _("The present password is not right."),
        Problem.SAME_PASSWORD: _("This is the present password. Choose another one."),
        Problem.PASSWORD_TOO_SHORT: _("Use at least %(minimum)s characters. Several words are fine."),
        Problem.PASSWORD_TOO_LONG: _("Use at most %(maximum)s characters."),
        Problem.PASSWORD_COMMON: _(
            "This password is on the lists that attackers try first. Choose another one: several words that do not "
            "belong together are easy to remember."
        ),
        Problem.PASSWORD_PERSONAL: _(
            "The password is little more than the name or the address. Choose another one."
        ),
        Problem.WRONG_CODE: _("The code is not right. Wait for the next one and try again."),
        Problem.SECOND_FACTOR_IS_ON: _("Two-factor sign-in is set up already."),
        Problem.SECOND_FACTOR_IS_OFF: _("%(name)s has no two-factor sign-in that could be reset."),
        Problem.SECOND_FACTOR_REQUIRED: _(
            "This account must use two-factor sign-in. An administrator decides that."
        ),
        Problem.LINK_OVER: _("This link was used already or has expired. Ask for another one."),
        Problem.LIMITS_OF_LIMITED: _(
            "Your own commits are limited. Only an administrator can change limits then."
        ),
        Problem.MORE_THAN_OWN_SIGHT: _(
            "You see customers of some agents or zones only, and cannot let others see more. An administrator can."
        ),
        Problem.NOT_TO_BE_SEEN: _(
            "The pages cannot be shown as %(name)s: it is your own account, or it is not active."
        ),
        Problem.UNKNOWN_GROUP: _("There is no group called %(name)s."),
        Problem.GROUP_TAKEN: _("There is a group called %(name)s already."),
        Problem.GROUP_CIRCLE: _("%(name)s cannot stand under itself or under one of its own groups."),
        Problem.GRANT_EVERYWHERE: _("This right is given for every company, not for one (%(right)s)."),
        Problem.GRANT_MALFORMED: _("The right %(grant)s is not written as TYPE:ACTION:COMPANY."),
        Problem.GRANT_TYPE: _("The document type %(value)s does not exist."),
        Problem.GRANT_ACTION: _("The action %(value)s does not exist."),
        Problem.GRANT_COMPANY: _("The company %(value)s does not exist."),
    }


def wait_sentence(wait: timedelta) -> str:
    """How long somebody has to wait after too many failures."""
    minutes = -(-int(wait.total_seconds() + 0.999) // 60)
    sentence: str = ngettext(
        "Too many attempts failed. Wait %(num)d minute, then try again.",
        "Too many attempts failed. Wait %(num)d minutes, then try again.",
        max(minutes, 1),
    )
    return sentence


def clearance_label(level: int) -> str:
    """A clearance in words."""
    sentences: tuple[str, ...] = (
        _("0 – public contacts only"),
        _("1 – up to internal contacts"),
        _("2 – up to reserved contacts"),
        _("3 – all contacts, confidential ones too"),
    )
    return sentences[level]
