"""Agents in effect: by hand, at their limits, in order, and found again in simulated queues whose team is known."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.queueing import agents_in_effect, queue_measures, team_measures


def hours(contacts=600, left=60, open_hours=range(9, 17), days=30, handle_time_s=180.0):
    table = pd.DataFrame({"hour": range(24), "contacts": 0, "left": 0})
    table.loc[table["hour"].isin(open_hours), ["contacts", "left"]] = (contacts, left)
    return table.assign(arrivals_per_h=table["contacts"] / days, handle_time_s=handle_time_s)


def of_team(agents, arrivals_per_h=20.0):
    return team_measures(arrivals_per_h=arrivals_per_h, handle_time_s=180.0, agents=agents, patience=120.0)


def test_a_team_of_a_half_worked_by_hand():
    # Half of the time nobody, where all leave after their patience; half of the time one agent.
    one = queue_measures(arrivals_per_h=20, handle_time_s=180, agents=1, patience=120.0)
    half = of_team(0.5)
    assert half.share_left == pytest.approx(0.5 + one.probability_abandon / 2)
    assert half.mean_wait_s == pytest.approx(60 + one.mean_wait_s / 2)


def test_whole_teams_nobody_and_nothing_to_do():
    three = queue_measures(arrivals_per_h=20, handle_time_s=180, agents=3, patience=120.0)
    assert of_team(3) == (three.probability_abandon, three.mean_wait_s)
    assert of_team(0) == (1.0, pytest.approx(120.0))
    assert of_team(2.5, arrivals_per_h=0.0) == (0.0, 0.0)
    assert of_team(1_000).share_left == pytest.approx(0, abs=1e-12)


@settings(max_examples=15)
@given(agents=st.floats(0, 12), more=st.floats(0, 5), arrivals_per_h=st.floats(0.1, 200))
def test_more_agents_never_lose_more(agents, more, arrivals_per_h):
    few, many = of_team(agents, arrivals_per_h), of_team(agents + more, arrivals_per_h)
    assert many.share_left <= few.share_left + 1e-12
    assert many.mean_wait_s <= few.mean_wait_s + 1e-9


def test_the_team_in_effect_loses_what_the_log_lost():
    found = agents_in_effect(hours(), patience=120.0)
    row = found.iloc[9]
    assert of_team(row["agents"]).share_left == pytest.approx(0.1, rel=1e-12)
    # Exponential patience: who leaves, leaves at rate 1 / mean, so the mean wait is the share times the mean.
    assert row["mean_wait_s"] == pytest.approx(0.1 * 120)
    assert found["missed"].abs().max() < 1e-9
    assert (found["agents"] > 0).sum() == 8


@settings(max_examples=15)
@given(left=st.integers(1, 600), arrivals=st.floats(0.5, 300))
def test_every_share_above_0_has_its_team(left, arrivals):
    found = agents_in_effect(hours(left=left).assign(arrivals_per_h=arrivals), patience=120.0).iloc[9]
    share = of_team(found["agents"], arrivals).share_left
    assert share == pytest.approx(left / 600, rel=1e-9)
    assert found["missed"] == pytest.approx(0, abs=1e-6)


def test_hours_that_lost_everybody_nobody_or_tell_nothing():
    table = hours()
    table.loc[[9, 10, 12], "left"] = [600, 0, 3]
    table.loc[12, "contacts"] = 29
    found = agents_in_effect(table, patience=120.0)
    assert found.loc[9, "agents"] == 0
    assert found.loc[9, "mean_wait_s"] == pytest.approx(120)
    assert found.loc[10, "missed"] == pytest.approx(0.5), "no team loses nobody: half a contact is added, and said"
    assert found.loc[11, "agents"] < found.loc[10, "agents"] < 12
    assert math.isnan(found.loc[12, "agents"])
    assert found["missed"].drop(10).abs().max() < 1e-9


def simulated(agents: int, arrivals_per_h: float, calls: int, rng: np.random.Generator) -> pd.DataFrame:
    """SIMULATED: one queue M/M/n+G, first come first served; patience is uniform over 0 to 300 s."""
    at = np.cumsum(rng.exponential(3600 / arrivals_per_h, calls))
    patience, talk = rng.uniform(0, 300, calls), rng.exponential(200, calls)
    free_at = [0.0] * agents
    left = np.zeros(calls, dtype=bool)
    for n in range(calls):
        start = max(at[n], free_at[0])
        left[n] = start - at[n] > patience[n]
        if not left[n]:
            heapq.heapreplace(free_at, start + talk[n])
    return pd.DataFrame({
        "hour": [9], "contacts": [calls], "left": [left.sum()], "arrivals_per_h": [arrivals_per_h],
        "handle_time_s": [200.0],
    })  # fmt: skip


@pytest.mark.parametrize(("agents", "arrivals_per_h"), [(2, 40.0), (4, 80.0), (7, 140.0)])
def test_the_agents_of_a_simulated_queue_are_found_again(agents, arrivals_per_h):
    seconds = np.arange(1.0, 301.0)
    uniform = pd.DataFrame({"duration_s": seconds, "survival": 1 - seconds / 300})
    log = simulated(agents, arrivals_per_h, 20_000, np.random.default_rng(agents))
    found = agents_in_effect(log, patience=uniform)
    assert found["agents"].iloc[0] == pytest.approx(agents, abs=0.4)
