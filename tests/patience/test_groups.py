"""Curves and groups with the day as the unit: against the single day clusters, and where nothing differs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.patience import (
    daily_curve,
    loss_ranks,
    patience_and_offered_wait,
    patience_ranks,
    slow_ranks,
    survival_at,
    waiting_table,
)
from cxresearch.risk_table import DayClusters, deviations, limits, ratio_of_sums, share_that_stays
from cxresearch.survival import kaplan_meier


def simulated_waits(
    rng: np.random.Generator, *, days: int = 28, contacts: int = 40, spread: float = 0.4, **mean_s: float
):
    """SIMULATED: waits of queues (name = mean patience in seconds) on good and bad days that all share."""
    good = np.exp(rng.normal(0, spread, days))
    parts = []
    for queue, mean in mean_s.items():
        day = np.repeat(np.arange(days), contacts)
        patience, offer = (rng.exponential(scale * good[day]).round() for scale in (mean, 60.0))
        outcome = np.where(patience < offer, "abandoned", "answered")
        parts.append(pd.DataFrame({"queue": queue, "day": pd.Timestamp("2024-05-01") + pd.to_timedelta(day, "D"),
                                   "duration_s": np.minimum(patience, offer), "outcome": outcome}))  # fmt: skip
    return pd.concat(parts).value_counts().reset_index(name="contacts").sort_values(["queue", "day", "duration_s"])


def clusters_of(day, size, away) -> DayClusters:
    return DayClusters(
        day=day, weekday=pd.DatetimeIndex(day).day_of_week, size=size / size.mean(), share=np.full(len(day), 1 / len(day)),
        deviations=away.reshape(len(day), -1),
    )  # fmt: skip


def test_a_curve_is_kaplan_meier_and_its_band_is_that_of_its_days():
    waits = simulated_waits(np.random.default_rng(1), a=120.0)
    waits["duration_s"] = waits["duration_s"] // 30 * 30
    curve, plain = daily_curve(waits), kaplan_meier(waits)
    pd.testing.assert_frame_equal(curve.drop(columns=["lower", "upper"]), plain.drop(columns=["se", "lower", "upper"]))
    gone = waits[waits["outcome"] == "abandoned"].pivot_table(
        index="day", columns="duration_s", values="contacts", aggfunc="sum"
    )
    ended = waits.pivot_table(index="day", columns="duration_s", values="contacts", aggfunc="sum").fillna(0).to_numpy()
    left = gone.reindex(columns=curve["duration_s"]).fillna(0).to_numpy()
    there = ended[:, ::-1].cumsum(axis=1)[:, ::-1]
    pairs = [share_that_stays(left[:, :n], there[:, :n], np.ones(28)) for n in range(1, len(curve) + 1)]
    assert curve["survival"].tolist() == pytest.approx([value for value, _ in pairs])
    away = np.column_stack([deviations(moved, np.ones(28), value, "logit") for value, moved in pairs])
    clusters = clusters_of(gone.index, there[:, 0], away)
    for n, (value, _) in enumerate(pairs[:8]):
        assert curve.loc[n, ["lower", "upper"]].tolist() == pytest.approx(
            limits(value, clusters.half_width(away[:, n]), "logit")
        )


def test_days_that_are_good_or_bad_widen_the_band():
    waits = simulated_waits(np.random.default_rng(2), contacts=200, a=120.0)
    by_day, plain = (survival_at(curve, [60.0]).iloc[0] for curve in (daily_curve(waits), kaplan_meier(waits)))
    assert by_day["survival"] == plain["survival"]
    assert by_day["upper"] - by_day["lower"] > 1.5 * (plain["upper"] - plain["lower"])
    few = daily_curve(waits[waits["day"] < "2024-05-05"])
    assert few[["lower", "upper"]].isna().all(axis=None)


def test_intervals_of_a_waiting_table_by_day():
    waits = simulated_waits(np.random.default_rng(3), a=120.0, b=300.0)
    by_day, plain = waiting_table(waits, by="queue", cluster="day"), waiting_table(waits, by="queue")
    same = ["queue", "queued", "left", "share_left_of_queued", "mean_wait_s", "median_patience_s"]
    pd.testing.assert_frame_equal(by_day[same], plain[same])
    assert by_day.columns.tolist() == plain.columns.tolist()
    part = waits[waits["queue"] == "a"]
    sums = part.assign(
        left=part["contacts"].where(part["outcome"] == "abandoned", 0), spent=part["contacts"] * part["duration_s"]
    )
    sums = sums.groupby("day")[["contacts", "left", "spent"]].sum().astype(float)
    row = by_day.set_index("queue").loc["a"]
    for top, link, ends in (
        ("left", "logit", ["lower", "upper"]),
        ("spent", "log", ["mean_wait_lower_s", "mean_wait_upper_s"]),
    ):
        value, influence = ratio_of_sums(sums[top].to_numpy(), sums["contacts"].to_numpy(), np.ones(28))
        away = deviations(influence, np.ones(28), value, link)
        half = clusters_of(sums.index, sums["contacts"].to_numpy(), away).half_width(away)
        assert row[ends].tolist() == pytest.approx(limits(value, half, link))
    with pytest.raises(ValueError, match="cluster must be 'day'"):
        waiting_table(waits, cluster="week")


@given(st.integers(0, 10_000))
@settings(max_examples=3)
def test_the_order_of_rows_changes_nothing(seed):
    waits = simulated_waits(np.random.default_rng(seed), days=9, contacts=8, a=90.0, b=90.0)
    mixed = waits.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(daily_curve(mixed, by="queue"), daily_curve(waits, by="queue"))
    pd.testing.assert_frame_equal(loss_ranks(mixed, by="queue"), loss_ranks(waits, by="queue"))
    pd.testing.assert_frame_equal(
        waiting_table(mixed, by="queue", cluster="day"), waiting_table(waits, by="queue", cluster="day")
    )


def test_both_clocks_have_bands_by_day():
    waits = simulated_waits(np.random.default_rng(4), a=120.0)
    pair = patience_and_offered_wait(waits, cluster="day").set_index("clock")
    pd.testing.assert_frame_equal(pair.loc["patience"].reset_index(drop=True), daily_curve(waits))
    offered = daily_curve(waits, event="answered")
    pd.testing.assert_frame_equal(pair.loc["offered wait"].reset_index(drop=True), offered)


def test_the_least_patient_and_the_slowest_are_told_where_they_are():
    waits = simulated_waits(np.random.default_rng(5), a=120.0, b=40.0, c=130.0)
    ranks = patience_ranks(waits, 30.0, by="queue")
    assert ranks["queue"].tolist()[0] == "b"
    assert ranks["behind"].tolist() == [False, True, True]
    gone = 1 - survival_at(kaplan_meier(waits, by="queue"), [30.0], by="queue").set_index("queue")["survival"]
    assert ranks.set_index("queue")["value"].to_dict() == pytest.approx(gone.to_dict())
    assert patience_ranks(waits[waits["queue"] != "a"].assign(contacts=1).head(30), 30.0, by="queue").empty
    slow = slow_ranks(waits, 60.0, by="queue")
    longer = waits[waits["duration_s"] > 60].groupby("queue")["contacts"].sum()
    assert slow.set_index("queue")["longer"].to_dict() == longer.to_dict()
    assert not slow.set_index("queue").loc["b", "behind"] or slow["queue"][0] != "b"


def test_queues_of_one_patience_are_seldom_told_apart():
    rng, named, runs = np.random.default_rng(6), 0, 40
    for _ in range(runs):
        waits = simulated_waits(rng, contacts=12, a=90.0, b=90.0, c=90.0)
        named += patience_ranks(waits, 30.0, by="queue")["behind"].sum() == 2
    assert named / runs <= 0.075
