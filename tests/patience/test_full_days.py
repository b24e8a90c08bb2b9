"""What is lost on a full day, worked by hand: means over days, parts that add up, hours that tie."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.patience import lost_by_hour, lost_by_hour_and_queue, odd_times

WEEK = (1, 2, 3, 4, 5)


def cells(rows: list[tuple], start: str = "1999-02-01") -> pd.DataFrame:
    """Rows ``day (0 is a Monday), hour, queue, outcome, contacts``; all queued."""
    table = pd.DataFrame(rows, columns=["day", "hour", "queue", "outcome", "contacts"])
    table["day"] = pd.Timestamp(start) + pd.to_timedelta(table["day"], unit="D")
    return table.assign(weekday=table["day"].dt.day_of_week + 1, queued=True)


def days(lost_at: dict[int, list[int]], asked: int = 40, n: int = 20) -> list[tuple]:
    """Twenty weekdays; in each hour as many of ``asked`` give up as its list says, in turn."""
    rows = []
    for place in range(n):
        day = place // 5 * 7 + place % 5
        for hour, lost in lost_at.items():
            left = lost[place % len(lost)]
            rows += [(day, hour, "a", "abandoned", left), (day, hour, "a", "answered", asked - left)]
    return rows


def test_means_over_full_days_worked_by_hand():
    """Two Mondays and a Saturday, which is no full day: 4 and 2 lost at 9 h, 0 and 1 at 10 h."""
    rows = [
        (0, 9, "a", "abandoned", 4),
        (0, 9, "b", "answered", 6),
        (7, 9, "b", "abandoned", 2),
        (7, 10, "a", "abandoned", 1),
    ]
    table = lost_by_hour(cells([*rows, (5, 9, "a", "abandoned", 50)]), weekdays=WEEK)
    assert table[["hour", "asked", "left", "lost_per_day"]].to_numpy().tolist() == [[9, 12, 6, 3.0], [10, 1, 1, 0.5]]
    assert table.attrs["days"] == 2
    assert table[["lower", "upper"]].isna().all(axis=None), "two days say nothing of how days differ"
    assert not table["tied"].any(), "no hour is named"


def test_who_was_served_by_a_bot_before_the_queue_did_not_ask():
    rows = cells([(0, 9, "a", "deflected", 5), (0, 9, "a", "abandoned", 1)])
    rows["queued"] = [False, True]
    assert lost_by_hour(rows, weekdays=WEEK)["asked"].tolist() == [1]


def test_an_hour_that_is_clear_of_all_others_stands_alone():
    table = lost_by_hour(cells(days({9: [10, 11, 12], 10: [2, 3, 1], 11: [1, 2, 3]})), weekdays=WEEK)
    assert table.set_index("hour")["tied"].to_dict() == {9: True, 10: False, 11: False}
    assert ((table["lower"] < table["lost_per_day"]) & (table["lost_per_day"] < table["upper"])).all()


def test_hours_that_change_places_from_day_to_day_are_tied():
    quiet = {11: [1, 1, 2], 12: [0, 1, 1]}
    table = lost_by_hour(cells(days({9: [10, 2, 6], 10: [3, 9, 5], **quiet})), weekdays=WEEK)
    assert table.set_index("hour")["tied"].to_dict() == {9: True, 10: True, 11: False, 12: False}


def test_where_more_than_half_of_the_hours_tie_none_is_highest():
    table = lost_by_hour(cells(days({9: [10, 2, 6], 10: [3, 9, 5], 11: [1, 1, 2]})), weekdays=WEEK)
    assert not table["tied"].any()


def test_an_hour_with_few_who_asked_is_not_ranked():
    rows = [
        *days({9: [4, 5, 6], 10: [4, 6, 5], 11: [1], 12: [1]}),
        *((day, 3, "a", "abandoned", 1) for day in (0, 1, 2)),
    ]
    assert lost_by_hour(cells(rows), weekdays=WEEK).set_index("hour")["tied"].to_dict() == {
        3: False, 9: True, 10: True, 11: False, 12: False,
    }  # fmt: skip


def test_where_nobody_gave_up_no_hour_is_highest():
    assert not lost_by_hour(cells(days({9: [0], 10: [0]})), weekdays=WEEK)["tied"].any()


def test_three_queues_are_named_and_small_ones_are_one():
    rows = [
        (0, 9, queue, "abandoned", left) for queue, left in (("a", 10), ("b", 30), ("c", 20), ("d", 5), ("tiny", 40))
    ]
    rows += [(0, 9, queue, "answered", 100) for queue in "abcd"]
    table = lost_by_hour_and_queue(cells(rows), weekdays=WEEK)
    assert table["queue"].tolist() == ["b", "c", "a", "All other queues"]
    assert table["lost_per_day"].tolist() == [30, 20, 10, 45]


def test_no_day_on_these_weekdays_is_refused():
    with pytest.raises(ValueError, match="nobody asked on these weekdays"):
        lost_by_hour(cells([(0, 9, "a", "abandoned", 1)]), weekdays=(6,))


rows = st.lists(
    st.tuples(st.integers(0, 27), st.integers(7, 11), st.sampled_from(["a", "b", None, ""]), st.sampled_from(["abandoned", "answered"]),
              st.integers(1, 60)),
    min_size=1, max_size=60,
)  # fmt: skip


@given(rows)
def test_the_queues_of_an_hour_add_up_to_it(drawn):
    table = cells(drawn)
    whole = lost_by_hour(table, weekdays=range(1, 8)).set_index("hour")
    parts = lost_by_hour_and_queue(table, weekdays=range(1, 8))
    assert parts["queue"].nunique() <= 4
    for hour, lost in parts.groupby("hour")["lost_per_day"].sum().items():
        assert lost == pytest.approx(whole.loc[hour, "lost_per_day"])
    if parts.empty:
        assert math.isclose(whole["lost_per_day"].sum(), 0)


def unusual(rows, **changed):
    """Twenty weekdays with 10 lost at 9 h and 30 at 10 h, but for what ``changed`` says of a place (day of 20, hour)."""
    table = cells(days({9: [10], 10: [30], 11: [0]}, asked=500))
    for (place, hour), lost in rows.items():
        day = table["day"].drop_duplicates().iloc[place]
        table.loc[(table["day"] == day) & (table["hour"] == hour) & (table["outcome"] == "abandoned"), "contacts"] = (
            lost
        )
    return odd_times(table, weekdays=changed.get("weekdays", WEEK))


def test_a_day_and_hours_of_a_day_far_above_their_median_are_told():
    table = unusual({(3, 10): 200, (7, 9): 31, (7, 10): 79, (12, 9): 35, (12, 11): 80})
    said = [(row.day.day, row.first_hour, row.last_hour, row.left, row.usual) for row in table.itertuples()]
    assert [str(part) for part in said[0]] == ["4", "<NA>", "<NA>", "210", "40.0"]
    # 31 is over 3 times 10, but 79 is not over 3 times 30: one hour of 31 is too few to name, and the day is below 3 times 40.
    assert len(said) == 2
    assert [str(part) for part in said[1]] == ["17", "<NA>", "<NA>", "145", "40.0"], "the whole day is over 3 times 40"


def test_hours_in_a_row_are_one_and_need_a_hundred_in_all():
    table = cells(days({9: [10], 10: [10], 11: [200]}, asked=500))
    day = table["day"].drop_duplicates().iloc[5]
    for hour, lost in ((9, 60), (10, 45)):
        table.loc[(table["day"] == day) & (table["hour"] == hour) & (table["outcome"] == "abandoned"), "contacts"] = (
            lost
        )
    found = odd_times(table, weekdays=WEEK)
    assert found[["first_hour", "last_hour", "left", "usual"]].to_numpy().tolist() == [[9, 10, 105, 20.0]]
    assert odd_times(table.assign(contacts=table["contacts"] // 2), weekdays=WEEK).empty, "52 are too few to name"


def test_hours_that_each_are_usually_quiet_are_usual_together():
    """In each hour the median is nobody, since every day another hour is busy; no day is odd, and no hours of one."""
    rows = []
    for place in range(20):
        day = place // 5 * 7 + place % 5
        for hour in range(8, 16):
            left = 60 if (hour - 8) // 2 == place % 4 else 0
            rows += [(day, hour, "a", "abandoned", left), (day, hour, "a", "answered", 500)]
    table = cells(rows)
    assert odd_times(table, weekdays=WEEK)["left"].tolist() == []


def test_a_usual_month_and_few_days_have_no_odd_times():
    assert odd_times(cells(days({9: [10, 29], 10: [30, 12]})), weekdays=WEEK).empty
    assert odd_times(cells(days({9: [1, 1, 1, 400]}, asked=500, n=9)), weekdays=WEEK).empty


@given(st.lists(st.integers(0, 400), min_size=10, max_size=25), st.lists(st.integers(0, 400), min_size=3, max_size=3))
def test_what_is_odd_is_over_three_times_usual_and_never_under_a_hundred(first, second):
    found = odd_times(cells(days({9: first, 15: second}, asked=500, n=max(len(first), 10))), weekdays=WEEK)
    assert (found["left"] >= 100).all()
    assert (found["left"] > 3 * found["usual"]).all()
