"""Why a document is not to be sent, in the language of the page."""

from flask_babel import gettext as _


def mailing_reason(code: str) -> str:
    """The words of `Document.not_mailable_reason`; a text of a person's own comes back as it is."""
    words = {
        "self_billing": _("it is addressed to ourselves"),
        "received": _("it was received, not issued"),
        "other_seller": _(
            "neither its seller nor its buyer is this company; send it only if it is meant to be"
        ),
        "marked": _("a person marked it"),
        "confidential": _("it is confidential"),
        "payroll": _("payroll slips are confidential and never mailed"),
        "sdi_rejected": _("the Sistema di Interscambio rejected it; a corrected invoice will take its place"),
        "overtaken": _("a newer one took its place before it was sent"),
        "unstamped": _("it has no fiscal stamp yet; the stamped version will release it"),
    }
    return str(words.get(code, code))
