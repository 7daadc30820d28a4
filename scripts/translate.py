"""Translations of the interface: `update` the catalogs from the sources, `compile` them, `check` them.

`update` reads babel.cfg, extracts every message and merges it into crm_mail/translations/<language>/…/messages.po
(new messages come without a text; messages that are gone leave). `check` fails, naming each one, when a message
has no translation, is marked fuzzy, or when a placeholder of the English text is missing from its translation.
English needs no catalog: message ids are the English texts.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from crm_mail.web.catalogs import FOLDER, compile_catalogs  # noqa: E402  (the path above makes it importable)

TRANSLATED = ("it", "es")
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "_l": None, "N_": None, "gettext": None, "lazy_gettext": None,
    "ngettext": (1, 2), "_n": (1, 2), "lazy_ngettext": (1, 2), "pgettext": ((1, "c"), 2),  # type: ignore[dict-item]
    "lazy_pgettext": ((1, "c"), 2),  # type: ignore[dict-item]
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def extract() -> Catalog:
    """Return every message of the sources, with the files it stands in (no line numbers: they only make noise)."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalog = Catalog(project="CRM Mail", charset="utf-8")
    found = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS, comment_tags=("i18n:",))
    for path, _line, message, comments, context in found:
        catalog.add(message, None, [(Path(path).as_posix(), None)], auto_comments=comments, context=context)
    return catalog


def catalog_path(language: str) -> Path:
    """Return where the catalog of a language is kept."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def read_catalog(language: str) -> Catalog:
    """Return the catalog of a language, an empty one when there is none yet."""
    path = catalog_path(language)
    if not path.exists():
        return Catalog(locale=language, project="CRM Mail", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Merge the messages of the sources into each catalog; nothing is guessed (no fuzzy matching)."""
    template = extract()
    for language in TRANSLATED:
        catalog = read_catalog(language)
        catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
        catalog.obsolete.clear()
        path = catalog_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=100, sort_output=True, include_lineno=False, ignore_obsolete=True)
        missing = sum(1 for message in catalog if message.id and fault_of(message))
        print(f"{language}: {len(catalog)} messages, {missing} to translate")


def texts(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Return the singular and plural forms of a message as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def fault_of(message: Message) -> str:
    """Return what is wrong with a translation, '' when nothing is."""
    translated = texts(message.string)
    if not translated or not all(translated):
        return "not translated"
    if message.fuzzy:
        return "fuzzy"
    wanted = set(PLACEHOLDER.findall(texts(message.id)[-1]))
    if any(set(PLACEHOLDER.findall(text)) - wanted for text in translated):
        return "unknown placeholder"
    return "" if wanted <= set(PLACEHOLDER.findall(translated[-1])) else "placeholder missing"


def check() -> list[str]:
    """Return one line for each message of the sources that a language lacks or has wrong."""
    template = extract()
    faults: list[str] = []
    for language in TRANSLATED:
        catalog = read_catalog(language)
        for message in template:
            if not message.id:
                continue
            own = catalog.get(message.id, message.context)
            fault = fault_of(own) if own is not None else "missing: run scripts/translate.py update"
            if fault:
                faults.append(f"{language}: {texts(message.id)[0]!r}: {fault}")
    return faults


def main() -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("update", "compile", "check"))
    command = parser.parse_args().command
    if command == "update":
        update()
    if command in {"update", "compile"}:
        compile_catalogs()
    elif faults := check():
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
