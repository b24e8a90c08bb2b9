"""What another promise would change: today is the log, more agents never lose more, and each number adds up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.queueing import promises as scenarios
from cxresearch.queueing import queue_measures


def hours(contacts=600, left=60, open_hours=range(9, 17), days=30, handle_time_s=180.0):
    table = pd.DataFrame({"hour": range(24), "contacts": 0, "left": 0})
    table.loc[table["hour"].isin(open_hours), ["contacts", "left"]] = (contacts, left)
    return table.assign(arrivals_per_h=table["contacts"] / days, handle_time_s=handle_time_s)


def test_the_team_in_effect_loses_what_the_log_lost():
    found = scenarios.agents_in_effect(hours(), patience=120.0)
    row = found.iloc[9]
    assert row["share_left_of_asked"] == pytest.approx(0.1)
    lower, upper = int(np.floor(row["agents"])), int(np.ceil(row["agents"]))
    assert upper - lower == 1
    few, many = (queue_measures(arrivals_per_h=20, handle_time_s=180, agents=n, patience=120) for n in (lower, upper))
    weight = row["agents"] - lower
    assert weight * many.probability_abandon + (1 - weight) * few.probability_abandon == pytest.approx(0.1)
    assert weight * many.mean_wait_s + (1 - weight) * few.mean_wait_s == pytest.approx(row["mean_wait_s"])
    # Exponential patience: who leaves, leaves at rate 1 / mean, so the mean wait is the share times the mean.
    assert row["mean_wait_s"] == pytest.approx(0.1 * 120)
    assert found["open"].sum() == 8
    assert (found.loc[~found["open"], "agents"] == 0).all()


def test_an_hour_that_lost_everybody_is_closed_and_one_without_loss_is_not_infinite():
    table = hours()
    table.loc[9, "left"] = 600
    table.loc[10, "left"] = 0
    found = scenarios.agents_in_effect(table, patience=120.0)
    assert (found.loc[9, "agents"], bool(found.loc[9, "open"])) == (0.0, False)
    assert found.loc[10, "share_left_of_asked"] == pytest.approx(0.5 / 600)
    assert found.loc[11, "agents"] < found.loc[10, "agents"] < 12


def promises(table=None, seconds=(5, 10, 20, 40, 80)):
    found = scenarios.agents_in_effect(hours() if table is None else table, patience=120.0)
    return scenarios.promise_table(found, patience=120.0, promises_s=seconds, days=30)


def test_today_is_the_log_and_every_promise_is_kept():
    table = promises()
    today = table[table["today"]]
    assert len(today) == 1
    assert today["left"].iloc[0] == pytest.approx(8 * 60)
    assert today["share_left_of_asked"].iloc[0] == pytest.approx(0.1)
    assert today["slowest_hour_s"].iloc[0] == pytest.approx(12)
    rest = table[~table["today"]]
    assert (rest["mean_wait_s"] <= rest["slowest_hour_s"]).all()
    assert rest["slowest_hour_s"].tolist() == [5, 10, 20, 40, 80]
    # All hours alike: what one hour needs, eight times.
    assert (rest["agent_hours_per_day"] % 8 == 0).all()
    assert rest["agent_hours_per_day"].is_monotonic_decreasing
    assert rest["left"].is_monotonic_increasing
    assert table["left"].to_numpy() == pytest.approx(table["share_left_of_asked"].to_numpy() * 4800)


def test_closed_hours_lose_what_they_lose_whatever_is_promised():
    table = hours()
    table.loc[3, ["contacts", "left"]] = (30, 30)
    table.loc[3, "arrivals_per_h"] = 1.0
    with_night, without = promises(table), promises()
    assert (with_night["left"] - without["left"]).to_numpy() == pytest.approx(np.full(6, 30.0))
    assert (with_night["agent_hours_per_day"] == without["agent_hours_per_day"]).all()


def test_a_log_in_which_everybody_left_has_no_team_to_change():
    with pytest.raises(ValueError, match="no hour has an agent"):
        promises(hours(left=600))


def test_the_bank_waited_as_long_as_the_model_says(shared):
    from cxresearch import survival
    from cxresearch.contacts import load
    from cxresearch.queueing import day

    month = load(shared / "data" / "anonymous-bank").period("1999-02")
    mine = month.waits()
    curve = survival.kaplan_meier(mine)
    table = day.day_table(month.asked("hour"), days=28)
    found = scenarios.promise_table(
        scenarios.agents_in_effect(table, patience=curve), patience=curve, promises_s=[20], days=28
    )
    today = found[found["today"]].iloc[0]
    assert today["left"] == pytest.approx(table["left"].sum(), abs=1)
    # Nothing was fitted to waits: of all 31,125 the log says 44.2 s, those answered at once counted 0.
    seen = (mine["duration_s"] * mine["contacts"]).sum() / table["contacts"].sum()
    assert today["mean_wait_s"] == pytest.approx(seen, rel=0.05)
