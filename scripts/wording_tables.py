"""Write the tables of docs/user-guide.md that repeat the product's own words: states, warnings, causes, placeholders.

`python scripts/wording_tables.py` writes them; `--check` only says whether they are current (exit status 1 when not).
"""

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from crm_mail.delivery.envelope import Cause  # noqa: E402
from crm_mail.document_types import TYPE_FACTS, Direction  # noqa: E402
from crm_mail.documents.message_context import MESSAGE_FIELDS, placeholder_names  # noqa: E402
from crm_mail.outbox.issue_words import issue_name, issue_words  # noqa: E402
from crm_mail.outbox.issues import BLOCKERS, Issue  # noqa: E402
from crm_mail.outbox.reasons import LeftOutReason, WithheldReason  # noqa: E402
from crm_mail.outbox.sending.attempting import OwnCause  # noqa: E402
from crm_mail.outbox.sending.cause_words import cause_words  # noqa: E402
from crm_mail.outbox.why_words import left_out_words, withheld_words  # noqa: E402

PAGE = ROOT / "docs" / "user-guide.md"
GOES_TO = {Direction.CUSTOMER: "customers", Direction.SUPPLIER: "suppliers", Direction.INTERNAL: "own staff"}
CHANNELS = {"pec_first": "PEC first", "ordinary_only": "ordinary only", "pec_only": "PEC only"}


def tables() -> dict[str, str]:
    """Each table in Markdown, by the name in its markers."""
    blockers = [issue for issue in Issue if issue in BLOCKERS]
    warnings = [issue for issue in Issue if issue not in BLOCKERS]
    causes = [cause.value for cause in (*Cause, *OwnCause) if cause is not Cause.ACCEPTED]
    return {
        "blockers": _issues(blockers),
        "warnings": _issues(warnings),
        "left out": _table(("Left out because", "What would change it"), map(left_out_words, LeftOutReason)),
        "dropped": "\n".join(f"- {withheld_words(reason)}" for reason in WithheldReason),
        "causes": _table(
            ("What happened", "What to do"),
            (cause_words(cause, None, "", str) for cause in causes),
        ),
        "types": _table(("Document type", "Id", "Goes to", "Usual role", "Bundled", "Channel"), _types()),
        "placeholders": _table(("Placeholder", "Fields"), _placeholders()),
    }


def _issues(issues: Iterable[Issue]) -> str:
    words = [(issue_name(issue), issue_words(issue)) for issue in issues]
    rows = [(f"**{name}**", one.text, one.remedy) for name, one in words]
    return _table(("Shown as", "What it means", "What to do"), rows)


def _types() -> Iterable[tuple[str, ...]]:
    for type_, facts in TYPE_FACTS.items():
        bundled = "yes" if facts.bundled else "no"
        channel = CHANNELS[facts.channel.value]
        yield facts.label.en, f"`{type_.value}`", GOES_TO[facts.direction], facts.role.en, bundled, channel


def _placeholders() -> Iterable[tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for name in placeholder_names(MESSAGE_FIELDS):
        group, _, field = name.partition(".")
        groups.setdefault(group, []).extend([field] if field else [])
    for group, fields in groups.items():
        if fields:
            yield f"`{group}`", ", ".join(f"`{group}.{field}`" for field in fields)
    alone = [f"`{group}`" for group, fields in groups.items() if not fields]
    yield "by themselves", ", ".join(alone)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def with_tables(page: str) -> str:
    """The page with fresh tables between their markers.

    Raises:
        ValueError: a marker is missing.
    """
    for name, table in tables().items():
        start, end = f"<!-- {name}: made by scripts/wording_tables.py -->", f"<!-- end of {name} -->"
        before, found, rest = page.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{PAGE.name} lacks the markers {start} and {end}")
        page = f"{before}{start}\n\n{table}\n\n{end}{after}"
    return page


def main(arguments: list[str]) -> int:
    """Write or check the page; the exit status."""
    page = PAGE.read_text(encoding="utf-8")
    fresh = with_tables(page)
    if page == fresh:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.name}: its tables are not current: run `python scripts/wording_tables.py`")
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
