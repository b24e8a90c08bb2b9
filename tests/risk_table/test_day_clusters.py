"""The day as the unit: by hand, in its classical limits, and as often right as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cxresearch.risk_table import (
    DayClusters,
    deviations,
    equal_weekdays,
    holm,
    limits,
    ratio_of_sums,
    share_that_stays,
    time_until,
)
from cxresearch.risk_table.day_clusters import weekday_groups

APART = np.datetime64("1999-01-04") + 2 * np.arange(400)  # no two of them are neighbours
IN_A_ROW = np.datetime64("1999-01-04") + np.arange(400)


def one_period(z: np.ndarray, *, day=APART, weekday=None, size=None, **more) -> DayClusters:
    n = len(z)
    return DayClusters(
        day=day[:n], weekday=np.ones(n, int) if weekday is None else weekday, size=np.ones(n) if size is None else size,
        share=np.full(n, 1 / n), deviations=z[:, None], **more,
    )  # fmt: skip


def two_periods(z: np.ndarray, first: int, *, weekday=None, day=APART, size=None) -> DayClusters:
    n = len(z)
    share = np.where(np.arange(n) < first, 1 / first, -1 / (n - first))
    return DayClusters(
        day=day[:n], weekday=np.ones(n, int) if weekday is None else weekday, size=np.ones(n) if size is None else size,
        share=share, period=(np.arange(n) >= first).astype(int), deviations=z[:, None],
    )  # fmt: skip


def test_a_ratio_of_three_days_by_hand():
    # 1 of 4, 2 of 4 and 3 of 8 gave up: 6 of 16. A day adds (its left - 3/8 its queued) / 16.
    value, influence = ratio_of_sums(np.array([1.0, 2.0, 3.0]), np.array([4.0, 4.0, 8.0]), np.ones(3))
    assert value == 0.375
    assert influence.tolist() == [-0.5 / 16, 0.5 / 16, 0.0]
    # Three times that is each day's deviation; over 3/8 of 5/8 on the scale of the logit.
    z = deviations(influence, np.ones(3), value, "logit")
    assert z == pytest.approx(np.array([-1.5, 1.5, 0.0]) / 16 / (0.375 * 0.625))
    # Equal sizes: the mean square about the mean over the number of days, and one degree less than days.
    clusters = one_period(z)
    assert clusters.variance(z) == pytest.approx(z @ z / 2 / 3)
    assert clusters.df == pytest.approx(2)
    half = 4.302652729911275 * math.sqrt(z @ z / 6)
    assert clusters.half_width(z) == pytest.approx(half)
    odds = 0.6
    expected = (
        odds * math.exp(-half) / (1 + odds * math.exp(-half)),
        odds * math.exp(half) / (1 + odds * math.exp(half)),
    )
    assert limits(value, half, "logit") == pytest.approx(expected)


def test_a_curve_of_two_days_by_hand():
    # Day one: 1 of 4 left at 10 s; day two: 1 of 3 at 10 s, and 1 of the 2 there at 20 s, where day one has 2.
    left, at_risk = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[4.0, 2.0], [3.0, 2.0]])
    value, influence = share_that_stays(left, at_risk, np.ones(2))
    assert value == pytest.approx(5 / 7 * 3 / 4)
    first = -value * ((1 - 2 / 7 * 4) / 5 + (0 - 1 / 4 * 2) / 3)
    assert influence == pytest.approx([first, -first])


@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_influence_is_the_derivative_by_the_weight_of_a_day(days, seconds, seed):
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 4, (days, seconds)).astype(float)
    others = rng.integers(0, 4, (days, seconds)) + (np.arange(seconds) == seconds - 1)
    at_risk = (left + others)[:, ::-1].cumsum(axis=1)[:, ::-1]
    weight, step = rng.uniform(0.5, 2, days), 1e-6
    for estimate, one, other in (
        (share_that_stays, left, at_risk), (ratio_of_sums, left[:, 0], at_risk[:, 0]),
    ):  # fmt: skip
        _, influence = estimate(one, other, weight)
        for day in range(days):
            more, less = (estimate(one, other, weight + sign * step * (np.arange(days) == day))[0] for sign in (1, -1))
            assert influence[day] == pytest.approx((more - less) / (2 * step), abs=1e-7)
        # All days a little more change nothing.
        assert influence @ weight == pytest.approx(0, abs=1e-12)


def test_what_nobody_was_seen_for_is_not_known():
    value, influence = ratio_of_sums(np.zeros(2), np.zeros(2), np.ones(2))
    assert math.isnan(value)
    assert np.isnan(influence).all()
    for share in (0.0, 1.0):
        assert np.isnan(deviations(np.ones(2), np.ones(2), share, "logit")).all()
    assert np.isnan(deviations(np.ones(2), np.ones(2), 0.0, "log")).all()
    assert deviations(np.ones(2), np.ones(2), 0.0).tolist() == [2, 2]
    everybody, gone = share_that_stays(np.array([[2.0], [1.0]]), np.array([[2.0], [1.0]]), np.ones(2))
    assert everybody == 0
    assert gone.tolist() == [0, 0]


@given(st.integers(3, 30), st.integers(0, 2**32 - 1))
def test_equal_independent_days_give_the_classical_t_of_a_mean(n, seed):
    z = np.random.default_rng(seed).normal(size=n)
    clusters = one_period(z)
    expected = stats.t.interval(0.95, n - 1, 0, stats.sem(z))[1]
    assert clusters.df == pytest.approx(n - 1)
    assert clusters.half_width(z) == pytest.approx(expected)
    assert clusters.correlation == 0


@given(st.integers(3, 20), st.integers(0, 2**32 - 1))
def test_equal_independent_days_give_the_classical_two_sample_t(n, seed):
    z = np.random.default_rng(seed).normal(size=2 * n)
    clusters = two_periods(z, n)
    test = stats.ttest_ind(z[:n], z[n:])
    assert clusters.df == pytest.approx(2 * n - 2)
    assert clusters.p_value(z[:n].mean() - z[n:].mean(), z) == pytest.approx(test.pvalue)


def test_two_weeks_side_by_side_give_the_paired_t_over_weekdays():
    z = np.random.default_rng(5).normal(size=14) + np.tile(10.0 * np.arange(7), 2)
    clusters = two_periods(z, 7, weekday=np.tile(np.arange(1, 8), 2))
    test = stats.ttest_rel(z[:7], z[7:])
    assert clusters.df == pytest.approx(6)
    assert clusters.p_value(z[:7].mean() - z[7:].mean(), z) == pytest.approx(test.pvalue)


def test_weekdays_explain_what_they_explain():
    weekday = np.tile(np.arange(1, 8), 4)
    noise = np.random.default_rng(2).normal(size=28)
    alike = one_period(noise, weekday=weekday).variance(noise)
    differing = noise + 50.0 * weekday
    assert one_period(differing, weekday=weekday).variance(differing) == pytest.approx(alike)
    assert one_period(differing).variance(differing) > 100 * alike


def test_days_of_unlike_size_leave_fewer_degrees_of_freedom():
    z, size = np.random.default_rng(2).normal(size=10), np.array([1.0] * 9 + [9.0])
    even, uneven = one_period(z), one_period(z, size=size)
    assert even.df == pytest.approx(9)
    assert 1 <= uneven.df < 4
    assert uneven.df == pytest.approx(one_period(z, size=100 * size).df), "the unit of size is nobody's"


@given(st.integers(6, 25), st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_scale_and_order_of_days_do_not_matter(n, seed, scale):
    rng = np.random.default_rng(seed)
    z, weekday, size, order = rng.normal(size=n), rng.integers(1, 6, n), rng.uniform(0.5, 2, n), rng.permutation(n)
    one = one_period(z, weekday=weekday, size=size, day=IN_A_ROW)
    scaled = one_period(z * scale, weekday=weekday, size=size, day=IN_A_ROW)
    mixed = one_period(z[order], weekday=weekday[order], size=size[order], day=IN_A_ROW[:n][order])
    assert scaled.variance(z * scale) == pytest.approx(one.variance(z) * scale**2, nan_ok=True)
    assert mixed.variance(z[order]) == pytest.approx(one.variance(z), nan_ok=True)
    assert (mixed.df, mixed.correlation) == pytest.approx((one.df, one.correlation), abs=1e-9)


def ar1(rng: np.random.Generator, n: int, correlation: float) -> np.ndarray:
    z = rng.normal(size=n)
    for day in range(1, n):
        z[day] = correlation * z[day - 1] + math.sqrt(1 - correlation**2) * z[day]
    return z


def test_neighbouring_days_are_seen_to_hang_together():
    rng = np.random.default_rng(11)
    z = ar1(rng, 360, 0.5)
    clusters = one_period(z, day=IN_A_ROW, weekday=np.arange(360) % 7 + 1)
    assert clusters.correlation == pytest.approx(0.5, abs=0.12)
    assert clusters.correlation_shows()
    independent = one_period(z, day=APART, weekday=np.arange(360) % 7 + 1)
    assert (independent.pairs, independent.correlation, independent.correlation_shows()) == (0, 0, False)
    # A correlation of .5 makes a mean of many days (1 + .5) / (1 - .5) times as uncertain in its square.
    assert clusters.variance(z) / independent.variance(z) == pytest.approx(
        (1 + clusters.correlation) / (1 - clusters.correlation), rel=0.1
    )
    few = one_period(z[:10], day=IN_A_ROW)
    assert (few.pairs, few.correlation) == (9, 0), "nine pairs tell nothing"


def test_one_correlation_is_taken_from_all_numbers_that_are_known():
    rng = np.random.default_rng(3)
    z = ar1(rng, 100, 0.6)
    both = np.column_stack([z, np.full(100, np.nan), 5 * z])
    days = {"day": IN_A_ROW[:100], "weekday": np.ones(100, int), "size": np.ones(100), "share": np.full(100, 0.01)}
    clusters = DayClusters(**days, deviations=both)
    assert clusters.correlation == pytest.approx(one_period(z, day=IN_A_ROW).correlation)
    assert math.isnan(clusters.variance(both[:, 1]))
    unknown = DayClusters(**days, deviations=both[:, 1:2])
    assert unknown.correlation == 0


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.93), (0.4, 0.90)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(correlation, least):
    """Months of 28 days whose good and bad days multiply what everybody does; weekdays differ."""
    rng = np.random.default_rng(1)
    weekday = np.tile(np.arange(1, 8), 4)
    queued, truth = 400.0 + 60 * weekday, 0.2
    held, independent, trials = 0, 0, 400
    for _ in range(trials):
        chance = truth * np.exp(0.25 * ar1(rng, 28, correlation)) / math.exp(0.25**2 / 2)
        value, influence = ratio_of_sums(rng.binomial(queued.astype(int), chance).astype(float), queued, np.ones(28))
        z = deviations(influence, np.ones(28), value, "logit")
        lower, upper = limits(value, one_period(z, day=IN_A_ROW, weekday=weekday, size=queued).half_width(z), "logit")
        held += lower <= truth <= upper
        independent += abs(value - truth) <= 1.96 * math.sqrt(value * (1 - value) / queued.sum())
    assert least < held / trials < 0.985
    assert independent / trials < 0.7, "contacts taken as independent are far from what they say"


def test_a_period_that_lends_its_spread():
    """Two days and twenty that lend theirs: the mean square of all over two days."""
    z = np.concatenate([[0.3, -0.1], np.random.default_rng(8).normal(size=20)])
    own, period = np.arange(22) < 2, (np.arange(22) >= 2).astype(int)
    clusters = DayClusters(
        day=APART[:22], weekday=np.ones(22, int), size=np.ones(22), share=np.where(own, 0.5, 0.0), period=period,
        deviations=z[:, None], pooled=True,
    )  # fmt: skip
    left = np.concatenate([z[:2] - z[:2].mean(), z[2:] - z[2:].mean()])
    assert clusters.df == pytest.approx(20)
    assert clusters.variance(z) == pytest.approx(left @ left / 20 / 2)


@pytest.mark.parametrize(
    ("weekdays", "groups"),
    [
        ([1, 1, 2, 2], [0, 0, 1, 1]), ([1, 1, 2, 3], [0, 0, 1, 1]), ([1, 1, 1, 2, 2, 3], [0, 0, 0, 1, 1, 1]),
        ([1, 2, 3], [0, 0, 0]), ([4], [0]),
    ],
)  # fmt: skip
def test_weekdays_seen_once_are_joined(weekdays, groups):
    assert weekday_groups(weekdays).tolist() == groups


def test_where_weekdays_leave_nothing_nothing_is_told():
    one = one_period(np.array([1.0]))
    assert one.df == 0
    assert math.isnan(one.half_width(np.array([1.0])))
    nobody = one_period(np.array([1.0, 2.0]), size=np.zeros(2))
    assert math.isnan(nobody.half_width(np.array([1.0, 2.0])))


def test_equal_weekdays_are_as_many_as_on_average():
    now, before, alone = equal_weekdays([1, 1, 1, 2, 6], [1, 2, 2, 7])
    assert now.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1.5, 0])
    assert before.tolist() == [2, 0.75, 0.75, 0]
    assert alone == [6, 7]
    assert now.sum() == pytest.approx(before.sum())


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_holms(values):
    expected = multipletests(values, method="holm")[1] if values else []
    assert holm(values).tolist() == pytest.approx(list(expected))
    gaps = holm([math.nan, *values, math.nan])
    assert gaps[1:-1].tolist() == pytest.approx(list(expected)), "what was not tested does not count"
    assert np.isnan(gaps[[0, -1]]).all()


def test_limits_by_link():
    assert limits(10.0, 2.0, "identity") == (8.0, 12.0)
    assert limits(10.0, math.log(2), "log") == pytest.approx((5.0, 20.0))
    assert limits(0.5, math.log(3), "logit") == pytest.approx((0.25, 0.75))
    assert limits(0.5, 800.0, "logit") == pytest.approx((0.0, 1.0))


def test_a_quantile_of_answers_by_hand_and_its_influence_by_reweighting():
    """Each day's influence is what the quantile moves by when the day counts a little more, on a curve that is smooth."""
    one = time_until(np.array([[1.0, 1, 1]]), np.array([[4.0, 3, 2]]), np.array([10.0, 20, 30]), np.ones(1), 0.5)
    assert one[0] == 20.0, "after 20 s two of four stay"
    assert math.isnan(time_until(np.array([[1.0]]), np.array([[4.0]]), np.array([10.0]), np.ones(1), 0.5)[0])

    rng = np.random.default_rng(1)
    times, days = np.arange(1.0, 2_001.0), 12
    scale = rng.uniform(300, 500, days)
    stays = np.exp(-np.concatenate([[0.0], times])[None, :] / scale[:, None])
    left, at_risk = 1e4 * -np.diff(stays, axis=1), 1e4 * stays[:, :-1]
    value, influence = time_until(left, at_risk, times, np.ones(days), 0.5)
    moved = [time_until(left, at_risk, times, 1.0 + np.eye(days)[day], 0.5)[0] - value for day in range(days)]
    # Twice a day is no small step (12 of 13 of it), and the times are whole seconds.
    np.testing.assert_allclose(moved, influence * 12 / 13, atol=1.0)
    assert np.ptp(moved) > 5


def test_an_interval_wider_than_a_float_is_open():
    assert limits(2.0, 1e4, "log") == (0.0, math.inf)
    assert limits(0.5, 1e4, "logit") == (0.0, 1.0)
