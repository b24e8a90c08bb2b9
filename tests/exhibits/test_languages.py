"""Exhibits in another language than English: no English is left in anything that a reader sees."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import (
    BRIEF,
    FIGURE,
    change_table,
    full_days,
    headlines,
    verdict,
    with_targets,
)
from cxresearch.exhibits.changes import NOT_TOLD, NOTHING
from cxresearch.exhibits.full_days import hour_points
from cxresearch.exhibits.headlines import headline_table, undated_points, unusable_points
from cxresearch.exhibits.ranking import losses
from cxresearch.exhibits.verdict import queue_points, verdict_text
from tests.exhibits.languages import ENGLISH, english_left, texts
from tests.exhibits.odd_logs import NAME, plain_log
from tests.exhibits.test_full_days import PARTS, hours, queues
from tests.exhibits.test_headlines import february, log, some, uneven, weeks
from tests.exhibits.test_headlines import moved as moved  # a fixture
from tests.exhibits.test_ranking import ranks_of


@pytest.fixture(params=["pl", "id"])
def other(request, monkeypatch) -> str:
    """The language of the report."""
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", request.param)
    return request.param


def english_in(*said: str) -> list[str]:
    return [text for text in said if ENGLISH.search(text)]


def two_months() -> PeriodLog:
    """January and a February in which more give up."""
    return weeks(lambda day: uneven(day) if day < 31 else uneven(day + 1), first="1999-01-01", days=59)


def test_headlines_and_their_changes(other):
    month = two_months()
    now = headline_table(month, channel="phone")
    moved = change_table(now, headline_table(month.previous, channel="phone"))
    judged = with_targets(moved, {"lost_share": 0.01, "service_level": 0.5, "queued_share": 0.5})
    shown = [
        headlines.headlines(judged, "x"), headlines.main_points(judged, "x"),
        headlines.change_overview(judged, now="y", before="x"), verdict.verdict(judged, None, (now, now), period="y", before="x"),
    ]  # fmt: skip
    found = [bundle for exhibit in shown for bundle in exhibit.bundles()]
    assert english_left(found) == []
    assert any("95%" in text for text in texts(found))


def test_every_reason_why_a_headline_has_no_interval_or_no_value(other):
    logs = [
        some([(5.0, "abandoned", 1)]), some([(100.0, "answered", 3)]), some([], at_once=3), weeks(uneven, days=3),
        weeks(lambda day: [(30.0 + day, "answered", True, 3)]), weeks(uneven, first="1999-01-01", days=34),
    ]  # fmt: skip
    for one in logs:
        table = headline_table(one, channel="phone")
        alone = change_table(table, None)
        assert english_in(*table["label"], *table["base"], *table["note"]) == []
        shown = [
            headlines.headlines(alone, "x"),
            headlines.main_points(alone, "x"),
            headlines.change_overview(alone, now="y", before="x"),
        ]
        assert english_left(bundle for exhibit in shown for bundle in exhibit.bundles()) == []
    few = change_table(table, headline_table(february(log()), channel="phone"))
    assert english_in(*few["note"]) == []


def test_every_way_to_say_a_change(other, moved):
    everything = [moved.assign(verdict=verdict, previous=previous) for verdict in (NOT_TOLD, NOTHING, "rose", "fell")
                  for previous in (0.1, math.nan)]  # fmt: skip
    for table in [*everything, moved]:
        exhibit = headlines.main_points(table, "x")
        assert english_left(exhibit.bundles()) == []
        assert english_left(headlines.change_overview(table, now="y", before="x").bundles()) == []


def test_rows_that_cannot_be_used(other):
    usable = pd.DataFrame({"outcome": ["abandoned", "answered", "open"], "kept": [50, 100, 5], "unusable": [50, 10, 1]})
    assert english_in(*sum(unusable_points(usable, "x") + undated_points({"read": 10, "undated": 5}), ())) == []


def test_who_loses_most(other):
    tables = [
        ([("a", 60, 200, False), ("b", 9, 300, True)], [("a", 60, 200, False), ("b", 9, 300, True)]),
        ([("a", 60, 600, False), ("b", 30, 100, True)], [("b", 30, 100, False), ("a", 60, 600, True)]),
        ([("a", 60, 600, False), ("b", 30, 100, True)], [("b", 30, 100, False), ("a", 60, 600, False)]),
        ([("a", 60, 600, False), ("b", 58, 200, False)], [("b", 58, 200, False), ("a", 60, 600, True)]),
        ([("a", 60, 600, False), ("b", 58, 500, False)], [("a", 60, 600, False), ("b", 58, 500, True)]),
        ([("a", 60, 600, False), ("b", 58, 500, False)], [("b", 58, 500, False), ("a", 60, 600, False)]),
        ([("a", 60, 600, False)], [("a", 60, 600, False)]), ([("a", 0, 600, False)], [("a", 0, 600, False)]), ([], []),
    ]  # fmt: skip
    said = [losses(ranks_of(*pair), lambda row: row["queue"], "queue") for pair in tables]
    assert len(set(said)) == len(tables)
    assert english_in(*said) == []


def test_the_two_pages(other):
    shown = [
        full_days.lost_by_hour_and_queue(hours(tied), PARTS, week="x", place="y") for tied in ((), (9,), (9, 10))
    ] + [full_days.lost_by_hour_and_queue(hours(days=days), PARTS, week="x") for days in (1, 4)] + [
        full_days.queues_by_period(queues(), before="x"), full_days.queues_by_period(queues(p_corrected=0.9), before="x"),
        full_days.queues_by_period(queues().iloc[:, :6], before=""), full_days.queues_by_period(queues(queued=9), before=""),
    ]  # fmt: skip
    found = [bundle for exhibit in shown for bundle in exhibit.bundles()]
    assert english_left(found) == []
    part = next(bundle[BRIEF] for bundle in found if bundle.get(BRIEF, {}).get("queues"))
    assert part["queues"][0] == "Orders", "a name from the log stays"
    assert part["queues"][1] != "All other queues"
    assert "Billing" in " ".join(texts(found))
    points = sum(hour_points(hours(), "x") + hour_points(hours(tied=(9,)), "x") + queue_points(queues(), "x"), ())
    assert english_in(*points) == []


@pytest.mark.parametrize("word", ["rose", "fell", NOT_TOLD, NOTHING])
@pytest.mark.parametrize("previous", [0.1, math.nan])
def test_the_verdict(other, word, previous):
    table = pd.DataFrame([{
        "name": "lost_share", "label": "Label", "value": 0.127, "previous": previous, "difference": 0.027, "verdict": word,
    }])  # fmt: skip
    said = [
        verdict_text(table, who, period="y", before="x")
        for who in (None, queues(), queues(difference=-0.1), queues(p_corrected=0.2))
    ]
    assert english_in(*said) == []


def test_the_bridge(other):
    frame = plain_log(4, outcome=["abandoned", "answered", "abandoned", "answered"], customer_key=["a", "a", None, "b"])
    frame["opened_at"] = ["2024-05-06 09:00", "2024-05-06 09:30", "2024-05-07 09:00", "2024-05-20 09:00"]
    month = cx.load(frame).period(NAME).only(channel="phone")
    bundles = list(cx.bridge(month).bundles())
    assert english_left(bundles) == []
    steps = next(bundle[BRIEF]["steps"] for bundle in bundles if BRIEF in bundle)
    assert [step["step"] for step in steps][2:4] == ["contacts (phone)", "asked"], "what code compares is English"
    rows = next(bundle[FIGURE]["table"]["rows"] for bundle in bundles if FIGURE in bundle)
    assert [row[0] for row in rows] == [step["said"] for step in steps]
    alone = cx.bridge(cx.load(plain_log(customer_key=None)).period(NAME))
    assert english_left(alone.bundles()) == []
