"""The words of the contacts room in the language of the page."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from crm_mail.contacts.problems import ContactRefused, Problem


def explain(refused: ContactRefused) -> str:
    """The sentence for a refusal."""
    return _sentences()[refused.problem] % {name: str(value) for name, value in refused.params.items()}


def _sentences() -> Mapping[Problem, str]:
    # The values are put in afterwards: gettext without values leaves the placeholders alone.
    return {
        Problem.CODE_MISSING: _("Enter the code. Every customer and supplier has one."),
        Problem.CODE_OF_OTHERS: _("The code %(code)s is taken. Choose another code."),
        Problem.OUTSIDE_SIGHT: _(
            "You see only the customers of %(own)s: give the customer one of these agents or zones."
        ),
        Problem.CODE_TAKEN: _("The code %(code)s belongs to %(name)s already. Choose another code."),
        Problem.NAME_MISSING: _("Enter the name."),
        Problem.NEITHER_KIND: _("Say whether this is a customer, a supplier or both."),
        Problem.TOO_LONG: _("%(value)s is too long. Use at most %(maximum)s characters."),
        Problem.EMAIL_INVALID: _("%(email)s is not an e-mail address. Correct it, or leave the field empty."),
        Problem.ADDRESS_REPEATED: _("The address %(email)s stands here twice. Remove one."),
        Problem.CREDIT_DAYS_INVALID: _("%(days)s is not a number of days from 0 to 999."),
        Problem.LANGUAGE_INVALID: _("%(language)s is not a language of two letters, such as it, es or en."),
        Problem.COUNTRY_INVALID: _("%(country)s is not a country code of two letters, such as IT."),
        Problem.PACKAGING_INVALID: _("%(code)s is not the code of a packaging. Write GRAL, or GRAL,a@x,b@x."),
        Problem.PACKAGING_UNKNOWN: _(
            "There is no packaging %(code)s for this customer. Name one of: %(known)s."
        ),
        Problem.ADDENDA_INVALID: _("The addenda is not well-formed XML: %(reason)s"),
        Problem.LEVEL_INVALID: _("Choose a privacy level from 0 to 3."),
        Problem.TYPE_UNKNOWN: _("Choose what the contacts receive."),
        Problem.LEVEL_ABOVE_OWN: _(
            "The level %(level)s is above your clearance (%(own)s). Choose a lower one."
        ),
        Problem.ROLE_UNKNOWN: _("A chosen role does not exist any more. Choose again."),
        Problem.ROLE_TAKEN: _("The role %(role)s exists already."),
        Problem.ROLE_NEEDS_CLEARANCE: _(
            "Only somebody with clearance 3 can remove a role, because contacts that you cannot see may hold it."
        ),
        Problem.CHARACTERISTIC_INVALID: _("%(text)s is not a characteristic. Write a name, or name=value."),
        Problem.SUBSCRIPTION_ADDRESS: _(
            "%(email)s is not an address of this contact. Choose one of its own."
        ),
        Problem.BIRTHDAY_INVALID: _(
            "%(text)s is not a birthday. Write 1980-03-31, 31/3/1980, or 31/3 without a year."
        ),
        Problem.MERGE_SAME: _("%(name)s cannot be merged with itself. Choose two different ones."),
        Problem.MERGE_OTHER_PARTY: _(
            "%(name)s and %(other)s belong to different customers or suppliers. Merge those first."
        ),
        Problem.MERGE_OTHER_COMPANY: _(
            "%(name)s and %(other)s belong to different companies and stay apart."
        ),
        Problem.MERGE_CONFLICT: _(
            "%(name)s and %(other)s both have the same entry in %(table)s. Remove one of the two first."
        ),
        Problem.MERGE_CONTINUED: _("%(name)s was merged further, into %(other)s. Undo that merge first."),
        Problem.MERGE_NOT_UNDONE: _(
            "%(name)s cannot come back: its code, or something that may exist once, is taken by now."
        ),
        Problem.NOT_SUGGESTED: _("%(name)s does not wait for confirmation any more."),
    }


def show_refusal(form: Any, refused: ContactRefused) -> None:
    """Put a refusal at its field, else at the top of the form."""
    text = explain(refused)
    field = form._fields.get(refused.field)
    if field is None or field.type == "FieldList":
        form.form_errors.append(text)
    else:
        field.errors = [*field.errors, text]


def level_label(level: int, own_names: Mapping[int, str]) -> str:
    """A privacy level with the company's own name for it, or the built-in one."""
    built_in: tuple[str, ...] = (_("Public"), _("Internal"), _("Reserved"), _("Confidential"))
    return f"{level} – {own_names.get(level) or built_in[level]}"
