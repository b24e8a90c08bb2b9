"""HTML that a notebook shows, from wherever it came: its text, headings, tables and pictures, and nothing else of it.

nh3 takes out all but a few tags and attributes. What it leaves is read once more and written anew, so that nothing that
a page says of itself (headings, captions, scopes, ids, colours) is taken from outside.
"""

from __future__ import annotations

import csv
import functools
import html
import io
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import nh3

_INLINE = {"a", "b", "strong", "i", "em", "u", "s", "del", "ins", "mark", "small", "sub", "sup", "code", "kbd", "samp",
           "var", "q", "cite", "abbr"}  # fmt: skip
_BLOCK = {"p", "div", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre"}
_HEADS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_TABLE = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
_ALONE = {"br", "hr", "img"}
# What a page does not do: such an output is named, not shown in part.
ACTIVE = ("script", "iframe", "frame", "object", "embed", "applet", "audio", "video", "canvas", "form", "input", "button",
          "select", "textarea", "svg")  # fmt: skip
MOST_LETTERS = 20_000_000
MOST_CELLS, MOST_COLUMNS = 2_000, 60
_CUT = {"...", "…", "&hellip;", "⋮", "⋯"}
_SHAPE = re.compile(r"shape: \(([\d_,]+), ([\d_,]+)\)|([\d,_]+) rows × ([\d,_]+) columns")
_NUMBER = re.compile(r"[+−-]?[\d,_]*\.?\d+(?:e[+-]?\d+)?|[+-]?inf", re.IGNORECASE)
_NO_VALUE = {"", "nan", "none", "null", "nat", "<na>", *_CUT}


@dataclass(frozen=True)
class Foreign:
    """``blocks``: dicts of ``type`` prose (``html``), heading (``level, text``), table (``content``, see :func:`_content`) or
    picture (``source, alt``). ``active``: the first tag that a page does not run. ``coloured``: colours were left out."""

    blocks: tuple[dict[str, Any], ...]
    active: str = ""
    coloured: bool = False


@functools.lru_cache(maxsize=64)
def read_html(text: str) -> Foreign:
    """Raises ValueError for more than ``MOST_LETTERS``."""
    if len(text) > MOST_LETTERS:
        raise ValueError("large")
    seen = _Seen()
    seen.feed(text)
    seen.close()
    clean = nh3.clean(
        text, tags=_INLINE | _BLOCK | _HEADS | _TABLE | _ALONE,
        attributes={"a": {"href"}, "img": {"src", "alt"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}, "ol": {"start"}},
        clean_content_tags={*ACTIVE, "style", "template", "noscript", "title", "head"} - {"form", "input", "embed", "frame"},
        url_schemes={"http", "https", "mailto", "data"}, url_relative="deny", link_rel=None,
    )  # fmt: skip
    reader = _Reader()
    reader.feed(clean)
    reader.close()
    reader.flush()
    return Foreign(tuple(reader.blocks), seen.active, seen.coloured)


class _Seen(HTMLParser):
    """What there was that is not shown; nothing is kept safe by it."""

    active, coloured = "", False
    _style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE and not self.active:
            self.active = tag
        self._style = tag == "style"
        given = {name: value or "" for name, value in attrs}
        self.coloured |= bool("bgcolor" in given or re.search(r"(?:background|color)\s*[:-]", given.get("style", "")))

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        self.coloured |= self._style and bool(re.search(r"#T_\w+[^}]*(?:background|color)[\w-]*\s*:", data))


@dataclass
class _Cell:
    head: bool
    across: int
    down: int
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())


class _Reader(HTMLParser):
    """Clean HTML as blocks of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[dict[str, Any]] = []
        self._open: list[str] = []
        self._made: list[str] = []
        self._heading: list[str] | None = None
        self._depth = 0  # of tables
        self._rows: list[tuple[str, list[_Cell]]] = []
        self._part, self._caption, self._in_caption = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.flush()
                self._rows, self._part, self._caption = [], "", ""
        elif self._depth:
            self._in_table(tag, given)
        elif tag in _HEADS:
            self.flush()
            self._heading = []
        elif tag == "img":
            self.flush()
            self.blocks.append({"type": "picture", "source": given.get("src", ""), "alt": given.get("alt", "")})
        elif tag in ("br", "hr"):
            self._made.append("<br>" if tag == "br" or self._open else "<hr>")
        elif tag in _INLINE | _BLOCK and self._heading is None:
            self._open.append(self._tag(tag, given))
            self._made.append(self._open[-1])

    def _tag(self, tag: str, given: dict[str, str]) -> str:
        # An address of this page would lead nowhere: ids from outside are not kept.
        if tag == "a" and re.match(r"https?:|mailto:", given.get("href", "")):
            return f'<a href="{html.escape(given["href"])}">'
        if tag == "ol" and given.get("start", "").isdecimal():
            return f'<ol start="{int(given["start"])}">'
        return f"<{tag if tag != 'a' else 'span'}>"

    def _in_table(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("thead", "tbody", "tfoot"):
            self._part = tag
        elif tag == "caption":
            self._in_caption = True
        elif tag == "tr":
            self._rows.append((self._part, []))
        elif tag in ("th", "td"):
            if not self._rows:
                self._rows.append((self._part, []))
            across, down = (_span(given.get(name, "1")) for name in ("colspan", "rowspan"))
            self._rows[-1][1].append(_Cell(tag == "th", across, down))
        elif tag == "img":
            self._say(given.get("alt", ""))
        elif tag in _BLOCK or tag == "br":
            self._say(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._depth:
            self._depth -= 1
            if not self._depth and (content := _content(self._rows, self._caption)):
                self.blocks.append({"type": "table", "content": content})
        elif self._depth:
            self._in_caption = self._in_caption and tag != "caption"
            if tag == "thead":
                self._part = "tbody"
        elif tag in _HEADS:
            text = " ".join("".join(self._heading or []).split())
            self._heading = None
            if text:
                self.blocks.append({"type": "heading", "level": int(tag[1]), "text": text})
        elif self._open and self._heading is None and tag in _INLINE | _BLOCK:
            # nh3 closes whatever it opens, in order.
            self._made.append(_closing(self._open.pop()))

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._say(data)
        elif self._heading is not None:
            self._heading.append(data)
        else:
            self._made.append(html.escape(data, quote=False))

    def _say(self, text: str) -> None:
        if self._in_caption:
            self._caption += text
        elif self._rows and self._rows[-1][1]:
            self._rows[-1][1][-1].parts.append(text)

    def flush(self) -> None:
        """End the prose; what is open goes on after what comes now."""
        made = "".join([*self._made, *map(_closing, reversed(self._open))])
        self._made = list(self._open)
        if re.sub(r"<[^>]*>|\s", "", made):
            whole = made if re.match(r"\s*<(?:p|div|ul|ol|dl|pre|blockquote)\b", made) else f"<p>{made}</p>"
            self.blocks.append({"type": "prose", "html": whole})


def _closing(tag: str) -> str:
    return f"</{tag.strip('<>').split()[0]}>"


def _span(text: str) -> int:
    return min(max(int(text), 1), 1_000) if text.isdecimal() else 1


# A table, however its headers are stacked, as the page has tables: one row of names, and cells ------------------------


def _content(rows: list[tuple[str, list[_Cell]]], caption: str) -> dict[str, Any] | None:
    """``caption, columns, rows, csv`` as ``exhibits`` records a table, ``cut``: rows and columns that there
    were where not all are kept, and ``index``: how many columns name the rows.

    None for a table without a cell that says anything.
    """
    rows = [row for row in rows if row[1]]
    in_head = [place for place, (part, _) in enumerate(rows) if part == "thead"]
    if not in_head and len(rows) > 1 and all(cell.head for cell in rows[0][1]):
        in_head = [0]
    grid = _grid([cells for _, cells in rows])
    if not any(cell.text for line in grid for cell in line):
        return None
    heads = [grid[place] for place in in_head]
    # Polars says the types of its columns in a second row, which is no header.
    heads = [line for line in heads if any(cell.head for cell in line)] or heads[:1]
    body = [line for place, line in enumerate(grid) if place not in in_head]
    width = max(map(len, grid))
    leading = _leading(body)
    names = [_column_name([line[at] for line in heads], corner=at < leading) for at in range(width)]
    cells = [[_said(cell.text) for cell in line] for line in body]
    rows_there, index = len(cells), leading
    if width > MOST_COLUMNS:
        cells, names = [line[:MOST_COLUMNS] for line in cells], names[:MOST_COLUMNS]
    if leading == 1 and not names[0] and len(names) > 1 and _counts_up([line[0] for line in cells]):
        names, cells, index = names[1:], [line[1:] for line in cells], 0
    kept = cells[: max(1, MOST_CELLS // max(len(names), 1))]
    numeric = [place > 0 and _numeric([line[place] for line in kept]) for place in range(len(names))]
    file = io.StringIO()
    written = [
        [cell.replace(",", "") if number else cell for cell, number in zip(line, numeric, strict=True)] for line in kept
    ]
    csv.writer(file, lineterminator="\r\n").writerows([names, *written])
    return {
        "caption": " ".join(caption.split()),
        "columns": [
            {"name": name, "label": name, "numeric": number, "unit": "number" if number else "text"}
            for name, number in zip(names, numeric, strict=True)
        ],
        "rows": kept,
        "csv": file.getvalue(),
        "cut": [rows_there if len(kept) < rows_there else None, width - leading if width > MOST_COLUMNS else None],
        "index": index,
    }


def _grid(rows: list[list[_Cell]]) -> list[list[_Cell]]:
    """Every row as long as the longest; a cell that spans others stands in each of them."""
    placed: dict[tuple[int, int], _Cell] = {}
    for y, cells in enumerate(rows):
        x = 0
        for cell in cells:
            while (y, x) in placed:
                x += 1
            across = min(cell.across, 2 * MOST_COLUMNS)
            for down in range(min(cell.down, len(rows) - y)):
                placed |= {(y + down, x + step): cell for step in range(across)}
            x += across
    width = max((x for _, x in placed), default=-1) + 1
    nothing = _Cell(False, 1, 1)
    return [[placed.get((y, x), nothing) for x in range(width)] for y in range(len(rows))]


def _leading(body: list[list[_Cell]]) -> int:
    """Columns at the left that name the rows: headers in every row."""
    if not body:
        return 0
    found = 0
    while found < len(body[0]) and all(line[found].head for line in body):
        found += 1
    return found if found < len(body[0]) else 0


def _column_name(cells: list[_Cell], *, corner: bool) -> str:
    said = [cell.text for cell in cells if cell.text]
    if corner:  # the last row names the index; above it stands what the columns are of
        return said[-1] if said else ""
    return ", ".join(text for before, text in pairwise(["", *said]) if text != before)


def _said(text: str) -> str:
    return "…" if text in _CUT else text


def _counts_up(cells: list[str]) -> bool:
    """Whether they are the running numbers of an index that nobody named."""
    said = [cell for cell in cells if cell != "…"]
    return said[:1] == ["0"] and all(map(str.isdecimal, said)) and all(int(a) < int(b) for a, b in pairwise(said))


def _numeric(cells: list[str]) -> bool:
    values = [cell for cell in cells if cell.lower() not in _NO_VALUE]
    return bool(values) and all(_NUMBER.fullmatch(cell) for cell in values)


def shape_said(text: str) -> tuple[int, int] | None:
    """Rows and columns of a frame where that is all that a text says, as pandas and Polars say it beside what they show."""
    found = _SHAPE.fullmatch(" ".join(re.sub(r"<[^>]*>", " ", text).split()))
    if not found:
        return None
    rows, columns = (one for one in found.groups() if one)
    return int(re.sub(r"\D", "", rows)), int(re.sub(r"\D", "", columns))
