from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import PERIOD_KINDS, PeriodError, parse_period, period_of


@pytest.mark.parametrize(
    ("name", "kind", "start", "end", "label", "previous"),
    [
        ("1999-02", "month", "1999-02-01", "1999-03-01", "February 1999", "1999-01"),
        ("2000-01", "month", "2000-01-01", "2000-02-01", "January 2000", "1999-12"),
        ("1999-Q4", "quarter", "1999-10-01", "2000-01-01", "quarter 4 of 1999", "1999-Q3"),
        ("2021-W01", "week", "2021-01-04", "2021-01-11", "week 1 of 2021", "2020-W53"),
        ("2000-02-29", "day", "2000-02-29", "2000-03-01", "29 February 2000", "2000-02-28"),
        ("1999", "year", "1999-01-01", "2000-01-01", "1999", "1998"),
    ],
)
def test_periods_worked_by_hand(name, kind, start, end, label, previous):
    period = parse_period(name)
    assert (period.name, period.kind, str(period.start), str(period.end)) == (name, kind, start, end)
    assert period.label == label
    assert period.previous.name == previous


@given(day=st.dates(date(1950, 1, 1), date(2100, 1, 1)), kind=st.sampled_from(sorted(PERIOD_KINDS)))
def test_every_day_lies_in_one_period_and_the_periods_meet(day, kind):
    period = period_of(day, kind)
    assert period.start <= day < period.end
    assert period.previous.end == period.start
    assert parse_period(period.name, kind) == period
    assert period_of(period.end - timedelta(days=1), kind) == period


@pytest.mark.parametrize("name", ["1999-13", "1999-2", "February", "", "1999-W54", "1999-02-30", "1999-Q5", " 1999"])
def test_what_is_no_period_is_refused(name):
    with pytest.raises(PeriodError):
        parse_period(name)


def test_another_kind_than_asked_is_refused_with_its_form():
    with pytest.raises(PeriodError, match=r"write it like 1999-02 \(month\)"):
        parse_period("1999-Q1", "month")


@pytest.mark.parametrize(
    ("name", "year_before"),
    [
        ("2000-02", "1999-02"), ("2000-Q1", "1999-Q1"), ("2000", "1999"), ("1999-W07", "1998-W08"), ("2000-W01", "1999-W01"),
        ("1999-W52", "1998-W53"), ("2000-02-29", "1999-03-02"), ("1999-02-14", "1998-02-15"),
    ],
)  # fmt: skip
def test_a_year_before_worked_by_hand(name, year_before):
    period = parse_period(name)
    assert period.year_before.name == year_before
    if period.kind in ("day", "week"):
        assert period.year_before.start.weekday() == period.start.weekday()
