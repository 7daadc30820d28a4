"""The report that the local ordinary server writes is one that a mail program understands."""

from crm_mail.delivery.bounces.reading import read_bounce
from crm_mail.sandbox.bouncing import bounce

MAIL = b"From: a@x.example\r\nTo: b@y.example\r\nMessage-ID: <1@x.example>\r\n\r\nciao\r\n"


def test_a_report_names_recipient_status_and_message() -> None:
    report = bounce(MAIL, "a@x.example", "b@y.example", "5.1.1", "550 5.1.1 User unknown")
    found = read_bounce(report)
    assert found is not None
    assert (found.recipients, found.status) == (("b@y.example",), "5.1.1")
    assert found.original_message_id == "<1@x.example>"
