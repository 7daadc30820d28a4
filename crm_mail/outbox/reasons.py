"""Why a message exists, and why something was left out (BX-1), as codes (pure). Words: `why_words.py`."""

from enum import StrEnum


class Rule(StrEnum):
    """Which rule chose the recipient, in the order of PM-15."""

    BILLING_OVERRIDE = "billing_override"  # the billing address alone, when it is set
    PACKAGING = "packaging"  # an address behind the party's packaging: GRAL,a@x,b@x
    SUBSCRIPTION = "subscription"  # a contact that receives this document type
    CC_ALONE = "cc_alone"  # a Cc contact that no message to somebody else could carry
    MASTER_ADDRESS = "master_address"  # the party's own address, when nobody is subscribed
    CHOSEN_CONTACT = "chosen_contact"  # of a composed message: the contact was chosen (composing.py)
    CHOSEN_PARTY = "chosen_party"  # of a composed message: the party itself was chosen
    GIVEN_ADDRESS = "given_address"  # of a composed message: the very address was given


class LeftOutReason(StrEnum):
    """Why a document or a contact is not in a run."""

    ALREADY_SENT = "already_sent"
    RETURNED = "returned"  # sent, and came back undelivered
    ON_ITS_WAY = "on_its_way"  # committed in another run, not yet sent
    NOT_MAILABLE = "not_mailable"  # self-billing, received, marked by a person
    VOIDED = "voided"
    PARTY_BLOCKED = "party_blocked"
    TYPE_DISABLED = "type_disabled"
    CONTACT_NOT_SUBSCRIBED = "contact_not_subscribed"
    CONTACT_SUGGESTED = "contact_suggested"
    CONTACT_INACTIVE = "contact_inactive"
    CONTACT_RESTRICTED = "contact_restricted"  # art. 18 GDPR
    CONTACT_FILTERED = "contact_filtered"  # lacks the role or the characteristic asked for
    BILLING_OVERRIDE = "billing_override"  # the billing address alone receives
    PACKAGING_OVERRIDE = "packaging_override"  # the addresses behind the packaging receive
    NOT_PACKAGED = "not_packaged"  # the party's packaging does not cover the document's type
    NO_CONSENT = "no_consent"  # advertising, and nobody ever agreed to it
    CONSENT_WITHDRAWN = "consent_withdrawn"
    DUPLICATE = "duplicate"  # the same address receives the same advertising already
    NO_MOBILE = "no_mobile"  # an SMS, and there is no mobile number
    PRESSURE_CAP = "pressure_cap"  # it has had as much advertising as the company allows in so many days


class WithheldReason(StrEnum):
    """Why a prepared message is not sent (BX-3)."""

    BY_PERSON = "by_person"
    MERGED = "merged_into_other"  # its documents travel in another message of the run: why["merged_into"]
    BLOCKED = "blocked"
    SENT_MEANWHILE = "sent_meanwhile"
    QUEUED_MEANWHILE = "queued_meanwhile"  # committed in another run, which has not sent it yet
    VOIDED_MEANWHILE = "voided_meanwhile"
    REJECTED_MEANWHILE = "rejected_meanwhile"  # by the Sistema di Interscambio (NS)
    REPLACED_MEANWHILE = "replaced_meanwhile"
    PARTY_BLOCKED_MEANWHILE = "party_blocked_meanwhile"
    CONTACT_CHANGED_MEANWHILE = "contact_changed_meanwhile"
    UNSUBSCRIBED_MEANWHILE = "unsubscribed_meanwhile"
    CONSENT_MEANWHILE = "unsubscribed"  # advertising that was unsubscribed, or never agreed to
    PRESSURE_MEANWHILE = "pressure_meanwhile"  # other runs gave it as much advertising as the company allows
    SUPPRESSED_MEANWHILE = "suppressed_meanwhile"  # the address bounced meanwhile


COPY_DROPPED = "copy_dropped"
"""A copy (Cc) was taken off a message at commit; the message itself leaves."""
