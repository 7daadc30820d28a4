"""Why a company's data is refused, in the language of the page."""

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from wtforms import Form

from crm_mail.companies.company_rules import CompanyProblem, Problem
from crm_mail.web import problems as problems_on_forms


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
        Problem.BAD_TYPE_ID: _(
            "Begin with x_, then small letters, digits and underscores; at most 32 characters: x_warranty."
        ),
        Problem.TYPE_TAKEN: _("There is a type %(value)s already. Choose another id."),
        Problem.UNKNOWN_TYPE: _("There is no document type %(value)s. Choose one of the list."),
        Problem.UNKNOWN_VALUE: _("%(value)s is none of: %(valid)s."),
        Problem.BAD_FIELD_NAME: _(
            "The field name “%(value)s” is not possible: use small letters, digits and underscores."
        ),
        Problem.BAD_FIELD_KIND: _("The field “%(value)s” is of a kind that cannot be kept."),
        Problem.FIELD_TWICE: _("The field “%(value)s” stands there twice. Remove one."),
        Problem.TOO_MANY: _("At most %(limit)s."),
        Problem.BAD_FOLDER: _(
            "The folder must lie inside the folder of copies: write names with / between them."
        ),
        Problem.NO_FILES: _("Tick at least one kind of file."),
        Problem.BAD_PATTERN: _(
            "“%(value)s” cannot stand in a file name. Write tokens in braces, such as {customer} or {FOLIO}."
        ),
        Problem.BAD_ADDENDA: _("The addenda is not well-formed XML: %(reason)s"),
        Problem.UNKNOWN_PARTY: _("There is no customer with the code %(value)s."),
        Problem.UNKNOWN_PACKAGING: _("There is no packaging %(value)s. Choose one of the list."),
        Problem.PACKAGING_TAKEN: _("There is a packaging %(value)s already. Choose another code."),
    }


def explain(problem: CompanyProblem) -> str:
    """The sentence for a refusal."""
    return _sentences()[problem.problem] % dict(problem.params)


def show_problems(form: Form, problems: Iterable[CompanyProblem]) -> None:
    """Put each refusal beside its field."""
    problems_on_forms.show_problems(form, problems, explain)
