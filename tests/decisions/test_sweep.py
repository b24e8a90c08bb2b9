"""Many actions in many draws: what the table of actions says, and the same numbers on other processes."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest

from cxresearch.decisions import Action, Weighing, sweep
from tests.decisions.conftest import contacts, month

ACTIONS = [
    Action("one more", shifts=((1, 9, 12),)), Action("two fewer at noon", shifts=((-2, 12, 13),)),
    Action("a bot", contained_share=0.2), Action("call back", call_back=True),
    Action("told how long", announced=True),
]  # fmt: skip


@pytest.fixture(scope="module")
def weighing(twice):
    return Weighing.of(twice.only(channel="phone"))


@pytest.fixture(scope="module")
def here(weighing):
    return sweep(weighing, ACTIONS, draws=24)


def test_every_action_has_every_draw(weighing, here):
    assert list(here.columns) == ["action", "draw", "saved_per_day", "agent_hours_per_day"]
    assert here["action"].tolist() == [one.name for one in ACTIONS] * 24
    assert here["draw"].tolist() == np.repeat(range(24), len(ACTIONS)).tolist()
    assert (here.loc[here["action"] == "one more", "agent_hours_per_day"] == 3).all()


def test_the_draws_are_those_of_the_table(weighing, here, monkeypatch):
    monkeypatch.setattr("cxresearch.decisions.weighing.DRAWS", 24)
    weighed, _ = weighing.weigh(ACTIONS)
    for action, found in zip(ACTIONS, weighed, strict=True):
        mine = here[here["action"] == action.name]
        np.testing.assert_array_equal(mine["saved_per_day"], found.saved_drawn)
        np.testing.assert_array_equal(mine["agent_hours_per_day"], found.hours_drawn)


class Processes:
    """As much of a Dask client as is asked for, with processes of its own."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool

    def scatter(self, data, *, broadcast):
        return data

    def submit(self, function, *given, pure):
        return self.pool.submit(function, *given)

    def gather(self, futures):
        return [future.result() for future in futures]


def test_other_processes_give_the_same_numbers(weighing, here):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
        pd.testing.assert_frame_equal(
            sweep(weighing, ACTIONS, draws=24, client=Processes(pool)), here, check_exact=True
        )


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_numbers(weighing, here):
    distributed = pytest.importorskip("distributed", reason='no Dask here: pip install "dask[distributed]"')
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert os.getpid() not in client.run(os.getpid).values()
        there = sweep(weighing, ACTIONS, draws=24, client=client)
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_nothing_to_weigh_is_refused(weighing):
    with pytest.raises(ValueError, match="no action to weigh"):
        sweep(weighing, [])
    few = contacts(lambda day, hour: 40, start="2026-02-02", days=4)
    with pytest.raises(ValueError, match="4 days that are fully open tell no interval; 5 do"):
        sweep(Weighing.of(month(few)), ACTIONS)
