"""Exhibits of a period, of its day and of tickets in another language: no English is left in anything that a reader sees."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import day, forecasts, messages, promises, run_chart, sources, tickets, waiting, waits_compared
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, main_findings
from tests.exhibits.languages import ENGLISH, english_left, texts
from tests.exhibits.odd_logs import NAME, every_exhibit, every_exhibit_of_tickets, odd_logs, plain_log
from tests.exhibits.test_day import HOURS, ranked, scenario_rows, staffed
from tests.exhibits.test_run_chart import NOISE, periods
from tests.exhibits.test_sources import MODEL
from tests.exhibits.test_tickets import months

HERE = (
    "account", "loss_by_hour", "wait_of_leavers", "patience_curve", "two_clocks", "hazard_ratios", "proportional_hazards",
    "loss_by_week_hour", "patience_inside_hours", "calendar", "wait_outcomes", "leaving_hazard", "loss_by_group",
    "wait_distribution", "patience_by_group", "how_sure", "mean_patience", "change_sources", "run_charts", "forecast_check",
    "day_load", "staffing", "busiest_hour_team", "promise_what_if", "redials", "scenarios", "first_messages", "promised",
)  # fmt: skip
# What a model refuses is said in its own words.
REFUSED = (": ", "collinear terms", "separation")


@pytest.fixture(params=["pl", "id"])
def other(request, monkeypatch) -> str:
    """The language of the report."""
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", request.param)
    return request.param


def left_in(made: Exhibit | Exhibits) -> list[str]:
    """The English in what is shown; of an exhibit that says why a model refuses, in what stands before that."""
    left = []
    for one in made if isinstance(made, Exhibits) else (made,):
        refused = one.table.empty and one.draw is None and not one.ready
        before = one.finding
        for mark in REFUSED if refused else ():
            before = before.split(mark)[0]
        left += [before] * bool(refused and ENGLISH.search(before)) if refused else english_left(one.bundles())
    plt.close("all")
    return left


def busy() -> pd.DataFrame:
    """Two months, more lost in the second, promises by lot, some days without a contact."""
    rng = np.random.default_rng(3)
    n = 4_000
    opened = pd.Timestamp("2024-04-01 08:00") + pd.to_timedelta(
        rng.integers(0, 61, n) * 24 + rng.integers(0, 10, n), unit="h"
    )
    may = opened >= pd.Timestamp("2024-05-01")
    return plain_log(
        n, opened_at=opened, outcome=np.where(rng.random(n) < np.where(may, 0.45, 0.2), "abandoned", "answered"),
        promised_s=np.where(np.arange(n) % 2, 30.0, 60.0),
        queue=np.where(rng.random(n) < 0.5, "sales", np.where(rng.random(n) < 0.5, "service", "Contacts")),
    )  # fmt: skip


def all_left(month: PeriodLog, channel: str, names: Iterable[str] = HERE) -> dict[str, list[str]]:
    found = {name: left_in(make()) for name, make in every_exhibit(month, channel) if name in names}
    return {name: left for name, left in found.items() if left}


def test_a_period(other):
    month = cx.load(busy()).period(NAME)
    assert all_left(month, "phone") == {}
    groups = cx.loss_by_group(month, channel="phone")
    said = " ".join(texts(groups.bundles()))
    assert {"sales", "service", "Contacts"} <= set(said.replace(",", " ").split()), (
        "a queue is called as the log calls it"
    )
    plt.close("all")


@pytest.mark.parametrize("odd", [
    "one day", "all channels",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("nobody gave up", "no customer", "some rows have no date")),
])  # fmt: skip
def test_odd_periods(odd, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", "pl")
    assert all_left(cx.load(odd_logs()[odd]).period(NAME), "phone") == {}


def test_a_log_of_messages(other):
    assert all_left(cx.load(odd_logs()["e-mail only"]).period(NAME), "email") == {}


def test_tickets(other):
    for frame in (
        months(1.6),
        months().assign(outcome="open"),
        months().assign(promised_s=60.0).query("opened_at < '2024-05-04'"),
    ):
        month = cx.load(frame).period(NAME)
        found = {name: left_in(make()) for name, make in every_exhibit_of_tickets(month)}
        assert {name: left for name, left in found.items() if left} == {}


def test_what_few_logs_say(other):
    """Sentences that a log of chance does not come to, from tables worked by hand."""
    needed = pd.Series({"agents": 5, "lower": 5, "upper": 6, "share_enough": 0.9})
    change = pd.Series({"verdict": "rose", "difference_lower": 0.02, "difference_upper": 0.06})
    parts = pd.DataFrame({"part": ["mix", "queued", "left_queue", "left_before"], "contribution": [0.01, 0.01, 0.04, -0.02],
                          "lower": [0.001, -0.1, 0.02, -0.03], "upper": [0.02, 0.1, 0.06, -0.01]})  # fmt: skip
    curve = pd.DataFrame({"duration_s": [10.0, 60.0, 200.0], "hazard_per_s": [0.004, 0.002, 0.009],
                          "lower": [0.0041, 0.001, 0.0042], "upper": [0.005, 0.003, 0.02]})  # fmt: skip
    firsts = pd.DataFrame(
        {"within_s": [3_600.0], "answered": [0.2], "asked_again": [0.1], "moved": [0.1], "nothing_yet": [0.6]}
    )
    step = 12 * (np.arange(56) >= 42)
    swing = np.round(25 + 12 * np.sin(np.arange(56) / 5)).astype(int)
    shown = [
        day.staffing(staffed(days), hours=HOURS, most_abandoned=0.05) for days in (4, 10)
    ] + [
        day.busiest_hour_team(row, needed, ranks=ranked(second), most_abandoned=0.05)
        for second in (40, 50) for row in (staffed(10).iloc[1], staffed(10).assign(lower=4, upper=4).iloc[1])
    ] + [
        day.scenarios(scenario_rows(), HOURS.assign(missed=1.0), redials_measured=measured) for measured in (True, False)
    ] + [
        day.bot_range(pd.Series({"value": 0.1, "second_value": 0.2, "survey": "", "verdict": "untraceable"})),
        waiting.leaving_hazard(curve, bandwidth_s=8), waiting.leaving_hazard(curve.head(2), bandwidth_s=8),
        *sources.change_sources(change, parts, MODEL, pd.DataFrame(), before="x"),
        *sources.change_sources(change, parts.assign(contribution=-parts["contribution"]), MODEL, pd.DataFrame(), before="x"),
        *[run_chart.run_charts(*periods(left), place="x") for left in (20 + NOISE + step, 20 + NOISE - step, swing, 20 + NOISE)],
        messages.message_outcomes(firsts.assign(outcome="moved", duration_s=9.0, probability=0.5), firsts, by_link=True, horizon_s=10, subtitle="x"),
        main_findings(waiting.leaving_hazard(curve, bandwidth_s=8)),
    ]  # fmt: skip
    for exhibit in shown:
        assert left_in(exhibit) == [], exhibit.finding


def test_what_a_test_says(other):
    for chance in (0.01, 0.4):
        assert left_in(waits_compared.group_test(pd.DataFrame({"p_value": [chance]}), "queue")) == []
    whole = pd.DataFrame({"level": ["", "a"], "p_value": [0.001, 0.5]})
    assert left_in(waits_compared.proportional_hazards(whole)) == []
    ratios = pd.DataFrame({"level": ["a (A)", "b"], "hazard_ratio": [2.0, 1.0], "lower": [1.5, 0.5], "upper": [2.5, 2.0],
                           "p_value": [0.001, 0.9]})  # fmt: skip
    ties = pd.DataFrame({"level": ["a (A)", "b"], "shift_in_se": [1.4, 0.1]})
    assert left_in(waits_compared.hazard_ratios(ratios, ties, reference="c")) == []


@pytest.mark.parametrize("by_lot", [True, False])
@pytest.mark.parametrize("beyond", [[True, True], [True, False], [False, False], [False], []])
def test_promises(other, by_lot, beyond):
    row = pd.Series({"estimate": 0.5, "lower": 0.2, "upper": 0.8, "shape": -1.0})
    became = pd.DataFrame({"promised_s": [30.0, np.nan], "queued": 50, "kept": 30, "missed": 20, "share_left_of_queued": 0.2,
                           "lower": 0.1, "upper": 0.3, "share_left_after_missed": 0.4})  # fmt: skip
    follows = pd.DataFrame({"follows": ["hour", "customer"][: len(beyond)], "p_value": 0.01, "beyond_chance": beyond})
    assert (
        left_in(promises.promise_elasticity(row, row, row, became, follows, by_lot=by_lot, pooled_alone=by_lot)) == []
    )


@pytest.mark.parametrize("verdict", ["better", "no better", "worse"])
def test_forecasts(other, verdict):
    days = pd.DataFrame({"day": pd.date_range("2024-05-01", periods=3), "expected": 10.0, "lower": 5.0, "median": 10.0, "upper": 15.0,
                         "contacts": [9, 20, 10], "inside": [True, False, True], "inside_95": True})  # fmt: skip
    scores = pd.DataFrame({"counted_by": "day", "rule": ["forecast", "mean of all days", "last same weekday"], "scored": 3,
                           "share_inside_80": 0.8, "share_inside_95": 0.9, "pinball": [1.0, 2.0, 3.0], "mean_miss": 1.0, "skill": 0.1,
                           "skill_lower": 0.0, "skill_upper": 0.2, "verdict": ["", verdict, "better"]})  # fmt: skip
    assert left_in(forecasts.arrivals_forecast(days, scores, before="x", unsaid=2)) == []
    ahead = pd.DataFrame({"name": "a", "label": "x", "unit": "share", "said": 0.2, "lower": 0.1, "upper": 0.3, "value": 0.25,
                          "unchanged": 0.2, "inside": True, "miss": [0.1, 0.3], "miss_unchanged": [0.2, 0.1]})  # fmt: skip
    for table in (ahead, ahead.head(1), ahead.tail(1), ahead.assign(miss=0.1, miss_unchanged=0.1), ahead.head(0)):
        assert left_in(forecasts.headline_forecast(table, before="x")) == []


def test_who_asks_again(other):
    row = {"asked_again": "before the first answer", "tickets": 90, "customers": 40, "asked_again_share": 0.2, "expected_share": 0.1,
           "difference": 0.1, "difference_lower": 0.05, "difference_upper": 0.15, "unit": "day"}  # fmt: skip
    for changed in ({}, {"asked_again": "after the first answer"}, {"difference_lower": -0.1}, {"difference_lower": np.nan, "unit": ""},
                    {"difference_lower": -0.2, "difference_upper": -0.1, "unit": "customer"}):  # fmt: skip
        assert left_in(tickets.asking_again(pd.DataFrame([row | changed]), again_h=24.0, unknown=3)) == []
