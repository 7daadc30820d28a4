"""What operators do with a message after they have taken it: the access point's checks, receipts, delivery, notices."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crm_mail.pec_simulator.clock import Clock
from crm_mail.pec_simulator.issuer import Accepted
from crm_mail.pec_simulator.operators import Operators
from crm_mail.pec_simulator.original import Original, read_original
from crm_mail.pec_simulator.queue import MailQueue
from crm_mail.pec_simulator.replying import reply_to
from crm_mail.pec_simulator.scenarios import (
    ACCEPTANCE_SECONDS,
    REPLY_AFTER,
    Event,
    Step,
    is_silent,
    refusal_for,
    replies,
    steps_for,
)

INBOX = "INBOX"
Deliver = Callable[[str, bytes, str], object]


@dataclass(slots=True)
class Disorder:
    """What the world does to the order of things. Shares between 0 and 1.

    `shuffled`: the receipts of one message change their times with each other. `duplicates`: share that comes twice.
    `leaks`: mails between operators (presa in carico, rilevazione virus) reach the sender.
    """

    shuffled: bool = False
    duplicates: float = 0.0
    leaks: bool = False
    seed: int = 1


@dataclass(slots=True)
class Rules:
    """Limits of the access point; `size_times_recipients` in bytes (RFC 6109 3.1.1: 30 MB)."""

    size_times_recipients: int = 30 * 1024 * 1024
    receipts_folder: str = INBOX
    scenarios: dict[str, str] = field(default_factory=dict)  # address: word of `scenarios`


class PostOffice:
    """Takes messages from the submission server and lets their consequences wait until they are due.

    Args:
        deliver: puts a mail into a user's folder.
        has_mailbox: whether a recipient has a mailbox here, and so gets the transport envelope.
    """

    def __init__(
        self,
        operators: Operators,
        clock: Clock,
        queue: MailQueue,
        deliver: Deliver,
        has_mailbox: Callable[[str], bool],
    ) -> None:
        self.operators = operators
        self.clock = clock
        self.queue = queue
        self.rules = Rules()
        self.disorder = Disorder()
        self._deliver = deliver
        self._has_mailbox = has_mailbox
        self._random = random.Random(self.disorder.seed)  # noqa: S311 not a secret

    def take(self, content: bytes, sender: str, recipients: tuple[str, ...]) -> Accepted:
        """Takes a message that the server has answered with 250; returns it with its identity."""
        original = read_original(content, sender, recipients)
        issuer = self.operators.issuer_for(original.sender)
        message = issuer.take(original, self.clock.now())
        played = tuple(self._played(address) for address in original.recipients)
        if is_silent(played):
            return message
        at = self.clock.later(timedelta(seconds=ACCEPTANCE_SECONDS))
        refusal = self.refusal_of(original) or refusal_for(played)
        if refusal is not None:
            is_virus, why = refusal
            self._post(original.sender, [(at, issuer.refusal(message, at, why, is_virus=is_virus))])
            if is_virus and self.disorder.leaks:
                self._post(original.sender, [(at, issuer.virus_found(message, at))])
            return message
        mails = [(at, issuer.acceptance(message, at))]
        for address in original.recipients:
            mails += self._consequences(message, address)
        self._post(original.sender, mails)
        return message

    def refusal_of(self, original: Original) -> tuple[bool, str] | None:
        """What the access point finds wrong with a message; those of the technical rules (RFC 6109 3.1.1)."""
        if original.from_addresses != (original.sender,):
            return False, "5.7.1 - il mittente indicato nel campo From non corrisponde al reverse path"
        if not original.to:
            return False, "5.7.1 - manca un destinatario nel campo To"
        if original.bcc:
            return False, "5.7.1 - il campo Bcc non e' ammesso"
        if set(original.envelope) != set(original.recipients):
            return False, "5.7.1 - i destinatari indicati non corrispondono ai campi To e Cc"
        if len(original.content) * len(original.envelope) > self.rules.size_times_recipients:
            return False, "5.2.3 - dimensione del messaggio per numero dei destinatari oltre il limite"
        return None

    def run_due(self) -> int:
        """Delivers what is due; how many mails."""
        entries = self.queue.due(self.clock.now())
        for entry in entries:
            self._deliver(entry.user, self.queue.take(entry), entry.folder)
            self.queue.done(entry)
        return len(entries)

    def _played(self, address: str) -> str:
        word = self.rules.scenarios.get(address)
        return f"{word}@{address.rpartition('@')[2]}" if word else address

    def _consequences(self, message: Accepted, address: str) -> list[tuple[datetime, bytes]]:
        """The mails for the sender that one recipient brings; envelopes go their own way."""
        played = self._played(address)
        if not self.operators.is_certified(address):
            self._carry(message, address, self.clock.later(timedelta(seconds=ACCEPTANCE_SECONDS)))
            return []
        mails: list[tuple[datetime, bytes]] = []
        if self.disorder.leaks:
            at = self.clock.later(timedelta(seconds=ACCEPTANCE_SECONDS + 1))
            mails.append((at, self.operators.issuer_for(address).taken_over(message, at, (address,))))
        for step in steps_for(played):
            at = self.clock.later(step.after)
            mails.append((at, self._mail_of(step, message, address, at)))
            if step.event is Event.DELIVER:
                self._carry(message, address, at)
        if replies(played):
            at = self.clock.later(REPLY_AFTER)
            mails.append((at, reply_to(self.operators.issuer_for(address), message, address, at)))
        return mails

    def _mail_of(self, step: Step, message: Accepted, address: str, at: datetime) -> bytes:
        """Deliveries and mailbox errors come from the recipient's operator, notices of time from the sender's."""
        near, far = self.operators.issuer_for(message.original.sender), self.operators.issuer_for(address)
        if step.event is Event.DELIVER:
            return far.delivery(message, at, address)
        if step.event is Event.UNKNOWN_MAILBOX:
            return far.unknown_mailbox(message, at, address)
        if step.event is Event.FAIL:
            issuer = near if step.error == "no-dominio" else far
            return issuer.failure(message, at, address, step.error, step.why)
        return near.delay(message, at, address, 12 if step.event is Event.DELAY_12 else 24)

    def _carry(self, message: Accepted, address: str, at: datetime) -> None:
        if self._has_mailbox(address):
            issuer = self.operators.issuer_for(message.original.sender)
            self.queue.add(at, address, INBOX, issuer.envelope(message, at))

    def _post(self, user: str, mails: list[tuple[datetime, bytes]]) -> None:
        times = [at for at, _ in mails]
        if self.disorder.shuffled:
            self._random.shuffle(times)
        for at, (_, content) in zip(times, mails, strict=True):
            self.queue.add(at, user, self.rules.receipts_folder, content)
            if self._random.random() < self.disorder.duplicates:
                self.queue.add(at, user, self.rules.receipts_folder, content)
