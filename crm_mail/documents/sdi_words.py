"""The SdI's receipts in the language of the page."""

from typing import Final

from flask_babel import lazy_gettext as _l

from crm_mail.documents.sdi import SdiKind

STATES: Final = {
    SdiKind.RC: (_l("Delivered by the SdI"), "success", "check"),
    SdiKind.NS: (_l("Rejected by the SdI"), "danger", "alert-circle"),
    SdiKind.MC: (_l("Not delivered by the SdI"), "warning", "alert-triangle"),
    SdiKind.NE: (_l("Answered by the public body"), "info", "check"),
    SdiKind.DT: (_l("Term for the answer passed"), "info", "clock"),
    SdiKind.AT: (_l("Could not be delivered to the public body"), "warning", "alert-triangle"),
}
"""Words, tone and icon of the states that a document can be in."""

KINDS: Final = {kind: state[0] for kind, state in STATES.items()} | {
    SdiKind.EC: _l("Answer of the public body, as sent"),
    SdiKind.SE: _l("The public body's answer was rejected"),
    SdiKind.MT: _l("Data of a received invoice"),
}
OUTCOMES: Final = {"EC01": _l("accepted"), "EC02": _l("refused")}


def choices() -> list[tuple[str, str]]:
    """The states as a filter offers them."""
    return [(kind.value, str(words)) for kind, (words, _tone, _icon) in STATES.items()]
