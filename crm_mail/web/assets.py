"""Static files under an address that changes with their content, so browsers may keep them for ever.

All files live under `/assets/<build>/…`, where `<build>` is a hash over every file of static/. Relative
references between files (ES module imports, `url()` in CSS) therefore carry the build too. WhiteNoise answers
before Flask does: no session, no database, compressed twins (`.gz`) where they exist.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

STATIC_FOLDER = Path(__file__).resolve().parents[2] / "static"
ONE_YEAR_SECONDS = 365 * 24 * 3600


def build_hash(folder: Path = STATIC_FOLDER) -> str:
    """Return ten hex digits that change when any file of the folder changes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".gz":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def init_app(app: Flask) -> None:
    """Serve static/ and give templates `asset('js/app.js')`, the versioned address of a file.

    `asset` raises KeyError for a file that does not exist, so that a typing error fails in the first test;
    `icon_url` does so for an unknown icon while testing or debugging (a live page only lacks the picture).
    """
    build = build_hash()
    known = {
        path.relative_to(STATIC_FOLDER).as_posix() for path in STATIC_FOLDER.rglob("*") if path.is_file()
    }

    def asset(name: str) -> str:
        if name not in known:
            raise KeyError(f"static/{name} does not exist")
        return f"/assets/{build}/{name}"

    icons = set(
        re.findall(r'<symbol id="([^"]+)"', (STATIC_FOLDER / "icons.svg").read_text(encoding="utf-8"))
    )

    def icon_url(name: str) -> str:
        if name not in icons and (app.testing or app.debug):
            raise KeyError(f"no icon {name!r} in static/icons.svg: add it to vendor.lock.json")
        return f"/assets/{build}/icons.svg#{name}"

    server = WhiteNoise(
        app.wsgi_app,
        max_age=ONE_YEAR_SECONDS,
        allow_all_origins=False,
        add_headers_function=lambda headers, path, url: headers.__setitem__(
            "X-Content-Type-Options", "nosniff"
        ),
    )
    server.add_files(str(STATIC_FOLDER), prefix=f"assets/{build}/")
    app.wsgi_app = server  # type: ignore[method-assign]
    app.jinja_env.globals.update(asset=asset, icon_url=icon_url)
