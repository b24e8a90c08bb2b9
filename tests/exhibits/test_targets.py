"""Targets: refused before anything starts where they cannot be right, judged by the interval and not by the value."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.exhibits import check_targets, target_points, target_record, target_text, with_targets
from tests.exhibits.odd_logs import NAME, plain_log


def table(*rows: tuple[str, float, float, float, str]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["name", "value", "lower", "upper", "better"])
    return found.assign(label=found["name"], unit="share")


def test_a_limit_inside_the_interval_is_neither_met_nor_missed():
    headlines = table(("service_level", 0.82, 0.79, 0.85, "higher"), ("lost_share", 0.04, 0.03, 0.045, "lower"),
                      ("queued_share", 0.5, 0.4, 0.6, "lower"))  # fmt: skip
    judged = with_targets(headlines, {"service_level": 0.80, "lost_share": 0.05})
    assert judged["target_verdict"].tolist() == ["cannot be told", "met", ""]
    assert with_targets(headlines, {"service_level": 0.78})["target_verdict"][0] == "met"
    assert with_targets(headlines, {"service_level": 0.86})["target_verdict"][0] == "missed"
    assert with_targets(headlines, {"lost_share": 0.02})["target_verdict"][1] == "missed"
    assert target_record(judged.loc[1]) == {"limit": 0.05, "verdict": "met"}
    assert target_record(judged.loc[2]) is None


def test_what_has_no_interval_cannot_be_told():
    (verdict,) = with_targets(table(("lost_share", 0.2, math.nan, math.nan, "lower")), {"lost_share": 0.05})[
        "target_verdict"
    ]
    assert verdict == "cannot be told"


def test_the_point_says_value_target_verdict_and_interval():
    judged = with_targets(
        table(("service_level", 0.52, 0.48, 0.56, "higher"), ("lost_share", 0.051, 0.04, 0.06, "lower")),
        {"service_level": 0.8, "lost_share": 0.05},
    )
    assert target_points(judged) == [(
        "2 targets: 1 missed, 1 cannot be told.",
        "service_level: 52.0 %, the target of at least 80.0 % is missed (95 % interval 48.0 to 56.0 %). lost_share: 5.1 %; "
        "whether the target of at most 5.0 % is met cannot be told (95 % interval 4.0 to 6.0 %).",
    )]  # fmt: skip
    assert target_points(judged.iloc[:1])[0][0] == "A target is missed."
    assert target_points(with_targets(judged, {})) == []
    assert target_text(judged.loc[0]) == "at least 80.0 %: missed"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"service_levl": 0.8}, r"\[targets\] service_levl.*did you mean 'service_level'"),
        ({"service_level": 80}, r"service_level = 80.*for 80 % write service_level = 0.8"),
        ({"service_level": "high"}, "write service_level = 0.80"),
        ({"lost_share": True}, "lost_share is a number"),
        ({"mean_wait_s": 0}, "mean_wait_s = 0: it is a time in seconds, above 0"),
        ({"mean_wait_s": math.inf}, "seconds"),
        ({"lost_share": math.nan}, "from 0 to 1"),
        ({"contacts_per_day": 1_000}, "neither more nor fewer"),
        ({"backlog": 100}, r"\[targets\] backlog: it is the count of one moment, without an interval"),
        ([0.8], "is a table"),
    ],
)
def test_a_target_that_cannot_be_right_is_refused_with_what_to_write(given, message):
    with pytest.raises(ValueError, match=message):
        check_targets(given)


shares = st.floats(0.01, 0.99)


@given(limit=shares, ends=st.tuples(shares, shares).map(sorted), higher=st.booleans())
def test_the_other_way_round_is_the_other_verdict(limit, ends, higher):
    """A share and its complement, of which the other way is better, have the same verdict."""
    lower, upper = ends
    way, other = ("higher", "lower") if higher else ("lower", "higher")
    one = with_targets(table(("lost_share", lower, lower, upper, way)), {"lost_share": limit})
    two = with_targets(table(("lost_share", 1 - upper, 1 - upper, 1 - lower, other)), {"lost_share": 1 - limit})
    if min(abs(limit - lower), abs(limit - upper)) > 1e-9:
        assert one["target_verdict"].tolist() == two["target_verdict"].tolist()


def test_targets_stand_in_headlines_points_and_overview():
    month = cx.load(plain_log(2_000)).period(NAME)
    asked = {"channel": "phone", "target_s": 30.0, "targets": {"service_level": 0.99, "mean_wait_s": 500}}
    recorded = {
        b[cx.exhibits.HEADLINE]["name"]: b[cx.exhibits.HEADLINE] for b in cx.headlines(month, **asked).bundles()
    }
    assert recorded["service_level"]["target"] == {"limit": 0.99, "verdict": "missed"}
    assert recorded["mean_wait_s"]["target"] == {"limit": 500.0, "verdict": "met"}
    assert recorded["lost_share"]["target"] is None
    point = cx.main_points(month, **asked).table.iloc[0]
    assert point["lead"] == "2 targets: 1 missed, 1 met."
    assert "Answered within 30 s, of all who asked (phone)" in point["sentence"]
    shown = cx.change_overview(month, **asked).shown.set_index("headline")["target"]
    assert shown["Mean wait in the queue (phone)"] == "at most 500 s (8.3 min): met"
    assert "target" not in cx.change_overview(month, channel="phone").shown
