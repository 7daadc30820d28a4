"""Why an order was refused or failed, in words (pure); the parameters are values of the file."""

from collections.abc import Mapping
from typing import Any

from crm_mail.importers.messages import MESSAGES
from crm_mail.importers.sentences import explain_in
from crm_mail.words import Translate, fill


def explain(code: str, params: Mapping[str, Any], _: Translate) -> str:
    """The sentence of a code: what is wrong, and what to do."""
    sentence = _of_order(_).get(code) or _of_server(_).get(code) or _of_files(_).get(code)
    if sentence is None:
        return explain_in(_, code, params) if code in MESSAGES else code
    return fill(sentence, params)


def _of_order(_: Translate) -> dict[str, str]:
    return {
        "not_an_order": _(
            "The file is XML but no send order (its outermost element is %(element)s): no recipient was found. If it "
            "is one, say in the settings of send orders where its parts stand."
        ),
        "no_recipient": _("The order names no recipient. Correct it and put it into the folder again."),
        "no_text": _(
            "The order has neither a title nor a text. Correct it and put it into the folder again."
        ),
        "bad_address": _(
            "%(value)s is no e-mail address. Correct it and put the order into the folder again."
        ),
        "too_many": _(
            "The order has more than %(most)s attachments, addresses, documents or elements. Split it."
        ),
        "id_reused": _(
            "Another order with the same id came in already, with another content. Give this one an id of its own."
        ),
        "unknown_customer": _("There is no customer %(customer)s. Add it, or correct the order."),
        "unknown_document": _("There is no document %(number)s. Import it, or correct the order."),
        "ambiguous_document": _(
            "Several documents have the number %(number)s. Name the customer, the series or the type too."
        ),
        "two_parties": _(
            "The document %(number)s does not belong to %(party)s: documents of two customers never go in one message."
        ),
        "other_party": _(
            "%(address)s is a contact of another customer: documents of %(party)s do not go there. Correct the order, "
            "or add the address to this customer."
        ),
        "unknown_recipient": _(
            "Nobody knows the address %(address)s. Add it to a customer, name the customer in the order, or choose "
            "in the settings of send orders under whom such addresses stand."
        ),
        "ambiguous_recipient": _("%(address)s belongs to several customers. Name the customer in the order."),
        "type_not_sent": _(
            "The company does not send the document type %(type)s. Switch it on, or correct the order."
        ),
        "left_out": _("No message was made of it: %(why)s."),
        "prepare_failed": _("The run could not be prepared: %(why)s"),
        "not_sent": _("The message to %(address)s did not leave. Its page says why, and what to do."),
        "file_gone": _("The file of the order was taken away while it waited for its attachments."),
        "failed": _("The order could not be worked on (%(detail)s). The log of the program has the details."),
    }


def _of_server(_: Translate) -> dict[str, str]:
    return {
        "server_wrong": _("The outgoing server %(host)s in the order cannot be used: look at %(detail)s."),
        "server_open": _("The outgoing server %(host)s in the order is without encryption: it is not used."),
        "server_disabled": _(
            "The account of the server %(host)s is switched off. Switch it on, or correct the order."
        ),
    }


def _of_files(_: Translate) -> dict[str, str]:
    return {
        "file_missing": _(
            "The attachment %(path)s is not there. Put it there, then put the order into the folder again."
        ),
        "file_locked": _(
            "The attachment %(path)s cannot be read: another program holds it, or the rights are missing."
        ),
        "file_changed": _(
            "The attachment %(path)s is not the one that the order means: its SHA-256 differs."
        ),
        "path_outside": _(
            "The attachment %(path)s does not lie in a folder that send orders may take files from. Map its folder in "
            "the settings of send orders."
        ),
        "bad_path": _("%(path)s is no path of a file."),
        "not_a_file": _("%(path)s is no ordinary file."),
        "not_a_picture": _("%(path)s stands in the text as a picture but is none."),
        "attachment_too_large": _(
            "The attachment %(path)s has %(size_mb)s MB; at most %(limit_mb)s MB are taken."
        ),
        "locked": _("The file could not be read for five minutes (%(detail)s): another program holds it."),
    }
