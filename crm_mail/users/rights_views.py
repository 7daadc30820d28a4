"""Pages of the rights of a user or a group: the matrix, the difference before it is saved, copying, who gave what."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, select

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import all_types, company_types
from crm_mail.permissions import ANY, Actor, Permission, requires, signed_in_actor
from crm_mail.reports.audit_details import shown
from crm_mail.reports.audit_fields import field_label
from crm_mail.users import granting, groups, messages, rights, rights_words, service
from crm_mail.users.actors import plain_actor
from crm_mail.users.authority import giver_of, may_change
from crm_mail.users.blueprint import blueprint
from crm_mail.users.granting import Change, Holder
from crm_mail.users.matrix import Choice, Rule, build_matrix, cells_of, read_choices
from crm_mail.users.models import User, UserGroup
from crm_mail.users.problems import UserRefused
from crm_mail.users.rights_words import Names
from crm_mail.web.door import db
from crm_mail.web.forms import ActionForm
from crm_mail.web.type_names import type_name

EVENTS_SHOWN = 50


def names() -> Names:
    """What types and companies are called."""
    return Names(type_name, granting.company_codes(db()))


def found_holder(kind: str, holder_id: int) -> Holder:
    """The user or the group, or 404."""
    actor = signed_in_actor()
    if kind == "groups":
        return groups.find_group(db(), actor, holder_id) or abort(404)
    return service.get_user(db(), actor, holder_id) or abort(404)


def may_change_holder(holder: Holder) -> bool:
    """Whether the signed-in person may change the rights of a user, or of a group and so of everybody in it."""
    actor = signed_in_actor()
    people = [holder] if isinstance(holder, User) else groups.people_of(db(), holder)
    return actor.is_admin or all(may_change(db(), actor, one) for one in people)


def address(holder: Holder, page: str = "edit_rights", **values: Any) -> str:
    """The address of a page of the holder's rights."""
    kind = "users" if isinstance(holder, User) else "groups"
    return url_for(f"users.{page}", kind=kind, holder_id=holder.id, **values)


def chosen_company() -> Company | None:
    """The company of the matrix; None means the rights that hold for every company."""
    company_id = request.args.get("company", type=int)
    if company_id is None:
        return None
    return db().scalar(own_companies().where(Company.id == company_id)) or abort(404)


def own_companies() -> Select[Company]:
    """The companies in which the signed-in person manages users: no other exists here."""
    mine = signed_in_actor().company_ids(Permission.USERS_MANAGE)
    return select(Company) if mine is None else select(Company).where(Company.id.in_(mine))


def types_in(company: Company | None) -> tuple[str, ...]:
    """The document types of the matrix: the company's, or (None) those of every company."""
    return company_types(db(), company.id).ids if company else all_types(db()).ids


def page(template: str, holder: Holder, status: int = 200, **values: Any) -> tuple[str, int]:
    """A page about the rights of a user or a group."""
    people = groups.people_of(db(), holder) if isinstance(holder, UserGroup) else []
    return render_template(
        f"users/{template}.html",
        holder=holder,
        user=holder if isinstance(holder, User) else None,
        group=holder if isinstance(holder, UserGroup) else None,
        people=people,
        actor=signed_in_actor(),
        may_change=may_change_holder(holder),
        address=address,
        names=names(),
        words=rights_words,
        **values,
    ), status


@blueprint.route("/<any(users, groups):kind>/<int:holder_id>/rights", methods=("GET", "POST"))
@requires(Permission.USERS_MANAGE)
def edit_rights(kind: str, holder_id: int) -> Any:
    """The matrix; what was chosen is shown as a difference, and saved when that is confirmed."""
    holder, company, form = found_holder(kind, holder_id), chosen_company(), ActionForm()
    if form.validate_on_submit() and "confirmed" in request.form:
        return _save(holder, company, form)
    if form.is_submitted():
        choices = read_choices(request.form.items(), types_in(company), company.id if company else None)
        changes = granting.plan_changes(holder, choices)
        if changes:
            return difference_page(holder, changes, company)
        flash(_("Nothing was different."), "info")
        return redirect(address(holder, company=company.id if company else None), 303)
    return matrix_page(holder, company, form)


def _save(holder: Holder, company: Company | None, form: ActionForm) -> Any:
    """Keep the difference that was confirmed."""
    try:
        if isinstance(holder, User) and "with_groups" in request.form:
            ids = frozenset(request.form.getlist("group", type=int))
            draft = replace(service.draft_of(holder), group_ids=ids)
            service.update_user(db(), signed_in_actor(), holder, draft, is_active=holder.is_active)
        granting.choose(db(), signed_in_actor(), holder, read_changes())
    except UserRefused as refused:
        form.form_errors.append(messages.explain(refused))
        return matrix_page(holder, company, form, 422)
    flash(_("The rights of %(name)s were saved.", name=holder.name), "success")
    return redirect(address(holder, company=company.id if company else None), 303)


def matrix_page(holder: Holder, company: Company | None, form: ActionForm, status: int = 200) -> Any:
    """The matrix."""
    rules, actor = granting.rules_of(db(), holder), signed_in_actor()
    giver = giver_of(db(), actor)
    own = None if actor.is_admin else [Rule(one) for one in giver.grants]
    own = own if own is None else own + [Rule(one, is_denied=True) for one in giver.denials]
    return page(
        "rights",
        holder,
        status,
        form=form,
        company=company,
        companies=list(db().scalars(own_companies().order_by(Company.code))),
        columns=rights.COLUMNS,
        matrix=build_matrix([ANY, *types_in(company)], rules, company.id if company else None, own),
        summary=summary(holder),
        sources=sources(holder),
    )


def sources(holder: Holder) -> list[tuple[str, str]]:
    """Whom rights can be copied from."""
    every: list[Holder] = [
        *groups.list_groups(db(), signed_in_actor()),
        *service.list_users(db(), signed_in_actor()),
    ]
    return [
        (f"{'users' if isinstance(one, User) else 'groups'}-{one.id}", one.name)
        for one in every
        if one is not holder
    ]


def summary(holder: Holder, rules: Iterable[Rule] | None = None) -> list[str]:
    """What the holder may do, in sentences; with other rules than the present ones, if they are given."""
    used = granting.rules_of(db(), holder) if rules is None else list(rules)
    base = plain_actor(db(), holder) if isinstance(holder, User) else Actor(None, holder.name)
    actor = replace(
        base,
        grants=frozenset(rule.right for rule in used if not rule.is_denied),
        denials=frozenset(rule.right for rule in used if rule.is_denied),
    )
    sentences = rights_words.rights_in_words(actor, names())
    return sentences if isinstance(holder, User) else sentences[:-1] or [_("Gives no rights yet.")]


def difference_page(
    holder: Holder, changes: list[Change], company: Company | None, new_groups: list[UserGroup] | None = None
) -> Any:
    """What would be added, removed and denied, and what that comes to; nothing is written yet."""
    changed = {one.right for one in changes}
    kept = [one for one in granting.rules_of(db(), holder) if one.group or one.right not in changed]
    after = kept + [Rule(c.right, c.after is Choice.DENY) for c in changes if c.after is not Choice.INHERIT]
    return page(
        "rights_difference",
        holder,
        company=company,
        changes=changes,
        values=[change_value(one) for one in changes],
        new_groups=new_groups,
        before=summary(holder),
        after=summary(holder, after) if new_groups is None else [],
    )


def change_value(change: Change) -> str:
    """A change as the page carries it."""
    permission, document_type, company_id = change.right
    return f"{permission.value}|{document_type}|{company_id or ''}|{change.after.value}"


def read_changes() -> dict[tuple[Permission, str, int | None], Choice]:
    """The changes that the page carried back; 400 for what it cannot have carried."""
    known, companies = {ANY, *all_types(db()).ids}, granting.company_codes(db())
    found = {}
    for text in request.form.getlist("change"):
        try:
            right, type_, company, choice = text.split("|")
            permission, company_id = Permission(right), int(company) if company else None
            offered = cells_of(type_, False, company_id) if type_ in known else []
            if not type_:
                offered = cells_of(permission.value.partition(":")[0], True, company_id)
            if (permission, type_, company_id) not in offered or company_id not in {None, *companies}:
                abort(400)
            found[permission, type_, company_id] = Choice(choice)
        except (ValueError, KeyError):
            abort(400)
    return found


@blueprint.get("/<any(users, groups):kind>/<int:holder_id>/rights/copy")
@requires(Permission.USERS_MANAGE)
def copy_rights(kind: str, holder_id: int) -> Any:
    """What copying the rules (and, from user to user, the groups) of another would change."""
    holder = found_holder(kind, holder_id)
    source_kind, _dash, source_id = request.args.get("from", "").partition("-")
    if source_kind not in ("users", "groups") or not source_id.isdecimal():
        abort(404)
    source = found_holder(source_kind, int(source_id))
    changes = granting.plan_changes(holder, granting.choices_like(holder, source))
    is_between_users = isinstance(holder, User) and isinstance(source, User)
    new_groups = source.groups if isinstance(holder, User) and isinstance(source, User) else None
    same_groups = not is_between_users or set(new_groups or ()) == set(getattr(holder, "groups", ()))
    if not changes and same_groups:
        flash(_("Nothing was different."), "info")
        return redirect(address(holder), 303)
    return difference_page(holder, changes, None, None if same_groups else new_groups)


@blueprint.get("/<any(users, groups):kind>/<int:holder_id>/rights/history")
@requires(Permission.USERS_MANAGE)
def show_rights_history(kind: str, holder_id: int) -> Any:
    """Who gave each right and when, and the changes of late."""
    holder = found_holder(kind, holder_id)
    query = (
        select(AuditEvent)
        .where(AuditEvent.object_type == holder.__tablename__, AuditEvent.object_id == holder.id)
        .where(AuditEvent.action.in_(("users.grants.changed", "users.user.created", "users.user.updated",
                                      "users.group.created", "users.group.updated")))
        .order_by(AuditEvent.id.desc())
        .limit(EVENTS_SHOWN)
    )  # fmt: skip
    rules = sorted(
        granting.rules_of(db(), holder), key=lambda rule: (rule.group, rule.right[1], str(rule.right[0]))
    )
    return page("rights_history", holder, rules=rules, events=[_event(one) for one in db().scalars(query)])


def _event(event: AuditEvent) -> dict[str, Any]:
    before, after = (_lines(event.detail.get(key)) for key in ("before", "after"))
    return {
        "at": event.at,
        "who": event.actor_name,
        "added": [one for one in after if one not in before],
        "removed": [one for one in before if one not in after],
    }


def _lines(value: Any) -> list[str]:
    """One side of a change as lines: the list of rules, or the facts of an account."""
    if isinstance(value, dict):
        rules = _rules(value.get("grants", ()))
        return rules + [
            f"{field_label(key)}: {_text(key, one)}"
            for key, one in value.items()
            if one not in ("", []) and key != "grants"
        ]
    return _rules(value or ())


def _rules(texts: Iterable[Any]) -> list[str]:
    """Recorded rules in words; one that names a type or company that is gone stays as it was written."""
    called = names()
    ids = {code: company_id for company_id, code in called.codes.items()}
    return [_rule(str(one), called, ids) for one in texts]


def _rule(text: str, called: Names, ids: dict[str, int]) -> str:
    grant = text.removeprefix("deny ")
    try:
        words = rights_words.right_name(rights.parse_grant(grant, all_types(db()).ids, ids), called)
    except UserRefused:
        return text
    return words if grant == text else f"{_('Denied')}: {words}"


def _text(key: str, value: Any) -> str:
    return messages.clearance_label(value) if key == "clearance" else shown(value)
