"""Why an account is refused, what a connection attempt came to, and which account was chosen: in words."""

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from wtforms import Form

from crm_mail.delivery.account_rules import AccountProblem, Problem
from crm_mail.delivery.connection_check import Step
from crm_mail.delivery.envelope import Cause
from crm_mail.web import problems as problems_on_forms


def _sentences() -> Mapping[Problem, str]:
    # The values are put in afterwards: gettext without values leaves the placeholders alone.
    return {
        Problem.REQUIRED: _("Enter a value."),
        Problem.TOO_LONG: _("At most %(limit)s characters."),
        Problem.CONTROL: _("Line breaks and control characters are not possible here."),
        Problem.OUT_OF_RANGE: _("Enter a number between %(low)s and %(high)s."),
        Problem.BAD_HOST: _("%(value)s is neither a server name nor an IP address."),
        Problem.BAD_ADDRESS: _("%(value)s is not an e-mail address."),
        Problem.NAME_TAKEN: _("There is an account named %(value)s already. Choose another name."),
        Problem.NOT_ENCRYPTED: _(
            "Mail would travel unencrypted. Choose TLS or STARTTLS, or tick the box that allows it."
        ),
        Problem.PEC_NOT_ENCRYPTED: _("A PEC account needs TLS or STARTTLS."),
        Problem.NO_CA_FILE: _("The certificate file %(value)s is not there."),
        Problem.NO_CERTIFICATE: _(
            "There is no certificate in this file. Choose the authority's certificate (PEM or DER)."
        ),
        Problem.CERTIFICATE_EXPIRED: _(
            "The certificate of %(value)s expired on %(day)s. Ask for the present one."
        ),
        Problem.NOT_AN_AUTHORITY: _(
            "%(value)s is a server's certificate. Choose that of the authority which signed it."
        ),
        Problem.FILE_TOO_LARGE: _(
            "The file is larger than %(limit)s. Choose a file with the authority's certificate only."
        ),
        Problem.SECRET_WITHOUT_USER: _(
            "There is a password without a user name. Enter the name, or no password."
        ),
    }


def explain(problem: AccountProblem) -> str:
    """The sentence for a refusal."""
    return str(_sentences()[problem.problem] % dict(problem.params))


def show_problems(form: Form, problems: Iterable[AccountProblem]) -> None:
    """Put each refusal beside its field; one without a field stands above the form."""
    problems_on_forms.show_problems(form, problems, explain)


def step_name(step: Step) -> str:
    """A step of the connection check."""
    words: dict[Step, str] = {
        Step.REACH: _("Reach the server"),
        Step.ENCRYPT: _("Agree on encryption"),
        Step.LOG_IN: _("Log in"),
    }
    return words[step]


def remedy(cause: Cause) -> str:
    """What to do about a failed step or a refused test message; empty when the server's answer says it all."""
    words: dict[Cause, str] = {
        Cause.DNS: _("Check the spelling of the server's name."),
        Cause.CONNECTION: _("Check the server's name and the port; a firewall may be in between."),
        Cause.TIMEOUT: _("Check the port and the kind of encryption: the server does not answer."),
        Cause.DROPPED: _("Check the port and the kind of encryption: the server hung up."),
        Cause.TLS: _("Port 465 usually asks for TLS, port 587 for STARTTLS."),
        Cause.TLS_NOT_OFFERED: _("The server offers no STARTTLS here: try TLS on port 465."),
        Cause.CERTIFICATE: _(
            "Enter the server's name exactly as its certificate has it. A server of your own with a private "
            "authority: choose the authority's certificate on the account's page."
        ),
        Cause.LOGIN: _(
            "Check the user name and enter the password again; some providers want an app password."
        ),
        Cause.LOGIN_NOT_OFFERED: _(
            "The server offers no login here: check the port, or leave the user name empty."
        ),
        Cause.SENDER: _("The server does not let this account send from this address."),
        Cause.BUSY: _("The server asks to try later."),
    }
    return words.get(cause, "")
