"""The hazard of an outcome, smoothed over the wait: when do people leave, second by second."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from cxresearch.risk_table import (
    Cells,
    Floats,
    Integers,
    Names,
    at_risk,
    cells,
    column_names,
    first_place,
    group_codes,
    rate_limits,
    validated,
)

STEPS = 10  # points of the result in one bandwidth: the kernel shows nothing finer
POINTS_LIMIT = 1_000_000
PAIRS_LIMIT = 50_000_000


def hazard_rate(
    table: pd.DataFrame,
    *,
    event: str = "abandoned",
    bandwidth_s: float,
    by: Names = (),
    tick_s: float | None = None,
) -> pd.DataFrame:
    """Estimate the hazard of ``event`` at each moment of the wait, smoothed over ``bandwidth_s`` to either side.

    The jumps of the Nelson-Aalen curve are averaged with the Epanechnikov kernel, corrected to first order in the
    window that the data leave (local linear), so that the estimate is as right at 0 and at the end as between.

    Parameters
    ----------
    table, event, by : as for ``survival.kaplan_meier``.
    bandwidth_s : seconds, > 0; at most the length of the shortest group's waits.  Take several ticks at least.
    tick_s : width of the tick at whose start durations were counted, seconds: what is counted at t happened between
        t and t + tick_s.  Events are placed in the middle, and those who leave were at risk for half of the tick
        (the life-table hazard).  None takes the tick that ``risk_table`` recorded in ``table.attrs``, or 0 where
        there is none: durations are then exact, and everybody at risk at an event counts.

    Returns
    -------
    DataFrame: ``*by, duration_s, hazard_per_s, lower, upper``
        Every tenth of a bandwidth from the first moment at risk (0, or the first entry) to the group's last one.
        The hazard is per second and not below 0.  The limits are pointwise, at 95 %, from the gamma law of a weighted
        count: they stay above 0 where a window holds no event.  They are limits of the smoothed hazard: a peak
        narrower than the bandwidth is flattened, and they do not know.

    Raises ValueError for a bandwidth that does not fit, and where for some time in between nobody is at risk.
    References: Ramlau-Hansen (1983), doi:10.1214/aos/1176346152; Jones (1993), doi:10.1007/BF00147776; life table:
    Gehan (1969), Journal of Chronic Diseases 21:629-644;
    limits: Fay & Feuer (1997), doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#.
    """
    if not (math.isfinite(bandwidth_s) and bandwidth_s > 0):
        raise ValueError(f"bandwidth_s must be a number of seconds > 0; got {bandwidth_s}.")
    names = column_names(by)
    rows = validated(table, event=event, by=names)
    tick = float(table.attrs.get("tick_s", 0.0) if tick_s is None else tick_s)
    if not (math.isfinite(tick) and tick >= 0):
        raise ValueError(f"tick_s must be a number of seconds >= 0; got {tick}.")
    counted = cells(rows, by=names)
    row_group, _ = group_codes(rows, names)
    start = _first_entry(rows, row_group)
    events = counted.left[event]
    # How long the last contacts stayed within a last tick without events is not known: it is left out.
    end = counted.duration_s[counted.last] + np.where(events[counted.last] > 0, tick, 0.0)
    _refuse_ranges(rows, row_group, counted, bandwidth_s, start, end)

    points = np.ceil((end - start) / (bandwidth_s / STEPS) * (1 - 1e-12)).astype(np.int64) + 1
    group = np.repeat(np.arange(len(points)), points)
    step = np.arange(len(group)) - np.repeat(np.cumsum(points) - points, points)
    time = np.minimum(start[group] + step * bandwidth_s / STEPS, end[group])

    exposed = counted.at_risk - counted.leaving / 2 if tick else counted.at_risk
    has = np.flatnonzero(events)
    middle = counted.duration_s[has] + tick / 2
    begin = first_place(counted.group[has], middle, group, time - bandwidth_s, side="left")
    stop = first_place(counted.group[has], middle, group, time + bandwidth_s, side="right")
    if (total := int((stop - begin).sum())) > PAIRS_LIMIT:
        raise ValueError(
            f"the windows hold {total} event times in all; at most {PAIRS_LIMIT} fit in memory. "
            "Count with a coarser tick."
        )
    pair = np.repeat(np.arange(len(time)), stop - begin)
    jump = np.arange(len(pair)) - np.repeat(np.cumsum(stop - begin) - stop, stop - begin)

    from_start = np.minimum((time - start[group]) / bandwidth_s, 1.0)
    to_end = np.maximum((time - end[group]) / bandwidth_s, -1.0)
    level, slope = _local_linear(to_end, from_start)
    distance = (time[pair] - middle[jump]) / bandwidth_s
    weight = _epanechnikov(distance) * (level[pair] - slope[pair] * distance) / bandwidth_s / exposed[has][jump]
    rate = np.maximum(np.bincount(pair, weight * events[has][jump], len(time)), 0.0)
    variance = np.bincount(pair, weight**2 * events[has][jump], len(time)).astype(float)

    # An entry counts just after it; a wait counts to the end of its tick.
    moment = np.maximum(time - tick, np.where(start > 0, np.nextafter(start, np.inf), 0)[group])
    waiting = at_risk(rows, row_group, group, np.minimum(moment, counted.duration_s[counted.last][group]))
    lower, upper = rate_limits(rate, variance, 0.75 * level / bandwidth_s / waiting)
    labels = counted.groups.take(group).reset_index(drop=True)
    return labels.assign(duration_s=time, hazard_per_s=rate, lower=lower, upper=upper)


def _epanechnikov(distance: Floats) -> Floats:
    return 0.75 * (1 - distance**2)


def _local_linear(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Level and slope for which kernel x (level - slope x) has mass 1 and mean 0 over low to high."""

    def moments(x: Floats) -> Floats:
        return 0.75 * np.stack([x - x**3 / 3, x**2 / 2 - x**4 / 4, x**3 / 3 - x**5 / 5])

    mass, mean, square = moments(high) - moments(low)
    scale = mass * square - mean**2
    return square / scale, mean / scale


def _first_entry(rows: pd.DataFrame, group: Integers) -> Floats:
    """The first moment of each group at which somebody is under watch."""
    entry = rows["entry_s"] if "entry_s" in rows else pd.Series(np.zeros(len(rows)))
    return entry.groupby(group).min().to_numpy()


def _refuse_ranges(
    rows: pd.DataFrame, row_group: Integers, counted: Cells, bandwidth_s: float, start: Floats, end: Floats
) -> None:
    length = end - start
    if (short := length < bandwidth_s).any():
        raise ValueError(
            f"bandwidth_s = {bandwidth_s} is wider than all the waits of {short.sum()} of {len(short)} groups "
            f"(the shortest covers {length.min():g} s); take a smaller bandwidth or leave those groups out."
        )
    if (total := float((length / (bandwidth_s / STEPS)).sum())) > POINTS_LIMIT:
        raise ValueError(
            f"bandwidth_s = {bandwidth_s} asks for {total:.0f} points, {STEPS} a bandwidth; at most {POINTS_LIMIT} are "
            "given. Take a wider bandwidth or set the longest waits aside."
        )
    after = at_risk(rows, row_group, counted.group, np.nextafter(counted.duration_s, np.inf))
    after[counted.last] = 1
    if (empty := after == 0).any():
        first = int(np.flatnonzero(empty)[0])
        raise ValueError(
            f"nobody is at risk for some time after {counted.duration_s[first]:g} s (and {empty.sum() - 1} more such "
            "gaps), so the hazard there is unknown; pool groups, or keep only the contacts that enter after the gap."
        )
