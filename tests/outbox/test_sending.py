"""Sending on real servers: what is sent, how it is recorded, and what happens when a server misbehaves."""

import hashlib

from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.packing import unpack
from crm_mail.installation import Installation
from crm_mail.outbox.states import RunState
from tests.outbox.sending import attempts, committed_run, events, messages, run_state, send, states


def test_a_committed_run_is_sent_and_finished(home: Installation) -> None:
    """IT-7: every message reaches the server once and says so."""
    with committed_run(home, count=30) as (server, run_id):
        tally = send(home)
    assert tally.sent == 30
    assert states(home, run_id) == {"sent": 30}
    assert run_state(home, run_id) is RunState.FINISHED
    assert sorted(to for (to,), _ in server.received) == sorted(m.to_address for m in messages(home, run_id))
    assert events(home, run_id).count("sent") == 30


def test_the_exact_bytes_that_were_sent_are_kept(home: Installation) -> None:
    """CO-8, RP-14: the kept record gives back what the server received, byte for byte."""
    pdf = home.store.put(b"%PDF-1.7 the invoice" * 50)
    with committed_run(home, files=(("Fattura è.pdf", pdf, 1000),)) as (server, run_id):
        send(home)
    (attempt,) = attempts(home, run_id)
    assert attempt.mime is not None
    sent = flatten(unpack(attempt.mime), home.store.read)
    assert server.received[0][1] == sent + b".\r\n"
    assert attempt.mime_sha256 == hashlib.sha256(sent).hexdigest()
    assert (attempt.outcome, attempt.code) == ("sent", 250)
