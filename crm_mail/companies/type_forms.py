"""Forms of a company's document types: their names, and the types it adds."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    FieldList,
    Form,
    FormField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import Length

from crm_mail.companies.forms import channel_choices
from crm_mail.companies.type_registry import TypeView
from crm_mail.companies.type_rules import MAX_FIELDS, OwnType, TypeName
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.document_types import TEXT_LANGUAGES, Direction, DocumentType, FieldKind, OwnField

EMPTY_ROWS = 3
_LONG = [Length(max=1000)]


def _name_values(view: TypeView) -> dict[str, str]:
    facts = view.facts
    found = {f"label_{language}": facts.label(language) for language in TEXT_LANGUAGES}
    return found | {f"plural_{language}": facts.plural(language) for language in TEXT_LANGUAGES}


class NameForm(FlaskForm):
    """What the company calls a type; the languages are those of messages and PDFs."""

    label_it = StringField(_l("Name in Italian"), _LONG)
    label_es = StringField(_l("Name in Spanish"), _LONG)
    label_en = StringField(_l("Name in English"), _LONG)
    plural_it = StringField(_l("Several, in Italian"), _LONG)
    plural_es = StringField(_l("Several, in Spanish"), _LONG)
    plural_en = StringField(_l("Several, in English"), _LONG)

    @classmethod
    def of(cls, view: TypeView) -> "NameForm":
        """The form with the names in use."""
        return cls(data=_name_values(view))

    def name(self) -> TypeName:
        """What was entered."""
        labels: dict[str, str] = {
            language: self[f"label_{language}"].data or "" for language in TEXT_LANGUAGES
        }
        plurals: dict[str, str] = {
            language: self[f"plural_{language}"].data or "" for language in TEXT_LANGUAGES
        }
        return TypeName(labels, plurals)


class OwnFieldForm(Form):
    """One added field; without a name it is none."""

    name = StringField(_l("Name in the files"), _LONG)
    label = StringField(_l("Printed as"), _LONG)
    kind = SelectField(_l("Kind"), default=FieldKind.TEXT.value)
    is_required = BooleanField(_l("Required"))

    def __init__(self, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        self.kind.choices = [
            SelectChoice(FieldKind.TEXT.value, _l("Text")),
            SelectChoice(FieldKind.AMOUNT.value, _l("Amount")),
            SelectChoice(FieldKind.DATE.value, _l("Date")),
            SelectChoice(FieldKind.INTEGER.value, _l("Whole number")),
            SelectChoice(FieldKind.FLAG.value, _l("Yes or no")),
        ]


class OwnTypeForm(NameForm):
    """A type of the company's own."""

    id = StringField(
        _l("Id"),
        _LONG,
        description=_l("As files, the command line and mailings name it: x_warranty. It never changes."),
    )
    base = SelectField(
        _l("Fields of"), description=_l("A file of this type has the fields of that one, and those below.")
    )
    layout = SelectField(_l("Printed like"))
    direction = SelectField(_l("Goes to"))
    role = StringField(
        _l("Usually received by"), _LONG, description=_l("The role of a contact, such as administration.")
    )
    is_bundled = BooleanField(_l("Several in one message"))
    channel = SelectField(_l("Channel"))
    fields = FieldList(FormField(OwnFieldForm), max_entries=MAX_FIELDS + EMPTY_ROWS)

    @classmethod
    def of_type(cls, view: TypeView | None, built_in: Iterable[tuple[str, str]]) -> "OwnTypeForm":
        """The form of a type, or (None) of one to add.

        Args:
            built_in: ids and names of the built-in types.
        """
        form = cls(data=_values(view))
        form.base.choices = [SelectChoice(value, label) for value, label in built_in]
        form.layout.choices = form.base.choices
        form.direction.choices = [
            SelectChoice(Direction.CUSTOMER.value, _l("Customers")),
            SelectChoice(Direction.SUPPLIER.value, _l("Suppliers")),
            SelectChoice(Direction.INTERNAL.value, _l("Own staff")),
        ]
        form.channel.choices = channel_choices()
        if not form.is_submitted():
            for _row in range(EMPTY_ROWS):
                form.fields.append_entry()
        return form

    def own_type(self, type_id: str = "") -> OwnType:
        """What was entered; an existing type keeps its id."""
        rows = [row for row in self.fields.data if (row["name"] or row["label"] or "").strip()]
        return OwnType(
            id=type_id or (self.id.data or "").strip(),
            name=self.name(),
            base=self.base.data,
            layout=self.layout.data,
            direction=Direction(self.direction.data),
            role=(self.role.data or "").strip(),
            is_bundled=bool(self.is_bundled.data),
            channel=ChannelPreference(self.channel.data),
            fields=tuple(
                OwnField(
                    (row["name"] or "").strip(),
                    FieldKind(row["kind"]),
                    bool(row["is_required"]),
                    (row["label"] or "").strip()[:60],
                )
                for row in rows
            ),
        )


def _values(view: TypeView | None) -> dict[str, Any]:
    if view is None:
        general = DocumentType.GENERIC.value
        return {"base": general, "layout": general, "is_bundled": True}
    facts = view.facts
    return _name_values(view) | {
        "id": view.id,
        "base": view.base,
        "layout": view.layout,
        "direction": facts.direction.value,
        "role": facts.role("en"),
        "is_bundled": facts.bundled,
        "channel": facts.channel.value,
        "fields": [
            {"name": one.name, "label": one.label, "kind": one.kind.value, "is_required": one.is_required}
            for one in view.fields
        ],
    }
