"""Which rooms compose messages for runs that a worker prepares: every door that may prepare a run asks here once."""

from crm_mail.schedules.greeting import register_greetings


def register_composers() -> None:
    """Make every composer known (`outbox.composing_registry`)."""
    register_greetings()
