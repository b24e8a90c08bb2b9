"""What leaves a page for other programs: its tables as CSV and as one spreadsheet, its figures as files.

A spreadsheet runs a cell that begins like a formula, and names of queues come from other people's systems: text stays
text here. Numbers are never touched.
"""

from __future__ import annotations

import csv
import html
import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cxresearch.style import load_words

# What spreadsheets take for the beginning of a formula, also in the wide and small forms of these signs, after spaces
# that nobody sees, and after a semicolon, which divides cells where a comma is the decimal mark.
_RUNS = re.compile(
    r"(^|[;\t\r\n])(?=[\s\u00ad\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠﹦﹢﹣﹫])|^(?=[\t\r\n])"
)  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|-?inf", re.IGNORECASE)
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,14})")
_FIXED = datetime(2000, 1, 1)  # equal tables, equal bytes: no clock
_LONGEST = 32_767  # letters of a cell
_HEAD = 4  # the row of the columns' names, below the caption, the kind and the way back
_SHEET = 31  # letters of a sheet's name
_AS = {"share": "0.0%", "points": "0.0%", "count": "#,##0", "seconds": "#,##0.0", "number": "General", "p": "0.0000"}


def safe_cell(text: str) -> str:
    """``text`` so that a spreadsheet reads it as text; a number stays as it is."""
    return text if _NUMBER.fullmatch(text) else _RUNS.sub(r"\1'", text)


def safe_csv(content: Mapping[str, Any]) -> str:
    """The CSV of a recorded table in which no cell of text, and no name of a column, is run by a spreadsheet."""
    written = io.StringIO()
    rows = ([re.sub(r"\r\n?", "\n", safe_cell(cell)) for cell in row] for row in rows_of(content))
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def write_workbook(path: Path, tables: Sequence[Mapping[str, Any]], *, run: Mapping[str, Any], language: str) -> None:
    """Write ``tables``, as a page shows them (``blocks.table_view``), into one spreadsheet: a sheet each, after a list of
    them. Each says its caption and its kind; numbers are numbers, their unit stands above them."""
    from xlsxwriter import Workbook

    words = load_words(language)
    # Nothing of what a text looks like makes a formula or a link of it.
    book = Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    book.set_properties({"title": f"{run['title']}, {run['period_label']}", "created": _FIXED})
    looks = {name: book.add_format({"num_format": form}) for name, form in _AS.items()}
    bold, link = book.add_format({"bold": True}), book.add_format({"font_color": "#0b5cad", "underline": 1})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    warn = book.add_format({"bold": True, "font_color": "#ffffff", "bg_color": "#b00020"})
    names = [sheet_name(number, table["caption"]) for number, table in enumerate(tables, start=1)]

    first = book.add_worksheet(words["page"]["contents"][:_SHEET])
    first.write_string(0, 0, f"{run['title']}, {run['period_label']}"[:_LONGEST], bold)
    if run["simulated"]:
        first.write_string(1, 0, words["page"]["simulated"], warn)
    first.set_column(0, 0, 100)
    first.set_column(1, 1, 16)
    for row, (name, table) in enumerate(zip(names, tables, strict=True), start=3):
        first.write_url(row, 0, f"internal:'{_quoted(name)}'!A1", link, table["label"][:255])
        first.write_string(
            row, 1, words["kinds"].get(table["kind"], ""), warn if table["kind"] == "SIMULATED" else None
        )

    for name, table in zip(names, tables, strict=True):
        sheet = book.add_worksheet(name)
        sheet.write_string(0, 0, table["label"][:_LONGEST], bold)
        sheet.write_string(1, 0, words["kinds"].get(table["kind"], ""), warn if table["kind"] == "SIMULATED" else None)
        sheet.write_url(2, 0, f"internal:'{_quoted(first.get_name())}'!A1", link, words["page"]["contents"])
        _write_cells(sheet, table, head=head, looks=looks, words=words)
    book.close()


def _write_cells(
    sheet: Any, table: Mapping[str, Any], *, head: Any, looks: Mapping[str, Any], words: Mapping[str, Any]
) -> None:
    columns, cells = table["columns"], rows_of(table)[1:]
    for at, column in enumerate(columns):
        sheet.write_string(_HEAD, at, _headed(column, words), head)
        lengths = [len(column["label"]) // 2, *(len(shown[at]) for shown in table["rows"])]
        sheet.set_column(at, at, min(max(12, *lengths), 60))
        # An hour or a year names its row and is a number all the same.
        whole = not column["numeric"] and all(_WHOLE.fullmatch(row[at]) for row in cells)
        look = looks[column.get("unit", "number")] if column["numeric"] else None
        for place, (row, shown) in enumerate(zip(cells, table["rows"], strict=True), start=_HEAD + 1):
            cell = row[at]
            if whole or (column["numeric"] and _NUMBER.fullmatch(cell) and "inf" not in cell):
                sheet.write_number(place, at, float(cell), look)
            elif cell:
                # What is no number in a column of numbers (endless, held back) is said as the page says it.
                sheet.write_string(place, at, (shown[at] if column["numeric"] else cell)[:_LONGEST])
    sheet.freeze_panes(_HEAD + 1, 1)


def sheet_name(number: int, caption: str) -> str:
    """A name for the sheet of table ``number``: its number and the beginning of its caption, as spreadsheets allow it."""
    words = re.sub(r"[\[\]:*?/\\\x00-\x1f]+", " ", caption)
    return f"{number} {' '.join(words.split())}"[:_SHEET].rstrip().rstrip("'")


def standalone(svg: str, *, finding: str, subtitle: str, kind: str) -> str:
    """A figure of the page as a file: its finding, its subtitle and its kind go with it, its colours stand in it.

    Drawing programs know neither the page's variables nor ``calc``.
    """
    svg = re.sub(r"calc\(([\d.]+px) \* var\(--figure-text, 1\)\)", r"\1", svg)
    svg = re.sub(r"var\(--[\w-]+, ([^()]*)\)", r"\1", svg)
    left, top, width, height = (float(part) for part in re.findall(r'viewBox="([^"]+)"', svg)[0].split())
    size = width * 0.034
    lines = [
        *((line, "bold") for line in textwrap.wrap(finding, 50)),
        *((line, "normal") for line in textwrap.wrap(f"{subtitle} ({kind})", 56)),
    ]
    above = round(size * 1.35 * len(lines) + size, 2)
    said = "".join(
        f'<text x="{left + 4:g}" y="{top - above + size * 1.35 * (place + 1):.2f}" '
        f'style="font-family: sans-serif; font-size: {size:.2f}px; font-weight: {weight}">{html.escape(line)}</text>\n'
        for place, (line, weight) in enumerate(lines)
    )
    ground = f'<rect x="{left:g}" y="{top - above:g}" width="{width:g}" height="{above:g}" style="fill: #ffffff"/>\n'
    box = f'viewBox="{left:g} {top - above:g} {width:g} {height + above:g}"'
    opened = re.sub(r'viewBox="[^"]+"', box, svg, count=1)
    return opened.replace("</svg>", f"{ground}{said}</svg>")


def rows_of(content: Mapping[str, Any]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content["csv"], newline="")))


def _headed(column: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    """The column's name with its unit, which a cell that is a number no longer says."""
    unit = {"share": "%", "points": words["units"]["points"], "seconds": words["units"]["s"]}.get(
        column.get("unit", "")
    )
    label = str(column["label"])
    return label if unit is None or label.endswith(f"({unit})") else f"{label} ({unit})"


def _quoted(name: str) -> str:
    return name.replace("'", "''")
