"""A recorded table as the page shows it: folded when it is long, in rows below each other where the screen is narrow."""

from __future__ import annotations

import base64
import re
from typing import Any

FOLDED_ROWS = 12  # beyond these a table is closed until its reader opens it
FOLDED_LETTERS = 1_200  # so is one whose few rows are long texts
_LONG = 28  # letters beyond which a cell is a text that wraps
_NARROW = 44  # letters that stand beside each other on a telephone


def table_view(content: dict[str, Any], *, label: str, file: str) -> dict[str, Any]:
    """What the template shows of a table recorded by ``present``: its classes, its file, and how it is folded."""
    slug = re.sub(r"[^a-z0-9]+", "-", content["caption"].lower()).strip("-")[:60]
    data = base64.b64encode(content["csv"].encode()).decode()
    columns, rows = content["columns"], content["rows"]
    lengths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = [not column["numeric"] for column in columns]
    long = [text and length > _LONG for text, length in zip(texts, lengths, strict=True)]
    return {
        **content,
        "classes": ["n" if not text else "long" if wraps else "" for text, wraps in zip(texts, long, strict=True)],
        "label": label,
        "folded": len(rows) > FOLDED_ROWS or sum(len(cell) for row in rows for cell in row) > FOLDED_LETTERS,
        # Numbers are compared down a column and keep it; texts are read one row after the other.
        "stacked": (long[0] or any(texts[1:])) and sum(min(length, _LONG) for length in lengths) > _NARROW,
        "file": f"{file}-{slug}.csv",
        "href": f"data:text/csv;charset=utf-8;base64,{data}",
    }
