"""Why an address is held to be PEC or ordinary mail, or why nobody knows, as a sentence (pure).

`_` only marks the messages for collection; ``translate`` gives them in another language.
"""

from crm_mail.delivery.domains.pec_domains import Reason
from crm_mail.words import Translate, english
from crm_mail.words import mark as _

_SENTENCES: dict[str, str] = {
    Reason.PERSON: _("A person said so."),
    Reason.RECEIPT: _("Learnt from a PEC receipt."),
    Reason.REGISTRY: _("It stands in the registry %(detail)s."),
    Reason.MAILBOX_DOMAIN: _("All mailboxes of %(detail)s are PEC."),
    Reason.OPERATOR_DOMAIN: _("%(detail)s is a PEC operator's own domain."),
    Reason.ORDINARY_DOMAIN: _("The mailboxes of %(detail)s are ordinary mail."),
    Reason.MX_OPERATOR: _("A PEC operator's server takes its mail: %(detail)s."),
    Reason.MX_ORDINARY: _("A provider of ordinary mail takes its mail: %(detail)s."),
    Reason.MX_OWN: _("Its own server takes its mail (%(detail)s), and only PEC operators may run PEC."),
    Reason.MX_MIXED: _("A PEC operator's servers and others take its mail: %(detail)s."),
    Reason.MX_UNKNOWN: _("Nobody here knows the server that takes its mail: %(detail)s."),
    Reason.NO_MX: _("Its domain names no server for mail."),
    Reason.NULL_MX: _("Its domain says that it takes no mail."),
    Reason.NO_DOMAIN: _("Its domain does not exist."),
    Reason.COULD_NOT_CHECK: _("Its domain could not be looked up."),
    Reason.NOT_CHECKED: _("Its domain was not looked up yet."),
    "company_rule": _("The company treats addresses of unknown kind as ordinary mail."),
}


def describe_reason(reason: str, detail: str = "", translate: Translate = english) -> str:
    """The reason as a sentence; empty when there is none."""
    sentence = _SENTENCES.get(reason)
    return translate(sentence) % {"detail": detail or "–"} if sentence else ""


def describe_look(looks_like_pec: bool, translate: Translate = english) -> str:
    """What the name of the domain suggests."""
    return translate(_("Its name looks like PEC.")) if looks_like_pec else ""
