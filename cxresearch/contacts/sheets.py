"""Spreadsheets as text: the one sheet that holds a table, its cells as they would stand in a file."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cxresearch.contacts.canonical import LogError, first_line, listed
from cxresearch.contacts.layout import SHEET, Layout, text_layout

_ROWS, _CELLS = 5, 3  # a sheet with more rows, and so many cells in one, is a table; others are covers and notes


def sheet_layout(path: Path) -> Layout:
    """The layout of the text of a spreadsheet."""
    with sheet_text(path) as text:
        return replace(text_layout(text, delimiter=","), encoding=SHEET)


@contextmanager
def sheet_text(path: Path) -> Iterator[Path]:
    """A spreadsheet as a text file that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cxresearch-") as folder:
        yield Path(sheet_as_text(path, Path(folder)))


def sheet_as_text(path: Path, folder: Path) -> str:
    """The sheet with a table as text; a time stands in ISO 8601, a time span as a clock. Raises LogError where two sheets
    hold tables."""
    try:
        from python_calamine import CalamineWorkbook

        with CalamineWorkbook.from_path(str(path)) as book:
            sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    except Exception as error:
        raise LogError(f"cannot read {path}: {first_line(error)}. Save it again, or as CSV.") from error
    tables = [name for name, rows in sheets.items() if len(rows) > _ROWS and _widest(rows) >= _CELLS]
    if len(tables) > 1:
        raise LogError(
            f"{path} has {len(tables)} sheets with tables: {listed(tables)}. Save each that is meant as a file."
        )
    rows = sheets[tables[0]] if tables else next(filter(None, sheets.values()), [])
    if not rows:
        raise LogError(f"{path} is empty: no sheet has a cell.")
    target = folder / f"{len(list(folder.iterdir()))}.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_cell_text(cell) for cell in row] for row in rows)
    return str(target)


def _widest(rows: list[list[Any]]) -> int:
    return max(sum(str(cell) != "" for cell in row) for row in rows)


def _cell_text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, timedelta):
        seconds = cell.total_seconds()
        return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600:.0f}:{abs(seconds) // 60 % 60:02.0f}:{abs(seconds) % 60:09.6f}"
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
