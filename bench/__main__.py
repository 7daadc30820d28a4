"""`python -m bench FIGURE [--json] [--times N] [--count N]`; docs/benchmarks.md tells what each one measures."""

import argparse
import importlib
import inspect
import json
import platform
from typing import Any

FIGURES = (
    "prepare",
    "review",
    "send",
    "crash",
    "crash_receipts",
    "render",
    "receipts",
    "mailbox",
    "contacts",
    "orders",
    "events",
    "segments",
    "mailing",
)


def main() -> None:
    """Measure one figure and print it: lines for people, or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figure", choices=FIGURES)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--times", type=int, help="turns of which the median is taken (5)")
    parser.add_argument("--count", type=int, help="messages, documents, or kills")
    given = parser.parse_args()
    measure = importlib.import_module(f"bench.{given.figure}").measure
    names = list(inspect.signature(measure).parameters)
    options: dict[str, Any] = {}
    if given.times is not None and "times" in names:
        options["times"] = given.times
    if given.count is not None:
        options["count" if "count" in names else names[0]] = given.count
    figures = measure(**options)
    if given.json:
        machine = {"python": platform.python_version(), "system": platform.platform()}
        print(json.dumps({"figure": given.figure, **machine, "results": [f.as_dict() for f in figures]}))
    else:
        for figure in figures:
            print(figure.as_text())


if __name__ == "__main__":
    main()
