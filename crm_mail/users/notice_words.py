"""The words of a mail to a user about the own account, in the user's language (pure)."""

from crm_mail.web.translating import translator
from crm_mail.words import Translate


def compose(kind: str, language: str, *, name: str, link: str) -> tuple[str, str]:
    """Subject and text.

    Args:
        kind: a value of `notices.Notice`.
        link: whole address, of the link that works once or of the installation.
    """
    _ = translator(language)
    subject, lines = _words(_)[kind]
    greeting = _("Hello %(name)s,") % {"name": name}
    return f"CRM Mail: {subject}", "\n\n".join([greeting, *lines, link]) + "\n"


def _words(_: Translate) -> dict[str, tuple[str, tuple[str, ...]]]:
    not_you = _("If it was not you, tell an administrator at once.")
    return {
        "invitation": (
            _("invitation"),
            (
                _("an account was made for you. Choose its password with this link."),
                _("The link works once, within seven days."),
            ),
        ),
        "reset_link": (
            _("choose a new password"),
            (
                _("a new password was asked for. Choose it with this link."),
                _("The link works once, within an hour. If you did not ask for it, do nothing."),
            ),
        ),
        "password_changed": (
            _("the password was changed"),
            (_("the password of your account was changed, and all other browsers were signed out."), not_you),
        ),
        "second_factor_on": (
            _("two-factor sign-in is on"),
            (_("from now on your account asks for a code of your authenticator app at sign-in."), not_you),
        ),
        "second_factor_off": (
            _("two-factor sign-in is off"),
            (_("your account no longer asks for a code at sign-in."), not_you),
        ),
        "recovery_code_used": (
            _("a recovery code was used"),
            (
                _("somebody signed in to your account with a recovery code, or used one to change it."),
                not_you,
            ),
        ),
        "provider_bound": (
            _("signing in at the office's provider"),
            (
                _(
                    "somebody signed in to your account through the office's sign-in provider for the first time."
                ),
                not_you,
            ),
        ),
        "failed_sign_ins": (
            _("several sign-ins failed"),
            (
                _("somebody tried several times to sign in to your account, with a wrong password or code."),
                _(
                    "Nobody was let in. If it was not you, choose a longer password and set up two-factor sign-in."
                ),
            ),
        ),
    }
