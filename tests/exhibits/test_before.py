"""The pale line is the period before, worked out as the period is, with the same held back; no line where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch import patience, survival
from cxresearch.exhibits import day_of_period, hold_back
from cxresearch.exhibits.before import clocks_before, curve_before, lost_before
from cxresearch.style import format_value
from tests.exhibits.odd_logs import NAME, plain_log


def two_months(contacts: int = 3_000) -> pd.DataFrame:
    now = plain_log(contacts)
    # In the month before everybody waited half as long; at 3 h few gave up.
    before = now.assign(opened_at=now["opened_at"] - pd.Timedelta(28, "D"), wait_s=(now["wait_s"] / 2).round())
    quiet = before["opened_at"].dt.hour == 3
    before.loc[quiet, "outcome"] = np.where(np.arange(quiet.sum()) < 3, "abandoned", "answered")
    return pd.concat([before.assign(contact_id="b" + now["contact_id"]), now], ignore_index=True)


@pytest.fixture
def mine():
    yield cx.load(two_months()).period(NAME).only(channel="phone")
    hold_back(smallest_group=5)


def test_the_curves_are_those_of_the_month_before(mine):
    before = mine.previous
    exhibit = cx.patience_curve(mine)
    pale = exhibit.draw.keywords["before"]
    whole = survival.kaplan_meier(before.waits())
    assert pale.label == before.period.label == "April 2024"
    pd.testing.assert_frame_equal(pale.table, whole[whole["at_risk"] >= 30])
    clocks = cx.two_clocks(mine).draw.keywords["before"].table
    both = patience.patience_and_offered_wait(before.waits())
    assert sorted(clocks["clock"].unique()) == ["offered wait", "patience"]
    pd.testing.assert_frame_equal(clocks, both[both["at_risk"] >= 30])
    value = float(whole.loc[whole["duration_s"] <= 60, "survival"].iloc[-1])
    assert f"April 2024: {format_value(value, 'share')} after 60 s" in exhibit.description


def test_hours_of_the_month_before_are_held_back_as_those_of_the_month(mine):
    drawn = cx.loss_by_hour(mine).draw.keywords["before"].table
    every = patience.waiting_table(mine.previous.waits("hour"), by="hour")
    every = every[every["queued"] >= 30].set_index("hour")["share_left_of_queued"]
    kept = drawn.set_index("hour")["share_left_of_queued"]
    gone = every.index.difference(kept.index)
    assert 3 in gone, "three people gave up then"
    assert len(gone) == 2, "and one more hour, so that a sum does not tell"
    pd.testing.assert_series_equal(kept, every[kept.index])
    hold_back(smallest_group=1)
    assert len(lost_before(mine).table) == len(every)


def test_the_load_before_is_that_of_the_same_weekdays(mine):
    days = day_of_period.day_of(mine, weekdays=[1, 2])
    asked = mine.previous.asked(("day", "weekday", "hour"))
    asked = asked[asked["weekday"].isin([1, 2])]
    pale = day_of_period.day_load(days).draw.keywords["before"]
    assert pale.label == "April 2024"
    got = pale.table.set_index("hour")["arrivals_per_h"].dropna()
    want = asked.groupby("hour")["contacts"].sum() / asked["day"].nunique()
    assert got.to_dict() == pytest.approx(want[got.index].to_dict())
    assert len(got) > 20


def test_where_there_is_no_month_before_there_is_no_line():
    mine = cx.load(plain_log(2_000)).period(NAME).only(channel="phone")
    for exhibit in (cx.loss_by_hour(mine), cx.patience_curve(mine), cx.two_clocks(mine)):
        assert exhibit.draw.keywords["before"] is None
    assert day_of_period.day_of(mine).before is None


def test_a_month_before_in_which_nobody_gave_up_has_no_line():
    frame = two_months()
    old = frame["opened_at"] < "2024-05-01"
    mine = cx.load(frame.assign(outcome=frame["outcome"].mask(old, "answered"))).period(NAME).only(channel="phone")
    assert mine.previous is not None
    assert lost_before(mine) is curve_before(mine) is clocks_before(mine) is None
