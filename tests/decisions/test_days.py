"""The counts of days, who was at work and who was not answered later, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.decisions import agents_at_work, backtest
from cxresearch.decisions.days import days_of, later_of, refuse_unknown
from tests.decisions.conftest import contacts, month

DAY = "2026-02-03"


def log(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    moment = pd.to_datetime(frame.pop("at"), format="mixed")
    return frame.assign(opened_at=moment, channel="phone", contact_id=np.arange(len(frame)).astype(str))


def test_agents_are_counted_by_hour_and_never_named():
    rows = log([
        (f"{DAY} 09:50:00", "anna", 60.0, 540.0),  # answered 9:51, to 10:00
        (f"{DAY} 10:10:00", "anna", 0.0, 300.0),  # at work in between: to 10:15
        (f"{DAY} 10:40:00", "anna", 0.0, 60.0),  # more than 20 minutes later: a pause before it
        (f"{DAY} 10:30:00", "ben", 0.0, 3000.0),  # to 11:20
        (f"{DAY} 11:00:00", "ben", 0.0, 60.0),  # beside it: still the same agent, to 11:20
    ], ["at", "agent_key", "wait_s", "handle_s"]).assign(outcome="answered", queued=True)  # fmt: skip
    table = agents_at_work(month(rows))
    assert list(table.columns) == ["day", "weekday", "hour", "agents", "agent_hours"]
    assert table["hour"].tolist() == [9, 10, 11]
    assert table["weekday"].unique().tolist() == [2]
    assert table["agents"].fillna(0).tolist() == [0, 2, 0], "one alone is not shown"
    anna, ben = 15 + 1, 30
    assert table["agent_hours"].iloc[1] == pytest.approx((anna + ben) / 60)
    assert table["agent_hours"].isna().tolist() == [True, False, True]


def test_what_ends_on_the_hour_is_no_work_in_the_next_one():
    rows = log([
        (f"{DAY} 09:50:00", "anna", 0.0, 600.0), (f"{DAY} 09:40:00", "ben", 0.0, 1200.0),  # both to 10:00 sharp
        (f"{DAY} 10:30:00", "carl", 0.0, 60.0),
    ], ["at", "agent_key", "wait_s", "handle_s"]).assign(outcome="answered", queued=True)  # fmt: skip
    table = agents_at_work(month(rows))
    assert table["hour"].tolist() == [9, 10]
    assert table["agents"].fillna(0).tolist() == [2, 0], "Carl was alone from 10 to 11 h"
    assert table["agent_hours"].iloc[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("wait_s", "handle_s"), [(0.0, 1e12), (0.0, 1e300), (1e12, 60.0), (1e15, 1e15), (5.0, -1e12)])
def test_times_of_many_years_are_no_hours_at_work(wait_s, handle_s):
    """A whole hour of them: at most a day each, and none after the day that follows the period."""
    rows = log([
        (f"{DAY} 09:{n:02d}:00", who, wait_s, handle_s) for n in range(60) for who in ("anna", "ben")
    ] + [
        ("2026-02-28 23:00:00", who, 0.0, 60.0) for who in ("anna", "ben")
    ], ["at", "agent_key", "wait_s", "handle_s"]).assign(outcome="answered", queued=True)  # fmt: skip
    table = agents_at_work(month(rows))
    assert 1 <= len(table) <= 26
    assert table["day"].max() <= pd.Timestamp("2026-03-01")
    assert (table["agent_hours"] <= table["agents"]).all()


def test_who_left_was_helped_by_nobody():
    rows = log([(f"{DAY} 09:00:00", "anna", 5.0), (f"{DAY} 09:00:10", "ben", 5.0)], ["at", "agent_key", "wait_s"])
    assert agents_at_work(month(rows.assign(outcome="abandoned"))) is None
    assert agents_at_work(month(rows.assign(outcome="answered", agent_key=None))) is None


def test_days_worked_by_hand():
    rows = log([
        (f"{DAY} 09:00:00", True, 5.0, "abandoned", np.nan), (f"{DAY} 09:30:00", False, 0.0, "answered", 100.0),
        (f"{DAY} 10:00:00", True, 7.0, "answered", np.nan), ("2026-02-04 09:00:00", True, 9000.0, "answered", 60.0),
    ], ["at", "queued", "wait_s", "outcome", "handle_s"])  # fmt: skip
    days = days_of(month(rows))
    assert days.weekday.tolist() == [2, 3]
    assert days.asked[:, 9:11].tolist() == [[2, 1], [1, 0]]
    assert days.left[:, 9].tolist() == [1, 0]
    assert days.handled[:, 9:11].tolist() == [[1, 0], [1, 0]]
    assert (days.waits.sum(axis=1).tolist(), days.gave_up.sum()) == ([2, 1], 1)
    assert np.flatnonzero(days.waits[1]).tolist() == [3600], "a longer wait counts as the longest"
    assert len(days.on([3])) == 1
    assert days.mean_handle_s == 80


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"channel": "email"}, "on email nobody waits on the line"), ({"handle_s": None}, "no handle_s is known"),
     ({"outcome": "answered"}, "nobody gave up in the queue"), ({"queued": False}, "nobody gave up in the queue")],
)  # fmt: skip
def test_what_a_model_cannot_go_by_is_said(changed, why):
    rows = log(
        [(f"{DAY} 09:00:00", 5.0, "abandoned"), (f"{DAY} 09:01:00", 5.0, "answered")], ["at", "wait_s", "outcome"]
    )
    with pytest.raises(ValueError, match=why):
        refuse_unknown(month(rows.assign(queued=True, handle_s=60.0).assign(**changed)))


def test_dates_without_times_tell_no_hour():
    """Both periods are asked: the one that the team is from, and the one in which it is looked for."""
    rows = contacts(lambda day, hour: 30, start="2026-01-05", days=40)
    midnight = rows.assign(opened_at=rows["opened_at"].dt.normalize())
    said = "has dates without a time of day"
    assert agents_at_work(month(midnight.assign(agent_key="anna"))) is None
    with pytest.raises(ValueError, match=f"February 2026 {said}"):
        refuse_unknown(month(midnight))
    first = rows["opened_at"] < pd.Timestamp("2026-02-01")
    for part, named in ((first, "January"), (~first, "February")):
        with pytest.raises(ValueError, match=f"{named} 2026 {said}"):
            backtest(month(midnight.where(part, rows)), channel="phone")


def test_who_was_not_answered_in_a_day_is_counted_once():
    rows = log([
        (f"{DAY} 09:00:00", "a", "abandoned"), (f"{DAY} 09:10:00", "a", "abandoned"),  # twice on one day, never answered
        (f"{DAY} 09:00:00", "b", "abandoned"), (f"{DAY} 20:00:00", "b", "answered"),  # answered the same day
        (f"{DAY} 09:00:00", "c", "abandoned"), ("2026-02-04 09:00:01", "c", "answered"),  # a second too late
        (f"{DAY} 09:00:00", None, "abandoned"),
        ("2026-02-06 09:00:00", "d", "abandoned"),  # within a day of the end
        ("2026-02-06 10:00:00", "e", "answered"),
    ], ["at", "customer_key", "outcome"]).assign(wait_s=5.0, queued=True, handle_s=60.0)  # fmt: skip
    mine = month(rows)
    later = later_of(mine, days_of(mine))
    assert later.unanswered.tolist() == [2, 0, 0]
    assert later.counts["followed"].tolist() == [4, 0, 0]
    assert later.counts["left_known"].tolist() == [4, 0, 1]


def test_an_answer_on_another_channel_is_an_answer():
    """Of three who gave up on the phone one is answered by e-mail, one writes and is not; who left there is not counted."""
    rows = log([
        (f"{DAY} 09:00:00", "a", "abandoned"), (f"{DAY} 09:00:00", "b", "abandoned"), (f"{DAY} 09:00:00", "c", "abandoned"),
        (f"{DAY} 10:00:00", "a", "answered"), (f"{DAY} 10:00:00", "b", "open"), (f"{DAY} 10:00:00", "d", "abandoned"),
        ("2026-02-06 10:00:00", "e", "answered"),
    ], ["at", "customer_key", "outcome"]).assign(wait_s=5.0, queued=True, handle_s=60.0)  # fmt: skip
    rows["channel"] = ["phone"] * 3 + ["email"] * 3 + ["phone"]
    both = month(rows)
    mine = both.only(channel="phone")
    later = later_of(mine, days_of(mine))
    assert later.unanswered.tolist() == [2, 0]
    assert later.counts["followed"].tolist() == [3, 0]
    after = both.after_leaving[both.after_leaving["channel"] == "phone"]
    assert after[["followed", "answered_24h"]].sum().tolist() == [3, 1]
