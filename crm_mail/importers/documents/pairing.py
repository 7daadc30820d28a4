"""Which files belong together: a PDF and its side-car of the same base name, and the extras `_Adj`. Pure.

`A-45.pdf` with `A-45.json` (canonical) or `A-45.xml` (any format that is read) is one document; `A-45_Adj.pdf`,
`A-45_Adj2.zip` are sent with it. An `A-45.xml` and an `A-45.xml.p7m` are two forms of one document: each is judged by
itself, the signed one with the PDF. Case does not matter. Anything else stands alone.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

_SIDECARS: Final = (".json", ".xml.p7m", ".xml", ".p7m")
"""The first one that is there tells what the document is."""
_EXTRA: Final = re.compile(r"(.+)_adj[\w-]{0,20}", re.IGNORECASE)


class Part(StrEnum):
    """What a file is to its group."""

    SIDECAR = "sidecar"
    PDF = "pdf"
    EXTRA = "extra"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Group:
    """The files of one document, or one file of any other kind.

    Args:
        lead: the file that tells what the document is; its name names the group.
        pdf: its printed form, when it came apart from the lead.
        extras: further files to be sent with it.
        named: files that the lead names itself, by path.
    """

    lead: str
    pdf: str = ""
    extras: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All files, the lead first: whoever has that one has the group."""
        return (self.lead, *((self.pdf,) if self.pdf else ()), *self.extras, *self.named)

    @property
    def lacks_half(self) -> bool:
        """Whether another half may still come: a side-car without PDF, a PDF without side-car, an extra alone."""
        return not self.pdf and part_of(self.lead) is not Part.OTHER


def split_name(name: str) -> tuple[str, str]:
    """(base name, ending in small letters); `.xml.p7m` is one ending."""
    lower = name.lower()
    for ending in (*_SIDECARS, ".pdf"):
        if lower.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)], ending
    base, dot, ending = name.rpartition(".")
    return (base, f".{ending.lower()}") if dot and base else (name, "")


def part_of(name: str) -> Part:
    """What a file may be, by its name alone."""
    base, ending = split_name(name)
    if _EXTRA.fullmatch(base):
        return Part.EXTRA
    return Part.PDF if ending == ".pdf" else Part.SIDECAR if ending in _SIDECARS else Part.OTHER


_NONE: Final[Mapping[str, Collection[str]]] = {}


def group_files(names: Iterable[str], named: Mapping[str, Collection[str]] = _NONE) -> list[Group]:
    """Put files together by base name; each file is in one group, groups in the order of their leads.

    Arguments: `names`, with or without folders; `named`, for a side-car the files among them that it names itself.
    """
    known = set(names)
    inner = {
        lead: tuple(sorted(known & set(found) - {lead})) for lead, found in named.items() if lead in known
    }
    taken = {name for found in inner.values() for name in found}
    groups = _by_base_name(known - taken)
    return [replace(group, named=inner.get(group.lead, ())) for group in groups]


def _by_base_name(names: Iterable[str]) -> list[Group]:
    families: dict[str, dict[str, str]] = {}
    extras: dict[str, list[str]] = {}
    alone: list[Group] = []
    for name in sorted(names):
        base, ending = split_name(name)
        kind = part_of(name)
        if kind is Part.EXTRA:
            match = _EXTRA.fullmatch(base)
            assert match is not None
            extras.setdefault(match[1].lower(), []).append(name)
        elif kind is Part.OTHER or ending in families.get(base.lower(), ()):
            alone.append(Group(name))
        else:
            families.setdefault(base.lower(), {})[ending] = name
    groups = [*alone]
    for base, family in families.items():
        groups.extend(_join(family, tuple(extras.pop(base, ()))))
    groups.extend(Group(name) for left in extras.values() for name in left)
    return sorted(groups, key=lambda group: group.lead)


def _join(family: dict[str, str], extras: tuple[str, ...]) -> list[Group]:
    """One document of a base name; electronic invoices beside a canonical JSON go with it as extras."""
    pdf = family.pop(".pdf", "")
    sidecars = [family[ending] for ending in _SIDECARS if ending in family]
    if not sidecars:
        return [Group(pdf, extras=extras)]
    lead, *others = sidecars
    if split_name(lead)[1] == ".json":
        return [Group(lead, pdf, (*others, *extras))]
    return [Group(lead, pdf, extras), *(Group(name) for name in others)]
