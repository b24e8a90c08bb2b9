"""The numbers a report leads with, how they moved, and the sentences that say so."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import LogError, PeriodLog, load
from cxresearch.evidence import share_interval
from cxresearch.exhibits import change_record, change_table, change_text, headlines, period
from cxresearch.exhibits.headlines import headline_table
from cxresearch.exhibits.show import HEADLINE, POINTS


def log(**changes) -> pd.DataFrame:
    frame = {
        "opened_at": pd.to_datetime(["1999-01-05", "1999-01-06", "1999-02-05", "1999-02-28 23:50"], format="ISO8601"),
        "wait_s": [10.0, 90.0, 10.0, 100.0], "outcome": ["abandoned", "answered", "abandoned", "answered"],
        "channel": "phone", "queue": "a",
    }  # fmt: skip
    return pd.DataFrame({**frame, **changes})


def february(frame: pd.DataFrame) -> PeriodLog:
    return load(frame).period("1999-02")


def some(waits: list[tuple[float, str, int]], at_once: int = 0) -> PeriodLog:
    """A February of these waits (seconds, outcome, how many)."""
    rows = [(wait, outcome, True) for wait, outcome, n in waits for _ in range(n)] + [
        (0.0, "answered", False)
    ] * at_once
    frame = pd.DataFrame(rows, columns=["wait_s", "outcome", "queued"])
    return february(frame.assign(opened_at=pd.Timestamp("1999-02-03 10:00"), channel="phone"))


def test_headlines_worked_by_hand():
    rows = headline_table(some([(10.0, "abandoned", 1), (100.0, "answered", 3)], at_once=5), channel="phone")
    rows = rows.set_index("name")
    assert rows["value"].to_dict() == {
        "contacts": 9, "abandonment_share": 0.25, "mean_wait_s": 77.5, "patience_survival_60s": 0.75,
    }  # fmt: skip
    assert rows.loc["contacts", ["lower", "upper"]].tolist() == [9, 9]
    assert tuple(rows.loc["abandonment_share", ["lower", "upper"]]) == share_interval(0.25, 4)
    assert rows["better"].tolist() == ["", "lower", "lower", "higher"]
    assert rows["base"].tolist() == ["all contacts", *["contacts that queued"] * 3]


def test_nobody_gave_up_or_nobody_waited_a_minute_or_nobody_queued():
    row = headline_table(some([(100.0, "answered", 3)]), channel="phone").iloc[3]
    assert math.isnan(row["value"])
    assert row["note"] == "nobody gave up, so patience cannot be seen"
    row = headline_table(some([(5.0, "abandoned", 1), (6.0, "answered", 3)]), channel="phone").iloc[3]
    assert math.isnan(row["value"])
    assert row["note"] == "nobody was seen to wait a minute"
    none = headline_table(some([], at_once=3), channel="phone")
    assert none["value"].isna().tolist() == [False, True, True, True]
    assert set(none["note"][1:]) == {"nobody queued"}


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


def test_the_period_before_comes_from_the_log_or_there_is_none():
    month = february(log())
    assert headline_table(month, channel="phone").set_index("name").loc["mean_wait_s", "value"] == 55.0
    moved = period.changes(month, channel="phone").set_index("name")
    assert moved.loc["mean_wait_s", "previous"] == 50.0
    later = february(log()[2:])
    assert later.previous is None
    assert set(period.changes(later, channel="phone")["verdict"]) == {"nothing to compare"}


def test_a_simulated_log_makes_simulated_headlines():
    assert set(headline_table(february(log()), channel="phone")["kind"]) == {"estimated"}
    assert set(headline_table(february(log(simulated=True)), channel="phone")["kind"]) == {"SIMULATED"}


def test_a_channel_without_contacts_is_named():
    with pytest.raises(LogError, match="no contact has the channel 'chat'; there are phone"):
        headline_table(february(log()), channel="chat")


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
    points = shown_points(headlines.main_points(moved, "January 1999", hours=hours))
    assert points["More people gave up."].startswith(
        "21.9 % of those who queued gave up, up 3.4 points from January 1999"
    )
    assert "95 % interval 2.5 to 4.2 points" in points["More people gave up."]
    assert "not distinguishable from no change" in points["The queue."]
    assert points["More contacts came."] == "18,068 contacts, all channels together, up 1,372 from January 1999."
    assert points["20 to 21 h is the hour that loses most."].startswith("50.0 % of the 200"), "3 h has too few contacts"
    overview = headlines.change_overview(moved, now="February 1999", before="January 1999")
    assert overview.finding == "One of two estimates moved further than chance explains"


def shown_points(exhibit) -> dict[str, str]:
    (bundle,) = exhibit.bundles()
    return dict(bundle[POINTS]["points"])


def test_nothing_to_compare_is_said(moved):
    alone = change_table(moved[["name", "label", "value", "lower", "upper", "unit"]], None)
    points = shown_points(headlines.main_points(alone, "January 1999", hours=pd.DataFrame({"queued": []})))
    assert points["People gave up."].endswith("there is no January 1999 to compare with.")
    overview = headlines.change_overview(alone, now="February 1999", before="January 1999")
    assert overview.finding == "There is nothing before February 1999 to compare with"
    assert set(change_text(alone)["change"]) == {"not known"}


def test_records_are_plain_json(moved):
    changes = [change_record(row, "January 1999") for row in moved.to_dict("records")]
    assert [c["distinguishable"] for c in changes] == [True, True, False]
    assert json.loads(json.dumps(changes)) == changes


def test_every_headline_is_recorded_with_its_base_also_where_nobody_queued():
    for month in (february(log()), some([], at_once=2)):
        recorded = [bundle[HEADLINE] for bundle in period.headlines(month, channel="phone").bundles()]
        assert [h["name"] for h in recorded] == [
            "contacts",
            "abandonment_share",
            "mean_wait_s",
            "patience_survival_60s",
        ]
        assert all(h["base"] for h in recorded)
        assert all(h["note"] for h in recorded if h["value"] is None)
