"""Who called again: worked by hand, limits, customers at random against rows counted one by one, and the bank."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.contacts import load
from cxresearch.patience import later_contacts, redial_shares
from cxresearch.patience.redials import COUNTS


def relation(frame: pd.DataFrame) -> duckdb.DuckDBPyRelation:
    frame = frame.assign(contact_id=np.arange(len(frame)).astype(str))
    return duckdb.connect().from_df(frame.astype({"customer_key": "string", "outcome": "string"}))


def calls(*rows: tuple[str | None, str, str]) -> duckdb.DuckDBPyRelation:
    frame = pd.DataFrame(rows, columns=["customer_key", "opened_at", "outcome"])
    return relation(frame.assign(opened_at=pd.to_datetime("2024-05-" + frame["opened_at"])))


BY_HAND = calls(
    ("a", "06 09:00", "abandoned"), ("a", "06 09:20", "abandoned"), ("a", "06 12:00", "answered"),
    ("b", "06 10:00", "abandoned"), ("b", "07 10:00", "abandoned"),
    ("c", "06 11:00", "abandoned"), ("d", "06 11:00", "answered"), ("d", "06 11:30", "answered"),
    (None, "06 11:00", "abandoned"), (None, "06 11:01", "answered"), ("z", "08 09:00", "answered"),
)  # fmt: skip


def test_days_worked_by_hand():
    table = later_contacts(BY_HAND)
    assert table["day"].dt.day.tolist() == [6, 7, 8]
    assert table["weekday"].tolist() == [1, 2, 3]
    monday, tuesday, wednesday = (row[list(COUNTS)].tolist() for _, row in table.iterrows())
    # a calls twice and is answered; b comes exactly 24 hours later and gives up; c does not come back.
    assert monday == [5, 4, 4, 1, 3, 2, 3, 1, 1]
    # b's second call: the log ends 23 hours later, so what became of it cannot be told.
    assert tuesday == [1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert wednesday == [0] * 9
    assert table.attrs["again_after_s"] == 9_600, "20 minutes, 2 h 40, 24 h: the middle one"


def test_a_contact_without_a_date_is_not_counted():
    frame = BY_HAND.df()
    undated = pd.concat([frame, frame.head(3).assign(opened_at=pd.NaT)], ignore_index=True)
    pd.testing.assert_frame_equal(later_contacts(relation(undated)), later_contacts(BY_HAND))


def test_shares_worked_by_hand():
    shares = redial_shares(later_contacts(BY_HAND)).set_index("measure")
    assert shares["estimate"].to_dict() == pytest.approx(
        {"again_1h": 1 / 4, "again_24h": 3 / 4, "answered_24h": 2 / 4, "others_again_1h": 1 / 3,
         "others_again_24h": 1 / 3, "more_again_24h": 5 / 12}
    )  # fmt: skip
    assert shares.loc["again_24h", "contacts"] == 4
    assert shares.loc["others_again_24h", "contacts"] == 3


def test_where_nobody_is_known_nothing_is_said():
    nobody = later_contacts(calls((None, "06 09:00", "abandoned"), (None, "08 09:00", "answered")))
    assert nobody[["left", "left_known"]].sum().tolist() == [1, 0]
    with pytest.raises(ValueError, match="of nobody who gave up is it known"):
        redial_shares(nobody)
    too_late = later_contacts(calls(("a", "06 09:00", "abandoned"), ("a", "06 09:30", "answered")))
    with pytest.raises(ValueError, match="the period ends within 24 hours of all 1 who"):
        redial_shares(too_late)
    with pytest.raises(ValueError, match="no column customer_key"):
        later_contacts(duckdb.sql("SELECT '1' AS contact_id, now() AS opened_at, 'answered' AS outcome"))


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 4 * 1_440), st.sampled_from(["abandoned", "answered", "open"])),
        min_size=1, max_size=40, unique_by=lambda row: row[1],
    )
)  # fmt: skip
def test_counts_are_those_of_the_rows_one_by_one(rows):
    frame = pd.DataFrame(rows, columns=["customer_key", "minute", "outcome"])
    frame["opened_at"] = pd.Timestamp("2024-05-06") + pd.to_timedelta(frame["minute"], unit="min")
    expected = dict.fromkeys(COUNTS, 0)
    for key, minute, outcome in rows:
        left = outcome == "abandoned"
        later = sorted((m - minute, o) for k, m, o in rows if k is not None and k == key and minute < m)
        followed = key is not None and minute + 1_440 <= frame["minute"].max()
        within = [o for after, o in later if after <= 1_440]
        expected["left"] += left
        expected["left_known"] += left and key is not None
        if followed and outcome != "open":
            who = "" if left else "others_"
            expected[f"{who}followed"] += 1
            expected[f"{who}again_1h"] += bool(later) and later[0][0] < 60
            expected[f"{who}again_24h"] += bool(within)
            expected["answered_24h"] += left and "answered" in within
    table = later_contacts(relation(frame.drop(columns="minute")))
    assert table[list(COUNTS)].sum().to_dict() == expected
    assert not table["day"].duplicated().any()


def test_days_that_differ_widen_the_interval():
    """Twenty days that are all alike leave no doubt that days could tell; every second one twice as bad does."""
    day = pd.date_range("2024-05-06", periods=20)
    table = pd.DataFrame(dict.fromkeys(COUNTS, np.full(20, 40))).assign(day=day, weekday=day.day_of_week + 1)
    alike = redial_shares(table.assign(again_24h=20)).set_index("measure").loc["again_24h"]
    apart = redial_shares(table.assign(again_24h=np.where(np.arange(20) % 2, 10, 30)))
    apart = apart.set_index("measure").loc["again_24h"]
    assert alike["lower"] == pytest.approx(alike["upper"])
    assert apart["estimate"] == alike["estimate"] == 0.5
    assert apart["lower"] < 0.45
    assert apart["upper"] > 0.55


def test_what_became_of_those_who_left_the_bank(shared):
    month = load(shared / "data" / "anonymous-bank").period("1999-02")
    table = later_contacts(month.contacts)
    assert table[["left", "left_known"]].sum().tolist() == [3_963, 1_835]
    shares = redial_shares(table).set_index("measure")
    assert round(shares.loc["answered_24h", "estimate"], 2) == 0.62
    assert (shares["lower"] < shares["estimate"]).all()
    assert (shares["estimate"] < shares["upper"]).all()
    # Those who were answered call again as well, less often: not every later call is a redial.
    assert shares.loc["more_again_24h", "lower"] > 0.2
