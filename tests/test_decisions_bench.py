"""The benchmark that asks whether an agent who is really added saves what was printed: its queue by hand, and a run of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxresearch.queueing import queue_measures

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("decisions_bench", ROOT / "benchmarks" / "decisions.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_its_queue_is_the_one_of_theory(bench):
    """Steady, the team of every hour alike: Erlang A; one more agent leaves the same callers, and fewer who leave."""
    law = bench.World(np.full(24, 50.0), np.full(24, 3, dtype=np.int64), 190.0, 330.0, 1.0, 0.0, 0.0, (1.0, 1.0), 12.0)
    base, more = (bench.simulate(law, 60, np.random.default_rng(1), more=block) for block in (None, (9, 12)))
    assert base["when"].equals(more["when"])
    known = queue_measures(arrivals_per_h=50, handle_time_s=190, agents=3, patience=330)
    assert (base["agent"] < 0).mean() == pytest.approx(known.probability_abandon, rel=0.05)
    assert (more["agent"] < 0).sum() < (base["agent"] < 0).sum()


@pytest.mark.slow
def test_a_run_of_it(bench):
    """Three companies: the agent really added saves what the interval says, and all are counted."""
    rows = pd.DataFrame([bench.one_world(seed, 200) for seed in np.random.SeedSequence(2).spawn(3)])
    found = bench.summary(rows)
    assert found["worlds"] == 3
    assert found["covers_95"] + found["above"] + found["below"] == pytest.approx(1)
    assert found["covers_95"] >= 2 / 3
    assert abs(found["bias"]) < 0.2
    assert rows["redial_told"].to_numpy() == pytest.approx(rows["redial"].to_numpy(), abs=0.05)
    assert "SIMULATED" in bench.as_markdown(found, {"date": "today", "seed": 2})


def test_never_answered_by_hand(bench):
    def call(at: str, who: str, outcome: str) -> tuple:
        return pd.Timestamp(f"{bench.NOW}-{at}"), who, outcome

    log = pd.DataFrame([
        call("05 09:00", "a", "abandoned"), call("05 10:00", "a", "answered"), call("05 09:00", "b", "abandoned"),
        call("05 08:00", "c", "answered"), call("05 09:00", "c", "abandoned"), call("05 09:00", "d", "abandoned"),
        call("13 09:00", "d", "answered"),
        (pd.Timestamp("2001-01-30 09:00"), "e", "abandoned"),
    ], columns=["opened_at", "customer_key", "outcome"])  # fmt: skip
    assert bench.never_answered(log) == 3, "b, c after its answer, and d, who was answered after eight days"
    hidden = bench.half_hidden(log.assign(queued=True), (0.0, 1.0), np.random.default_rng(1))
    assert hidden["customer_key"].isna().all()
