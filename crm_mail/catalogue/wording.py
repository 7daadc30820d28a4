"""The words of the catalogue in the language of the page."""

from flask_babel import gettext
from flask_babel import gettext as _

from crm_mail.catalogue.listing import Receives
from crm_mail.catalogue.verdicts import Outcome, Said
from crm_mail.importers.address_words import address_reason


def words_of(said: Said) -> str:
    """The sentence on a row."""
    return said.in_words(gettext, address_reason)


def receives_words() -> dict[str, str]:
    """By which rule the addresses of a row receive."""
    return {
        Receives.BILLING: _("Billing address: it receives alone"),
        Receives.PACKAGING: _("Addresses behind the packaging"),
        Receives.CONTACTS: _("Subscribed contacts"),
        Receives.OWN: _("Own address, because no e-mail was given"),
        Receives.NOBODY: _("No address: nobody receives"),
    }


def outcome_words() -> dict[str, str]:
    """What becomes of a row, in a word."""
    return {
        Outcome.READY: _("Will be saved"),
        Outcome.SAVED: _("Saved"),
        Outcome.SKIPPED: _("Nothing to do"),
        Outcome.REFUSED: _("Refused"),
    }
