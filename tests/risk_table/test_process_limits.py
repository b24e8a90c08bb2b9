"""Limits of a number over time: by hand, against every order of a few points, and how often chance alone is a sign."""

from __future__ import annotations

from itertools import combinations, groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxresearch.risk_table import ProcessLimits, process_limits, signs_of_change


def test_limits_worked_by_hand():
    limits = process_limits([1, 3] * 6)
    # The mean moving range is 2, two normal values differ by 1.128 standard deviations, 1.25 % of charts are to
    # have one of twelve points above.
    half = stats.norm.ppf(1 - 0.0125 / 12) * 2 / 1.128379
    assert limits == pytest.approx((2, 2 - half, 2 + half, 6), rel=1e-6)
    assert half / 2 == pytest.approx(2.73, abs=0.005)
    # Shewhart's three standard deviations, 2.66 mean moving ranges, are the limits of a dozen points that err a little more.
    assert process_limits([1, 3] * 6, error=4 * 12 * stats.norm.sf(3)).upper == pytest.approx(2 + 2 * 2.66, abs=0.003)


@pytest.mark.parametrize("n", [12, 14, 16])
def test_the_run_is_the_shortest_that_few_orders_have(n):
    run = process_limits(np.arange(n)).run
    longest = [
        max(len(list(same)) for _, same in groupby(at in above for at in range(n)))
        for above in map(set, combinations(range(n), n // 2))
    ]
    share = {r: np.mean([one >= r for one in longest]) for r in (run, run - 1)}
    assert share[run] <= 0.025 < share[run - 1]


def test_signs_worked_by_hand():
    limits = ProcessLimits(centre=5, lower=1, upper=9, run=3)
    outside, runs = signs_of_change([6, 10, 4, 4, 5, 4, 6, 0, 7, 7], limits)
    assert outside.tolist() == [0, 1, 0, 0, 0, 0, 0, -1, 0, 0]
    assert runs.tolist() == [0, 0, -1, -1, -1, -1, 0, 0, 0, 0], (
        "a point on the centre neither breaks a run nor adds to it"
    )


@given(st.integers(12, 60), st.integers(0, 2**32 - 1), st.floats(0.1, 100))
def test_turned_over_or_scaled_it_says_the_same(n, seed, scale):
    points = np.random.default_rng(seed).normal(size=n).cumsum()
    outside, runs = signs_of_change(points, process_limits(points))
    other = signs_of_change(-scale * points, process_limits(-scale * points))
    assert (other[0] == -outside).all()
    assert (other[1] == -runs).all()


@pytest.mark.parametrize("n", [12, 20, 56])
def test_chance_alone_is_seldom_a_sign_and_a_change_often(n):
    rng = np.random.default_rng(7)
    found = dict.fromkeys((0.0, 3.0), 0)
    for shift in found:
        for _ in range(400):
            points = rng.normal(size=n) + shift * (np.arange(n) >= n // 2)
            found[shift] += any(signs.any() for signs in signs_of_change(points, process_limits(points)))
    assert found[0.0] / 400 < 0.075
    assert found[3.0] / 400 > 0.75


@pytest.mark.parametrize("points", [[1.0] * 11, [*[1.0] * 11, np.nan]])
def test_too_few_points_are_refused(points):
    with pytest.raises(ValueError, match=r"limits need 12 finite points; got 11 of 1\d"):
        process_limits(points)
