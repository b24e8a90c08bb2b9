"""The day of a log: worked by hand, equal to the log as it is, conserved, and no worse for any help."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch import survival
from cxresearch.queueing import agents_in_effect, day, queue_measures, team_measures

NAME = "2024-05"


def asked(**changes) -> pd.DataFrame:
    hours = {"hour": [8, 9], "contacts": [3, 1], "left": [1, 0], "handled": [2, 0], "handle_s": [400.0, 0.0]}
    return pd.DataFrame({**hours, **changes})


def hours_like(agents: int, arrivals_per_h: float, patience_s: float, days: int = 20) -> pd.DataFrame:
    """A day table whose every hour loses just what the queue with so many agents loses."""
    queue = queue_measures(arrivals_per_h=arrivals_per_h, handle_time_s=200.0, agents=agents, patience=patience_s)
    n = round(arrivals_per_h * days)
    return pd.DataFrame(
        {
            "hour": range(24), "contacts": n, "arrivals_per_h": arrivals_per_h,
            "left": n * queue.probability_abandon, "share_left_of_asked": queue.probability_abandon, "handle_time_s": 200.0,
        }
    )  # fmt: skip


def test_a_day_worked_by_hand():
    table = day.day_table(asked(), days=2)
    eight = table.loc[table["hour"] == 8].iloc[0]
    assert (eight["contacts"], eight["arrivals_per_h"], eight["left"]) == (3, 1.5, 1)
    assert eight["share_left_of_asked"] == 1 / 3
    assert table["handle_time_s"].tolist() == [200.0] * 24, "an hour without answers takes the day's mean"
    assert table["contacts"].sum() == 4
    assert table["share_left_of_asked"].isna().sum() == 22


def test_quarters_of_an_hour_worked_by_hand():
    table = day.day_table(asked(hour=[8.25, 8.5]), days=2, interval_min=15)
    assert len(table) == 96
    rows = table[table["contacts"] > 0]
    assert rows["hour"].tolist() == [8.25, 8.5]
    assert rows["arrivals_per_h"].tolist() == [6.0, 2.0], "three in two quarters of an hour are six an hour"


def log(contacts: int = 4_000, **columns) -> pd.DataFrame:
    """SIMULATED calls of twenty days, nine to five, one in five gives up."""
    rng = np.random.default_rng(7)
    minutes = rng.integers(0, 8 * 60, contacts)
    opened = pd.Timestamp("2024-05-01 09:00") + pd.to_timedelta(rng.integers(0, 20, contacts), unit="D")
    frame = {
        "opened_at": opened + pd.to_timedelta(minutes, unit="min"), "wait_s": rng.exponential(60, contacts).round(),
        "outcome": np.where(rng.random(contacts) < 0.2, "abandoned", "answered"),
        "handle_s": rng.exponential(200, contacts).round(),
    }  # fmt: skip
    return pd.DataFrame({**frame, **columns})


@pytest.mark.parametrize("minutes", [15, 30])
def test_parts_of_an_hour_add_up_to_it(minutes):
    mine = cx.load(log()).period(NAME)
    whole, parts = (day.asked_by_interval(mine, n) for n in (60, minutes))
    assert parts["hour"].isin(np.arange(0, 24, minutes / 60)).all()
    assert parts["hour"].nunique() == 8 * 60 // minutes
    columns = ["contacts", "left", "handled", "handle_s"]
    added = parts.assign(hour=np.floor(parts["hour"]).astype(int)).groupby(["day", "weekday", "hour"])[columns].sum()
    expected = whole.groupby(["day", "weekday", "hour"])[columns].sum()
    pd.testing.assert_frame_equal(added, expected, check_dtype=False, check_index_type=False)


@pytest.mark.parametrize(("agents", "arrivals_per_h"), [(1, 10.0), (4, 90.0), (30, 500.0)])
def test_the_agents_that_were_there_are_found_again(agents, arrivals_per_h):
    found = agents_in_effect(hours_like(agents, arrivals_per_h, 300.0), patience=300.0)
    assert found["agents"].to_numpy() == pytest.approx(np.full(24, float(agents)))


# --- what would change it -----------------------------------------------------------------------------------------


def scenarios(**changes) -> pd.DataFrame:
    base = {"scenario": ["as it is", "other"], "contained_share": 0.0, "evening_experts": 0, "redial_share": 0.0}
    return pd.DataFrame({**base, **changes})


def as_it_is(month, *, minutes: int = 60) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """The first row of the scenarios of a period, the team behind it, and what was asked."""
    by_day = day.asked_by_interval(month, minutes)
    curve = survival.kaplan_meier(month.waits())
    days = by_day["day"].nunique()
    team = agents_in_effect(day.day_table(by_day, days=days, interval_min=minutes), patience=curve)
    table = day.scenario_table(team, scenarios(redial_share=0.3).head(1), patience=curve, days=days)
    return table.iloc[0], team, by_day


@pytest.mark.parametrize("name", ["1999-01", "1999-02"])
@pytest.mark.parametrize("minutes", [60, 15])
def test_the_bank_as_it_is_is_the_log(shared, name, minutes):
    row, team, by_day = as_it_is(cx.load(shared / "data" / "anonymous-bank").period(name), minutes=minutes)
    assert row["contacts_per_day"] * by_day["day"].nunique() == pytest.approx(by_day["contacts"].sum(), rel=1e-12)
    # Half a contact for every interval in which nobody gave up, and nothing else.
    unsolved = (team["left"] == 0) & (team["contacts"] >= day.FEWEST_CONTACTS)
    assert team["missed"].sum() == pytest.approx(unsolved.sum() / 2, abs=1e-6)
    assert row["share_left_of_asked"] == by_day["left"].sum() / by_day["contacts"].sum()


@settings(max_examples=5)
@given(seed=st.integers(0, 1_000), share=st.floats(0.02, 0.9))
def test_a_simulated_log_as_it_is_is_the_log(seed, share):
    gone = np.random.default_rng(seed).random(4_000) < share
    row, team, by_day = as_it_is(cx.load(log(outcome=np.where(gone, "abandoned", "answered"))).period(NAME))
    assert row["share_left_of_asked"] == by_day["left"].sum() / by_day["contacts"].sum()
    assert (team["missed"].abs() < 1e-6).all() or (team["left"] == 0).any()


def test_where_nobody_gave_up_the_day_as_it_is_is_the_log_and_nobody_is_saved():
    hours = hours_like(2, 40.0, 300.0)
    hours.loc[[9, 10], "left"] = 0.0
    team = agents_in_effect(hours, patience=300.0)
    assert team["missed"].sum() == pytest.approx(1.0)
    table = day.scenario_table(team, scenarios(), patience=300.0, days=20)
    assert table["left_per_day"][0] == hours["left"].sum() / 20
    nine = day.scenario_table(team.loc[[9, 10]], scenarios(), patience=300.0, days=20)
    assert nine["left_per_day"].tolist() == [0.0] * len(nine)


def test_one_hour_with_redials_worked_by_hand():
    """Whoever is answered is not there again: contacts = first tries + redials of those who give up, in both rows."""
    hours = hours_like(2, 40.0, 300.0)
    team = agents_in_effect(hours, patience=300.0)
    table = day.scenario_table(
        team, scenarios(contained_share=[0.0, 0.25], redial_share=0.4), patience=300.0, days=20
    ).set_index("scenario")
    now, other = table.loc["as it is"], table.loc["other"]
    assert now["contacts_per_day"] == pytest.approx(24 * 40)
    first = now["contacts_per_day"] - 0.4 * now["left_per_day"]
    assert other["contacts_per_day"] == pytest.approx(0.75 * first + 0.4 * other["left_per_day"], rel=1e-6)
    queue = team_measures(
        arrivals_per_h=other["contacts_per_day"] / 24, handle_time_s=200.0, agents=team["agents"][0], patience=300.0
    )
    assert other["share_left_of_asked"] == pytest.approx(queue.share_left, rel=1e-6)
    no_redials = day.scenario_table(team, scenarios(contained_share=[0.0, 0.25]), patience=300.0, days=20)
    assert other["left_per_day"] < no_redials["left_per_day"][1], "a saving counts the calls that it saves"


@settings(max_examples=8, phases=(Phase.explicit, Phase.generate))
@given(
    agents=st.integers(1, 4), contained=st.floats(0, 0.9), experts=st.integers(0, 5), more=st.integers(0, 3),
    redial=st.floats(0, 0.6),
)  # fmt: skip
def test_help_never_loses_more(agents, contained, experts, more, redial):
    team = agents_in_effect(hours_like(agents, 40.0, 300.0), patience=300.0).iloc[[3, 12, 19, 22]]
    table = day.scenario_table(
        team,
        pd.DataFrame({
            "scenario": ["as it is", "help", "more help"], "contained_share": [0.0, contained, contained],
            "evening_experts": [0, experts, experts + more], "redial_share": redial,
        }),
        patience=300.0, days=20,
    )  # fmt: skip
    assert table["left_per_day"].is_monotonic_decreasing or np.allclose(np.diff(table["left_per_day"]), 0, atol=1e-6)
    assert (table["contacts_per_day"] <= table["contacts_per_day"][0] * (1 + 1e-9)).all()
    assert (table["share_left_of_asked"].between(0, 1)).all()


def test_an_hour_with_few_contacts_keeps_its_share():
    hours = hours_like(2, 40.0, 300.0)
    hours["contacts"] = hours["contacts"].astype(float)
    hours.loc[20, ["contacts", "left", "arrivals_per_h"]] = (10.0, 4.0, 0.5)
    team = agents_in_effect(hours, patience=300.0)
    only = day.scenario_table(
        team.iloc[[20]], scenarios(contained_share=0.5, evening_experts=3), patience=300.0, days=20
    )
    assert math.isnan(team.loc[20, "agents"])
    assert only["left_per_day"].tolist() == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("redial_share", [0.0, 1e-300, 0.3, 0.95])
def test_where_everybody_gave_up_a_bot_saves_its_share_of_them(redial_share):
    """Nobody is there, so first tries and redials leave alike; the ends of what is possible are met exactly."""
    hours = hours_like(2, 40.0, 300.0).iloc[[9]]
    team = agents_in_effect(hours.assign(left=hours["contacts"]), patience=300.0)
    asked_for = scenarios(contained_share=[0.0, 0.25], redial_share=redial_share)
    table = day.scenario_table(team, asked_for, patience=300.0, days=20)
    assert table["share_left_of_asked"].tolist() == pytest.approx([1, 1])
    assert table["left_per_day"].tolist() == pytest.approx([40, 30])


def test_the_usual_scenarios_begin_with_the_day_as_it_is():
    table = day.usual_scenarios(contained=(0.1, 0.2), evening_experts=2, redial_share=0.3)
    assert table["scenario"][0] == "as it is"
    assert table.loc[0, ["contained_share", "evening_experts"]].tolist() == [0, 0]
    assert set(table["redial_share"]) == {0.3}


# --- who would be needed ------------------------------------------------------------------------------------------


def counts(*of_days: int) -> pd.DataFrame:
    """Days of one hour with so many contacts each."""
    days = pd.date_range("2024-05-06", periods=len(of_days))
    return pd.DataFrame({"day": days, "weekday": days.day_of_week + 1, "hour": 9, "contacts": of_days, "left": 1})


def staffing(*of_days: int, most_abandoned: float = 0.05) -> pd.Series:
    by_day = counts(*of_days)
    hours = day.day_table(by_day.assign(handled=10, handle_s=2_000.0), days=len(of_days))
    team = agents_in_effect(hours, patience=300.0)
    return day.staffing_over_days(team, by_day, patience=300.0, most_abandoned=most_abandoned).iloc[0]


def test_days_all_alike_need_what_the_mean_day_needs():
    row = staffing(*[40] * 10)
    assert row["agents_needed"] == row["needed_median"] == row["lower"] == row["upper"]
    assert (row["days_missed"], row["days"]) == (0, 10)
    loads = {"arrivals_per_h": 40.0, "handle_time_s": 200.0, "patience": 300.0}
    assert queue_measures(**loads, agents=int(row["agents_needed"])).probability_abandon <= 0.05
    assert queue_measures(**loads, agents=int(row["agents_needed"]) - 1).probability_abandon > 0.05


def test_days_that_differ_have_a_range():
    """Nine quiet days and one that is five times as busy: the middle is quiet, the mean day enough for nine of ten."""
    quiet, busy = staffing(*[20] * 10), staffing(*[100] * 10)
    row = staffing(*[20] * 9, 100)
    assert row["needed_median"] == row["lower"] == row["upper"] == quiet["agents_needed"]
    assert quiet["agents_needed"] <= row["agents_needed"] < busy["agents_needed"]
    assert row["days_missed"] == 1
    two = staffing(*[20] * 8, 100, 100)
    assert two["upper"] == busy["agents_needed"]
    nobody = staffing(*[0] * 5, *[40] * 5)
    assert (nobody["lower"], nobody["needed_median"]) == (0, 0), "a day without a contact needs nobody"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: day.day_table(asked(), days=0), "days must be >= 1"),
        (lambda: day.day_table(asked(contacts=0), days=1), "no contact in these days"),
        (lambda: day.day_table(asked(handled=0), days=1), "no handle_s is known"),
        (lambda: day.scenario_table(hours_like(2, 40.0, 300.0).assign(agents=2), scenarios().drop(columns="redial_share"),
                                    patience=300.0, days=1), "no column redial_share"),
        (lambda: day.scenario_table(hours_like(2, 40.0, 300.0), scenarios(redial_share=1.0), patience=300.0, days=1),
         "redial_share must be a share"),
        (lambda: day.scenario_table(hours_like(2, 40.0, 300.0), scenarios(evening_experts=-1), patience=300.0, days=1),
         "evening_experts must be >= 0"),
        (lambda: day.asked_by_interval(None, 20), "interval_min must be one of 15, 30, 60; got 20"),
        (lambda: staffing(*[2] * 10), "no hour has 30 contacts"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
