"""Groups beside each other on the same days: a band for each, and whether the first can be told from the others.

What makes a day good or bad is common to all who queued on it. Two hours, queues or weekdays are therefore compared by
what each day adds to the difference, where that is common to both cancels, and nothing takes contacts as independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from cxresearch.risk_table.day_clusters import DayClusters, Link, deviations, holm, limits, ratio_of_sums
from cxresearch.risk_table.risk_sets import Floats, Names, column_names

FEWEST_DAYS = 5  # with fewer the spread between days is not known
ENOUGH = 100  # a group with fewer contacts is not named
LEVEL = 0.05


class DayValue(NamedTuple):
    """A number of one group and what each day moves it by; ``size``: its contacts on each day, 0 where it had none."""

    value: float
    influence: Floats
    size: Floats


def day_band(day: np.ndarray, size: Floats, values: Floats, influence: Floats, link: Link) -> tuple[Floats, Floats]:
    """95 % intervals of several numbers of one group (``influence``: day x numbers), each by itself.

    NaN with fewer than five days on which the group had contacts, where these do not differ, and where a number has no
    place on the scale of the link (a share of 0 or 1).
    """
    there = size > 0
    n, nowhere = int(there.sum()), np.full(len(values), math.nan)
    if n < FEWEST_DAYS:
        return nowhere, nowhere
    weight = np.ones(n)
    away = np.column_stack(
        [deviations(moved, weight, value, link) for value, moved in zip(values, influence[there].T, strict=True)]
    )
    known = np.atleast_1d(np.isfinite(away).all(axis=0))
    clusters = _clusters(day[there], size[there], away)
    halves = [clusters.half_width(column) if ok else math.nan for column, ok in zip(away.T, known, strict=True)]
    pairs = [
        limits(value, half, link) if half > 0 else (math.nan, math.nan)
        for value, half in zip(values, halves, strict=True)
    ]
    lower, upper = np.array(pairs).T
    return lower, upper


def day_p_value(day: np.ndarray, one: DayValue, other: DayValue) -> float:
    """Of no difference, two-sided, on the days of either; NaN where these are too few to tell."""
    there = (one.size > 0) | (other.size > 0)
    n, difference = int(there.sum()), one.value - other.value
    if n < FEWEST_DAYS or not math.isfinite(difference):
        return math.nan
    away = n * (one.influence - other.influence)[there]
    size = sum(part.size[there] / (part.size.sum() or 1.0) for part in (one, other))
    clusters = _clusters(day[there], np.asarray(size), away[:, None])
    if not clusters.df >= 1:
        return math.nan
    if not clusters.variance(away) > 0:
        return 1.0 if difference == 0 else 0.0  # the same difference on every day
    return clusters.p_value(difference, away)


def behind_first(day: np.ndarray, values: Sequence[DayValue]) -> tuple[Floats, np.ndarray]:
    """Of each number the p-value of its difference from the largest, and whether that is clear.

    The p-values are corrected for their number (Holm). The largest itself has NaN, as what days cannot tell.
    """
    first = int(np.argmax([one.value for one in values]))
    p = np.array([math.nan if n == first else day_p_value(day, values[first], one) for n, one in enumerate(values)])
    corrected = holm(p)
    return corrected, corrected < LEVEL


def ranked_by_day(counts: pd.DataFrame, *, by: Names, top: str, below: str, ratio: bool) -> pd.DataFrame:
    """Rank groups by a sum or by a share, and say which cannot be told from the first.

    Parameters
    ----------
    counts : DataFrame ``*by, day`` and two counts, one row a group and day with contacts (more rows are added up).
    by : columns that tell groups apart. top, below : the counts. ratio : rank by top over below, not by top.

    Returns
    -------
    DataFrame ``*by``, the two counts, ``value``, ``p_value``, ``behind``, the largest value first
        Groups with fewer than 100 of ``below`` are left out. ``p_value`` is of no difference from the first, days as the
        unit, corrected for the number of groups (Holm); NaN at the first, and where fewer than five days tell.
        ``behind``: clear of the first at 5 %.
    """
    names = list(column_names(by))
    counts = counts.dropna(subset=names)
    code, groups = pd.factorize(pd.MultiIndex.from_frame(counts[names]), sort=True)
    place, day = pd.factorize(counts["day"], sort=True)
    shape = (len(groups), len(day))
    sums = [
        np.bincount(code * shape[1] + place, counts[column].astype(float), shape[0] * shape[1]).reshape(shape)
        for column in (top, below)
    ]
    table = pd.DataFrame(list(groups), columns=names)
    table[top], table[below] = (part.sum(axis=1).astype(int) for part in sums)
    weight = np.ones(shape[1])
    values = []
    for over, under in zip(*sums, strict=True):
        value, influence = ratio_of_sums(over, under, weight) if ratio else (float(over.mean()), over / len(day))
        values.append(DayValue(value, influence, under))
    enough = np.flatnonzero(table[below] >= ENOUGH)
    table = table.iloc[enough].assign(value=[values[n].value for n in enough], p_value=math.nan, behind=False)
    if len(enough):
        table["p_value"], table["behind"] = behind_first(np.asarray(day), [values[n] for n in enough])
    return table.sort_values(["value", *names], ascending=[False, *[True] * len(names)], ignore_index=True)


def ranked_losses(counts: pd.DataFrame, *, by: Names, base: str = "queued") -> pd.DataFrame:
    """Groups by how many gave up (``left``), and by what share of ``base`` that is.

    ``counts`` is ``*by, day, left`` and the count ``base``. Returns ``ranked, *by, left``, the base, ``value, p_value,
    behind``: first ``ranked`` by ``people`` (``value``: left per day), then by ``share``, each as :func:`ranked_by_day`.
    """
    tables = [
        ranked_by_day(counts, by=by, top="left", below=base, ratio=name == "share").assign(ranked=name)
        for name in ("people", "share")
    ]
    return pd.concat(tables, ignore_index=True)[["ranked", *tables[0].columns.drop("ranked")]]


def hotelling(by_cluster: Floats, cluster: str) -> tuple[float, int, int, float]:
    """Whether numbers (clusters x numbers) are 0 on average: T squared, degrees of freedom of both kinds, p-value.

    The clusters are taken as independent. Raises ValueError, naming ``cluster``, where they are too few.
    Reference: Hotelling (1931), doi:10.1214/aoms/1177732979.
    """
    clusters, df = by_cluster.shape
    within, mean = clusters - df, by_cluster.mean(axis=0)
    covariance = np.atleast_2d(np.cov(by_cluster, rowvar=False)) if within > 0 else np.zeros((df, df))
    if np.linalg.matrix_rank(covariance, hermitian=True) < df:
        raise ValueError(
            f"{clusters} of {cluster} are too few, or too alike, to show how {df + 1} groups differ between them; use "
            "more of them, pool groups, or leave cluster out."
        )
    squared = float(clusters * mean @ np.linalg.solve(covariance, mean))
    return squared, df, within, float(fdtrc(df, within, squared * within / (df * (clusters - 1))))


def _clusters(day: np.ndarray, size: Floats, away: Floats) -> DayClusters:
    n = len(day)
    return DayClusters(
        day=day, weekday=pd.DatetimeIndex(day).day_of_week, size=size / size.mean(), share=np.full(n, 1 / n),
        deviations=away,
    )  # fmt: skip
