"""The form of scheduled retention: it asks nothing."""

from flask_babel import lazy_gettext as _l

from crm_mail.schedules.kind_forms import KindForm


class RetentionForm(KindForm):
    """No questions: the terms stand under Privacy."""

    label = _l("Retention")
    makes_run = False
    hint = _l("Removes what is older than its term, as the page Privacy says, at a time of your choice.")
