"""Every code that the check of a receipt can give has words."""

import re
from pathlib import Path

import pytest

from crm_mail.delivery.pec import certificate_chain, cms_signature, daticert, reading, verification_steps
from crm_mail.delivery.pec.content_proof import ContentMatch
from crm_mail.delivery.pec.receipt import Disagreement
from crm_mail.delivery.pec.verdict import StepName, Trust
from crm_mail.evidence.verification_words import (
    content_words,
    disagreement_words,
    step_title,
    step_words,
    trust_words,
    unreadable_words,
)


def codes(pattern: str, *modules: object) -> set[str]:
    sources = [Path(str(module.__file__)).read_text() for module in modules]  # type: ignore[attr-defined]
    lines = [found for source in sources for found in re.findall(pattern, source, re.S)]
    return {code for line in lines for code in re.findall(r'"([a-z][a-z0-9_]+)"', line)}


STEPS = codes(r"Step\(\s*StepName\.[A-Z]+,(.*?)(?:detail|\{|\)\n)", verification_steps) | codes(
    r"(?:ChainRefused|SignatureUnreadable)\((\"\w+\")", certificate_chain, cms_signature
)
REFUSALS = codes(r"(?:DaticertRefused|ReceiptUnreadable)\((\"\w+\")", daticert, reading)


@pytest.mark.parametrize("code", sorted(STEPS | {"not_checked"}))
def test_each_result_of_a_step_has_words(code: str) -> None:
    assert step_words(code, {}, str) != code


def test_there_are_as_many_codes_as_there_should_be() -> None:
    assert len(STEPS) > 30
    assert {"xml_entities", "no_daticert", "too_large"} <= REFUSALS


def test_verdicts_steps_refusals_and_proofs_have_words() -> None:
    assert all(trust_words(trust, str)[1] for trust in Trust)
    assert all(step_title(name, str) != name for name in StepName)
    assert all(unreadable_words(code, "x", str) != code for code in REFUSALS)
    assert all(disagreement_words(code, str) != code for code in Disagreement)
    assert all(content_words(match, str) != match for match in ContentMatch)


def test_details_are_shown_as_people_write_them() -> None:
    words = step_words("time_fits", {"signed": "2018-11-13T16:39:26+01:00"}, str)
    assert words == "Signed at the time that the receipt states (13/11/2018 15:39:26 UTC)."
    assert "(SHA-256)" in step_words("digest_equal", {"algorithm": "sha256"}, str)
    assert step_words("something_new", {}, str) == "something_new"
    assert "–" in step_words("authority_unknown", {}, str)
