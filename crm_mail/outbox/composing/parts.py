"""What a composed message is (pure): who receives it, what it says, what it carries, and where it came from.

A composed message is not made of stored documents: a mailing, a greeting, an event, a send order. `composing.py` makes
a run of them, which is reviewed, committed and sent like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crm_mail.delivery.routing import Channel, ChannelPreference
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.links.link_words import add_unsubscribe
from crm_mail.outbox.preparing.criteria import read_sight, write_sight
from crm_mail.outbox.preparing.drafts import ComposedParts
from crm_mail.outbox.preparing.facts import FileFacts
from crm_mail.sight import Sight

UNSUBSCRIBE = "https://unsubscribe-link.invalid/"
"""Stands in bodies for the link by which the recipient says no; put behind a text that does not name it."""


class Origin(StrEnum):
    """What had the messages made; its sentence stands first among a row's reasons."""

    CAMPAIGN = "campaign"
    EVENT = "event"
    SCHEDULE = "schedule"
    SEND_ORDER = "send_order"
    GREETING = "greeting"
    API = "api"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Composition:
    """What holds for all messages of a composed run.

    Args:
        document_type: any id of `company_types`; rights, account, channel and consent follow from it.
        origin_name: what people call the origin: the campaign's title, the rule's name, the order's file name.
        purpose: a `contacts.consents.rules.Purpose` that is asked in place of what the type asks itself (wishes are no
            advertising); empty: owed by contract unless the type is advertising.
        is_owed: owed by contract although the type is advertising: somebody said so who answers for it.
        preference: channel wish; None: what the company decided for the type.
        account_id: an account of the company, or the actor's own; None: the one the company chose for the type.
        only_subscribed: contacts that are not subscribed to the type are left out, and their chosen address holds.
        once_per_address: the same address receives one message of the run; None: so for advertising.
        cleans_html: bodies come from strangers and are cleaned; switch off only for HTML that was cleaned before.
        composer: name under which `composing_registry.register` knows who composes; asked when the worker prepares.
        data: JSON that the composer needs to do it (again).
        completes: the run whose rest this is; 0: none.
        beyond: only who lies beyond this sight, that of who prepared the run it completes.
    """

    company_id: int
    document_type: str
    title: str
    origin: Origin
    origin_name: str = ""
    purpose: str = ""
    is_owed: bool = False
    preference: ChannelPreference | None = None
    account_id: int | None = None
    only_subscribed: bool = False
    once_per_address: bool | None = None
    cleans_html: bool = True
    composer: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    completes: int = 0
    beyond: Sight | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the run's criteria; the empty filter keeps them readable as `criteria.Criteria`."""
        rest = {"completes": self.completes, "beyond": write_sight(self.beyond)} if self.beyond else {}
        return {
            "parties": {"company_id": self.company_id},
            "document_types": [self.document_type],
            "only_unsent": False,
            "only_subscribed": self.only_subscribed,
            "composed": {
                "title": self.title,
                "origin": self.origin.value,
                "origin_name": self.origin_name,
                "purpose": self.purpose,
                "is_owed": self.is_owed,
                "preference": self.preference.value if self.preference else None,
                "account_id": self.account_id,
                "once_per_address": self.once_per_address,
                "cleans_html": self.cleans_html,
                "composer": self.composer,
                "data": dict(self.data),
                **rest,
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Composition":
        """Read what `to_dict` wrote."""
        kept = dict(values["composed"])
        wish, beyond = kept.pop("preference"), kept.pop("beyond", None)
        return cls(
            company_id=values["parties"]["company_id"],
            document_type=values["document_types"][0],
            only_subscribed=values["only_subscribed"],
            origin=Origin(kept.pop("origin")),
            preference=ChannelPreference(wish) if wish else None,
            beyond=read_sight(beyond) if beyond else None,
            **kept,
        )


def is_composed(criteria: Mapping[str, Any]) -> bool:
    """Whether a run's criteria are those of a composed run."""
    return "composed" in criteria


@dataclass(frozen=True, slots=True)
class Composed:
    """One message. To a contact (``contact_id``); or to a party (``party_id``), at its own or at the given address.

    Args:
        address: the very address; empty: chosen among the contact's or the party's own by the channel wish.
        name: of whoever reads a given address.
        language: of the recipient's; empty: the contact's, the party's, the company's.
        body_text: empty: made from the HTML.
        body_html: a fragment or a whole page; empty: text alone.
        files: stored files; `FileFacts.document_id` names the linked document that a file belongs to, a
            ``content_id`` makes it a picture of the text.
        document_ids: documents that the message is about; of the recipient's own party (law 7).
        privacy_level: a higher level than the recipient's own, for what only few may see.
        preference, account_id: this message's own wishes.
        channel: `Channel.SMS` makes it a text to the contact's mobile number: ``body_text`` alone is sent, the subject
            is its name in the list; a contact without such a number is left out. None: mail.
        reply_to: where its answers go; empty: as the company decided for the type, else as the account says.
        timeout_seconds: how long the server may take over it (PM-10); 0: as its packaging or the account says.
        why: further reasons of this row (JSON).
        problems: what stands in its way already (a letter that could not be merged): the row shows it, blocked.
    """

    subject: str
    body_text: str = ""
    body_html: str = ""
    contact_id: int | None = None
    party_id: int | None = None
    address: str = ""
    name: str = ""
    language: str = ""
    files: tuple[FileFacts, ...] = ()
    document_ids: tuple[int, ...] = ()
    privacy_level: int = 0
    preference: ChannelPreference | None = None
    account_id: int | None = None
    channel: Channel | None = None
    reply_to: str = ""
    timeout_seconds: int = 0
    why: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[tuple[Issue, dict[str, Any]], ...] = ()


def with_unsubscribe(parts: ComposedParts, url: str, company: str, language: str) -> tuple[str, str, str]:
    """Subject and both bodies, with the link by which the recipient of advertising says no."""
    text, html = parts.body_text, parts.body_html
    if not url:
        return parts.subject, text.replace(UNSUBSCRIBE, ""), html.replace(UNSUBSCRIBE, "")
    text, html = text.replace(UNSUBSCRIBE, url), html.replace(UNSUBSCRIBE, url)
    return parts.subject, *add_unsubscribe(text, html, url, company, language)
