"""Pages of reminders: the proposals by level with what speaks against others; the chosen ones become a run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from flask import flash, render_template, request
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.receivables.blueprint import blueprint
from crm_mail.receivables.forms import CutOffForm
from crm_mail.receivables.page_parts import (
    begin_run,
    company_for,
    first_ids,
    read_parties,
    today_of,
    whom_values,
)
from crm_mail.receivables.reminding import Proposed, make_letters, propose_reminders
from crm_mail.receivables.service import (
    AT_ONCE,
    LETTER,
    NothingToSend,
    TooMany,
)
from crm_mail.receivables.statement_views import told
from crm_mail.receivables.wording import level_words, reason_words
from crm_mail.web.door import db, installation

SHOWN: Final = 500


@blueprint.route("/reminders", methods=("GET", "POST"))
@requires(Permission.OUTBOX_PREPARE)
def propose_reminder_run() -> Any:
    """The proposals, all ticked (RP-10); what is ticked becomes a run."""
    company = company_for(LETTER)
    form = CutOffForm.of_address(today_of(company))
    parties = read_parties(company)
    proposed = propose_reminders(db(), signed_in_actor(), parties, form.day) if form.validate() else []
    level = request.args.get("level", type=int)
    if request.method == "POST" and not form.errors:
        return _create(company, form, parties, proposed, level)
    return _page(company, form, parties, proposed, level), 422 if form.errors else 200


def of_level(proposed: Sequence[Proposed], level: int | None) -> list[Proposed]:
    """The proposals with a letter, of one level or of all."""
    chosen = list(proposed) if level is None else [one.only((level,)) for one in proposed]
    return [one for one in chosen if one.letters]


def _page(
    company: Company, form: CutOffForm, parties: Any, proposed: Sequence[Proposed], level: int | None
) -> str:
    refused = [(one.party, refusal) for one in proposed for refusal in one.proposal.refusals]
    chosen = of_level(proposed, level)
    return render_template(
        "receivables/reminders.html",
        form=form,
        company=company,
        proposed=chosen[:SHOWN],
        count=len(chosen),
        level=level,
        levels=Counter(letter.level for one in proposed for letter in one.letters),
        level_words=level_words(),
        refused=refused[:SHOWN],
        refused_count=len(refused),
        reasons=Counter(refusal.reason.value for _party, refusal in refused),
        reason_words=reason_words(),
        **whom_values(company, parties),
    )


def _create(
    company: Company, form: CutOffForm, parties: Any, proposed: Sequence[Proposed], level: int | None
) -> Any:
    left_out = first_ids(request.form.getlist("shown")) - first_ids(request.form.getlist("ids"))
    chosen = [one for one in of_level(proposed, level) if one.party.id not in left_out]
    title = " ".join(request.form.get("title", "").split())[:200]
    try:
        made = make_letters(db(), signed_in_actor(), installation().store, company, chosen, form.day, AT_ONCE)
        answer = begin_run(company, LETTER, made, title)
    except TooMany as refused:
        flash(
            _("More than %(limit)s customers are meant: narrow the range of codes.", limit=refused.limit),
            "danger",
        )
        return _page(company, form, parties, proposed, level), 422
    except NothingToSend:
        flash(_("No reminder is ticked."), "danger")
        return _page(company, form, parties, proposed, level), 422
    flash(told(made), "success")
    return answer
