"""The calendar is found in the log: open hours, part days, days that are missing."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from cxresearch.contacts import load


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
