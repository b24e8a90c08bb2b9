"""Talk on a network small enough to know how far it goes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cxresearch import cascade


def test_talk_in_pairs_is_known_by_hand():
    pairs = cascade.load_edges(pd.DataFrame({"source": np.arange(0, 40, 2), "target": np.arange(1, 41, 2)}))
    values = {"retellings_social": 0.5}
    sweep, reached = cascade.network_talk(pairs, values, runs=4000, one_in=1000, rng=np.random.default_rng(1))
    row = reached.iloc[0]
    assert (row["people"], row["mean_ties"], row["probability"]) == (40, 1.0, 0.5)
    assert row["mean_reach"] == pytest.approx(1.5, abs=0.03)  # one contact, told or not
    assert row["reach_at_worst"] == 2
    assert row["unconnected_reach"] == 2.0
    assert 0.5 in sweep["probability"].tolist()
    assert sweep["probability"].is_monotonic_increasing


def test_talk_that_never_ends_and_talk_that_never_begins():
    ring = cascade.load_edges(pd.DataFrame({"source": range(9), "target": [*range(1, 9), 0]}))
    chance = {"runs": 20, "one_in": 10, "rng": np.random.default_rng(1)}
    _, reached = cascade.network_talk(ring, {"retellings_social": 1.2}, **chance)
    assert reached["unconnected_reach"].item() == math.inf
    sweep, reached = cascade.network_talk(ring, {"retellings_social": 0.0}, **chance)
    assert reached["mean_reach"].item() == 1
    assert (sweep["probability"] >= 0).all()
