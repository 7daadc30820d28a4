"""Write docs/schemas/: one JSON schema per document type, and a page with a table per type.

`python scripts/schema_docs.py` writes them; `--check` only says whether they are current (exit status 1 when not).
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from crm_mail.document_types import TYPE_FACTS, DocumentType  # noqa: E402
from crm_mail.documents.schemas import SCHEMAS, Envelope  # noqa: E402

FOLDER = ROOT / "docs" / "schemas"
INTRODUCTION = """# Canonical documents

Every document comes in, whatever its format, as one canonical JSON object; layouts, texts and the API read it under
the field names of these tables. The same tables as JSON schemas (draft 2020-12) lie beside this page. Made by
`python scripts/schema_docs.py`.

- Amounts are decimal strings with a point and nothing between the thousands (`"1234.50"`); a JSON number is taken too.
- Dates are ISO 8601 (`2026-11-21`), moments too (`2026-11-21T18:30:00`).
- When the PDF comes with the document, only `type`, `number`, `date` and `party` are required. Without it, also what
  stands under *to draw the PDF*.
- A field that is null or empty says nothing. One that the schema does not know is kept under `extra`, with a warning.
- Some names of other programs are read as well: `vat` for `vat_number`, `quantity` and `unit` in lines, `iban`, `bank`
  and `payment_terms` beside the others for `payment.iban` and so on.
- A company's own type (`x_…`) has the fields of the type it is based on, and those that the company added, which are
  kept under `extra`.

A delivery note in full:

```json
{
  "schema": "crm-mail/1",
  "type": "delivery_note",
  "number": "1024",
  "date": "2026-11-21",
  "party": {"code": "000427", "name": "Rossi & C. S.n.c.", "vat_number": "IT01234567890"},
  "reason": "Vendita",
  "packages": "3",
  "carrier": {"name": "Trasporti Bianchi S.r.l."},
  "lines": [{"code": "A-1", "description": "Vite M8", "qty": "12.5", "uom": "kg", "lot": "L77"}]
}
```
"""


def schema_json(type_id: str) -> dict[str, Any]:
    """The JSON schema of a type."""
    schema = SCHEMAS[type_id]
    made = schema.model_json_schema(by_alias=True, mode="validation")
    made["properties"]["type"] = {"const": str(type_id)}
    made = _tidy(made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"crm-mail/1/{type_id}",
        "x-required-without-main-pdf": [path.split("|") for path in schema.minimum],
        **made,
    }


def _tidy(value: Any) -> Any:
    """Without pydantic's titles, null defaults and the null beside every optional field."""
    if isinstance(value, list):
        return [_tidy(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {
        name: _tidy(one)
        for name, one in value.items()
        if not (name == "title" and isinstance(one, str))
        and not (name == "default" and one in (None, [], {}))
    }
    choices = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1 and isinstance(choices[0], dict):
        del kept["anyOf"]
        kept = choices[0] | kept
    return kept


def page() -> str:
    """The page: the envelope once, then what each type adds."""
    shared = Envelope.model_json_schema(by_alias=True)
    parts = [INTRODUCTION, "## Every type", _table(shared)]
    parts += ["## Parts", "Objects that several types use."]
    seen: set[str] = set()
    for name, part in shared["$defs"].items():
        seen.add(name)
        parts += [f"### {name}", part.get("description", ""), _table(part)]
    for type_id in SCHEMAS:
        parts += list(_section(type_id, shared, seen))
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(type_id: str, shared: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    schema = schema_json(type_id)
    own = {name: one for name, one in schema["properties"].items() if name not in shared["properties"]}
    yield f"## {TYPE_FACTS[DocumentType(type_id)].label('en')}"
    yield f"`{type_id}` ([schema]({type_id}.json)). {_line(schema.get('description', ''))}"
    wanted = [" or ".join(f"`{name}`" for name in names) for names in schema["x-required-without-main-pdf"]]
    yield f"To draw the PDF: {', '.join(wanted)}."
    if own:
        yield _table({"properties": own})
    for name, part in schema.get("$defs", {}).items():
        if name not in seen:
            seen.add(name)
            yield f"### {name}"
            yield _line(part.get("description", ""))
            yield _table(part)


def _table(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {_kind(one)} | {'yes' if name in required else ''} | {_line(one.get('description', ''))} |"
        for name, one in schema["properties"].items()
    ]
    return "\n".join(("| Field | Holds | Required | Meaning |", "|---|---|---|---|", *rows))


def _kind(one: Mapping[str, Any]) -> str:
    if "anyOf" in one:
        kinds = [_kind(inner) for inner in one["anyOf"] if inner.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "allOf" in one:
        return _kind(one["allOf"][0])
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if one.get("type") == "array":
        return f"list of {_kind(one.get('items', {}))}"
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "const" in one:
        return f"`{one['const']}`"
    kinds = {"integer": "whole number", "boolean": "true or false", "object": "object", "string": "text"}
    formats = {"decimal": "amount", "date": "date", "date-time": "moment"}
    return formats.get(one.get("format", ""), kinds.get(one.get("type", ""), "anything"))


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def files() -> dict[str, str]:
    """Every file of the folder by name."""
    made = {f"{type_id}.json": schema_json(type_id) for type_id in SCHEMAS}
    texts = {name: json.dumps(schema, ensure_ascii=False, indent=2) + "\n" for name, schema in made.items()}
    return texts | {"README.md": page()}


def stale() -> list[str]:
    """Names of files that are missing, too many, or not as the program would write them."""
    wanted = files()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*") if path.is_file()}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def main(arguments: list[str]) -> int:
    """Write or check the folder; the exit status."""
    names = stale()
    if "--check" in arguments:
        if names:
            print(f"docs/schemas: not current: {', '.join(names)}: run `python scripts/schema_docs.py`")
        return int(bool(names))
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for name in names:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
