"""Were promises given by lot? What they follow in a log, and how strong a cause that nobody recorded would have to be.

Contacts with a long promise and with a short one may be compared as in an experiment only where chance alone decided who
got which. A log can show that it did not: promises that follow the hour, the queue, the load or the customer. It can
never show that it did, since what nobody recorded may decide as well.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxresearch.risk_table import Floats, holm

SIGNIFICANT = 0.05
MOST_LEVELS = 5  # promises of more lengths are told apart by fifths
FEWEST_DAYS = 5


def promises_follow(asked: pd.DataFrame, customers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Do promises go with the hour, the queue, the load or the customer beyond chance?

    Parameters
    ----------
    asked : contacts by ``day, hour, queue, promised_s`` (missing: none was made), with ``contacts``.
    customers : contacts by ``customer_key, promised_s``, with ``contacts``; None where customers are not known.

    Returns
    -------
    DataFrame, one row for each of hour, queue, load and customer that can be looked at: ``follows, z, p_value`` (one-sided,
    corrected for their number by Holm), ``units`` (days, or customers seen twice), ``beyond_chance``.

    Each day's promises are set against the mix of that day, and days are the units: whether they deviate alike in the same
    hours (queues; with the same load, which is contacts an hour). Of customers: whether the promises of one resemble each
    other. A promise of more than five lengths counts by fifths; none is a level of its own. Fewer than five days say
    nothing of hour, queue and load. ``beyond_chance`` False is no proof of a lot: it may follow what no column holds.
    """
    level = _level(asked["promised_s"])
    rows = []
    if asked["day"].nunique() >= FEWEST_DAYS:
        deviations, day = _beside_own(asked, level, asked["day"])
        hours = asked.groupby(["day", "hour"])["contacts"].transform("sum").to_numpy(dtype=float)
        for name, column in (("hour", asked["hour"]), ("queue", asked["queue"].fillna(""))):
            if len(column.unique()) > 1:
                rows.append((name, *_days_agree(deviations, day, pd.factorize(column)[0])))
        if np.ptp(hours):
            rows.append(
                ("load", *_days_agree(deviations * (hours - hours.mean())[:, None], day, np.zeros(len(day), int)))
            )
    if customers is not None:
        rows += _within(customers)
    table = pd.DataFrame(rows, columns=["follows", "z", "units"])
    table.insert(2, "p_value", holm(1 - ndtr(table["z"].to_numpy(dtype=float))))
    return table.assign(beyond_chance=table["p_value"] < SIGNIFICANT)


def e_value(ratio: float, lower: float, upper: float) -> tuple[float, float]:
    """How strong a hidden cause would have to be to explain a ratio of rates away: of the ratio, and of its interval.

    It would have to multiply both the chance of the other promise and the rate of leaving by at least so much. The rate
    ratio of a frequent outcome is first turned into a ratio of shares. 1: the interval holds no difference, and nothing is
    needed to explain it. VanderWeele & Ding (2017), doi:10.7326/M16-2607.
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"a ratio of rates must be above 0 and finite; got {ratio}.")
    nearest = 1.0 if lower <= 1 <= upper else lower if lower > 1 else upper
    return _e_value(ratio), _e_value(nearest)


def _e_value(ratio: float) -> float:
    above = max(ratio, 1 / ratio)
    shares = (1 - 0.5 ** math.sqrt(above)) / (1 - 0.5 ** math.sqrt(1 / above))
    return shares + math.sqrt(shares * (shares - 1))


def _level(promised_s: pd.Series) -> np.ndarray:
    """Promises as 0, 1, ...; none is a level of its own."""
    known = promised_s.dropna()
    if known.nunique() > MOST_LEVELS:
        edges = np.unique(known.quantile(np.linspace(0, 1, MOST_LEVELS + 1)[1:-1]))
        promised_s = pd.Series(np.searchsorted(edges, promised_s.to_numpy(dtype=float)), promised_s.index).where(
            promised_s.notna()
        )
    return pd.factorize(promised_s, use_na_sentinel=False)[0]


def _beside_own(table: pd.DataFrame, level: np.ndarray, unit: pd.Series) -> tuple[Floats, np.ndarray]:
    """Row x level: contacts of that level less those expected from the mix of the row's own unit; and the unit's number."""
    code = pd.factorize(unit)[0]
    contacts = table["contacts"].to_numpy(dtype=float)
    of = contacts[:, None] * (level[:, None] == np.arange(level.max() + 1))
    total = np.zeros((code.max() + 1, of.shape[1]))
    np.add.at(total, code, of)
    mix = total / total.sum(axis=1, keepdims=True)
    return of - contacts[:, None] * mix[code], code


def _days_agree(deviations: Floats, day: np.ndarray, place: np.ndarray) -> tuple[float, int]:
    """Whether two different days deviate alike: the sum over pairs of days, over its standard error if they do not."""
    days, places = day.max() + 1, place.max() + 1
    summed = np.zeros((days * places, deviations.shape[1]))
    np.add.at(summed, day * places + place, deviations)
    by_day = summed.reshape(days, -1)
    pairs = by_day @ by_day.T
    np.fill_diagonal(pairs, 0.0)
    spread = math.sqrt(2 * float((pairs**2).sum()))
    return (float(pairs.sum()) / spread if spread > 0 else 0.0), int(days)


def _within(customers: pd.DataFrame) -> list[tuple[str, float, int]]:
    """Whether the promises of one customer resemble each other more than those of two."""
    level = _level(customers["promised_s"])
    code, names = pd.factorize(customers["customer_key"])
    contacts = customers["contacts"].to_numpy(dtype=float)
    known = code >= 0
    of = np.zeros((len(names), level.max() + 1))
    np.add.at(of, (code[known], level[known]), contacts[known])
    n, share = of.sum(axis=1), of.sum(axis=0) / of.sum() if of.sum() else of.sum(axis=0)
    several = n > 1
    if several.sum() < FEWEST_DAYS:
        return []
    # Over pairs of different contacts: the whole square less what each contact makes with itself.
    own = of @ ((1 - share) ** 2 - share**2) + n * float(share @ share)
    pairs = (((of - n[:, None] * share) ** 2).sum(axis=1) - own)[several]
    spread = math.sqrt(float((pairs**2).sum()))
    return [("customer", float(pairs.sum()) / spread if spread > 0 else 0.0, int(several.sum()))]
