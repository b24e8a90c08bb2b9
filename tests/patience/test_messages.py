"""Slow channels: intervals by hand, at their limits and at the best; requests and conversations read as they are."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.patience import (
    first_responses,
    first_shares,
    interval_survival,
    nyc311_account,
    nyc311_responses,
    response_outcomes,
    twitter_account,
    twitter_responses,
    unanswered_shares,
)
from cxresearch.simulate import simulate_contacts
from cxresearch.survival import aalen_johansen, kaplan_meier

OPEN = math.inf


def intervals(*rows: tuple[float, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["earliest_s", "latest_s", "contacts"])


def law(*rows: tuple[float, float, int]) -> list[list[float]]:
    return interval_survival(intervals(*rows))[["from_s", "duration_s", "probability", "survival"]].to_numpy().tolist()


def log_likelihood(table: pd.DataFrame, estimate: pd.DataFrame) -> float:
    """Of the whole table, looked up row by row."""
    total = 0.0
    for row in table.itertuples():
        # An exact time holds itself; an interval holds what begins in it and ends in it.
        inside = (estimate["from_s"] >= row.earliest_s) & (estimate["duration_s"] <= row.latest_s)
        if row.earliest_s < row.latest_s:
            inside &= ~((estimate["from_s"] == row.earliest_s) & (estimate["duration_s"] == row.earliest_s))
        total += row.contacts * math.log(estimate.loc[inside, "probability"].sum())
    return total


@st.composite
def interval_tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 0, 1, 2, 5, OPEN]), st.integers(1, 6)),
                         min_size=1, max_size=12))  # fmt: skip
    return intervals(*[(float(low), float(low + width), number) for low, width, number in rows])


# --- the estimate


def test_intervals_that_do_not_meet_share_out_by_counting():
    assert law((0, 60, 3), (60, 120, 1)) == [[0, 60, 0.75, 0.25], [60, 120, 0.25, 0]]


def test_a_wide_interval_lends_its_weight_to_what_is_known_inside_it():
    # Of (0, 120] nothing says where: it follows the 3 to 1 of the others.
    (first, second) = law((0, 60, 3), (60, 120, 1), (0, 120, 4))
    assert first[2:] == pytest.approx([0.75, 0.25])
    assert second[2:] == pytest.approx([0.25, 0.0])


def test_an_interval_begins_after_its_first_second():
    # Answered exactly at 60 s is not after 60 s.
    assert law((60, 60, 1), (60, 90, 1)) == [[60, 60, 0.5, 0.5], [60, 90, 0.5, 0.0]]
    assert law((30, 60, 1), (60, 60, 1)) == [[60, 60, 1.0, 0.0]]


def test_overlapping_intervals_worked_by_hand():
    # (0, 2] once and (1, 3] once overlap in (1, 2]; with (2, 4] twice: p of (1, 2] and q of (2, 3] share it.
    # log p + log(p + q) + 2 log q with p + q = 1 is highest at p = 1/3.
    (first, second) = law((0, 2, 1), (1, 3, 1), (2, 4, 2))
    assert first == pytest.approx([1, 2, 1 / 3, 2 / 3])
    assert second == pytest.approx([2, 3, 2 / 3, 0.0], abs=1e-8)


def test_open_contacts_are_still_open_at_the_end():
    rows = law((10, 10, 2), (20, OPEN, 2))
    assert rows == [[10, 10, 0.5, 0.5], [20, OPEN, 0.5, 0.0]]


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.integers(1, 9)), min_size=1, max_size=25))
def test_exact_and_open_times_give_the_kaplan_meier_curve(contacts):
    if not any(answered for _, answered, _ in contacts):
        return
    exact = pd.DataFrame([(float(t), "answered" if answered else "open", n) for t, answered, n in contacts],
                         columns=["duration_s", "outcome", "contacts"])  # fmt: skip
    ours = interval_survival(intervals(*[(t, t if answered else OPEN, n) for t, answered, n in contacts]))
    curve = kaplan_meier(exact, event="answered")
    curve = curve[curve["events"] > 0]
    finite = ours[np.isfinite(ours["duration_s"])]
    assert finite["duration_s"].tolist() == curve["duration_s"].tolist()
    np.testing.assert_allclose(finite["survival"], curve["survival"], atol=1e-7)


@given(interval_tables())
def test_no_other_place_for_a_share_makes_the_data_likelier(table):
    """The condition of Gentleman and Geyer: moving a little of every share to any one interval gains nothing."""
    found = interval_survival(table)
    assert found["probability"].sum() == pytest.approx(1.0)
    best, total = log_likelihood(table, found), table["contacts"].sum()
    ends = sorted({*table["earliest_s"], *table["latest_s"]} - {OPEN})
    # A share just at the end of a gap between ends lies in every interval that any share in the gap lies in.
    for begin, end in [*((v, v) for v in ends), (ends[-1], OPEN)]:
        spot = pd.DataFrame({"from_s": [begin], "duration_s": [end], "probability": [1e-6]})
        moved = pd.concat([found.assign(probability=found["probability"] * (1 - 1e-6)), spot])
        assert log_likelihood(table, moved) <= best + 1e-8 * total


@given(interval_tables(), st.integers(2, 5))
def test_counting_each_contact_several_times_changes_nothing(table, times):
    once, more = interval_survival(table), interval_survival(table.assign(contacts=table["contacts"] * times))
    assert once["duration_s"].tolist() == more["duration_s"].tolist()
    np.testing.assert_allclose(once["probability"], more["probability"], atol=1e-6)


def looked_at(size: int, seed: int) -> pd.DataFrame:
    """Exponential response times, mean 10; each log is looked at every few units until 30."""
    rng = np.random.default_rng(seed)
    times, gap, first = rng.exponential(10, size), rng.uniform(0.5, 4, size), rng.uniform(0, 3, size)
    step = np.ceil((times - first) / gap)
    low = np.where(times <= first, 0, first + (step - 1) * gap)
    high = np.where(times <= first, first, first + step * gap)
    late = high > 30
    return pd.DataFrame({"earliest_s": np.where(late, np.minimum(low, 30), low).round(2),
                         "latest_s": np.where(late, OPEN, high.round(2)), "contacts": 1})  # fmt: skip


def test_the_law_behind_looks_at_random_times_is_found():
    found = interval_survival(looked_at(3_000, 1))
    for t in (5.0, 10.0, 20.0):
        after = found.loc[found["duration_s"] <= t, "survival"].iloc[-1]
        assert after == pytest.approx(math.exp(-t / 10), abs=0.05)


def test_shares_unanswered_hold_the_truth_and_order():
    shares = unanswered_shares(looked_at(600, 3), [5, 10, 20, 60], replicates=40, rng=np.random.default_rng(1))
    assert shares["within_s"].tolist() == [5, 10, 20, 60]
    known = shares.iloc[:3]
    assert (known["lower"] <= known["least"]).all()
    assert (known["least"] <= known["most"]).all()
    assert (known["most"] <= known["upper"]).all()
    truth = np.exp(-known["within_s"] / 10)
    assert ((known["lower"] < truth) & (truth < known["upper"])).all()
    assert shares["least"].iloc[3] == 0, "what was open at 30 may have been answered by 60"
    assert shares["most"].iloc[3] > 0


def test_inside_an_interval_the_share_is_known_between_two_bounds_only():
    table = intervals((0, 60, 1), (60, 120, 3)).assign(agency="A")
    (row,) = unanswered_shares(table, [90], by="agency", replicates=5, rng=np.random.default_rng(1)).to_dict("records")
    assert (row["agency"], row["least"], row["most"]) == ("A", 0.0, 0.75)


# --- competing outcomes


FIRST = pd.DataFrame({"duration_s": [10.0, 20.0, 30.0, 40.0], "contacts": [1, 1, 1, 1],
                      "outcome": ["answered", "asked_again", "open", "moved"]})  # fmt: skip


def test_what_comes_first_worked_by_hand():
    last = response_outcomes(FIRST).groupby("outcome")["probability"].last()
    assert last.to_dict() == pytest.approx({"answered": 1 / 4, "asked_again": 1 / 4, "moved": 1 / 2})


def test_the_words_of_slow_channels_change_nothing_but_the_words():
    known = FIRST.assign(outcome=["answered", "abandoned", "open", "deflected"])
    columns = ["probability", "se", "lower", "upper"]
    np.testing.assert_array_equal(
        response_outcomes(FIRST).sort_values(["duration_s", "probability"])[columns],
        aalen_johansen(known).sort_values(["duration_s", "probability"])[columns],
    )


# --- the messages of a log


def log_of(*rows: tuple) -> pd.DataFrame:
    columns = ["customer_key", "channel", "second", "wait_s", "outcome"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["opened_at"] = pd.Timestamp("2024-05-01") + pd.to_timedelta(frame.pop("second"), unit="s")
    return frame.astype({"wait_s": float, "customer_key": "str", "channel": "str", "outcome": "str"})


MESSAGES = log_of(
    ("a", "email", 0, 3600, "answered"), ("a", "email", 600, 500, "answered"),  # asked again after ten minutes
    ("b", "email", 0, 3600, "answered"), ("b", "phone", 900, 20, "answered"),  # took the phone
    ("c", "email", 0, 3600, "answered"), ("c", "email", 3600, 60, "abandoned"),  # the answer, then another matter
    ("d", "social", 10, 7200, "open"), ("d", "phone", 5, 30, "answered"),  # the call came before
    (None, "email", 0, 100, "deflected"), (None, "email", 50, 100, "answered"),  # who they are is not known
)  # fmt: skip
CAME_FIRST = [
    ["email", 60.0, "moved", 1], ["email", 100.0, "answered", 2], ["email", 500.0, "answered", 1],
    ["email", 600.0, "asked_again", 1], ["email", 900.0, "moved", 1], ["email", 3600.0, "answered", 1],
    ["social", 7200.0, "open", 1],
]  # fmt: skip


@pytest.mark.parametrize("engine", [pd.DataFrame, pl.from_pandas, lambda t: duckdb.connect().from_df(t)])
def test_what_came_first_in_a_log_worked_by_hand(engine):
    table = first_responses(engine(MESSAGES))
    assert table.to_numpy().tolist() == CAME_FIRST
    assert table.attrs["customers_unknown"] == 2


def test_shares_of_what_came_first_worked_by_hand():
    shares = first_shares(first_responses(MESSAGES), [100.0, 7200.0, 7201.0])
    words = ["answered", "asked_again", "moved", "nothing_yet"]
    email, social = (shares[shares["channel"] == c].set_index("within_s") for c in ("email", "social"))
    assert email.loc[100.0, words].tolist() == pytest.approx([2 / 7, 0, 1 / 7, 4 / 7])
    # All e-mails have ended within the hour: nothing is unknown later.
    assert email.loc[7201.0, words].tolist() == pytest.approx([4 / 7, 1 / 7, 2 / 7, 0], abs=1e-12)
    assert (email["messages"].iloc[0], social["messages"].iloc[0]) == (7, 1)
    assert social.loc[7200.0, words].tolist() == [0, 0, 0, 1]
    assert social.loc[7201.0, words].isna().all()


def test_a_log_without_messages_has_an_empty_table():
    assert first_responses(MESSAGES[MESSAGES["channel"] == "phone"]).empty


def test_a_log_without_customers_says_so():
    with pytest.raises(ValueError, match="no column customer_key"):
        first_responses(MESSAGES.drop(columns="customer_key"))


def test_messages_of_unknown_customers_come_back_as_they_waited():
    log = simulate_contacts(start="2024-06-01", months=1, contacts=4_000, rng=np.random.default_rng(5))
    alone = first_responses(log.assign(customer_key=None).astype({"customer_key": "str"}))
    slow = log[log["channel"].isin(["email", "social"])]
    assert alone["contacts"].sum() == len(slow) == alone.attrs["customers_unknown"]
    words = {"answered": "answered", "abandoned": "moved", "open": "open"}
    expected = slow.assign(outcome=slow["outcome"].map(words)).groupby(["channel", "wait_s", "outcome"]).size()
    assert alone["contacts"].tolist() == expected.tolist()
    together = first_responses(log)
    assert together["contacts"].sum() == len(slow)
    assert set(together["outcome"]) == {"answered", "moved", "asked_again", "open"}


# --- requests to a city


REQUESTS = pd.DataFrame({
    "Created Date": ["3/8/2025 23:00", "3/9/2025 12:00", "3/10/2025 8:00", "3/10/2025 9:00", "3/11/2025 10:00"],
    "Closed Date": ["3/9/2025 6:00", "3/9/2025 12:00", None, "3/10/2025 9:00", "3/11/2025 10:30"],
    "Resolution Action Updated Date": [None, "3/11/2025 12:00", "3/11/2025 18:00", None, "3/11/2025 10:30"],
    "Agency": list("AABBB"),
})  # fmt: skip


def test_requests_worked_by_hand():
    table = nyc311_responses(REQUESTS, by="Agency")
    assert table.sort_values("latest_s")[["Agency", "earliest_s", "latest_s"]].to_numpy().tolist() == [
        ["B", 0.0, 30.0],  # closed as it was opened and never touched again
        ["B", 1770.0, 1830.0],
        ["A", 6 * 3600.0 - 30, 6 * 3600.0 + 30],  # seven hours on the wall, six in the night the clocks went on
        ["A", 0.0, 48 * 3600.0 + 30],  # closed as it was opened, last touched two days later
        ["B", 34 * 3600.0, OPEN],
    ]
    account = nyc311_account(REQUESTS)["rows"].tolist()
    assert account == [5, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="Closed Date"), "no column Closed Date"),
        (lambda t: t.assign(**{"Closed Date": "yesterday"}), "5 of 5 rows"),
        (lambda t: t.assign(**{"Created Date": None}), "Created Date is empty in 5"),
        (lambda t: t.assign(**{"Closed Date": "3/1/2025 1:00"}), "5 of 5 requests were closed before"),
    ],
)
def test_bad_requests_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        nyc311_responses(change(REQUESTS))


def test_the_citys_requests_are_all_accounted_for(shared):
    requests = pd.read_parquet(shared / "data" / "nyc311" / "requests.parquet")
    account = nyc311_account(requests)["rows"].tolist()
    assert account == [4969, 4383, 309, 277, 79]
    assert account[0] == sum(account[1:4])
    table = nyc311_responses(requests, by="Agency")
    assert table["contacts"].sum() == 4969
    assert table.loc[np.isinf(table["latest_s"]), "contacts"].sum() == 277
    curve = interval_survival(table, by="Agency")
    day = curve[curve["duration_s"] <= 86_400].groupby("Agency")["survival"].last()
    # The police close nearly all within a day, the health department half, dead animals wait for days.
    assert day["NYPD"] < 0.05 < 0.1 < day["DPR"] < 0.15 < 0.4 < day["DOHMH"] < 0.6 < 0.7 < day["DSNY"]


# --- conversations


def turns(*messages: tuple[int, str, float, bool]) -> pd.DataFrame:
    rows = pd.DataFrame(messages, columns=["conversation", "role", "second", "is_url_reply"])
    times = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(rows["second"], unit="s")
    return rows.assign(split="dev", turn=rows.groupby("conversation").cumcount(), snowflake_utc=times, brand="B")


def test_conversations_worked_by_hand():
    table = twitter_responses(turns(
        (0, "client", 0, False), (0, "agent", 90.5, True),
        (1, "client", 100, False), (1, "client", 130, False), (1, "agent", 400, True),
        (2, "client", 200, False), (2, "agent", 260, False), (2, "client", 300, False), (2, "agent", 400, True),
        (3, "client", 350, False),
    ), by="brand")  # fmt: skip
    assert table.to_numpy().tolist() == [
        ["B", 30.0, "asked_again", 1], ["B", 50.0, "open", 1], ["B", 60.0, "answered", 1], ["B", 90.5, "moved", 1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="role"), "no column role"),
        (lambda t: t.assign(snowflake_utc=t["snowflake_utc"][::-1].to_numpy()), "1 lie before the turn"),
        (lambda t: t.assign(snowflake_utc=pd.NaT), "2 have none"),
        (lambda t: t.assign(role="agent"), "an agent begins 1 of 1"),
    ],
)
def test_bad_turns_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        twitter_responses(change(turns((0, "client", 0, False), (0, "agent", 90, True))))


def test_the_conversations_say_that_they_were_chosen(shared):
    table = pd.read_parquet(shared / "data" / "ibm-twitter-care" / "turns.parquet")
    account = twitter_account(table).set_index("step")["rows"]
    assert account["Conversations"] == 1025
    assert account["nothing came"] == 0
    assert account.iloc[1:5].sum() == 1025
    found = response_outcomes(twitter_responses(table))
    hour = found[found["duration_s"] <= 3600].groupby("outcome")["probability"].last()
    assert hour.sum() == pytest.approx(0.4537, abs=1e-3)


# --- bad input


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (intervals((0, 60, 1)).drop(columns="latest_s"), "no column latest_s"),
        (intervals((60, 30, 1)), "1 of 1 rows"),
        (intervals((-1, 30, 1)), "1 of 1 rows"),
        (intervals((OPEN, OPEN, 1)), "1 of 1 rows"),
        (intervals((0, math.nan, 1)), "1 of 1 rows"),
        (intervals((0, 60, 1)).assign(contacts=0.5), "whole numbers"),
        (intervals((0, 60, 0)), "no contact"),
        (intervals(), "is empty"),
    ],
)
def test_bad_intervals_are_refused(table, says):
    with pytest.raises(ValueError, match=says):
        interval_survival(table)


def test_unknown_words_and_times_are_refused():
    with pytest.raises(ValueError, match="1 of 4 rows hold solved"):
        response_outcomes(FIRST.assign(outcome=["answered", "solved", "open", "moved"]))
    with pytest.raises(ValueError, match="within_s"):
        unanswered_shares(intervals((0, 60, 1)), [-1], replicates=5, rng=np.random.default_rng(1))
