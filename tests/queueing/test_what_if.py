"""The interval of what would change: exact where it must be, against days left out one by one, and covering a known truth."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cxresearch.queueing import fewer_left_limits


def days(n: int, rng: np.random.Generator, *, spread: float = 0.3) -> pd.DataFrame:
    """SIMULATED days of three hours; good and bad days share their losses."""
    day = pd.date_range("2024-05-06", periods=n)
    table = pd.DataFrame({"day": np.repeat(day, 3), "hour": np.tile([9, 10, 11], n)})
    bad = np.repeat(rng.gamma(1 / spread**2, spread**2, n), 3)
    contacts = rng.poisson(100, 3 * n)
    left = np.minimum(rng.poisson(10 * bad), contacts)
    return table.assign(weekday=table["day"].dt.day_of_week + 1, contacts=contacts, left=left)


def summed(by_day: pd.DataFrame) -> pd.DataFrame:
    hours = by_day.groupby("hour", as_index=False)[["contacts", "left"]].sum()
    return hours.assign(arrivals_per_h=hours["contacts"] / by_day["day"].nunique())


def limits(by_day, after):
    hours = summed(by_day)
    return fewer_left_limits(hours, after(hours), after, by_day)


def test_what_halves_every_loss_is_sure():
    by_day = days(20, np.random.default_rng(1))
    assert limits(by_day, lambda hours: hours["left"].to_numpy() / 2) == pytest.approx((0.5, 0.5))


def test_one_day_or_no_loss_says_nothing():
    by_day = days(20, np.random.default_rng(1))
    one = by_day[by_day["day"] == by_day["day"].iloc[0]]
    assert all(math.isnan(end) for end in limits(one, lambda hours: hours["left"].to_numpy() / 2))
    none = by_day.assign(left=0)
    assert all(math.isnan(end) for end in limits(none, lambda hours: hours["left"].to_numpy() * 0.5))


def five_in_a_hundred(hours: pd.DataFrame) -> np.ndarray:
    """Another team, which loses a share that has nothing to do with today's; a convex part makes it no ratio of sums."""
    return 0.05 * hours["contacts"].to_numpy() * (1 + hours["arrivals_per_h"].to_numpy() / 1_000)


def test_influence_is_that_of_leaving_days_out_one_by_one():
    by_day = days(40, np.random.default_rng(3))
    lower, upper = limits(by_day, five_in_a_hundred)
    logs = []
    for day in by_day["day"].unique():
        hours = summed(by_day[by_day["day"] != day])
        logs.append(math.log(five_in_a_hundred(hours).sum() / hours["left"].sum()))
    jackknife = math.sqrt(39 / 40 * np.sum((np.array(logs) - np.mean(logs)) ** 2))
    # Weekdays are taken out of one and not of the other, and the days' law is estimated: near, not equal.
    half = math.log((1 - lower) / (1 - upper)) / 2
    assert half / jackknife == pytest.approx(2.03, rel=0.3)


def test_the_interval_covers_the_truth():
    """Today 10 of 100 leave, under the other team 5.5: 45 % fewer, whatever days were drawn."""
    rng = np.random.default_rng(5)
    covered = [lower <= 0.45 <= upper for lower, upper in (limits(days(20, rng), five_in_a_hundred) for _ in range(80))]
    assert 0.88 <= np.mean(covered) <= 0.99
