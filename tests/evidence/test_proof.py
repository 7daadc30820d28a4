"""What is proven of a message does not depend on the order, the repetition or the lateness of the mails (pec.md 1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_mail.evidence.proof import Conflict, Failure, Proof, Stage, join, next_state
from crm_mail.outbox.states import MessageState, check_transition

START = datetime(2026, 11, 3, 12, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


_HOURS = st.integers(0, 30)
_MAILS = st.one_of(
    st.builds(
        lambda h, pec: Proof(provider_id="opec1", accepted_at=at(h), recipient_is_pec=pec),
        _HOURS,
        st.sampled_from([True, False]),
    ),
    st.builds(lambda h: Proof(delivered_at=at(h)), _HOURS),
    st.builds(lambda h: Proof(delayed_at=at(h)), _HOURS),
    st.builds(
        lambda h, why: Proof(failure=Failure(at(h), why)), _HOURS, st.sampled_from(["virus", "pec_refused"])
    ),
    st.builds(lambda h: Proof(replied_at=at(h)), _HOURS),
    st.builds(lambda h: Proof(in_sent_folder_at=at(h)), _HOURS),
)
_BEFORE = st.sampled_from(
    [MessageState.SENT, MessageState.UNCERTAIN, MessageState.FAILED, MessageState.COMMITTED]
)


def _after(state: MessageState, mails: list[Proof]) -> tuple[MessageState, Proof]:
    proof = Proof()
    for mail in mails:
        proof = join(proof, mail)
        following = next_state(state, proof)
        if following is not state:
            check_transition(state, following)  # every step is one that the table of states allows
        state = following
    return state, proof


@settings(max_examples=300, deadline=None)
@given(data=st.data(), mails=st.lists(_MAILS, max_size=6), before=st.sampled_from(["sent", "uncertain"]))
def test_any_order_and_repetition_of_the_same_mails_gives_the_same_proof_and_state(
    data: st.DataObject, mails: list[Proof], before: str
) -> None:
    shuffled = data.draw(st.permutations([*mails, *mails[:2]]))
    assert _after(MessageState(before), mails) == _after(MessageState(before), shuffled)


@settings(max_examples=200, deadline=None)
@given(mails=st.lists(_MAILS, max_size=6), late=_MAILS, before=_BEFORE)
def test_a_delivery_outranks_every_failure_whenever_it_comes(
    mails: list[Proof], late: Proof, before: MessageState
) -> None:
    state, proof = _after(before, [*mails, Proof(delivered_at=at(29)), late])
    assert state is MessageState.DELIVERED
    assert proof.stage is Stage.DELIVERED
    assert (proof.conflict is Conflict.DELIVERED_AND_FAILED) == (proof.failure is not None)


@pytest.mark.parametrize(
    ("mails", "stage"),
    [
        ([], Stage.NOTHING),
        ([Proof(replied_at=at(1))], Stage.LEFT),
        ([Proof(accepted_at=at(1), recipient_is_pec=True)], Stage.ACCEPTED),
        ([Proof(accepted_at=at(1), recipient_is_pec=False)], Stage.NOT_CERTIFIED),
        ([Proof(accepted_at=at(1), recipient_is_pec=True), Proof(delayed_at=at(12))], Stage.WARNED),
        ([Proof(accepted_at=at(1)), Proof(failure=Failure(at(24), "expired"))], Stage.FAILED),
    ],
)
def test_accepted_is_never_delivered(mails: list[Proof], stage: Stage) -> None:
    assert _after(MessageState.SENT, mails)[1].stage is stage


@pytest.mark.parametrize(
    ("before", "proof", "resent", "after"),
    [
        (MessageState.UNCERTAIN, Proof(accepted_at=at(1)), None, MessageState.SENT),
        (MessageState.UNCERTAIN, Proof(in_sent_folder_at=at(1)), None, MessageState.SENT),
        (MessageState.UNCERTAIN, Proof(replied_at=at(1)), None, MessageState.UNCERTAIN),
        (
            MessageState.COMMITTED,
            Proof(accepted_at=at(1)),
            None,
            MessageState.SENT,
        ),  # it must not leave twice
        (MessageState.RETRYING, Proof(delivered_at=at(1)), None, MessageState.DELIVERED),
        (
            MessageState.SENDING,
            Proof(delivered_at=at(1)),
            None,
            MessageState.SENDING,
        ),  # the sender's, for now
        (MessageState.CANCELLED, Proof(delivered_at=at(1)), None, MessageState.CANCELLED),
        (MessageState.SENT, Proof(failure=Failure(at(1))), at(2), MessageState.SENT),  # of the earlier try
        (MessageState.SENT, Proof(failure=Failure(at(3))), at(2), MessageState.BOUNCED),
        (MessageState.COMMITTED, Proof(failure=Failure(at(1))), None, MessageState.COMMITTED),
        (MessageState.FAILED, Proof(delivered_at=at(1)), None, MessageState.DELIVERED),
    ],
)
def test_the_state_that_follows(
    before: MessageState, proof: Proof, resent: datetime | None, after: MessageState
) -> None:
    assert next_state(before, proof, resent) is after
