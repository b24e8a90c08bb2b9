"""Which input leaves a saving uncertain: shares by hand, what is known is worth no measuring, and the bank's February."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.contacts import load
from cxresearch.decisions import Action, action_table, worth_measuring
from cxresearch.decisions.measuring import INPUTS, _jackknife, _shares
from tests.decisions.conftest import contacts, month

COME, TEAM, HANDLE, PATIENCE, REDIALS, MODEL = (one.name for one in INPUTS)


@pytest.fixture(autouse=True, scope="module")
def _few_draws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxresearch.decisions.weighing.DRAWS", 60)
        yield


def test_shares_of_a_sum_are_those_of_its_parts():
    """Three independent parts with standard deviations 3, 2 and 1: 9, 4 and 1 of 14; the error is that over samples."""
    rng = np.random.default_rng(1)
    spread = np.array([3.0, 2.0, 1.0])
    alone = rng.standard_normal((20_000, 3)) * spread
    shares, _ = _shares(alone.sum(axis=1), alone)
    assert shares == pytest.approx(spread**2 / 14, abs=0.02)
    assert shares.sum() == pytest.approx(1)
    samples = list(alone.reshape(100, 200, 3))
    seen = np.array([_shares(one.sum(axis=1), one)[0] for one in samples])
    said = np.array([_jackknife(_shares(one.sum(axis=1), one)[1]) for one in samples])
    assert said.mean(axis=0) == pytest.approx(seen.std(axis=0), rel=0.2)


def test_what_is_left_out_is_what_leaving_it_out_gives():
    rng = np.random.default_rng(2)
    alone = rng.standard_normal((12, 2))
    drawn = alone.sum(axis=1) + 0.1 * rng.standard_normal(12)
    _, left_out = _shares(drawn, alone)
    for n in range(12):
        assert _shares(np.delete(drawn, n), np.delete(alone, n, axis=0))[0] == pytest.approx(left_out[n])


def test_an_input_that_moves_against_the_others_has_a_share_below_0():
    one = np.random.default_rng(3).standard_normal(500)
    shares, _ = _shares(2 * one - one, np.column_stack([2 * one, -one]))
    assert shares == pytest.approx([2, -1])


def test_what_is_the_same_every_day_leaves_nothing_uncertain(twice):
    """As many contacts every day, each of 180 s: only who leaves, when, and the model are not known."""
    table = worth_measuring(twice, channel="phone").set_index("input")
    assert set(table.index) == {one.name for one in INPUTS}
    assert table.loc[[COME, HANDLE], "share"].to_numpy() == pytest.approx(0, abs=1e-9)
    assert table["share"].is_monotonic_decreasing
    assert table["share"].sum() + table.attrs["rest"] == pytest.approx(1)
    assert table.loc[[TEAM, PATIENCE, MODEL], "share"].sum() == pytest.approx(1, abs=0.05)
    assert table.loc[TEAM, "share"] > 0.1
    assert (table.attrs["action"], table.attrs["draws"]) == ("one more agent from 9 to 12 h", 60)
    assert table.attrs["saved_se"] > 0


def test_days_that_differ_are_worth_counting():
    """From 10 to 70 contacts an hour, a quarter leaves always: how many come is what is known least."""
    frame = contacts(lambda day, hour: 10 + 60 * (day.day % 2), start="2026-02-02", days=20, seed=4)
    table = worth_measuring(month(frame), channel="phone")
    assert table["input"][0] == COME
    assert not table.attrs["recommended"]


def test_inputs_that_draws_do_not_tell_apart_are_tied(monkeypatch):
    rng = np.random.default_rng(5)
    alone = rng.standard_normal((60, len(INPUTS))) * [3, 3, 1, 1, 1, 1]
    drawn = alone.sum(axis=1)
    monkeypatch.setattr("cxresearch.decisions.measuring._drawn", lambda *_: (drawn, alone))
    table = worth_measuring(month(contacts(lambda day, hour: 40, start="2026-02-02", days=20)), channel="phone")
    assert {table["input"][0], *table.attrs["tied"]} == {COME, TEAM}


def test_an_action_of_ones_own_is_the_one_looked_at(twice):
    bot = worth_measuring(
        twice,
        action_table(twice, channel="phone", actions=[{"name": "a bot", "contained_share": 0.1}]),
        channel="phone",
    )
    assert bot.attrs["action"] == "a bot"
    assert not bot.attrs["recommended"], "what a bot settles is assumed"


def test_a_table_that_is_there_is_not_made_again(twice, monkeypatch):
    fresh = worth_measuring(twice, channel="phone")
    table = action_table(twice, channel="phone")
    monkeypatch.setattr("cxresearch.decisions.measuring.action_table", None)
    again = worth_measuring(twice, table, channel="phone")
    pd.testing.assert_frame_equal(again, fresh)
    assert again.attrs == fresh.attrs


def test_what_tells_no_interval_is_refused(twice):
    few = contacts(lambda day, hour: 40, start="2026-02-02", days=4)
    with pytest.raises(ValueError, match="4 days that are fully open tell no interval; 5 do"):
        worth_measuring(month(few), channel="phone")
    calls = action_table(twice, channel="phone", actions=[Action("call back", call_back=True)])
    with pytest.raises(ValueError, match="no action changes the queue"):
        worth_measuring(twice, calls, channel="phone")


def test_the_banks_february(shared):
    table = worth_measuring(load(shared / "data" / "anonymous-bank").period("1999-02"), channel="phone")
    assert table["input"][0] == TEAM
    assert table["share"][0] > 0.5
    assert table["error"].between(0, 0.1).all()
    assert abs(table.attrs["rest"]) < 0.05, "inputs hardly do anything to each other"
    assert table.attrs["recommended"]
