"""What a company decides on statements and reminders: read, check, save."""

import re
from dataclasses import dataclass, field, fields
from decimal import Decimal

from sqlalchemy.orm import Session
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError

from crm_mail import audit
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.dunning import Rules
from crm_mail.receivables.models import ReceivablesSettings

MAX_COMMENT = 2000
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Choices:
    """The rules of reminders, and what statements carry.

    Args:
        comment: printed on statements (PD-6, Comentario estado de cuenta).
        bank, iban: where to pay, printed on both.
    """

    rules: Rules = field(default_factory=Rules)
    comment: str = ""
    bank: str = ""
    iban: str = ""

    @property
    def payment(self) -> dict[str, str]:
        """The canonical ``payment`` of a document."""
        return {name: value for name, value in (("bank", self.bank), ("iban", self.iban)) if value}


class SettingInvalid(ValueError):
    """A value cannot be kept; `field` names it, `problem` is range, order, iban or text."""

    def __init__(self, field_name: str, problem: str, low: int = 0, high: int = 0) -> None:
        words = {
            "range": f"{field_name} must lie between {low} and {high}",
            "order": "the days of the levels must grow from level to level",
            "iban": "the IBAN is not valid: check its digits",
            "text": f"{field_name} is longer than {high} characters: shorten it",
        }
        super().__init__(words[problem])
        self.field = field_name
        self.problem = problem
        self.low, self.high = low, high


_RANGES: dict[str, tuple[int, int]] = {
    "business_rate": (0, 100),
    "consumer_rate": (0, 100),
    "lump_sum": (0, 10_000),
    "minimum": (0, 1_000_000),
    "days_between": (1, 365),
    "charges_from_level": (1, 5),
    "pay_within_days": (0, 90),
}
LEVEL_DAYS = (0, 1000)


def read_choices(session: Session, company_id: int) -> Choices:
    """What a company decided, else the defaults."""
    stored = session.get(ReceivablesSettings, company_id)
    if stored is None:
        return Choices()
    values = {one.name: getattr(stored, one.name) for one in fields(Rules)}
    values["level_days"] = tuple(stored.level_days)
    return Choices(Rules(**values), stored.statement_comment, stored.bank, stored.iban)


def check_choices(choices: Choices) -> Choices:
    """The choices with their texts cleaned.

    Raises:
        SettingInvalid: naming the field.
    """
    rules = choices.rules
    for name, (low, high) in _RANGES.items():
        if not low <= Decimal(getattr(rules, name)) <= high:
            raise SettingInvalid(name, "range", low, high)
    for number, days in enumerate(rules.level_days):
        if days is not None and not LEVEL_DAYS[0] <= days <= LEVEL_DAYS[1]:
            raise SettingInvalid(f"level_{number}", "range", *LEVEL_DAYS)
    after = [days for days in rules.level_days[1:] if days is not None]
    if after != sorted(set(after)):
        raise SettingInvalid("level_days", "order")
    comment = _CONTROLS.sub("", choices.comment.replace("\r\n", "\n")).strip()
    if len(comment) > MAX_COMMENT:
        raise SettingInvalid("comment", "text", high=MAX_COMMENT)
    return Choices(rules, comment, " ".join(choices.bank.split())[:120], _clean_iban(choices.iban))


def _clean_iban(text: str) -> str:
    """An IBAN without blanks; account numbers that are no IBAN (Mexico's CLABE) are kept as digits."""
    clean = re.sub(r"\s", "", text).upper()
    if not clean or (clean.isdigit() and len(clean) <= 40):
        return clean
    try:
        return str(iban_number.validate(clean, check_country=False))
    except ValidationError:
        raise SettingInvalid("iban", "iban") from None


def save_choices(session: Session, actor: Actor, company_id: int, choices: Choices) -> None:
    """Keep what a company decides.

    Raises:
        PermissionDenied: the right to change settings is missing.
        SettingInvalid: a value cannot be kept.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    before, checked = read_choices(session, company_id), check_choices(choices)
    values = {one.name: getattr(checked.rules, one.name) for one in fields(Rules)}
    values["level_days"] = list(checked.rules.level_days)
    texts = {"statement_comment": checked.comment, "bank": checked.bank, "iban": checked.iban}
    session.merge(ReceivablesSettings(company_id=company_id, **values, **texts))
    changed = [one.name for one in fields(Rules) if getattr(before.rules, one.name) != values[one.name]]
    changed += [
        name for name in ("comment", "bank", "iban") if getattr(before, name) != getattr(checked, name)
    ]
    if changed:
        audit.record(
            session, actor, "receivables.settings.changed", company_id=company_id, changed=", ".join(changed)
        )
