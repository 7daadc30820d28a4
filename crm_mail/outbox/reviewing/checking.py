"""Check rows again: what was missing at the preparation may be there now (addresses, accounts, files), or gone.

Only what can be settled from outside is looked at; what a person must judge (already sent, shared address) stays.
Rows whose address was changed by hand keep it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.delivery.account_choice import AccountBook
from crm_mail.delivery.routing import (
    AddressKind,
    AddressOption,
    Channel,
    ChannelPreference,
    Refusal,
    RefusalCode,
    RoutingDecision,
    choose_address,
    choose_channel,
)
from crm_mail.delivery.service import accounts_for
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.many_rows import chunks
from crm_mail.outbox.composing.text_drafts import NUMBER, phone_of
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageDocument, MessageEvent, MessageFile, MessageIssue, Run
from crm_mail.outbox.preparing.bulk_warnings import not_by_pec
from crm_mail.outbox.preparing.drafts import encoded_size
from crm_mail.outbox.preparing.facts import FileFacts
from crm_mail.outbox.preparing.kinds import judge_kinds
from crm_mail.outbox.preparing.rules import MEGABYTE, ROOM_FOR_TEXT, load_decisions
from crm_mail.outbox.reasons import Rule
from crm_mail.outbox.reviewing.editing import ACCOUNT_ISSUES, address_issues, replace_issues
from crm_mail.outbox.reviewing.review import Chosen, require_open
from crm_mail.outbox.reviewing.suppressed_rows import suppressed_issue
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

AT_ONCE = 500
ROUTE_ISSUES = frozenset(
    {
        Issue.NO_ADDRESS,
        Issue.INVALID_ADDRESS,
        Issue.SUPPRESSED_ADDRESS,
        Issue.PEC_REQUIRED,
        Issue.NO_ORDINARY_ADDRESS,
        Issue.ADDRESS_KIND_UNKNOWN,
        Issue.LOOKS_LIKE_PEC,
    }
)
_REFUSED = {
    RefusalCode.NO_ADDRESS: Issue.NO_ADDRESS,
    RefusalCode.NO_PEC_ADDRESS: Issue.PEC_REQUIRED,
    RefusalCode.ONLY_PEC_ADDRESS: Issue.NO_ORDINARY_ADDRESS,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """How many rows were looked at, how many changed, and how many of them are blocked now."""

    rows: int
    changed: int
    blocked: int


def check_messages(
    session: Session, actor: Actor, run: Run, chosen: Chosen, has_file: Callable[[str], bool]
) -> Checked:
    """Check the chosen rows that are pending.

    Args:
        has_file: whether a stored file is there.

    Raises:
        PermissionDenied, RunNotOpen
    """
    require_open(session, actor, run)
    conditions = [*chosen.conditions(run, actor), Message.state == MessageState.PENDING]
    rows = session.execute(
        select(Message.id, Message.blockers + Message.warnings, Message.account_id).where(*conditions)
    ).all()
    book = accounts_for(session, run.company_id, actor.user_id)
    usable = {account.id for account in book.by_id.values() if account.is_enabled}
    lost = _with_lost_files(session, conditions, has_file)
    doubtful = [id_ for id_, issues, account in rows if issues or account not in usable or id_ in lost]
    company = session.get_one(Company, run.company_id)
    check = _Check(
        session, actor, book, load_decisions(session, run.company_id), has_file, company.max_message_mb
    )
    changed = blocked = 0
    for ids in chunks(doubtful, AT_ONCE):
        for message in check.load(ids):
            if check.check(message):
                changed += 1
                blocked += message.blockers > 0
        session.flush()
    if changed:
        audit.record(
            session,
            actor,
            "outbox.messages.checked",
            company_id=run.company_id,
            subject=run,
            label=f"run {run.id}",
            count=changed,
        )
    return Checked(len(rows), changed, blocked)


def _with_lost_files(
    session: Session, conditions: Sequence[Any], has_file: Callable[[str], bool]
) -> set[int]:
    """Rows of which a stored file is not there."""
    ids = select(Message.id).where(*conditions)
    hashes = session.scalars(
        select(MessageFile.sha256).where(MessageFile.message_id.in_(ids)).distinct()
    ).all()
    lost = [sha256 for sha256 in hashes if not has_file(sha256)]
    found: set[int] = set()
    for part in chunks(lost, AT_ONCE):
        query = select(MessageFile.message_id).where(
            MessageFile.sha256.in_(part), MessageFile.message_id.in_(ids)
        )
        found.update(session.scalars(query))
    return found


@dataclass(slots=True)
class _Check:
    session: Session
    actor: Actor
    book: AccountBook
    decisions: dict[str, Any]
    has_file: Callable[[str], bool]
    max_mb: int

    def load(self, ids: Sequence[int]) -> list[Message]:
        query = select(Message).where(Message.id.in_(ids)).order_by(Message.id)
        return list(
            self.session.scalars(query.options(selectinload(Message.issues), selectinload(Message.files)))
        )

    def check(self, message: Message) -> bool:
        """Check one row; whether anything about it changed."""
        before = self._state(message)
        codes = {issue.code for issue in message.issues}
        found: list[Issue] = []
        if codes & (ROUTE_ISSUES | ACCOUNT_ISSUES) and not message.why.get("edited_address"):
            found += self._route(message)
        self._choose_account(message)
        if (
            Issue.MISSING_FILE in codes and "packaging" not in message.why and not message.is_composed
        ):  # packed and composed files are made by a preparation
            self._collect_files(message)
        found += [*address_issues(self.session, message), *self._answers(message)]
        settled = {issue for issue in ROUTE_ISSUES if issue is not Issue.LOOKS_LIKE_PEC} | set(ACCOUNT_ISSUES)
        settled |= {Issue.PEC_ANSWERS, Issue.UNPROVEN}
        if message.to_kind is not AddressKind.UNKNOWN:
            settled.add(Issue.LOOKS_LIKE_PEC)
        blocking = [issue for issue in found if issue in _REFUSED.values()]
        about_files = {Issue.MISSING_FILE, Issue.FILE_TOO_LARGE}
        replace_issues(message, settled | about_files, blocking[:1] or found)
        bounced = suppressed_issue(self.session, message)
        message.issues = [one for one in message.issues if one.code != Issue.SUPPRESSED_ADDRESS]
        message.issues += [bounced] if bounced else []
        self._add_file_issues(message)
        if self._state(message) == before:
            return False
        message.revision += 1
        message.is_approved = False
        self.session.add(
            MessageEvent(message_id=message.id, kind="checked", actor_name=self.actor.name, detail={})
        )
        return True

    def _state(self, message: Message) -> tuple[Any, ...]:
        issues = sorted((issue.code, str(sorted(issue.params.items()))) for issue in message.issues)
        files = [file.sha256 for file in message.files]
        return message.to_address, message.to_kind, message.channel, message.account_id, issues, files

    def _route(self, message: Message) -> list[Issue]:
        """Choose the address again from what the card says now."""
        if message.channel is Channel.SMS:
            return self._number(message)
        options = self._options(message)
        chosen = [option for option in options if option.email == message.to_address]
        decision: RoutingDecision | Refusal
        if message.why.get("address_chosen") and chosen:
            decision = choose_channel(chosen[0])
        else:
            preference = ChannelPreference(message.why.get("preference", ChannelPreference.PEC_FIRST))
            decision = choose_address(options, preference)
        if isinstance(decision, Refusal):
            message.to_address, message.account_id = "", None
            message.why = message.why | {"route": decision.code.value}
            return [_REFUSED[decision.code]]
        if decision.channel is Channel.PEC and message.cc:
            return []  # copies travel by ordinary mail: the address stays as it was prepared
        known = decision.evidence.to_dict() if decision.evidence else None
        if known != message.why.get("kind"):
            others = {name: value for name, value in message.why.items() if name != "kind"}
            message.why = others | ({"kind": known} if known else {})
        if (decision.email, decision.kind) != (message.to_address, message.to_kind):
            if decision.channel is not message.channel or not message.to_address:
                message.account_id = None
            message.to_address, message.to_kind = decision.email, decision.kind
            message.channel = decision.channel
            if message.channel is Channel.PEC:
                message.bcc = []
            message.why = message.why | {"route": decision.reason.value}
        return []

    def _number(self, message: Message) -> list[Issue]:
        """The contact's mobile number as its card has it now."""
        contact = self.session.get(Contact, message.contact_id or 0)
        party = self.session.get_one(Party, message.party_id)
        country = message.run.company.country
        phone = phone_of(contact.mobile, contact.phone, party.country, country) if contact else None
        if phone is not None:
            message.to_address, message.why = phone.number, message.why | {NUMBER: phone.written}
        return []

    def _options(self, message: Message) -> list[AddressOption]:
        """The addresses that the message may go to, as their cards and the ladder know them now."""
        options = self._known_options(message)
        unknown = [one.email for one in options if one.kind is AddressKind.UNKNOWN]
        if not unknown:
            return options
        judged = judge_kinds(self.session, message.company_id, unknown)
        return [judged.get(one.email, one) for one in options]

    def _known_options(self, message: Message) -> list[AddressOption]:
        if message.why.get("rule") == Rule.GIVEN_ADDRESS:
            return [AddressOption(message.to_address, AddressKind.UNKNOWN)] if message.to_address else []
        if message.contact_id is not None:
            query = (
                select(ContactAddress.email, ContactAddress.kind)
                .where(ContactAddress.contact_id == message.contact_id)
                .order_by(ContactAddress.position, ContactAddress.id)
            )
            return [AddressOption(email, kind) for email, kind in self.session.execute(query)]
        party = self.session.get_one(Party, message.party_id)
        if message.why.get("rule") == Rule.BILLING_OVERRIDE:
            return (
                [AddressOption(party.billing_email, party.billing_email_kind)] if party.billing_email else []
            )
        if message.why.get("rule") == Rule.PACKAGING:
            named = [one for one in party.packaging_emails.split(",") if one]
            kept = [one for one in named if one == message.to_address] or (named if len(named) == 1 else [])
            return [AddressOption(one, AddressKind.UNKNOWN) for one in kept]
        return [AddressOption(party.email, party.email_kind)] if party.email else []

    def _choose_account(self, message: Message) -> None:
        account = self.book.by_id.get(message.account_id or 0)
        if account is not None and account.is_enabled and account.kind.value == message.channel.value:
            return
        decision = self.decisions.get(message.document_types.split(" ")[0])
        chosen = (
            self.book.resolve(decision, message.channel, self.actor.user_id).account if decision else None
        )
        message.account_id = chosen.id if chosen and message.to_address else None

    def _answers(self, message: Message) -> list[Issue]:
        """Answers to PEC that would come back uncertified; see `bulk_warnings`."""
        account = self.book.by_id.get(message.account_id or 0)
        address = message.reply_to or (account.reply_to if account else "")
        is_pec = message.channel is Channel.PEC
        return [Issue.PEC_ANSWERS] if is_pec and not_by_pec(self.session, [address]) else []

    def _collect_files(self, message: Message) -> None:
        """Take the files that the message's own documents have now."""
        query = (
            select(DocumentFile)
            .join(MessageDocument, MessageDocument.document_id == DocumentFile.document_id)
            .where(MessageDocument.message_id == message.id, DocumentFile.is_sent.is_(True))
            .order_by(MessageDocument.position, DocumentFile.position)
        )
        files = list(self.session.scalars(query))
        if [file.sha256 for file in files] == [file.sha256 for file in message.files] or not files:
            return
        message.files = []
        self.session.flush()
        message.files = [
            MessageFile(
                position=place,
                document_id=file.document_id,
                name=file.name,
                mime=file.mime,
                sha256=file.sha256,
                size=file.size,
            )
            for place, file in enumerate(files)
        ]
        message.file_count, message.size = len(files), sum(file.size for file in files)

    def _add_file_issues(self, message: Message) -> None:
        """What the files say: not in the store, none at all, or too large."""
        found = [(Issue.MISSING_FILE, {"file": f.name}) for f in message.files if not self.has_file(f.sha256)]
        with_file = {file.document_id for file in message.files}
        numbers = {} if "archived" in message.why or message.is_composed else self._documents(message)
        found += [(Issue.MISSING_FILE, {"document": n}) for id_, n in numbers.items() if id_ not in with_file]
        account = self.book.by_id.get(message.account_id or 0)
        limits = [self.max_mb, *([account.max_message_mb] if account and account.max_message_mb else [])]
        limit = min(limits) * MEGABYTE - ROOM_FOR_TEXT
        size = encoded_size(FileFacts(f.name, f.mime, f.sha256, f.size) for f in message.files)
        if size > limit:
            sizes: dict[str, Any] = {"mb": round(size / 1e6, 1), "limit_mb": round(limit / 1e6, 1)}
            found.append((Issue.FILE_TOO_LARGE, sizes))
        message.issues = [
            *message.issues,
            *(
                MessageIssue(run_id=message.run_id, code=code.value, is_blocker=True, params=params)
                for code, params in found
            ),
        ]
        replace_issues(message, set(), [])

    def _documents(self, message: Message) -> dict[int, str]:
        query = (
            select(Document.id, Document.number)
            .join(MessageDocument, MessageDocument.document_id == Document.id)
            .where(MessageDocument.message_id == message.id)
        )
        return {id_: number for id_, number in self.session.execute(query)}
