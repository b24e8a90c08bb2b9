"""What is said of where a change comes from: a part is named only where it and the change are told."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cxresearch.exhibits import change_sources

MODEL = pd.DataFrame({
    "part": ["load", "agents in effect", "patience", "not explained by the model"], "contribution": [0.02, 0.03, -0.01, 0.0],
})  # fmt: skip


def told(
    verdict: str = "rose", *, mix=(0.001, -0.01, 0.01), left=(0.039, 0.02, 0.06), p=0.01
) -> tuple[str, str, str, str]:
    change = pd.Series({"verdict": verdict, "difference_lower": 0.02, "difference_upper": 0.06})
    parts = pd.DataFrame(
        [("mix", *mix), ("left_queue", *left), ("left_before", 0.0, math.nan, math.nan)],
        columns=["part", "contribution", "lower", "upper"],
    )
    queues = pd.DataFrame({
        "queue": ["New (N)", "Old (O)"], "queued": [900, 800], "previous": [0.3, 0.1], "share_left_of_queued": [0.4, 0.1], "difference": [0.1, 0.0],
        "difference_lower": [0.05, -0.1], "difference_upper": [0.15, 0.1], "p_value": [p, 0.9], "p_corrected": [p, 0.9],
        "contribution": [0.04, 0.0], "contribution_lower": [0.01, -0.01], "contribution_upper": [0.07, 0.01],
        "from_mix": [0.01, 0.0],
    })  # fmt: skip
    queues.attrs["total"] = 0.04
    made = change_sources(change, parts, MODEL, queues, before="January")
    one, two = made
    assert all(bundle for exhibit in made for bundle in exhibit.bundles())
    return one.finding, one.says, two.finding, two.says


def test_the_part_that_carries_the_change_is_named_with_its_interval():
    finding, says, of_queues, more = told()
    assert finding == (
        "Lost of all who asked, 4.0 points up: how many of those who queued gave up "
        "(+3.9 points, 95 % interval 2.0 to 6.0 points)"
    )
    assert "load +2.0 points, agents in effect +3.0 points, patience −1.0 points" in says
    assert of_queues == "Gave up, of those who queued: New rose from 30.0 % to 40.0 %; others cannot be told"
    assert "New contributed +4.0 points (1.0 to 7.0 points) of +4.0 points in all" in more


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"verdict": "not distinguishable from no change"}, "so no part carries a change"),
        ({"left": (0.039, -0.01, 0.09)}, "it cannot be told which part carries it"),
        # A part that pulls the other way carries nothing.
        ({"mix": (0.08, -0.01, 0.2), "left": (-0.04, -0.06, -0.02)}, "it cannot be told which part carries it"),
    ],
)
def test_otherwise_no_part_is_named(given, words):
    assert words in told(**given)[0]


def test_where_no_queue_is_told_none_is_named():
    assert told(p=0.2)[2] == "Of no queue can it be told whether its share that gave up changed"
