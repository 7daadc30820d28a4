"""The IMAP server of tests and demonstration: what others rely on when they read mailboxes on it."""

import imaplib
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm_mail.sandbox import imap
from crm_mail.sandbox.certificates import ensure_certificates
from crm_mail.sandbox.imap import ImapServer

MAIL = b"Subject: a\r\nMessage-ID: <1@x>\r\n\r\n8 bit \xe9 and a bare\nline\r\n"


def connect(server: ImapServer, user: str) -> imaplib.IMAP4_SSL:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    client = imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context)
    client.login(user, server.passwords[user])
    return client


def test_a_mail_comes_back_byte_for_byte_and_untouched(imap_server: ImapServer) -> None:
    """Line ends alone are made CRLF, as IMAP wants them."""
    imap_server.add_user("bytes@x.example")
    imap_server.deliver("bytes@x.example", MAIL, received_at=datetime(2026, 11, 3, 9, 30, tzinfo=UTC))
    with connect(imap_server, "bytes@x.example") as client:
        client.select("INBOX", readonly=True)
        _, answer = client.fetch("1", "(INTERNALDATE BODY.PEEK[])")
    assert answer[0][1] == MAIL.replace(b"bare\n", b"bare\r\n")
    assert b"03-Nov-2026" in answer[0][0]
    assert imap_server.flags("bytes@x.example") == [""]


def test_the_faults_of_a_mailbox_are_seen_over_imap(imap_server: ImapServer) -> None:
    user = "faults@x.example"
    imap_server.add_user(user, quota_mb=3)
    imap_server.deliver(user, MAIL)
    with connect(imap_server, user) as client:
        assert b"(STORAGE 1 3072)" in client.getquotaroot("INBOX")[1][1][0]
        client.select("INBOX", readonly=True)
        before = client.response("UIDVALIDITY")[1]
    imap_server.change_uid_validity(user)
    with connect(imap_server, user) as client:
        client.select("INBOX", readonly=True)
        assert client.response("UIDVALIDITY")[1] != before
        assert imap_server.move(user, "INBOX", "INBOX.Archivio") == 1
        client.select("INBOX.Archivio", readonly=True)
        assert client.search(None, "HEADER", "Message-ID", "<1@x>")[1] == [b"1"]
        folders = b"\n".join(client.list()[1])
        assert b'\\Sent) "." INBOX.Inviata' in folders


def test_where_dovecot_is_missing_pymap_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "dovecot_program", lambda: None)
    context = ssl.create_default_context(cafile=str(ensure_certificates(tmp_path / "tls").ca_file))
    with ImapServer(tmp_path) as server:
        password = server.add_user("a@x.example")
        server.deliver("a@x.example", MAIL)
        with imaplib.IMAP4(server.host, server.port) as client:
            client.starttls(context)
            client.login("a@x.example", password)
            client.select("INBOX", readonly=True)
            _, answer = client.fetch("1", "(BODY.PEEK[])")
    assert server.security == "starttls"
    assert answer[0][1] == MAIL.replace(b"bare\n", b"bare\r\n")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_a_server_that_outlived_its_killed_process_gives_the_port_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "dovecot_program", lambda: None)  # pymap: the folder need not be shared
    code = (
        "import os, sys; from crm_mail.sandbox import imap; imap.dovecot_program = lambda: None;"
        "print(imap.ImapServer(sys.argv[1]).start().port, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    with ImapServer(tmp_path, port=int(killed.stdout)) as server:
        assert server.port == int(killed.stdout)
