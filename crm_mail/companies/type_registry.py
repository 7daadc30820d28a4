"""The document types of a company: the built-in ones as it names and uses them, and its own.

A type id is plain text; this registry says which ids exist, what they are called and how they behave. One query per
company and session; `crm_mail.companies.own_types` forgets the result when it writes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import CompanyType
from crm_mail.document_types import (
    TYPE_FACTS,
    Direction,
    DocumentType,
    FieldKind,
    Localised,
    OwnField,
    OwnSchema,
    TypeFacts,
    TypeNames,
)

_KEPT = "crm_mail.company_types"


@dataclass(frozen=True, slots=True)
class TypeView:
    """One document type of a company.

    ``base`` is the built-in type whose schema it takes, ``layout`` the one it is printed like; both are the type
    itself for a built-in one. ``is_used``: offered for new work; old documents stay readable either way.
    """

    id: str
    facts: TypeFacts
    is_used: bool = True
    is_own: bool = False
    is_renamed: bool = False
    base: str = ""
    layout: str = ""
    fields: tuple[OwnField, ...] = ()


@dataclass(frozen=True, slots=True)
class CompanyTypes:
    """A company's types by id, built-in ones first, own ones in the order of their making."""

    by_id: Mapping[str, TypeView]
    names: TypeNames = field(default_factory=dict)
    """The names that the company gave, for `type_label`."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Every type, switched off or not: for what exists already."""
        return tuple(self.by_id)

    @property
    def used(self) -> tuple[str, ...]:
        """The types offered for new work."""
        return tuple(one.id for one in self.by_id.values() if one.is_used)

    def facts(self, type_id: str) -> TypeFacts:
        """What follows from the type. Raises `KeyError` for an unknown one."""
        return self.by_id[type_id].facts

    def label(self, type_id: str, language: str) -> str:
        """The company's name of a type; an unknown id as it is."""
        found = self.by_id.get(type_id)
        return found.facts.label(language) if found else type_id

    def layout(self, type_id: str) -> str:
        """The built-in type that a type is printed like; an unknown id as a general document."""
        found = self.by_id.get(type_id)
        return found.layout if found else DocumentType.GENERIC.value

    def schemas(self) -> dict[str, OwnSchema]:
        """The own types' schemas, as `validate_canonical` takes them."""
        return {v.id: OwnSchema(v.id, v.base, v.fields) for v in self.by_id.values() if v.is_own}

    def sides(self, directions: Iterable[Direction]) -> list[str]:
        """The types in use that go to these sides."""
        wanted = set(directions)
        return [v.id for v in self.by_id.values() if v.is_used and v.facts.direction in wanted]


BUILT_IN = CompanyTypes(
    MappingProxyType(
        {t.value: TypeView(t.value, facts, base=t.value, layout=t.value) for t, facts in TYPE_FACTS.items()}
    )
)
"""The types of a company that changed nothing."""


def company_types(session: Session, company_id: int) -> CompanyTypes:
    """The types of one company."""
    kept: dict[int, CompanyTypes] = session.info.setdefault(_KEPT, {})
    if company_id not in kept:
        rows = session.scalars(
            select(CompanyType).where(CompanyType.company_id == company_id).order_by(CompanyType.id)
        ).all()
        kept[company_id] = _build(rows) if rows else BUILT_IN
    return kept[company_id]


def all_types(session: Session) -> CompanyTypes:
    """The types of every company together: where no company is chosen. The names are those of own types only."""
    own = session.scalars(select(CompanyType).where(CompanyType.base != "").order_by(CompanyType.id)).all()
    return _build(own) if own else BUILT_IN


def forget_types(session: Session) -> None:
    """Read the types anew when they are asked for next."""
    session.info.pop(_KEPT, None)


def _build(rows: Iterable[CompanyType]) -> CompanyTypes:
    views = dict(BUILT_IN.by_id)
    for row in rows:
        views[row.type_id] = _own(row) if row.base else _changed(views[row.type_id], row)
    names = {view.id: view.facts.label for view in views.values() if view.is_own or view.is_renamed}
    return CompanyTypes(MappingProxyType(views), MappingProxyType(names))


def _changed(view: TypeView, row: CompanyType) -> TypeView:
    facts = view.facts
    renamed = TypeFacts(
        _named(row.labels, facts.label),
        _named(row.plurals, facts.plural),
        facts.direction,
        facts.role,
        facts.bundled,
        facts.channel,
    )
    is_renamed = bool(row.labels or row.plurals)
    return TypeView(view.id, renamed, row.is_used, False, is_renamed, view.base, view.layout)


def _own(row: CompanyType) -> TypeView:
    fallback = Localised(row.type_id, row.type_id, row.type_id)
    facts = TypeFacts(
        _named(row.labels, fallback),
        _named(row.plurals, _named(row.labels, fallback)),
        Direction(row.direction),
        Localised(row.role, row.role, row.role),
        row.is_bundled,
        row.channel,
    )
    fields = tuple(
        OwnField(
            str(one["name"]), FieldKind(one["kind"]), bool(one.get("is_required")), str(one.get("label", ""))
        )
        for one in row.fields
    )
    return TypeView(row.type_id, facts, row.is_used, True, False, row.base, row.layout or row.base, fields)


def _named(given: Mapping[str, str], fallback: Localised) -> Localised:
    return Localised(*(given.get(language) or fallback(language) for language in ("it", "es", "en")))
