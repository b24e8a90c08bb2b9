"""Who stood without an answer at the end of each day: by hand, whatever lies before, and never after the log's end."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.contacts import load, unanswered_by_day
from cxresearch.contacts.unanswered import ends_of

HOUR_S = 3_600.0


def log_of(rows: list[tuple[str, float, str]], channel: str = "email") -> pd.DataFrame:
    """Rows of ``opened_at``, hours waited and the outcome."""
    frame = pd.DataFrame(rows, columns=["opened_at", "hours", "outcome"])
    frame["opened_at"] = pd.to_datetime(frame["opened_at"])
    return frame.assign(wait_s=HOUR_S * frame["hours"], channel=channel).drop(columns="hours")


BY_HAND = [
    ("2026-08-01 12:00", 1.0, "answered"),     # answered at once, long ago
    ("2026-08-30 12:00", 24 * 33, "answered"),  # answered on 2 October at noon: before the period before, and in the backlog
    ("2026-09-30 23:00", 2.0, "answered"),     # over midnight
    ("2026-10-01 09:00", 15.0, "answered"),    # answered at midnight sharp: no longer waiting then
    ("2026-10-01 09:00", 16.0, "answered"),    # an hour into 2 October
    ("2026-10-01 10:00", 71.0, "open"),        # still open when the log ends
    ("2026-10-02 09:00", 0.0, "answered"),
    ("2026-10-04 09:00", 0.0, "answered"),     # the newest row: of the evening of 4 October nothing is known
]  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_backlog_worked_by_hand(tmp_path, ending):
    frame = log_of(BY_HAND)
    path = tmp_path / f"log.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path, index=False)
    month = load(path).period("2026-10")
    assert month.counts["read"] == 5
    assert month.unanswered is not None
    days = month.unanswered.set_index("day")["unanswered"]
    assert days.to_dict() == {
        pd.Timestamp("2026-10-01"): 3,  # that of August, the one over 16 hours, the open one
        pd.Timestamp("2026-10-02"): 1,
        pd.Timestamp("2026-10-03"): 1,
    }
    before = month.previous.unanswered.set_index("day")["unanswered"]
    assert (before.iloc[:-1] == 1).all()
    assert before.iloc[-1] == 2
    day = load(path).period("2026-10-02")
    assert day.unanswered["unanswered"].tolist() == [1], (
        "the log goes on after it, and one day alone knows what was opened long before it"
    )


def test_channels_apart_add_up_and_a_queue_alone_has_none():
    frame = pd.concat([log_of(BY_HAND), log_of(BY_HAND, "social")]).assign(queue="a")
    month = load(frame).period("2026-10")
    both = month.unanswered.groupby("day")["unanswered"].sum()
    assert both.tolist() == [6, 2, 2]
    assert month.only(channel="email").unanswered["unanswered"].tolist() == [3, 1, 1]
    assert month.only(queue="a").unanswered is None


def test_a_channel_that_answers_everything_by_midnight_has_none_on_every_day(tmp_path):
    quick = log_of([("2026-10-01 09:00", 1.0, "answered"), ("2026-10-02 09:00", 1.0, "answered")], "social")
    path = tmp_path / "log.csv"
    pd.concat([log_of(BY_HAND), quick]).to_csv(path, index=False)
    for _ in range(2):  # read, and read from what was kept
        month = load(path).period("2026-10")
        social = month.only(channel="social").unanswered
        assert social["day"].dt.day.tolist() == [1, 2, 3]
        assert social["unanswered"].tolist() == [0, 0, 0]
        assert month.only(channel="email").unanswered["unanswered"].tolist() == [3, 1, 1]
    no_name = load(quick.assign(channel=None)).period("2026-10").unanswered
    assert no_name["channel"].isna().all()
    assert no_name["unanswered"].tolist() == [0]


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 40))
def test_it_is_what_counting_at_every_midnight_gives(seed, n):
    rng = np.random.default_rng(seed)
    opened = pd.Timestamp("2026-09-20") + pd.to_timedelta(rng.integers(0, 30 * 86_400, n), unit="s")
    wait = rng.exponential(3 * 86_400, n).round()
    frame = pd.DataFrame({"opened_at": opened, "wait_s": wait, "outcome": "answered", "channel": "email"})
    frame.loc[0, "opened_at"] = pd.Timestamp("2026-10-19 08:00")
    rows = duckdb.from_df(frame.assign(set_aside=0))
    rows = rows.select("* REPLACE (CAST(NULL AS VARCHAR) AS set_aside)")
    table = unanswered_by_day(rows, date(2026, 10, 1), date(2026, 11, 1), last=ends_of(rows)[2])
    found = table.set_index("day")["unanswered"]
    for day in pd.date_range("2026-10-01", "2026-10-18"):
        midnight = day + pd.Timedelta(days=1)
        gone = frame["opened_at"] + pd.to_timedelta(frame["wait_s"], unit="s")
        assert found[day] == ((frame["opened_at"] < midnight) & (gone > midnight)).sum()
    assert found.index.max() <= pd.Timestamp("2026-10-19")


def test_a_kept_period_keeps_its_backlog(tmp_path):
    path = tmp_path / "log.csv"
    log_of(BY_HAND).to_csv(path, index=False)
    first, again = (load(path).period("2026-10") for _ in range(2))
    pd.testing.assert_frame_equal(first.unanswered, again.unanswered)
    assert str(first.begins) == str(again.begins) == "2026-08-01"
