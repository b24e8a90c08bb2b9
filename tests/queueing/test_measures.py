"""Erlang C, Erlang A and M/M/n+G: by hand, at their limits, in order, against references, against a simulation."""

from __future__ import annotations

import heapq
import itertools
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from cxresearch.queueing import (
    QueueMeasures,
    Target,
    UnstableQueueError,
    agents_needed,
    agents_needed_interval,
    erlang_b,
    patience_law,
    queue_measures,
    resampled_curves,
)
from cxresearch.survival import kaplan_meier

MEASURES = ("probability_wait", "probability_abandon", "mean_wait_s", "mean_queue", "occupancy")


def curve(durations_s: list[float] | np.ndarray, survival: list[float] | np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"duration_s": np.asarray(durations_s, float), "survival": np.asarray(survival, float)})


def values(measures: QueueMeasures) -> list[float]:
    return [getattr(measures, name) for name in MEASURES]


@st.composite
def curves(draw: st.DrawFn) -> pd.DataFrame:
    """A step curve of up to eight steps; it may drop at 0, and falls at its end, mostly not to zero."""
    steps = draw(st.lists(st.integers(1, 900), min_size=1, max_size=7, unique=True))
    falls = draw(st.lists(st.floats(0.0, 0.9), min_size=len(steps) + 1, max_size=len(steps) + 1))
    last = draw(st.one_of(st.floats(0.01, 0.9), st.just(1.0)))
    return curve([0, *sorted(steps)], np.cumprod(1 - np.array([*falls[:-1], last])))


loads = st.floats(0.05, 60.0)
teams = st.integers(1, 60)


# --- worked by hand -----------------------------------------------------------------------------------------------


def test_one_agent_and_nobody_leaves():
    queue = queue_measures(arrivals_per_h=30, handle_time_s=90, agents=1)
    assert values(queue) == pytest.approx([0.75, 0, 0.75 * 90 / 0.25, 30 / 3600 * 270, 0.75], rel=1e-14)
    assert queue.service_level(20) == pytest.approx(1 - 0.75 * math.exp(-20 * (1 / 90 - 30 / 3600)), rel=1e-14)


def test_one_agent_and_patience_as_long_as_handling():
    # The number in system is then Poisson with mean 1.
    queue = queue_measures(arrivals_per_h=60, handle_time_s=60, agents=1, patience=60.0)
    expected = [1 - math.exp(-1), math.exp(-1), 60 * math.exp(-1), math.exp(-1), 1 - math.exp(-1)]
    assert values(queue) == pytest.approx(expected, rel=1e-14)


def test_one_agent_and_everybody_leaves_after_exactly_two_minutes():
    arrivals, drain, end = 40 / 3600, 1 / 60, 120.0
    queue = queue_measures(arrivals_per_h=40, handle_time_s=60, agents=1, patience=curve([end], [0]))
    slope = arrivals - drain
    at_end = math.exp(slope * end)
    before, after = (at_end - 1) / slope, at_end / drain
    waited_before = end * at_end / slope - (at_end - 1) / slope**2
    total = 1 + arrivals * (before + after)
    assert queue.probability_wait == pytest.approx(1 - 1 / total, rel=1e-14)
    assert queue.probability_abandon == pytest.approx(arrivals * after / total, rel=1e-14)
    assert queue.mean_wait_s == pytest.approx(arrivals * (waited_before + end * after) / total, rel=1e-13)
    within = (math.exp(slope * 20) - 1) / slope
    assert queue.service_level(20) == pytest.approx((1 + arrivals * within) / total, rel=1e-14)
    assert queue.service_level(500) == pytest.approx(1 - queue.probability_abandon, rel=1e-14)


def test_who_will_not_wait_at_all_makes_it_erlang_b():
    queue = queue_measures(arrivals_per_h=120, handle_time_s=300, agents=8, patience=curve([0], [0]))
    blocked = erlang_b(8, 10.0)
    assert queue.probability_wait == queue.probability_abandon == pytest.approx(blocked, rel=1e-14)
    assert queue.mean_wait_s == 0


def test_the_tail_is_said_and_done():
    steps = curve([60, 120, 240], [0.9, 0.8, 0.4])
    law = patience_law(steps)
    assert law.hazard_per_s == pytest.approx(math.log(0.8 / 0.4) / 120)
    assert "later half" in law.tail
    assert "240 s" in law.tail
    assert patience_law(steps, tail="nobody_leaves").hazard_per_s == 0
    assert patience_law(steps, tail="everybody_leaves").survival.tolist() == [1, 0.9, 0.8, 0]
    assert patience_law(curve([60, 120], [0.5, 0])).tail == "the curve reaches zero; nothing is assumed"


def test_the_share_past_the_curve_is_who_still_waits_at_its_end():
    # One agent, curve 1 up to 100 s and 0.5 there: half of those offered more than 100 s are still waiting.
    steps = curve([100], [0.5])
    queue = queue_measures(arrivals_per_h=50, handle_time_s=60, agents=1, patience=steps, tail="everybody_leaves")
    arrivals, drain = 50 / 3600, 1 / 60
    f = math.exp((arrivals - drain) * 100)
    total = 1 + arrivals * ((f - 1) / (arrivals - drain) + f / drain)
    assert queue.probability_past_curve == pytest.approx(0.5 * arrivals * f / drain / total, rel=1e-13)
    assert queue_measures(arrivals_per_h=50, handle_time_s=60, agents=1, patience=90.0).probability_past_curve == 0


# --- theory and limits --------------------------------------------------------------------------------------------


def birth_death(load: float, agents: int, patience: float) -> tuple[float, float, float]:
    """P(wait), P(abandon) and mean wait in handle times from the states of the Markov chain, summed as logarithms."""
    ahead = np.arange(1, int(max(0.0, (load - agents) * patience) + 60 * math.sqrt(load * patience) + 4000))
    below = np.r_[0, np.cumsum(np.log(load / np.arange(1, agents + 1)))]
    above = below[-1] + np.cumsum(np.log(load / (agents + ahead / patience)))
    log_p = np.r_[below, above]
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean_queue = float(p[agents + 1 :] @ ahead)
    return float(p[agents:].sum()), mean_queue / patience / load, mean_queue / load


@pytest.mark.parametrize("agents", [1, 30, 1000, 10_000])
@pytest.mark.parametrize("occupied", [0.9, 1.0, 1.3])
@pytest.mark.parametrize("patience", [0.01, 1.0, 30.0])
def test_erlang_a_is_the_markov_chain_up_to_ten_thousand_agents(agents, occupied, patience):
    queue = queue_measures(arrivals_per_h=3600 * agents * occupied, handle_time_s=1.0, agents=agents, patience=patience)
    wait, abandon, mean_wait = birth_death(agents * occupied, agents, patience)
    assert (queue.probability_wait, queue.probability_abandon, queue.mean_wait_s) == pytest.approx(
        (wait, abandon, mean_wait), rel=2e-11
    )


@pytest.mark.parametrize(("load", "agents", "patience"), [(4.0, 3, 500.0), (0.5, 1, 1e-3), (95.0, 100, 3.0)])
def test_service_level_of_erlang_a_is_the_integral(load, agents, patience):
    queue = queue_measures(arrivals_per_h=3600 * load, handle_time_s=1.0, agents=agents, patience=patience)

    # By a general routine, between breaks that no feature of the integrand can hide from.
    peak = max(0.0, patience * math.log(load / agents))
    top = -load * patience * math.expm1(-peak / patience) - agents * peak

    def offered(x: float) -> float:
        return math.exp(-load * patience * math.expm1(-x / patience) - agents * x - top)

    def integral(function: Callable[[float], float], until: float) -> float:
        breaks = np.unique(np.clip(np.r_[0, np.geomspace(1e-5, 2000, 200), np.linspace(0, 2 * peak, 200)], 0, until))
        pairs = itertools.pairwise(breaks)
        return math.fsum(quad(function, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in pairs)

    whole = integral(offered, 2000)
    for threshold in (3e-4, 0.3, 2.0, 40.0, 700.0):
        within = integral(lambda x: math.exp(-x / patience) * offered(x), threshold)
        expected = 1 - queue.probability_wait * (1 - within / whole)
        assert queue.service_level(threshold) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("load", [0.7, 9.0, 940.0])
def test_endless_patience_is_erlang_c(load):
    agents = math.ceil(load * 1.06)
    asked = {"arrivals_per_h": 12 * load, "handle_time_s": 300, "agents": agents}
    assert values(queue_measures(**asked, patience=1e12)) == pytest.approx(values(queue_measures(**asked)), abs=1e-5)
    flat = queue_measures(**asked, patience=curve([600], [1.0]), tail="nobody_leaves")
    assert values(flat) == pytest.approx(values(queue_measures(**asked)), rel=1e-12)
    assert flat.service_level(77) == pytest.approx(queue_measures(**asked).service_level(77), rel=1e-12)


def test_no_patience_is_erlang_b():
    queue = queue_measures(arrivals_per_h=3600 * 9, handle_time_s=1.0, agents=10, patience=1e-9)
    assert queue.probability_abandon == pytest.approx(erlang_b(10, 9.0), rel=1e-7)


@pytest.mark.parametrize("patience", [None, 120.0, curve([30, 300], [0.7, 0.2])])
def test_a_team_many_times_the_load_keeps_nobody_waiting(patience):
    queue = queue_measures(arrivals_per_h=600, handle_time_s=300, agents=10_000, patience=patience)
    assert values(queue) == [0, 0, 0, 0, pytest.approx(50 / 10_000)]
    assert queue.service_level(0) == queue.service_level(20) == 1


@pytest.mark.parametrize("patience", [500.0, curve([60, 600], [0.6, 0.3])])
def test_a_hopeless_team_serves_at_its_full_pace(patience):
    queue = queue_measures(arrivals_per_h=12 * 30_000, handle_time_s=300, agents=3, patience=patience)
    assert queue.occupancy == pytest.approx(1, abs=1e-9)
    assert queue.probability_abandon == pytest.approx(1 - 1e-4, abs=1e-9)
    assert all(map(math.isfinite, values(queue)))


def steps_of(survival: Callable[[np.ndarray], np.ndarray], end_s: float, pieces: int, *, middle: bool) -> pd.DataFrame:
    """A law of patience as a step curve; every step has the law's value at its middle, or at its start."""
    edges = np.linspace(0, end_s, pieces + 1)
    at = (edges[:-1] + edges[1:]) / 2 if middle else edges[:-1]
    return curve(edges, np.r_[survival(at), 0.0])


@pytest.mark.parametrize(("middle", "order"), [(True, 2), (False, 1)])
def test_fine_steps_of_an_exponential_curve_tend_to_erlang_a_at_their_order(middle, order):
    asked = {"arrivals_per_h": 570, "handle_time_s": 300, "agents": 44}
    exact = queue_measures(**asked, patience=180.0)
    truth = np.array([*values(exact), exact.service_level(30)])

    def error(pieces: int) -> np.ndarray:
        patience = steps_of(lambda t: np.exp(-t / 180), 7200, pieces, middle=middle)
        stepped = queue_measures(**asked, patience=patience)
        return np.abs(np.array([*values(stepped), stepped.service_level(30)]) - truth)

    # Multiples of 480 pieces put a knot at 30 s, so that the service level has its order too.
    coarse, fine = error(1920), error(3840)
    np.testing.assert_allclose(coarse / fine, 2**order, rtol=0.05)


# --- properties ---------------------------------------------------------------------------------------------------


@given(curves(), loads, teams)
def test_agents_busy_and_contacts_served_agree(patience, load, agents):
    queue = queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=patience)
    # Occupancy comes from the states of the agents, abandonment from the curve: what is not left is served.
    assert agents * queue.occupancy == pytest.approx(load * (1 - queue.probability_abandon), rel=1e-9)
    assert queue.mean_queue == pytest.approx(load / 300 * queue.mean_wait_s, rel=1e-14)
    assert 0 <= queue.probability_abandon <= queue.probability_wait <= 1


@given(curves(), loads, teams)
def test_one_more_agent_helps_everybody(patience, load, agents):
    fewer, more = (
        queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=n, patience=patience)
        for n in (agents, agents + 1)
    )
    for name in ("probability_wait", "probability_abandon", "mean_wait_s", "mean_queue"):
        assert getattr(more, name) <= getattr(fewer, name) * (1 + 1e-12) + 1e-15
    for threshold in (0.0, 10.0, 300.0):
        assert more.service_level(threshold) >= fewer.service_level(threshold) - 1e-12


@given(curves(), loads, teams, st.floats(0.05, 0.95))
def test_more_patience_means_more_waiting_and_less_abandoning(patience, load, agents, power):
    longer = patience.assign(survival=patience["survival"] ** power)
    short, long = (
        queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=p, tail="everybody_leaves")
        for p in (patience, longer)
    )
    assert long.probability_abandon <= short.probability_abandon * (1 + 1e-12) + 1e-15
    assert long.probability_wait >= short.probability_wait * (1 - 1e-12)
    assert long.occupancy >= short.occupancy * (1 - 1e-12)


@given(curves(), loads, teams)
def test_what_the_curve_cannot_say_is_bounded_by_the_two_extreme_tails(patience, load, agents):
    def abandon(tail: str) -> float:
        return queue_measures(
            arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=patience, tail=tail
        ).probability_abandon

    middle, most = abandon("last_hazard"), abandon("everybody_leaves")
    assert middle <= most + 1e-12
    if load * patience["survival"].iloc[-1] < agents:
        assert abandon("nobody_leaves") <= middle + 1e-12


@given(curves(), loads, teams, st.integers(0, 900))
def test_a_row_at_which_nobody_leaves_changes_nothing(patience, load, agents, at):
    if at in patience["duration_s"].tolist() or at > patience["duration_s"].max():
        return
    held = patience["survival"][patience["duration_s"] < at]
    row = curve([at], [held.iloc[-1] if len(held) else 1.0])
    finer = pd.concat([patience, row]).sort_values("duration_s", ignore_index=True)
    asked = {"arrivals_per_h": 12 * load, "handle_time_s": 300, "agents": agents}
    assert values(queue_measures(**asked, patience=finer)) == pytest.approx(
        values(queue_measures(**asked, patience=patience)), rel=1e-11, abs=1e-300
    )


@given(loads, teams, st.floats(1, 5000))
def test_erlang_a_abandons_at_the_mean_wait_over_the_mean_patience(load, agents, patience):
    queue = queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=patience)
    assert queue.probability_abandon == pytest.approx(queue.mean_wait_s / patience, rel=1e-11)


@given(curves(), loads, teams, st.floats(1e-3, 1e3))
def test_the_unit_of_time_does_not_matter(patience, load, agents, unit):
    scaled = patience.assign(duration_s=patience["duration_s"] * unit)
    short = queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=patience)
    long = queue_measures(arrivals_per_h=12 * load / unit, handle_time_s=300 * unit, agents=agents, patience=scaled)
    assert long.probability_abandon == pytest.approx(short.probability_abandon, rel=1e-9, abs=1e-300)
    assert long.mean_wait_s == pytest.approx(short.mean_wait_s * unit, rel=1e-9, abs=1e-300)
    assert long.service_level(45 * unit) == pytest.approx(short.service_level(45), rel=1e-9)


@given(st.one_of(curves(), st.floats(1, 5000)), loads, teams)
def test_the_service_level_rises_from_no_wait_to_all_who_stay(patience, load, agents):
    queue = queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=patience)
    levels = [queue.service_level(t) for t in (0, 1e-9, 1, 10, 60, 300, 900, 5000, 1e7, math.inf)]
    assert levels[0] == pytest.approx(1 - queue.probability_wait, abs=1e-15)
    assert levels[-1] == pytest.approx(1 - queue.probability_abandon, abs=1e-12)
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(levels))


@given(st.one_of(curves(), st.floats(1, 5000)), st.floats(1, 6000))
def test_waits_while_nobody_is_there_are_the_area_under_the_curve(patience, until):
    law = patience_law(patience)
    marks = np.unique(np.r_[until, np.linspace(0, until, 40), law.knots_s[law.knots_s < until]])

    def still(u: float) -> float:
        knot = int(np.searchsorted(law.knots_s, u, side="right")) - 1
        after = law.hazard_per_s * (u - law.knots_s[knot]) if knot == len(law.knots_s) - 1 else 0.0
        return float(law.survival[knot]) * math.exp(-after)

    nodes, weights = np.polynomial.legendre.leggauss(30)
    area = 0.0
    for low, high in itertools.pairwise(marks):
        at = (low + high) / 2 + (high - low) / 2 * nodes
        area += (high - low) / 2 * float(weights @ [still(u) for u in at])
    assert law.mean_waited_s(until) == pytest.approx(area, rel=1e-6, abs=1e-6)


# --- agents needed ------------------------------------------------------------------------------------------------

targets = st.one_of(
    st.builds(Target, abandon=st.floats(0.001, 0.6)),
    st.builds(Target, mean_wait_s=st.floats(0.5, 300)),
    st.builds(Target, service_level=st.floats(0.1, 0.99), within_s=st.floats(0, 120)),
    st.builds(Target, abandon=st.just(0.05), service_level=st.just(0.8), within_s=st.just(20.0)),
)


@settings(max_examples=40)
@given(st.one_of(curves(), st.floats(1, 5000)), st.floats(0.05, 25), targets)
def test_the_agents_needed_are_the_first_number_that_does(patience, load, target):
    asked = {"arrivals_per_h": 12 * load, "handle_time_s": 300, "patience": patience}
    first = next(n for n in range(1, 500) if target.is_met(queue_measures(**asked, agents=n)))
    needed = agents_needed(**asked, target=target)
    assert needed.agents == first
    assert values(needed.measures) == values(queue_measures(**asked, agents=first))


def test_the_rule_of_eighty_twenty_in_erlang_c():
    # Load 10: of calls that take 300 s, 13 agents answer 77 % within 20 s, 14 answer 87 %.
    asked = {"arrivals_per_h": 120, "handle_time_s": 300, "patience": None}
    needed = agents_needed(**asked, target=Target(service_level=0.8, within_s=20))
    assert needed.agents == 14
    assert needed.measures.service_level(20) == pytest.approx(1 - 0.17413193359504985 * math.exp(-4 * 20 / 300))
    too_few = queue_measures(arrivals_per_h=120, handle_time_s=300, agents=13)
    assert too_few.service_level(20) == pytest.approx(0.7664, abs=5e-5)


def test_ten_thousand_agents_are_found():
    patience = curve(np.arange(1, 601), np.exp(-np.arange(1, 601) / 300))
    asked = {"arrivals_per_h": 12 * 10_000, "handle_time_s": 300, "patience": patience}
    needed = agents_needed(**asked, target=Target(abandon=0.001))
    assert 10_000 < needed.agents < 10_200
    assert queue_measures(**asked, agents=needed.agents - 1).probability_abandon > 0.001


def small_table(contacts: int, rng: np.random.Generator) -> pd.DataFrame:
    patience, offered = rng.exponential(240, contacts), rng.exponential(90, contacts)
    rows = pd.DataFrame(
        {
            "duration_s": np.minimum(patience, offered).round(1),
            "outcome": np.where(patience < offered, "abandoned", "answered"),
        }
    )
    return rows.groupby(["duration_s", "outcome"], as_index=False).size().rename(columns={"size": "contacts"})


def test_resampled_curves_vary_as_greenwood_says():
    table = small_table(1500, np.random.default_rng(5))
    point = kaplan_meier(table)
    at = pd.concat([point[point["duration_s"] <= t].tail(1) for t in (30, 60, 120)])
    drawn = np.array(
        [
            [c.loc[c["duration_s"] <= t, "survival"].iloc[-1] for t in (30, 60, 120)]
            for c in resampled_curves(table, replicates=120, rng=np.random.default_rng(6))
        ]
    )
    # 120 replicates know a standard deviation to 6.5 %.
    np.testing.assert_allclose(drawn.std(axis=0, ddof=1), at["se"], rtol=0.26)
    np.testing.assert_allclose(drawn.mean(axis=0), at["survival"], atol=4 * at["se"].max() / math.sqrt(120))


def test_the_interval_of_the_agents_needed_holds_the_truth_and_narrows_with_data():
    # The truth: exponential patience of 240 s, so the exact need is Erlang A's. (Over 150 logs of 300 contacts the
    # 95 % interval held it 140 times.)
    asked = {"arrivals_per_h": 12 * 2000, "handle_time_s": 300, "target": Target(mean_wait_s=30)}
    truth = agents_needed(**asked, patience=240.0).agents
    widths = []
    for contacts in (300, 10_000):
        table = small_table(contacts, np.random.default_rng(contacts))
        replicates = resampled_curves(table, replicates=60, rng=np.random.default_rng(1))
        found = agents_needed_interval(**asked, patience=kaplan_meier(table), replicates=replicates, level=0.99)
        row = found.iloc[0]
        assert row["lower"] <= truth <= row["upper"]
        assert row["lower"] <= row["agents"] <= row["upper"]
        assert 0.1 < row["share_enough"] <= 1
        assert row["replicates"] == 60
        widths.append(row["upper"] - row["lower"])
    assert 0 < widths[1] < widths[0] / 2


def test_the_same_seed_gives_the_same_interval():
    table = small_table(400, np.random.default_rng(2))
    asked = {"arrivals_per_h": 100, "handle_time_s": 300, "target": Target(mean_wait_s=20)}
    first, second = (
        agents_needed_interval(
            **asked,
            patience=kaplan_meier(table),
            replicates=resampled_curves(table, replicates=10, rng=np.random.default_rng(3)),
        )
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)


# --- agreement with the reference folder --------------------------------------------------------------------------


def test_erlang_a_agrees_with_the_reference(shared: Path):
    for row in pd.read_csv(shared / "reference/patience/erlang_a.csv").itertuples():
        queue = queue_measures(
            arrivals_per_h=3600 * row.lam, handle_time_s=1 / row.mu, agents=row.n, patience=1 / row.theta
        )
        expected = [row.P_wait, row.P_ab, row.EW, row.EQ, row.occupancy]
        assert values(queue) == pytest.approx(expected, rel=1e-13)


def test_erlang_b_and_c_agree_with_the_reference(shared: Path):
    for row in pd.read_csv(shared / "reference/patience/erlang_bc.csv").itertuples():
        queue = queue_measures(arrivals_per_h=3600 * row.a, handle_time_s=1, agents=row.n)
        assert erlang_b(row.n, row.a) == pytest.approx(row.erlang_b, rel=1e-14)
        assert queue.probability_wait == pytest.approx(row.erlang_c, rel=1e-14)


LAWS = {
    "uniform": (lambda t: np.clip(1 - t / 240, 0, 1), 240.0),
    "erlang2": (lambda t: (1 + t / 60) * np.exp(-t / 60), 2700.0),
}


def test_general_patience_agrees_with_the_reference(shared: Path):
    for row in pd.read_csv(shared / "reference/patience/mmng.csv").itertuples():
        expected = [row.P_wait, row.P_ab, row.EW, row.EQ, row.P_served_within_T]
        asked = {"arrivals_per_h": 60 * row.lam, "handle_time_s": 60 / row.mu, "agents": row.n}

        def found(patience: float | pd.DataFrame, asked: dict = asked, threshold_s: float = 60 * row.T) -> np.ndarray:
            queue = queue_measures(**asked, patience=patience)
            wait_min = queue.mean_wait_s / 60
            shares = [queue.probability_wait, queue.probability_abandon]
            return np.array([*shares, wait_min, queue.mean_queue, queue.service_level(threshold_s)])

        if row.law == "exponential":
            np.testing.assert_allclose(found(120.0), expected, rtol=1e-13)
            continue
        survival, end_s = LAWS[row.law]
        # Multiples of 135 pieces put a knot at the threshold of 20 s under both laws. The error of steps at their
        # middle is of second order; taking it out of two step lengths leaves the fourth.
        coarse, fine = (found(steps_of(survival, end_s, 135 * k, middle=True)) for k in (400, 800))
        np.testing.assert_allclose((np.array(expected) - coarse) / (np.array(expected) - fine), 4, rtol=0.01)
        np.testing.assert_allclose((4 * fine - coarse) / 3, expected, rtol=1e-9)


# --- against a simulation -----------------------------------------------------------------------------------------


def simulate(
    arrivals_per_h: float, handle_time_s: float, agents: int, patience_s: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Wait and abandonment of every contact, first come first served: who leaves never takes an agent's time."""
    arrivals = np.cumsum(rng.exponential(3600 / arrivals_per_h, len(patience_s)))
    handling = rng.exponential(handle_time_s, len(patience_s))
    free_at = [0.0] * agents
    waits, left = np.empty(len(patience_s)), np.zeros(len(patience_s), dtype=bool)
    contacts = zip(arrivals.tolist(), patience_s.tolist(), handling.tolist(), strict=True)
    for i, (at, patience, handle) in enumerate(contacts):
        offered = max(free_at[0] - at, 0.0)
        if offered > patience or (offered > 0 and patience == 0):
            waits[i], left[i] = patience, True
        else:
            waits[i] = offered
            heapq.heapreplace(free_at, at + offered + handle)
    return waits, left


def draw(law_of: pd.DataFrame | float | None, size: int, rng: np.random.Generator) -> np.ndarray:
    """Patience of ``size`` contacts from a curve with its default tail, a mean, or without end."""
    if law_of is None:
        return np.full(size, np.inf)
    if isinstance(law_of, float):
        return rng.exponential(law_of, size)
    law = patience_law(law_of)
    u = rng.random(size)
    knot = np.searchsorted(-law.survival, -u, side="left")  # the first knot at which survival is <= u
    inside = knot < len(law.knots_s)
    beyond = np.log(law.survival[-1] / u[~inside]) / law.hazard_per_s
    drawn = np.empty(size)
    drawn[inside], drawn[~inside] = law.knots_s[knot[inside]], law.knots_s[-1] + beyond
    return drawn


def agrees_with_simulation(patience: pd.DataFrame | float | None, load: float, agents: int, seed: int) -> None:
    rng, batches = np.random.default_rng(seed), 40
    waits, left = simulate(12 * load, 300, agents, draw(patience, 123_000, rng), rng)
    queue = queue_measures(arrivals_per_h=12 * load, handle_time_s=300, agents=agents, patience=patience)
    expected = {
        "wait": (waits > 0) | left,
        "abandon": left,
        "mean_wait": waits,
        "service_level": ~left & (waits <= 20),
    }
    known = [queue.probability_wait, queue.probability_abandon, queue.mean_wait_s, queue.service_level(20)]
    for (name, seen), truth in zip(expected.items(), known, strict=True):
        means = seen[3000:].reshape(batches, -1).mean(axis=1)
        error = means.std(ddof=1) / math.sqrt(batches)
        assert abs(means.mean() - truth) <= 3.5 * error, (name, means.mean(), truth, error)
        assert error < 0.15 * max(truth, 0.01) or error == 0, f"{name}: this simulation is too short to show anything"


@pytest.mark.parametrize(
    ("patience", "load", "agents", "seed"),
    [(None, 8.0, 10, 1), (200.0, 12.0, 10, 2), (600.0, 9.5, 10, 3), (curve([0, 40, 90], [0.95, 0.6, 0.5]), 6.0, 5, 4)],
)
def test_a_simulation_of_every_contact_agrees(patience, load, agents, seed):
    agrees_with_simulation(patience, load, agents, seed)


@pytest.mark.parametrize(("load", "agents", "seed"), [(22.0, 20, 5), (9.0, 10, 6)])
def test_a_simulation_agrees_with_a_kaplan_meier_curve(shared: Path, load, agents, seed):
    rows = pd.read_csv(shared / "reference/patience/contacts_small.csv")
    outcome = rows["outcome"].map({0: "open", 1: "abandoned", 2: "answered", 3: "deflected"})
    table = pd.DataFrame({"duration_s": rows["duration"].astype(float), "outcome": outcome, "contacts": 1})
    agrees_with_simulation(kaplan_meier(table), load, agents, seed)


def test_a_log_predicts_its_own_abandonment():
    # Uniform patience, seen only through the log of a simulated queue: curve -> queue -> the share that left.
    rng = np.random.default_rng(8)
    waits, left = simulate(12 * 10.5, 300, 10, rng.uniform(0, 300, 200_000), rng)
    queued = (waits > 0) | left
    rows = pd.DataFrame(
        {"duration_s": waits[queued].round(1), "outcome": np.where(left[queued], "abandoned", "answered")}
    )
    table = rows.groupby(["duration_s", "outcome"], as_index=False).size().rename(columns={"size": "contacts"})
    queue = queue_measures(arrivals_per_h=12 * 10.5, handle_time_s=300, agents=10, patience=kaplan_meier(table))
    means = left[3000:199_000].reshape(40, -1).mean(axis=1)
    assert queue.probability_abandon == pytest.approx(means.mean(), abs=4 * means.std() / math.sqrt(40))
    # A mean alone would miss it: exponential patience with the same mean is many standard errors away.
    exponential = queue_measures(arrivals_per_h=12 * 10.5, handle_time_s=300, agents=10, patience=150.0)
    assert abs(exponential.probability_abandon - means.mean()) > 5 * means.std() / math.sqrt(40)


# --- bad input ----------------------------------------------------------------------------------------------------

GOOD = {"arrivals_per_h": 100, "handle_time_s": 300, "agents": 9, "patience": 120.0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agents": 0}, "agents must be a whole number >= 1; got 0"),
        ({"agents": -3}, "agents must be"),
        ({"agents": 2.5}, "agents must be a whole number >= 1; got 2.5"),
        ({"agents": math.nan}, "agents must be"),
        ({"agents": True}, "agents must be"),
        ({"agents": math.inf}, "agents must be"),
        ({"arrivals_per_h": 0}, "arrivals_per_h must be a finite number above 0; got 0"),
        ({"arrivals_per_h": math.nan}, "arrivals_per_h must be"),
        ({"arrivals_per_h": "100"}, "arrivals_per_h must be"),
        ({"handle_time_s": -1}, "handle_time_s must be"),
        ({"handle_time_s": math.inf}, "handle_time_s must be"),
        ({"patience": 0.0}, "patience .* must be a finite number above 0"),
        ({"patience": math.nan}, "patience"),
        ({"patience": math.inf}, "patience"),
        ({"patience": True}, "patience"),
        ({"patience": curve([], [])}, "no row"),
        ({"patience": pd.DataFrame({"duration_s": [1.0]})}, "survival is not among duration_s"),
        ({"patience": curve([1, 1], [0.5, 0.4])}, "must rise from row to row; 1 of 2 rows"),
        ({"patience": curve([1, 2], [0.5, 0.6])}, "must not rise; it does in 1 of 2 rows"),
        ({"patience": curve([1, 2], [1.5, 0.6])}, "1 of 2 rows"),
        ({"patience": curve([1, 2], [0.5, math.nan])}, "1 of 2 rows .* row 1"),
        ({"patience": curve([-1, 2], [0.5, 0.4])}, "1 of 2 rows"),
        ({"tail": "flat"}, "tail must be one of last_hazard, nobody_leaves, everybody_leaves"),
    ],
)
def test_bad_input_is_refused_in_words(change, words):
    with pytest.raises(ValueError, match=words):
        queue_measures(**(GOOD | change))


@pytest.mark.parametrize(("arrivals", "agents"), [(120, 10), (120, 9), (1e6, 10)])
def test_an_unstable_queue_is_refused_with_a_way_out(arrivals, agents):
    with pytest.raises(UnstableQueueError, match="Erlang A"):
        queue_measures(arrivals_per_h=arrivals, handle_time_s=300, agents=agents)
    assert queue_measures(arrivals_per_h=arrivals, handle_time_s=300, agents=agents, patience=100.0).occupancy <= 1


def test_a_curve_whose_rest_never_leaves_can_be_unstable():
    half = curve([60], [0.5])
    asked = {"arrivals_per_h": 240, "handle_time_s": 300, "patience": half, "tail": "nobody_leaves"}
    with pytest.raises(UnstableQueueError, match=r"a share of 0\.5 never leaves"):
        queue_measures(**asked, agents=10)
    assert queue_measures(**asked, agents=11).probability_past_curve > 0.3
    assert agents_needed(**asked, target=Target(abandon=0.499999)).agents == 11


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"service_level": 0.8},
        {"within_s": 20},
        {"abandon": 5},
        {"abandon": 0.0},
        {"abandon": math.nan},
        {"service_level": 1.0, "within_s": 20},
        {"service_level": 0.8, "within_s": -1},
        {"service_level": 0.8, "within_s": math.inf},
        {"mean_wait_s": 0},
        {"mean_wait_s": math.nan},
    ],
)
def test_a_target_that_says_nothing_is_refused(wrong):
    with pytest.raises(ValueError):
        Target(**wrong)


def test_other_questions_without_an_answer_are_refused():
    asked = {"arrivals_per_h": 100, "handle_time_s": 300, "target": Target(abandon=0.05)}
    with pytest.raises(ValueError, match="nobody ever leaves"):
        agents_needed(**asked, patience=None)
    with pytest.raises(ValueError, match="holds no curve"):
        agents_needed_interval(**asked, patience=curve([60], [0.2]), replicates=[])
    with pytest.raises(ValueError, match="level must be"):
        agents_needed_interval(**asked, patience=curve([60], [0.2]), replicates=[curve([60], [0.2])], level=95)
    with pytest.raises(ValueError, match="threshold_s"):
        queue_measures(**GOOD).service_level(-1)
    with pytest.raises(ValueError, match="threshold_s"):
        queue_measures(**GOOD).service_level(math.nan)
    with pytest.raises(ValueError, match="replicates must be"):
        next(resampled_curves(small_table(50, np.random.default_rng(1)), replicates=0, rng=np.random.default_rng(1)))


def test_measures_are_a_value():
    queue = queue_measures(**GOOD)
    assert queue == queue_measures(**GOOD)
    assert pickle.loads(pickle.dumps(queue)).service_level(20) == queue.service_level(20)
    with pytest.raises(AttributeError):
        queue.probability_wait = 0.5


@pytest.mark.parametrize("wrong", [{"handle_time_s": 1e12}, {"agents": 10**9}, {"arrivals_per_h": 1e9}])
def test_a_team_beyond_all_teams_is_refused_at_once_and_by_name(wrong):
    given = {"arrivals_per_h": 60.0, "handle_time_s": 180.0, "agents": 4, "patience": 120.0} | wrong
    with pytest.raises(ValueError, match=r"more than any team carries|agents must be at most"):
        queue_measures(**given)
    load = {name: value for name, value in given.items() if name != "agents"}
    if "agents" not in wrong:
        with pytest.raises(ValueError, match="is it in seconds"):
            agents_needed(**load, target=Target(abandon=0.05))
