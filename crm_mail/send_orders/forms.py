"""The form of a company's send orders. What may be kept is the service's rule; the form only reads."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange

from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.send_orders.settings import LONGEST_TEXT, MOST_MINUTES, OrderChoices


class OrdersForm(FlaskForm):
    """What a company decides on its send orders."""

    path = StringField(_l("Folder"), [Length(max=500)])
    is_watched = BooleanField(_l("Watch this folder"))
    authorisation_id = SelectField(_l("Who commits"))
    document_type = SelectField(_l("Document type of orders that name none"))
    stranger_party = StringField(
        _l("Customer for unknown addresses"),
        [Length(max=60)],
        description=_l(
            "A customer's code: addresses nobody knows stand under it. Empty: such orders are refused."
        ),
    )
    wait_minutes = IntegerField(
        _l("Minutes to wait for a missing attachment"),
        [InputRequired(_l("Enter the minutes.")), NumberRange(0, MOST_MINUTES)],
        description=_l("Then the order is refused, and the error address is told."),
    )
    mapping = TextAreaField(_l("Folders of attachments"), [Length(max=LONGEST_TEXT)])
    afterwards = SelectField(_l("Orders after sending"))
    settles_files = BooleanField(
        _l("The same with their attachments"),
        description=_l("Files that changed meanwhile, or that another order still names, stay."),
    )
    element_paths = TextAreaField(_l("Own element names"), [Length(max=LONGEST_TEXT)])

    @classmethod
    def of(
        cls, choices: OrderChoices, types: Iterable[tuple[str, str]], standings: Iterable[tuple[int, str]]
    ) -> "OrdersForm":
        """The form with what is kept."""
        data = {name: getattr(choices, name) for name in OrderChoices.__dataclass_fields__}
        form = cls(data=data | {"authorisation_id": str(choices.authorisation_id or "")})
        form.document_type.choices = [SelectChoice(value, label) for value, label in types]
        form.authorisation_id.choices = [
            SelectChoice("", _l("A person, after the review")),
            *(SelectChoice(str(id_), title) for id_, title in standings),
        ]
        form.afterwards.choices = [
            SelectChoice(AfterSending.KEEP.value, _l("Stay in the folder “done”")),
            SelectChoice(AfterSending.RECYCLE.value, _l("Move to the recycle folder")),
            SelectChoice(AfterSending.DELETE.value, _l("Delete")),
        ]
        return form

    def values(self) -> OrderChoices:
        """What was entered."""
        return OrderChoices(
            path=self.path.data or "",
            is_watched=bool(self.is_watched.data),
            afterwards=AfterSending(self.afterwards.data),
            settles_files=bool(self.settles_files.data),
            wait_minutes=self.wait_minutes.data or 0,
            mapping=self.mapping.data or "",
            element_paths=self.element_paths.data or "",
            stranger_party=self.stranger_party.data or "",
            document_type=self.document_type.data or "",
            authorisation_id=int(self.authorisation_id.data or 0) or None,
        )
