"""The log hour by hour: how many asked, waited and left, and the mean patience that a line through the hours tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cxresearch.risk_table import Floats, risk_table, validated

FEWEST_HOURS = 3


def hourly_table(contacts: Any, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Count the contacts of each hour of each day: all that asked, those answered at once too.

    Parameters
    ----------
    contacts : as for ``risk_table``, with ``opened_at``; the log stays on its engine, one group-by.
    by : columns to keep apart, such as ``queue``.

    Returns
    -------
    DataFrame ``*by, date, hour, weekday, contacts, queued, left, waited_s, mean_wait_s, share_left_of_asked``, sorted
        ``date`` is midnight, ``weekday`` 1 Monday to 7 Sunday; ``contacts`` is everybody, ``left`` the abandoned,
        ``waited_s`` the seconds waited by all together; ``mean_wait_s`` and ``share_left_of_asked`` are per contact, those
        answered at once included. An hour without contacts has no row.

    It is no risk table: who was answered at once is counted here and says nothing on patience there.
    """
    by = [by] if isinstance(by, str) else list(by)
    frame = nw.from_native(contacts).lazy()
    names = frame.collect_schema().names()
    known = "queued" in names
    at_once = (nw.col("queued") == nw.lit(value=False)).fill_null(value=False) if known else nw.lit(value=False)
    frame = frame.with_columns(at_once.alias("at_once"))
    if "opened_at" in names and "date" not in names:
        frame = frame.with_columns(nw.col("opened_at").dt.truncate("1d").alias("date"))
    everybody = frame.drop("queued") if known else frame
    keys = [*by, "date", "hour", "weekday"]
    counts = risk_table(everybody.to_native(), by=[*keys, "at_once"])
    counts["date"] = pd.to_datetime(counts["date"])  # engines differ in what a day is
    counts["queued"] = counts["contacts"].where(~counts["at_once"].astype(bool), 0)
    table = _sums(counts, keys)
    table["mean_wait_s"] = table["waited_s"] / table["contacts"]
    table["share_left_of_asked"] = table["left"] / table["contacts"]
    return table


def mean_patience(
    hourly: pd.DataFrame,
    *,
    by: str | Sequence[str] = (),
    rng: np.random.Generator | None = None,
    replicates: int = 2_000,
) -> pd.DataFrame:
    """Mean patience from the hours: the share that leaves grows with the mean wait, by one over the mean patience.

    Parameters
    ----------
    hourly : DataFrame ``date, hour, contacts, left, waited_s``, one row an hour, as :func:`hourly_table` makes it
        Choose the hours meant before, such as those of working days. Rows without contacts are left out. A risk table
        with ``date`` and ``hour`` is taken too: the line of those who queued, without those answered at once.
    by : columns that tell groups apart.
    rng : where given, the interval comes from ``replicates`` bootstrap samples of whole days; None: from the formula
        with days as clusters (t with one degree of freedom less than days).

    Returns
    -------
    DataFrame, one row a group
        ``*by, estimate, se, lower, upper`` (seconds; 95 %), ``intercept`` (share that would leave at no wait),
        ``r_squared``, ``through_origin_s`` (the same with the line forced through 0), ``ratio_s``, ``ratio_lower``,
        ``ratio_upper`` (all seconds waited over all who left), ``hours, days, contacts``. Where the slope is not above
        0 the estimate is infinite.

    The line is the ordinary least squares line of share_left_of_asked on mean_wait_s, each hour once: the published method. It
    is exact for exponential patience only; other laws give another slope, and the mean alone cannot size a team.
    Chance in hours with few contacts flattens the line and so lengthens the estimate (by 15 % at 40 contacts an hour,
    1 % at 400, in benchmarks/results/calibration.md), and its interval does not know. ``ratio_s``, the
    maximum-likelihood mean for exponential patience, does not suffer from it: lead with the ratio, check the law with
    the line. Raises ValueError for a missing column, numbers that are no counts, fewer than 3 hours or 2 days, equal
    waits, or nobody who left.
    Reference: Brown et al. (2005), section 7.1.1, doi:10.1198/016214504000001808.
    """
    names = [by] if isinstance(by, str) else list(by)
    hours = _checked_hours(hourly, names)
    rows = []
    for key, one in hours.groupby(names) if names else [((), hours)]:
        where = f" (where {', '.join(f'{n} is {k}' for n, k in zip(names, key, strict=True))})" if names else ""
        days = _days(one, where)
        found = _by_formula(days) if rng is None else _by_bootstrap(days, rng, replicates)
        rows.append({**dict(zip(names, key, strict=True)), **found, "hours": len(one), "days": len(days.sums),
                     "contacts": int(one["contacts"].sum())})  # fmt: skip
    return pd.DataFrame(rows)


class _Days(NamedTuple):
    """The points of a line and their sums by day: 1, x, y, xx, xy, seconds waited, contacts left."""

    wait: Floats
    share: Floats
    day: np.ndarray
    sums: Floats


class _Lines(NamedTuple):
    slope: Floats
    origin: Floats  # slope through the origin
    rate: Floats  # left per second waited
    intercept: Floats


def _days(hours: pd.DataFrame, where: str) -> _Days:
    contacts = hours["contacts"].to_numpy(dtype=float)
    wait, share = hours["waited_s"].to_numpy(dtype=float) / contacts, hours["left"].to_numpy(dtype=float) / contacts
    day, dates = pd.factorize(hours["date"])
    if len(hours) < FEWEST_HOURS or len(dates) < 2:
        raise ValueError(
            f"a line needs {FEWEST_HOURS} hours on 2 days at least; there are {len(hours)} on {len(dates)}{where}."
        )
    if not hours["left"].any():
        raise ValueError(f"nobody left in {len(hours)} hours{where}: how long people would wait cannot be seen.")
    if np.ptp(wait) <= 0:
        raise ValueError(f"the mean wait is the same in all {len(hours)} hours{where}: there is no line to draw.")
    points = np.column_stack([np.ones(len(wait)), wait, share, wait * wait, wait * share, hours["waited_s"],
                              hours["left"]])  # fmt: skip
    sums = np.zeros((len(dates), points.shape[1]))
    np.add.at(sums, day, points)
    return _Days(wait, share, day, sums)


def _lines(sums: Floats) -> _Lines:
    """The lines of several sets of sums; last axis: 1, x, y, xx, xy, seconds, left."""
    n, x, y, xx, xy, seconds, left = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (n * xy - x * y) / (n * xx - x * x)
        return _Lines(slope, xy / xx, left / seconds, (y - slope * x) / n)


def _by_formula(days: _Days) -> dict[str, float]:
    """Standard errors with days as clusters, on the scale of the slope, then turned over."""
    line, clusters, n = _lines(days.sums.sum(axis=0)), len(days.sums), len(days.wait)
    centred = days.wait - days.wait.mean()
    score = np.bincount(days.day, centred * (days.share - line.intercept - line.slope * days.wait))
    small = clusters / (clusters - 1) * (n - 1) / (n - 2)
    slope_se = np.sqrt(small * (score**2).sum()) / (centred**2).sum()
    excess = days.sums[:, 6] - line.rate * days.sums[:, 5]
    rate_se = np.sqrt(clusters / (clusters - 1) * (excess**2).sum()) / days.sums[:, 5].sum()
    t = stdtrit(clusters - 1, 0.975)
    return _seconds(
        days,
        se=float(slope_se / line.slope**2) if line.slope > 0 else np.nan,
        slopes=(line.slope - t * slope_se, line.slope + t * slope_se),
        rates=(line.rate - t * rate_se, line.rate + t * rate_se),
    )


def _by_bootstrap(days: _Days, rng: np.random.Generator, replicates: int) -> dict[str, float]:
    """Percentiles over samples of whole days."""
    if replicates < 2:
        raise ValueError(f"replicates must be 2 or more; got {replicates}.")
    clusters = len(days.sums)
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=replicates)
    lines = _lines(drawn @ days.sums)
    # A sample of one and the same day may have no line; it says nothing.
    slope = lines.slope[np.isfinite(lines.slope)]
    falling = slope[slope > 0]
    return _seconds(
        days,
        se=float(np.std(1 / falling, ddof=1)) if len(falling) > 1 else np.nan,
        slopes=tuple(np.quantile(slope, [0.025, 0.975], method="weibull")),
        rates=tuple(np.quantile(lines.rate[np.isfinite(lines.rate)], [0.025, 0.975], method="weibull")),
    )


def _seconds(days: _Days, *, se: float, slopes: tuple, rates: tuple) -> dict[str, float]:
    """Slopes per second turned into seconds: a larger slope is less patience, one that is not above 0 is no end."""
    line = _lines(days.sums.sum(axis=0))
    residual = ((days.share - line.intercept - line.slope * days.wait) ** 2).sum()
    total = ((days.share - days.share.mean()) ** 2).sum()
    estimate = _turned(line.slope)
    return {
        "estimate": estimate, "se": se if np.isfinite(estimate) else np.nan,
        "lower": _turned(slopes[1]), "upper": _turned(slopes[0]),
        "intercept": float(line.intercept), "r_squared": float(1 - residual / total) if total > 0 else np.nan,
        "through_origin_s": _turned(line.origin),
        "ratio_s": _turned(line.rate), "ratio_lower": _turned(rates[1]), "ratio_upper": _turned(rates[0]),
    }  # fmt: skip


def _turned(slope: Floats | float) -> float:
    return float(1 / slope) if slope > 0 else np.inf


def _sums(counts: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A risk table summed to one row a key: contacts, those who left, seconds waited, and ``queued`` if there."""
    number = counts["contacts"]
    parts = counts[[*keys, *(["queued"] if "queued" in counts else [])]].assign(
        contacts=number,
        left=number.where(counts["outcome"] == "abandoned", 0),
        waited_s=number * counts["duration_s"],
    )
    order = [*keys, "contacts", *(["queued"] if "queued" in counts else []), "left", "waited_s"]
    return parts.groupby(keys, as_index=False, dropna=False).sum()[order]


def _checked_hours(hourly: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    keys = [*names, "date", "hour"]
    if {*keys, "duration_s", "outcome"} <= set(hourly.columns) and "waited_s" not in hourly:
        hourly = _sums(validated(hourly, event="abandoned", by=tuple(keys)), keys)
    needed = [*names, "date", "hour", "contacts", "left", "waited_s"]
    missing = [name for name in needed if name not in hourly]
    if missing:
        raise ValueError(
            f"the hourly table has no column {', '.join(missing)}; it has {', '.join(map(str, hourly.columns))}. "
            "hourly_table(contacts) makes one."
        )
    numbers = hourly[["contacts", "left", "waited_s"]].astype(float)
    bad = ~(np.isfinite(numbers).all(axis=1) & (numbers >= 0).all(axis=1) & (numbers["left"] <= numbers["contacts"]))
    if bad.any():
        raise ValueError(
            f"contacts, left and waited_s must be numbers >= 0, and no more may leave than came; {bad.sum()} of "
            f"{len(hourly)} hours are otherwise (the first is row {int(np.flatnonzero(bad)[0])}); correct or drop them."
        )
    return hourly[numbers["contacts"] > 0]
