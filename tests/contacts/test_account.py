"""Every row of a log is in the bridge once, and what those who gave up did next is what their rows say."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.contacts import bridge_table, kept_period, load
from tests.exhibits.odd_logs import NAME, odd_logs
from tests.report.test_whole_report import two_months

ODD = odd_logs()


def calls(*rows: tuple[str, str, str | None], **columns: object) -> pd.DataFrame:
    """Rows of (opened, outcome, customer) in October 2026, on the phone, after a wait of 10 s."""
    frame = pd.DataFrame(rows, columns=["opened_at", "outcome", "customer_key"])
    frame["opened_at"] = pd.to_datetime("2026-10-" + frame["opened_at"])
    return frame.assign(channel="phone", wait_s=10.0).assign(**columns)


def test_what_followed_worked_by_hand():
    frame = calls(
        ("01 08:00", "abandoned", "a"), ("01 08:30", "abandoned", "a"), ("02 08:15", "answered", "a"),
        ("03 08:00", "abandoned", "b"), ("03 08:00", "answered", "b"), ("05 08:00", "answered", "b"),
        ("04 08:00", "abandoned", None), ("29 12:00", "abandoned", "c"), ("30 11:00", "answered", "c"),
        ("30 12:30", "abandoned", "d"), ("30 13:00", "answered", "d"), ("31 12:00", "answered", None),
    )  # fmt: skip
    after = load(frame).period("2026-10").after_leaving.set_index("day").drop(columns="channel")
    expected = pd.DataFrame(
        {  # known, left_known, followed, answered_24h, again_1h
            "2026-10-01": [2, 2, 2, 1, 1],  # at 08:00 the answer came after 24 h 15 min, at 08:30 in time
            "2026-10-02": [1, 0, 0, 0, 0],
            "2026-10-03": [2, 1, 1, 0, 0],  # the other contact of that second is not later
            "2026-10-05": [1, 0, 0, 0, 0],
            "2026-10-29": [1, 1, 1, 1, 0],
            "2026-10-30": [1, 1, 0, 0, 0],  # the log ends on the 31st at noon: answered, but not followed
        }, index=list(after.columns),
    ).T  # fmt: skip
    expected.index = pd.to_datetime(expected.index)
    pd.testing.assert_frame_equal(after, expected, check_names=False, check_index_type=False, check_freq=False)


def test_the_next_answer_may_come_on_another_channel_and_a_bot_was_not_asked():
    frame = calls(("01 08:00", "abandoned", "a"), ("01 09:00", "answered", "a"), ("02 09:00", "deflected", "a"),
                  ("09 09:00", "answered", None))  # fmt: skip
    frame["channel"] = ["phone", "chat", "phone", "phone"]
    phone = load(frame.assign(queued=[True, True, False, True])).period("2026-10").only(channel="phone")
    assert phone.after_leaving[["known", "followed", "answered_24h", "again_1h"]].sum().tolist() == [1, 1, 1, 1]


def adds_up(table: pd.DataFrame) -> None:
    number = table.set_index("step")["contacts"]
    assert number.index.is_unique
    for step, parts in table[table["part_of"] != ""].groupby("part_of"):
        assert parts["contacts"].sum() == number[step], step
    assert set(table["part_of"]) - {""} <= set(number.index)
    if "gave up in all" in number:
        assert number["gave up in all"] == number["gave up"] + number["gave up before the queue"]
    assert (table["contacts"] >= 0).all()


@pytest.mark.parametrize("odd", ODD)
def test_every_step_adds_up_to_the_contact(odd):
    month = load(ODD[odd]).period(NAME)
    for mine in (month, month.only(channel="email" if odd.startswith("e-mail") else "phone")):
        table = bridge_table(mine)
        adds_up(table)
        assert table["contacts"].iloc[0] == len(ODD[odd])


@settings(max_examples=12)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 40 * 24), st.sampled_from(["abandoned", "answered", "deflected", "open"]),
            st.sampled_from(["a", "b", None]), st.sampled_from(["phone", "chat"]), st.booleans(),
        ), min_size=1, max_size=40,
    )
)  # fmt: skip
def test_what_followed_is_what_a_look_at_every_pair_says(rows):
    frame = pd.DataFrame(rows, columns=["hours", "outcome", "customer_key", "channel", "queued"])
    frame["opened_at"] = pd.Timestamp("2026-10-01") + pd.to_timedelta(frame["hours"], unit="h")
    inside = frame[frame["opened_at"] < "2026-11-01"]
    if inside.empty:
        return
    month = load(frame.assign(wait_s=1.0)).period("2026-10")
    adds_up(bridge_table(month))
    end = inside["hours"].max() - 24
    counts = [0, 0, 0, 0, 0]
    for row in inside[inside["customer_key"].notna()].itertuples():
        later = inside[(inside["customer_key"] == row.customer_key) & (inside["hours"] > row.hours)]
        left, seen = row.outcome == "abandoned", row.hours <= end
        answered = ((later["outcome"] == "answered") & (later["hours"] <= row.hours + 24)).any()
        again = (later["hours"] <= row.hours + 1).any()
        asked = row.queued or row.outcome != "deflected"
        for place, holds in enumerate(
            (seen and asked, left, left and seen, left and seen and answered, left and seen and again)
        ):
            counts[place] += bool(holds)
    assert month.after_leaving.drop(columns=["day", "channel"]).sum().tolist() == counts


def test_it_is_kept_with_the_counts_and_found_again(tmp_path):
    two_months(tmp_path / "calls.csv")
    month = load(tmp_path / "calls.csv").period("2026-10")
    month.keep(tmp_path)
    pd.testing.assert_frame_equal(kept_period(tmp_path).after_leaving, month.after_leaving)
    assert month.only(queue="a").after_leaving is None


def test_the_bank_in_february(shared):
    """1,835 of the 3,963 who left have a customer number; three in five were answered within 24 hours."""
    mine = load(shared / "data" / "anonymous-bank").period("1999-02").only(channel="phone")
    number = bridge_table(mine).set_index("step")["contacts"]
    assert number[["Rows of the log", "rows of February 1999", "asked", "queued", "gave up", "customer known"]].tolist() == [
        64_943, 33_344, 31_125, 18_058, 3_963, 1_835,
    ]  # fmt: skip
    assert number["answered within 24 h"] / number["followed for 24 h"] == pytest.approx(0.62, abs=0.005)
    assert mine.after_leaving["again_1h"].sum() / number["followed for 24 h"] == pytest.approx(0.48, abs=0.005)
