"""A message that came back: a report as an ordinary mail server writes it (RFC 3462, RFC 3464)."""

from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid

SERVER = "mx.simulated.example"


def bounce(content: bytes, sender: str, recipient: str, status: str, words: str) -> bytes:
    """The report to the sender.

    Args:
        content: the message that came back; its headers are enclosed.
        status: enhanced status code (RFC 3463), such as `5.1.1`.
        words: what the recipient's server said.
    """
    now = format_datetime(datetime.now(UTC))
    boundary = "=_report.simulated"
    headers = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0].replace(b"\n", b"\r\n")
    head = f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@{SERVER}>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Date: {now}
Message-ID: {make_msgid(domain=SERVER)}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

<{recipient}>: host {SERVER} said: {words}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; {SERVER}
Arrival-Date: {now}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {words}

--{boundary}
Content-Type: text/rfc822-headers

"""
    return head.replace("\n", "\r\n").encode() + headers + f"\r\n\r\n--{boundary}--\r\n".encode()
