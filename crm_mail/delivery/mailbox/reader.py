"""A mailbox that is only looked at: EXAMINE and BODY.PEEK, so that nothing is flagged, moved or deleted.

Memory is bounded: uids are collected as numbers, headers come in chunks and are cut at `HEADER_BYTES`, and a mail is
asked for only when its size is within the caller's limit. Answers name UIDs, never positions: those are used only to
bound what a SEARCH may answer, from the last mail back, so that a mail which somebody deletes meanwhile hides none.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from crm_mail.delivery.mailbox.connection import ImapConnection, certificate_of, failing, open_imap
from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed
from crm_mail.delivery.mailbox.responses import (
    MONTHS,
    Folder,
    Part,
    Quota,
    encode_name,
    quote,
    read_date,
    read_fetch,
    read_folders,
    read_quota,
    uid_set,
)
from crm_mail.delivery.mailbox.settings import MailboxSettings

HEADER_BYTES = 64 * 1024
"""More of a mail's header is never looked at."""
HEADERS_AT_ONCE = 200
SEARCHED_AT_ONCE = 20_000
LONGEST_LIST = 5_000
"""Folders; more are not looked at."""
SENT_NAMES = (
    *("inviata", "inviati", "spedite", "posta inviata", "sent", "sent items", "sent messages", "sent mail"),
    *("enviados", "elementos enviados", "elementi inviati"),
)
"""Last parts of names of sent folders, where the server marks none (RFC 6154): Aruba, InfoCert, Outlook…"""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A whole mail and where it lies. `internal_date`: when the server took it in, UTC."""

    folder: str
    uid_validity: int
    uid: int
    internal_date: datetime | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailHeader:
    """The beginning of a mail: its header (at most `HEADER_BYTES`), its size in bytes."""

    uid: int
    size: int
    internal_date: datetime | None
    header: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Examined:
    """A folder as it was when it was opened."""

    name: str
    uid_validity: int
    uid_next: int
    count: int


class ReadOnlyMailbox:
    """One connection to one mailbox. Not for several threads at once, but for `abort`.

    Every method raises MailboxFailed for what a server or a network does.
    """

    def __init__(self, settings: MailboxSettings) -> None:
        self.settings = settings
        self.examined: Examined | None = None
        self._imap: ImapConnection | None = None

    def __enter__(self) -> "ReadOnlyMailbox":
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Connect, encrypt, log in."""
        self.close()
        self._imap = open_imap(self.settings)

    def close(self) -> None:
        """Say goodbye; never raises. Not CLOSE, which deletes where a folder was opened for writing."""
        imap, self._imap, self.examined = self._imap, None, None
        if imap is not None:
            with suppress(Exception):
                imap.sock.settimeout(5)
                imap.logout()
            with suppress(Exception):
                imap.shutdown()

    def abort(self) -> None:
        """End what another thread waits for; its call raises MailboxFailed."""
        imap = self._imap
        if imap is not None:
            with suppress(OSError):
                imap.sock.shutdown(2)

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers, in capitals."""
        return frozenset(self._connected.capabilities)

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate (DER); None without encryption."""
        return certificate_of(self._connected)

    def folders(self) -> list[Folder]:
        """Every folder, with its special use where the server tells it."""
        pattern = '"*"'
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= self.capabilities:
            pattern += " RETURN (SPECIAL-USE)"
        with failing(self.settings):
            answer, parts = self._connected.list('""', pattern)
        self._expect(answer, parts, MailboxCause.PROTOCOL)
        return list(read_folders(_parts(parts)))[:LONGEST_LIST]

    def examine(self, name: str) -> Examined:
        """Open a folder for looking at only. A folder that is not there: MailboxFailed with FOLDER."""
        imap, self.examined = self._connected, None
        with failing(self.settings):
            try:
                box = quote(encode_name(name))
            except ValueError as error:
                raise MailboxFailed(MailboxCause.FOLDER, f"{name!r}: {error}") from None
            answer, parts = imap.select(box, readonly=True)
            self._expect(answer, parts, MailboxCause.FOLDER)
            count = int((parts or [b"0"])[-1] or b"0")
            validity = _number(imap.response("UIDVALIDITY"))
            after = _number(imap.response("UIDNEXT"))
        if not after:  # old servers do not tell it (RFC 3501 made it required)
            after = self._last_uid(count) + 1
        self.examined = Examined(name, validity, after, count)
        return self.examined

    def uids_after(self, last_uid: int, since: date | None = None) -> Sequence[int]:
        """The UIDs above one in the open folder, ascending; with a day, only mails that came on it or later."""
        folder = self._open
        first = max(1, folder.count - max(0, folder.uid_next - last_uid - 1) + 1)
        found = array("Q")
        high = folder.count
        while high >= first:
            low = max(first, high - SEARCHED_AT_ONCE + 1)
            words = [f"{low}:{high}", f"UID {last_uid + 1}:*"]
            if since is not None:
                words.append(f"SINCE {since.day}-{MONTHS[since.month - 1]}-{since.year}")
            found.extend(uid for uid in self._search(*words) if uid > last_uid)
            high = low - 1
        return array("Q", sorted(set(found)))

    def headers(self, uids: Sequence[int], at_once: int = HEADERS_AT_ONCE) -> Iterator[list[MailHeader]]:
        """The headers of mails of the open folder, in chunks, ascending; deleted ones are missing."""
        for start in range(0, len(uids), at_once):
            asked = uids[start : start + at_once]
            found = {
                uid: MailHeader(uid, int(items.get("RFC822.SIZE", b"0")), date_of(items), header)
                for items in self._fetch(
                    asked, f"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER]<0.{HEADER_BYTES}>)"
                )
                if (uid := int(items.get("UID", b"0"))) and (header := items.get("BODY[HEADER]")) is not None
            }
            yield [found[uid] for uid in asked if uid in found]

    def mails(self, uids: Sequence[int]) -> list[ReceivedMail]:
        """Whole mails of the open folder in one answer, ascending; those that are there no more are missing.

        All of them are in memory at once: the caller looks at `MailHeader.size` first. One beyond
        `connection.LARGEST_LITERAL` ends the connection.
        """
        folder = self._open
        found = {
            uid: ReceivedMail(folder.name, folder.uid_validity, uid, date_of(items), items["BODY[]"])
            for items in self._fetch(uids, "(UID INTERNALDATE BODY.PEEK[])")
            if (uid := int(items.get("UID", b"0"))) and "BODY[]" in items
        }
        return [found[uid] for uid in uids if uid in found]

    def mail(self, uid: int) -> ReceivedMail | None:
        """One whole mail of the open folder; None when it is there no more."""
        return next(iter(self.mails([uid])), None)

    def search_message_id(self, folder: str, message_id: str) -> list[int]:
        """UIDs of mails whose Message-ID header holds the text, ascending; the folder is opened for it."""
        if self.examined is None or self.examined.name != folder:
            self.examine(folder)
        try:
            return sorted(self._search("HEADER", "Message-ID", quote(message_id)))
        except ValueError:
            return []

    def search_header(self, folder: str, header: str, text: str) -> list[int]:
        """As `search_message_id`, for any header, such as X-Riferimento-Message-ID."""
        if self.examined is None or self.examined.name != folder:
            self.examine(folder)
        try:
            return sorted(self._search("HEADER", quote(header), quote(text)))
        except ValueError:
            return []

    def quota(self) -> Quota | None:
        """Room in the mailbox (RFC 9208); None when the server does not tell, or there is no limit."""
        if "QUOTA" not in self.capabilities:
            return None
        with failing(self.settings):
            answer, parts = self._connected.getquotaroot("INBOX")
        if answer != "OK" or len(parts) < 2:
            return None
        return read_quota(_parts(parts[1]))

    def _fetch(self, uids: Iterable[int], items: str) -> Iterator[dict[str, bytes]]:
        with failing(self.settings):
            answer, parts = self._connected.uid("FETCH", uid_set(uids), items)
        self._expect(answer, parts, MailboxCause.PROTOCOL)
        return read_fetch(_parts(parts))

    def _search(self, *words: str) -> list[int]:
        with failing(self.settings):
            answer, parts = self._connected.uid("SEARCH", *words)
        self._expect(answer, parts, MailboxCause.PROTOCOL)
        return [
            int(word) for part in parts if isinstance(part, bytes) for word in part.split() if word.isdigit()
        ]

    def _last_uid(self, count: int) -> int:
        if not count:
            return 0
        with failing(self.settings):
            answer, parts = self._connected.fetch(str(count), "(UID)")
        self._expect(answer, parts, MailboxCause.PROTOCOL)
        return max((int(items.get("UID", b"0")) for items in read_fetch(_parts(parts))), default=0)

    def _expect(self, answer: str, parts: Sequence[object], cause: MailboxCause) -> None:
        if answer == "OK":
            return
        told = b" ".join(part for part in parts if isinstance(part, bytes)).decode("utf-8", "replace")
        raise MailboxFailed(cause, f"{self.settings.host}: {answer} {told}".strip())

    @property
    def _connected(self) -> ImapConnection:
        if self._imap is None:
            raise MailboxFailed(MailboxCause.DROPPED, f"{self.settings.host}: not connected")
        return self._imap

    @property
    def _open(self) -> Examined:
        if self.examined is None:
            raise MailboxFailed(MailboxCause.FOLDER, "no folder is open")
        return self.examined


def sent_folder_of(folders: Iterable[Folder], chosen: str = "") -> str:
    """The folder with copies of what was sent: the chosen one, the marked one, else a well-known name; or empty."""
    if chosen:
        return chosen
    openable = [folder for folder in folders if folder.can_be_opened]
    for folder in openable:
        if "\\sent" in folder.flags:
            return folder.name
    for name in SENT_NAMES:
        for folder in openable:
            last = folder.name.rsplit(folder.delimiter, 1)[-1] if folder.delimiter else folder.name
            if last.lower() == name:
                return folder.name
    return ""


def date_of(items: dict[str, bytes]) -> datetime | None:
    """When the server took a mail in, of its FETCH answer."""
    return read_date(items.get("INTERNALDATE", b""))


def _parts(parts: Iterable[object]) -> Iterator[Part]:
    for part in parts:
        if part is None or isinstance(part, bytes | tuple):
            yield part


def _number(response: tuple[str, list[bytes | None]]) -> int:
    value = (response[1] or [None])[-1]
    return int(value) if value and value.isdigit() else 0
