"""Rights as values: the text form of the command line, who may give what, and what a set of rights amounts to. Pure.

A grant is (permission, document type or ``*``, company id or None for every company), as in `Actor.grants`.
"""

from collections.abc import Collection, Iterable, Mapping
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


EVERYWHERE_ONLY = frozenset(
    {Permission.USERS_MANAGE, Permission.PRIVACY_MANAGE, Permission.AUDIT_SEE, Permission.AUDIT_EXPORT}
)
"""Rights that are held in every company or not at all: what they are about is nobody's company."""

COLUMNS = tuple(ACTIONS)
"""The columns of the matrix."""


def _areas() -> dict[str, dict[str, Permission]]:
    found: dict[str, dict[str, Permission]] = {}
    for permission in AREA_PERMISSIONS:
        area, _colon, action = permission.value.partition(":")
        found.setdefault(area, {})[action] = permission
    return found


AREAS: Mapping[str, Mapping[str, Permission]] = MappingProxyType(_areas())
"""The areas with their actions: the rows of the matrix below the document types."""


def parse_grant(text: str, document_types: Collection[str], companies: Mapping[str, int]) -> Grant:
    """Read ``TYPE:ACTION:COMPANY`` or ``AREA:ACTION[:COMPANY]``; ``*`` stands for every type or every company.

    Args:
        document_types: ids that exist (`DocumentType`).
        companies: id by company code.

    Raises:
        UserRefused: the text has another form, or names what does not exist; the message lists what does.
    """
    parts = [part.strip() for part in text.split(":")]
    is_area = parts[0] in AREAS and parts[0] not in document_types
    if len(parts) != 3 and not (is_area and len(parts) == 2):
        raise UserRefused(Problem.GRANT_MALFORMED, grant=text)
    document_type, action, company = (*parts, ANY)[:3]
    if company != ANY and company not in companies:
        _refuse(Problem.GRANT_COMPANY, text, company, [ANY, *companies])
    company_id = None if company == ANY else companies[company]
    if is_area:
        if action not in AREAS[document_type]:
            _refuse(Problem.GRANT_ACTION, text, action, AREAS[document_type])
        return AREAS[document_type][action], "", company_id
    if document_type != ANY and document_type not in document_types:
        _refuse(Problem.GRANT_TYPE, text, document_type, [ANY, *document_types])
    if action not in ACTIONS:
        _refuse(Problem.GRANT_ACTION, text, action, ACTIONS)
    return ACTIONS[action], document_type, company_id


def _refuse(problem: Problem, grant: str, value: str, valid: Iterable[str]) -> None:
    raise UserRefused(problem, grant=grant, value=value or "(empty)", valid=", ".join(valid))


def covers(held: Grant, wanted: Grant) -> bool:
    """Whether holding one grant means holding the other."""
    return (
        held[0] is wanted[0]
        and held[1] in (ANY, wanted[1])
        and (held[2] is None or (wanted[2] is not None and held[2] == wanted[2]))
    )


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


def excess(wanted: Actor, giver: Actor) -> list[Grant]:
    """What one actor holds and the other does not, as grants, the widest alone.

    Only the types and companies that the two name make a difference; all others, and those to come, stand for
    “every” (`plain_actor`: the grants must not be spelled out by company).
    """
    if giver.is_admin:
        return []
    named = [*wanted.grants, *wanted.denials, *giver.grants, *giver.denials]
    types = [*sorted({one[1] for one in named if one[1] not in (ANY, "")}), _OTHER_TYPE]
    companies = [*sorted({one[2] for one in named if one[2] is not None}), _OTHER_COMPANY]
    found = {
        (permission, ANY if type_ == _OTHER_TYPE else type_, None if company == _OTHER_COMPANY else company)
        for permission in Permission
        for type_ in (types if permission in TYPE_PERMISSIONS else ("",))
        for company in companies
        if wanted.can(permission, company, type_ or None)
        and not giver.can(permission, company, type_ or None)
    }
    return sorted(minimal(found), key=describe_grant)


_OTHER_TYPE, _OTHER_COMPANY = "?", -1


def sees_more(wanted: Actor, giver: Actor) -> bool:
    """Whether customers exist for one actor, by agent or zone, that do not for the other."""
    if giver.sight.is_whole:
        return False
    return wanted.sight.is_whole or not (wanted.agents <= giver.agents and wanted.zones <= giver.zones)


def check_may_give(giver: Actor, wanted: Actor) -> None:
    """Raise when somebody who is not an administrator would let another hold more than himself.

    Args:
        wanted: the other, as he would be.

    Raises:
        UserRefused: naming the first rights, the clearance or the sight.
    """
    if giver.is_admin:
        return
    if wanted.is_admin:
        raise UserRefused(Problem.ADMINISTRATOR_ONLY)
    if wanted.clearance > giver.clearance:
        raise UserRefused(Problem.MORE_THAN_OWN_CLEARANCE, clearance=wanted.clearance, own=giver.clearance)
    if sees_more(wanted, giver):
        raise UserRefused(Problem.MORE_THAN_OWN_SIGHT)
    missing = [describe_grant(grant) for grant in excess(wanted, giver)]
    if missing:
        shown = ", ".join(missing[:NAMED]) + (" …" if len(missing) > NAMED else "")
        raise UserRefused(Problem.MORE_THAN_OWN_RIGHTS, right=shown)


def holding(giver: Actor, grants: Iterable[Grant], denials: Iterable[Grant] = ()) -> Actor:
    """Somebody who holds these rights and sees what the giver sees, to compare the rights alone."""
    return Actor(
        None,
        "",
        grants=frozenset(grants),
        denials=frozenset(denials),
        agents=giver.agents,
        zones=giver.zones,
    )


NAMED = 4
"""How many rights a refusal names."""


def may_change(changer: Actor, target: Actor) -> bool:
    """Whether the changer may touch the target's account: an administrator any, others nobody who holds more.

    Otherwise a user manager could set the password of an administrator and become one.
    """
    if changer.user_id is not None and changer.user_id == target.user_id:
        return True
    try:
        check_may_give(changer, target)
    except UserRefused:
        return False
    return not _is_freer(target, changer)


def _is_freer(target: Actor, changer: Actor) -> bool:
    """Whether the target may commit with other limits than the changer's own: taking it over would be a way round."""
    if changer.is_admin or not changer.limits.is_any:
        return False
    return target.can(Permission.OUTBOX_COMMIT) and target.limits != changer.limits
