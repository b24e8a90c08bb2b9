"""Cells that count fewer people than a report may show, held back on their way to a page.

A table is held back where it sets groups side by side (a queue, an hour, a weekday, ...) and counts people in them. Both
are known by the name of a column, as units are. docs/small-groups.md says what is held back, and what is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

GROUPS = ("queue", "channel", "hour", "weekday", "promised_s", "promise", "term", "level")
PEOPLE = (
    "contacts", "queued", "left", "answered", "asked", "kept", "missed", "events", "tickets", "switched", "customers",
    "still_unanswered", "closed_unanswered", "messages",
)  # fmt: skip
MOMENTS = ("within_s",)  # they set a table's rows apart, and make no group of anybody
UNDER, NOT_SHOWN = "under", "not_shown"

# What the parameters cell of a notebook says, for all that this notebook shows.
_smallest = {"group": 5}


def hold_back(*, smallest_group: int) -> None:
    """Hold back, from here on, cells of tables by group that count fewer than ``smallest_group`` people (1: none).

    Raises ValueError for anything but a whole number of at least 1.
    """
    if isinstance(smallest_group, bool) or not isinstance(smallest_group, int) or smallest_group < 1:
        raise ValueError(f"smallest_group is a whole number of people, at least 1; got {smallest_group!r}.")
    _smallest["group"] = smallest_group


def smallest_group() -> int:
    """People below whom a cell is held back."""
    return _smallest["group"]


def held_back(
    table: pd.DataFrame, people: Mapping[str, Any] | None = None, units: Mapping[str, str] | None = None
) -> pd.DataFrame | None:
    """Which cells of ``table`` a page does not show; None where it shows all of them.

    ``people``: columns that tell a count of people though they are none -> by what to multiply them to get people: the days
    of a mean a day, the base of a share. ``units``: how columns are written, where their name does not say so; what is no
    count there is none here.

    Returns a table of the same columns: ``"under"`` where a cell counts at least one and fewer than ``smallest_group``
    people; ``"not_shown"`` where another cell would tell such a one: everything else in its row but the groups' names and
    the largest count, and, where one held-back cell is left alone in its column (of the table, or of one group of a table
    by two), the next smallest. ``""`` elsewhere.
    """
    people, units = people or {}, units or {}
    keys = [name for name in table.columns if name in GROUPS + MOMENTS]
    names = [
        name for name in table.columns
        if (name in people or (name in PEOPLE and units.get(name, "count") == "count"))
        and pd.api.types.is_numeric_dtype(table[name]) and not pd.api.types.is_bool_dtype(table[name])
    ]  # fmt: skip
    if not set(keys) & set(GROUPS) or not names:
        return None
    rows = table.reset_index(drop=True)
    times = {
        name: factor.reset_index(drop=True) if isinstance(factor, pd.Series) else factor
        for name, factor in people.items()
    }
    # What was divided comes back with the noise of the division.
    counts = pd.DataFrame({name: (rows[name] * times.get(name, 1)).astype(float).round(6) for name in names}).fillna(
        0.0
    )
    small = (counts > 0) & (counts < smallest_group())
    if not small.to_numpy().any():
        return None
    hidden = _with_what_tells(small, counts, _lines(rows, keys))
    held = pd.DataFrame("", index=rows.index, columns=table.columns)
    kept = {table.columns[0], *keys, *names}
    held.loc[hidden.any(axis=1), [name for name in table.columns if name not in kept]] = NOT_SHOWN
    for name in names:
        held.loc[hidden[name], name] = NOT_SHOWN
        held.loc[small[name], name] = NOT_SHOWN if name in people else UNDER
    held.index = table.index
    return held


def told_whole(table: pd.DataFrame, people: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows of ``table`` of which nothing is held back, for a drawing or a sentence."""
    held = held_back(table, people)
    return table if held is None else table[(held == "").all(axis=1)]


def _lines(rows: pd.DataFrame, keys: list[str]) -> list[pd.Series]:
    """The sets of rows whose sum may stand elsewhere: all, and in a table by two groups those of one group."""
    lines = [pd.Series(True, index=rows.index)]
    for key in keys if len(keys) > 1 else []:
        number = rows.groupby(key, dropna=False).ngroup()
        lines += [number == one for one in range(number.max() + 1)]
    return lines


def _with_what_tells(small: pd.DataFrame, counts: pd.DataFrame, lines: list[pd.Series]) -> pd.DataFrame:
    hidden, before = small.copy(), -1
    largest = counts.eq(counts.max(axis=1), axis=0)
    while hidden.to_numpy().sum() != before:
        before = hidden.to_numpy().sum()
        hidden |= (~largest).mul(hidden.any(axis=1), axis=0)
        for line in lines:
            for name in counts:
                held = hidden[name] & line
                others = counts.loc[line & ~hidden[name] & (counts[name] > 0), name]
                alone = held.sum() < 2 or counts.loc[held, name].sum() < smallest_group()
                if held.any() and alone and len(others):
                    hidden.loc[others.idxmin(), name] = True
    return hidden
