"""Write the table of environment variables into docs/operations.md from the descriptions in config.py.

`python scripts/settings_table.py` writes it; `--check` only says whether it is current (exit status 1 when not).
"""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import SecretStr  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

from config import Settings  # noqa: E402

PAGE = ROOT / "docs" / "operations.md"
START, END = "<!-- settings: made by scripts/settings_table.py -->", "<!-- end of settings -->"


def settings_table() -> str:
    """The table in Markdown, one row per setting in the order of config.py."""
    prefix = str(Settings.model_config["env_prefix"])
    rows = [_row(prefix + name.upper(), field) for name, field in Settings.model_fields.items()]
    return "\n".join(("| Variable | Default | What it sets |", "|---|---|---|", *rows))


def _row(variable: str, field: FieldInfo) -> str:
    description = (field.description or "").replace("|", "\\|")
    return f"| `{variable}` | {_shown(field.default)} | {description} |"


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = value.relative_to(ROOT).as_posix() + "/"  # beside the program, wherever that lies
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return "empty" if value == "" else f"`{value}`"


def with_table(page: str) -> str:
    """The page with a fresh table between its markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{PAGE.name} lacks the markers {START} and {END}")
    return f"{before}{START}\n\n{settings_table()}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check the page; the exit status."""
    page = PAGE.read_text(encoding="utf-8")
    fresh = with_table(page)
    if page == fresh:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.name}: the settings table is not current: run `python scripts/settings_table.py`")
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
