"""PEC if and only if the address is PEC (IT-18; issue section 7)."""

import pytest

from crm_mail.delivery.routing import (
    ADDRESS_KIND_UNKNOWN,
    AddressKind,
    AddressOption,
    Channel,
    ChannelPreference,
    PecProblem,
    Reason,
    Refusal,
    RefusalCode,
    RoutingDecision,
    check_pec_rules,
    choose_address,
    choose_channel,
)

from .test_mime import make_envelope

ORDINARY = AddressOption("a@x.it", AddressKind.ORDINARY)
PEC = AddressOption("a@pec.it", AddressKind.PEC)
UNKNOWN = AddressOption("a@y.it", AddressKind.UNKNOWN)
FIRST, ORDINARY_ONLY, PEC_ONLY = ChannelPreference


@pytest.mark.parametrize(
    ("options", "preference", "email", "channel", "reason"),
    [
        ([ORDINARY], FIRST, "a@x.it", Channel.SMTP, Reason.ONLY_ADDRESS),
        ([PEC], FIRST, "a@pec.it", Channel.PEC, Reason.ONLY_ADDRESS),
        ([ORDINARY, PEC], FIRST, "a@pec.it", Channel.PEC, Reason.PEC_FIRST),
        ([ORDINARY, PEC], ORDINARY_ONLY, "a@x.it", Channel.SMTP, Reason.ORDINARY_ONLY),
        ([ORDINARY, PEC], PEC_ONLY, "a@pec.it", Channel.PEC, Reason.PEC_ONLY),
        ([UNKNOWN, ORDINARY], FIRST, "a@x.it", Channel.SMTP, Reason.NO_PEC),
        (
            [ORDINARY, AddressOption("b@x.it", AddressKind.ORDINARY, preferred=True)],
            FIRST,
            "b@x.it",
            Channel.SMTP,
            Reason.PREFERRED_ADDRESS,
        ),
        (
            [AddressOption("b@x.it", AddressKind.ORDINARY, preferred=True), PEC],
            FIRST,
            "a@pec.it",
            Channel.PEC,
            Reason.PEC_FIRST,
        ),
    ],
)
def test_the_address_and_channel_follow_the_rule(
    options: list[AddressOption], preference: ChannelPreference, email: str, channel: Channel, reason: Reason
) -> None:
    decision = choose_address(options, preference)
    assert isinstance(decision, RoutingDecision)
    assert (decision.email, decision.channel, decision.reason) == (email, channel, reason)


@pytest.mark.parametrize(
    ("options", "preference", "code"),
    [
        ([], FIRST, RefusalCode.NO_ADDRESS),
        ([ORDINARY, UNKNOWN], PEC_ONLY, RefusalCode.NO_PEC_ADDRESS),
        ([PEC], ORDINARY_ONLY, RefusalCode.ONLY_PEC_ADDRESS),
    ],
)
def test_a_contact_without_a_fit_address_is_refused_with_the_reason(
    options: list[AddressOption], preference: ChannelPreference, code: RefusalCode
) -> None:
    assert choose_address(options, preference) == Refusal(code)


def test_an_address_of_unknown_kind_goes_the_ordinary_way_with_a_warning() -> None:
    decision = choose_channel(UNKNOWN)
    assert (decision.channel, decision.warnings) == (Channel.SMTP, (ADDRESS_KIND_UNKNOWN,))
    assert choose_channel(ORDINARY).warnings == ()


def test_a_pec_message_has_one_recipient_no_blind_copy_and_its_own_sender() -> None:
    envelope = make_envelope()
    assert check_pec_rules(envelope, "Fatture@acme.example") == []
    assert check_pec_rules(make_envelope(cc=("b@pec.it",))) == [PecProblem.SEVERAL_RECIPIENTS]
    assert check_pec_rules(make_envelope(bcc=("b@pec.it",))) == (
        [PecProblem.BLIND_COPY, PecProblem.SEVERAL_RECIPIENTS]
    )
    assert check_pec_rules(envelope, "other@acme.example") == [PecProblem.SENDER_DIFFERS]
