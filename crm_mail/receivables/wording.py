"""What the pages of the room say: reasons, statuses, fields and settings, in the language of the page."""

from flask_babel import gettext as _

from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.receivables.columns import Field
from crm_mail.receivables.dunning import Reason
from crm_mail.receivables.settings import SettingInvalid

_EXAMPLE = "postgresql+psycopg://user:password@host/database"


def reason_words() -> dict[str, str]:
    """Why a customer is not reminded."""
    return {
        Reason.BLOCKED: _("Blocked: nothing is sent to this party."),
        Reason.NO_ADDRESS: _("There is no address to send to."),
        Reason.NOTHING_DUE: _("Nothing is late."),
        Reason.DISPUTED: _("What is late is disputed."),
        Reason.CREDIT_BALANCE: _("Credits cover what is late."),
        Reason.BELOW_MINIMUM: _("What is late lies below the minimum."),
        Reason.RECENTLY: _("Was reminded only recently; again from the day shown."),
        Reason.WAITING: _("A reminder stands in a run that has not been sent."),
        Reason.NOT_YET: _("The next level is reached on the day shown."),
        Reason.LAST_LEVEL: _("The last level has been sent: it is for a person to act."),
    }


def level_words() -> dict[int, str]:
    """The levels of reminders."""
    return {
        0: _("0 · before the due date"),
        1: _("1 · friendly"),
        2: _("2 · firm"),
        3: _("3 · formal notice"),
        4: _("4 · before a lawyer"),
    }


def state_words() -> dict[str, str]:
    """States of a line, for the filter and the marks."""
    return {
        "overdue": _("Overdue"),
        "not_due": _("Not due"),
        "disputed": _("Disputed"),
        "unpaid": _("Returned unpaid"),
        "credit": _("Credit"),
    }


def field_words() -> list[tuple[str, str]]:
    """What a column of a list may hold."""
    return [
        (Field.PARTY_CODE, _("Customer code")),
        (Field.PARTY_NAME, _("Name of the customer (not compared)")),
        (Field.VAT_NUMBER, _("VAT number")),
        (Field.COMPANY_CODE, _("Our company (rows of others are refused)")),
        (Field.ID, _("Own key of the line")),
        (Field.DOC_TYPE, _("Document type")),
        (Field.NUMBER, _("Number")),
        (Field.POSTED_ON, _("Posting date")),
        (Field.DOC_ON, _("Document date")),
        (Field.DUE_ON, _("Due date")),
        (Field.DESCRIPTION, _("Description")),
        (Field.CURRENCY, _("Currency")),
        (Field.DEBIT, _("Debit")),
        (Field.CREDIT, _("Credit")),
        (Field.AMOUNT, _("Amount of the document")),
        (Field.OPEN, _("Open amount")),
        (Field.METHOD, _("Way of payment")),
        (Field.DISPUTED, _("Disputed (yes or no)")),
        (Field.UNPAID, _("Returned unpaid (yes or no)")),
        (Field.LEVEL, _("Level of the last reminder")),
        (Field.REMINDED_ON, _("Day of the last reminder")),
    ]


def source_problem(refused: DatabaseRefused) -> str:
    """Why a source cannot be kept or read."""
    words = {
        "name": _("Give the source a name of at most 80 characters."),
        "url": _("This is no address of a database. Write it as %(example)s.", example=_EXAMPLE),
        "driver": _("The driver for %(name)s is not installed here.", name=refused.detail),
        "own": _("This is the database of CRM Mail itself: name the one of the accounting system."),
        "query": _("The query must be one SELECT without a semicolon."),
        "option": _("The address may not carry the option %(name)s: leave it out.", name=refused.detail),
        "parameters": _(
            "Only :company and :today are given; the query asks for %(name)s.", name=refused.detail
        ),
        "slow": _("The query took longer than %(n)s seconds: let it ask for less.", n=refused.detail),
        "unknown": _("There is no source called “%(name)s”.", name=refused.detail),
        "failed": _("The database did not answer the query: %(answer)s", answer=refused.detail),
    }
    return str(words[refused.problem])


def setting_problem(error: SettingInvalid) -> str:
    """Why a setting cannot be kept."""
    if error.problem == "range":
        return str(_("Must lie between %(low)s and %(high)s.", low=error.low, high=error.high))
    if error.problem == "order":
        return str(_("The days must grow from level to level."))
    if error.problem == "iban":
        return str(_("The IBAN is not valid: check its digits."))
    return str(_("At most %(high)s characters.", high=error.high))
