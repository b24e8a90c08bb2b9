"""What a figure marks: only what the ranking, the log and the curve say."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.exhibits import marks, waiting
from cxresearch.figures import Mark
from tests.exhibits.odd_logs import NAME, plain_log


def ranked(behind: list[bool]) -> pd.DataFrame:
    return pd.DataFrame({"hour": [10, 9, 11][: len(behind)], "behind": behind})


def top(behind: list[bool], heights: dict[int, float]):
    drawn = pd.Series(heights)
    return marks.top_hour(ranked(behind), drawn, lambda share: f"{share:.0%}", waiting.clock)


def test_an_hour_that_is_clear_of_the_others_is_named_with_its_value():
    assert top([False, True, True], {9: 0.2, 10: 0.3, 11: 0.1}) == (Mark(10, "10 to 11 h: 30%"), ())


def test_hours_that_tie_are_said_to():
    assert top([False, False, True], {9: 0.2, 10: 0.3, 11: 0.1}) == (Mark(10, "2 tie, up to 30%"), (9,))
    assert top([False, False, False], {9: 0.2, 10: 0.3, 11: 0.1}) == (Mark(10, "all 3 tie, up to 30%"), (9, 11))


@pytest.mark.parametrize(
    ("behind", "heights"),
    [
        pytest.param([False], {9: 0.2, 10: 0.3}, id="one is ranked"),
        pytest.param([], {9: 0.2}, id="none is ranked"),
        pytest.param([False, True, True], {9: 0.2, 10: 0.3, 14: 0.4}, id="one that is not ranked is higher"),
        pytest.param([False, True, True], {9: 0.2, 11: 0.1}, id="the first is held back"),
        pytest.param([False, False, True], {10: 0.3, 11: 0.1}, id="one that ties is held back"),
        pytest.param([False, True, True], {9: 0.0, 10: 0.0, 11: 0.0}, id="nobody"),
    ],
)
def test_nothing_is_marked_that_the_drawing_does_not_show(behind, heights):
    assert top(behind, heights) == (None, ())


def test_half_is_marked_where_it_is_drawn():
    assert marks.half_gone(120.0, 300.0) == [Mark(120.0, "half: 2 min", 0.5)]
    assert marks.half_gone(math.nan, 300.0) == marks.half_gone(301.0, 300.0) == []


@pytest.mark.parametrize(
    ("promised", "text"),
    [
        ([120.0, 120.0], ["promised 2 min"]), ([120.0, math.nan], ["some promised 2 min"]), ([120.0, 60.0], []),
        ([math.nan, math.nan], []), ([400.0, 400.0], []),
    ],
)  # fmt: skip
def test_one_promise_is_marked(promised, text):
    cells = pd.DataFrame({"queued": [True, True, False], "promised_s": [*promised, 30.0]})
    assert [mark.text for mark in marks.promise_made(SimpleNamespace(cells=cells), 300.0)] == text


def test_too_many_peaks_have_no_words():
    peaks = pd.DataFrame({"duration_s": [10.0, 60.0, 120.0, 180.0, 240.0], "hazard_per_s": 0.01})
    assert marks.named_peaks(peaks) == []
    assert marks.named_peaks(peaks.head(2)) == [Mark(10.0, "10 s", 0.01), Mark(60.0, "60 s", 0.01)]


def test_the_figures_of_a_period_mark_its_promise_its_half_and_its_days_without_rows():
    frame = plain_log()
    gone = pd.to_datetime(frame["opened_at"]).max().normalize() - pd.Timedelta(8, "D")
    frame = frame[pd.to_datetime(frame["opened_at"]).dt.normalize() != gone].assign(promised_s=90.0)
    month = cx.load(frame).period(NAME)
    mine = month.only(channel="phone")
    curve = cx.patience_curve(mine)
    said = [mark.text for mark in curve.draw.keywords["marks"]]
    assert said[0] == "promised 90 s"
    assert [text.startswith("half: ") for text in said[1:]] == [True] * curve.finding.startswith("Half would hang up")
    for exhibit in (cx.two_clocks(mine), cx.wait_outcomes(mine)):
        assert [mark.text for mark in exhibit.draw.keywords["marks"]] == ["promised 90 s"]
    assert gone.date() in marks.without_rows(mine)
