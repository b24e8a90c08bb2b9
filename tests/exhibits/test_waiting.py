"""Sentences that say what a table says: every number in them is the table's, and nothing is said that it does not show."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cxresearch.exhibits import messages, promises, waiting


def test_the_two_clocks_are_read_at_a_minute_or_at_the_first_time_known():
    at = pd.DataFrame({"clock": ["patience", "offered wait"] * 2, "duration_s": [30.0, 30.0, 60.0, 60.0],
                       "survival": [0.9, 0.7, 0.8, 0.5]})  # fmt: skip
    assert waiting.two_clocks(at, at).finding == (
        "After 60 s, 50.0 % would still be without an answer, and 80.0 % would still wait for it"
    )
    early = at.assign(survival=[0.9, 0.7, 0.8, math.nan])
    assert waiting.two_clocks(at, early).finding.startswith("After 30 s, 70.0 %")
    assert waiting.two_clocks(at, at.assign(survival=math.nan)).finding.startswith("Too few waits")


def came_first(shares, *, by_link=False) -> str:
    return messages.message_outcomes(
        shares.assign(outcome="answered"), shares, by_link=by_link, horizon_s=1, subtitle="S"
    ).finding


def test_what_came_first_is_told_at_the_last_time_that_some_still_wait():
    shares = pd.DataFrame({"within_s": [3_600.0, 86_400.0, 259_200.0], "answered": [0.2, 0.6, 0.7],
                           "asked_again": [0.0, 0.01, 0.01], "moved": [0.1, 0.2, 0.29],
                           "nothing_yet": [0.7, 0.19, 0.0]})  # fmt: skip
    assert came_first(shares) == (
        "After 1 day, 60.0 % had an answer, 20.0 % had gone elsewhere first, 1.0 % had asked again, and 19.0 % still waited"
    )
    assert "20.0 % had been sent a link first" in came_first(shares, by_link=True)
    assert came_first(shares.assign(nothing_yet=0.0)).startswith("After 1 h, 20.0 %")
    assert came_first(shares.assign(answered=math.nan)).startswith("Too few messages")


def city(shares) -> str:
    return messages.city_requests(shares, pd.DataFrame(), pd.DataFrame(), "agency")[1].finding


def test_the_slowest_and_the_fastest_are_told_by_what_is_sure_of_each():
    shares = pd.DataFrame({"agency": ["A", "B", "A", "B"], "within_s": [60.0, 60.0, 604_800.0, 604_800.0],
                           "least": [0.9, 0.5, 0.25, 0.0], "most": [0.9, 0.6, 0.3, 0.02]})  # fmt: skip
    shares = shares.assign(lower=shares["least"] - 0.01, upper=shares["most"] + 0.01)
    said = "After 7 days, at least 25.0 % had no answer"
    assert city(shares) == f"{said} from A, at most 2.0 % from B"
    assert city(shares.query("agency == 'A'")) == said
    assert city(shares.assign(lower=0.0)) == (
        "After 7 days, 0.0 % to 30.0 % had no answer; no agency stands out on both sides"
    )


def test_repeat_callers_widen_the_interval_by_what_the_table_says():
    table = pd.DataFrame({"drawn": ["contact", "customer", "day"], "estimate": 0.82, "times_formula": [1.0, 1.8, 2.1]})
    text = waiting.how_sure(table, 60.0).says
    assert "the 82.0 % who would still wait after 60 s" in text
    assert "1.8 times as large when customers are drawn by lot and 2.1 times as large when days are" in text
    assert "customers are drawn" not in waiting.how_sure(table.drop(index=1), 60.0).says


def test_a_minute_past_the_promise_stands_beside_what_is_quoted():
    growth = pd.DataFrame({"effect": ["at the promise", "each minute past it"], "estimate": [1.3, 1.004],
                           "lower": [1.1, 0.99], "upper": [1.6, 1.01]})  # fmt: skip
    growth = growth.assign(contacts=9, events=3)
    text = promises.broken_promise_growth(growth, pd.Series({"value": 0.52, "source": "Somebody 2019"})).finding
    assert text.startswith("Each minute past the promise multiplies the rate of leaving by 1.00")
    assert text.endswith("Somebody 2019 found up to 1.52.")


def test_promises_are_the_first_column_as_text():
    effects = pd.DataFrame({"promised_s": [30.0, 900.0, math.nan], "promise_state": ["standing", "missed", "absent"],
                            "estimate": 1.0, "lower": 1.0, "upper": 1.0, "contacts": 5, "events": 1})  # fmt: skip
    shown = promises.promise_effects(effects).shown
    assert shown["promise"].tolist() == ["30 s, standing", "15 min, missed", "no promise"]


def test_a_peak_that_few_are_left_to_show_leads_no_title():
    hazard = pd.DataFrame({"duration_s": [10.0, 60.0, 290.0], "hazard_per_s": [0.004, 0.002, 0.009],
                           "lower": [0.003, 0.001, 0.0005]})  # fmt: skip
    assert waiting.leaving_hazard(hazard, bandwidth_s=8).finding.startswith(
        "People are most likely to go after 10 s: 24% a minute"
    )
    tied = waiting.leaving_hazard(hazard.assign(upper=[0.005, 0.003, 0.02]), bandwidth_s=8).finding
    assert tied.startswith("People are most likely to go after 10 s: ")  # that of 290 s may be no more than the usual
    tied = waiting.leaving_hazard(
        hazard.assign(lower=[0.0041, 0.001, 0.0042], upper=[0.005, 0.003, 0.02]), bandwidth_s=8
    )
    assert tied.finding == (
        "People are most likely to go after 10 s and 4.8 min: 24% to 54% a minute, too close to tell which is the highest"
    )
    assert "after 4.8 min" in waiting.leaving_hazard(hazard.assign(lower=0.0), bandwidth_s=8).finding


@pytest.mark.parametrize(
    ("weekdays", "words"),
    [([1, 2, 3, 4, 5], "Monday to Friday"), ([7, 1, 2, 3, 4], "Sunday to Thursday"), ([2, 6], "Tuesday and Saturday"),
     ([6, 7], "Saturday and Sunday"), (range(1, 8), "all weekdays"), ([], "no weekday"), ([1, 3, 4, 5], "Monday and Wednesday to Friday")],
)  # fmt: skip
def test_weekdays_in_a_row_are_told_by_their_ends(weekdays, words):
    assert waiting.week_in_words(weekdays) == words
