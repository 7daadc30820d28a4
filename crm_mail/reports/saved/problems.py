"""Why a saved report cannot be kept or made."""

from collections.abc import Mapping
from typing import ClassVar

from crm_mail.refusals import Refusal


class ReportRefused(Refusal):
    """A report cannot be saved or made; ``problem`` is a code, ``detail`` what it is about."""

    WORDS: ClassVar[Mapping[str, str]] = {
        "name": "give the report a name of at most 80 characters",
        "taken": "there is another report of this name",
        "listing": "this list is not known here: choose another one",
        "source": "the database of this report was deleted: choose another one",
        "columns": "choose at least one column",
        "parameter": "the value of {} does not fit its kind",
        "parameter_name": "“{}” is no name of a parameter: letters, digits and _, and none that is given",
        "formats": "choose in what form it is sent",
        "recipients": "choose to whom it is sent",
        "address": "“{}” is no e-mail address",
        "typed": "only who may change the settings of the company gives addresses of people who do not sign in",
        "user": "a chosen user is not active any more",
        "row_limit": "choose from 1 to 20,000 rows",
        "clearance": "nobody shows more than they see themselves",
        "owner": "a report belongs to a person",
        "owner_inactive": "{} is not active any more: somebody else must save the report",
        "gone": "the report was deleted: choose another one",
        "unknown": "there is no report called “{}”",
    }

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(self.WORDS[problem].format(detail))
        self.problem, self.detail = problem, detail
