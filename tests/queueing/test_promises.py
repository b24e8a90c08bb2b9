"""What another promise would change: today is the log, a promise never loses more, and each number adds up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.queueing import agents_in_effect, promise_table


def hours(contacts=600, left=60, open_hours=range(9, 17), days=30, handle_time_s=180.0):
    table = pd.DataFrame({"hour": range(24), "contacts": 0, "left": 0})
    table.loc[table["hour"].isin(open_hours), ["contacts", "left"]] = (contacts, left)
    return table.assign(arrivals_per_h=table["contacts"] / days, handle_time_s=handle_time_s)


def promises(table=None, seconds=(2, 4, 8, 20)):
    found = agents_in_effect(hours() if table is None else table, patience=120.0)
    return promise_table(found, patience=120.0, promises_s=seconds)


def test_today_is_the_log_and_every_promise_is_kept():
    table = promises()
    today = table[table["today"]]
    assert len(today) == 1
    assert today["left"].iloc[0] == pytest.approx(8 * 60)
    assert today["share_left_of_asked"].iloc[0] == pytest.approx(0.1)
    assert today["slowest_hour_s"].iloc[0] == pytest.approx(12)
    rest = table[~table["today"]]
    assert (rest["mean_wait_s"] <= rest["slowest_hour_s"]).all()
    assert rest["slowest_hour_s"].tolist() == [2, 4, 8], "20 s is kept already: nothing would change"
    # All hours alike: what one hour needs, eight times.
    assert (rest["agent_hours_per_day"] % 8 == 0).all()
    assert table["agent_hours_per_day"].is_monotonic_decreasing
    assert table["left"].is_monotonic_increasing
    assert table["left"].to_numpy() == pytest.approx(table["share_left_of_asked"].to_numpy() * 4800)
    assert table["fewer_left_share"].to_numpy() == pytest.approx(1 - table["left"].to_numpy() / 480)


def test_hours_that_keep_the_promise_stay_as_they_are():
    table = hours()
    table.loc[9, "left"] = 6
    quick = agents_in_effect(table, patience=120.0)
    assert quick.loc[9, "mean_wait_s"] < 2
    kept = promise_table(quick, patience=120.0, promises_s=[8])
    others = promise_table(quick.drop(index=9), patience=120.0, promises_s=[8])
    assert kept["left"].to_numpy() - others["left"].to_numpy() == pytest.approx(np.full(2, 6.0))


def test_a_few_calls_at_midnight_are_no_slowest_hour():
    """Two calls that waited for ever lead no sentence, and ninety-nine do not: they lose whom they lose."""
    table = hours()
    for n, gone in ((2, 2), (99, 90)):
        table.loc[0, ["contacts", "left", "arrivals_per_h"]] = (n, gone, n / 30)
        with_night, without = promises(table), promises()
        columns = ["slowest_hour_s", "agent_hours_per_day", "mean_wait_s"]
        pd.testing.assert_frame_equal(with_night[columns], without[columns])
        assert (with_night["left"] - without["left"]).to_numpy() == pytest.approx(np.full(4, float(gone)))


def test_an_hour_in_which_nobody_left_is_the_log_in_every_row():
    """No team loses nobody: the half contact that its team would lose is in no row."""
    table = hours()
    table.loc[9, "left"] = 0
    found = promises(table)
    assert found.loc[found["today"], "left"].tolist() == [7 * 60]
    assert found["left"].tolist() == promises(table.drop(index=9))["left"].tolist()


def test_closed_hours_lose_what_they_lose_whatever_is_promised():
    table = hours()
    table.loc[3, ["contacts", "left"]] = (300, 300)
    table.loc[3, "arrivals_per_h"] = 10.0
    with_night, without = promises(table), promises()
    assert (with_night["left"] - without["left"]).to_numpy() == pytest.approx(np.full(4, 300.0))
    assert (with_night["agent_hours_per_day"] == without["agent_hours_per_day"]).all()


def test_half_an_hour_has_half_the_agent_hours():
    table = hours().loc[lambda t: t.index.repeat(2)].reset_index(drop=True)
    halves = table.assign(hour=table.index / 2, contacts=table["contacts"] // 2, left=table["left"] // 2)
    pd.testing.assert_frame_equal(promises(halves), promises())


def test_a_log_in_which_everybody_left_has_no_team_to_change():
    with pytest.raises(ValueError, match="no hour has 100 contacts and an agent"):
        promises(hours(left=600))


def test_the_bank_waited_as_long_as_the_model_says(shared):
    from cxresearch import survival
    from cxresearch.contacts import load
    from cxresearch.queueing import day

    month = load(shared / "data" / "anonymous-bank").period("1999-02")
    mine = month.waits()
    curve = survival.kaplan_meier(mine)
    by_day = day.asked_by_interval(month, 60)
    table = day.day_table(by_day, days=28)
    team = agents_in_effect(table, patience=curve)
    found = promise_table(team, patience=curve, promises_s=[20], by_day=by_day)
    today, promise = (found[found["today"] == which].iloc[0] for which in (True, False))
    assert today["left"] == pytest.approx(table["left"].sum())
    assert promise["lower"] < promise["fewer_left_share"] < promise["upper"] < 1
    # Nothing was fitted to waits: of all 31,125 the log says 44.2 s, those answered at once counted 0.
    seen = (mine["duration_s"] * mine["contacts"]).sum() / table["contacts"].sum()
    assert today["mean_wait_s"] == pytest.approx(seen, rel=0.05)
