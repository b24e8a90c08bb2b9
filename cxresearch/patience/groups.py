"""Hours, queues and weekdays beside each other, days as the unit: who loses most, who is least patient, who waits longest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.risk_table import (
    ENOUGH,
    DayValue,
    Floats,
    Link,
    Names,
    behind_first,
    column_names,
    day_band,
    ranked_by_day,
    ranked_losses,
    ratio_of_sums,
)
from cxresearch.survival import kaplan_meier


def daily_curve(waits: pd.DataFrame, *, by: Names = (), event: str = "abandoned") -> pd.DataFrame:
    """``survival.kaplan_meier`` with a band for which contacts of one day hang together.

    Parameters
    ----------
    waits : risk table with ``day``. by : columns that tell groups apart. event : as there.

    Returns
    -------
    DataFrame as from ``survival.kaplan_meier``, without ``se``
        ``lower`` and ``upper`` hold at each duration by itself (95 %, the day as the unit, see ``risk_table.DayClusters``);
        NaN with fewer than five days, and where the curve is 1 or 0.
    """
    names = list(column_names(by))
    curve = kaplan_meier(waits, event=event, by=names).drop(columns="se")
    parts = list(curve.groupby(names, sort=False)) if names else [((), curve)]
    rows = dict(_groups(waits, names))
    for key, part in parts:
        day, _, left, at_risk = _by_day(rows[key], event)
        lower, upper = day_band(day, at_risk[:, 0], part["survival"].to_numpy(), _influence(left, at_risk), "logit")
        curve.loc[part.index, "lower"], curve.loc[part.index, "upper"] = lower, upper
    return curve


def loss_ranks(waits: pd.DataFrame, *, by: Names, event: str = "abandoned") -> pd.DataFrame:
    """Groups by how many people gave up, and by what share of those who queued.

    Parameters
    ----------
    waits : risk table with ``day``. by : columns that tell groups apart. event : the outcome that is a loss.

    Returns
    -------
    DataFrame ``ranked, *by, left, queued, value, p_value, behind``, as from ``risk_table.ranked_losses``
    """
    left = waits["contacts"].where(waits["outcome"] == event, 0)
    counts = waits[[*column_names(by), "day"]].assign(queued=waits["contacts"], left=left)
    return ranked_losses(counts, by=by)


def patience_ranks(waits: pd.DataFrame, duration_s: float, *, by: str, event: str = "abandoned") -> pd.DataFrame:
    """Groups by the share that would have gone by ``duration_s``, the least patient first.

    Returns
    -------
    DataFrame ``by, queued, value, p_value, behind``: ``value`` is the share that would have gone, the others as from
        ``risk_table.ranked_by_day``. Groups with fewer than 100 contacts, or nobody under watch at ``duration_s``, are
        left out.
    """
    days, rows = np.sort(waits["day"].unique()), []
    values: list[DayValue] = []
    for (name,), part in _groups(waits, [by]):
        day, times, left, at_risk = _by_day(part, event)
        survival = kaplan_meier(part, event=event)["survival"] if (part["outcome"] == event).any() else None
        n = int(np.searchsorted(times, duration_s, side="right"))
        if part["contacts"].sum() < ENOUGH or survival is None or duration_s > times[-1] or n == 0:
            continue
        where = np.searchsorted(days, day)
        influence, size = np.zeros(len(days)), np.zeros(len(days))
        influence[where], size[where] = -_influence(left, at_risk)[:, n - 1], at_risk[:, 0]
        values.append(DayValue(1 - float(survival.iloc[n - 1]), influence, size))
        rows.append({by: name, "queued": int(size.sum()), "value": values[-1].value})
    table = pd.DataFrame(rows, columns=[by, "queued", "value"]).assign(p_value=np.nan, behind=False)
    if rows:
        table["p_value"], table["behind"] = behind_first(days, values)
    return table.sort_values(["value", by], ascending=[False, True], ignore_index=True)


def slow_ranks(waits: pd.DataFrame, longer_s: float, *, by: str) -> pd.DataFrame:
    """Groups by the share of those who queued whose wait, however it ended, was longer than ``longer_s``.

    Returns
    -------
    DataFrame ``by, longer, queued, value, p_value, behind``, as from ``risk_table.ranked_by_day``
    """
    longer = waits["contacts"].where(waits["duration_s"] > longer_s, 0)
    counts = waits[[by, "day"]].assign(queued=waits["contacts"], longer=longer)
    return ranked_by_day(counts, by=by, top="longer", below="queued", ratio=True)


def day_intervals(waits: pd.DataFrame, names: list[str], event: str) -> pd.DataFrame:
    """Intervals of the share lost and of the mean wait, by group: ``*by, lower, upper, mean_wait_lower_s, mean_wait_upper_s``."""
    rows = []
    for key, part in _groups(waits, names):
        number = part["contacts"].to_numpy(dtype=float)
        place, day = pd.factorize(part["day"], sort=True)
        queued = np.bincount(place, number).astype(float)
        row: dict[str, Any] = dict(zip(names, key, strict=True))
        tops: dict[tuple[str, str], tuple[Floats, Link]] = {
            ("lower", "upper"): (number * (part["outcome"] == event).to_numpy(), "logit"),
            ("mean_wait_lower_s", "mean_wait_upper_s"): (number * part["duration_s"].to_numpy(), "log"),
        }
        for ends, (top, link) in tops.items():
            value, influence = ratio_of_sums(np.bincount(place, top).astype(float), queued, np.ones(len(day)))
            band = day_band(np.asarray(day), queued, np.array([value]), influence[:, None], link)
            row |= {end: limit[0] for end, limit in zip(ends, band, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def _groups(waits: pd.DataFrame, names: list[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    return iter(waits.groupby(names)) if names else iter([((), waits)])


def _by_day(waits: pd.DataFrame, event: str) -> tuple[np.ndarray, Floats, Floats, Floats]:
    """The days and durations of one group; who left, and who was at risk, on each day at each duration."""
    place, day = pd.factorize(waits["day"], sort=True)
    tick, times = pd.factorize(waits["duration_s"], sort=True)
    number, cell, shape = waits["contacts"].to_numpy(dtype=float), place * len(times) + tick, (len(day), len(times))
    ended, left = (
        np.bincount(cell, counted, shape[0] * shape[1]).astype(float).reshape(shape)
        for counted in (number, number * (waits["outcome"] == event).to_numpy())
    )
    at_risk = ended[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.asarray(day), np.asarray(times, dtype=float), left, at_risk


def _influence(left: Floats, at_risk: Floats) -> Floats:
    """By how much each day moves the Kaplan-Meier curve, day x duration (``risk_table.share_that_stays`` at each)."""
    gone, there = left.sum(axis=0), at_risk.sum(axis=0)
    staying = there - gone
    over = np.divide(1.0, staying, out=np.zeros(len(staying)), where=staying > 0)
    return -np.cumprod(staying / there) * np.cumsum((left - gone / there * at_risk) * over, axis=1)
