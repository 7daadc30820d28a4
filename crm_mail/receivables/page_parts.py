"""What the pages of statements and reminders share: the company, the filter of customers, the run."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import abort, redirect, request
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.filter_words import value_word
from crm_mail.contacts.finding.listing import list_names
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.finding.purchase_words import act_choices, recent_choices
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.document_types import DocumentType
from crm_mail.outbox.preparing.prepare import create_run
from crm_mail.outbox.preparing.prepare_views import ring, run_url
from crm_mail.outbox.tasks import FILL_RUN
from crm_mail.permissions import Permission, signed_in_actor
from crm_mail.purchases.asked import FIELDS, PREFIX
from crm_mail.purchases.listing import offered_purchases
from crm_mail.receivables.service import Made, run_criteria
from crm_mail.web.door import after_commit, db
from crm_mail.web.navigation import current_company

LISTS: Final = ("agent", "zone", "city", "category")
WHOM: Final = ("code_from", "code_to", "code", "purchase", *LISTS, *(PREFIX + name for name in FIELDS))


def company_or_404() -> Company:
    """The company at work."""
    return current_company(signed_in_actor()) or abort(404)


def company_for(document_type: DocumentType) -> Company:
    """The company at work, if the person may prepare this type in it; 403 otherwise."""
    company = company_or_404()
    signed_in_actor().require(Permission.OUTBOX_PREPARE, company.id, document_type.value)
    return company


def today_of(company: Company) -> date:
    """The present day where the company is."""
    return now().astimezone(ZoneInfo(company.timezone)).date()


def read_parties(company: Company) -> PartyFilter:
    """The customers that the address means; other values than ours are 400."""
    try:
        return PartyFilter.from_arguments(
            company.id, lambda name: request.args.getlist(name) if name in WHOM else []
        )
    except FilterInvalid as refused:
        abort(400, _("The filter %(name)s is not understood. Remove it from the address.", name=refused.name))


def whom_values(company: Company, parties: PartyFilter) -> dict[str, Any]:
    """What the part of a page needs that chooses customers."""
    columns = {"agent": Party.agent, "zone": Party.zone, "city": Party.city, "category": Party.category}
    return {
        "parties": parties,
        "offered": {
            name: list_names(db(), signed_in_actor().sight, company.id, column)
            for name, column in columns.items()
        },
        "chosen": {
            "agent": list(parties.agents),
            "zone": list(parties.zones),
            "city": list(parties.cities),
            "category": list(parties.categories),
        },
        "purchases": [(word, value_word("purchase", word)) for word in parties.purchases],
        "bought": offered_purchases(db(), company.id, company.country),
        "acts": act_choices(),
        "periods": recent_choices(),
        "labels": {"agent": _("Agent"), "zone": _("Zone"), "city": _("City"), "category": _("Category")},
    }


def begin_run(
    company: Company, document_type: DocumentType, made: Made, title: str, *, only_unsent: bool = True
) -> Any:
    """Hand documents to the one gate, and lead to the run; the workers draw the PDFs and write the messages.

    Raises:
        NothingToSend: there are none.
    """
    criteria = run_criteria(company.id, document_type, made, only_unsent=only_unsent)
    run = create_run(db(), signed_in_actor(), criteria, title)
    after_commit(lambda: ring(FILL_RUN, run.id))
    return redirect(run_url(run), 303)


def first_ids(values: Sequence[str]) -> set[int]:
    """Ids of a form's list; anything else is passed over."""
    return {int(value) for value in values if value.isdigit()}
