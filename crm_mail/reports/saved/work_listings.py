"""Listings of what came in and happened by itself: send orders, and what schedules did."""

from collections.abc import Iterator, Sequence

from crm_mail.permissions import Actor, Permission
from crm_mail.reports.saved.listings import AT_ONCE, Listing, Scene
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.schedules.models import FiringState
from crm_mail.schedules.service import list_firings, list_schedules
from crm_mail.schedules.words import reason_words, state_name
from crm_mail.send_orders.listing import list_orders
from crm_mail.send_orders.models import OrderState
from crm_mail.send_orders.wording import explain
from crm_mail.words import Translate


class SendOrders(Listing):
    """XML files that asked for a mail, the newest first."""

    id = "send_orders"

    def title(self, _: Translate) -> str:
        return _("Send orders")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("order", _("Order")),
            Column("received_at", _("Received"), CellKind.MOMENT),
            Column("state", _("State")),
            Column("to", _("To")),
            Column("subject", _("Subject")),
            Column("run", _("Run")),
            Column("reason", _("Reason")),
        )

    def date_title(self, _: Translate) -> str:
        return _("Received")

    def choice_title(self, _: Translate) -> str:
        return _("State")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        words = _order_states(scene.translate)
        return [(one.value, words[one]) for one in OrderState]

    def require(self, actor: Actor, company_id: int) -> None:
        actor.require(Permission.OUTBOX_REVIEW, company_id)
        actor.require(Permission.DOCUMENTS_EXPORT, company_id)

    def rows(self, scene: Scene) -> Iterator[Row]:
        (first, last), words = scene.moments, _order_states(scene.translate)
        chosen, before = scene.filters.choice, None
        state = OrderState(chosen) if chosen in set(OrderState) else None
        while found := list_orders(
            scene.session, scene.actor, scene.company.id, AT_ONCE, state=state, before=before
        ):
            for one in found:
                if (first and one.received_at < first) or (last and one.received_at >= last):
                    continue
                why = explain(one.problem, one.params, scene.translate) if one.problem else ""
                yield (
                    one.order_id,
                    one.received_at,
                    words[one.state],
                    one.to_address,
                    one.subject,
                    one.run_id,
                    why,
                )
            before = found[-1].id


def _order_states(_: Translate) -> dict[OrderState, str]:
    return {
        OrderState.WAITING: _("Waits for a file"),
        OrderState.OUTBOX: _("In the outbox"),
        OrderState.SENT: _("Sent"),
        OrderState.FAILED: _("Not sent"),
        OrderState.REFUSED: _("Refused"),
    }


class ScheduleHistory(Listing):
    """Each time a schedule was due, and what became of it; schedule by schedule, the newest first."""

    id = "schedules"

    def title(self, _: Translate) -> str:
        return _("What schedules did")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("schedule", _("Schedule")),
            Column("due_at", _("Planned for"), CellKind.MOMENT),
            Column("outcome", _("Outcome")),
            Column("why", _("Reason")),
            Column("run", _("Run")),
            Column("owner", _("Owner")),
        )

    def date_title(self, _: Translate) -> str:
        return _("Planned for")

    def choice_title(self, _: Translate) -> str:
        return _("Outcome")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        return [(one.value, state_name(one, scene.translate)) for one in FiringState]

    def require(self, actor: Actor, company_id: int) -> None:
        actor.require(Permission.SCHEDULES_SEE, company_id)

    def rows(self, scene: Scene) -> Iterator[Row]:
        (first, last), chosen = scene.moments, scene.filters.choice
        for schedule in list_schedules(scene.session, scene.actor, scene.company.id):
            before = 0
            while found := list_firings(scene.session, schedule, before, AT_ONCE):
                for one in found:
                    is_outside = (first and one.due_at < first) or (last and one.due_at >= last)
                    if is_outside or (chosen and one.state.value != chosen):
                        continue
                    yield (
                        schedule.name,
                        one.due_at,
                        state_name(one.state, scene.translate),
                        reason_words(one.reason, one.detail, scene.translate),
                        one.run_id,
                        schedule.owner.name,
                    )
                before = found[-1].id
