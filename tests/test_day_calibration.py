"""The benchmark that asks whether intervals by day hold: its queue by hand and against theory, and a run of it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxresearch.exhibits.headlines import headline_table
from cxresearch.exhibits.run_chart import FALSE_SIGNS
from cxresearch.queueing import queue_measures

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("day_calibration", ROOT / "benchmarks" / "day_calibration.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def served(bench, opened, patience, handle, agents, *, redial=0.0):
    scale = np.ones(24)
    return bench.queue(
        np.array(opened, float), np.array(patience, float), np.array(handle, float), np.array(agents), scale, 1.0, 1.0,
        redial, 60.0, np.random.default_rng(1),
    )  # fmt: skip


def test_a_queue_worked_by_hand(bench):
    """One agent: the second is answered after 20 s, the third leaves after 5 s and holds nobody up, the fourth waits 10 s."""
    seen, waited, ended = served(bench, [0, 10, 12, 50], [99, 99, 5, 99], [30, 30, 30, 30], [1])
    assert seen.tolist() == [0, 10, 12, 50]
    assert waited.tolist() == [0, 20, 5, 10]
    assert ended.tolist() == [0, 1, 2, 1]
    # Two agents until the full hour, then one: the second helps the third at 3,599 s and is gone for the fourth.
    _, waited, _ = served(bench, [3590, 3595, 3598, 3600], [99] * 4, [30, 4, 1, 1], [2, 1])
    assert waited.tolist() == [0, 0, 1, 20]
    # Nobody is there in the second hour: who cannot wait for the third leaves.
    _, waited, ended = served(bench, [3599, 3599.5], [99, 99], [50, 50], [1, 0, 1])
    assert (waited.tolist(), ended.tolist()) == ([0, 99], [0, 2])


def test_who_leaves_may_call_again(bench):
    seen, _, ended = served(bench, [0, 1], [99, 2], [3000, 1], [1, 1], redial=1.0)
    assert len(seen) > 2
    assert (np.diff(seen) > 0).all()
    assert ended[0] == 0


def test_a_stationary_world_is_erlang_a(bench):
    law = bench.worlds()["A"]
    counts = bench.simulate(law, 12 * bench.MONTH, np.random.default_rng(4))
    assert (counts == bench.simulate(law, 12 * bench.MONTH, np.random.default_rng(4))).all()
    known = queue_measures(arrivals_per_h=52, handle_time_s=190, agents=3, patience=330)
    shares = counts.sum(axis=(0, 1)) / counts.sum()
    assert shares[2] == pytest.approx(known.probability_abandon, rel=0.02)
    assert 1 - shares[0] == pytest.approx(known.probability_wait, rel=0.02)


def test_a_period_has_the_counts_of_its_days(bench):
    counts = np.zeros((2, bench.LONGEST_S + 1, 3), dtype=int)
    counts[0, 0, 0], counts[0, 30, 1], counts[1, 90, 2], counts[1, 10, 1] = 6, 2, 1, 1
    rows = headline_table(bench.period(counts, 7), channel="phone").set_index("name").drop("lost_for_good_share")
    assert rows["value"].round(6).to_dict() == {
        "contacts": 10, "contacts_per_day": 5, "abandonment_share": 0.25, "lost_share": 0.1, "queued_share": 0.4,
        "service_level": 0.7, "mean_answer_s": round(70 / 9, 6), "mean_wait_s": 40, "patience_survival_60s": 1,
    }  # fmt: skip
    assert set(rows["kind"]) == {"SIMULATED"}


def test_coverage_and_calls_are_counted(bench):
    truths = {"A": pd.Series({"lost_share": 0.1, "mean_wait_s": 50.0})}
    rows = pd.DataFrame(
        [
            ("A", "month", "lost_share", 0.05, 0.2, 0.2, False), ("A", "month", "mean_wait_s", 60, 70, 0.01, True),
            ("A", "month", "lost_share", 0.2, 0.3, 0.04, False), ("A", "month", "mean_wait_s", 40, 60, np.nan, False),
        ], columns=["world", "span", "name", "lower", "upper", "p_value", "called"],
    )  # fmt: skip
    table = bench.summary(truths, rows).set_index("name")
    assert table["coverage"].to_dict() == {"lost_share": 0.5, "mean_wait_s": 0.5}
    assert table["raw"].to_dict() == {"lost_share": 0.5, "mean_wait_s": 0.5}
    assert table["called"].to_dict() == {"lost_share": 0.0, "mean_wait_s": 0.5}
    assert bench.any_call(rows)[["any_raw", "any_called"]].to_numpy().tolist() == [[1.0, 0.5]]


def test_what_run_charts_say_of_false_signs_is_what_was_measured():
    measured = json.loads((ROOT / "benchmarks" / "results" / "day_calibration.json").read_text())["false_signs"]
    assert {what: list(shares) for what, shares in FALSE_SIGNS.items()} == measured
    assert FALSE_SIGNS["chart"][0] <= 0.06


@pytest.mark.slow
def test_a_run_of_it(bench, tmp_path):
    """One world, a few months, in this process: every number of a report is in the file, and simulated data says so."""
    law, seed = bench.worlds()["B"], np.random.SeedSequence(3)
    truths = {"B": bench.truth(law, 4, np.random.default_rng(1))}
    rows = pd.DataFrame([*bench.asked_of("B", law, 3, seed), *bench.risen("B", law, 0.08, 2, seed)])
    assert rows["span"].value_counts().to_dict() == {"month": 40, "week": 40, "chart": 12}
    table, family = bench.summary(truths, rows), bench.any_call(rows)
    signs = bench.false_signs(rows)
    months = table[(table["span"] == "month") & (table["rise"] == 0)].set_index("name")
    assert (months["logs"] == 3).all()
    assert (months["with_interval"] == 1).all()
    assert months["coverage"].between(0, 1).all()
    true = table[(table["rise"] > 0) & (table["span"] == "month")].set_index("name")
    assert true.loc["lost_share", "called"] == 1, "eight points are seen in a month"
    page = bench.as_markdown(table, family, signs, {"date": "today"}, bench.SMALL, 3)
    assert "SIMULATED" in page
    assert f"| B | month | {bench.spread(months.loc[list(bench.SIX), 'coverage'])}" in page
    assert len(json.dumps(table.to_dict("records")))
