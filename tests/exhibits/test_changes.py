"""A change: at equal weekdays, by day, corrected for how many are told; and nothing where nothing can be told."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxresearch.exhibits import change_record, change_table, change_text
from cxresearch.exhibits.by_day import COLUMNS, MEASURES
from cxresearch.exhibits.changes import NOT_TOLD, NOTHING
from tests.exhibits.test_headlines import REFERENCE

NUMBERS = ["difference", "difference_lower", "difference_upper", "difference_se", "df", "p_value"]


def table(left, *, first="1999-02-01", step=1, queued=100.0, names=("lost_share",)) -> pd.DataFrame:
    """A headline table of ratios whose days (every ``step`` days from ``first``) have ``left`` of ``queued``."""
    left = np.asarray(left, dtype=float)
    days = pd.Timestamp(first) + pd.to_timedelta(step * np.arange(len(left)), unit="D")
    rows = pd.concat([
        pd.DataFrame({
            "name": name, "day": days, "weekday": days.day_of_week + 1, "weight": 1.0, "influence": math.nan,
            "queued": queued, "top": [[n] for n in left], "below": [[queued]] * len(left),
        }) for name in names
    ])[COLUMNS]  # fmt: skip
    value = left.mean() / queued
    told = pd.DataFrame({
        "name": list(names), "label": "L", "value": value, "lower": value - 0.1, "upper": value + 0.1, "unit": "share",
        "note": "",
    })  # fmt: skip
    told.attrs["days"] = rows
    return told


def test_the_banks_change_agrees_with_the_reference(bank, shared):
    told = json.loads((shared / "reference" / "patience" / "day_intervals.json").read_text())[
        "product cleaning (load_contacts)"
    ]
    rows = change_table(bank["1999-02"], bank["1999-01"]).set_index("name")
    for known in told["change"]:
        if known["name"] in REFERENCE:
            expected = [known[name] for name in ("difference", "lower", "upper", "se", "df", "p")]
            assert rows.loc[REFERENCE[known["name"]], NUMBERS].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert set(rows["verdict"].drop("contacts")) == {NOT_TOLD}
    assert rows.loc["contacts", "verdict"] == NOTHING


def test_days_far_apart_give_the_classical_two_sample_t():
    """Mondays of one length: no neighbours, no weekdays, no sizes; what is left is the textbook's test."""
    now, before = [20, 24, 31, 22, 28, 25], [15, 19, 22, 18, 16, 20]
    row = change_table(table(now, step=7), table(before, first="1998-06-01", step=7)).iloc[0]
    test = stats.ttest_ind(now, before)
    assert row["difference"] == pytest.approx((np.mean(now) - np.mean(before)) / 100)
    assert row["p_value"] == pytest.approx(test.pvalue)
    assert row["df"] == pytest.approx(10)
    low, high = test.confidence_interval(0.95)
    assert row[["difference_lower", "difference_upper"]].tolist() == pytest.approx([low / 100, high / 100])
    assert row["verdict"] == "rose"


def test_the_change_is_at_equal_weekdays():
    """Weekends lose more, and the month before had more of them: nothing changed."""

    def days(first, n):
        dates = pd.Timestamp(first) + pd.to_timedelta(np.arange(n), unit="D")
        return table(np.where(dates.day_of_week >= 5, 40, 10) + np.arange(n) % 2, first=first)

    row = change_table(days("1999-02-01", 26), days("1999-01-01", 31)).iloc[0]
    assert abs(row["value"] - row["previous"]) > 0.01
    assert abs(row["difference"]) < 0.003
    assert row["verdict"] == NOT_TOLD
    working = days("1999-02-01", 26)
    kept = working.attrs["days"]
    working.attrs["days"] = kept[kept["weekday"] <= 5]
    row = change_table(working, days("1999-01-01", 31)).iloc[0]
    assert row["note"] == "left out of the change, as only one of the periods has them: Saturday, Sunday"


@given(st.lists(st.integers(1, 99), min_size=8, max_size=20), st.lists(st.integers(1, 99), min_size=8, max_size=20))
def test_a_change_and_its_opposite_mirror_each_other(now, before):
    one, other = table(now), table(before, first="1998-06-01")
    forth, back = change_table(one, other).iloc[0], change_table(other, one).iloc[0]
    assert forth["difference"] == pytest.approx(-back["difference"], nan_ok=True)
    assert forth["difference_lower"] == pytest.approx(-back["difference_upper"], nan_ok=True)
    assert forth["p_value"] == pytest.approx(back["p_value"], nan_ok=True)
    opposite = {"rose": "fell", "fell": "rose"}
    assert back["verdict"] == opposite.get(forth["verdict"], forth["verdict"])


def test_one_headline_is_tested_alone_and_the_others_together():
    now, before = [20, 24, 31, 22, 28, 25], [17, 21, 24, 20, 18, 22]
    names = ("lost_share", "abandonment_share", "service_level", "mean_wait_s")
    rows = change_table(
        table(now, step=7, names=names), table(before, first="1998-06-01", step=7, names=names)
    ).set_index("name")
    assert rows["p_value"].between(0.02, 0.05).all(), "each by itself is clear"
    assert rows.loc["lost_share", "verdict"] == "rose"
    assert set(rows["verdict"].drop("lost_share")) == {NOT_TOLD}


@pytest.mark.parametrize(
    ("now", "before", "why"),
    [
        (lambda: table([10, 20, 30, 40]), lambda: table(range(10, 38), first="1999-01-01"), "fewer than 5 days"),
        (lambda: table(range(10, 38)), lambda: table(range(10, 38), first="1999-02-20"), "share days"),
        (lambda: table([10] * 28), lambda: table([20] * 28, first="1999-01-01"), "no spread between days"),
        (lambda: table([1, 2, 3, 4, 5, 6, 7] * 4), lambda: table([2, 3, 4, 5, 6, 7, 8] * 4, first="1998-11-02"), "no spread between days"),
        (lambda: table(range(10, 38)).assign(value=math.nan), lambda: table(range(10, 38), first="1999-01-01"), ""),
        (lambda: table(range(28)), lambda: table(range(28), first="1998-01-01").assign(value=math.nan), "in the period before"),
        (lambda: table(range(28)), lambda: table(range(28), first="1998-01-01").assign(name="other"), "in the period before"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_told_the_note_says_why(now, before, why):
    row = change_table(now(), before()).iloc[0]
    assert row["verdict"] == NOTHING
    assert row[NUMBERS].isna().all()
    assert why in row["note"]
    assert change_record(row.to_dict(), "January 1999") is None
    assert change_text(change_table(now(), before()))["change"].tolist() == ["not known"]


def test_without_days_nothing_is_told():
    bare = table(range(28))
    bare.attrs = {}
    for now, before in ((bare, table(range(28), first="1998-01-01")), (table(range(28)), bare)):
        row = change_table(now, before).iloc[0]
        assert (row["verdict"], row["note"]) == (NOTHING, "the days of both periods are not known")
    alone = change_table(table(range(28)), None).iloc[0]
    assert (alone["verdict"], alone["note"]) == (NOTHING, "")


def test_records_are_plain_json(bank):
    moved = change_table(bank["1999-02"], bank["1999-01"])
    changes = [change_record(row, "January 1999") for row in moved.to_dict("records")]
    assert [c and c["distinguishable"] for c in changes] == [None, *[False] * len(MEASURES)]
    assert json.loads(json.dumps(changes)) == changes


def halves(told: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A month split at random into two halves with the same weekdays; of an odd number one day is dropped."""
    days = told.attrs["days"]
    weekday = days.drop_duplicates("day").set_index("day")["weekday"]
    one, other = [], []
    for _, same in weekday.groupby(weekday):
        mixed = rng.permutation(same.index.to_numpy())
        half = len(mixed) // 2
        one, other = [*one, *mixed[:half]], [*other, *mixed[half : 2 * half]]
    parts = []
    for half in (one, other):
        part = told.copy()
        part.attrs = {"days": days[days["day"].isin(half)]}
        parts.append(part)
    return parts[0], parts[1]


def test_halves_of_a_month_in_which_nothing_changed_are_seldom_called_a_change(bank):
    rng = np.random.default_rng(4)
    tables = [change_table(*halves(bank[month], rng)) for month in bank for _ in range(30)]
    verdicts = pd.concat(tables).query("name != 'contacts'")
    assert (verdicts["p_value"].notna()).all()
    called = verdicts["verdict"].isin(["rose", "fell"])
    assert called.groupby(verdicts["name"]).mean().max() <= 0.12
    assert (verdicts["p_value"] < 0.05).mean() <= 0.12, "also before they are corrected"
    assert verdicts["p_value"].min() < 0.2, "and it could have called one"
