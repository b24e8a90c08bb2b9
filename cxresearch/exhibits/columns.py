"""How the column of a table is named and written, by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from cxresearch.style import load_words, phrase


def column_label(name: str, how: str = "") -> str:
    """Read a column's name aloud: ``arrivals_per_h`` is "Arrivals per hour", ``wait_s`` is "Wait (s)"."""
    words = load_words()
    if name in words["columns"]:
        return str(words["columns"][name])
    unit = ""
    for suffix, text in words["suffixes"].items():
        if name.endswith(suffix) and len(name) > len(suffix):
            # A cell that says "76 s" needs no unit in its heading.
            name, unit = name.removesuffix(suffix), "" if suffix == "_s" and how == "seconds" else text
            break
    label = name.replace("_", " ").strip()
    return f"{phrase(label[:1].upper() + label[1:])}{unit}"


def unit_of(table: pd.DataFrame, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """How each column of a table is written: as ``given`` says, else as its name does.

    ``_s`` are seconds, ``share_...`` and ``..._share`` shares, ``p_value`` is a p-value, an hour or a weekday is a name;
    ``lower``, ``upper`` and the like follow the estimate before them, ``se`` and ``difference`` of shares are points.
    Of other columns whole numbers are counts, other numbers have three significant digits, the rest is text.
    """
    units: dict[str, str] = {}
    estimate = ""
    for name in map(str, table.columns):
        column = table[name]
        numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        unit = (given or {}).get(name, "")
        if not unit and numeric:
            unit = _named_unit(name, estimate) or ("count" if pd.api.types.is_integer_dtype(column) else "number")
        units[name] = unit or "text"
        if not _FOLLOWS.search(name) and units[name] != "text":
            estimate = units[name]
    return units


_FOLLOWS = re.compile(r"^(?:lower|upper|se|difference)$|_(?:lower|upper)$|^(?:lower|upper|difference)_")
_SHARES = ("survival", "probability", "pooled", "unseen")
_NAMES = ("hour", "weekday", "year")


def _named_unit(name: str, estimate: str) -> str:
    if name in _NAMES:
        return "text"
    if name.endswith("_s") and not name.endswith("_per_s"):
        return "seconds"
    if name in _SHARES or name.startswith("survival_") or re.search(r"(?:^|_)share(?:_|$)", name):
        return "share"
    if name == "p_value":
        return "p"
    if _FOLLOWS.search(name):
        return "points" if estimate == "share" and name.startswith(("se", "difference")) else estimate
    return ""
