"""The matrix of rights as the page shows and reads it: a row for each document type, a column for each action. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from crm_mail.permissions import ANY, Actor, Grant, Permission
from crm_mail.users.rights import ACTIONS, is_covered


@dataclass(frozen=True, slots=True)
class Cell:
    """One checkbox.

    Args:
        value: what the form posts.
        is_held: granted for exactly this type and this company choice.
        is_implied: held anyway, through every type or every company.
        is_open: whether the reader may tick it.
    """

    value: str
    action: str
    is_held: bool
    is_implied: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A document type (``*``: every type) with a cell for each action."""

    document_type: str
    cells: tuple[Cell, ...]


def build_matrix(
    document_types: Sequence[str], held: Collection[Grant], company_id: int | None, giver: Actor | None
) -> list[Row]:
    """The grid for one company, or (None) for the rights that hold in every company.

    Args:
        giver: who may tick only what he holds himself; None for an administrator.
    """
    return [
        Row(
            document_type,
            tuple(
                _cell(action, (permission, document_type, company_id), held, giver)
                for action, permission in ACTIONS.items()
            ),
        )
        for document_type in document_types
    ]


def _cell(action: str, grant: Grant, held: Collection[Grant], giver: Actor | None) -> Cell:
    return Cell(
        value=f"{grant[1]}:{action}",
        action=action,
        is_held=grant in held,
        is_implied=is_covered(grant, (other for other in held if other != grant)),
        is_open=giver is None or grant in held or is_covered(grant, giver.grants),
    )


def read_cells(values: Iterable[str], document_types: Collection[str]) -> list[tuple[Permission, str]]:
    """What was ticked; what no cell of ours could have posted is left out."""
    pairs = (value.partition(":") for value in values)
    return [
        (ACTIONS[action], document_type)
        for document_type, _colon, action in pairs
        if action in ACTIONS and (document_type == ANY or document_type in document_types)
    ]
