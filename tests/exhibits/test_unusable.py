"""Rows that cannot be used: what leads the page, worked by hand, and what refuses a period."""

from __future__ import annotations

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.contacts import LogError, load
from cxresearch.exhibits.headlines import unusable_points


def _usable(**outcomes: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame([(name, *n) for name, n in outcomes.items()], columns=["outcome", "kept", "unusable"])


def _frame(unusable_left: int, unusable_answered: int) -> pd.DataFrame:
    """1,000 contacts of October, 200 of which gave up; some waits are negative."""
    n = pd.Series(range(1000))
    left = n % 5 == 0
    place = left.groupby(left).cumcount()
    bad = (left & (place < unusable_left)) | (~left & (place < unusable_answered))
    return pd.DataFrame(
        {
            "channel": "phone", "opened_at": pd.Timestamp("2026-10-01 08:00") + pd.to_timedelta(n * 43, unit="min"),
            "wait_s": (10.0 + n % 7).where(~bad, -1.0), "outcome": left.map({True: "abandoned", False: "answered"}),
        }
    )  # fmt: skip


def test_the_point_worked_by_hand():
    ((lead, sentence),) = unusable_points(_usable(abandoned=(200, 800), answered=(1000, 0)), "October 2026")
    assert lead == "40.0 % of the rows of October 2026 cannot be used."
    assert sentence == (
        "They are 800 of 2,000: of the rows of those who gave up 800 of 1,000. Of those answered or lost 16.7 % gave up "
        "among the rows used, 50.0 % with the others. All numbers are of the rows used."
    )


@pytest.mark.parametrize(
    ("usable", "leads"),
    [
        (_usable(abandoned=(100, 0), answered=(900, 0)), False),
        (_usable(abandoned=(100, 4), answered=(900, 40)), False),  # 4.2 %, alike in both
        (_usable(abandoned=(100, 6), answered=(900, 54)), True),  # 5.7 %
        (_usable(abandoned=(100, 7), answered=(900, 0)), True),  # 0.7 %, and 10 % become 10.6 %
        (_usable(abandoned=(100, 5), answered=(900, 0)), False),  # 10 % become 10.4 %
        (_usable(abandoned=(100, 0), answered=(900, 0), unknown=(0, 60)), True),
        (_usable(unknown=(0, 60), open=(10, 0)), True),
        (_usable(), False),
    ],
)
def test_it_leads_where_they_are_many_or_move_the_share(usable, leads):
    assert bool(unusable_points(usable, "October 2026")) is leads


@pytest.mark.parametrize(("undated", "leads"), [(0, False), (100, False), (120, True)])
def test_rows_without_a_date_lead_where_they_are_many_of_the_log(tmp_path, undated, leads):
    """They are held against the log: in the period they are no more unusable than in any other."""
    path, other = tmp_path / "log.csv", _frame(0, 0)
    frame = pd.concat(
        [_frame(0, 0), other.assign(opened_at=other["opened_at"] - pd.DateOffset(months=1))], ignore_index=True
    )
    frame["contact_id"], frame["opened_at"] = frame.index.astype(str), frame["opened_at"].astype(str)
    frame.loc[frame.index[:undated], "opened_at"] = None
    frame.to_csv(path, index=False)
    for _ in range(2):  # read, and read from what was kept
        month = load(path).period("2026-10")
        assert month.counts.get("undated", 0) == undated
        points = cx.main_points(month, channel="phone").table
        assert (points["lead"].iloc[0] == "6.0 % of the rows of the log have no date.") is leads
    tickets = frame.assign(channel="email", outcome="answered")
    tickets.to_csv(path, index=False)
    points = cx.tickets_happened(load(path).period("2026-10"))[-1].table
    assert (points["lead"].iloc[0] == "6.0 % of the rows of the log have no date.") is leads


def test_it_stands_before_all_other_points():
    month = load(_frame(20, 60)).period("2026-10")
    assert month.usable.to_numpy().tolist() == [["abandoned", 180, 20], ["answered", 740, 60]]
    points = cx.main_points(month, channel="phone").table
    assert points["lead"].iloc[0] == "8.0 % of the rows of October 2026 cannot be used."
    assert cx.account(month).says == (
        "Rows that cannot be used, by how they ended: of the rows of those who gave up 20 of 200, of the rows of the "
        "answered 60 of 800."
    )
    clean = load(_frame(0, 0)).period("2026-10")
    assert not cx.account(clean).says
    assert "cannot be used" not in " ".join(cx.main_points(clean, channel="phone").table["lead"])


def test_a_period_that_lost_a_fifth_is_refused_and_a_word_overrules_it():
    frame = _frame(150, 60)
    with pytest.raises(
        LogError,
        match=r"210 of 1,000 rows of October 2026 cannot be used \(negative wait_s: 210\).*unusable_up_to = 0.21$",
    ):
        load(frame).period("2026-10")
    assert load(frame, mapping={"unusable_up_to": 0.21}).period("2026-10").counts["kept"] == 790
    assert load(_frame(140, 60)).period("2026-10").counts["kept"] == 800, "a fifth is not more than a fifth"


def test_rows_that_are_no_contacts_are_not_counted_against_it():
    frame = _frame(0, 0).assign(direction=["in", *["out"] * 9] * 100)
    month = load(frame, mapping={"rows": {"direction": ["in"]}}).period("2026-10")
    assert (month.counts["set_aside"], month.usable["unusable"].sum()) == (900, 0)


@pytest.mark.parametrize("limit", [1.5, -0.1, "0.3", True])
def test_a_limit_that_is_no_share_is_refused(limit):
    with pytest.raises(LogError, match=r"unusable_up_to = .* is no share of rows"):
        load(_frame(0, 0), mapping={"unusable_up_to": limit})
