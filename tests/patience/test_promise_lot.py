"""Promises that follow the hour or the customer: the bias they make is seen, warned of, and mended where it can be."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.patience import e_value, promise_elasticity, promises_follow


def calls(seed: int, case: str, n: int = 12_000) -> pd.DataFrame:
    """Contacts whose patience does not know their promise: the true elasticity is 0."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, 28, n)
    hour = np.where(rng.random(n) < 0.6, rng.integers(10, 14, n), rng.integers(8, 20, n))
    customer = rng.integers(0, 2_500, n)
    long, scale = np.full(n, 0.5), np.full(n, 240.0)
    if case == "hour":  # long promises in busy hours, whose callers are hasty
        busy = (hour >= 10) & (hour < 14)
        long, scale = np.where(busy, 0.8, 0.2), np.where(busy, 120.0, 360.0)
    if case == "customer":  # short promises to patient customers
        patient = customer % 2 == 0
        long, scale = np.where(patient, 0.2, 0.8), np.where(patient, 420.0, 140.0)
    patience, offered = scale * rng.weibull(0.9, n), rng.exponential(150.0, n)
    opened = pd.Timestamp("2024-06-03") + pd.to_timedelta(day * 24 + hour, unit="h")
    return pd.DataFrame({
        "opened_at": opened, "day": opened.normalize(), "hour": hour, "queue": "one", "channel": "phone",
        "customer_key": customer.astype(str), "promised_s": np.where(rng.random(n) < long, 900.0, 120.0),
        "wait_s": np.ceil(np.minimum(patience, offered)), "contacts": 1,
        "outcome": np.where(patience < offered, "abandoned", "answered"),
    })  # fmt: skip


def waits_of(rows: pd.DataFrame) -> pd.DataFrame:
    named = rows.rename(columns={"wait_s": "duration_s"})
    keys = ["hour", "queue", "promised_s", "duration_s", "outcome"]
    return named.groupby(keys, as_index=False)["contacts"].sum()


def followed(rows: pd.DataFrame) -> pd.DataFrame:
    asked = rows.groupby(["day", "hour", "queue", "promised_s"], as_index=False)["contacts"].sum()
    customers = rows.groupby(["customer_key", "promised_s"], as_index=False)["contacts"].sum()
    return promises_follow(asked, customers).set_index("follows")


def test_the_e_value_by_hand():
    """A rate ratio of 1 needs nothing; of shares 2 the formula gives 2 + sqrt(2)."""
    assert e_value(1.0, 0.9, 1.1) == (1.0, 1.0)
    ratio = 1.6
    shares = (1 - 0.5 ** math.sqrt(ratio)) / (1 - 0.5 ** math.sqrt(1 / ratio))
    value, near = e_value(ratio, 1.3, 2.0)
    assert value == pytest.approx(shares + math.sqrt(shares * (shares - 1)))
    assert 1 < near < value
    assert e_value(1 / ratio, 1 / 2.0, 1 / 1.3) == pytest.approx((value, near))
    with pytest.raises(ValueError, match="above 0"):
        e_value(0.0, 0.0, 1.0)


def test_two_days_that_agree_by_hand():
    """Five days, each with two long promises at 9 and two short ones at 15: every pair of days agrees alike."""
    rows = [(day, hour, "q", promise, 2) for day in range(5) for hour, promise in ((9, 900.0), (15, 120.0))]
    asked = pd.DataFrame(rows, columns=["day", "hour", "queue", "promised_s", "contacts"])
    found = promises_follow(asked).set_index("follows")
    assert found.loc["hour", "z"] == pytest.approx(20 / math.sqrt(2 * 20))  # 20 ordered pairs of one size
    assert found.loc["hour", "beyond_chance"]
    assert "queue" not in found.index
    assert promises_follow(asked[asked["day"] < 4]).empty


def test_a_bias_by_the_hour_is_mended_by_strata_and_warned_of():
    rows = calls(1, "hour")
    pooled, inside = (promise_elasticity(waits_of(rows), clock="up", strata=s).iloc[0] for s in ((), ("hour", "queue")))
    assert pooled["upper"] < -0.15  # the truth is 0
    assert abs(inside["estimate"]) < 3 * inside["se"]
    found = followed(rows)
    assert found.loc[["hour", "load"], "beyond_chance"].all()
    assert not found.loc["customer", "beyond_chance"]


def test_a_bias_by_the_customer_is_mended_by_nothing_and_warned_of():
    rows = calls(1, "customer")
    inside = promise_elasticity(waits_of(rows), clock="up", strata=("hour", "queue")).iloc[0]
    assert inside["upper"] < -0.2
    assert followed(rows)["beyond_chance"].to_dict() == {"hour": False, "load": False, "customer": True}


def test_promises_by_lot_are_seldom_called_anything_else():
    called = [followed(calls(seed, "lot", 1_500))["beyond_chance"].any() for seed in range(25)]
    assert np.mean(called) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 25)


def test_a_cause_is_told_only_where_promises_were_given_by_lot_and_nothing_speaks_against_it():
    def told(case: str, **declared: bool) -> str:
        frame = calls(2, case, 2_500).drop(columns=["day", "hour", "contacts"])
        return cx.promised(cx.load(frame).period("2024-06").only(channel="phone"), **declared)[0].says

    assert "association" in told("lot")
    assert "the brand sets the clock" not in told("lot")
    assert "E-values" in told("lot")
    assert "at 1 the brand sets the clock" in told("lot", promises_by_lot=True)
    warned = told("customer", promises_by_lot=True)
    assert "said to be given by lot, but promises here follow the customer" in warned
    assert "the brand sets the clock" not in warned
