"""Looking into real mailboxes: what is found, that nothing is touched, and how each failure is told."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from crm_mail.delivery.mailbox import reader
from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed
from crm_mail.delivery.mailbox.reader import ReadOnlyMailbox
from crm_mail.delivery.mailbox.settings import MailboxSettings
from crm_mail.delivery.transports import Security
from crm_mail.sandbox.imap import ImapServer
from tests.delivery.mailbox.servers import ScriptedImap

CAPABLE = b"* CAPABILITY IMAP4rev1\r\nOK done"
OPENED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 90] x\r\nOK [READ-ONLY] done"


def settings_for(server: ImapServer, user: str, quota_mb: int = 0) -> MailboxSettings:
    password = server.add_user(user, quota_mb=quota_mb)
    return MailboxSettings(
        server.host,
        server.port,
        Security.TLS,
        user,
        password,
        ca_file=str(server.ca_file),
        timeout_seconds=10,
    )


def plain(server: ScriptedImap, seconds: float = 5) -> MailboxSettings:
    return MailboxSettings(
        "127.0.0.1", server.port, Security.NONE, "office", "secret", timeout_seconds=seconds
    )


def mail(number: int, text: str = "x") -> bytes:
    return f"Message-ID: <{number}@us>\r\nSubject: mail {number}\r\n\r\n{text}\r\n".encode()


def look_into(mailbox: ReadOnlyMailbox) -> None:
    with mailbox:
        mailbox.examine("INBOX")
        mailbox.uids_after(0)


@pytest.fixture
def user(imap_server: ImapServer, request: pytest.FixtureRequest) -> str:
    name = f"{abs(hash(request.node.name))}@reader.example"
    imap_server.add_user(name)
    return name


def seen_by_the_server(server: ImapServer, user: str) -> object:
    """Every file of the mailbox with its name, which holds the flags and whether it counts as new."""
    place = server.paths(user)[0].parent.parent if server.paths(user) else None
    assert place is not None
    return sorted(
        str(path.relative_to(place))
        for path in place.rglob("*")
        if "/cur/" in str(path) or "/new/" in str(path)
    ), [server.flags(user, folder) for folder in ("INBOX", server.sent_folder)]


def test_everything_is_found_and_nothing_is_touched(
    imap_server: ImapServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags, folders and files of the mailbox are the same before and after (IT-7)."""
    monkeypatch.setattr(reader, "SEARCHED_AT_ONCE", 2)
    for number in range(1, 6):
        imap_server.deliver(user, mail(number), received_at=datetime(2026, 1, number, 12, tzinfo=UTC))
    imap_server.deliver(user, mail(9), imap_server.sent_folder)
    settings = settings_for(imap_server, user)
    with ReadOnlyMailbox(settings) as first:
        first.examine("INBOX")  # a server's own index is made by the first look
        listed = first.folders()
    before = seen_by_the_server(imap_server, user)
    with ReadOnlyMailbox(settings) as mailbox:
        assert reader.sent_folder_of(mailbox.folders()) == imap_server.sent_folder
        assert mailbox.certificate is not None
        folder = mailbox.examine("INBOX")
        assert (folder.count, folder.uid_next) == (5, 6)
        assert list(mailbox.uids_after(0)) == [1, 2, 3, 4, 5]
        assert list(mailbox.uids_after(3)) == [4, 5]
        assert list(mailbox.uids_after(5)) == []
        assert list(mailbox.uids_after(0, date(2026, 1, 3))) == [3, 4, 5]
        chunks = list(mailbox.headers([1, 2, 3, 4, 5, 77], at_once=2))
        assert [[one.uid for one in chunk] for chunk in chunks] == [[1, 2], [3, 4], [5]]
        assert chunks[0][0].header == b"Message-ID: <1@us>\r\nSubject: mail 1\r\n\r\n"
        assert chunks[0][0].size == len(mail(1))
        found = mailbox.mail(4)
        assert found is not None
        assert (found.data, found.uid_validity) == (mail(4), folder.uid_validity)
        assert found.internal_date == datetime(2026, 1, 4, 12, tzinfo=UTC)
        assert mailbox.mail(77) is None
        assert mailbox.search_message_id("INBOX", "<3@us>") == [3]
        assert mailbox.search_message_id(imap_server.sent_folder, "<9@us>") == [1]
        assert mailbox.search_message_id("INBOX", "<è>") == []
        assert mailbox.folders() == listed
    assert seen_by_the_server(imap_server, user) == before
    assert imap_server.flags(user) == [""] * 5


def test_a_quota_is_told_where_there_is_one(imap_server: ImapServer, user: str) -> None:
    with ReadOnlyMailbox(settings_for(imap_server, user)) as mailbox:
        assert mailbox.quota() is None
    settings = settings_for(imap_server, "quota@reader.example", quota_mb=3)
    imap_server.deliver("quota@reader.example", mail(1, "x" * 2_000_000))
    with ReadOnlyMailbox(settings) as mailbox:
        quota = mailbox.quota()
    assert quota is not None
    assert quota.limit_kb == 3072
    assert 0.6 < quota.share < 0.7


def test_a_header_without_end_is_cut(imap_server: ImapServer, user: str) -> None:
    imap_server.deliver(user, b"Subject: x\r\n" + b"X-Long: y\r\n" * 20_000 + b"\r\nbody\r\n")
    with ReadOnlyMailbox(settings_for(imap_server, user)) as mailbox:
        mailbox.examine("INBOX")
        ((header,),) = mailbox.headers([1])
    assert len(header.header) == reader.HEADER_BYTES
    assert header.size > 200_000


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"password": "wrong"}, MailboxCause.LOGIN),
        ({"access_token": "wrong"}, MailboxCause.LOGIN),
        ({"ca_file": None}, MailboxCause.CERTIFICATE),
        ({"security": Security.STARTTLS, "timeout_seconds": 0.3}, MailboxCause.TIMEOUT),
        ({"port": 1}, MailboxCause.CONNECTION),
        ({"host": "nowhere.invalid"}, MailboxCause.DNS),
    ],
)
def test_each_failure_has_its_cause(
    imap_server: ImapServer, user: str, changes: dict[str, object], cause: MailboxCause
) -> None:
    settings = replace(settings_for(imap_server, user), **changes)  # type: ignore[arg-type]
    with pytest.raises(MailboxFailed) as failed:
        ReadOnlyMailbox(settings).connect()
    assert failed.value.failure.cause is cause
    assert "wrong" not in failed.value.failure.detail


@pytest.mark.parametrize(
    ("script", "greeting", "cause"),
    [
        ({}, b"* BYE too many of you\r\n", MailboxCause.BUSY),
        ({}, b"220 this is SMTP\r\n", MailboxCause.PROTOCOL),
        ({}, b"", MailboxCause.TIMEOUT),
        ({"LOGIN": b"NO [UNAVAILABLE] database"}, b"* OK\r\n", MailboxCause.BUSY),
        ({"LOGIN": b""}, b"* OK\r\n", MailboxCause.DROPPED),
        (
            {"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nOK done"},
            b"* OK\r\n",
            MailboxCause.LOGIN_NOT_OFFERED,
        ),
        ({"EXAMINE": b"NO no such"}, b"* OK\r\n", MailboxCause.FOLDER),
        ({"EXAMINE": OPENED, "UID SEARCH": b"BAD what"}, b"* OK\r\n", MailboxCause.PROTOCOL),
        (
            {"EXAMINE": OPENED, "UID SEARCH": b"* SEARCH " + b"1 " * 5_000_000 + b"\r\nOK done"},
            b"* OK\r\n",
            MailboxCause.PROTOCOL,
        ),
        (
            {"EXAMINE": OPENED, "UID SEARCH": b"* 1 FETCH (BODY[] {999999999}\r\nOK done"},
            b"* OK\r\n",
            MailboxCause.PROTOCOL,
        ),
    ],
)
def test_a_server_that_misbehaves_is_a_failure_and_no_error(
    script: dict[str, bytes], greeting: bytes, cause: MailboxCause
) -> None:
    with ScriptedImap({"CAPABILITY": CAPABLE} | script, greeting) as server:
        mailbox = ReadOnlyMailbox(plain(server, 0.5 if not greeting else 5))
        with pytest.raises(MailboxFailed) as failed:
            look_into(mailbox)
    assert failed.value.failure.cause is cause


def test_encryption_that_is_not_offered_is_refused_before_the_password_leaves() -> None:
    with ScriptedImap({"CAPABILITY": CAPABLE}) as server:
        with pytest.raises(MailboxFailed) as failed:
            ReadOnlyMailbox(replace(plain(server), security=Security.STARTTLS)).connect()
        assert failed.value.failure.cause is MailboxCause.TLS_NOT_OFFERED
        assert not any(command.startswith("LOGIN") for command in server.commands)


def test_a_server_that_tells_the_uid_last_and_no_next_uid_is_understood() -> None:
    script = {
        "CAPABILITY": CAPABLE,
        "EXAMINE": b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nOK done",
        "FETCH 2": b"* 2 FETCH (UID 41)\r\nOK done",
        "UID SEARCH": b"* SEARCH 41 40\r\nOK done",
        "UID FETCH": b"* 1 FETCH (BODY[] {3}\r\nabc UID 40)\r\nOK done",
    }
    with ScriptedImap(script) as server, ReadOnlyMailbox(plain(server)) as mailbox:
        assert mailbox.examine("Posta è").uid_next == 42
        assert list(mailbox.uids_after(39)) == [40, 41]
        found = mailbox.mail(40)
        assert 'EXAMINE "Posta &AOg-"' in server.commands
    assert found is not None
    assert found.data == b"abc"


def test_an_access_token_logs_in_by_xoauth2_and_its_refusal_is_a_login_failure() -> None:
    """The refusal comes as a challenge that tells why; it is answered by nothing, then by NO."""
    script = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nOK done"}
    with ScriptedImap(script) as server:
        with ReadOnlyMailbox(replace(plain(server), access_token="tok-123")):
            pass
        assert b64decode(server.answers[0]) == b"user=office\x01auth=Bearer tok-123\x01\x01"
    refusal = script | {"AUTHENTICATE": b"NO tok-123 is no good"}
    with ScriptedImap(refusal, challenges=(b"", b"eyJzdGF0dXMiOiI0MDAifQ==")) as server:
        with pytest.raises(MailboxFailed) as failed:
            ReadOnlyMailbox(replace(plain(server), access_token="tok-123")).connect()
        assert server.answers[1] == b""
    assert failed.value.failure.cause is MailboxCause.LOGIN
    assert "tok-123" not in failed.value.failure.detail
