r"""Attachments of an order: `C:\…` becomes a mount, and nothing outside the allowed folders is ever opened (PM-24).

A path is made of plain names below one allowed folder. Links on the way are followed only while they stay inside it,
and the file is opened name by name from that folder, so that a link put there meanwhile leads nowhere either.
"""

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crm_mail.refusals import Refusal
from crm_mail.send_orders.orders import OrderRefused

MOST_RULES: Final = 20
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_ODD: Final = re.compile(r"[\x00-\x1f]")
_HAS_DIRECTORY_HANDLES: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


class MappingInvalid(Refusal, ValueError):
    """A line of the mapping cannot be kept; ``line`` is the one, ``problem`` is syntax, outside or missing."""

    def __init__(self, line: str, problem: str) -> None:
        super().__init__(
            f"{line!r}: {problem}: write `C:\\Folder = /mount/folder`, inside the allowed folders"
        )
        self.line, self.problem = line, problem


@dataclass(frozen=True, slots=True)
class Rule:
    """A prefix as other programs write it, and the folder of this machine that it stands for."""

    prefix: str
    folder: Path


def parse_mapping(text: str) -> list[Rule]:
    """The lines `prefix = folder`; the longest prefix counts. Raises MappingInvalid."""
    rules = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        prefix, equals, folder = (part.strip() for part in line.partition("="))
        if not (equals and prefix and folder) or _ODD.search(line) or not Path(folder).is_absolute():
            raise MappingInvalid(line[:200], "syntax")
        rules.append(Rule(prefix, Path(folder)))
    if len(rules) > MOST_RULES:
        raise MappingInvalid(f"{len(rules)}", "syntax")
    return sorted(rules, key=lambda rule: -len(_parts(rule.prefix)))


def check_mapping(rules: Iterable[Rule], roots: Sequence[Path]) -> None:
    """That each folder lies inside what the installation allows. Raises MappingInvalid."""
    for rule in rules:
        line = f"{rule.prefix} = {rule.folder}"
        if not any(_is_inside(rule.folder, root) for root in roots):
            raise MappingInvalid(line, "outside")
        if not rule.folder.is_dir():
            raise MappingInvalid(line, "missing")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file would lie: an allowed folder, and names below it."""

    root: Path
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The whole path."""
        return self.root.joinpath(*self.names)


@dataclass(frozen=True, slots=True)
class AttachmentRoots:
    """The folders that the orders of one company may take files from.

    Args:
        own: the folder of the orders themselves; names without a folder are looked for here.
        rules: prefixes mapped to folders.
        forbidden: folders of others that lie inside; nothing is taken from them.
    """

    own: Path
    rules: tuple[Rule, ...] = ()
    forbidden: tuple[Path, ...] = ()

    def locate(self, path: str) -> Place:
        """Where the path of an order leads. The file need not be there.

        Raises:
            OrderRefused: path_outside, bad_path.
        """
        if _ODD.search(path) or not path.strip():
            raise OrderRefused("bad_path", path=path[:100])
        root, names = self._mapped(path.strip())
        if not names or any(name in ("..", ".") for name in names) or any(":" in name for name in names):
            raise OrderRefused("path_outside", path=path[:200])
        return Place(root, names)

    def _mapped(self, path: str) -> tuple[Path, tuple[str, ...]]:
        parts = _parts(path)
        for rule in self.rules:
            prefix = _parts(rule.prefix)
            if _folded(parts[: len(prefix)]) == _folded(prefix):
                return rule.folder, parts[len(prefix) :]
        if not _is_absolute(path):
            return self.own, parts
        if not _DRIVE.match(path) and not path.startswith(("\\\\", "//")):
            for root in (self.own, *(rule.folder for rule in self.rules)):
                try:
                    return root, Path(os.path.normpath(path)).relative_to(root).parts
                except ValueError:
                    continue
        raise OrderRefused("path_outside", path=path[:200])

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of the file.

        Args:
            limit: bytes; a longer file is refused without being read.

        Raises:
            OrderRefused: file_missing and file_locked (not final); path_outside, bad_path, not_a_file,
                attachment_too_large.
        """
        place = self.locate(path)
        try:
            real_root = place.root.resolve(strict=True)
            real = _whatever_case(place).resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError):
            raise OrderRefused("file_missing", is_final=False, path=path[:200]) from None
        except (OSError, RuntimeError):
            raise OrderRefused("path_outside", path=path[:200]) from None
        if not _is_below(real, real_root) or any(
            _is_below(real, other.resolve()) for other in self.forbidden
        ):
            raise OrderRefused("path_outside", path=path[:200])
        try:
            return _read(real_root, real.relative_to(real_root).parts, path, limit)
        except FileNotFoundError:
            raise OrderRefused("file_missing", is_final=False, path=path[:200]) from None
        except PermissionError:
            raise OrderRefused("file_locked", is_final=False, path=path[:200]) from None
        except OSError as trouble:
            code = "path_outside" if trouble.errno in _LINK_ERRORS else "file_locked"
            raise OrderRefused(code, is_final=code == "path_outside", path=path[:200]) from None


_LINK_ERRORS: Final = frozenset({40, 20, 62})  # ELOOP of Linux and macOS, ENOTDIR


def _read(root: Path, names: Sequence[str], shown: str, limit: int) -> bytes:
    """Open name by name, following no link; the caller has resolved them all."""
    handle = _open(root, names)
    with os.fdopen(handle, "rb") as stream:
        info = os.fstat(stream.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise OrderRefused("not_a_file", path=shown[:200])
        if info.st_size > limit:
            raise OrderRefused(
                "attachment_too_large",
                path=shown[:200],
                size_mb=f"{info.st_size / 1048576:.1f}",
                limit_mb=f"{limit / 1048576:g}",
            )
        return stream.read(limit)


def _open(root: Path, names: Sequence[str]) -> int:
    plain = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if not _HAS_DIRECTORY_HANDLES:
        return os.open(root.joinpath(*names), plain)
    safe = plain | os.O_NOFOLLOW | os.O_NONBLOCK
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names[:-1]:
            inner = os.open(name, safe | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(names[-1], safe, dir_fd=folder)
    finally:
        os.close(folder)


def _whatever_case(place: Place) -> Path:
    """The path with the capitals that the names have on this disk: Windows does not tell them apart."""
    found = place.root
    for name in place.names:
        exact = found / name
        if not os.path.lexists(exact):
            try:
                fitting = [entry for entry in os.listdir(found) if entry.casefold() == name.casefold()]
            except OSError:
                fitting = []
            if len(fitting) == 1:
                exact = found / fitting[0]
        found = exact
    return found


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\\/]+", path) if part)


def _folded(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in parts)


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or bool(_DRIVE.match(path))


def _is_below(path: Path, root: Path) -> bool:
    return root in path.parents


def _is_inside(path: Path, root: Path) -> bool:
    resolved, root = path.resolve(), root.resolve()
    return resolved == root or root in resolved.parents
