"""The documentation tells the truth: its commands, settings, links and tables are those of the program."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from config import Settings
from crm_mail.cli import cli
from crm_mail.document_types import TEXT_LANGUAGES, TYPE_FACTS, DocumentType
from crm_mail.documents.templating import compile_text
from crm_mail.importers.tables.column_names import CANONICAL
from crm_mail.outbox.states import TRANSITIONS, MessageState, RunState

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHELL = {"sh", "ini"}
SCRIPT = {"./run": "start"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands_of(page: str) -> Iterator[list[str]]:
    """Every call of `crm-mail` or `./run` in a page, as words: in shell blocks, units and code spans."""
    for language, code in FENCE.findall(page):
        if language in SHELL:
            yield from _calls(code.replace("\\\n", " "))
    for span in re.findall(r"`([^`\n]+)`", FENCE.sub("", page)):
        yield from _calls(span)


def _calls(code: str) -> Iterator[list[str]]:
    for line in code.splitlines():
        for part in re.split(r"\s#\s|[|;]|&&", line):
            found = re.search(r"(?:^|[\s=/])(crm-mail|\./run)((?:\s.*)?)$", part)
            if found and not re.search(r"systemctl|journalctl|User=|useradd|userdel|Description", part):
                yield [found[1], *shlex.split(found[2].split(" < ")[0])]


def unknown_in(words: list[str]) -> str:
    """What a call names that the program does not have; empty when all is well."""
    command: click.Command = cli
    names = [SCRIPT[words[0]]] if words[0] in SCRIPT else []
    rest = names + words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            return f"no command {rest[0]!r}"
        command, rest = found, rest[1:]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {
        "--help",
        "-h",
    }
    wrong = [word for word in rest if word.startswith("-") and word.split("=")[0] not in known]
    return f"{command.name} has no option {wrong}" if wrong else ""


def anchors_of(page: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_file(), f"{link}: there is no such file"
        if anchor:
            assert anchor in anchors_of(target.read_text(encoding="utf-8")), (
                f"{link}: there is no such heading"
            )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_and_option_exists(path: Path) -> None:
    problems = {" ".join(call): unknown_in(call) for call in commands_of(path.read_text(encoding="utf-8"))}
    assert {call: problem for call, problem in problems.items() if problem} == {}


def test_commands_are_found_where_they_stand() -> None:
    """The test above would also pass if it read nothing."""
    calls = [call[1:3] for call in commands_of(read("docs/operations.md"))]
    assert ["db", "upgrade"] in calls
    assert ["account", "add"] in calls
    assert unknown_in(["crm-mail", "run", "commit", "7", "--never"]) == "commit has no option ['--never']"
    assert unknown_in(["./run", "--onec"]) == "start has no option ['--onec']"


def test_the_table_of_settings_is_current() -> None:
    page = read("docs/operations.md")
    assert script("settings_table").with_table(page) == page, "run `python scripts/settings_table.py`"


def test_the_tables_of_the_user_guide_are_current() -> None:
    page = read("docs/user-guide.md")
    assert script("wording_tables").with_tables(page) == page, "run `python scripts/wording_tables.py`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_variables_are_settings(path: Path) -> None:
    known = {f"CRM_MAIL_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bCRM_MAIL_[A-Z_0-9]+\b", path.read_text(encoding="utf-8"))) <= known


def test_every_setting_says_what_it_sets() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_diagram_of_message_states_is_the_table_of_transitions() -> None:
    diagram = next(code for language, code in FENCE.findall(read("docs/outbox.md")) if language == "mermaid")
    drawn = {(before, after) for before, after in re.findall(r"(\w+) --> (\w+)", diagram)}
    allowed = {
        (before.value, after.value) for before, after_all in TRANSITIONS.items() for after in after_all
    }
    assert drawn == allowed


def test_every_state_is_explained() -> None:
    outbox, guide = read("docs/outbox.md"), read("docs/user-guide.md")
    for state in MessageState:
        assert f"| `{state.value}` |" in outbox
        assert f"| {state.value.capitalize()} |" in guide
    for run_state in RunState:
        assert run_state.value in guide


def test_the_canonical_columns_are_documented_in_their_order() -> None:
    columns = re.findall(r"^\| `(\w+)` \|", read("docs/contact-files.md"), re.MULTILINE)
    assert columns == [field.value for field in CANONICAL]


def test_every_document_type_is_in_the_glossary_and_among_the_subscriptions() -> None:
    glossary, columns = read("docs/glossary.md"), read("docs/contact-files.md")
    for document_type in DocumentType:
        assert f"| `{document_type.value}` |" in glossary
        assert f"`{document_type.value}`" in columns
        for language in TEXT_LANGUAGES:
            name = TYPE_FACTS[document_type].label(language).lower()
            assert document_type is DocumentType.GENERIC or name in glossary.lower()


def test_the_example_of_a_text_is_accepted() -> None:
    example = next(code for language, code in FENCE.findall(read("docs/user-guide.md")) if "{{" in code)
    assert compile_text(example, "text").placeholders


def test_examples_of_placeholders_are_accepted() -> None:
    """Each line of the guide's table of things to write."""
    page = read("docs/user-guide.md")
    table = page[page.index("| Write | To get |") : page.index("<!-- placeholders")]
    examples = [one.replace("\\|", "|") for one in re.findall(r"`(\{[^`]+\})`", table)]
    assert len(examples) == 6
    for example in examples:
        compile_text(example, "text")


def test_every_decision_is_in_the_list() -> None:
    pages = {path.name for path in (ROOT / "docs" / "decisions").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", read("docs/decisions/README.md"))) == pages


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_line_is_left_to_be_written(path: Path) -> None:
    assert not re.search(r"\b(TODO|TBD|FIXME|lorem ipsum)\b", path.read_text(encoding="utf-8"), re.IGNORECASE)


def test_the_published_schemas_are_current() -> None:
    assert script("schema_docs").stale() == [], "run `python scripts/schema_docs.py`"
