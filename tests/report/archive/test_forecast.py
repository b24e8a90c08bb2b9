"""The forecast kept: worked by hand, right as often as it says, and never for a number that means something else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxresearch.report.archive.forecast import LEVEL, forecast_headlines, forecast_rows, pinball, redefined


def one(value, unit="s", name="wait", label="Wait", kind="estimated"):
    return {"name": name, "label": label, "unit": unit, "kind": kind, "value": value}


def ahead(*values, **more):
    (forecast,) = forecast_headlines([[one(value, **more)] for value in values])
    return forecast


def test_worked_by_hand_on_the_scale_of_logarithms():
    forecast = ahead(100.0, 110.0, 99.0)
    changes = [math.log(1.1), math.log(0.9)]
    half = stats.t.ppf(0.9, 2) * math.sqrt((changes[0] ** 2 + changes[1] ** 2) / 2)
    assert forecast["value"] == 99.0
    assert forecast["lower"] == pytest.approx(99.0 * math.exp(-half))
    assert forecast["upper"] == pytest.approx(99.0 * math.exp(half))
    assert (forecast["level"], forecast["periods"]) == (0.8, 3)


def test_below_three_periods_nothing_is_forecast_and_it_is_said():
    forecast = ahead(100.0, 110.0)
    assert (forecast["value"], forecast["lower"], forecast["upper"]) == (None, None, None)
    assert forecast["note"] == "2 of the 3 periods in a row that a forecast needs"
    assert forecast_headlines([]) == []


def test_a_number_that_was_redefined_or_not_known_ends_the_row():
    history = [[one(1.0, label="Old")], [one(2.0)], [one(3.0)]]
    assert forecast_headlines(history)[0]["periods"] == 2
    assert forecast_headlines([[one(1.0)], [one(None)], [one(3.0)]])[0]["periods"] == 1
    assert redefined(one(1.0), one(2.0)) == ""
    assert redefined(one(1.0, unit="share"), one(1.0)) == "unit: 's' became 'share'"


@given(st.lists(st.floats(0.001, 0.999), min_size=3, max_size=12))
def test_a_share_stays_a_share(values):
    forecast = ahead(*values, unit="share")
    assert 0 <= forecast["lower"] <= forecast["value"] * (1 + 1e-12)
    assert forecast["value"] * (1 - 1e-12) <= forecast["upper"] <= 1


def test_an_unchanging_number_and_a_zero_are_taken_as_they_are():
    assert ahead(5.0, 5.0, 5.0)["lower"] == pytest.approx(5.0)
    assert ahead(0.0, 2.0, 1.0)["lower"] < 0, "with a zero there is no logarithm: the plain scale"


def test_the_interval_holds_as_often_as_it_says_where_its_assumptions_hold():
    rng = np.random.default_rng(20260101)
    walks = np.exp(rng.normal(0, 0.1, (2_000, 8)).cumsum(axis=1))
    inside = 0
    for walk in walks:
        forecast = ahead(*walk[:-1])
        inside += forecast["lower"] <= walk[-1] <= forecast["upper"]
    # 2,000 tries at 0.8: three standard errors are 0.027.
    assert inside / len(walks) == pytest.approx(LEVEL, abs=0.027)


def test_pinball_by_hand_and_least_for_the_true_quantiles():
    said = {"lower": 1.0, "value": 2.0, "upper": 4.0}
    assert pinball(said, 3.0) == pytest.approx((0.1 * 2 + 0.5 * 1 + 0.1 * 1) / 3)
    assert pinball(said, 0.0) == pytest.approx((0.9 * 1 + 0.5 * 2 + 0.1 * 4) / 3)
    draws = np.random.default_rng(1).normal(size=4_000)
    q = stats.norm.ppf(0.9)

    def loss(half):
        return np.mean([pinball({"lower": -half, "value": 0.0, "upper": half}, x) for x in draws])

    assert loss(q) < min(loss(q / 2), loss(q * 2))


def test_rows_say_what_was_said_what_came_and_what_comes():
    said, coming = [ahead(100.0, 110.0, 99.0)], [ahead(100.0, 110.0, 99.0, 120.0)]
    (row,) = forecast_rows([one(115.0)], said, coming, earlier={"wait": (2, 3, 5.0, 9.0)})
    assert (row["said"], row["value"], row["inside"], row["next"]) == (99.0, 115.0, True, 120.0)
    assert (row["inside_so_far"], row["scored_so_far"], row["note"]) == (3, 4, "")
    assert row["pinball"] == pinball(said[0], 115.0)
    # The last value alone, 16 too low, loses half of that at the three quantiles together.
    assert (row["unchanged"], row["unchanged_so_far"]) == (pytest.approx(8.0), pytest.approx(17.0))
    assert row["pinball_so_far"] == pytest.approx(5.0 + row["pinball"])
    (row,) = forecast_rows([one(900.0)], said, coming, earlier={})
    assert (row["inside"], row["inside_so_far"], row["scored_so_far"]) == (False, 0, 1)


def test_what_cannot_be_scored_says_why():
    said = [ahead(100.0, 110.0, 99.0)]
    for now, earlier_said, why in (
        (one(1.0), [], "no forecast was kept"),
        (one(1.0), [ahead(1.0)], "1 of the 3 periods in a row that a forecast needs"),
        (one(1.0, label="Other"), said, "redefined (label: 'Wait' became 'Other')"),
        (one(None), said, "the value is not known"),
    ):
        (row,) = forecast_rows([now], earlier_said, [], earlier={})
        assert (row["inside"], row["pinball"], row["note"]) == (None, None, why)
        assert (row["scored_so_far"], row["next_note"]) == (0, "no forecast was made")
