"""The numbers a report leads with, how they moved, and the sentences that say so."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import LogError, parse_period
from cxresearch.evidence import share_interval
from cxresearch.exhibits import (
    change_table,
    earlier_headlines,
    headlines,
    log_span,
    period_headlines,
    waiting_headlines,
)
from cxresearch.exhibits import waiting as findings

FEBRUARY = parse_period("1999-02")


def log(**changes) -> pd.DataFrame:
    frame = {
        "opened_at": pd.to_datetime(["1999-01-05", "1999-01-06", "1999-02-05", "1999-02-28 23:50"], format="ISO8601"),
        "wait_s": [10.0, 90.0, 10.0, 100.0], "outcome": ["abandoned", "answered", "abandoned", "answered"],
        "channel": "phone", "queue": "a",
    }  # fmt: skip
    return pd.DataFrame({**frame, **changes})


def test_headlines_worked_by_hand():
    waits = pd.DataFrame({"duration_s": [10.0, 100.0], "outcome": ["abandoned", "answered"], "contacts": [1, 3]})
    rows = waiting_headlines(waits, contacts=9, channel="phone").set_index("name")
    assert rows["value"].to_dict() == {
        "contacts": 9, "abandonment_share": 0.25, "mean_wait_s": 77.5, "patience_survival_60s": 0.75,
    }  # fmt: skip
    assert rows.loc["contacts", ["lower", "upper"]].tolist() == [9, 9]
    assert tuple(rows.loc["abandonment_share", ["lower", "upper"]]) == share_interval(0.25, 4)
    assert rows["better"].tolist() == ["", "lower", "lower", "higher"]


def test_nobody_gave_up_or_nobody_waited_a_minute():
    answered = pd.DataFrame({"duration_s": [100.0], "outcome": ["answered"], "contacts": [3]})
    row = waiting_headlines(answered, contacts=3, channel="phone").iloc[3]
    assert math.isnan(row["value"])
    assert row["note"] == "nobody gave up, so patience cannot be seen"
    short = pd.DataFrame({"duration_s": [5.0, 6.0], "outcome": ["abandoned", "answered"], "contacts": [1, 3]})
    row = waiting_headlines(short, contacts=3, channel="phone").iloc[3]
    assert math.isnan(row["value"])
    assert row["note"] == "nobody was seen to wait a minute"


def test_a_change_of_two_shares_has_newcombes_interval():
    # Newcombe (1998), Statistics in Medicine 17:873, table II, (a): 56/70 against 48/80, method 10: .0524 to .3339
    def one(events, n):
        lower, upper = share_interval(events / n, n)
        return pd.DataFrame({"name": ["x"], "value": [events / n], "lower": [lower], "upper": [upper]})

    row = change_table(one(56, 70), one(48, 80)).iloc[0]
    assert row["difference"] == pytest.approx(0.2)
    assert (round(row["difference_lower"], 4), round(row["difference_upper"], 4)) == (0.0524, 0.3339)
    assert row["verdict"] == "rose"


@given(st.tuples(*[st.floats(0.01, 0.99)] * 2), st.tuples(*[st.integers(10, 5_000)] * 2))
def test_a_change_and_its_opposite_mirror_each_other(shares, sizes):
    def one(share, n):
        lower, upper = share_interval(share, n)
        return pd.DataFrame({"name": ["x"], "value": [share], "lower": [lower], "upper": [upper]})

    now, before = (one(s, n) for s, n in zip(shares, sizes, strict=True))
    forth, back = change_table(now, before).iloc[0], change_table(before, now).iloc[0]
    assert forth["difference_lower"] == pytest.approx(-back["difference_upper"])
    assert forth["difference_lower"] <= forth["difference"] <= forth["difference_upper"]
    assert {forth["verdict"], back["verdict"]} in ({"rose", "fell"}, {"not distinguishable from no change"})


def test_a_change_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(7)
    truth, covered, trials = (0.22, 0.19), 0, 400
    for now, before in zip(*(rng.binomial(900, p, trials) for p in truth), strict=True):
        frames = []
        for events in (now, before):
            lower, upper = share_interval(events / 900, 900)
            frames.append(pd.DataFrame({"name": ["x"], "value": [events / 900], "lower": [lower], "upper": [upper]}))
        row = change_table(*frames).iloc[0]
        covered += row["difference_lower"] <= truth[0] - truth[1] <= row["difference_upper"]
    assert abs(covered / trials - 0.95) < 3 * math.sqrt(0.95 * 0.05 / trials)


def test_the_period_before_comes_from_the_log_else_from_what_was_kept_else_not_at_all(tmp_path):
    frame = log()
    now = period_headlines(frame, FEBRUARY, channel="phone")
    assert now.set_index("name").loc["mean_wait_s", "value"] == 55.0
    before = earlier_headlines(frame, FEBRUARY.previous, channel="phone")
    assert before.set_index("name").loc["mean_wait_s", "value"] == 50.0
    later = frame[frame["opened_at"] >= "1999-02-01"]
    assert earlier_headlines(later, FEBRUARY.previous, channel="phone") is None
    kept = tmp_path / "headlines.json"
    kept.write_text(json.dumps(before.to_dict("records")))
    again = earlier_headlines(later, FEBRUARY.previous, channel="phone", kept=str(kept))
    pd.testing.assert_frame_equal(again, before, check_dtype=False)


def test_a_simulated_log_makes_simulated_headlines():
    assert set(period_headlines(log(), FEBRUARY, channel="phone")["kind"]) == {"estimated"}
    assert set(period_headlines(log(simulated=True), FEBRUARY, channel="phone")["kind"]) == {"SIMULATED"}


def test_a_channel_without_contacts_is_named():
    with pytest.raises(LogError, match="no chat contact queued; the channels with a queue are phone"):
        period_headlines(log(), FEBRUARY, channel="chat")


def test_the_last_month_that_a_log_covers():
    assert log_span(log(), "").name == "1999-02"
    assert log_span(log()[:3], "").name == "1999-01", "February has come to its fifth day only"
    assert log_span(log(), "1999-Q1").name == "1999-Q1"


@pytest.fixture
def moved() -> pd.DataFrame:
    def frame(left, queued, wait):
        lower, upper = share_interval(left / queued, queued)
        return pd.DataFrame({
            "name": ["contacts", "abandonment_share", "mean_wait_s"], "label": ["C", "A", "W"],
            "value": [queued + 10, left / queued, wait], "lower": [queued + 10, lower, wait - 1],
            "upper": [queued + 10, upper, wait + 1], "unit": ["contacts", "share", "s"],
        })  # fmt: skip

    return change_table(frame(3_963, 18_058, 76.0), frame(3_101, 16_686, 75.5))


def test_main_points_lead_with_what_happened_and_respect_the_interval(moved):
    hours = pd.DataFrame({
        "hour": [9, 20, 3], "queued": [100, 200, 5], "share_left_of_queued": [0.1, 0.5, 1.0], "lower": [0.05, 0.4, 0.5],
        "upper": [0.2, 0.6, 1.0], "mean_wait_s": [30.0, 300.0, 9.0],
    })  # fmt: skip
    points = dict(findings.main_points(moved, FEBRUARY, hours=hours))
    assert points["More people gave up."].startswith(
        "21.9 % of those who queued gave up, up 3.4 points from January 1999"
    )
    assert "95 % interval 2.5 to 4.2 points" in points["More people gave up."]
    assert "not distinguishable from no change" in points["The queue."]
    assert points["More contacts came."] == "18,068 contacts, all channels together, up 1,372 from January 1999."
    assert points["20 to 21 h is the hour that loses most."].startswith("50.0 % of the 200"), "3 h has too few contacts"
    assert findings.change_finding(moved, FEBRUARY) == "One of two estimates moved further than chance explains"


def test_nothing_to_compare_is_said(moved):
    alone = change_table(moved[["name", "label", "value", "lower", "upper", "unit"]], None)
    points = dict(findings.main_points(alone, FEBRUARY, hours=pd.DataFrame({"queued": []})))
    assert points["People gave up."].endswith("there is no January 1999 to compare with.")
    assert findings.change_finding(alone, FEBRUARY) == "There is nothing before February 1999 to compare with"
    assert set(findings.change_text(alone)["change"]) == {"not known"}


def test_records_are_plain_json(moved):
    changes = [headlines.change_record(row, "January 1999") for row in moved.to_dict("records")]
    assert [c["distinguishable"] for c in changes] == [True, True, False]
    assert json.loads(json.dumps(changes)) == changes
