"""The form of the printed look. Whether a look can be used is `documents.pdf_theme`'s matter; the form only reads.

Texts and columns by type are fields of their own, `text-<type>`, `choose-<type>` and `column-<type>`, because the
types are the company's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    ColorField,
    HiddenField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)

from crm_mail.documents.looks import Look, stored_theme
from crm_mail.documents.pdf_theme import PAPERS, InvalidTheme, theme_values
from crm_mail.web.forms import LANGUAGES

PLAIN = ("accent", "typeface", "paper", "footer", "fallback_language", "tagged", "archive", "mask_iban")


class LookForm(FlaskForm):
    """Everything but what differs by type; `based_on` is the version that the author saw."""

    accent = ColorField(
        _l("Accent colour"),
        description=_l("Of titles and rules. It is darkened where text in it could not be read."),
    )
    typeface = SelectField(_l("Typeface"))
    paper = SelectField(_l("Paper"), choices=[SelectChoice(name, name) for name in PAPERS])
    window = SelectField(
        _l("Window of the envelope"),
        choices=[
            SelectChoice("right", _l("Right (Italy)")),
            SelectChoice("left", _l("Left (Germany, United States)")),
        ],
    )
    footer = StringField(
        _l("Line at the foot of each page"), description=_l("Empty: it is made from the company's data.")
    )
    notice = SelectField(
        _l("Notice on courtesy copies"),
        choices=[
            SelectChoice("builtin", _l("Built in, in the language of the document")),
            SelectChoice("own", _l("Our own words")),
            SelectChoice("none", _l("None")),
        ],
    )
    legal_notice = TextAreaField(_l("Our own words of the notice"))
    fallback_language = SelectField(
        _l("Language when the recipient's is none of ours"),
        choices=[SelectChoice(value, label) for value, label in LANGUAGES.items()],
    )
    tagged = BooleanField(
        _l("Accessible PDF"), description=_l("Screen readers find titles, tables and pictures.")
    )
    archive = BooleanField(
        _l("PDF/A-3 for archives"), description=_l("The legal XML goes inside the PDF, byte for byte.")
    )
    mask_iban = BooleanField(
        _l("Hide the middle of beneficiaries' IBANs"), description=_l("On transfer advices.")
    )
    based_on = HiddenField()

    @classmethod
    def of(cls, look: Look, typefaces: Mapping[str, str]) -> "LookForm":
        """The form of a look, or of what was sent."""
        values = theme_values(stored_theme(look.values))
        notice = values["legal_notice"]
        form = cls(
            data={
                **{name: values[name] for name in PLAIN if name in values},
                "window": "left" if values["address_left"] else "right",
                "notice": "builtin" if notice is None else "own" if notice else "none",
                "legal_notice": notice or "",
                "based_on": str(look.version),
            }
        )
        form.typeface.choices = [SelectChoice(value, label) for value, label in typefaces.items()]
        return form

    def values(
        self, before: Mapping[str, Any], sent: MultiDict[str, str], types: Iterable[str]
    ) -> dict[str, Any]:
        """The choices as `theme_from` takes them; what the page does not ask for stays as it was."""
        own = (self.legal_notice.data or "").strip()
        notice = {"builtin": None, "none": ""}.get(self.notice.data, own or None)
        asked = tuple(types)
        texts = {kind: text for kind, text in before["legal_texts"].items() if kind not in asked}
        columns = {kind: shown for kind, shown in before["columns"].items() if kind not in asked}
        for kind in asked:
            if text := _lines(sent.get(f"text-{kind}", "")).strip():
                texts[kind] = text
            if sent.get(f"choose-{kind}"):
                columns[kind] = sent.getlist(f"column-{kind}")
        changed = {
            **{name: self[name].data for name in PLAIN if name in before},
            "address_left": self.window.data == "left",
            "legal_notice": _lines(notice) if notice else notice,
            "legal_texts": texts,
            "columns": columns,
        }
        return {**before, **changed}

    def seen_version(self) -> int | None:
        """The version the author saw; None when the page did not say."""
        given = str(self.based_on.data or "")
        return int(given) if given.isdigit() and len(given) < 10 else None

    def show(self, refused: InvalidTheme, words: Any) -> None:
        """Put each problem beside its field."""
        for problem in refused.problems:
            name = problem.field.partition(".")[0]
            if name in self._fields:
                field = self[name]
                field.errors = [*field.errors, words(problem)]
            else:
                self.form_errors.append(f"{problem.field}: {words(problem)}")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
