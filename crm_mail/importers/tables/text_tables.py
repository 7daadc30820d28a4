"""CSV, TSV and pasted cells as a stream of rows: encoding, separator, quoted cells with line breaks.

Encodings: a byte order mark decides, else strict UTF-8, else cp1252; guessing libraries confuse cp1250 with
cp1252 and turn ñ into ń. A file that mixes UTF-8 and cp1252 lines is read line by line and says where.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from crm_mail.importers.base import ImportRefused
from crm_mail.words import N_

DELIMITERS: Final = (";", ",", "\t", "|")
MAX_LINE: Final = 1 << 20
_MAX_LINES_OF_A_ROW: Final = 200
_SAMPLE_ROWS: Final = 60
_REPLACEMENT: Final = "\ufffd"


@dataclass(frozen=True, slots=True)
class TextRow:
    """One record: its number from 1, its cells, and codes of problems (see messages.ROW_MESSAGES)."""

    number: int
    cells: tuple[str, ...]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextTable:
    """How the text is to be read; `rows()` may be called again and starts over."""

    encoding: str
    delimiter: str
    open_stream: Callable[[], IO[bytes]]
    mixed: bool = False
    skip_lines: int = 0

    def rows(self) -> Iterator[TextRow]:
        """Stream the records, blank ones too."""
        lines = _Lines(self.open_stream, self.encoding, mixed=self.mixed)
        yield from _read_records(lines, self.delimiter, self.skip_lines)


def open_text_table(source: bytes | Path, *, delimiter: str | None = None) -> TextTable:
    """Find encoding and separator of `source`. `delimiter` overrides the guess.

    Raises ImportRefused when a line is endless or binary.
    """

    def open_stream() -> IO[bytes]:
        return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")

    encoding, mixed = _detect_encoding(open_stream)
    sample = _sample_lines(_Lines(open_stream, encoding, mixed=mixed))
    skip = 0
    if sample and sample[0].strip().lower().startswith("sep=") and len(sample[0].strip()) <= 5:
        skip, delimiter = 1, delimiter or sample[0].rstrip("\r\n")[4:5] or None
    chosen = delimiter or sniff_delimiter(sample[skip:])
    return TextTable(encoding, chosen, open_stream, mixed=mixed, skip_lines=skip)


def sniff_delimiter(lines: list[str]) -> str:
    """Choose the separator that gives most rows the same width above one; a comma when there is none."""
    best, best_score = ",", (0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        widths.pop(1, None)
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        if (count, width) > best_score:
            best, best_score = delimiter, (count, width)
    return best


class _Lines:
    """The decoded lines of a stream; remembers how the lines of the current record had to be decoded."""

    def __init__(self, open_stream: Callable[[], IO[bytes]], encoding: str, *, mixed: bool) -> None:
        self._open_stream = open_stream
        self._encoding = encoding
        self._mixed = mixed
        self.odd_encoding = False
        self.unreadable = False
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        with self._open_stream() as stream:
            if self._encoding.startswith("utf-16"):
                yield from self._keep(_decode_wide(stream, self._encoding))
            else:
                yield from self._keep(self._decode(line) for line in read_lines(stream))

    def _keep(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self.record.append(line)
            yield line

    def _decode(self, line: bytes) -> str:
        try:
            return line.decode("cp1252" if self._encoding == "cp1252" else "utf-8")
        except UnicodeDecodeError:
            if self._mixed:
                self.odd_encoding = True
            text = line.decode("cp1252", errors="replace")
            self.unreadable = self.unreadable or _REPLACEMENT in text
            return text

    def start_record(self) -> None:
        self.record, self.odd_encoding, self.unreadable = [], False, False


def read_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of `stream` without a byte order mark; ImportRefused when one is longer than MAX_LINE."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise ImportRefused("line_too_long", row=number, limit=MAX_LINE)
        yield line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def _decode_wide(stream: IO[bytes], encoding: str) -> Iterator[str]:
    """The lines of UTF-16 text, decoded piece by piece."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest, number = "", 0
    while True:
        block = stream.read(1 << 16)
        rest += decoder.decode(block, final=not block)
        *lines, rest = rest.splitlines(keepends=True) or [""]
        if rest.endswith("\n") or not block:
            lines, rest = [*lines, rest], ""
        if len(rest) > MAX_LINE:
            raise ImportRefused("line_too_long", row=number + 1, limit=MAX_LINE)
        for line in lines:
            number += 1
            if line:
                yield line
        if not block:
            return


def _detect_encoding(open_stream: Callable[[], IO[bytes]]) -> tuple[str, bool]:
    """Give (encoding, whether lines of two encodings are mixed), reading the stream once."""
    with open_stream() as stream:
        head = stream.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", False
        stream.seek(0)
        utf8_lines = other_lines = 0
        for line in read_lines(stream):
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                utf8_lines += 1
            except UnicodeDecodeError:
                other_lines += 1
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", other_lines > 0
    if not other_lines:
        return "utf-8", False
    return ("utf-8", True) if utf8_lines else ("cp1252", False)


def _sample_lines(lines: _Lines) -> list[str]:
    sample: list[str] = []
    for line in lines:
        sample.append(line)
        if len(sample) >= _SAMPLE_ROWS * 4:
            break
    return sample


def _read_records(lines: _Lines, delimiter: str, skip: int) -> Iterator[TextRow]:
    source = _guard(lines)
    for _ in range(skip):
        next(source, None)
        lines.start_record()
    reader = csv.reader(source, delimiter=delimiter)
    number = skip
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportRefused("unreadable_table", detail=f"row {number + 1}: {error}") from None
        number += 1
        yield TextRow(number, tuple(cells), *_judge(lines, cells))
        lines.start_record()


def _guard(lines: _Lines) -> Iterator[str]:
    """Stop when one record swallows line after line: a quotation mark was never closed."""
    done = 0
    for line in lines:
        if len(lines.record) > _MAX_LINES_OF_A_ROW:
            raise ImportRefused("quote_never_closed", row=done)
        if "\x00" in line:
            raise ImportRefused("unreadable_table", detail=N_("it is not text: it holds zero bytes"))
        if len(lines.record) == 1:
            done += 1
        yield line


def _judge(lines: _Lines, cells: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    errors: list[str] = []
    if len(lines.record) > 1 and sum(line.count('"') for line in lines.record) % 2:
        errors.append("unbalanced_quotes")
    warnings: list[str] = []
    if lines.odd_encoding:
        warnings.append("mixed_encoding")
    if lines.unreadable or any(_REPLACEMENT in cell for cell in cells):
        warnings.append("unreadable_character")
    return tuple(errors), tuple(warnings)
