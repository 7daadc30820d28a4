"""The legal timeline: in order, in plain words, and never more than the receipts prove (pec.md sections 1 and 6)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from crm_mail.evidence.proof import Failure, Proof
from crm_mail.evidence.timeline import Came, Line, Story, build_timeline
from crm_mail.evidence.timeline_words import headline, step_told
from crm_mail.words import english
from tests.evidence.mails import RECIPIENT, SENDER, SENT_AT, hours

ROME = ZoneInfo("Europe/Rome")


def _story(proof: Proof, silence: str = "") -> Story:
    return Story(RECIPIENT, SENDER, True, False, SENT_AT, proof, silence, hours(26) if silence else None)


def _receipt(id_: int, type_: str, at: float, **more: object) -> Came:
    return Came(id_, "receipt", hours(at), type_, RECIPIENT, trust="valid", **more)  # type: ignore[arg-type]


def test_the_lines_stand_in_order_with_what_each_proves() -> None:
    proof = Proof(accepted_at=hours(0.1), recipient_is_pec=True, delayed_at=hours(12), delivered_at=hours(14))
    mails = [
        _receipt(3, "avvenuta-consegna", 14),
        _receipt(2, "preavviso-errore-consegna", 12),
        _receipt(1, "accettazione", 0.1),
        _receipt(4, "accettazione", 0.1),  # from another folder
        Came(5, "receipt", hours(13), "avvenuta-consegna", RECIPIENT, trust="invalid", alarm="forged"),
    ]
    steps = build_timeline(_story(proof), mails)
    assert [step.line for step in steps] == [
        Line.SENT,
        Line.ACCEPTED,
        Line.WARNED,
        Line.NOT_TRUSTED,
        Line.DELIVERED,
    ]
    told = [step_told(step, ROME, english).text for step in steps]
    assert told[0] == f"Sent to {RECIPIENT} on 03/11/2026 13:00:00."
    assert "legal proof of sending, not of delivery" in told[1]
    assert "a warning" in told[2]
    assert "not believed: Its signature does not hold." in told[3]
    assert told[4].startswith(
        f"Delivered into the mailbox of {RECIPIENT} on 04/11/2026 03:00:00. Enforceable"
    )


@pytest.mark.parametrize(
    ("proof", "mails", "silence", "line", "words"),
    [
        (
            Proof(accepted_at=hours(0.1), recipient_is_pec=False),
            [_receipt(1, "accettazione", 0.1)],
            "",
            Line.ACCEPTED_NOT_PEC,
            "there is no legal proof of delivery",
        ),
        (
            Proof(accepted_at=hours(0.1), failure=Failure(hours(23), "expired")),
            [_receipt(1, "preavviso-errore-consegna", 23, reason="expired", is_final=True)],
            "",
            Line.TIMED_OUT,
            "did not arrive",
        ),
        (Proof(accepted_at=hours(0.1)), [], "no_outcome", Line.NO_OUTCOME, "not proven yet"),
        (Proof(), [], "no_acceptance", Line.NO_ACCEPTANCE, "neither the sending nor the delivery"),
    ],
)
def test_what_is_not_proven_is_said_so(
    proof: Proof, mails: list[Came], silence: str, line: Line, words: str
) -> None:
    steps = build_timeline(_story(proof, silence), mails)
    assert steps[-1].line is line
    assert "Delivered into" not in " ".join(step_told(step, ROME, english).text for step in steps)
    assert words in headline(proof, RECIPIENT, True, ROME, english)


def test_every_line_and_alarm_has_words() -> None:
    from crm_mail.evidence.alarm_words import alarm_words
    from crm_mail.evidence.alarms import Alarm, Silence
    from crm_mail.evidence.item_words import kind_words
    from crm_mail.evidence.models import ItemKind
    from crm_mail.evidence.timeline import Step

    params = {"to": RECIPIENT, "reason": "virus", "status": "", "detail": "x", "alarm": "forged"}
    for line in Line:
        told = step_told(Step(line, SENT_AT + timedelta(hours=1), "info", params), ROME, english)
        assert told.text.endswith((".", "believed: Its signature does not hold."))
        assert "%(" not in told.text
    assert all(all(alarm_words(one, english)) for one in (*Alarm, *Silence))
    assert all(kind_words(kind, english) for kind in ItemKind)
