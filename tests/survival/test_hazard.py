"""The smoothed hazard: its grid, who is at risk at its ends, and what it refuses, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaincinv

from cxresearch.survival import hazard, hazard_rate

NONE_SEEN = gammaincinv(1, 0.975)  # the upper limit of a count of 0
# At an end the kernel has half its mass: 1/2, mean 3/16, square 1/10; its level is square / (mass square - mean ** 2).
LEVEL_AT_AN_END = 0.1 / (0.5 * 0.1 - (3 / 16) ** 2)


def table_of(*rows: tuple, columns: str = "duration_s outcome contacts entry_s") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split()[: len(rows[0])])


def at(rate: pd.DataFrame, time_s: float) -> pd.Series:
    return rate.loc[np.isclose(rate["duration_s"], time_s)].iloc[0]


@pytest.mark.parametrize(("entry_s", "bandwidth_s", "last"), [(0.0, 20, 100), (40.0, 20, 100), (0.5, 7, 100)])
def test_the_grid_goes_from_the_first_entry_to_the_last_wait_in_tenths_of_a_bandwidth(entry_s, bandwidth_s, last):
    table = table_of((60, "abandoned", 5, entry_s), (last, "open", 9, entry_s))
    times = hazard_rate(table, bandwidth_s=bandwidth_s)["duration_s"].to_numpy()
    assert (times[0], times[-1]) == (entry_s, last)
    np.testing.assert_allclose(np.diff(times)[:-1], bandwidth_s / 10)
    assert 0 < times[-1] - times[-2] <= bandwidth_s / 10 + 1e-9


def test_the_grid_of_every_group_is_its_own():
    early = table_of((30, "abandoned", 5, 0.0), (40, "open", 5, 0.0)).assign(queue="a")
    late = table_of((80, "abandoned", 5, 50.0), (90, "open", 5, 50.0)).assign(queue="b")
    rate = hazard_rate(pd.concat([late, early]), bandwidth_s=10, by="queue")
    ends = rate.groupby("queue")["duration_s"].agg(["first", "last", "size"])
    assert ends.loc["a"].tolist() == [0, 40, 41]
    assert ends.loc["b"].tolist() == [50, 90, 41]


def test_at_the_first_moment_everybody_who_starts_there_is_at_risk():
    """Ten are answered after half a second; at 0 s there were sixty."""
    table = table_of((0.5, "answered", 10), (60, "abandoned", 1), (100, "open", 49))
    first = at(hazard_rate(table, bandwidth_s=10), 0)
    assert (first["hazard_per_s"], first["lower"]) == (0, 0)
    assert first["upper"] == pytest.approx(NONE_SEEN * 0.75 * LEVEL_AT_AN_END / 10 / 60)


@pytest.mark.parametrize("entry_s", [0.5, 30.0])
def test_who_came_late_is_at_risk_just_after_the_entry(entry_s):
    table = table_of((70, "abandoned", 1, entry_s), (100, "open", 49, entry_s))
    first = hazard_rate(table, bandwidth_s=10).iloc[0]
    assert first["duration_s"] == entry_s
    assert first["upper"] == pytest.approx(NONE_SEEN * 0.75 * LEVEL_AT_AN_END / 10 / 50)


def test_a_wait_counts_to_the_end_of_its_tick():
    """Thirty are answered in the tick from 50 s to 60 s: at 60 s they count, later they do not."""
    table = table_of((10, "abandoned", 1), (50, "answered", 30), (110, "open", 20))
    rate = hazard_rate(table, bandwidth_s=20, tick_s=10)
    assert at(rate, 60)["upper"] == pytest.approx(NONE_SEEN * 0.75 / 20 / 50)
    assert at(rate, 62)["upper"] == pytest.approx(NONE_SEEN * 0.75 / 20 / 20)


def test_events_of_a_tick_lie_in_its_middle_among_those_who_stay_half_of_it():
    """Ten of a hundred leave in the tick from 50 s: 95 at risk on average, placed at 55 s."""
    table = table_of((50, "abandoned", 10), (150, "open", 90))
    rate = hazard_rate(table, bandwidth_s=20, tick_s=10)
    assert at(rate, 56)["hazard_per_s"] == pytest.approx(0.75 * (1 - (1 / 20) ** 2) / 20 * 10 / 95)
    assert at(rate, 54)["hazard_per_s"] == pytest.approx(at(rate, 56)["hazard_per_s"])
    assert at(rate, 34)["hazard_per_s"] == at(rate, 76)["hazard_per_s"] == 0
    # Without a tick: at 50 s itself, among all hundred.
    exact = hazard_rate(table, bandwidth_s=20, tick_s=0)
    assert at(exact, 50)["hazard_per_s"] == pytest.approx(0.75 / 20 * 10 / 100)
    table.attrs["tick_s"] = 10.0
    pd.testing.assert_frame_equal(hazard_rate(table, bandwidth_s=20), rate)


def test_the_limits_are_those_of_a_weighted_count():
    """One event of weight w: the gamma law of one event below, of one event more above."""
    table = table_of((50, "abandoned", 1), (150, "open", 99))
    row = at(hazard_rate(table, bandwidth_s=20), 50)
    weight, more = 0.75 / 20 / 100, 0.75 / 20 / 100
    assert row["hazard_per_s"] == pytest.approx(weight)
    assert row["lower"] == pytest.approx(weight * gammaincinv(1, 0.025))
    mean, variance = weight + more, weight**2 + more**2
    assert row["upper"] == pytest.approx(variance / mean * gammaincinv(mean**2 / variance, 0.975))


def test_a_bandwidth_as_wide_as_all_waits_fits_and_a_wider_one_does_not():
    late = table_of((55, "abandoned", 2, 50.0), (60, "open", 2, 50.0))
    assert len(hazard_rate(late, bandwidth_s=10)) == 11
    with pytest.raises(ValueError, match=r"wider than all the waits of 1 of 1 groups .the shortest covers 10 s."):
        hazard_rate(late, bandwidth_s=10.5)


def test_a_last_tick_with_events_is_a_part_of_the_curve_and_one_without_is_not():
    left = table_of((10, "open", 5), (20, "abandoned", 1))
    assert hazard_rate(left, bandwidth_s=10, tick_s=10)["duration_s"].iloc[-1] == 30
    waiting = table_of((10, "abandoned", 5), (20, "open", 5))
    assert hazard_rate(waiting, bandwidth_s=10, tick_s=10)["duration_s"].iloc[-1] == 20


@pytest.mark.parametrize("bandwidth_s", [0, -1.0, np.inf, np.nan])
def test_a_bandwidth_that_is_no_time_is_refused(bandwidth_s):
    with pytest.raises(ValueError, match="bandwidth_s must be a number of seconds > 0"):
        hazard_rate(table_of((50, "abandoned", 1)), bandwidth_s=bandwidth_s)


@pytest.mark.parametrize("tick_s", [-0.5, np.inf, np.nan])
def test_a_tick_that_is_no_time_is_refused(tick_s):
    with pytest.raises(ValueError, match="tick_s must be a number of seconds >= 0"):
        hazard_rate(table_of((50, "abandoned", 1)), bandwidth_s=5, tick_s=tick_s)


@pytest.mark.parametrize(
    ("limit", "most", "message"),
    [("PAIRS_LIMIT", 21, "the windows hold 21 event times"), ("POINTS_LIMIT", 100, "asks for 100 points, 10 a")],
)
def test_as_much_as_fits_in_memory_is_given(monkeypatch, limit, most, message):
    """One event at 50 s is in the windows of 21 points, those from 40 s to 60 s; 100 s are ten bandwidths."""
    table = table_of((50, "abandoned", 1), (100, "open", 1))
    monkeypatch.setattr(hazard, limit, most)
    hazard_rate(table, bandwidth_s=10)
    monkeypatch.setattr(hazard, limit, most - 1)
    with pytest.raises(ValueError, match=message):
        hazard_rate(table, bandwidth_s=10)


def test_every_gap_is_counted_and_the_first_is_named():
    gaps = table_of((10, "abandoned", 1, 0.0), (30, "open", 1, 20.0), (50, "open", 1, 40.0))
    with pytest.raises(ValueError, match=r"for some time after 10 s \(and 1 more such gaps\)"):
        hazard_rate(gaps, bandwidth_s=5)
