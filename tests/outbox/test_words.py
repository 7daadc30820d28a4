"""Every code of the outbox has its words, and its words can be translated (BX-1, BX-6)."""

import pytest

from crm_mail.documents.template_errors import TemplateInvalid, TemplateProblem
from crm_mail.outbox.change_words import done_words, edit_words, event_words
from crm_mail.outbox.issue_words import issue_name, issue_words
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.reasons import LeftOutReason, Rule, WithheldReason
from crm_mail.outbox.reviewing.edit_problems import EditProblem
from crm_mail.outbox.why_words import describe_why, left_out_words, withheld_words


def shout(message: str) -> str:
    """A translation that cannot be overlooked; placeholders stay."""
    return "¡" + message


@pytest.mark.parametrize("issue", Issue)
def test_every_issue_has_a_name_a_sentence_and_a_remedy(issue: Issue) -> None:
    words = issue_words(issue.value, {}, shout)
    assert words.text.startswith("¡")
    assert words.remedy.startswith("¡")
    assert words.is_blocker == (issue in BLOCKERS)
    assert issue_name(issue.value, shout).startswith("¡")


@pytest.mark.parametrize(
    ("code", "params", "said"),
    [
        ("already_sent", {"document": "7", "at": "2026-11-02", "run": 4}, "was sent 7 on 02/11/2026 (run 4)"),
        (
            "already_sent",
            {"document": "2026-01-12", "at": "2026-11-02"},
            "was sent 2026-01-12 on 02/11/2026 (run –)",
        ),
        ("file_too_large", {"mb": 31.2, "limit_mb": 20.9}, "take 31.2 MB in a message; the limit is 20.9 MB"),
        ("missing_file", {"file": "a%s.pdf"}, "The file a%s.pdf is missing."),
        ("empty_field", {"field": "party.city"}, "The field party.city"),
        ("in_other_run", {"run": 4}, "waits for this recipient in run 4"),
    ],
)
def test_values_stand_in_the_sentence(code: str, params: dict[str, object], said: str) -> None:
    assert said in issue_words(code, params).text


@pytest.mark.parametrize("problem", TemplateProblem)
def test_a_fault_of_a_text_is_told_in_the_readers_language(problem: TemplateProblem) -> None:
    facts = TemplateInvalid(problem, 3, "english", "words", name="a.b", limit=7, detail="x").facts
    text = issue_words("text_invalid", facts, shout).text
    assert text.count("¡") == 3  # the row's sentence, the line, the fault
    assert "english" not in text


def test_a_fault_names_its_line_and_what_there_is_instead() -> None:
    facts = {"problem": "unknown_placeholder", "line": 2, "name": "party.nam", "known": "party.name"}
    assert issue_words("text_invalid", facts).text == (
        "The text of this document type has a fault: Line 2: There is no placeholder “party.nam”. "
        "There are: party.name."
    )


def test_a_code_of_a_later_version_is_shown_as_it_is() -> None:
    assert issue_words("brand_new").text == "brand_new"
    assert event_words("brand_new", {}).title == "brand new"


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_says_why_and_names_the_types(rule: Rule) -> None:
    why = {"rule": rule.value, "types": ["invoice"], "route": "only_address", "contact": "Mario Rossi"}
    said = describe_why(why, shout, "it")
    alone = (Rule.PACKAGING, Rule.GIVEN_ADDRESS)  # several addresses may stand behind one; or nobody chose
    assert said.count("¡") == (1 if rule in alone else 2)
    if rule is not Rule.BILLING_OVERRIDE:
        assert "Fattura" in said
    if rule in (Rule.SUBSCRIPTION, Rule.CC_ALONE):
        assert "Mario Rossi" in said


def test_an_address_changed_by_hand_is_named_instead_of_the_rule_that_chose_the_old_one() -> None:
    why = {"rule": "master_address", "types": ["invoice"], "route": "pec_first", "edited_address": True}
    assert "by hand" in describe_why(why)
    assert "prefers PEC" not in describe_why(why)


@pytest.mark.parametrize("reason", LeftOutReason)
def test_every_reason_for_leaving_out_has_words(reason: LeftOutReason) -> None:
    text, remedy = left_out_words(reason.value, shout)
    assert text.startswith("¡")
    assert remedy.startswith("¡")


@pytest.mark.parametrize("reason", WithheldReason)
def test_every_reason_for_withholding_has_words(reason: WithheldReason) -> None:
    assert withheld_words(reason.value, shout).startswith("¡")


def test_a_persons_own_reason_stands_as_it_was_written() -> None:
    assert withheld_words("100% sure: %(x)s") == "Left out by hand: 100% sure: %(x)s"


@pytest.mark.parametrize("problem", EditProblem)
def test_every_refused_correction_says_what_to_do(problem: EditProblem) -> None:
    assert edit_words(problem, {"who": "Bruno", "limit": 500}, shout).startswith("¡")


def test_history_names_the_parts_that_changed() -> None:
    assert event_words("edited", {"changed": ["subject", "body_text"]}).text == "subject, text"
    assert event_words("deferred", {"detail": "450 busy"}).text == "450 busy"


def test_one_message_is_not_called_messages() -> None:
    assert done_words("excluded", "1", True, {}) == "1 message left out."
    assert (
        done_words("account_changed", "1.200", False, {"account": "PEC"})
        == "1.200 messages leave from PEC now."
    )
