"""Times that stand out, in words."""

from __future__ import annotations

import pandas as pd

from cxresearch.exhibits.odd_times import odd_time_points


def times(*rows):
    table = pd.DataFrame(rows, columns=["day", "first_hour", "last_hour", "left", "usual", "days"])
    return table.astype({"day": "datetime64[ns]", "first_hour": "Int64", "last_hour": "Int64"})


def test_the_largest_leads_and_two_others_stand_beside():
    rows = [("1999-01-13", 11, 15, 132, 38.0, 19), ("1999-01-10", None, None, 120, 30.0, 19), ("1999-01-18", 15, 15, 113, 13.0, 19),
            ("1999-01-19", 15, 15, 101, 13.0, 19)]  # fmt: skip
    assert odd_time_points(times(*rows)) == [(
        "13 January 1999 from 11 to 16 h stands out.",
        "132 gave up then; the usual number is 38 (median of 19 full days). The log says when, not why. "
        "So do 10 January 1999 (120 where 30 are usual); 18 January 1999 from 15 to 16 h (113 where 13 are usual).",
    )]  # fmt: skip


def test_nothing_odd_is_no_point():
    assert odd_time_points(times()) == []


def test_in_polish(monkeypatch):
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", "pl")
    ((lead, sentence),) = odd_time_points(times(("1999-02-09", 16, 18, 145, 26.5, 20)))
    assert lead == "Wyróżnia się 9 lutego 1999, godz. 16–19."
    assert "zwykle 26,5" in sentence
