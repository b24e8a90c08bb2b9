"""A drawing in words, for a reader who cannot see it."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from cxresearch.figures import Before
from cxresearch.style import format_duration, format_value, phrase


def hours_aloud(hours: pd.DataFrame) -> str:
    """Share of those who queued who gave up, hour by hour."""
    return "; ".join(
        phrase("{hour} h: {share}", hour=row.hour, share=_share(row.share_left_of_queued)) for row in hours.itertuples()
    )


def curves_aloud(at: pd.DataFrame, by: str) -> str:
    """Shares still waiting, read at some durations."""

    def one(rows: pd.DataFrame) -> str:
        known = rows.dropna(subset=["survival"])
        said = [
            phrase("{share} after {after}", share=_share(row.survival), after=format_duration(row.duration_s))
            for row in known.itertuples()
        ]
        return ", ".join(said) or format_value(None)

    if not by:
        return phrase("Would still wait: {said}.", said=one(at))
    return " ".join(f"{name}: {one(rows)}." for name, rows in at.groupby(by, sort=False))


def before_aloud(before: Before | None, at_s: Iterable[float]) -> str:
    """The pale line of a curve, read at ``at_s``; empty where there is none."""
    if before is None:
        return ""
    curve = before.table.set_index("duration_s")["survival"]
    said = [
        phrase(
            "{share} after {after}", share=_share(curve[curve.index <= seconds].iloc[-1]), after=format_duration(seconds)
        )
        for seconds in at_s if curve.index.min() <= seconds <= curve.index.max()
    ]  # fmt: skip
    return f" {before.label}: {', '.join(said)}." if said else ""


def _share(value: float) -> str:
    return format_value(value, "share")


MOST_ROWS = 40  # of a figure with a row a group: more are no figure, and nobody listens to them


def first_rows(rows: pd.DataFrame, lines: str) -> tuple[pd.DataFrame, str]:
    """The rows that are drawn and read out, and ``lines``, with how many others stand in the table alone."""
    if len(rows) <= MOST_ROWS:
        return rows, lines
    number = {"shown": format_value(MOST_ROWS, "count"), "number": format_value(len(rows), "count")}
    return rows.head(
        MOST_ROWS
    ), f"{lines}. {phrase('Drawn are the first {shown} of {number}, the table has all', **number)}"
