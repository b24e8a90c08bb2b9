"""The shared ground of the estimators: what is refused, what is summed, and who is at risk, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.risk_table import OUTCOMES, at_risk, cells, checked, column_names, first_place, group_codes, validated

TABLE = pd.DataFrame(
    {
        "queue": ["b", "a", "a", "b"],
        "duration_s": [4.0, 2.0, 6.0, 4.0],
        "outcome": ["answered", "abandoned", "open", "abandoned"],
        "contacts": [1, 2, 3, 5],
    }
)


def test_one_name_may_be_given_bare():
    assert column_names("queue") == ("queue",)
    assert column_names(["queue", "hour"]) == ("queue", "hour")
    assert column_names(()) == ()


def test_checked_adds_up_rows_that_say_the_same_and_sorts_them():
    twice = checked(pd.concat([TABLE, TABLE]), by="queue")
    assert twice.columns.tolist() == ["queue", "duration_s", "outcome", "contacts"]
    assert twice["queue"].tolist() == ["a", "a", "b", "b"]
    assert twice["outcome"].tolist() == ["abandoned", "open", "abandoned", "answered"]
    assert twice["contacts"].tolist() == [4, 6, 10, 2]
    late = checked(pd.concat([TABLE, TABLE]).assign(entry_s=[0.0, 1, 0, 0, 0, 1, 5, 0]))
    assert late[["entry_s", "duration_s", "contacts"]].to_numpy().tolist() == [
        [0, 4, 10], [0, 4, 2], [0, 6, 3], [1, 2, 4], [5, 6, 3],
    ]  # fmt: skip


def test_rows_without_a_contact_are_left_out_and_the_rest_numbered_anew():
    rows = validated(TABLE.assign(contacts=[0, 2, 0, 1]), by=("queue",))
    assert rows.index.tolist() == [0, 1]
    assert rows["contacts"].tolist() == [2, 1]
    odd = validated(TABLE.set_index(pd.Index([7, 7, 8, 9])))
    assert odd.index.tolist() == [0, 1, 2, 3]
    assert odd.columns.tolist() == ["duration_s", "outcome", "contacts"]
    assert odd["outcome"].cat.categories.tolist() == list(OUTCOMES)


def test_the_event_is_asked_for_by_every_check():
    for check in (checked, validated):
        check(TABLE, event="abandoned")
        with pytest.raises(
            ValueError, match=r"'deflected'; .* abandoned \(7 contacts\), answered \(1 contacts\), open"
        ):
            check(TABLE, event="deflected")
        with pytest.raises(ValueError, match="an open contact still waits"):
            check(TABLE, event="open")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contacts": True}, "contacts must hold numbers; all 4 rows are of type bool"),
        ({"contacts": list("1234")}, "contacts must hold numbers"),
        ({"contacts": pd.array([1, None, 3, 4], dtype="Int64")}, r"contacts must be a whole .* 1 of 4 rows .*row 1\)"),
        ({"contacts": [1, np.inf, 3, -1]}, r"contacts must be a whole .* 2 of 4 rows .*row 1\)"),
        ({"contacts": [1, 2, 0.5, 0]}, r"contacts must be a whole .* 1 of 4 rows .*row 2\)"),
        ({"duration_s": pd.array([1.0, 2.0, None, 3.0], dtype="Float64")}, r"duration_s .* 1 of 4 .*row 2\)"),
        ({"duration_s": [np.inf, 2, 6, -0.5]}, r"duration_s must be a number of seconds >= 0; 2 of 4 .*row 0\)"),
        ({"entry_s": [0, 2.0, 0, 0]}, "entry_s must be before duration_s; 1 of 4"),
        ({"entry_s": [0.5, 1.9, 5.9, 0], "duration_s": [0.5, 2, 6, 4]}, "entry_s must be before duration_s; 1 of 4"),
        ({"entry_s": [-0.5, np.inf, 0, 0]}, r"entry_s must be a number of seconds >= 0; 2 of 4 .*row 0\)"),
        ({"outcome": ["lost", None, "open", "open"]}, "2 of 4 rows hold 'lost', '(None|nan)'"),
        ({"outcome": [1, "open", "open", "open"]}, "1 of 4 rows hold '1'"),
        ({"queue": ["a", None, "b", None]}, "queue must say the group of each row; 2 of 4"),
        ({"contacts": 0}, "contacts is 0 in all of its 4 rows"),
    ],
)
def test_a_bad_row_is_refused_by_number(change, message):
    with pytest.raises(ValueError, match=message):
        validated(TABLE.assign(**change), by=("queue",))


def test_a_wait_of_no_time_watched_from_the_start_is_a_wait():
    row = validated(TABLE.assign(duration_s=[0, 2, 6, 4], entry_s=0.0, contacts=[1, 2, 3, 0])).iloc[0]
    assert (row["entry_s"], row["duration_s"], row["contacts"]) == (0, 0, 1)


def test_groups_are_numbered_in_their_order():
    codes, groups = group_codes(validated(TABLE, by=("queue",)), ("queue",))
    assert codes.tolist() == [1, 0, 0, 1]
    assert groups.to_dict("list") == {"queue": ["a", "b"]}
    assert groups.index.tolist() == [0, 1]
    codes, groups = group_codes(validated(TABLE), ())
    assert codes.tolist() == [0, 0, 0, 0]
    assert groups.shape == (1, 0)
    # A group that a category names and no row has is no group.
    named = TABLE.assign(queue=pd.Categorical(TABLE["queue"], categories=["b", "c", "a"]))
    codes, groups = group_codes(validated(named, by=("queue",)), ("queue",))
    assert codes.tolist() == [0, 1, 1, 0]
    assert groups["queue"].tolist() == ["b", "a"]


def test_cells_worked_by_hand():
    found = cells(validated(TABLE, by=("queue",)), by=("queue",))
    assert found.group.tolist() == [0, 0, 1]
    assert found.duration_s.tolist() == [2, 6, 4]
    assert found.at_risk.tolist() == [5, 3, 6]
    assert {name: left.tolist() for name, left in found.left.items()} == {
        "abandoned": [2, 0, 5], "answered": [0, 0, 1], "open": [0, 3, 0],
    }  # fmt: skip
    assert found.leaving.tolist() == [2, 3, 6]
    assert {counts.dtype for counts in (found.at_risk, found.leaving, *found.left.values())} == {np.dtype("int64")}
    assert (found.first.tolist(), found.last.tolist()) == ([0, 2], [1, 2])
    values = np.array([1.0, 10.0, 100.0])
    assert found.before(values, -1.0).tolist() == [-1, 1, -1]
    assert found.after(values, np.array([7.0, 8.0])).tolist() == [10, 7, 8]
    assert found.running_sum(values).tolist() == [1, 11, 100]
    assert found.running_product(values).tolist() == [1, 10, 100]
    assert found.remaining_sum(values).tolist() == [11, 10, 100]
    assert found.exposed(np.array([2, 3, 1]), "exact").tolist() == [5, 3, 6]
    assert found.exposed(np.array([2, 3, 1]), "actuarial").tolist() == [4, 1.5, 5.5]
    labelled = found.labelled(n=values)
    assert labelled.to_dict("list") == {"queue": ["a", "a", "b"], "duration_s": [2, 6, 4], "n": [1, 10, 100]}


def test_the_first_place_of_a_time_in_its_group():
    query_group, query_s = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 1.0, 5.0])
    group, seconds = np.array([0, 0, 0, 1, 1, 1]), np.array([1.0, 2.0, 3.0, 0.5, 1.0, 5.0])
    assert first_place(query_group, query_s, group, seconds, side="left").tolist() == [0, 1, 1, 2, 2, 3]
    assert first_place(query_group, query_s, group, seconds, side="right").tolist() == [1, 1, 2, 2, 3, 4]


@st.composite
def watched(draw: st.DrawFn) -> pd.DataFrame:
    """Contacts of up to three groups on a coarse clock, some of them watched late."""
    rows = draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 6), st.integers(1, 4)), min_size=1)
    )
    frame = pd.DataFrame(rows, columns=["queue", "entry_s", "duration_s", "contacts"]).astype({"duration_s": float})
    late = frame["entry_s"] < frame["duration_s"]
    return frame.assign(entry_s=frame["entry_s"].where(late, 0).astype(float), outcome="abandoned")


@given(watched())
def test_at_risk_is_what_counting_row_by_row_gives(table):
    rows = validated(table, by=("queue",))
    group, groups = group_codes(rows, ("queue",))
    query_s = np.tile([0.0, 0.5, 1, 2, 3, 5.5, 6, 7], len(groups))
    query_group = np.repeat(np.arange(len(groups)), 8)
    expected = [
        rows.loc[
            (group == one) & ((rows["entry_s"] < at) | (rows["entry_s"] == 0)) & (rows["duration_s"] >= at), "contacts"
        ].sum()
        for one, at in zip(query_group, query_s, strict=True)
    ]
    assert at_risk(rows, group, query_group, query_s).tolist() == expected
    found = cells(rows, by=("queue",))
    assert found.leaving.sum() == table["contacts"].sum()
    assert (found.at_risk >= found.leaving).all()
