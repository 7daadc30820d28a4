"""Why a text is not an e-mail address, in the language of the page.

The sentences are those of `delivery.addresses` and of the library it asks (email-validator), without their final
period; one that is not known here is shown in English.
"""

import re
from typing import Final

from flask_babel import gettext

from crm_mail.words import N_

_SENTENCES: Final = (
    N_("An email address must have an @-sign"),
    N_("There must be something before the @-sign"),
    N_("There must be something after the @-sign"),
    N_("There can't be anything after the email address"),
    N_("An email address cannot have two periods in a row"),
    N_("An email address cannot have a period and a hyphen next to each other"),
    N_("An email address cannot start with a period"),
    N_("An email address cannot end with a period"),
    N_("An email address cannot have a period immediately before the @-sign"),
    N_("An email address cannot have a period immediately after the @-sign"),
    N_("An email address cannot have a hyphen immediately after the @-sign"),
    N_("An email address cannot end with a hyphen"),
    N_("The part after the @-sign is not valid. It should have a period"),
    N_("The part after the @-sign is not valid. It is not within a valid top-level domain"),
    N_("The part after the @-sign is a special-use or reserved name that cannot be used with email"),
    N_("A bracketed IP address after the @-sign is not allowed here"),
    N_("Quoting the part before the @-sign is not allowed here"),
    N_("The email address contains an invalid character"),
    N_("The email address contains invalid characters before the @-sign"),
    N_("The part after the @-sign contains invalid characters"),
    N_("The email address contains unsafe characters"),
    N_("The email address is too long before the @-sign"),
    N_("The email address is too long after the @-sign"),
    N_("The email address is too long"),
    N_("After the @-sign, periods cannot be separated by so many characters"),
    N_("The address is empty"),
    N_("The address contains a line break"),
    N_("The address contains a control character"),
)
_WITH_VALUES: Final = re.compile(r"(?P<sentence>.+?)(?:: (?P<characters>.+)| \([^()]*\))")


def address_reason(reason: str) -> str:
    """The sentence in the language of the page; characters that are named stay, counts in brackets go."""
    plain = reason.rstrip(".")
    if plain in _SENTENCES:
        return str(gettext(plain))
    match = _WITH_VALUES.fullmatch(plain)
    if match is None:
        return reason
    sentence, characters = match.groups()
    if sentence not in _SENTENCES:
        return reason
    translated = str(gettext(sentence))
    return f"{translated}: {characters}" if characters else translated
