"""Losses beside hour and queue: an odds ratio by hand, what is left out, a known truth with the day as unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from cxresearch.exhibits import loss_regression as exhibit
from cxresearch.patience import loss_counts, loss_regression

FORMULA = "left + stayed ~ C(hour) + C(queue) + C(promise)"


def fitted(counts: pd.DataFrame, formula: str = FORMULA) -> pd.DataFrame:
    return loss_regression(counts, smf.glm, formula=formula, family=sm.families.Binomial())


def days_with(shares: dict[int, tuple[int, int]], days: int = 12) -> pd.DataFrame:
    """``hour: (left, stayed)`` alike on every day but the first, where one more stayed."""
    rows = [
        (day, hour, "a", "none", left, stayed + (day == 0))
        for day in range(days)
        for hour, (left, stayed) in shares.items()
    ]
    return pd.DataFrame(rows, columns=["day", "hour", "queue", "promise", "left", "stayed"])


def test_an_odds_ratio_by_hand_and_a_term_with_one_level_left_out():
    counts = days_with({9: (10, 30), 15: (20, 30)})
    table = fitted(counts)
    left, stayed = counts.groupby("hour")["left"].sum(), counts.groupby("hour")["stayed"].sum()
    (row,) = table.to_dict("records")
    assert (row["term"], row["level"], row["reference"]) == ("hour", "9", "15")  # 15 h has more contacts
    assert row["odds_ratio"] == pytest.approx((left[9] / stayed[9]) / (left[15] / stayed[15]))
    assert table.attrs["formula"] == "left + stayed ~ C(hour)"
    assert "associations" in exhibit(table).says


def test_levels_that_are_small_or_lost_nobody_are_left_out_and_counted():
    counts = days_with({9: (10, 30), 15: (20, 30), 20: (0, 40), 22: (1, 1)})
    table = fitted(counts)
    assert table["level"].tolist() == ["9"]
    assert table.attrs["left_out"] == counts.loc[counts["hour"].isin([20, 22]), ["left", "stayed"]].sum().sum()


def test_few_days_and_nothing_that_differs_are_refused():
    with pytest.raises(ValueError, match="fewer than 10"):
        fitted(days_with({9: (10, 30), 15: (20, 30)}, days=5))
    with pytest.raises(ValueError, match="no two levels"):
        fitted(days_with({9: (10, 30)}))


def test_counts_are_of_those_who_queued_and_whose_wait_has_ended():
    cells = pd.DataFrame({
        "day": pd.Timestamp("2024-06-03"), "hour": 9, "queue": ["a", "a", "a", None], "promised_s": [30.0, 30.0, 30.0, np.nan],
        "queued": [True, True, False, True], "outcome": ["abandoned", "answered", "answered", "open"],
        "contacts": [2, 3, 50, 7],
    })  # fmt: skip
    (row,) = loss_counts(cells).to_dict("records")
    assert (row["promise"], row["left"], row["stayed"]) == ("30 s", 2, 3)


def test_days_that_are_good_and_bad_do_not_make_a_difference_between_hours():
    """No hour differs, each day and hour has its own luck: contacts alone would call it far too often."""
    told = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cells = pd.MultiIndex.from_product([range(28), range(9, 13)], names=["day", "hour"]).to_frame(index=False)
        share = 1 / (1 + np.exp(1.2 - rng.normal(0, 0.6, len(cells))))
        left = rng.binomial(60, share)
        table = fitted(cells.assign(queue="a", promise="none", left=left, stayed=60 - left))
        told += list(table["p_value"] < 0.05)
    assert np.mean(told) < 0.12
