"""Why a document has no button *Send by e-mail*, in words, with what would change it."""

from flask_babel import gettext as _

from crm_mail.documents.mailing_words import mailing_reason
from crm_mail.documents.models import Document
from crm_mail.outbox.one_button.few_documents import Obstacle


def obstacle_words(document: Document, obstacle: Obstacle) -> str:
    """The reason as the end of a sentence: “It is not sent by e-mail: …”."""
    if obstacle is Obstacle.NOT_MAILABLE:
        return mailing_reason(document.not_mailable_reason or "marked")
    words = {
        Obstacle.VOIDED: _("it is voided"),
        Obstacle.REPLACED: _("a newer version took its place; send that one"),
        Obstacle.PARTY_BLOCKED: _("%(name)s is blocked; allow sending on its card", name=document.party.name),
        Obstacle.TYPE_DISABLED: _("the company does not send this document type; its settings decide that"),
        Obstacle.NO_RIGHT: _(
            "the right to prepare this document type is missing; an administrator grants it"
        ),
    }
    return str(words[obstacle])
