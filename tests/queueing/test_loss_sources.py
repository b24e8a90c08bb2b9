"""The queue model's account of a change: exact in its sum, and each of three causes found alone."""

from __future__ import annotations

import pandas as pd
import pytest

from cxresearch.queueing import agents_in_effect, loss_sources, queue_measures

PATIENCE_S = 120.0


def team(*, rates=(60.0, 90.0), agents=(5, 6), handle_s=240.0, patience_s=PATIENCE_S) -> tuple[pd.DataFrame, float]:
    """Hours whose losses are those of whole teams, with the agents worked back, and the share lost."""
    lost = [queue_measures(arrivals_per_h=rate, handle_time_s=handle_s, agents=n, patience=patience_s).probability_abandon
            for rate, n in zip(rates, agents, strict=True)]  # fmt: skip
    hours = pd.DataFrame({"hour": [9, 10], "arrivals_per_h": rates, "handle_time_s": handle_s})
    hours["contacts"] = hours["arrivals_per_h"] * 1_000
    hours["left"] = hours["contacts"] * lost
    share = float(hours["left"].sum() / hours["contacts"].sum())
    return agents_in_effect(hours, patience=patience_s), share


def split(now: dict, before: dict) -> pd.Series:
    (mine, share), (theirs, earlier) = team(**now), team(**before)
    table = loss_sources(
        mine, theirs, patience=now.get("patience_s", PATIENCE_S), patience_before=before.get("patience_s", PATIENCE_S),
        change=share - earlier,
    )  # fmt: skip
    assert table["contribution"].sum() == pytest.approx(share - earlier, abs=1e-12)
    return table.set_index("part")["contribution"]


@pytest.mark.parametrize(
    ("changed", "part"),
    [({"rates": (66.0, 99.0)}, "load"), ({"handle_s": 264.0}, "load"), ({"agents": (4, 5)}, "agents in effect"),
     ({"patience_s": 60.0}, "patience")],
)  # fmt: skip
def test_one_cause_alone_carries_the_whole_change(changed, part):
    parts = split(changed, {})
    assert parts[part] > 0.005
    assert parts.drop(part).abs().max() < 1e-6


def test_nothing_changed_and_the_way_back():
    assert split({}, {}).abs().max() == 0
    there = split({"rates": (70.0, 80.0), "agents": (4, 6)}, {"patience_s": 200.0})
    back = split({"patience_s": 200.0}, {"rates": (70.0, 80.0), "agents": (4, 6)})
    pd.testing.assert_series_equal(there, -back)


def test_two_causes_share_what_they_do_together():
    """Shapley of two factors by hand: the mean of being first and being last."""

    def lost(rates, agents):
        return team(rates=rates, agents=agents)[1]

    few, many = ((60.0, 90.0), (5, 6)), ((66.0, 99.0), (4, 5))
    first, last = lost(many[0], few[1]) - lost(*few), lost(*many) - lost(few[0], many[1])
    parts = split({"rates": many[0], "agents": many[1]}, {})
    assert parts["load"] == pytest.approx((first + last) / 2, abs=1e-6)
    assert parts["patience"] == pytest.approx(0, abs=1e-9)


def test_what_the_model_leaves_is_said():
    (hours, share), _ = team(), None
    table = loss_sources(hours, hours, patience=PATIENCE_S, patience_before=PATIENCE_S, change=0.01).set_index("part")
    assert share > 0
    assert table.loc["not explained by the model", "contribution"] == 0.01
