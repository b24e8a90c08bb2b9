"""The day of a log: worked by hand, worked back from a queue with a known number of agents, and conserved."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.queueing import agents_in_effect, day, queue_measures


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
            "left": math.ceil(n * queue.probability_abandon), "share_left_of_asked": queue.probability_abandon + 1e-9, "handle_time_s": 200.0,
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


@pytest.mark.parametrize(("agents", "arrivals_per_h"), [(1, 10.0), (4, 90.0), (30, 500.0)])
def test_the_agents_that_were_there_are_found_again(agents, arrivals_per_h):
    found = agents_in_effect(hours_like(agents, arrivals_per_h, 300.0), patience=300.0)
    table = day.staffing_for(found, patience=300.0, most_abandoned=0.5)
    assert set(table["agents"]) == {agents}


def test_hours_without_contacts_and_hours_that_lose_everybody_have_nobody():
    hours = hours_like(2, 30.0, 300.0)
    hours.loc[0, ["contacts", "arrivals_per_h", "left"]] = [0, 0.0, 0]
    hours.loc[1, "left"] = hours.loc[1, "contacts"]
    found = agents_in_effect(hours, patience=300.0)
    assert np.ceil(found["agents"]).tolist() == [0, 0, *[2] * 22]


def scenarios(**changes) -> pd.DataFrame:
    base = {"scenario": ["as it is", "other"], "contained_share": 0.0, "evening_experts": 0, "redial_share": 0.0}
    return pd.DataFrame({**base, **changes})


@settings(max_examples=12)
@given(contained=st.floats(0, 0.9), experts=st.integers(0, 5), redial=st.floats(0, 0.6))
def test_nobody_is_lost_twice_and_help_never_hurts(contained, experts, redial):
    hours = agents_in_effect(hours_like(2, 40.0, 300.0), patience=300.0)
    table = day.scenario_table(
        hours,
        scenarios(contained_share=[0.0, contained], evening_experts=[0, experts], redial_share=redial),
        patience=300.0,
    )
    for row in table.itertuples():
        assert row.arrivals * (1 - row.contained_share) == pytest.approx(row.answered + row.lost)
    assert table["answered_more"][0] == 0
    assert table["answered_more"][1] >= -1e-6
    assert table["lost_share"][1] <= table["lost_share"][0] + 1e-9


def test_the_usual_scenarios_begin_with_the_day_as_it_is():
    table = day.usual_scenarios(contained=(0.1, 0.2), evening_experts=2, redial_share=0.3)
    assert table["scenario"][0] == "as it is"
    assert table.loc[0, ["contained_share", "evening_experts"]].tolist() == [0, 0]
    assert set(table["redial_share"]) == {0.3}


def test_staffing_meets_its_goal_in_every_hour():
    hours = agents_in_effect(hours_like(2, 40.0, 300.0), patience=300.0)
    table = day.staffing_for(hours, patience=300.0, most_abandoned=0.05)
    assert (table["neglected_share"] <= 0.05).all()
    fewer = queue_measures(
        arrivals_per_h=40.0, handle_time_s=200.0, agents=table["agents_needed"][0] - 1, patience=300.0
    )
    assert fewer.probability_abandon > 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: day.day_table(asked(), days=0), "days must be >= 1"),
        (lambda: day.day_table(asked(contacts=0), days=1), "no contact in these days"),
        (lambda: day.day_table(asked(handled=0), days=1), "no handle_s is known"),
        (lambda: day.scenario_table(hours_like(2, 40.0, 300.0).assign(agents=2), scenarios().drop(columns="redial_share"),
                                    patience=300.0), "no column redial_share"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
