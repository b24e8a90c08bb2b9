"""Arrivals ahead: worked by hand, properties, agreement with statsmodels, a known truth with the day as unit, real months."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.genmod.families import NegativeBinomial, Poisson
from statsmodels.genmod.generalized_linear_model import GLM

import cxresearch as cx
from cxresearch.queueing import arrivals_ahead, arrivals_ahead_by_hour, forecast_scores, naive_arrivals, scored_days
from cxresearch.queueing.arrivals import LAST, LEVELS, SAME

MONDAY = pd.Timestamp("2024-06-03")


def days_of(contacts: list[float], start: pd.Timestamp = MONDAY) -> pd.DataFrame:
    day = pd.date_range(start, periods=len(contacts))
    table = pd.DataFrame({"day": day, "weekday": day.day_of_week + 1, "contacts": contacts})
    return table[table["contacts"] > 0].reset_index(drop=True)


def drawn(rng: np.random.Generator, *, days: int, dispersion: float, start: pd.Timestamp = MONDAY) -> pd.DataFrame:
    """Negative binomial days, Sundays half as many."""
    day = pd.date_range(start, periods=days)
    mean = np.where(day.day_of_week == 6, 200.0, 400.0)
    return days_of(list(rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean))), start)


# --- by hand


def test_a_weekday_is_expected_at_its_mean_and_strays_as_its_days_did():
    """Two weeks: 90 and 110 on every weekday. Pearson: 14 * 100 / (100 + a * 100**2) = 7 days, so a = 0.01."""
    ahead = arrivals_ahead(days_of([90.0] * 7 + [110.0] * 7), pd.date_range("2024-06-17", periods=7))
    assert ahead["expected"].tolist() == pytest.approx([100.0] * 7)
    assert ahead.attrs["dispersion"] == pytest.approx(0.01)
    # Two such days each: the mean is sure to half of a day's variance.
    t = stats.t.ppf(0.9, 7) / stats.norm.ppf(0.9)
    beyond = (0.01 + 0.5 * (1 / 100 + 0.01)) * t**2
    more = ahead.attrs["correlation"]
    assert more == 0 or ahead["upper"][0] >= stats.nbinom.ppf(0.9, 1 / beyond, 1 / (1 + beyond * 100))


def test_an_hour_is_the_days_total_by_the_profile_of_its_weekday():
    days = days_of([90.0] * 7 + [110.0] * 7)
    parts = [days.assign(hour=hour, contacts=days["contacts"] * share) for hour, share in ((9, 0.4), (15, 0.6))]
    week = pd.date_range("2024-06-17", periods=7)
    by_hour = arrivals_ahead_by_hour(pd.concat(parts), week)
    assert by_hour["expected"].tolist() == pytest.approx([40.0, 60.0] * 7)
    assert by_hour.groupby("day")["expected"].sum().tolist() == pytest.approx([100.0] * 7)


def test_scores_by_hand():
    said = pd.DataFrame({"day": [MONDAY], "weekday": [1], "expected": [100.0], "lower_95": [50.0], "lower": [80.0],
                         "median": [100.0], "upper": [120.0], "upper_95": [150.0]})  # fmt: skip
    one = scored_days(said, days_of([130.0])).iloc[0]
    assert (one["inside"], one["inside_95"]) == (False, True)
    assert one["pinball"] == pytest.approx((0.1 * 50 + 0.5 * 30 + 0.9 * 10) / 3)


def test_the_last_same_weekday_and_the_mean_of_roots():
    seen = days_of([100.0] * 7 + [144.0] * 7)
    rivals = naive_arrivals(seen, pd.date_range("2024-06-17", periods=2))
    assert rivals[LAST]["median"].tolist() == pytest.approx([144.0, 144.0])
    assert rivals[SAME]["median"].tolist() == pytest.approx([121.0, 121.0])  # 11 is the mean of 10 and 12


# --- what is refused and what is left out


def test_missing_days_are_no_days_of_none():
    full = days_of([100.0, 120.0, 90.0, 110.0, 100.0, 50.0, 40.0] * 4)
    gone = full[full["day"].dt.day != 12]
    assert arrivals_ahead(gone, pd.date_range("2024-07-01", periods=7))["expected"].min() >= 40


def test_too_few_days_and_weekdays_never_seen():
    with pytest.raises(ValueError, match="8 days on 7 weekdays are too few"):
        arrivals_ahead(days_of([100.0] * 8), pd.date_range("2024-07-01", periods=7))
    workdays = days_of([100.0, 120.0, 90.0, 110.0, 100.0, 0.0, 0.0] * 4)
    assert arrivals_ahead(workdays, pd.date_range("2024-07-01", periods=7))["weekday"].tolist() == [1, 2, 3, 4, 5]
    nothing = arrivals_ahead(workdays, pd.DatetimeIndex(["2024-07-06"]))
    assert nothing.empty


# --- always


@settings(max_examples=25)
@given(st.lists(st.integers(1, 3_000), min_size=14, max_size=35))
def test_quantiles_are_in_order_and_nothing_is_below_none(contacts):
    ahead = arrivals_ahead(days_of([float(n) for n in contacts]), pd.date_range("2024-08-05", periods=7))
    columns = ahead[list(LEVELS)].to_numpy()
    assert (np.diff(columns, axis=1) >= 0).all()
    assert (columns >= 0).all()
    assert np.isfinite(columns).all()


def test_a_rival_against_itself_saves_nothing():
    seen, came = (
        days_of([100.0, 90.0, 120.0, 80.0, 95.0, 60.0, 40.0] * 4),
        days_of([99.0] * 28, pd.Timestamp("2024-07-01")),
    )
    ahead = arrivals_ahead(seen, came["day"])
    row = forecast_scores(ahead, {"itself": ahead}, came).iloc[1]
    assert (row["skill"], row["skill_lower"], row["verdict"]) == (0.0, 0.0, "no better")


# --- others


def test_the_levels_agree_with_statsmodels():
    seen = drawn(np.random.default_rng(1), days=28, dispersion=0.02)
    levels = pd.get_dummies(seen["weekday"]).to_numpy(dtype=float)
    ahead = arrivals_ahead(seen, pd.date_range("2024-07-01", periods=7))
    poisson = GLM(seen["contacts"], levels, family=Poisson()).fit()
    assert ahead["expected"].to_numpy() == pytest.approx(np.exp(np.asarray(poisson.params)), rel=1e-6)
    ours = GLM(seen["contacts"], levels, family=NegativeBinomial(alpha=ahead.attrs["dispersion"])).fit()
    assert ours.pearson_chi2 == pytest.approx(21.0, rel=1e-6)  # Pearson's statistic is its degrees of freedom


# --- a known truth


def test_intervals_hold_what_they_say_and_the_forecast_beats_the_last_week():
    inside, inside_95, saved, days = 0, 0, [], 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        seen = drawn(rng, days=28, dispersion=0.02)
        came = drawn(rng, days=28, dispersion=0.02, start=pd.Timestamp("2024-07-01"))
        ahead = arrivals_ahead(seen, came["day"])
        scores = forecast_scores(ahead, naive_arrivals(seen, came["day"]), came).set_index("rule")
        days += len(came)
        inside += scores.loc["forecast", "share_inside_80"] * len(came)
        inside_95 += scores.loc["forecast", "share_inside_95"] * len(came)
        saved.append(scores.loc[LAST, "skill"])
    error = math.sqrt(0.8 * 0.2 / days)
    # Days of one month share their levels: some more than the error of independent days.
    assert 0.8 - 3 * error < inside / days < 0.8 + 5 * error
    assert inside_95 / days > 0.93
    assert np.mean(saved) > 0.1


# --- real months


def test_february_of_the_bank_said_by_january(shared):
    month = cx.load(shared / "data" / "anonymous-bank").period("1999-02").only(channel="phone")
    seen, came = (log.asked(("day", "weekday", "hour")) for log in (month.previous, month))
    ahead = arrivals_ahead(seen, came["day"].drop_duplicates())
    assert len(seen["day"].unique()) == 29  # 11 and 12 January are missing
    scores = forecast_scores(ahead, naive_arrivals(seen.drop(columns="hour"), came["day"].drop_duplicates()), came)
    told = scores.set_index("rule")
    assert told.loc["forecast", "share_inside_80"] > 0.8
    assert told.loc[LAST, "verdict"] == "better"
    assert told.loc[SAME, "verdict"] != "better"
