"""The day's exhibits: what they say of tables worked by hand, and of the bank's February."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.exhibits import WHAT_IF, day, day_of_period
from cxresearch.exhibits.waiting import clock
from cxresearch.risk_table import ranked_by_day
from tests.exhibits.odd_logs import NAME, plain_log


def staffed(days: int) -> pd.DataFrame:
    return pd.DataFrame({
        "hour": [9, 10], "arrivals_per_h": [40.0, 50.0], "agents": [2.5, 3.5], "agents_needed": [4, 5], "gap": [1.5, 1.5],
        "needed_median": [4, 5], "lower": [3, 4], "upper": [5, 7], "days_missed": [1, 3], "days": days,
    })  # fmt: skip


HOURS = pd.DataFrame({"hour": range(24), "contacts": [5, *[0] * 8, 400, 500, *[0] * 13], "missed": 0.0})


def test_staffing_says_the_mean_day_and_how_many_days_it_misses():
    exhibit = day.staffing(staffed(10), hours=HOURS, most_abandoned=0.05)
    assert exhibit.finding == (
        "So that at most 5.0 % of all who ask give up, the mean day takes 9 agent hours; 6 look as if they were there. The same "
        "team every day misses that goal in 20.0 % of the time; 12 keep it on 9 of 10 days"
    )
    assert "Not in it: one hour with fewer than 30 contacts in all" in exhibit.subtitle
    assert "9 of 10" not in day.staffing(staffed(4), hours=HOURS, most_abandoned=0.05).finding


def test_staffing_takes_nobody_away_from_an_hour_that_keeps_the_goal():
    """Six look as if they were there where three would do: 6 + 5 agent hours, not 3 + 5."""
    ample = staffed(10).assign(agents=[6.0, 3.0], agents_needed=[3, 5], upper=[4, 7])
    assert day.staffing(ample, hours=HOURS, most_abandoned=0.05).finding == (
        "So that at most 5.0 % of all who ask give up, the mean day takes 11 agent hours; 9 look as if they were there. In one "
        "hour they keep it already and stay as they are. The same team every day misses that goal in 20.0 % of the time; 13 keep it on 9 of 10 "
        "days"
    )


def ranked(second: int) -> pd.DataFrame:
    """Ten days on which 10 to 11 h has 50 contacts, give or take one, and 9 to 10 h has ``second``."""
    asked = [base + (-1) ** (n + (base > 45)) for n in range(10) for base in (second, 50)]
    days = pd.date_range("2026-10-05", periods=10).repeat(2)
    counts = pd.DataFrame({"day": days, "weekday": days.day_of_week + 1, "hour": [9, 10] * 10, "asked": asked})
    return ranked_by_day(counts, by="hour", top="asked", below="asked", ratio=False).assign(ranked="contacts")


def test_the_busiest_hour_has_a_range_over_days():
    needed = pd.Series({"agents": 5, "lower": 5, "upper": 6, "share_enough": 0.9})
    beside = day.busiest_hour_team(staffed(10).iloc[1], needed, ranks=ranked(50), most_abandoned=0.05)
    assert beside.finding.startswith("From 10 to 11 h, one of the busiest, 4 to 7 agents")
    exhibit = day.busiest_hour_team(staffed(10).iloc[1], needed, ranks=ranked(40), most_abandoned=0.05)
    assert exhibit.finding == (
        "From 10 to 11 h, the busiest, 4 to 7 agents, depending on the day, keep the loss at most 5.0 %; 7 do on 9 of 10 "
        "days. 5, which the mean day takes, do on 7 of 10. Other days drawn for the patience make it 5 to 6"
    )


def scenario_rows() -> pd.DataFrame:
    return pd.DataFrame({
        "scenario": ["as it is", "help"], "contained_share": 0.0, "evening_experts": [0, 2], "redial_share": 0.25,
        "contacts_per_day": [100.0, 98.0], "left_per_day": [10.0, 5.0], "share_left_of_asked": [0.1, 0.051],
        "fewer_left_share": [0.0, 0.5], "lower": [0.0, 0.4], "upper": [0.0, 0.6],
    })  # fmt: skip


def test_scenarios_say_their_interval_and_where_no_team_explains_the_log():
    exhibit = day.scenarios(scenario_rows(), HOURS, redials_measured=True)
    assert exhibit.finding == (
        "As it is 10.0 % of all who ask give up; help: 5.1 %, 50.0 % (40.0 to 60.0 %) fewer people"
    )
    assert "The first row is the log's own, hour by hour. A call that is answered" in exhibit.says
    assert "25.0 % of those who give up call again because of it (measured" in exhibit.says
    missing = HOURS.assign(missed=np.where(HOURS["hour"].isin([9, 10]), 0.5, 0.0))
    says = day.scenarios(scenario_rows(), missing).says
    assert "In two hours nobody gave up: no team explains that, and nobody is saved there." in says
    assert "because of it (assumed)" in says


@pytest.mark.parametrize(
    ("hour", "minutes", "said"), [(8, 60, "8 to 9 h"), (8.25, 15, "8:15 to 8:30"), (23.5, 30, "23:30 to 24:00")]
)
def test_a_part_of_an_hour_is_said_as_a_clock_does(hour, minutes, said):
    assert clock(hour, minutes) == said


def test_a_day_is_cut_by_15_30_or_60_minutes():
    mine = cx.load(plain_log(2_000)).period(NAME).only(channel="phone")
    with pytest.raises(ValueError, match="interval_min is one of 15, 30, 60; got 20"):
        day_of_period.day_of(mine, interval_min=20)
    halves = day_of_period.day_of(mine, interval_min=30)
    assert len(halves.hours) == 48
    assert day_of_period.day_load(halves).table["contacts"].sum() == day_of_period.day_of(mine).hours["contacts"].sum()


def test_where_no_customer_is_known_what_is_assumed_is_said():
    nine = pd.Timestamp("2024-05-01 09:00") + pd.to_timedelta(np.arange(2_000) % 20, unit="D")
    mine = cx.load(plain_log(2_000, customer_key=None, opened_at=nine)).period(NAME).only(channel="phone")
    one = day_of_period.day_of(mine)
    assert "of nobody who gave up is it known who it was" in day_of_period.redials(one).finding
    says = day_of_period.scenarios(one, evening_experts=2).says
    assert "30.0 % of those who give up call again because of it (assumed)" in says
    given = day_of_period.scenarios(one, evening_experts=2, redial_share=0.1)
    assert set(given.table["redial_share"]) == {0.1}


def test_the_banks_february_as_it_is(shared):
    """13.2 % of its Sundays to Thursdays, as the log says; the slowest hour is one of many calls."""
    mine = cx.load(shared / "data" / "anonymous-bank").period("1999-02").only(channel="phone")
    one = day_of_period.day_of(mine)
    as_it_is = day_of_period.scenarios(one, evening_experts=2)
    left = one.by_day[["left", "contacts"]].sum()
    assert as_it_is.table["share_left_of_asked"][0] == pytest.approx(left["left"] / left["contacts"], rel=1e-10)
    assert as_it_is.finding.startswith("As it is 13.2 % of all who ask give up")
    promise = day_of_period.promise_what_if(one, promises_s=[30.0], contact_value=25.0, currency="USD")
    assert promise.table.loc[promise.table["today"], "slowest_hour_s"].iloc[0] < 70
    assert promise.ready[0][WHAT_IF]["today"] == 0, "the reader begins at today"
    assert re.search(r"\d+ more agent hours a day, [\d.]+ % \([\d.]+ to [\d.]+ %\) fewer give up", promise.finding)
    again = day_of_period.redials(one)
    assert "of 3,963 who gave up, 1,835 have a customer number".lower() in again.says.lower()


def test_what_a_bot_settles_is_quoted_only_where_its_claim_holds():
    row = pd.Series({"value": 0.1, "second_value": 0.2, "survey": "a book", "verdict": "untraceable"})
    told = day.bot_range(row)
    assert told.kind == "assumed"
    assert "is told, not measured: 10.0 % to 20.0 % of questions (a book; untraceable)" in told.says
    assert day.bot_range(row.replace("untraceable", "reproduced")).kind == "quoted"
