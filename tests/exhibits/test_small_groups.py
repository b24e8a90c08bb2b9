"""Cells of few people are held back, and so is what would tell them; tables worked by hand, and rules that always hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.exhibits import hold_back
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.show import FIGURE, TABLE, table_bundle
from cxresearch.exhibits.small_groups import held_back, smallest_group, told_whole
from cxresearch.exhibits.waiting import loss_by_hour, loss_by_week_hour

U, N = "under", "not_shown"


@pytest.fixture(autouse=True)
def five():
    yield
    hold_back(smallest_group=5)


def losses(left, queued=None, by="queue"):
    queued = queued or [100] * len(left)
    table = pd.DataFrame({by: list("abcdefgh")[: len(left)], "queued": queued, "left": left})
    share = table["left"] / table["queued"]
    return table.assign(share_left_of_queued=share, lower=share / 2, upper=share * 2)


def marks(table, people=None):
    held = held_back(table, people)
    return None if held is None else held.to_numpy().tolist()


def test_a_row_with_a_small_cell_keeps_its_name_and_its_largest_count():
    assert marks(losses([3, 4, 20])) == [
        ["", "", U, N, N, N],
        ["", "", U, N, N, N],
        ["", "", "", "", "", ""],
    ]


def test_one_cell_alone_takes_the_next_smallest_with_it():
    assert [row[2] for row in marks(losses([4, 30, 20, 60]))] == [U, "", N, ""]


def test_cells_that_hold_too_few_together_take_another_with_them():
    assert [row[2] for row in marks(losses([1, 1, 9, 20]))] == [U, U, N, ""]
    assert [row[2] for row in marks(losses([1, 4, 9, 20]))] == [U, U, "", ""]


def test_a_small_group_itself_has_no_number_left():
    assert marks(losses([1, 20, 30], queued=[3, 90, 80])) == [
        ["", U, U, N, N, N],
        ["", "", N, N, N, N],
        ["", N, N, N, N, N],
    ]


def test_nobody_is_no_secret_and_enough_are_none():
    assert marks(losses([0, 5, 20])) is None
    assert marks(losses([1, 1]).rename(columns={"queue": "step"})) is None, "steps of a whole are no groups"
    assert marks(losses([1, 1])[["queue", "share_left_of_queued"]]) is None
    shares = pd.DataFrame({"channel": ["a", "b"], "answered": [1.0, 0.5]})
    assert held_back(shares, units={"answered": "share"}) is None, "a share is no count, whatever its name"


def test_messages_are_looked_at_moment_by_moment():
    firsts = pd.DataFrame({"channel": list("aabb"), "within_s": [60.0, 3600.0] * 2, "messages": [40, 40, 3, 3]})
    firsts["answered"] = [0.5, 0.75, 0.0, 1 / 3]
    held = held_back(firsts, {"answered": firsts["messages"]}, {"answered": "share"})
    assert held["messages"].tolist() == [N, N, U, U]
    assert held["answered"].tolist() == [N, N, N, N]
    assert held["within_s"].tolist() == [""] * 4


def test_a_mean_and_a_share_are_taken_for_the_people_they_tell():
    hours = pd.DataFrame({"hour": [0, 1, 2], "arrivals_per_h": [0.25, 3.0, 4.0], "left_per_h": [0.15, 0.5, 0.6]})
    assert marks(hours, {"arrivals_per_h": 20, "left_per_h": 20}) == [["", "", N], ["", "", N], ["", "", ""]]
    queues = losses([3, 20, 30]).drop(columns="left")
    assert marks(queues, {"share_left_of_queued": queues["queued"]}) == [["", "", N, N, N], ["", "", N, N, N], [""] * 5]


def test_in_a_table_by_two_groups_no_cell_is_alone_in_either():
    table = pd.DataFrame(
        [(day, hour, 50 + 10 * day + hour) for day in (1, 2, 3) for hour in (8, 9, 10)],
        columns=["weekday", "hour", "contacts"],
    )
    table.loc[0, "contacts"] = 2
    held = (held_back(table)["contacts"] != "").to_numpy().reshape(3, 3)
    assert held.any()
    for line in [*held, *held.T]:
        assert line.sum() != 1


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 40), st.integers(0, 40)), min_size=2,
             max_size=12, unique_by=lambda row: row[:2]),
)  # fmt: skip
def test_nothing_that_is_shown_tells_what_is_not(rows):
    table = pd.DataFrame(rows, columns=["weekday", "hour", "left", "answered"])
    table.insert(2, "queued", table["left"] + table["answered"])
    held = held_back(table)
    counts = table[["queued", "left", "answered"]]
    small = counts.lt(5) & counts.gt(0)
    if held is None:
        assert not small.to_numpy().any()
        return
    hidden = held[counts.columns] != ""
    assert (hidden | ~small).to_numpy().all()
    assert (held[counts.columns] == U).equals(small)
    # Two counts of a row give the third.
    assert (hidden.sum(axis=1) != 1).all()
    for key in (np.zeros(len(table)), table["weekday"], table["hour"]):
        for _, line in counts.groupby(key):
            for name in counts:
                gone = hidden.loc[line.index, name]
                told = line.loc[gone, name]
                others = line.loc[~gone, name]
                assert not gone.any() or (len(told) > 1 and told.sum() >= 5) or not (others > 0).any()


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "5", None])
def test_what_is_no_number_of_people_is_refused(wrong):
    with pytest.raises(ValueError, match="whole number of people"):
        hold_back(smallest_group=wrong)
    assert smallest_group() == 5


def test_a_page_a_csv_and_a_caption_say_what_is_held_back():
    table = losses([3, 4, 20])
    content = table_bundle(table, caption="By queue.", kind="estimated")[TABLE]
    assert content["rows"][0] == ["a", "100", "under 5", "not shown", "not shown", "not shown"]
    assert content["rows"][2][2:4] == ["20", "20.0 %"]
    assert content["csv"].splitlines()[1:] == [
        "a,100,under 5,not shown,not shown,not shown", "b,100,under 5,not shown,not shown,not shown", "c,100,20,0.2,0.1,0.4",
    ]  # fmt: skip
    assert content["caption"] == "By queue. Counts of fewer than 5 people, and what would tell them, are not shown"
    hold_back(smallest_group=1)
    content = table_bundle(table, caption="By queue.", kind="estimated")[TABLE]
    assert (content["caption"], content["rows"][0][2]) == ("By queue.", "3")


def test_an_exhibit_shows_no_small_cell_and_keeps_every_number_for_who_asks():
    exhibit = Exhibit(finding="By queue", table=losses([3, 4, 20]))
    (bundle,) = exhibit.bundles()
    assert bundle[TABLE]["rows"][1][2] == "under 5"
    assert "<td" in bundle["text/html"]
    assert ">3<" not in bundle["text/html"]
    assert exhibit.table["left"].tolist() == [3, 4, 20]


RANKS = pd.DataFrame(columns=["ranked", "hour", "people", "share", "value", "contacts"])


@pytest.mark.parametrize("exhibit", [loss_by_hour, loss_by_week_hour])
def test_a_chart_leaves_out_what_its_table_does(exhibit, monkeypatch):
    monkeypatch.setattr("cxresearch.exhibits.waiting.losses", lambda *_: "A finding")
    table = losses([3, 4, 40, 50], by="hour").assign(hour=[8, 9, 10, 11], mean_wait_s=60.0, weekday=1)
    table.attrs["days"] = 20
    shown = exhibit(table, ranks=RANKS)
    (bundle,) = shown.bundles()
    behind = bundle[FIGURE]["table"]
    share = [column["name"] for column in behind["columns"]].index("share_left_of_queued")
    assert [row[share] for row in behind["rows"]].count("not shown") == 2
    drawn = shown.draw.args[0]
    assert sorted(drawn["hour"]) == [10, 11]
    assert "8 h" not in bundle[FIGURE]["description"]
    hold_back(smallest_group=1)
    assert sorted(exhibit(table, ranks=RANKS).draw.args[0]["hour"]) == [8, 9, 10, 11]


def test_what_is_told_whole_are_the_rows_with_nothing_held_back():
    assert told_whole(losses([3, 4, 20]))["queue"].tolist() == ["c"]
    assert told_whole(losses([30, 40, 20]))["queue"].tolist() == ["a", "b", "c"]
