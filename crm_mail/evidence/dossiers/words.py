"""The words of a dossier's check, in the reader's language (pure)."""

from crm_mail.evidence.dossiers.findings import (
    DossierCheck,
    FileProblem,
    MessageCheck,
    NotADossier,
    ReceiptCheck,
)
from crm_mail.evidence.verification_words import trust_words
from crm_mail.words import Translate
from crm_mail.words import mark as _

_REFUSALS = {
    "no_zip": _("This is not a ZIP file, or it is cut short: take the file again from where it is kept."),
    "no_manifest": _("This ZIP is no proof dossier: it has no manifest.json."),
    "other_format": _("This dossier is of a format that this version does not know: use a newer version."),
    "no_sums": _(
        "The list of hashes (SHA256SUMS) is missing or damaged: nothing can be proven by this file."
    ),
    "too_large": _("What is inside is larger than any dossier: it is not opened."),
}
_PROBLEMS = {
    "changed": _("is not the file that was put in"),
    "missing": _("is missing"),
    "unlisted": _("was added later"),
    "unreadable": _("cannot be read"),
}


def refusal_words(problem: NotADossier, translate: Translate) -> str:
    """Why a file cannot be checked."""
    return translate(_REFUSALS[problem.code])


def problem_words(problem: FileProblem, translate: Translate) -> str:
    """What is wrong with a file of a dossier."""
    return translate(_PROBLEMS[problem.code])


def verdict_words(check: DossierCheck, translate: Translate) -> str:
    """The whole check in a sentence."""
    if check.is_intact and not any(one.is_proof for one in check.receipts):
        return translate(
            _(
                "The files are as listed, and no operator's signature is among them: only the fingerprint, compared "
                "with the one that was written down, shows that the dossier was not made anew."
            )
        )
    if check.is_intact and not all(
        one.is_proof and one.is_content_proven is not False for one in check.receipts
    ):
        return translate(
            _(
                "The files are as they were, and not every receipt is believed, as when it was made: see below."
            )
        )
    if check.is_intact:
        return translate(_("The dossier is intact: nothing changed, and the operators' signatures hold."))
    if check.problems:
        return translate(_("The dossier is damaged: files are not as they were when it was made."))
    return translate(_("The files are as they were, but a receipt does not prove what it did: see below."))


def recipient_words(message: MessageCheck, translate: Translate) -> str:
    """Whom the message is said to have gone to, and whether the receipts say so."""
    if message.is_recipient_certified:
        return message.to
    return translate(_("%(to)s: the signed receipts name somebody else")) % {"to": message.to}


def receipt_words(receipt: ReceiptCheck, translate: Translate) -> str:
    """What one receipt proves today."""
    if not receipt.is_of_message:
        return translate(_("about another message"))
    if not receipt.is_daticert_same:
        return translate(_("the extracted certification data are not those of the receipt"))
    return trust_words(receipt.trust.value, translate)[0]
