"""The words of the users room in the language of the page: why something is refused, and what a person may do."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from babel.lists import format_list
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.permissions import ANY, Actor, Permission
from crm_mail.users.limit_words import limits_in_words
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.rights import group_grants

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


def area_label(area: Permission) -> str:
    """An area in words."""
    labels: dict[Permission, str] = {
        Permission.CONTACTS_SEE: _("Contacts: see"),
        Permission.CONTACTS_MANAGE: _("Contacts: add, change, import"),
        Permission.CONTACTS_EXPORT: _("Contacts: export"),
        Permission.TEXTS_MANAGE: _("Texts and layouts: change"),
        Permission.ACCOUNTS_MANAGE: _("Sender accounts and mailboxes: change"),
        Permission.SCHEDULES_SEE: _("Schedules and rules: see"),
        Permission.SCHEDULES_MANAGE: _("Schedules and rules: change"),
        Permission.REPORTS_SEE: _("Reports: see"),
        Permission.REPORTS_EXPORT: _("Reports: export"),
        Permission.USERS_MANAGE: _("Users: add, change, give the rights held"),
        Permission.SETTINGS_MANAGE: _("Settings: companies, sender accounts, texts"),
        Permission.PRIVACY_MANAGE: _("Privacy: requests of persons, retention, register"),
        Permission.AUDIT_SEE: _("Audit: see"),
        Permission.AUDIT_EXPORT: _("Audit: export"),
    }
    return labels[area]


def action_label(action: Permission) -> str:
    """A column of the matrix."""
    labels: dict[Permission, str] = {
        Permission.DOCUMENTS_SEE: _("See"),
        Permission.OUTBOX_PREPARE: _("Prepare"),
        Permission.OUTBOX_REVIEW: _("Review"),
        Permission.OUTBOX_COMMIT: _("Commit"),
        Permission.DOCUMENTS_MANAGE: _("Manage"),
        Permission.DOCUMENTS_EXPORT: _("Export"),
    }
    return labels[action]


def _verb(action: Permission) -> str:
    labels: dict[Permission, str] = {
        Permission.DOCUMENTS_SEE: _("see"),
        Permission.OUTBOX_PREPARE: _("prepare"),
        Permission.OUTBOX_REVIEW: _("review"),
        Permission.OUTBOX_COMMIT: _("commit"),
        Permission.DOCUMENTS_MANAGE: _("bring in and correct"),
        Permission.DOCUMENTS_EXPORT: _("export"),
    }
    return labels[action]


def _join(words: Iterable[str]) -> str:
    return format_list(list(words), locale=get_locale() or "en")


def rights_in_words(
    actor: Actor, company_codes: Mapping[int, str], type_name: Callable[[str], str]
) -> list[str]:
    """What a person may do, one sentence for each thing.

    Args:
        company_codes: code by company id.
        type_name: a document type in the language of the page.
    """
    if actor.is_admin:
        sentences = [_("Administrator: may do everything, in every company.")]
    else:
        sentences = [
            _(
                "May %(actions)s %(types)s in %(company)s.",
                actions=_join(_verb(action) for action in group.actions),
                types=_("every document type") if ANY in group.types else _join(map(type_name, group.types)),
                company=_("every company")
                if group.company_id is None
                else company_codes.get(group.company_id, str(group.company_id)),
            )
            for group in group_grants(actor.grants)
        ]
        managed = {
            Permission.CONTACTS_MANAGE: _("Manages contacts and documents."),
            Permission.USERS_MANAGE: _("Manages users."),
            Permission.SETTINGS_MANAGE: _("Manages companies, accounts and texts."),
            Permission.PRIVACY_MANAGE: _("Manages privacy: requests of persons, retention, register."),
        }
        sentences += [text for area, text in managed.items() if actor.can(area)]
    if not sentences:
        return [_("May only sign in.")]
    if actor.can(Permission.OUTBOX_COMMIT):
        sentences += limits_in_words(actor.limits)
    return [*sentences, _clearance_sentence(actor.clearance)]


def _clearance_sentence(level: int) -> str:
    sentences: tuple[str, ...] = (
        _("Sees only public contacts."),
        _("Sees public and internal contacts."),
        _("Sees all contacts but the confidential ones."),
        _("Sees all contacts, confidential ones too."),
    )
    return sentences[level]
