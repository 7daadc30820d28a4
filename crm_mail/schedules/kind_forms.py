"""The forms of the kinds: each kind's own questions, shown inside the schedule's form.

A room registers a form beside its kind (`crm_mail.scheduled_forms`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import Form, SelectChoice, SelectField  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.filter_words import describe_filter
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.finding.saved_filters import list_filters, read_filter
from crm_mail.permissions import Actor
from crm_mail.schedules.audience import audience_filter, audience_of
from crm_mail.schedules.kinds import Options

GIVEN, KEPT, EVERYBODY = "given", "kept", "everybody"


class KindForm(Form):
    """The questions of one kind; every field is one of its options unless `read_options` says otherwise."""

    label: ClassVar[Any] = ""
    hint: ClassVar[Any] = ""
    makes_run: ClassVar[bool] = True
    """Whether it prepares a run, which somebody commits; False: it does its work by itself."""

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """Offer the choices; ``options``: those kept in the schedule, empty for a new one."""

    def read_options(self) -> dict[str, Any]:
        """The kind's options, as JSON values."""
        return {name: field.data for name, field in self._fields.items()}

    @classmethod
    def values_of(cls, options: Options) -> dict[str, Any]:
        """Field values that show kept options."""
        return dict(options)

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """What will be done, as short sentences."""
        return []


class AudienceForm(KindForm):
    """A kind that is for parties: everybody, one of one's filters, or the filter that the address carries."""

    audience = SelectField(
        _l("For whom"),
        [InputRequired(_l("Choose for whom it is; everybody must be chosen as well."))],
        description=_l("Worked out afresh each time. Segments are kept on the pages Contacts and Mailings."),
        choices=[],
    )

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """The filter of the address, the kept one, everybody, the person's own; nothing is chosen by itself (PD-13)."""
        self._filters: dict[str, PartyFilter] = {}
        kept = read_audience(options, company.id)
        given = filter_of_address(company.id)
        if not given.is_empty:
            self._filters[GIVEN] = given
        if not kept.is_empty:
            self._filters[KEPT] = kept
        choices = [SelectChoice("", _("Choose…"))]
        choices += [
            SelectChoice(name, ", ".join(describe_filter(chosen))) for name, chosen in self._filters.items()
        ]
        self._filters[EVERYBODY] = PartyFilter(company.id)
        choices.append(SelectChoice(EVERYBODY, _("Everybody")))
        for saved in list_filters(session, actor, company.id):
            chosen = read_filter(saved)
            if chosen is not None:
                self._filters[str(saved.id)] = chosen
                choices.append(SelectChoice(str(saved.id), _("Segment: %(name)s", name=saved.name)))
        self.audience.choices = choices
        if not self.is_posted:
            everybody = EVERYBODY if "audience" in options else ""
            self.audience.data = next((one for one in (GIVEN, KEPT) if one in self._filters), everybody)

    @property
    def is_posted(self) -> bool:
        """Whether the form came back."""
        return request.method == "POST"

    def read_options(self) -> dict[str, Any]:
        """The filter itself is kept, not its name."""
        return super().read_options() | {"audience": audience_of(self._filters[self.audience.data])}

    @classmethod
    def values_of(cls, options: Options) -> dict[str, Any]:
        """The audience is chosen in `prepare`."""
        return {name: value for name, value in options.items() if name != "audience"}


def read_audience(options: Options, company_id: int) -> PartyFilter:
    """The kept filter; everybody when it is no longer understood."""
    try:
        return audience_filter(options.get("audience") or {}, company_id)
    except FilterInvalid:
        return PartyFilter(company_id)


def filter_of_address(company_id: int) -> PartyFilter:
    """The filter that the page's address carries, as the list of contacts and the *Prepare* page write it."""
    try:
        return PartyFilter.from_arguments(company_id, request.args.getlist)
    except FilterInvalid:
        return PartyFilter(company_id)


def describe_audience(options: Options, company_id: int) -> str:
    """For whom, in a line."""
    return ", ".join(describe_filter(read_audience(options, company_id))) or str(_("everybody"))


_forms: dict[str, type[KindForm]] = {}


def register_form(kind_id: str, form: type[KindForm]) -> None:
    """Make the form of a kind known; a second time replaces the first."""
    _forms[kind_id] = form


def form_of(kind_id: str) -> type[KindForm] | None:
    """The form of a kind, or None."""
    return _forms.get(kind_id)


def all_forms() -> Mapping[str, type[KindForm]]:
    """Every form, by the id of its kind, in the order of registration."""
    return dict(_forms)


def choices_of(pairs: Iterable[tuple[str, Any]]) -> list[Any]:
    """Choices of a select or of a list of radio buttons."""
    return [SelectChoice(value, label) for value, label in pairs]
