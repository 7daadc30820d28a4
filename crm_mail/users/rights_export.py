"""All rights of all users as a table: one line for each rule that counts for a person."""

from collections.abc import Iterator

from flask_babel import gettext as _
from flask_babel import to_user_timezone
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.permissions import TYPE_PERMISSIONS, Actor, Permission
from crm_mail.users.granting import rules_of
from crm_mail.users.matrix import Rule
from crm_mail.users.rights_words import Names, action_of, column_name, row_name
from crm_mail.users.service import list_users

Line = list[object]


def header() -> list[str]:
    """The columns."""
    return [
        _("Name"),
        _("E-mail address"),
        _("Active"),
        _("Administrator"),
        _("Clearance"),
        _("Agents"),
        _("Zones"),
        _("Groups"),
        _("On what"),
        _("Right"),
        _("Company"),
        _("State"),
        _("From group"),
        _("Given by"),
        _("Given at"),
    ]


def export_rights(session: Session, actor: Actor, names: Names) -> Iterator[Line]:
    """A line for each rule of each user, those of groups too; a user without any has one line.

    Raises:
        PermissionDenied: the actor does not manage users.
    """
    for user in list_users(session, actor):
        facts: Line = [
            user.name,
            user.email,
            _yes(user.is_active),
            _yes(user.is_admin),
            user.clearance,
            ", ".join(user.agents),
            ", ".join(user.zones),
            ", ".join(group.name for group in user.groups),
        ]
        rules = sorted(
            rules_of(session, user), key=lambda one: (one.right[1], str(one.right[0]), one.right[2] or 0)
        )
        for rule in rules:
            yield facts + _rule(rule, names)
        if not rules:
            yield facts + [None] * 7


def _rule(rule: Rule, names: Names) -> Line:
    permission, document_type, company_id = rule.right
    is_area = permission not in TYPE_PERMISSIONS
    row = permission.value.partition(":")[0] if is_area else document_type
    return [
        row_name(row, is_area, names),
        column_name(action_of(permission)),
        names.company(company_id),
        _("denied") if rule.is_denied else _("allowed"),
        rule.group,
        rule.given_by,
        to_user_timezone(rule.given_at).replace(microsecond=0) if rule.given_at else None,
    ]


def _yes(value: bool) -> str:
    return str(_("yes") if value else _("no"))


def record_export(session: Session, actor: Actor, kind: str, count: int) -> None:
    """Note in the audit that the rights were taken away as a file."""
    actor.require(Permission.USERS_MANAGE)
    audit.record(session, actor, "users.rights.exported", kind=kind, count=count)
