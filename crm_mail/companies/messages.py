"""Why a company's data is refused, in the language of the page."""

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from wtforms import Form

from crm_mail.companies.company_rules import CompanyProblem, Problem


def _sentences() -> Mapping[Problem, str]:
    # The values are put in afterwards: gettext without values leaves the placeholders alone.
    return {
        Problem.REQUIRED: _("Enter a value."),
        Problem.TOO_LONG: _("At most %(limit)s characters."),
        Problem.CONTROL: _("Line breaks and control characters are not possible here."),
        Problem.OUT_OF_RANGE: _("Enter a number between %(low)s and %(high)s."),
        Problem.BAD_ADDRESS: _("%(value)s is not an e-mail address."),
        Problem.BAD_CODE: _("Use letters, digits, dot, hyphen and underscore; at most 20 characters."),
        Problem.CODE_TAKEN: _("There is a company with the code %(value)s already. Choose another code."),
        Problem.BAD_COUNTRY: _("Enter a code of two letters, such as IT."),
        Problem.BAD_LANGUAGE: _("Choose a language."),
        Problem.BAD_TIMEZONE: _("Choose a time zone."),
        Problem.BAD_WEBSITE: _("Enter an address that begins with https:// or http://."),
        Problem.WRONG_ACCOUNT: _("This account cannot be used here. Choose one of the list."),
        Problem.NOT_AN_IMAGE: _(
            "The file is not a PNG or JPEG image, or it is damaged. Save it as PNG and try again."
        ),
        Problem.IMAGE_TOO_LARGE: _("The image is larger than %(limit)s. Make it smaller and try again."),
    }


def explain(problem: CompanyProblem) -> str:
    """The sentence for a refusal."""
    return _sentences()[problem.problem] % dict(problem.params)


def show_problems(form: Form, problems: Iterable[CompanyProblem]) -> None:
    """Put each refusal beside its field."""
    for problem in problems:
        field = form[problem.field]
        field.errors = [*field.errors, explain(problem)]
