"""Public bounces of other projects, where the environment has them (`SAMPLES_DIR`): each read by a person first."""

import pytest

from crm_mail.delivery.bounces.reading import read_bounce
from tests.conftest import samples_dir

# file: (kind, recipient, status, reason). A status is the report's own where it says something, else derived:
# 5.0.0 with "disk quota exceeded" is 5.2.2. The recipient is whom the sender wrote to, not where it was forwarded.
EXPECTED = {
    "flanker__broken-mime.eml": ("soft", "info@example.net", "4.4.7", "expired"),
    "flanker__delayed-broken.eml": ("soft", "demo@example.com", "4.2.2", "mailbox_full"),
    "flanker__delayed.eml": ("soft", "foo@example.com", "4.4.7", "expired"),
    "flanker__disposition-notification.eml": ("mdn", "Joe_Recipient@example.com", "", "unknown"),
    "flanker__gmail-invalid-address.eml": (
        "hard",
        "awfawfawfawfawfaw@someserverhere.com",
        "5.1.0",
        "user_unknown",
    ),
    "flanker__gmail-no-dns.eml": ("hard", "user@example.comm", "5.1.2", "domain_unknown"),
    "flanker__mailbox-full.eml": ("soft", "user@aol.com", "5.2.2", "mailbox_full"),
    "flanker__no-mx.eml": ("delay", "user@example.com", "4.4.4", "domain_unknown"),
    "flanker__office365.eml": ("hard", "noname@example.com", "5.1.10", "user_unknown"),
    "flanker__zed.eml": (
        "hard",
        "asdfasdfasdfasdfasdfasdfewrqertrtyrthsfgdfgadfqeadvxzvz@gmail.com",
        "5.1.1",
        "user_unknown",
    ),
    "flufl__dsn_01.eml": ("soft", "userx@example.com", "5.2.2", "mailbox_full"),
    "flufl__dsn_02.eml": ("soft", "zzzzz@example.uk", "4.4.7", "expired"),
    "flufl__dsn_03.eml": ("soft", "userx@example.be", "5.3.4", "too_big"),
    "flufl__dsn_04.eml": ("soft", "userx@example.ch", "5.2.2", "mailbox_full"),
    "flufl__dsn_05.eml": ("delay", "userx@example.cz", "4.4.1", "network"),
    "flufl__dsn_06.eml": ("delay", "userx@example.com", "4.4.0", "network"),
    "flufl__dsn_07.eml": ("delay", "userx@example.nz", "4.4.1", "network"),
    "flufl__dsn_08.eml": ("delay", "userx@example.de", "4.3.0", "system"),
    "flufl__dsn_09.eml": ("soft", "userx@example.com", "5.7.1", "relay_denied"),
    "flufl__dsn_10.eml": ("hard", "anne.person@dom.ain", "5.1.1", "user_unknown"),
    "flufl__dsn_11.eml": ("hard", "joem@example.com", "5.1.1", "user_unknown"),
    "flufl__dsn_12.eml": ("hard", "userx@example.jp", "5.1.1", "user_unknown"),
    "flufl__dsn_13.eml": ("hard", "userx@example.com", "5.1.1", "user_unknown"),
    "flufl__dsn_14.eml": ("hard", "userx@example.com.dk", "5.1.1", "user_unknown"),
    "flufl__dsn_15.eml": ("hard", "userx@example.com", "5.1.1", "user_unknown"),
    "flufl__dsn_16.eml": ("hard", "userx@example.com", "5.1.1", "user_unknown"),
    "flufl__dsn_17.eml": ("delay", "userx@example.fi", "4.3.0", "mailbox_full"),
    "flufl__dsn_18.eml": ("hard", "email@replaced.net", "5.1.2", "domain_unknown"),
    "flufl__exim_01.eml": ("hard", "userx@its.example.nl", "5.1.1", "user_unknown"),
    "flufl__groupwise_01.eml": ("hard", "userx@example.EDU", "5.1.1", "user_unknown"),
    "flufl__microsoft_01.eml": ("hard", "userx@example.COM", "5.1.1", "user_unknown"),
    "flufl__microsoft_02.eml": ("hard", "userx@example.COM", "5.1.1", "user_unknown"),
    "flufl__postfix_01.eml": ("hard", "xxxxx@local.ie", "5.1.1", "user_unknown"),
    "flufl__postfix_02.eml": ("soft", "yyyyy@digicool.com", "4.4.0", "network"),
    "flufl__postfix_03.eml": ("soft", "ttttt@ggggg.com", "5.3.0", "system"),
    "flufl__postfix_04.eml": ("soft", "userx@mail1.example.com", "5.2.2", "mailbox_full"),
    "flufl__postfix_05.eml": ("soft", "userx@example.net", "5.6.0", "content"),
    "flufl__qmail_01.eml": ("soft", "userx@example.de", "5.0.0", "unknown"),
    "flufl__qmail_02.eml": ("soft", "userx@example.com", "5.2.2", "mailbox_full"),
    "flufl__sendmail_01.eml": ("soft", "zzzzz@nfg.nl", "5.4.6", "network"),
    "flufl__yahoo_01.eml": ("soft", "userx@example.com", "4.4.1", "expired"),
    "javapecparser__gmail-dsn.eml": ("soft", "test@tozzi.app", "5.7.0", "blocked"),
    "sisimai__lhost-amazonses-05.eml": ("hard", "bounce@simulator.amazonses.com", "5.1.1", "user_unknown"),
    "sisimai__lhost-courier-01.eml": ("hard", "kijitora@example.co.jp", "5.1.1", "user_unknown"),
    "sisimai__lhost-einsundeins-02.eml": ("soft", "kijitora@example.org", "5.3.4", "too_big"),
    "sisimai__lhost-exim-01.eml": ("soft", "kijitora@example.ed.jp", "5.7.0", "blocked"),
    "sisimai__lhost-gmx-01.eml": ("soft", "shironeko@example.jp", "5.2.2", "mailbox_full"),
    "sisimai__lhost-mailru-01.eml": ("hard", "kijitora@example.jp", "5.1.1", "user_unknown"),
    "sisimai__lhost-messagingserver-07.eml": ("delay", "kijitora@2jo.example.jp", "4.4.7", "expired"),
    "sisimai__lhost-office365-01.eml": ("hard", "kijitora@example.com", "5.1.10", "user_unknown"),
    "sisimai__lhost-opensmtpd-01.eml": (
        "hard",
        "apdugoaidugoaidugoaeiudggadi@gmail.com",
        "5.1.1",
        "user_unknown",
    ),
    "sisimai__lhost-opensmtpd-13.eml": (
        "delay",
        "pseudo-local-part-of-yahoo-inc@yahoo.com",
        "4.7.0",
        "blocked",
    ),
    "sisimai__lhost-outlook-01.eml": ("soft", "kijitora@example.jp", "5.2.2", "mailbox_full"),
    "sisimai__lhost-postfix-01.eml": ("hard", "kijitora@example.org", "5.1.1", "user_unknown"),
    "sisimai__lhost-postfix-05.eml": ("soft", "kijitora@example.org", "4.1.1", "user_unknown"),
    "sisimai__lhost-postfix-09.eml": ("soft", "kijitora@example.ne.jp", "4.3.2", "rate_limit"),
    "sisimai__lhost-qmail-01.eml": ("hard", "kijitora@example.ne.jp", "5.5.0", "user_unknown"),
    "sisimai__lhost-sendmail-04.eml": ("soft", "kijitora@example.com", "5.1.8", "sender_refused"),
    "sisimai__lhost-sendmail-29.eml": (
        "delay",
        "this-local-part-does-not-exist-on-the-system@y-mobile.ne.jp",
        "4.5.0",
        "expired",
    ),
    "sisimai__lhost-v5sendmail-01.eml": ("soft", "kijitora@example.com", "4.4.7", "expired"),
    "sisimai__lhost-zoho-01.eml": ("hard", "kijitora@example.co.jp", "5.1.1", "user_unknown"),
    "sisimai__rfc3834-01.eml": ("auto_reply", "kijitora@example.net", "", "unknown"),
    "sisimai__rhost-google-01.eml": ("hard", "shironeko@example.ne.jp", "5.2.1", "disabled"),
}


@pytest.mark.skipif(samples_dir() is None, reason="SAMPLES_DIR is not set")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_public_sample_gives_its_recipient_status_and_reason(name: str) -> None:
    """Issue 4, section 5: all of them, though 95 of 100 are asked for."""
    folder = samples_dir()
    assert folder is not None
    found = read_bounce((folder / "dsn" / name).read_bytes())
    assert found is not None
    assert (found.kind, ",".join(found.recipients), found.status, found.reason) == EXPECTED[name]
    assert found.diagnostic.isprintable()
    assert len(found.diagnostic) <= 500


@pytest.mark.parametrize(
    ("name", "message_id"),
    [
        (
            "flanker__gmail-invalid-address.eml",
            "<CAKsfaBUUGqVZiaMrmH3TRPfq1odQPtM7Ey5YW1SgyJJRHtAjgw@mail.gmail.com>",
        ),
        ("flufl__dsn_15.eml", "<mailman.4360.1149475419.1567.gpc-talk@grizz.org>"),
        ("flufl__exim_01.eml", "<19990920022322.A19735@stereo.rotzorg.org>"),
        ("flanker__disposition-notification.eml", "<199509192301.23456@example.org>"),
        ("sisimai__lhost-mailru-01.eml", "<8F3CE2D8-D60E-48C3-B9AF-BED628EE2CA5@mail.example.ru>"),
        ("sisimai__lhost-zoho-01.eml", "<14a3e1b4b5a.10b1a4c5610175.8588386083425091336@zoho.example.com>"),
    ],
)
@pytest.mark.skipif(samples_dir() is None, reason="SAMPLES_DIR is not set")
def test_the_message_that_came_back_is_named(name: str, message_id: str) -> None:
    folder = samples_dir()
    assert folder is not None
    found = read_bounce((folder / "dsn" / name).read_bytes())
    assert found is not None
    assert found.original_message_id == message_id
