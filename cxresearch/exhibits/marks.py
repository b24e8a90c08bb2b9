"""What a figure marks: the highest hour, the peaks of a rate, a promise, when half have gone, and days without rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date

import pandas as pd

from cxresearch.contacts import PeriodLog
from cxresearch.figures import Mark
from cxresearch.style import format_duration, phrase

MOST_PEAKS = 4  # more words than these find no room above a drawing


def top_hour(
    ranked: pd.DataFrame, drawn: pd.Series, say: Callable[[float], str], when: Callable[[float], str]
) -> tuple[Mark | None, tuple[float, ...]]:
    """The highest hour of a chart, and those that days cannot tell from it.

    ``ranked`` is ``risk_table.ranked_by_day`` by ``hour`` of what is drawn, ``drawn`` what is drawn by hour. ``say`` writes a
    height, ``when`` an hour. No mark where one hour alone is ranked, where another that is not ranked is drawn higher, and
    where one of them is not drawn.
    """
    if len(ranked) < 2:
        return None, ()
    first, rest = float(ranked["hour"].iloc[0]), ranked.iloc[1:]
    tied = tuple(rest.loc[~rest["behind"].astype(bool), "hour"].astype(float))
    heights = drawn.reindex([first, *tied])
    top = heights.iloc[0]
    if heights.isna().any() or not top > 0 or drawn.max() > top * (1 + 1e-9):
        return None, ()
    if not tied:
        return Mark(first, f"{when(first)}: {say(top)}"), ()
    number = len(tied) + 1
    if number == drawn.notna().sum():
        return Mark(first, phrase("all {number} tie, up to {top}", number=number, top=say(top))), tied
    return Mark(first, phrase("{number} tie, up to {top}", number=number, top=say(top))), tied


def half_gone(median_s: float, horizon_s: float) -> list[Mark]:
    """When half would have gone; none where that is beyond what is drawn, or not known."""
    if math.isnan(median_s) or median_s > horizon_s:
        return []
    return [Mark(median_s, phrase("half: {when}", when=format_duration(median_s)), 0.5)]


def promise_made(mine: PeriodLog, horizon_s: float) -> list[Mark]:
    """The promise, where all who queued were promised the same, or nothing; none where promises differ or are not drawn."""
    promised = mine.cells.loc[mine.cells["queued"].astype(bool), "promised_s"]
    known = promised.dropna().unique()
    if len(known) != 1 or not 0 < known[0] <= horizon_s:
        return []
    when = format_duration(float(known[0]))
    text = phrase("some promised {when}", when=when) if promised.isna().any() else phrase("promised {when}", when=when)
    return [Mark(float(known[0]), text)]


def peaks_of(near: pd.DataFrame, middle: float) -> pd.DataFrame:
    """The highest peak, and those above the usual rate whose band reaches its lower end, in the order of time."""
    sure = near["lower"] if near["lower"].max() > 0 else near["hazard_per_s"]
    first = near.loc[sure.idxmax()]
    if "upper" not in near:
        return first.to_frame().T
    rate = near["hazard_per_s"]
    local = (rate >= rate.shift(1, fill_value=0.0)) & (rate > rate.shift(-1, fill_value=0.0))
    beside = local & (near["lower"] > middle) & (near["upper"] >= first["lower"])
    return near[beside | (near.index == first.name)].sort_values("duration_s")


def named_peaks(peaks: pd.DataFrame) -> list[Mark]:
    """``peaks`` by their time; none where they are too many for words."""
    if len(peaks) > MOST_PEAKS:
        return []
    return [
        Mark(float(seconds), format_duration(seconds), float(rate))
        for seconds, rate in zip(peaks["duration_s"], peaks["hazard_per_s"], strict=True)
    ]


def without_rows(mine: PeriodLog) -> tuple[date, ...]:
    """Days without any contact that should have some (``PeriodLog.missing_days``), of the period and the one before."""
    logs = [log for log in (mine.previous, mine) if log is not None]
    return tuple(day for log in logs for day in log.missing_days)
