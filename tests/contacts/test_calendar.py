"""The calendar is found in the log: open hours, part days, days that are missing."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from cxresearch.contacts import load
from cxresearch.exhibits import waiting


@pytest.fixture(scope="module")
def months(shared):
    log = load(shared / "data" / "anonymous-bank")
    return {name: log.period(name) for name in ("1999-01", "1999-02")}


@pytest.mark.parametrize("name", ["1999-01", "1999-02"])
def test_the_bank_is_fully_open_from_sunday_to_thursday_and_half_of_friday(months, name):
    week = months[name].calendar.set_index("weekday")
    assert week.index[week["fully_open"]].tolist() == [1, 2, 3, 4, 7]
    assert week.loc[5, ["open_from", "open_to"]].tolist() == [7, 14]
    assert week.loc[6, "open_to"] == 24
    assert (week.loc[[1, 2, 3, 4, 7], "open_from"] == 7).all(), "calls at midnight open nothing"


def test_two_days_of_january_are_missing(months):
    assert months["1999-01"].missing_days == (date(1999, 1, 11), date(1999, 1, 12))
    assert months["1999-02"].missing_days == ()
    assert months["1999-01"].calendar["days"].sum() == len(months["1999-01"].days) == 29


def test_a_log_that_ends_early_lacks_its_last_days():
    days = pd.date_range("2026-09-01", "2026-10-20")
    calls = pd.DataFrame({"opened_at": days.repeat(20) + pd.Timedelta("10h"), "wait_s": 5.0, "outcome": "answered"})
    month = load(calls).period("2026-10")
    assert month.missing_days == tuple(date(2026, 10, day) for day in range(21, 32))
    gone = "No contact on 21 October 2026 to 31 October 2026:"
    assert gone in waiting.calendar(month.calendar, month.missing_days).says
    year = load(calls).period("2026")
    assert year.calendar["fully_open"].all(), "of a year that the log covers in part, the part"
    assert year.missing_days[0] == date(2026, 1, 1)
    assert len(year.missing_days) == 365 - 50


def test_a_week_worked_by_hand():
    """October 2026: four Mondays, Tuesdays and Wednesdays, five Thursdays and Fridays."""

    def rows(days, hours, each):
        return [pd.Timestamp(f"2026-10-{day:02d} {hour:02d}:30") for day in days for hour in hours for _ in range(each)]

    opened = (
        rows([5, 12, 19, 26], range(8, 12), 25) + rows([5], [0], 1)  # one call at midnight opens nothing
        + rows([6, 13], range(8, 11), 40)  # on half of its dates, three hours of four
        + rows([7, 14], [8, 11], 25)  # half as many as on a Monday, from the first hour to the last
        + rows([1], range(8, 12), 25)  # one Thursday of five
        + rows([2, 9, 16, 23, 30], range(8, 12), 12)  # fewer than half
        + rows([3], [9], 1)  # one contact on one Saturday opens no hour
    )  # fmt: skip
    month = load(pd.DataFrame({"opened_at": opened, "wait_s": 5.0, "outcome": "answered"})).period("2026-10")
    week = month.calendar.set_index("weekday")
    assert week["days"].to_dict() == {1: 4, 2: 2, 3: 2, 4: 1, 5: 5, 6: 1}
    assert week["contacts_per_day"].to_dict() == {1: 100.25, 2: 120.0, 3: 50.0, 4: 100.0, 5: 48.0, 6: 1.0}
    assert week[["open_from", "open_to"]].to_numpy().tolist() == [[8, 12], [8, 11], [8, 12], [8, 12], [8, 12], [0, 0]]
    assert week["fully_open"].to_dict() == {1: True, 2: False, 3: False, 4: False, 5: False, 6: False}
    # Tuesdays and Wednesdays have contacts on half of their dates: the others are missing; Thursdays have too few.
    assert [day.day for day in month.missing_days] == [20, 21, 27, 28]


def test_half_is_enough_and_a_hundredth_opens_an_hour():
    def rows(days, hours, each):
        return [pd.Timestamp(f"2026-10-{day:02d} {hour:02d}:30") for day in days for hour in hours for _ in range(each)]

    opened = rows([5, 12, 19, 26], range(8, 12), 25) + rows([7, 14], range(8, 12), 12) + rows([7, 14], [8, 12], 1)
    opened += rows([2, 9, 16, 23, 30], range(8, 12), 20) + rows([2, 9], [20], 10)
    frame = pd.DataFrame({"opened_at": opened, "wait_s": 5.0, "outcome": "answered"})
    month = load(frame, mapping={"repeats": "keep"}).period("2026-10")
    week = month.calendar.set_index("weekday")
    assert week.loc[3, ["contacts_per_day", "open_to", "fully_open"]].tolist() == [50.0, 13, True]
    assert week.loc[1, "fully_open"], "four hours are four fifths of five"
    assert week.loc[5, "open_to"] == 12, "late calls on two Fridays of five open no evening"
