"""Fetch the third-party browser files named in vendor.lock.json, verify them and copy them into the tree.

Run by hand when a version changes (`python scripts/vendor.py`); needs npm. Neither running nor testing the
product needs it, because the copied files are committed. `--check` needs no network: it recomputes the hash
of every committed file and fails when one was altered or is missing.

Each lock entry gives the package, its exact version, the sha512 integrity of the npm archive (as the npm
registry publishes it), the files to take, and the directory that receives them. `icons` is a list of Tabler
icon names that are merged into one SVG sprite, static/icons.svg. Packages that ship no licence file name one
under scripts/licenses/ with `license`.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "vendor.lock.json"
SPRITE = ROOT / "static" / "icons.svg"
COMPRESS_ABOVE_BYTES = 20_000


def download(package: str, version: str, integrity: str, folder: Path) -> Path:
    """Return the npm archive of a package; exits when its sha512 is not the one in the lock."""
    answer = subprocess.run(
        ["npm", "pack", f"{package}@{version}", "--json", "--pack-destination", str(folder)],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    archive = folder / json.loads(answer.stdout)[0]["filename"].replace("@", "").replace("/", "-")
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != integrity:
        sys.exit(f"{package} {version}: the archive is {found}, the lock says {integrity}. Nothing copied.")
    return archive


def sprite_symbol(name: str, svg: str) -> str:
    """Return one `<symbol>` made of a Tabler icon file: its paths only, colours and sizes come from CSS."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"\s+", " ", body).strip()
    return f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>'


def read_member(archive: tarfile.TarFile, path: str) -> bytes:
    """Return the bytes of one file of the archive (npm puts everything under `package/`)."""
    member = archive.extractfile(f"package/{path}")
    if member is None:
        sys.exit(f"{path} is not a file in {archive.name!r}")
    return member.read()


def write_file(target: Path, data: bytes) -> str:
    """Write a file, a .gz twin when it is worth it, and return the sha256 that `--check` compares."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    if target.suffix in {".css", ".js"} and len(data) > COMPRESS_ABOVE_BYTES and "static" in target.parts:
        target.with_name(target.name + ".gz").write_bytes(gzip.compress(data, 9, mtime=0))
    return hashlib.sha256(data).hexdigest()


def copy_package(entry: dict[str, Any], folder: Path) -> None:
    """Download, verify and copy one lock entry; records the sha256 of every copied file in the entry."""
    archive_path = download(entry["package"], entry["version"], entry["integrity"], folder)
    hashes: dict[str, str] = {}
    with tarfile.open(archive_path) as archive:
        for source in entry.get("files", []):
            target = ROOT / entry["to"] / Path(source).name
            hashes[str(target.relative_to(ROOT))] = write_file(target, read_member(archive, source))
        if entry.get("icons"):
            symbols = (
                sprite_symbol(name, read_member(archive, f"icons/outline/{name}.svg").decode())
                for name in sorted(entry["icons"])
            )
            sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
            hashes[str(SPRITE.relative_to(ROOT))] = write_file(SPRITE, sprite.encode())
        own_license = entry.get("license")
        text = (ROOT / own_license).read_bytes() if own_license else read_member(archive, "LICENSE")
    license_path = ROOT / entry["to"] / entry.get("license_name", "LICENSE")
    hashes[str(license_path.relative_to(ROOT))] = write_file(license_path, text)
    entry["sha256"] = hashes


def altered_files(lock: list[dict[str, Any]]) -> list[str]:
    """Return the committed vendor files that are missing or whose bytes are not those of the lock."""
    return [
        path
        for entry in lock
        for path, expected in entry.get("sha256", {}).items()
        if not (ROOT / path).is_file() or hashlib.sha256((ROOT / path).read_bytes()).hexdigest() != expected
    ]


def main() -> None:
    """Vendor everything, or with `--check` only compare what is committed with the lock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare the committed files with the lock")
    lock: list[dict[str, Any]] = json.loads(LOCK.read_text())
    if parser.parse_args().check:
        if altered := altered_files(lock):
            sys.exit("Not as locked: " + ", ".join(altered))
        return
    with tempfile.TemporaryDirectory() as folder:
        for entry in lock:
            copy_package(entry, Path(folder))
            print(f"{entry['package']} {entry['version']} → {entry['to']}")
    LOCK.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
