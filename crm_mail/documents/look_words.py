"""The words of the printed look's page: field names, values, what changed, what is wrong, why nothing was drawn."""

from collections.abc import Callable
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.documents.looks import Change
from crm_mail.documents.pdf_columns import COLUMNS
from crm_mail.documents.pdf_labels import labels
from crm_mail.documents.pdf_sandbox_rules import LayoutProblem
from crm_mail.documents.pdf_theme import ThemeProblem
from crm_mail.documents.rendering import RenderFailed
from crm_mail.web.forms import LANGUAGES
from crm_mail.web.type_names import type_name

_SHOWN = 90  # characters of a text in a list of changes


def field_names() -> dict[str, str]:
    """Every choice of the look, as the page calls it."""
    return {
        "accent": _("Accent colour"),
        "typeface": _("Typeface"),
        "paper": _("Paper"),
        "address_left": _("Window of the envelope"),
        "footer": _("Line at the foot of each page"),
        "legal_notice": _("Notice on courtesy copies"),
        "legal_texts": _("Text after the content"),
        "columns": _("Columns"),
        "statement_comment": _("Comment on account statements"),
        "fallback_language": _("Language when the recipient's is none of ours"),
        "tagged": _("Accessible PDF"),
        "archive": _("PDF/A-3 for archives"),
        "mask_iban": _("Hide the middle of beneficiaries' IBANs"),
    }


def typefaces() -> dict[str, str]:
    """The typefaces by id."""
    return {
        "sans": _("Plain, without serifs (Liberation Sans, Arial)"),
        "serif": _("With serifs (Liberation Serif, Times)"),
        "narrow": _("Narrow (Liberation Sans Narrow, Arial Narrow)"),
        "humanist": _("Soft (Carlito, Calibri)"),
        "wide": _("Wide (DejaVu Sans, Verdana)"),
    }


_NAMED: dict[str, Callable[[], dict[str, str]]] = {
    "typeface": typefaces,
    "fallback_language": lambda: LANGUAGES,
}


def column_names(document_type: str) -> list[tuple[str, str]]:
    """The columns of a type that can be chosen, with their heads in the language of the page."""
    words = labels(str(get_locale() or "en"))
    return [
        (one.field, words.get(one.label, one.label)) for one in COLUMNS.get(document_type, ()) if one.optional
    ]


def change_words(change: Change) -> tuple[str, str, str]:
    """What changed, what it was and what it is."""
    name = field_names().get(change.field, change.field)
    if change.part:
        name = _("%(field)s, %(type)s", field=name, type=type_name(change.part))
    return name, _value(change, change.before), _value(change, change.after)


def _value(change: Change, value: Any) -> str:
    if change.field == "columns":
        heads = dict(column_names(change.part))
        chosen = ", ".join(heads.get(one, one) for one in value or ())
        return str(_("those that have data") if value is None else chosen or _("none"))
    if value is None and change.field == "legal_notice":
        return str(_("built in"))
    if isinstance(value, bool):
        sides = (_("right"), _("left")) if change.field == "address_left" else (_("no"), _("yes"))
        return str(sides[value])
    text = str(_NAMED.get(change.field, dict)().get(value) or value or _("empty"))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def problem_words(problem: ThemeProblem) -> str:
    """What is wrong with one choice."""
    sentences = {
        "colour": _("Enter a colour such as #1f4e79."),
        "length": _("Enter at most %(limit)s characters.", limit=", ".join(problem.allowed)),
    }
    return str(sentences.get(problem.code) or _("Choose one of the values offered."))


def failure_words(failed: RenderFailed) -> str:
    """Why nothing was drawn."""
    if failed.code == "layout":
        return layout_words(failed.facts)
    sentences = {
        "timeout": _("Drawing took too long and was ended."),
        "died": _("Drawing needed too much memory, or was ended from outside."),
        "busy": _("Other previews are being drawn. Try again in a moment."),
        "unavailable": _("PDFs cannot be drawn on this machine: %(reason)s", reason=failed.reason),
    }
    return str(
        sentences.get(failed.code) or _("The document cannot be drawn: %(reason)s", reason=failed.reason)
    )


def layout_words(facts: dict[str, str | int]) -> str:
    """What is wrong with a layout, with its line where it is known."""
    detail = facts.get("detail", "")
    sentences = {
        LayoutProblem.SYNTAX: _("This is not written as a layout is (“%(detail)s”).", detail=detail),
        LayoutProblem.FORBIDDEN: _("“%(detail)s” is not possible in a layout.", detail=detail),
        LayoutProblem.UNKNOWN_FILTER: _("There is no filter “%(detail)s”.", detail=detail),
        LayoutProblem.UNKNOWN_PART: _(
            "There is no part “%(detail)s”: only the built-in layouts and parts can be used, by their names.",
            detail=detail,
        ),
        LayoutProblem.UNKNOWN_NAME: _(
            "There is no field “%(detail)s”: no document has it. Correct its name.", detail=detail
        ),
        LayoutProblem.TOO_LONG: _("The layout is too long (%(detail)s).", detail=detail),
        LayoutProblem.OUTPUT_TOO_LONG: _("The printed form becomes too long."),
        LayoutProblem.LOOP_TOO_LONG: _("The loops go round too often."),
        LayoutProblem.TOO_SLOW: _(
            "Filling the layout in takes longer than %(detail)s seconds.", detail=detail
        ),
        LayoutProblem.TOO_BIG: _("Filling the layout in needs too much memory."),
        LayoutProblem.FILL_FAILED: _("The layout cannot be filled in (“%(detail)s”).", detail=detail),
    }
    words = str(sentences[LayoutProblem(str(facts["problem"]))])
    line = facts.get("line")
    return str(_("Line %(line)s: %(problem)s", line=line, problem=words)) if line else words
