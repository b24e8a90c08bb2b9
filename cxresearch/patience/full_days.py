"""What is lost on a full day, hour by hour, and in which queue: means over days, with the day as the unit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.risk_table import day_band, ranked_by_day

OTHERS = "All other queues"
ENOUGH = 100  # contacts that asked: a queue with fewer is not named
MOST_NAMED = 3
ODD, FEWEST_FOR_MEDIAN = 3, 10  # times the median, of at least so many days
RARE = 0.2  # of the days: what more of them have is not odd


def lost_by_hour(cells: pd.DataFrame, *, weekdays: Collection[int]) -> pd.DataFrame:
    """How many gave up a day in each hour, in the queue or before it, and which hours cannot be told from the highest.

    Parameters
    ----------
    cells : that of a ``contacts.PeriodLog`` of one channel. weekdays : those that count, 1 (Monday) to 7.

    Returns
    -------
    DataFrame ``hour, asked, left, lost_per_day, lower, upper, tied``, in the order of the day; ``attrs["days"]``: how many
        ``asked`` and ``left`` are of all days together. Lower and upper are a 95 % interval of the mean, the day as the
        unit; NaN with fewer than five days. ``tied``: the highest hour, and every other that days cannot tell from it;
        an hour in which fewer than 100 asked is not ranked, and with fewer than five days none is. Where more than half of
        the hours cannot be told from the highest, none is said to be.
    """
    counts = _counts(cells, weekdays)
    days = np.sort(counts["day"].unique())
    hours = np.sort(counts["hour"].unique())
    left = counts.pivot_table(index="day", columns="hour", values="left", aggfunc="sum", fill_value=0)
    left = left.reindex(index=days, columns=hours, fill_value=0).to_numpy(dtype=float)
    table = counts.groupby("hour", as_index=False)[["asked", "left"]].sum()
    table["lost_per_day"] = table["left"] / len(days)
    mean = table["lost_per_day"].to_numpy(dtype=float)
    size = counts.groupby("day")["asked"].sum().reindex(days).to_numpy(dtype=float)
    bands = [
        day_band(days, size, mean[n : n + 1], (left[:, n : n + 1] - mean[n]) / len(days), "log")
        for n in range(len(hours))
    ]
    table["lower"], table["upper"] = ([float(band[end][0]) for band in bands] for end in (0, 1))
    ranked = ranked_by_day(counts, by="hour", top="left", below="asked", ratio=False)
    told = len(ranked) > 1 and ranked["p_value"].notna().any() and ranked["left"].iloc[0] > 0
    first = ranked.loc[~ranked["behind"].astype(bool), "hour"]
    table["tied"] = table["hour"].isin(first) if told and 2 * len(first) <= len(ranked) else False
    table.attrs = {"days": len(days)}
    return table


def odd_times(cells: pd.DataFrame, *, weekdays: Collection[int]) -> pd.DataFrame:
    """Full days, and hours of other full days, on which far more were lost than usual: over three times the median of these
    days (of each hour over these days), and at least 100 in all.

    Parameters
    ----------
    cells, weekdays : as for :func:`lost_by_hour`.

    Returns
    -------
    DataFrame ``day, first_hour, last_hour, left, usual, days``, the largest first
        Of a whole day both hours are missing; hours in a row of one day are one row, and ``usual`` is the median of what these
        hours together lost on the days. Empty with fewer than ten days, a median of fewer is no
        usual day, and where more than a fifth of the days would be named: that is how days are. It says when, not why.
    """
    counts = _counts(cells, weekdays)
    left = counts.pivot_table(index="day", columns="hour", values="left", aggfunc="sum", fill_value=0)
    columns = ["day", "first_hour", "last_hour", "left", "usual", "days"]
    if len(left) < FEWEST_FOR_MEDIAN:
        return pd.DataFrame(columns=columns)
    whole, usual = left.sum(axis=1), left.median()
    odd_day = (whole > ODD * whole.median()) & (whole >= ENOUGH)
    rows: list[tuple[Any, ...]] = [
        (day, None, None, int(whole[day]), float(whole.median()), len(left)) for day in left.index[odd_day]
    ]
    odd = left > ODD * usual
    for day in left.index[~odd_day & odd.any(axis=1)]:
        hours = [int(hour) for hour in left.columns[odd.loc[day]]]
        starts = [hour for hour in hours if hour - 1 not in hours]
        for start in starts:
            end = next(hour for hour in hours if hour >= start and hour + 1 not in hours)
            span = list(range(start, end + 1))
            together = left[span].sum(axis=1)
            # Hours that each are usually quiet need not be so together.
            if together[day] >= ENOUGH and together[day] > ODD * together.median():
                rows.append((day, start, end, int(together[day]), float(together.median()), len(left)))
    if len({row[0] for row in rows}) > RARE * len(left):
        rows = []
    found = pd.DataFrame(rows, columns=columns).astype({"first_hour": "Int64", "last_hour": "Int64"})
    return found.sort_values(["left", "day"], ascending=[False, True], ignore_index=True)


def lost_by_hour_and_queue(cells: pd.DataFrame, *, weekdays: Collection[int]) -> pd.DataFrame:
    """How many gave up a day in each hour and queue; the parts of an hour add up to that of :func:`lost_by_hour`.

    Returns
    -------
    DataFrame ``hour, queue, lost_per_day``, hour by hour, in each the queue that loses most first
        The three queues that lose most are named, where at least 100 asked for them; all others are one.
    """
    counts = _counts(cells, weekdays)
    whole = counts.groupby("queue")[["asked", "left"]].sum().drop(index=OTHERS, errors="ignore")
    enough = whole[(whole["asked"] >= ENOUGH) & (whole["left"] > 0)].sort_values("left", ascending=False, kind="stable")
    named = list(enough.index[:MOST_NAMED])
    counts = counts.assign(queue=counts["queue"].where(counts["queue"].isin(named), OTHERS))
    names = [*named, *([OTHERS] if counts.loc[counts["queue"] == OTHERS, "left"].sum() else [])]
    sums = counts.pivot_table(index="hour", columns="queue", values="left", aggfunc="sum", fill_value=0)
    sums = sums.reindex(columns=names, fill_value=0) / counts["day"].nunique()
    return (
        sums.reset_index()
        .melt("hour", var_name="queue", value_name="lost_per_day")
        .sort_values("hour", kind="stable", ignore_index=True)
    )


def _counts(cells: pd.DataFrame, weekdays: Collection[int]) -> pd.DataFrame:
    """``day, hour, queue, asked, left`` of those weekdays."""
    rows = cells[cells["weekday"].isin(list(weekdays))]
    left = rows["outcome"] == "abandoned"
    asked = rows["queued"].astype(bool) | (rows["outcome"] != "deflected")
    queue = rows["queue"].astype(object)
    table = pd.DataFrame({
        "day": rows["day"], "hour": rows["hour"], "queue": queue.where(queue.notna() & (queue != ""), OTHERS),
        "asked": rows["contacts"].where(asked, 0), "left": rows["contacts"].where(left, 0),
    })  # fmt: skip
    if table.empty:
        raise ValueError("nobody asked on these weekdays, so there is no day to count on.")
    return table.groupby(["day", "hour", "queue"], as_index=False).sum()
