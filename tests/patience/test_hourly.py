"""The log by the hour, and the line through the hours: by hand, beside statsmodels, with a known truth, on the bank."""

from __future__ import annotations

import dataclasses
import gzip
import math

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import load_contacts
from cxresearch.patience import hourly_table, mean_patience
from cxresearch.risk_table import risk_table
from cxresearch.simulate import STEADY_TRUTH, simulate_contacts

CONTACTS = pd.DataFrame(
    {
        "opened_at": pd.to_datetime(
            ["1999-01-03 08:01", "1999-01-03 08:59", "1999-01-03 08:30", "1999-01-03 09:00", "1999-01-04 08:00"]
        ),
        "queued": [True, True, False, None, True],
        "wait_s": [10.0, 30.0, 0.0, 5.0, 0.0],
        "outcome": ["abandoned", "answered", "answered", "abandoned", "open"],
        "queue": ["a", "b", "a", "a", "b"],
    }
)


def hours_of(waits, shares, days=None) -> pd.DataFrame:
    """Hours of 100 contacts each, two a day unless told."""
    days = [i // 2 for i in range(len(waits))] if days is None else days
    return pd.DataFrame({
        "date": days, "hour": range(len(waits)), "contacts": 100, "left": 100 * np.asarray(shares),
        "waited_s": 100 * np.asarray(waits, dtype=float),
    })  # fmt: skip


def test_the_hours_are_counted_with_those_answered_at_once():
    table = hourly_table(CONTACTS)
    assert table[["hour", "weekday", "contacts", "queued", "left"]].to_numpy().tolist() == [
        [8, 7, 3, 2, 1],
        [9, 7, 1, 1, 1],
        [8, 1, 1, 1, 0],
    ]
    assert table["waited_s"].tolist() == [40.0, 5.0, 0.0]
    assert table["mean_wait_s"][0] == pytest.approx(40 / 3)
    assert table["share_left_of_asked"].tolist() == pytest.approx([1 / 3, 1.0, 0.0])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_every_engine_counts_the_same(engine):
    log = pl.from_pandas(CONTACTS) if engine == "polars" else duckdb.connect().from_df(CONTACTS)
    ours, other = hourly_table(CONTACTS, by="queue"), hourly_table(log, by="queue")
    for table in (ours, other):
        table["date"] = pd.to_datetime(table["date"])
    pd.testing.assert_frame_equal(ours, other, check_dtype=False)


def test_a_log_that_does_not_know_who_queued_counts_everybody_as_queued():
    assert hourly_table(CONTACTS.drop(columns="queued"))["queued"].sum() == 5


def test_hours_on_a_line_give_one_over_its_slope():
    row = mean_patience(hours_of([10, 20, 30, 40], [0.1, 0.2, 0.3, 0.4])).iloc[0]
    assert row[["estimate", "through_origin_s", "ratio_s"]].tolist() == pytest.approx([100.0, 100.0, 100.0])
    assert row["r_squared"] == pytest.approx(1.0)
    assert (row["intercept"], row["se"]) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert row[["hours", "days", "contacts"]].tolist() == [4, 2, 400]


def test_the_three_means_differ_where_the_line_misses_the_origin():
    row = mean_patience(hours_of([10, 20, 30], [0.2, 0.3, 0.4], days=[0, 0, 1])).iloc[0]
    assert row["estimate"] == pytest.approx(100.0)
    assert row["intercept"] == pytest.approx(0.1)
    assert row["through_origin_s"] == pytest.approx(1400 / 20)
    assert row["ratio_s"] == pytest.approx(60 / 0.9)


def test_the_formula_is_the_cluster_robust_one():
    rng = np.random.default_rng(1)
    wait = rng.uniform(5, 90, 60)
    day = np.repeat(np.arange(12), 5)
    share = (0.02 + wait / 400 + rng.normal(0, 0.03, 60) + rng.normal(0, 0.03, 12)[day]).clip(0, 1)
    fit = sm.OLS(share, sm.add_constant(wait)).fit(cov_type="cluster", cov_kwds={"groups": day})
    row = mean_patience(hours_of(wait, share, days=day)).iloc[0]
    assert row["estimate"] == pytest.approx(1 / fit.params[1], rel=1e-9)
    assert row["se"] == pytest.approx(fit.bse[1] / fit.params[1] ** 2, rel=1e-9)
    assert row["r_squared"] == pytest.approx(fit.rsquared, rel=1e-9)
    t = 2.200985160082949  # 0.975 quantile with 11 degrees of freedom
    assert row["lower"] == pytest.approx(1 / (fit.params[1] + t * fit.bse[1]), rel=1e-9)


def test_the_bootstrap_of_days_is_close_to_the_formula_and_repeats():
    rng = np.random.default_rng(2)
    wait, day = rng.uniform(5, 90, 400), np.repeat(np.arange(80), 5)
    share = (wait / 400 + rng.normal(0, 0.03, 400)).clip(0, 1)
    hours = hours_of(wait, share, days=day)
    formula = mean_patience(hours).iloc[0]
    drawn = mean_patience(hours, rng=np.random.default_rng(3)).iloc[0]
    assert drawn["estimate"] == formula["estimate"]
    assert drawn[["se", "lower", "upper"]].tolist() == pytest.approx(
        formula[["se", "lower", "upper"]].tolist(), rel=0.1
    )
    assert drawn["ratio_upper"] == pytest.approx(formula["ratio_upper"], rel=0.05)
    pd.testing.assert_series_equal(drawn, mean_patience(hours, rng=np.random.default_rng(3)).iloc[0])


@given(st.floats(0.1, 50), st.lists(st.floats(0, 1), min_size=4, max_size=8))
def test_seconds_counted_in_another_unit_only_change_the_unit(factor, shares):
    wait = np.arange(1, len(shares) + 1) * 10.0
    if not sum(shares) > 0.01:
        return
    one, other = mean_patience(hours_of(wait, shares)), mean_patience(hours_of(wait * factor, shares))
    for column in ("estimate", "ratio_s", "lower", "upper"):
        if math.isfinite(one[column][0]) and one[column][0] < 1e7:
            assert other[column][0] == pytest.approx(factor * one[column][0], rel=1e-6)


def test_a_line_that_does_not_rise_has_no_end_and_no_error():
    row = mean_patience(hours_of([10, 20, 30, 40], [0.4, 0.3, 0.2, 0.1])).iloc[0]
    assert math.isinf(row["estimate"])
    assert math.isnan(row["se"])
    assert math.isfinite(row["ratio_s"])


def test_groups_have_a_row_each_and_empty_hours_are_left_out():
    hours = pd.concat([hours_of([10, 20, 30], [0.1, 0.2, 0.3], days=[0, 0, 1]).assign(queue="a"),
                       hours_of([10, 20, 30], [0.05, 0.1, 0.15], days=[0, 0, 1]).assign(queue="b")])  # fmt: skip
    gap = pd.DataFrame([{"date": 5, "hour": 3, "contacts": 0, "left": 0, "waited_s": 0.0, "queue": "a"}])
    rows = mean_patience(pd.concat([hours, gap]), by="queue")
    assert rows["estimate"].tolist() == pytest.approx([100.0, 200.0])
    assert rows["hours"].tolist() == [3, 3]


def test_a_risk_table_by_hour_gives_the_line_of_those_who_queued():
    log = pd.DataFrame({
        "opened_at": pd.date_range("1999-01-03", periods=600, freq="7min"), "queued": [True, True, False] * 200,
        "wait_s": [40.0, 10.0, 0.0, 90.0, 30.0, 0.0] * 100, "outcome": ["abandoned", "answered", "answered"] * 200,
    })  # fmt: skip
    log["date"], log["hour"] = log["opened_at"].dt.normalize(), log["opened_at"].dt.hour
    waits = risk_table(log, by=["date", "hour"])
    ours, by_hand = mean_patience(waits).iloc[0], hourly_table(log[log["queued"]])
    pd.testing.assert_series_equal(ours, mean_patience(by_hand).iloc[0])
    assert ours["contacts"] == 400


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="waited_s"), "no column waited_s"),
        (lambda t: t.assign(left=200), "4 of 4 hours"),
        (lambda t: t.assign(waited_s=-1.0), "4 of 4 hours"),
        (lambda t: t.assign(left=0), "nobody left"),
        (lambda t: t.assign(waited_s=100.0), "the same in all 4 hours"),
        (lambda t: t.assign(date=1), "2 days at least"),
        (lambda t: t.iloc[:2], "3 hours"),
    ],
)
def test_bad_hours_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        mean_patience(change(hours_of([10, 20, 30, 40], [0.1, 0.2, 0.3, 0.4])))


def test_the_mean_of_exponential_patience_is_recovered():
    # Half of the team in the evening: the line is drawn through hours that differ.
    duty = (("weekday", 8, 19, 1.0), ("weekday", 19, 23, 0.5), ("weekend", 9, 21, 0.5))
    phone = dataclasses.replace(
        STEADY_TRUTH.channel("phone"), share=1.0, patience_scale_s=300.0, patience_shape=1.0, occupancy=0.85, duty=duty
    )
    truth = dataclasses.replace(
        STEADY_TRUTH, channels=(phone,), promise_elasticity=0.0, broken_promise_hazard_ratio=1.0
    )
    log = simulate_contacts(start="2024-06-01", months=2, contacts=60_000, rng=np.random.default_rng(1), truth=truth)
    hours = hourly_table(log)
    row = mean_patience(hours[hours["hour"].between(8, 22)], rng=np.random.default_rng(2)).iloc[0]
    assert row["ratio_lower"] < 300 < row["ratio_upper"]
    assert row["estimate"] == pytest.approx(300, rel=0.1)
    assert abs(row["intercept"]) < 0.02


def bank_hours(log) -> pd.DataFrame:
    hours = hourly_table(log.contacts)
    return hours[hours["weekday"].isin([7, 1, 2, 3, 4]) & (hours["hour"] >= 7)]


@pytest.mark.parametrize(
    ("start", "end", "mean", "r_squared"),
    [("1999-01-01", "1999-02-01", 376.08, 0.7249), ("1999-02-01", "1999-03-01", 364.55, 0.7075)],
)
def test_the_banks_months_by_the_hour_of_the_call(shared, start, end, mean, r_squared):
    log = load_contacts(shared / "data" / "anonymous-bank", start=start, end=end)
    assert hourly_table(log.contacts)["contacts"].sum() == log.counts["kept"]
    row = mean_patience(bank_hours(log)).iloc[0]
    assert (round(row["estimate"], 2), round(row["r_squared"], 4)) == (mean, r_squared)
    assert row["upper"] < 446, "the published mean of the whole year lies above both months"


@pytest.mark.parametrize(("month", "mean", "r_squared"), [("january", 376.6, 0.725), ("february", 363.3, 0.711)])
def test_the_banks_months_by_the_hour_of_joining_the_queue(shared, month, mean, r_squared):
    """The known figures count a call in the hour in which it left the voice menu, seconds after it began."""
    with gzip.open(shared / "data" / "anonymous-bank" / f"{month}.txt.gz", "rt") as text:
        cells = [line.rstrip("\r\n").split("\t") for line in text][1:]
    cells = [c if len(c) == 17 else [*c[:3], c[3][:-2], c[3][-2:], *c[4:]] for c in cells]
    raw = pd.DataFrame([[value.strip() for value in row] for row in cells])
    raw = raw[(raw[12] != "PHANTOM") & ~((raw[12] == "HANG") & (raw[9] == "0:00:00"))]
    clock = raw[7].str.split(":", expand=True).astype(int)
    canonical = pd.DataFrame({
        "opened_at": pd.to_datetime(raw[5], format="%y%m%d") + pd.to_timedelta(clock[0], unit="h"),
        "queued": raw[9] != "0:00:00",
        "wait_s": raw[11].astype(float),
        "outcome": raw[12].map({"AGENT": "answered", "HANG": "abandoned"}),
    })  # fmt: skip
    row = mean_patience(bank_hours(load_contacts(canonical))).iloc[0]
    assert (round(row["estimate"], 1), round(row["r_squared"], 3)) == (mean, r_squared)
