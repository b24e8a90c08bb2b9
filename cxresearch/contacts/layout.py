"""How a text file is laid out: encoding, delimiter, lines above the header, names. Looked at once, then pinned.

A reader that guesses can guess otherwise on another day. What is found here is handed to the engine word for word, and
said in the account of the log.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cxresearch.contacts.canonical import LogError, first_line

SHEET = "spreadsheet"  # what stands for the encoding of one
DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 1 << 18
_SAMPLE_LINES = 200
_RECORDS = 5  # lines above a header that look like records: with so many they are no titles
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# A name in a header is no number and no date.
_DATUM = re.compile(r"[-+]?[\d.,:/ ]*\d[\d.,:/ TZ+-]*")


@dataclass(frozen=True)
class Layout:
    """``encoding`` by Python's name, ``delimiter``, ``skip`` lines before the first record, ``names`` of the columns.

    ``above`` of the skipped lines hold text. ``header`` is False where the first line is a record already; the names are
    then ``column 1``, ``column 2``, ...
    """

    encoding: str
    delimiter: str
    skip: int
    above: int
    names: tuple[str, ...]
    header: bool = True

    def says(self) -> str:
        """In words, what is not what one would expect."""
        parts = [
            ""
            if self.encoding in ("utf-8", "utf-8-sig")
            else self.encoding
            if self.encoding == SHEET
            else f"encoding {self.encoding}",
            {";": "semicolons", "\t": "tabs", "|": "bars"}.get(self.delimiter, ""),
            f"{self.above - 1} line{'s' if self.above > 2 else ''} above the header left out"
            if self.header and self.above > 1
            else "",
            "" if self.header else "no header",
        ]
        return ", ".join(part for part in parts if part)


def text_layout(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, skip: int | None = None
) -> Layout:
    """The layout of a text file, gzipped or not; what is given is taken as given.

    ``skip`` are the lines above the header. Raises LogError for a file that is empty or cannot be decoded.
    """
    raw = _beginning(path)
    encoding = encoding or _encoding(raw)
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise LogError(f'there is no encoding {encoding!r}; write for example encoding = "latin-1".') from error
    # The sample may end inside a character.
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(raw)
    if not text.strip("\ufeff\x00\r\n\t "):
        raise LogError(f"{path} is empty. Replace it or leave it out.")
    lines = _lines(text)
    if len(raw) == _SAMPLE_BYTES:
        lines = lines[:-1] or lines
    lines, told = lines[:_SAMPLE_LINES], 0
    if (said := re.fullmatch(r"\ufeff?sep=(.)", lines[0].strip(), flags=re.IGNORECASE)) and len(lines) > 1:
        delimiter, lines, told = delimiter or said[1], lines[1:], 1
    delimiter = delimiter or _delimiter(lines)
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    above = skip if skip is not None else _header_line(rows)
    if above >= len(rows):
        raise LogError(f"{path}: skip = {above} leaves no line; the file begins with {lines[0][:60]!r}.")
    if skip is None:
        _refuse_another_table(path, rows[:above])
    width = max(len(rows[above]), _usual_width(rows[above:]))
    cells = [cell.strip().lstrip("\ufeff").strip() for cell in rows[above]] + [""] * (width - len(rows[above]))
    header = skip is not None or not _is_record(cells)
    names = _numbered(cells) if header else tuple(f"column {i + 1}" for i in range(len(cells)))
    # As the bytes are counted: a line of delimiters alone is a record, but for tabs.
    before = sum(
        any(cell.strip() for cell in row) or (len(row) > 1 and delimiter != "\t") for row in rows[: above + int(header)]
    )
    return Layout(encoding, delimiter, told + above + int(header), told + before, names, header)


def text_rows(path: Path, layout: Layout) -> list[list[str]]:
    """The first rows of a text file, without its header."""
    text = codecs.getincrementaldecoder(layout.encoding)(errors="replace").decode(_beginning(path))
    rows = list(csv.reader(io.StringIO("\n".join(_lines(text))), delimiter=layout.delimiter))
    return [row for row in rows[layout.skip :] if row]


def _lines(text: str) -> list[str]:
    """Lines as the engine counts them: other signs that divide text are letters of a cell."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def mixed_ends(path: Path) -> bool:
    """Whether the first line ends otherwise than others do: a name in the header goes over two lines."""
    raw = _beginning(path)
    first = raw.find(b"\n")
    return first >= 0 and raw[max(first - 1, 0) : first] != b"\r" and b"\r\n" in raw


def _beginning(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            return file.read(_SAMPLE_BYTES)
    except (OSError, EOFError) as error:
        raise LogError(f"cannot read {path}: {first_line(error)}. Replace it or leave it out.") from error


def _encoding(raw: bytes) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    if raw[1::2].count(0) * 4 > len(raw):
        return "utf-16-le"
    if raw[0::2].count(0) * 4 > len(raw):
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        # Within a word, the letters of Central Europe are signs of the West.
        central = re.search(rb"(?i)[a-z][\xb3\xb9\xbf\x9c\xea\xf3]*[\xb3\xb9\xbf][a-z\xb3\xb9\xbf\x9c\xea\xf3]", raw)
        return "cp1250" if central else "cp1252"
    return "utf-8"


def _delimiter(lines: list[str]) -> str:
    """The one under which most lines have the same number of cells, and more than one."""

    def fit(delimiter: str) -> tuple[int, int]:
        counts = Counter(len(row) for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row)
        counts.pop(1, None)
        return max(((n, cells) for cells, n in counts.items()), default=(0, 0))

    return max(DELIMITERS, key=fit)  # of equals the first


def _usual_width(rows: list[list[str]]) -> int:
    widths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    return max(widths, key=lambda width: (widths[width], width), default=0)


def _header_line(rows: list[list[str]]) -> int:
    """The first row as wide as most rows: titles above it have fewer cells.

    A row is as wide, too, where the rows below have only empty cells beyond it: some tools end every record with a
    delimiter, and the header without one.
    """
    usual = _usual_width(rows)
    for n, row in enumerate(rows):
        if sum(bool(cell.strip()) for cell in row) * 2 < usual:
            continue
        if len(row) >= usual or not any(cell.strip() for below in rows[n + 1 :] for cell in below[len(row) :]):
            return n
    return 0


def _refuse_another_table(path: Path, above: list[list[str]]) -> None:
    """Records above the header are those of another table, and nobody wants them left out without a word."""
    records = Counter(len(row) for row in above if len(row) > 1 and _is_record([cell.strip() for cell in row]))
    if records and max(records.values()) >= _RECORDS:
        raise LogError(
            f"{path}: a second table begins at line {len(above) + 1}; above it stand {max(records.values())} records of "
            f"another one. Give the two as two files, or write skip = {len(above)} to leave out what stands above."
        )


def _is_record(cells: list[str]) -> bool:
    """Whether a line holds data: a name is no number and no date, and most names are there."""
    said = [cell for cell in cells if cell]
    return bool(said) and sum(bool(_DATUM.fullmatch(cell)) for cell in said) * 4 > len(said)


def _numbered(cells: list[str]) -> tuple[str, ...]:
    """Names, where one that stands twice or not at all gets a number."""
    seen: Counter[str] = Counter()
    names = []
    for place, cell in enumerate(cells):
        name = cell or f"column {place + 1}"
        seen[name.casefold()] += 1
        names.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return tuple(names)
