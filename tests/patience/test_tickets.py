"""Tickets: first answers, promises and what customers did next, by hand and where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cxresearch.patience import (
    after_tickets,
    asked_again,
    channel_switches,
    first_answer_table,
    late_ranks,
    ticket_waits,
    watched,
)
from cxresearch.survival import kaplan_meier

MIN = 60.0


def cells(rows: list[tuple[int, float, str]], **columns: object) -> pd.DataFrame:
    """Cells of rows of: day of October, minutes, outcome."""
    frame = pd.DataFrame(rows, columns=["day", "minutes", "outcome"])
    frame["day"] = pd.Timestamp("2026-09-30") + pd.to_timedelta(frame["day"], unit="D")
    frame = frame.assign(
        duration_s=MIN * frame["minutes"],
        weekday=1,
        hour=9,
        channel="email",
        queue="a",
        promised_s=math.nan,
        contacts=1,
    )
    return frame.assign(**columns)


def test_first_answers_worked_by_hand():
    """Ten tickets, answered after 1 to 8 minutes but for those of 3 and 5 minutes, whose log ended then."""
    waits = ticket_waits(
        cells(
            [(n, n, "open" if n in (3, 5) else "answered") for n in range(1, 9)]
            + [(9, 8, "open"), (10, 8, "deflected")]
        ),
        2 * MIN,
    )
    row = first_answer_table(waits).iloc[0]
    assert (row["tickets"], row["still_unanswered"]) == (10, 3)
    # 1: .9, 2: .8, 4: .8 * 6/7, 6: * 4/5, 7: * 3/4 = .411, 8: two of three
    assert row["median_first_answer_s"] == 7 * MIN
    assert math.isnan(row["nine_in_ten_first_answer_s"]), "one ticket in three of the last was not answered"
    assert row["unanswered_after_promise_share"] == pytest.approx(0.8)


def test_each_ticket_is_judged_by_its_own_promise():
    waits = ticket_waits(cells([(1, 30, "answered"), (2, 90, "answered"), (3, 200, "answered"), (4, 20, "open")],
                               promised_s=[60 * MIN, math.nan, 300 * MIN, 60 * MIN]), 80 * MIN)  # fmt: skip
    due = watched(waits, "promise")
    # At half of its promise the first is answered of four; the open one is watched for a third of its promise, so of three.
    assert due.times.tolist() == pytest.approx([0.0, 0.5, 200 / 300, 1.0])
    assert first_answer_table(waits)["unanswered_after_promise_share"][0] == pytest.approx((1 - 1 / 3) * (1 - 1 / 2))


def test_the_curve_is_that_of_kaplan_and_meier():
    rng = np.random.default_rng(3)
    waits = ticket_waits(cells([(int(d), float(m), o) for d, m, o in zip(
        rng.integers(1, 30, 400), rng.integers(0, 900, 400), rng.choice(["answered", "open"], 400, p=[0.8, 0.2]), strict=True)]), 240 * MIN)  # fmt: skip
    curve = kaplan_meier(waits[["duration_s", "outcome", "contacts"]], event="answered")
    row = first_answer_table(waits).iloc[0]
    assert row["median_first_answer_s"] == curve.loc[curve["survival"] <= 0.5, "duration_s"].min()
    assert row["nine_in_ten_first_answer_s"] == curve.loc[curve["survival"] <= 0.1, "duration_s"].min()
    assert row["unanswered_after_promise_share"] == pytest.approx(
        curve.loc[curve["duration_s"] <= 240 * MIN, "survival"].iloc[-1]
    )
    assert row["median_lower_s"] < row["median_first_answer_s"] < row["median_upper_s"]


def test_the_slow_queue_is_first_and_clear():
    rng = np.random.default_rng(4)
    rows = [
        (day, float(rng.exponential(100 * (1 + slow))), "answered")
        for day in range(1, 29)
        for slow in (0, 1)
        for _ in range(40)
    ]
    waits = ticket_waits(cells(rows, queue=(["fast"] * 40 + ["slow"] * 40) * 28), 120 * MIN)
    ranks = late_ranks(waits, by="queue")
    assert ranks["queue"].tolist() == ["slow", "fast"]
    assert ranks["behind"].tolist() == [False, True]


def contacts(rows: list[tuple[str, str, str, float, str]]) -> pd.DataFrame:
    """Rows of: customer, channel, when, hours to the answer, outcome."""
    frame = pd.DataFrame(rows, columns=["customer_key", "channel", "opened_at", "hours", "outcome"])
    frame["opened_at"] = pd.to_datetime(frame["opened_at"])
    return frame.assign(wait_s=3_600 * frame["hours"], ticket=frame["channel"] != "phone")


def test_what_customers_did_next_worked_by_hand():
    table = after_tickets(contacts([
        ("a", "email", "2026-10-01 08:00", 10.0, "answered"),   # asked again at 12:00 by phone: moved, before the answer
        ("a", "phone", "2026-10-01 12:00", 0.0, "answered"),    # no ticket
        ("b", "email", "2026-10-01 08:00", 2.0, "answered"),    # asked again only at 11:00, after the answer
        ("b", "email", "2026-10-01 11:00", 1.0, "answered"),
        ("c", "email", "2026-10-01 08:00", 2.0, "answered"),    # two in one second: neither is the first
        ("c", "email", "2026-10-01 08:00", 2.0, "answered"),
        ("d", "social", "2026-10-01 08:00", 90.0, "open"),      # the answer in the very second comes first
        ("d", "social", "2026-10-02 20:00", 1.0, "answered"),   # too late for 24 hours
        (None, "email", "2026-10-01 08:00", 5.0, "answered"),
        ("e", "email", "2026-10-03 08:00", 1.0, "answered"),    # the period ends with it: not followed
    ]), again_s=24 * 3_600.0)  # fmt: skip
    assert len(table) == 8, "one is no ticket, of one the customer is not known"
    got = table.groupby("customer_key")[["known", "again", "answered_known", "again_after"]].sum().astype(int)
    assert got.loc["a"].tolist() == [1, 1, 1, 0]
    assert got.loc["b"].tolist() == [2, 0, 2, 1]
    assert got.loc["c"].tolist() == [2, 0, 2, 0]
    assert got.loc["d"].tolist() == [1, 0, 0, 0]
    assert got.loc["e"].tolist() == [0, 0, 0, 0]
    assert table.set_index("customer_key").loc["a", "moved_to"] == "phone"
    switched = channel_switches(table).set_index("channel")
    assert switched.loc["email", ["tickets", "switched", "most_to"]].tolist() == [5, 1, "phone"]
    # The nine of known customers came at 8:00 (5), 11:00, 12:00, 20:00 and 8:00; a's ten hours hold two of ten.
    assert table.set_index("customer_key").loc["a", "expected"] == pytest.approx(2 / 9)


def world(again: float, seed: int) -> pd.DataFrame:
    """Customers who come by chance over 30 days, of whose tickets a share ``again`` is followed by another within its wait."""
    rng = np.random.default_rng(seed)
    n = 3_000
    opened = rng.uniform(0, 30 * 86_400, n)
    frame = pd.DataFrame(
        {"customer_key": rng.integers(0, 900, n), "opened": opened, "wait_s": rng.exponential(20 * 3_600.0, n)}
    )
    more = frame[rng.random(n) < again]
    more = more.assign(opened=more["opened"] + rng.random(len(more)) * np.minimum(more["wait_s"], 72 * 3_600.0))
    both = pd.concat([frame, more])
    both = both[both["opened"] < 30 * 86_400]
    return both.assign(customer_key=both["customer_key"].astype(str), channel="email", outcome="answered", ticket=True,
                       opened_at=pd.Timestamp("2026-10-01") + pd.to_timedelta(both["opened"], unit="s"))  # fmt: skip


def test_by_chance_is_what_chance_gives_and_more_is_found():
    by_chance = [asked_again(after_tickets(world(0.0, seed), again_s=72 * 3_600.0)).iloc[0] for seed in range(8)]
    differences = np.array([row["difference"] for row in by_chance])
    assert abs(differences.mean()) < 3 * differences.std(ddof=1) / math.sqrt(8)
    assert sum(row["difference_lower"] <= 0 <= row["difference_upper"] for row in by_chance) >= 6
    more = asked_again(after_tickets(world(0.10, 1), again_s=72 * 3_600.0)).iloc[0]
    assert more["difference_lower"] > 0
    assert more["difference"] == pytest.approx(0.10, abs=0.03)
