"""The words of a fault in a message text, in the reader's language: what is wrong and how to mend it (pure).

`_` only marks the messages for collection (babel.cfg). What the template engine itself says is quoted as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from crm_mail.documents.template_errors import TemplateProblem
from crm_mail.words import mark as _

_WORDS: dict[TemplateProblem, str] = {
    TemplateProblem.SYNTAX: _(
        "This is not written as placeholders are (“%(detail)s”). Placeholders look like {{ document.number }}."
    ),
    TemplateProblem.TOO_LONG: _(
        "The text is too long. Shorten it, or put long content in an attached document."
    ),
    TemplateProblem.TOO_DEEP: _(
        "Loops and conditions stand too deeply within each other. Move the inner ones out."
    ),
    TemplateProblem.FORBIDDEN: _(
        "This is not possible in a message text. Use only placeholders, filters, conditions and loops."
    ),
    TemplateProblem.UNKNOWN_PLACEHOLDER: _("There is no placeholder “%(name)s”."),
    TemplateProblem.UNKNOWN_FILTER: _("There is no filter “%(name)s”."),
    TemplateProblem.BAD_FILTER_USE: _("The filter “%(name)s” is not used as it should be."),
    TemplateProblem.BAD_LOOP: _("A loop needs a new name and a list such as documents."),
    TemplateProblem.UNSAFE_POSITION: _(
        "A placeholder is not possible in this place of the HTML. Put it between the tags, or in a link that "
        "begins with https:// or mailto:."
    ),
    TemplateProblem.OUTPUT_TOO_LONG: _(
        "The finished text is longer than %(limit)s characters. Shorten the text or its loops."
    ),
    TemplateProblem.LOOP_TOO_LONG: _(
        "The loops go round more than %(limit)s times. Use one loop instead of loops within loops."
    ),
    TemplateProblem.RENDER_FAILED: _("The text cannot be filled in (“%(detail)s”)."),
}
_LIMIT = _("The text is longer than %(limit)s characters. Shorten it.")
_KNOWN = _("There are: %(known)s.")
_LINE = _("Line %(line)s: %(problem)s")


def fault_words(facts: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    """A fault as sentences.

    Args:
        facts: as `TemplateInvalid.facts` gives them; ``known`` is named when it is there.
    """
    problem = TemplateProblem(facts["problem"])
    message = _LIMIT if problem is TemplateProblem.TOO_LONG and "limit" in facts else _WORDS[problem]
    words = translate(message) % {"name": "", "detail": "", "limit": "", **facts}
    if facts.get("known"):
        words += " " + translate(_KNOWN) % facts
    return translate(_LINE) % {"line": facts["line"], "problem": words} if facts.get("line") else words
