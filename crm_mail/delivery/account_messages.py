"""Why an account is refused, what a connection attempt came to, and which account was chosen: in words."""

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from wtforms import Form

from crm_mail.delivery.account_rules import AccountProblem, Problem
from crm_mail.delivery.connection_check import Step, Warned
from crm_mail.delivery.envelope import Cause
from crm_mail.delivery.mailbox.failures import MailboxCause
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
        Problem.NO_TOKEN: _(
            "Put {token} once into the part before the @, as in bounces+{token}@example.com."
        ),
        Problem.BOUNCE_ON_PEC: _(
            "A PEC message comes back to its sender: leave the return path of a PEC account empty."
        ),
        Problem.BAD_SENDER: _(
            "Write a number with its prefix and without blanks, such as +393331234567, or a name of at most %(limit)s "
            "letters and digits."
        ),
        Problem.BAD_URL: _(
            "This address cannot be used. It begins with https:// and does not lead into a private network."
        ),
        Problem.BAD_LINE: _("Write each line as name: value. This one is not: %(value)s"),
        Problem.NO_PLACEHOLDER: _("One of the lines must hold %(value)s."),
        Problem.CAP_TOO_LOW: _("The daily cap does not pay for one segment. Raise it, or leave it empty."),
        Problem.CAP_WITHOUT_COST: _("A cap needs the cost of a segment."),
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
        Step.RESOLVE: _("Find the server by its name"),
        Step.REACH: _("Reach the server"),
        Step.ENCRYPT: _("Agree on encryption"),
        Step.LOG_IN: _("Log in"),
        Step.FOLDERS: _("Look into the folders"),
        Step.QUOTA: _("Room in the mailbox"),
    }
    return words[step]


def warning(code: Warned | None) -> str:
    """What to do about a step that was done and shows something to look at."""
    words: dict[Warned, str] = {
        Warned.EXPIRES: _("The certificate ends soon: whoever runs the server must renew it."),
        Warned.NO_SENT_FOLDER: _(
            "No folder of sent mail was found. Enter its name, so that messages whose fate is uncertain can be looked "
            "up there."
        ),
        Warned.MISSING_FOLDERS: _("These folders are not there. Correct their names, or create them."),
        Warned.NEARLY_FULL: _(
            "A full mailbox takes in no receipts: make room, or ask the operator for more."
        ),
    }
    return words[code] if code else ""


def remedy(cause: Cause | MailboxCause, is_mailbox: bool = False) -> str:
    """What to do about a failed step or a refused test message; empty when the server's answer says it all."""
    return (_mailbox_remedies().get(cause.value) if is_mailbox else None) or _remedies().get(cause.value, "")


def _mailbox_remedies() -> dict[str, str]:
    """Where IMAP asks for something else than SMTP."""
    return {
        MailboxCause.TLS.value: _("Port 993 usually asks for TLS, port 143 for STARTTLS."),
        MailboxCause.TLS_NOT_OFFERED.value: _("The server offers no STARTTLS here: try TLS on port 993."),
        MailboxCause.FOLDER.value: _(
            "The folder is not there, or may not be opened. Correct its name, or let it be read no more."
        ),
        MailboxCause.PROTOCOL.value: _(
            "The server does not answer as an IMAP server does: check its name and the port."
        ),
        MailboxCause.LOGIN.value: _(
            "Check the user name and enter the password again. IMAP may have to be switched on at the operator, and "
            "some want an app password."
        ),
    }


def _remedies() -> dict[str, str]:
    return {
        Cause.DNS.value: _("Check the spelling of the server's name."),
        Cause.CONNECTION.value: _("Check the server's name and the port; a firewall may be in between."),
        Cause.TIMEOUT.value: _("Check the port and the kind of encryption: the server does not answer."),
        Cause.DROPPED.value: _("Check the port and the kind of encryption: the server hung up."),
        Cause.TLS.value: _("Port 465 usually asks for TLS, port 587 for STARTTLS."),
        Cause.TLS_NOT_OFFERED.value: _("The server offers no STARTTLS here: try TLS on port 465."),
        Cause.CERTIFICATE.value: _(
            "Enter the server's name exactly as its certificate has it. A server of your own with a private "
            "authority: choose the authority's certificate on the account's page."
        ),
        Cause.LOGIN.value: _(
            "Check the user name and enter the password again; some providers want an app password."
        ),
        Cause.LOGIN_NOT_OFFERED.value: _(
            "The server offers no login here: check the port, or leave the user name empty."
        ),
        Cause.SIGN_IN.value: _(
            "Sign in again on the account's page. If that does not help, the mailbox may not be allowed to send with "
            "programs: at Microsoft, switch on authenticated SMTP for it."
        ),
        Cause.PROVIDER.value: _("The provider's sign-in server cannot be reached. Try again later."),
        Cause.THROTTLED.value: _("The server asks this account to send less: lower its limit per minute."),
        Cause.SENDER.value: _("The server does not let this account send from this address."),
        Cause.BUSY.value: _("The server asks to try later."),
    }
