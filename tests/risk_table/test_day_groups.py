"""Groups on the same days: by hand, in their limits, and how often nothing is called a difference."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxresearch.risk_table import (
    DayClusters,
    DayValue,
    behind_first,
    day_band,
    deviations,
    hotelling,
    limits,
    ranked_by_day,
    ranked_losses,
    ratio_of_sums,
)

DAYS = pd.date_range("2024-05-01", periods=28).to_numpy()


def counted(left: dict[str, list[int]], queued: int = 20) -> pd.DataFrame:
    rows = [(name, day, number) for name, numbers in left.items() for day, number in zip(DAYS, numbers, strict=False)]
    return pd.DataFrame(rows, columns=["queue", "day", "left"]).assign(queued=queued)


def test_a_difference_of_the_same_size_on_every_day_is_clear_and_one_that_swings_is_not():
    swing = [10 if day // 7 % 2 else 2 for day in range(28)]
    table = counted({"a": [6 + day % 2 for day in range(28)], "b": [2 + day % 2 for day in range(28)], "c": swing})
    ranked = ranked_by_day(table, by="queue", top="left", below="queued", ratio=False)
    assert ranked["queue"].tolist() == ["a", "c", "b"]
    assert ranked["value"].tolist() == [6.5, 6.0, 2.5]
    assert ranked["left"].tolist() == [182, 168, 70]
    assert ranked["behind"].tolist() == [False, False, True]
    assert math.isnan(ranked["p_value"][0])
    assert ranked["p_value"][2] == 0


def test_the_p_value_of_two_groups_is_that_of_their_days():
    rng = np.random.default_rng(4)
    table = counted({"a": rng.integers(5, 12, 28).tolist(), "b": rng.integers(3, 12, 28).tolist()})
    (one, other) = (table.loc[table["queue"] == name, "left"].to_numpy(dtype=float) for name in "ab")
    away = one - other
    clusters = DayClusters(
        day=DAYS, weekday=pd.DatetimeIndex(DAYS).day_of_week, size=np.ones(28), share=np.full(28, 1 / 28),
        deviations=away[:, None],
    )  # fmt: skip
    ranked = ranked_by_day(table, by="queue", top="left", below="queued", ratio=False)
    assert ranked["p_value"][1] == pytest.approx(clusters.p_value(away.mean(), away))


def test_what_is_common_to_a_day_says_nothing_on_a_difference():
    rng = np.random.default_rng(5)
    common, own = rng.integers(0, 40, 28), rng.integers(0, 2, 28)
    table = counted({"a": (common + own + 2).tolist(), "b": common.tolist()}, queued=60)
    assert ranked_losses(table, by="queue")["behind"].tolist() == [False, True, False, True]


def test_too_few_days_or_contacts_name_nobody():
    table = counted({"a": [60] * 28, "b": [0] * 28}, queued=90)
    four = table[table["day"] < DAYS[4]]
    assert not ranked_losses(four, by="queue")["behind"].any()
    assert ranked_losses(four, by="queue")["p_value"].isna().all()
    assert ranked_losses(table[table["day"] < DAYS[1]], by="queue").empty
    unknown = table.assign(queue=table["queue"].where(table["queue"] == "a"))
    assert ranked_losses(unknown, by="queue")["queue"].tolist() == ["a", "a"]


def test_the_band_of_a_share_is_that_of_its_days():
    rng = np.random.default_rng(6)
    queued = rng.integers(20, 60, 28).astype(float)
    left = rng.binomial(queued.astype(int), 0.3).astype(float)
    value, influence = ratio_of_sums(left, queued, np.ones(28))
    away = deviations(influence, np.ones(28), value, "logit")
    clusters = DayClusters(
        day=DAYS, weekday=pd.DatetimeIndex(DAYS).day_of_week, size=queued / queued.mean(), share=np.full(28, 1 / 28),
        deviations=away[:, None],
    )  # fmt: skip
    lower, upper = day_band(DAYS, queued, np.array([value, 1.0]), np.column_stack([influence, influence]), "logit")
    assert (lower[0], upper[0]) == pytest.approx(limits(value, clusters.half_width(away), "logit"))
    assert np.isnan([lower[1], upper[1]]).all()
    # Days without anybody of the group are none of its days.
    closed = np.arange(28) > 3
    few = day_band(DAYS, np.where(closed, 0.0, queued), np.array([value]), influence[:, None], "logit")
    assert np.isnan(few).all()


@given(st.lists(st.lists(st.integers(0, 9), min_size=8, max_size=8), min_size=2, max_size=5), st.randoms())
@settings(max_examples=10)
def test_the_order_of_rows_and_days_split_in_two_change_nothing(numbers, random):
    table = counted({f"q{n}": row for n, row in enumerate(numbers)})
    parts = pd.concat(
        [
            table.assign(left=table["left"] // 2, queued=5),
            table.assign(left=table["left"] - table["left"] // 2, queued=15),
        ]
    )
    shuffled = parts.sample(frac=1, random_state=random.randint(0, 99))
    pd.testing.assert_frame_equal(ranked_losses(shuffled, by="queue"), ranked_losses(table, by="queue"))


def test_hotelling_of_one_number_is_students_t():
    numbers = np.random.default_rng(7).normal(0.3, 1, (12, 1))
    squared, df, within, p_value = hotelling(numbers, "day")
    t = stats.ttest_1samp(numbers[:, 0], 0)
    assert (df, within) == (1, 11)
    assert squared == pytest.approx(t.statistic**2)
    assert p_value == pytest.approx(t.pvalue)


def test_equal_groups_are_seldom_told_apart():
    """SIMULATED: six hours of one truth, good and bad days, and a spread of each hour's own."""
    rng, named, runs = np.random.default_rng(8), 0, 100
    for _ in range(runs):
        days = rng.gamma(4, 2, 28)[None, :] * rng.gamma(5, 0.2, (6, 28))
        left = rng.poisson(days).astype(float)
        _, behind = behind_first(DAYS, [DayValue(row.mean(), row / 28, np.ones(28)) for row in left])
        named += behind.sum() == 5
    assert named / runs <= 0.05
