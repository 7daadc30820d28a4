"""Rights as values: the text form of the command line, who may give what, and what a set of rights amounts to. Pure.

A grant is (permission, document type or ``*``, company id or None for every company), as in `Actor.grants`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crm_mail.permissions import ANY, AREA_PERMISSIONS, TYPE_PERMISSIONS, Actor, Grant, Permission
from crm_mail.users.problems import Problem, UserRefused

ACTIONS: Mapping[str, Permission] = {
    "see": Permission.DOCUMENTS_SEE,
    "prepare": Permission.OUTBOX_PREPARE,
    "review": Permission.OUTBOX_REVIEW,
    "commit": Permission.OUTBOX_COMMIT,
    "manage": Permission.DOCUMENTS_MANAGE,
    "export": Permission.DOCUMENTS_EXPORT,
}
"""The actions on a document type by their short names (IT-11)."""


def parse_grant(text: str, document_types: Collection[str], companies: Mapping[str, int]) -> Grant:
    """Read ``TYPE:ACTION:COMPANY``; ``*`` stands for every type or every company.

    Args:
        document_types: ids that exist (`DocumentType`).
        companies: id by company code.

    Raises:
        UserRefused: the text has another form, or names what does not exist; the message lists what does.
    """
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3:
        raise UserRefused(Problem.GRANT_MALFORMED, grant=text)
    document_type, action, company = parts
    if document_type != ANY and document_type not in document_types:
        _refuse(Problem.GRANT_TYPE, text, document_type, [ANY, *document_types])
    if action not in ACTIONS:
        _refuse(Problem.GRANT_ACTION, text, action, ACTIONS)
    if company != ANY and company not in companies:
        _refuse(Problem.GRANT_COMPANY, text, company, [ANY, *companies])
    return ACTIONS[action], document_type, None if company == ANY else companies[company]


def _refuse(problem: Problem, grant: str, value: str, valid: Iterable[str]) -> None:
    raise UserRefused(problem, grant=grant, value=value or "(empty)", valid=", ".join(valid))


def covers(held: Grant, wanted: Grant) -> bool:
    """Whether holding one grant means holding the other."""
    return (
        held[0] is wanted[0]
        and held[1] in (ANY, wanted[1])
        and (held[2] is None or (wanted[2] is not None and held[2] == wanted[2]))
    )


def is_covered(wanted: Grant, held: Iterable[Grant]) -> bool:
    """Whether one of the grants held means this one."""
    return any(covers(one, wanted) for one in held)


def minimal(grants: Iterable[Grant]) -> frozenset[Grant]:
    """The grants without those that another of them covers."""
    unique = frozenset(grants)
    return frozenset(g for g in unique if not any(other != g and covers(other, g) for other in unique))


def describe_grant(grant: Grant, codes: Mapping[int, str] = MappingProxyType({})) -> str:
    """The grant as the command line writes it: ``invoice:commit:*``; a company without a code by its id."""
    permission, document_type, company_id = grant
    if permission not in TYPE_PERMISSIONS:
        return (
            permission.value
            if company_id is None
            else f"{permission.value}:{codes.get(company_id, company_id)}"
        )
    action = next(name for name, one in ACTIONS.items() if one is permission)
    company = ANY if company_id is None else codes.get(company_id, str(company_id))
    return f"{document_type}:{action}:{company}"


def check_may_give(
    giver: Actor, *, is_admin: bool, clearance: int, areas: Collection[Permission], grants: Iterable[Grant]
) -> None:
    """Raise when somebody who is not an administrator would give what he does not hold.

    Raises:
        UserRefused: naming the first right, or the clearance.
    """
    if giver.is_admin:
        return
    if is_admin:
        raise UserRefused(Problem.ADMINISTRATOR_ONLY)
    if clearance > giver.clearance:
        raise UserRefused(Problem.MORE_THAN_OWN_CLEARANCE, clearance=clearance, own=giver.clearance)
    missing = [area.value for area in areas if not is_covered((area, "", None), giver.grants)]
    missing += [describe_grant(grant) for grant in grants if not is_covered(grant, giver.grants)]
    if missing:
        raise UserRefused(Problem.MORE_THAN_OWN_RIGHTS, right=", ".join(sorted(missing)))


def may_change(changer: Actor, target: Actor) -> bool:
    """Whether the changer may touch the target's account: an administrator any, others nobody who holds more.

    Otherwise a user manager could set the password of an administrator and become one.
    """
    try:
        check_may_give(
            changer,
            is_admin=target.is_admin,
            clearance=target.clearance,
            areas=(),
            grants=target.grants,
        )
    except UserRefused:
        return changer.user_id == target.user_id
    return changer.user_id == target.user_id or not _is_freer(target, changer)


def _is_freer(target: Actor, changer: Actor) -> bool:
    """Whether the target may commit with other limits than the changer's own: taking it over would be a way round."""
    if changer.is_admin or not changer.limits.is_any:
        return False
    return target.can(Permission.OUTBOX_COMMIT) and target.limits != changer.limits


@dataclass(frozen=True, slots=True)
class GrantGroup:
    """Types with the same actions in the same company: one clause of the summary."""

    company_id: int | None
    actions: tuple[Permission, ...]
    types: tuple[str, ...]


def group_grants(grants: Iterable[Grant]) -> list[GrantGroup]:
    """What a set of grants amounts to: without what is covered, every company first, the widest types first."""
    actions: dict[tuple[int | None, str], set[Permission]] = defaultdict(set)
    for permission, document_type, company_id in minimal(grants):
        if permission not in TYPE_PERMISSIONS:
            continue
        actions[company_id, document_type].add(permission)
    types: dict[tuple[int | None, tuple[Permission, ...]], list[str]] = defaultdict(list)
    for (company_id, document_type), held in actions.items():
        types[company_id, tuple(p for p in ACTIONS.values() if p in held)].append(document_type)
    groups = [GrantGroup(company, held, tuple(sorted(names))) for (company, held), names in types.items()]
    return sorted(
        groups, key=lambda g: (g.company_id is not None, g.company_id or 0, ANY not in g.types, g.types)
    )


def known_areas(areas: Iterable[Permission]) -> frozenset[Permission]:
    """Those of the permissions that are areas."""
    return frozenset(areas) & frozenset(AREA_PERMISSIONS)
