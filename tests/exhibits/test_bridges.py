"""The bridge as an exhibit: what it says of those who gave up, and where its bars lie."""

from __future__ import annotations

import pandas as pd

import cxresearch as cx
from cxresearch.exhibits import bridges
from tests.exhibits.odd_logs import NAME, plain_log


def test_the_finding_counts_those_who_can_be_followed_and_says_who_cannot():
    frame = plain_log(4, outcome=["abandoned", "answered", "abandoned", "answered"], customer_key=["a", "a", None, "b"])
    frame["opened_at"] = ["2024-05-06 09:00", "2024-05-06 09:30", "2024-05-07 09:00", "2024-05-20 09:00"]
    made = cx.bridge(cx.load(frame).period(NAME).only(channel="phone"))
    assert made.finding == "Of 4 who asked, 2 gave up; 100.0 % of those who can be followed were answered within 24 h"
    assert "and 100.0 % came again within the hour" in made.says
    assert "Of 1 who gave up the customer is not known" in made.says
    assert [(round(bar.get_x()), round(bar.get_width())) for bar in made.plot().patches][:2] == [(0, 4), (0, 4)]


def test_without_customers_nothing_is_said_of_what_they_did_next():
    made = cx.bridge(cx.load(plain_log(customer_key=None)).period(NAME))
    assert "What they did next is not known" in made.says
    assert not made.table["step"].str.contains("within 24 h").any()


def test_how_many_were_answered_after_all_is_a_point_where_enough_can_be_followed():
    after = pd.DataFrame({"left_known": [150, 60], "followed": [140, 60], "answered_24h": [90, 30], "again_1h": [1, 1]})
    cells = pd.DataFrame({"outcome": ["abandoned", "answered", "abandoned"], "contacts": [250, 900, 50]})
    assert bridges.followed_points(after, cells) == [(
        "60.0 % of those who can be followed were answered within 24 h.",
        "These are 120 of 200 who gave up and whose customer is known. Of 90 others nothing is known.",
    )]  # fmt: skip
    assert bridges.followed_points(after.head(1).assign(followed=99), cells) == []
    assert bridges.followed_points(None, cells) == []
