"""The form of a message text. Whether a text can be used is `documents.texts`' matter; the form only reads."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, StringField, TextAreaField

from crm_mail.documents.builtin_texts import MessageText
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.template_words import fault_words
from crm_mail.documents.text_book import TextInUse
from crm_mail.documents.texts import TextInvalid, TextMissing


class TextForm(FlaskForm):
    """Subject and bodies; `based_on` is the version that the author saw."""

    subject = StringField(_l("Subject"))
    body_text = TextAreaField(
        _l("Plain text"),
        description=_l("For mail programs that show no HTML. Empty: it is made from the HTML."),
    )
    body_html = TextAreaField(_l("HTML"), description=_l("Empty: the message has plain text only."))
    based_on = HiddenField()

    @classmethod
    def of(cls, in_use: TextInUse, newest: int) -> "TextForm":
        """The form of the text in use."""
        text = in_use.text
        values = {"subject": text.subject, "body_text": text.body_text, "body_html": text.body_html}
        return cls(data=values | {"based_on": str(newest)})

    def text(self) -> MessageText:
        """What was entered."""
        return MessageText(self.subject.data or "", self.body_text.data or "", self.body_html.data or "")

    def seen_version(self) -> int | None:
        """The version the author saw; None when the page did not say."""
        given = str(self.based_on.data or "")
        return int(given) if given.isdigit() and len(given) < 10 else None

    def show(self, refused: TextInvalid | TextMissing) -> None:
        """Put the refusal beside its field."""
        field: Field = self[refused.field]
        words = explain(refused.error) if isinstance(refused, TextInvalid) else _("Enter a value.")
        field.errors = [*field.errors, words]


def explain(error: TemplateInvalid) -> str:
    """Why a text cannot be used, with the line, in the language of the page."""
    return fault_words(error.facts, _)
