"""Quantiles and the restricted mean: worked by hand at the places where a curve meets a level exactly."""

from __future__ import annotations

import math
import warnings

import pandas as pd
import pytest

from cxresearch.survival import curves, duration_quantiles, kaplan_meier, log_rank, median_duration, restricted_mean


def table_of(*rows: tuple, columns: str = "duration_s outcome contacts") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


FIVE = table_of((2, "abandoned", 1), (2, "answered", 1), (5, "abandoned", 1), (7, "open", 1), (9, "abandoned", 1))
# Survival 0.6 after 1 s with exact ties; 4 of 10 - 4 / 2 are half.
TIED = table_of((1, "abandoned", 4), (1, "answered", 4), (3, "abandoned", 2))


def test_the_median_takes_its_event_its_ties_and_its_interval():
    assert median_duration(TIED)["estimate"].tolist() == [3]
    assert median_duration(TIED, ties="actuarial")["estimate"].tolist() == [1]
    answered_at = median_duration(TIED.replace({"answered": "abandoned", "abandoned": "answered"}), event="answered")
    assert answered_at["estimate"].tolist() == [3]
    # Of four two leave at 10 s: 0.5 -+ 1.96 * 0.25 is below one half, 0.99 is not.
    halves = table_of((10, "abandoned", 2), (20, "open", 1), (30, "abandoned", 1))
    for interval in ("log-log", "log", "plain"):
        alone = median_duration(halves, interval=interval)
        row = duration_quantiles(halves, shares=[0.5], interval=interval).drop(columns="share")
        pd.testing.assert_frame_equal(alone, row)
    drawn = {kind: kaplan_meier(FIVE, interval=kind) for kind in ("log-log", "plain")}
    assert drawn["log-log"]["upper"][0] < 0.97 < drawn["plain"]["upper"][0]
    assert duration_quantiles(FIVE, shares=[0.03], interval="log-log")["upper"].tolist() == [2]
    assert duration_quantiles(FIVE, shares=[0.03], interval="plain")["upper"].isna().all()


def test_the_lower_limit_of_a_time_is_known_where_nobody_is_left():
    """All leave at 10 s: Greenwood says nothing there, but no lower limit can lie above 0."""
    row = median_duration(table_of((10, "abandoned", 5))).loc[0]
    assert (row["estimate"], row["lower"]) == (10, 10)
    assert math.isnan(row["upper"])


def test_a_level_that_is_met_exactly_is_reached():
    curve = kaplan_meier(FIVE)
    assert duration_quantiles(FIVE, shares=[1 - curve["survival"][1]])["estimate"].tolist() == [5]
    assert duration_quantiles(FIVE, shares=[1 - curve["lower"][1]])["lower"].tolist() == [5]
    assert duration_quantiles(FIVE, shares=[1 - curve["upper"][1]])["upper"].tolist() == [5]
    # 1 - 0.2 - 0.2 - 0.2 in doubles is not 0.4
    steps = table_of((1, "abandoned", 1), (2, "abandoned", 1), (3, "abandoned", 1), (4, "abandoned", 2))
    assert duration_quantiles(steps, shares=[0.2, 0.4, 0.6])["estimate"].tolist() == [1, 2, 3]


def test_the_standard_error_of_a_time_is_that_of_the_curve_over_its_slope():
    row = duration_quantiles(FIVE, shares=[0.4]).loc[0]
    # 0.6 is reached at 5 s. Between the last value >= 0.65 (4/5 at 2 s) and the first <= 0.55 (8/15 at 5 s) lie 3 s.
    slope = (4 / 5 - 8 / 15) / (5 - 2)
    assert row["estimate"] == 5
    assert row["se"] == pytest.approx(8 / 15 * (1 / 20 + 1 / 6) ** 0.5 / slope)
    # The first fall: from 1 at 0 s, so the slope is taken from there.
    first = duration_quantiles(FIVE, shares=[0.1]).loc[0]
    assert first["estimate"] == 2
    assert first["se"] == pytest.approx(4 / 5 * (1 / 20) ** 0.5 / ((1 - 4 / 5) / 2))


def test_the_slope_is_taken_from_values_that_lie_exactly_a_twentieth_off():
    """Of twenty one leaves each second: 0.55 after 9 s, one half after 10 s, 0.45 after 11 s."""
    row = median_duration(table_of(*((second, "abandoned", 1) for second in range(1, 21)))).loc[0]
    assert row["estimate"] == 10
    assert row["se"] == pytest.approx((0.5 * 0.5 / 20) ** 0.5 / ((0.55 - 0.45) / (11 - 9)))


def test_quantiles_stand_by_group_and_in_each_by_share():
    two = pd.concat([FIVE.assign(queue="b"), TIED.assign(queue="a")])
    found = duration_quantiles(two, by="queue", shares=[0.5, 0.2])
    assert list(found.columns) == ["queue", "share", "estimate", "se", "lower", "upper"]
    assert found["queue"].tolist() == ["a", "a", "b", "b"]
    assert found["share"].tolist() == [0.5, 0.2, 0.5, 0.2]
    assert found["estimate"].tolist() == [3, 1, 9, 2]
    many = pd.concat([FIVE.assign(queue=f"q{n:02}") for n in range(30)])
    assert duration_quantiles(many, by="queue", shares=[0.5, 0.8, 0.2])["share"].tolist() == [0.5, 0.8, 0.2] * 30
    assert duration_quantiles(FIVE)["share"].tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_share_that_nobody_or_everybody_is_has_no_quantile(share):
    with pytest.raises(ValueError, match="shares must lie between 0 and 1"):
        duration_quantiles(FIVE, shares=[0.5, share])


@pytest.mark.parametrize("horizon_s", [0, -1.0, math.inf, math.nan])
def test_a_horizon_that_is_no_time_is_refused(horizon_s):
    with pytest.raises(ValueError, match="horizon_s must be a number of seconds > 0"):
        restricted_mean(FIVE, horizon_s=horizon_s)


def test_a_horizon_just_at_the_last_wait_is_known():
    watched = table_of((4, "abandoned", 1), (10, "open", 1))
    assert restricted_mean(watched, horizon_s=10)["estimate"].tolist() == [4 + 6 / 2]
    with pytest.raises(ValueError, match=r"past the last wait of 1 of 1 groups .*all contacts: 10 s"):
        restricted_mean(watched, horizon_s=10.5)
    # Where nobody is left the curve is 0 from there on, and every horizon is known.
    gone = restricted_mean(table_of((4, "abandoned", 1), (10, "abandoned", 1)), horizon_s=100)
    assert gone["estimate"].tolist() == [7]


def test_a_curve_that_falls_at_once_has_a_quantile_of_no_width():
    at_once = table_of((0, "abandoned", 6), (5, "abandoned", 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = median_duration(at_once).loc[0]
    assert (row["estimate"], row["se"]) == (0, 0)


def test_log_rank_takes_as_many_groups_and_times_as_fit(monkeypatch):
    two = pd.concat([FIVE.assign(queue="a"), FIVE.assign(queue="b")])
    monkeypatch.setattr(curves, "DENSE_LIMIT", 2 * 3)
    assert log_rank(two, by="queue")["chi2"].tolist() == [0]
    monkeypatch.setattr(curves, "DENSE_LIMIT", 5)
    with pytest.raises(ValueError, match="2 groups x 3 event times; at most 5 fit"):
        log_rank(two, by="queue")


def test_the_message_names_three_groups_and_says_that_there_are_more():
    queues = pd.concat([FIVE[:4].assign(queue=name) for name in "abcd"])
    shown = r"of 4 of 4 groups \(queue = 'a': 7 s; queue = 'b': 7 s; queue = 'c': 7 s; \.\.\.\)"
    with pytest.raises(ValueError, match=shown):
        restricted_mean(queues, horizon_s=8, by="queue")
    with pytest.raises(ValueError, match=r"queue = 'c': 7 s\), where"):
        restricted_mean(queues[queues["queue"] != "d"], horizon_s=8, by="queue")
