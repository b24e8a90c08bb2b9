"""The queue as an array agrees with the queue that is worked out one by one, at every load and team."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.decisions.loss_curves import (
    EDGES_S,
    LONGEST_S,
    MOST_ERLANG,
    _log_inverse_erlang_b,
    check_load,
    share_left,
    waiting_curve,
)
from cxresearch.queueing import erlang_b, patience_law, queue_measures
from cxresearch.survival import kaplan_meier


def counts(contacts: int, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    patience, offered = np.ceil(300 * rng.weibull(0.8, contacts)), np.ceil(rng.exponential(100, contacts))
    wait, left = np.minimum(patience, offered).clip(max=LONGEST_S).astype(int), patience < offered
    rows = pd.DataFrame(
        {"duration_s": wait.astype(float), "outcome": np.where(left, "abandoned", "answered"), "contacts": 1}
    )
    table = rows.groupby(["duration_s", "outcome"], as_index=False).sum()
    return table, np.bincount(wait, minlength=LONGEST_S + 1).astype(float), np.bincount(wait, left, LONGEST_S + 1)


def test_patience_worked_by_hand():
    """Of four, one leaves at 1 s, one is answered at 2 s, one leaves at 2 s, one at 3 s: 1, 3/4, then 3/4 x 2/3, then none."""
    waits, left = np.zeros(LONGEST_S + 1), np.zeros(LONGEST_S + 1)
    waits[[1, 2, 3]], left[[1, 2, 3]] = [1, 2, 1], [1, 1, 1]
    curve = waiting_curve(waits, left)
    assert curve.survival[:4] == pytest.approx([1, 3 / 4, 1 / 2, 0])
    assert curve.waited_s[:4] == pytest.approx([0, 1, 1.75, 2.25])
    assert curve.waited_s[-1] == pytest.approx(2.25)


def test_the_area_under_the_curve_is_that_of_the_law():
    table, waits, left = counts(2_000)
    law = patience_law(kaplan_meier(table))
    assert waiting_curve(waits, left).waited_s == pytest.approx([law.mean_waited_s(edge) for edge in EDGES_S], abs=1e-9)


@pytest.mark.parametrize(
    ("loads", "teams"), [((0.5, 40, 200, 1500), np.arange(0, 14)), ((2500, 6000), np.arange(190, 194))]
)
def test_every_load_and_team_agrees_with_the_queue(loads, teams):
    table, waits, left = counts(2_000)
    curve = kaplan_meier(table)
    found = share_left(waiting_curve(waits, left), np.array(loads, dtype=float), 190.0, teams)
    known = [
        [queue_measures(arrivals_per_h=load, handle_time_s=190, agents=n, patience=curve).probability_abandon if n else 1.0
         for n in teams.tolist()] for load in loads
    ]  # fmt: skip
    assert found == pytest.approx(np.array(known), abs=1e-4)
    assert (np.diff(found, axis=1) <= 0).all(), "one more agent never loses more"


def test_who_never_leaves_is_never_lost():
    waits, left = np.zeros(LONGEST_S + 1), np.zeros(LONGEST_S + 1)
    waits[30] = 5
    assert share_left(waiting_curve(waits, left), np.array([50.0, 5_000.0]), 190.0, np.arange(1, 4)).max() == 0


@pytest.mark.parametrize("first", [0, 1, 40, 700, 1500])
def test_erlang_b_far_below_and_far_above_the_load(first):
    loads, teams = np.array([0.01, 3, 50, 900, 2900]), np.arange(first, first + 3)
    found = -_log_inverse_erlang_b(loads, teams)
    known = np.array([[erlang_b(max(n - 1, 0), load) for n in teams.tolist()] for load in loads])
    seen = known > 1e-290
    assert np.log(known[seen]) == pytest.approx(found[seen], rel=1e-10, abs=1e-10)


def test_a_load_that_no_array_holds_is_refused():
    check_load(1_000, 300)
    with pytest.raises(ValueError, match=rf"Erlang, more than the {MOST_ERLANG:,.0f}.*is it in seconds"):
        check_load(1_000, 1e6)
