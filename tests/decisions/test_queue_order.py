"""One queue first: the simulation against known limits, and where nothing is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.contacts import load
from cxresearch.decisions.queue_order import ORDERS, _left, queue_order
from cxresearch.decisions.weighing import Weighing
from cxresearch.queueing import queue_measures
from tests.decisions.conftest import contacts, month


def simulated(opened, first, patience, service, team, order):
    n = len(opened)
    return _left(
        np.asarray(opened, float), np.zeros(n, dtype=int), np.asarray(first, dtype=bool), np.asarray(patience, float),
        np.asarray(service, float), np.full((1, 24), team, dtype=np.int64), order,
    )  # fmt: skip


def test_worked_by_hand():
    # One agent, busy for 100 s with the first; the second gives up after 50 s, the third and fourth after 150 s.
    calls = ([0, 10, 20, 30], [False, False, False, True], [9, 50, 150, 150], [100, 60, 60, 60])
    assert simulated(*calls, 1, 0).tolist() == [False, True, False, False], "160 s is just before the fourth leaves"
    assert simulated(*calls, 1, 1).tolist() == [False, True, False, False]
    longer = ([0, 10, 20, 30], [False, False, False, True], [9, 50, 130, 120], [100, 60, 60, 60])
    assert simulated(*longer, 1, 0).tolist() == [False, True, False, True]
    assert simulated(*longer, 1, 1).tolist() == [False, True, True, False], "who is first is not lost, somebody else is"
    assert simulated(*longer, 1, 2).tolist() == [False, True, False, True]


def test_nobody_there_loses_everybody_and_enough_lose_nobody():
    rng = np.random.default_rng(1)
    opened = np.sort(rng.uniform(0, 80_000, 500))
    calls = (opened, rng.random(500) < 0.5, rng.exponential(60, 500), rng.exponential(200, 500))
    for order in range(len(ORDERS)):
        assert simulated(*calls, 0, order).all()
        assert not simulated(*calls, 500, order).any()


def test_first_come_first_served_is_the_queue_of_the_model():
    rng = np.random.default_rng(2)
    lost = []
    for _ in range(40):
        opened = np.sort(rng.uniform(0, 86_400, rng.poisson(24 * 60)))
        n = len(opened)
        gone = simulated(opened, np.zeros(n, bool), rng.exponential(120, n), rng.exponential(180, n), 3, 0)
        lost.append(gone.mean())
    # Erlang A: 60 an hour, 180 s, three agents, patience of 120 s on average.
    exact = queue_measures(arrivals_per_h=60, handle_time_s=180, agents=3, patience=120.0).probability_abandon
    assert np.mean(lost) == pytest.approx(exact, abs=3 * np.std(lost) / np.sqrt(len(lost)))


def two_queues(seed: int = 1) -> pd.DataFrame:
    frame = contacts(lambda day, hour: 60, start="2026-02-02", days=20, seed=seed)
    rng = np.random.default_rng(seed + 100)
    hasty = rng.random(len(frame)) < 0.3
    frame["queue"] = np.where(hasty, "hasty", "patient")
    # Of the hasty more leave, and sooner.
    more = hasty & (rng.random(len(frame)) < 0.5)
    frame.loc[more, ["outcome", "handle_s"]] = ["abandoned", np.nan]
    frame.loc[hasty & (frame["outcome"] == "abandoned"), "wait_s"] /= 3
    return frame


def test_the_hasty_first_are_saved_at_the_cost_of_the_others():
    weighing = Weighing.of(month(two_queues()).only(channel="phone"))
    order = weighing.order
    assert order.queue == "hasty"
    assert order.today in (ORDERS[0], ORDERS[2])
    assert (order.mine.mean() > 0, order.others.mean() < 0) == (True, True)
    assert order.saved == pytest.approx(order.mine + order.others)
    assert len(order.saved) == len(weighing.days)
    again = Weighing.of(month(two_queues()).only(channel="phone")).order
    assert (again.saved == order.saved).all(), "the same log gives the same draws"


def test_one_queue_has_no_order(twice):
    assert Weighing.of(twice.only(channel="phone")).order is None


def test_the_banks_prospects_are_served_last(shared):
    mine = load(shared / "data" / "anonymous-bank").period("1999-02").only(channel="phone")
    weighing = Weighing.of(mine)
    order = weighing.order
    assert (order.queue, order.today) == ("Prospective customers (NW)", "served last")
    # A simulation of another hand: 54 more of them and 46 fewer of all others a day.
    assert order.mine.mean() == pytest.approx(54, abs=8)
    assert order.others.mean() == pytest.approx(-46, abs=8)
    handled = weighing.days.handled.sum(axis=0)
    assert queue_order(mine, weighing.days.day, {}, np.ones(24)) is None
    assert handled.sum() > 0
