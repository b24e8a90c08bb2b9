"""Patience beside offered wait: worked by hand, at its limits, and on the bank's months."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from conftest import risk_tables
from hypothesis import given

from cxresearch.contacts import load_contacts
from cxresearch.patience import patience_at, survival_at, waiting_table
from cxresearch.risk_table import risk_table
from cxresearch.survival import kaplan_meier


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


THREE = table(duration_s=[10.0, 20.0, 30.0], outcome=["abandoned", "answered", "abandoned"], contacts=[1, 1, 2])


def test_a_waiting_table_worked_by_hand():
    (row,) = waiting_table(THREE).to_dict("records")
    assert (row["queued"], row["left"], row["share_left"]) == (4, 3, 0.75)
    assert row["mean_wait_s"] == 22.5
    assert row["mean_wait_of_leavers_s"] == pytest.approx(70 / 3)
    half = 1.959963984540054 * math.sqrt(((12.5**2 + 2.5**2 + 2 * 7.5**2) / 3) / 4)
    assert row["mean_wait_upper_s"] - row["mean_wait_s"] == pytest.approx(half)
    # 3 of 4 pass 10 s; 20 s censors; both who are left go at 30 s.
    assert row["median_patience_s"] == 30.0


def test_survival_is_read_between_before_and_beyond_the_waits():
    curve = kaplan_meier(table(duration_s=[10.0, 20.0], outcome=["abandoned", "answered"], contacts=[1, 1]))
    at = survival_at(curve, [5.0, 10.0, 15.0, 20.0, 25.0])
    assert at["survival"].tolist()[:4] == [1.0, 0.5, 0.5, 0.5]
    assert math.isnan(at["survival"].iloc[4]), "nobody was seen for so long"
    assert at["at_risk"].tolist() == [2, 2, 1, 1, 0]


def test_a_curve_that_ends_at_zero_stays_there():
    curve = kaplan_meier(table(duration_s=[10.0], outcome=["abandoned"], contacts=[3]))
    assert survival_at(curve, [99.0])["survival"].tolist() == [0.0]


def test_groups_come_largest_first_and_one_without_leavers_has_no_median():
    waits = pd.concat(
        [THREE.assign(queue="few"), table(duration_s=[5.0], outcome=["answered"], contacts=[9], queue=["many"])]
    )
    rows = waiting_table(waits, by="queue")
    assert rows["queue"].tolist() == ["many", "few"]
    assert math.isnan(rows["median_patience_s"][0])
    assert rows["lower"][0] == 0.0
    assert rows["median_patience_s"][1] == 30.0


@given(risk_tables())
def test_groups_add_up_to_the_whole_and_the_share_lies_in_its_interval(waits):
    waits = waits.assign(queue=np.where(np.arange(len(waits)) % 2, "a", "b"))
    rows, whole = waiting_table(waits, by="queue"), waiting_table(waits).iloc[0]
    assert rows["queued"].sum() == whole["queued"] == waits["contacts"].sum()
    assert rows["left"].sum() == whole["left"]
    assert (rows["mean_wait_s"] * rows["queued"]).sum() == pytest.approx(whole["mean_wait_s"] * whole["queued"])
    assert ((rows["lower"] <= rows["share_left"]) & (rows["share_left"] <= rows["upper"])).all()


@pytest.mark.parametrize(
    ("start", "end", "shares"),
    [("1999-01-01", "1999-02-01", [0.8296, 0.7252, 0.5151]), ("1999-02-01", "1999-03-01", [0.8200, 0.7095, 0.4862])],
)
def test_the_banks_patience_is_the_published_one(shared, start, end, shares):
    log = load_contacts(shared / "data" / "anonymous-bank", start=start, end=end)
    found = patience_at(risk_table(log.contacts), [60.0, 120.0, 300.0])
    assert found["survival"].round(4).tolist() == shares
