"""Every column of every table is declared: personal data or free of it (issue 5, GDPR)."""

from sqlalchemy import Boolean
from sqlalchemy.types import TypeEngine

from crm_mail.db import Base, EnumText, UtcDateTime
from crm_mail.personal_data import Fate, Link
from crm_mail.privacy.registry import BY_NAME, TABLES

SILENT = (Boolean, EnumText, UtcDateTime)


def is_silent(type_: TypeEngine[object]) -> bool:
    """A truth value, a member of a closed set or a moment says nothing of a person by itself."""
    return isinstance(type_, SILENT)


def test_every_column_is_declared_personal_or_free_of_it() -> None:
    problems = []
    for name, table in Base.metadata.tables.items():
        declared = BY_NAME.get(name)
        if declared is None:
            problems.append(f"{name} is not declared in its room's personal_data.py")
            continue
        known = {*declared.personal, *declared.free}
        for column in table.columns:
            is_key = column.foreign_keys or column.name == "id"
            if column.name not in known and not is_key and not is_silent(column.type):
                problems.append(f"{name}.{column.name} is neither declared personal nor free")
        problems += [f"{name}.{one} does not exist" for one in known - set(table.columns.keys())]
        problems += [f"{name}.{one} is declared twice" for one in {*declared.personal} & {*declared.free}]
    assert problems == []
    assert len(BY_NAME) == len(TABLES)


def test_personal_data_are_either_reached_by_erasure_or_have_a_reason_to_stay() -> None:
    for one in TABLES:
        if one.link is not Link.NONE:
            assert one.fate is not Fate.KEEP or one.why is not None, f"{one.name} stays: say why"
        elif one.personal:
            assert one.why is not None, f"{one.name} has personal data that nobody's request reaches: say why"
