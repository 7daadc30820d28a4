"""Forms of the mailings room: they read what was entered; what a mailing may be is the services' rule."""

from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length

from crm_mail.campaigns.models import Campaign
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.consents.rules import Purpose, soft_opt_in
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.permissions import Permission, signed_in_actor
from crm_mail.web.door import db

PURPOSES = [
    SelectChoice(Purpose.COMMERCIAL.value, _l("Advertising or news: only to who agreed")),
    SelectChoice(Purpose.GREETINGS.value, _l("Greetings: only to who agreed to greetings")),
    SelectChoice("", _l("A notice that is owed by contract: nobody is asked")),
]


class BeginForm(FlaskForm):
    """What a mailing is called and what it is."""

    title = StringField(
        _l("Name"), [InputRequired(_l("Give it a name.")), Length(max=120)],
        description=_l("Recipients do not see it. Such as: spring price list."),
    )  # fmt: skip
    document_type = SelectField(
        _l("Document type"), description=_l("Rights, sender account and channel follow from it.")
    )
    purpose = SelectField(
        _l("What it is"),
        choices=PURPOSES,
        description=_l("Some document types are always advertising, as the company decided."),
    )

    @classmethod
    def of(cls, company: Company) -> "BeginForm":
        """The form with the types that the person may prepare."""
        form = cls(data={"document_type": "generic"})
        types, language = company_types(db(), company.id), str(get_locale() or "en")
        allowed = signed_in_actor().types(Permission.OUTBOX_PREPARE, company.id, types.used)
        form.document_type.choices = [SelectChoice(one, types.label(one, language)) for one in allowed]
        if soft_opt_in(company.country, company.soft_opt_in):
            words = _("Advertising or news: only to who agreed, and to customers who never said no")
            form.purpose.choices = [SelectChoice(Purpose.COMMERCIAL.value, words), *PURPOSES[1:]]
        return form


class ContentForm(FlaskForm):
    """The text of one language."""

    subject = StringField(_l("Subject"), [Length(max=500)])
    body_text = TextAreaField(
        _l("Plain text"),
        description=_l("For mail programs that show no HTML. Empty: it is made from the HTML."),
    )
    body_html = TextAreaField(_l("HTML"), description=_l("Empty: the message has plain text only."))

    @classmethod
    def of(cls, campaign: Campaign, language: str) -> "ContentForm":
        """The text as it is kept."""
        return cls(data=campaign.texts.get(language, {}))

    def text(self) -> MessageText:
        """What was entered."""
        return MessageText(self.subject.data or "", self.body_text.data or "", self.body_html.data or "")


class FilesForm(FlaskForm):
    """Files that everybody gets."""

    files = MultipleFileField(_l("Files"), description=_l("PDF, Word, Excel, pictures and others."))
    inline = BooleanField(
        _l("Pictures that stand in the text"),
        description=_l("They are not attached: the list below says what to write into the HTML."),
    )


class WordLetterForm(FlaskForm):
    """A Word template."""

    letter = FileField(_l("Word document (.docx)"))
    as_pdf = BooleanField(_l("Send it as PDF"), description=_l("Made by LibreOffice, where it is installed."))


class HtmlLetterForm(FlaskForm):
    """An HTML letter in one language, printed as PDF."""

    name = StringField(_l("File name"), [Length(max=100)])
    html = TextAreaField(_l("HTML of the letter"))


def problem_of(code: str, fallback: str) -> str:
    """Why a step was refused, in the language of the page."""
    words: dict[str, Any] = {
        "incomplete": _("Give the mailing a name, a document type and a purpose."),
        "empty": _("The file is empty. Choose another one."),
        "too_many": _("A mailing carries no more files. Put some of them into one archive."),
        "damaged": _("The file is cut off or damaged. Open it, save it again, and choose that one."),
        "program": _("This is a program, or holds one: mail servers refuse such files."),
        "no_picture": _("This is not a picture that mail programs show. Use PNG, JPEG or GIF."),
        "no_letter": _("Write the letter in at least one language."),
        "no_text": _("Write the text in at least one language first."),
        "not_tested": _("Send the test message to yourself first: the content changed since."),
        "prepared": _("This mailing was prepared already. Copy it to send it again."),
        "no_address": _("The test goes to your own address, and you have none."),
        "not_word": _("Choose the Word document (.docx) that is the letter."),
        "linked": _(
            "The Word document loads something that lies elsewhere. Put pictures and texts into the document itself, "
            "instead of linking them."
        ),
        "macros": _("The Word document holds macros. Save it as .docx without macros."),
        "too_large": _("The Word document is too large. Take large pictures out of it."),
        "no_office": _(
            "Word letters become PDF by LibreOffice, which is not installed here. Send the letter as Word document, or "
            "have it installed: apt-get install libreoffice-writer-nogui."
        ),
    }
    return str(words.get(code, fallback))
