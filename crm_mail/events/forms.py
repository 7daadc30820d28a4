"""The form of a rule: when it acts, on whom, what is said, and how it leaves."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    FieldList,
    Form,
    FormField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, Regexp

from crm_mail.contacts.consents.rules import Purpose
from crm_mail.delivery.addresses import split_addresses
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.events.builtin_sms import builtin_sms
from crm_mail.events.builtin_texts import builtin_texts
from crm_mail.events.conditions import ConditionWrong, read_conditions
from crm_mail.events.kinds import RuleChannel, Target
from crm_mail.events.models import EventRule
from crm_mail.events.rules import RuleInput, RuleRefused
from crm_mail.events.words import OPERATORS, TARGETS

ROWS = 4
TEXT, ATTACHED, STORED = "text", "attached", "stored"
KIND = r"^[a-z0-9_]+(\.[a-z0-9_]+)*$"


class ConditionForm(Form):
    """One condition; without a field it is none."""

    field = StringField(_l("Field"), [Length(max=60)])
    operator = SelectField(_l("Comparison"))
    value = StringField(_l("Value"), [Length(max=200)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.operator.choices = [SelectChoice(one.value, words) for one, words in OPERATORS.items()]


def _subject() -> StringField:
    return StringField(_l("Subject"), [Length(max=200)])


def _body() -> TextAreaField:
    return TextAreaField(_l("Text"), [Length(max=20_000)])


def _sms(label: str) -> TextAreaField:
    return TextAreaField(label, [Length(max=1500)])


class RuleForm(FlaskForm):
    """One rule."""

    name = StringField(_l("Name"), [DataRequired(_l("Give it a name.")), Length(max=120)])
    kind = StringField(
        _l("Kind of event"),
        [DataRequired(_l("Name the kind as the other program sends it.")), Length(max=80),
         Regexp(KIND, message=_l("Small letters, digits and dots, such as contract.signed."))],
    )  # fmt: skip
    is_on = BooleanField(
        _l("Switched on"), description=_l("Events that came while it was off are not taken up later.")
    )
    conditions = FieldList(FormField(ConditionForm), min_entries=ROWS, max_entries=10)
    target = RadioField(_l("Who is written to"), default=Target.SUBSCRIBED.value)
    role = SelectField(_l("Role"), choices=[])
    staff = TextAreaField(
        _l("Addresses of the office"), [Length(max=2000)], description=_l("With commas, or one on each line.")
    )
    characteristic = StringField(
        _l("Only with the characteristic"),
        [Length(max=60)],
        description=_l("Only customers with a contact that has it. Empty: all of them."),
    )
    document_type = SelectField(
        _l("Document type"),
        choices=[],
        description=_l("Rights, sender account, channel and subscriptions follow from it."),
    )
    sends = RadioField(
        _l("What is sent"),
        default=TEXT,
        description=_l(
            "A stored document is found by its number, its document type and the customer or supplier."
        ),
    )
    subject_it, body_it = _subject(), _body()
    subject_es, body_es = _subject(), _body()
    subject_en, body_en = _subject(), _body()
    channel = RadioField(
        _l("Channel"),
        default=RuleChannel.EMAIL.value,
        description=_l("SMS go to contacts with a mobile number; who has none is listed as left out."),
    )
    sms_it, sms_es, sms_en = _sms("Italiano"), _sms("Español"), _sms("English")
    purpose = SelectField(_l("Consent"), choices=[])
    authorisation = SelectField(_l("When the run is prepared"), choices=[])

    def offer(
        self, roles: list[tuple[int, str]], types: list[tuple[str, str]], standings: list[tuple[int, str]]
    ) -> None:
        """The choices, in the page's language."""
        self.target.choices = [SelectChoice(one.value, words) for one, words in TARGETS.items()]
        self.role.choices = [SelectChoice("", "–"), *(SelectChoice(str(id_), name) for id_, name in roles)]
        self.document_type.choices = [SelectChoice(*one) for one in types]
        self.sends.choices = [
            SelectChoice(TEXT, _("the text below")),
            SelectChoice(ATTACHED, _("the text below, with the stored document that the event names")),
            SelectChoice(
                STORED,
                _(
                    "that document with its own text and packaging, unless it was sent before; without one, the text "
                    "below"
                ),
            ),
        ]
        self.channel.choices = [
            SelectChoice(RuleChannel.EMAIL.value, _("e-mail")),
            SelectChoice(RuleChannel.SMS.value, "SMS"),
            SelectChoice(RuleChannel.BOTH.value, _("e-mail and SMS")),
        ]
        self.purpose.choices = [
            SelectChoice("", _("owed by contract: nobody is asked")),
            SelectChoice(Purpose.COMMERCIAL.value, _("advertising: only with consent")),
        ]
        self.authorisation.choices = [
            SelectChoice("", _("it waits for a person")),
            *(SelectChoice(str(id_), _("committed by: %(title)s", title=title)) for id_, title in standings),
        ]

    def show(self, given: RuleInput | EventRule) -> None:
        """The values of a rule."""
        self.name.data, self.kind.data, self.is_on.data = given.name, given.kind, given.is_on
        self.target.data, self.role.data = given.target.value, str(given.role_id or "")
        self.staff.data, self.characteristic.data = "\n".join(given.staff), given.characteristic
        self.document_type.data = given.document_type
        self.sends.data = ATTACHED if given.attaches_document else STORED if given.sends_document else TEXT
        self.channel.data = (given.channel or RuleChannel.EMAIL).value
        for language, sms in (given.sms_texts or builtin_sms(given.kind)).items():
            self[f"sms_{language}"].data = sms
        self.purpose.data, self.authorisation.data = given.purpose, str(given.authorisation_id or "")
        rows = [one if isinstance(one, list) else one.to_list() for one in given.conditions]
        for entry, row in zip(self.conditions, [*rows, *[None] * ROWS], strict=False):
            if row is not None:
                entry.form.field.data, entry.form.operator.data, entry.form.value.data = row
        for language, text in (given.texts or builtin_texts(given.kind)).items():
            self[f"subject_{language}"].data, self[f"body_{language}"].data = text["subject"], text["body"]

    def read(self) -> RuleInput:
        """The values of a valid form.

        Raises:
            RuleRefused, ConditionWrong
        """
        try:
            staff = tuple(split_addresses(self.staff.data or ""))
        except ValueError:
            raise RuleRefused("address", "staff", self.staff.data or "") from None
        rows = [
            (one.form.field.data or "", one.form.operator.data, one.form.value.data or "")
            for one in self.conditions
        ]
        return RuleInput(
            kind=self.kind.data or "",
            name=" ".join((self.name.data or "").split()),
            document_type=self.document_type.data,
            target=Target(self.target.data),
            is_on=bool(self.is_on.data),
            conditions=read_conditions(rows),
            role_id=int(self.role.data) if self.role.data else None,
            staff=staff,
            characteristic=(self.characteristic.data or "").strip(),
            sends_document=self.sends.data == STORED,
            attaches_document=self.sends.data == ATTACHED,
            texts={
                language: {
                    "subject": self[f"subject_{language}"].data or "",
                    "body": self[f"body_{language}"].data or "",
                }
                for language in TEXT_LANGUAGES
            },
            channel=RuleChannel(self.channel.data or RuleChannel.EMAIL),
            sms_texts={language: self[f"sms_{language}"].data or "" for language in TEXT_LANGUAGES},
            purpose=self.purpose.data or "",
            authorisation_id=int(self.authorisation.data) if self.authorisation.data else None,
        )

    def tell(self, wrong: RuleRefused | ConditionWrong) -> None:
        """Put what the service found where it belongs."""
        if isinstance(wrong, ConditionWrong):
            self.form_errors.append(_CONDITIONS[wrong.code] % {"what": wrong.what})
            return
        words = str(_REFUSALS.get(wrong.code, wrong.what)) % {"what": wrong.what}
        if wrong.field:
            field = self[wrong.field]
            field.errors = [*field.errors, words]
        else:
            self.form_errors.append(words)


_CONDITIONS = {
    "field": _l("A condition names a field as no program sends it: %(what)s."),
    "operator": _l("Choose the comparison from the list."),
    "value": _l("The condition on %(what)s needs a value."),
    "many": _l("At most ten conditions."),
}
_REFUSALS = {
    "owner": _l("A rule belongs to a person."),
    "no_subject": _l("Write the subject."),
    "no_body": _l("Write the text."),
    "no_text": _l("Write the text in at least one language."),
    "type": _l("The company does not use this document type."),
    "staff": _l("Write at least one address."),
    "address": _l("This is no list of addresses: %(what)s"),
    "role": _l("Choose the role."),
    "purpose": _l("Choose from the list."),
    "no_sms": _l("Write the text of the SMS in at least one language."),
    "sms_document": _l("The stored document leaves by e-mail: choose e-mail here, or send the text below."),
    "sms_address": _l("SMS go to contacts of the customer or supplier: choose e-mail, or other recipients."),
    "authorisation": _l("Choose an authorisation of this company."),
}
