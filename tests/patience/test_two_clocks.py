"""Patience beside offered wait: worked by hand, at its limits, and on the bank's months."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given

from cxresearch.contacts import load_contacts
from cxresearch.patience import (
    clustered_patience,
    patience_and_offered_wait,
    patience_at,
    patience_measures,
    standardised_patience,
    survival_at,
    waiting_table,
)
from cxresearch.risk_table import risk_table
from cxresearch.survival import kaplan_meier
from tests.conftest import risk_tables


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


THREE = table(duration_s=[10.0, 20.0, 30.0], outcome=["abandoned", "answered", "abandoned"], contacts=[1, 1, 2])


def test_a_waiting_table_worked_by_hand():
    (row,) = waiting_table(THREE).to_dict("records")
    assert (row["queued"], row["left"], row["share_left_of_queued"]) == (4, 3, 0.75)
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
    assert rows["lower"][0] == pytest.approx(0.0, abs=1e-15)
    assert rows["median_patience_s"][1] == 30.0


def test_a_single_wait_from_which_fewer_than_half_leave_has_no_median():
    (row,) = waiting_table(table(duration_s=[5.0] * 2, outcome=["abandoned", "answered"], contacts=[1, 2])).to_dict(
        "records"
    )
    assert math.isnan(row["median_patience_s"])


def test_the_two_clocks_censor_each_other():
    both = patience_and_offered_wait(THREE)
    patience, offered = (both[both["clock"] == clock] for clock in ("patience", "offered wait"))
    assert patience["survival"].tolist() == pytest.approx([3 / 4, 3 / 4, 0])
    assert offered["survival"].tolist() == pytest.approx([1, 2 / 3, 2 / 3])
    assert offered["events"].tolist() == patience["censored"].tolist() == [0, 1, 0]


@given(risk_tables())
def test_the_two_clocks_change_places_with_the_outcomes(waits):
    if not {"abandoned", "answered"} <= set(waits["outcome"]):
        return
    swapped = waits.assign(outcome=waits["outcome"].replace({"abandoned": "answered", "answered": "abandoned"}))
    one, other = (patience_and_offered_wait(t).set_index("clock") for t in (waits, swapped))
    np.testing.assert_array_equal(one.loc["patience", "survival"], other.loc["offered wait", "survival"])
    np.testing.assert_array_equal(one.loc["offered wait", "upper"], other.loc["patience", "upper"])


def test_the_wrong_number_comes_first_and_is_called_wrong():
    rows = patience_measures(THREE, horizon_s=25.0)
    assert rows["verdict"].tolist() == [
        "wrong",
        "right",
        "right up to the horizon",
        "right if the rate of leaving never changes",
    ]
    wrong, median, until, constant = rows.to_dict("records")
    assert wrong["estimate"] == pytest.approx(70 / 3)
    assert median["estimate"] == 30.0
    assert until["estimate"] == pytest.approx(10 + 15 * 3 / 4)
    assert constant["estimate"] == pytest.approx(90 / 3)
    # Exact limits of a count of 3: 0.619 and 8.767 leavers in 90 s.
    assert (constant["lower"], constant["upper"]) == pytest.approx((90 / 8.7673, 90 / 0.6187), rel=1e-4)


def test_the_mean_wait_of_leavers_falls_short_of_patience_where_many_are_answered():
    rng = np.random.default_rng(1)
    patience, offered = rng.exponential(300, 20_000), rng.exponential(60, 20_000)
    waits = table(duration_s=np.ceil(np.minimum(patience, offered)), contacts=1,
                  outcome=np.where(patience < offered, "abandoned", "answered"))  # fmt: skip
    rows = patience_measures(waits, horizon_s=200.0).set_index("verdict")
    assert rows.loc["wrong", "upper"] < 60
    constant = rows.loc["right if the rate of leaving never changes"]
    assert constant["lower"] < 300 < constant["upper"]


def test_a_standardised_curve_worked_by_hand():
    waits = pd.concat([
        table(duration_s=[10.0, 20.0], outcome=["abandoned", "answered"], contacts=[1, 3], hour=8),
        table(duration_s=[10.0, 30.0], outcome=["abandoned", "answered"], contacts=[6, 6], hour=9),
    ])  # fmt: skip
    rows = standardised_patience(waits, [5.0, 10.0, 25.0], strata="hour")
    assert rows["survival"].tolist()[:2] == pytest.approx([1.0, 0.25 * 3 / 4 + 0.75 * 0.5])
    se = math.sqrt(0.25**2 * (3 / 4) ** 2 * 1 / 12 + 0.75**2 * 0.5**2 * 6 / 72)
    assert rows["se"][1] == pytest.approx(se)
    assert rows["lower"][1] < rows["survival"][1] < rows["upper"][1]
    # At 25 s the four of hour 8 had all been answered: nobody knows how long they would have stayed.
    assert math.isnan(rows["survival"][2])
    assert rows["unseen"].tolist() == [0.0, 0.0, 0.25]
    assert rows["pooled"].tolist() == pytest.approx([1.0, 9 / 16, 9 / 16])


@given(risk_tables())
def test_standardising_by_one_stratum_changes_nothing(waits):
    if not (waits["outcome"] == "abandoned").any():
        return
    times = [0.0, 3.5, 12.0, 29.0]
    one = standardised_patience(waits.assign(hour=8), times, strata="hour")
    whole = patience_at(waits, times)
    np.testing.assert_allclose(one["survival"], whole["survival"], atol=1e-12)
    np.testing.assert_allclose(one["pooled"], whole["survival"], atol=1e-12)


def test_load_that_goes_with_patience_bends_the_pooled_curve_and_not_the_standardised_one():
    rng = np.random.default_rng(5)
    busy = rng.random(60_000) < 0.5
    # Busy hours: long waits on offer, and the patient ones call then.
    patience = np.ceil(rng.exponential(np.where(busy, 400.0, 100.0)))
    offered = np.ceil(rng.exponential(np.where(busy, 200.0, 20.0)))
    log = table(wait_s=np.minimum(patience, offered), hour=np.where(busy, 20, 10),
                outcome=np.where(patience <= offered, "abandoned", "answered"))  # fmt: skip
    rows = standardised_patience(risk_table(log, by="hour"), [100.0], strata="hour").iloc[0]
    truth = 0.5 * math.exp(-100 / 400) + 0.5 * math.exp(-100 / 100)
    assert rows["lower"] < truth < rows["upper"]
    assert rows["pooled"] > truth + 0.05


@given(risk_tables())
def test_groups_add_up_to_the_whole_and_the_share_lies_in_its_interval(waits):
    waits = waits.assign(queue=np.where(np.arange(len(waits)) % 2, "a", "b"))
    rows, whole = waiting_table(waits, by="queue"), waiting_table(waits).iloc[0]
    assert rows["queued"].sum() == whole["queued"] == waits["contacts"].sum()
    assert rows["left"].sum() == whole["left"]
    assert (rows["mean_wait_s"] * rows["queued"]).sum() == pytest.approx(whole["mean_wait_s"] * whole["queued"])
    assert ((rows["lower"] <= rows["share_left_of_queued"]) & (rows["share_left_of_queued"] <= rows["upper"])).all()


@pytest.mark.parametrize(
    ("start", "end", "shares"),
    [("1999-01-01", "1999-02-01", [0.8296, 0.7252, 0.5151]), ("1999-02-01", "1999-03-01", [0.8200, 0.7095, 0.4862])],
)
def test_the_banks_patience_is_the_published_one(shared, start, end, shares):
    log = load_contacts(shared / "data" / "anonymous-bank", start=start, end=end)
    found = patience_at(risk_table(log.contacts), [60.0, 120.0, 300.0])
    assert found["survival"].round(4).tolist() == shares


# --- who is drawn by lot


def test_customers_who_never_call_twice_leave_the_formula_as_it_is():
    rng = np.random.default_rng(3)
    size = 3_000
    wait = rng.exponential(60, size).round()
    log = pd.DataFrame({
        "customer_key": [f"{i:016x}" for i in rng.integers(0, 2**63, size)], "wait_s": wait,
        "outcome": np.where(rng.random(size) < 0.5, "abandoned", "answered"),
        "opened_at": pd.Timestamp("2024-05-01") + pd.to_timedelta(rng.integers(0, 30 * 86_400, size), unit="s"),
    }).astype({"outcome": "str", "customer_key": "str"})  # fmt: skip
    found = clustered_patience(pl.from_pandas(log), 60.0, replicates=200, rng=np.random.default_rng(4))
    assert found["drawn"].tolist() == ["contact", "customer", "day"]
    curve = kaplan_meier(risk_table(log)).query("duration_s == 60").iloc[0]
    assert found["estimate"].tolist() == [curve["survival"]] * 3
    assert found["se"].iloc[0] == curve["se"]
    # 200 samples leave about 5 % on a standard error, and 30 days some more.
    assert found["times_formula"].iloc[1] == pytest.approx(1, abs=0.15)
    assert found["times_formula"].iloc[2] == pytest.approx(1, abs=0.3)


def test_a_log_that_everybody_is_in_twice_is_half_as_sure():
    """Each contact stands twice, under one customer: the formula is told of twice as many, customers are not."""
    rng = np.random.default_rng(6)
    size = 2_000
    once = pd.DataFrame({
        "customer_key": [f"{i:016x}" for i in rng.integers(0, 2**63, size)], "wait_s": rng.exponential(60, size).round(),
        "outcome": np.where(rng.random(size) < 0.5, "abandoned", "answered"),
        "opened_at": pd.Timestamp("2024-05-01") + pd.to_timedelta(rng.integers(0, 30 * 86_400, size), unit="s"),
    }).astype({"outcome": "str", "customer_key": "str"})  # fmt: skip
    twice = pl.from_pandas(pd.concat([once, once]))
    found = clustered_patience(twice, 60.0, replicates=200, rng=np.random.default_rng(7)).set_index("drawn")
    assert found.loc["customer", "times_formula"] == pytest.approx(math.sqrt(2), abs=0.2)


def test_customers_that_nobody_knows_have_no_row():
    log = pl.DataFrame({"customer_key": [None, None], "wait_s": [5.0, 9.0], "outcome": ["abandoned", "answered"],
                        "opened_at": [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-02")]},
                       schema_overrides={"customer_key": pl.String})  # fmt: skip
    found = clustered_patience(log, 6.0, replicates=20, rng=np.random.default_rng(8))
    assert found["drawn"].tolist() == ["contact", "day"]
