"""Which rooms compose messages for runs that a worker prepares: every door that may prepare a run asks here once."""

from crm_mail.campaigns import composer as campaigns
from crm_mail.campaigns.letter_making import make_letters
from crm_mail.events.composing import register_events
from crm_mail.outbox.composing.registry import register
from crm_mail.schedules.greeting import register_greetings


def register_composers() -> None:
    """Make every composer known (`outbox.composing_registry`)."""
    register(campaigns.NAME, campaigns.compose, make_letters, by_data_alone=True)
    register_events()
    register_greetings()
