"""What the check of a receipt found, in words for people. Pure: the translating function is the caller's.

Codes come from `crm_mail.delivery.pec`: verdicts, steps, receipts that cannot be read, and content proof.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from crm_mail.words import Translate, fill

UNKNOWN_DETAIL = "–"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
_ALGORITHMS = {
    "sha1": "SHA-1",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
    "rsassa_pkcs1v15": "RSA",
    "rsassa_pss": "RSA-PSS",
    "ecdsa": "ECDSA",
}


def _filled(text: str, detail: Mapping[str, object]) -> str:
    return fill(text, {name: _shown(str(value)) for name, value in detail.items()})


def _shown(value: str) -> str:
    """Times as 13/11/2018 15:39:26 UTC, algorithms by the names that people know."""
    if _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).strftime("%d/%m/%Y %H:%M:%S UTC")
    return _ALGORITHMS.get(value, value) or UNKNOWN_DETAIL


def trust_words(trust: str, _: Translate) -> tuple[str, str]:
    """Title and explanation of `delivery.pec.verdict.Trust`."""
    words = {
        "valid": (_("Signature valid"), _("The operator's signature was checked; nothing has been changed.")),
        "weak": (
            _("Signature valid (SHA-1)"),
            _("The operator's signature was checked; it uses SHA-1, which was usual when it was made."),
        ),
        "invalid": (
            _("Not trusted"),
            _("The check failed: this mail proves nothing until somebody looks at it."),
        ),
        "unsigned": (_("Not signed"), _("The mail carries no operator's signature: it proves nothing.")),
    }
    return words.get(trust, (_("Not checked"), ""))


def step_title(name: str, _: Translate) -> str:
    """What a step of `delivery.pec.verdict.StepName` looks at."""
    titles = {
        "structure": _("Structure"),
        "digest": _("Content unchanged"),
        "signature": _("Signature"),
        "chain": _("Certificate"),
        "sender": _("Operator's address"),
        "domain": _("Operator's domain"),
        "policy": _("PEC certificate"),
        "receipt": _("Certified data"),
        "time": _("Time"),
        "headers": _("Headers"),
        "reference": _("Message"),
    }
    return titles.get(name, name)


def step_words(code: str, detail: Mapping[str, object], _: Translate) -> str:
    """What a step found, as a sentence; an unknown code is given back."""
    for family in (_structure, _signature, _chain, _identity, _rest):
        text = family(_).get(code)
        if text is not None:
            return _filled(text, detail)
    return code


def _structure(_: Translate) -> dict[str, str]:
    return {
        "structure_good": _("One signed part and one signature, where they belong."),
        "not_signed": _("The mail is not signed."),
        "signature_missing": _("There is no signature beside the signed part."),
        "signature_unreadable": _("The signature cannot be read."),
        "several_signers": _("The signature has %(what)s signers instead of one."),
        "signature_encloses_content": _("The signature holds content of its own."),
        "too_many_certificates": _("The signature brings %(what)s certificates, too many."),
        "signer_certificate_missing": _("The signer's certificate is not in the signature."),
        "not_checked": _("Could not be checked."),
    }


def _signature(_: Translate) -> dict[str, str]:
    return {
        "digest_equal": _("The content is the one that was signed (%(algorithm)s)."),
        "digest_equal_weak": _("The content is the one that was signed (SHA-1, accepted for PEC receipts)."),
        "digest_different": _("The content is not the one that was signed: it was changed."),
        "digest_unknown": _("The content was signed in a way that is not believed (%(algorithm)s)."),
        "digest_not_separate": _("The signature covers the content itself."),
        "signature_good": _("Made with the key of the signer's certificate (%(algorithm)s)."),
        "signature_wrong": _("Not made with the key of the signer's certificate."),
    }


def _chain(_: Translate) -> dict[str, str]:
    return {
        "chain_good": _("%(signer)s, certified by %(issuer)s; known authority: %(anchor)s."),
        "chain_good_weak": _("%(signer)s, certified by %(issuer)s with SHA-1; known authority: %(anchor)s."),
        "authority_unknown": _(
            "The certificate was issued by %(issuer)s, which leads to no known authority."
        ),
        "certificate_expired": _("The certificate had expired when it signed (valid until %(on)s)."),
        "certificate_not_yet_valid": _(
            "The certificate was not yet valid when it signed (valid from %(on)s)."
        ),
        "chain_invalid": _("The certificate is not valid: %(reason)s"),
        "certificate_unreadable": _("The certificate cannot be read."),
        "signing_time_unknown": _("It is not known when the signature was made."),
    }


def _identity(_: Translate) -> dict[str, str]:
    return {
        "sender_equal": _("The sender %(from)s is the one in the certificate."),
        "sender_differs": _("The sender is %(from)s, but the certificate belongs to %(certificate)s."),
        "certificate_without_address": _("The certificate names no mail address."),
        "domain_permitted": _("The authority may certify %(domain)s."),
        "domain_not_permitted": _("The authority may not certify %(domain)s."),
        "domain_not_restricted": _("The authority is not restricted to certain operators (%(domain)s)."),
        "policy_pec": _("The certificate was issued for PEC operators (%(policy)s)."),
        "policy_missing": _("The certificate was not issued for PEC operators (%(policy)s is missing)."),
    }


def _rest(_: Translate) -> dict[str, str]:
    return {
        "receipt_readable": _("daticert.xml can be read."),
        "receipt_unreadable": _("daticert.xml is missing or cannot be read."),
        "receipt_missing": _("What is signed is no PEC receipt and no PEC message."),
        "time_fits": _("Signed at the time that the receipt states (%(signed)s)."),
        "time_differs": _("Signed at %(signed)s, but the receipt states %(certified)s."),
        "signed_in_future": _("Signed at %(signed)s, which has not come yet."),
        "time_not_certified": _("Signed at %(signed)s; the receipt states no time."),
        "headers_agree": _("What is not signed says nothing else."),
        "headers_differ": _("The headers, which are not signed, contradict the signed part."),
        "reference_equal": _("The receipt is about this message."),
        "reference_other": _("The receipt is about another message (%(found)s)."),
    }


def unreadable_words(code: str, detail: str, _: Translate) -> str:
    """Why a mail that claims to be a receipt cannot be read (`delivery.pec.reading.ReceiptUnreadable`)."""
    words = {
        "no_daticert": _("It claims to be a PEC receipt, but daticert.xml is missing."),
        "several_daticert": _("It contains daticert.xml more than once (%(what)s)."),
        "xml_malformed": _("daticert.xml cannot be read: %(what)s"),
        "xml_entities": _("daticert.xml contains entities, which no operator writes; it was not read."),
        "xml_root": _("daticert.xml is something else (%(what)s)."),
        "xml_too_large": _("daticert.xml is too large; it was not read."),
        "too_large": _("The mail is too large; it was not read."),
    }
    return _filled(words.get(code, code), {"what": detail})


def disagreement_words(code: str, _: Translate) -> str:
    """What the unsigned headers contradict (`delivery.pec.receipt.Disagreement`)."""
    words = {
        "header_type": _("The headers name another type of receipt than the signed part."),
        "header_reference": _("The headers name another message than the signed part."),
        "header_from": _("The headers name another sender than the signed part."),
    }
    return words.get(code, code)


def content_words(match: str, _: Translate) -> str:
    """What a receipt proves of one attachment (`delivery.pec.content_proof.ContentMatch`)."""
    words = {
        "equal": _("Delivered as it was sent: the same bytes (SHA-256)."),
        "hash_equal": _("Delivered as it was sent: the operator's SHA-1 of the attachment is the same."),
        "different": _("The receipt contains other bytes under this name."),
        "missing": _("The receipt does not contain this file."),
        "not_contained": _("This kind of receipt says nothing about contents."),
        "no_sent_bytes": _("The receipt has a SHA-1, but the message as it was sent is not at hand."),
    }
    return words.get(match, match)
