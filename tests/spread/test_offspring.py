"""The law of retellings and its fit: by hand, against other libraries, on real cascades, and with the right coverage."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import chi2, nbinom, poisson
from statsmodels.discrete.discrete_model import NegativeBinomial

from cxresearch.spread import chain_size_distribution, excess_over_log1p, fit_offspring, retellings_log_probability


def estimates(fit: pd.DataFrame) -> pd.DataFrame:
    return fit.set_index("parameter")


# --- the law --------------------------------------------------------------------------------------------------------


def test_one_geometric_teller_worked_by_hand():
    # Mean 2, dispersion 1: silent with 1/3, then two thirds each time.
    assert_allclose(np.exp(retellings_log_probability([0, 1, 2], 1, 2.0, 1.0)), [1 / 3, 2 / 9, 4 / 27], rtol=1e-14)
    assert retellings_log_probability([0, 1], 5, 0.0, 1.0).tolist() == [0, -math.inf]


@pytest.mark.parametrize(("mean", "dispersion", "tellers"), [(0.7, 0.16, 1), (0.99, 3.0, 40), (2.5, 50.0, 7)])
def test_the_law_agrees_with_scipy(mean, dispersion, tellers):
    told = np.arange(60)
    expected = nbinom.logpmf(told, tellers * dispersion, dispersion / (dispersion + mean))
    assert_allclose(retellings_log_probability(told, tellers, mean, dispersion), expected, rtol=1e-11)
    expected = poisson.logpmf(told, tellers * mean)
    assert_allclose(retellings_log_probability(told, tellers, mean, math.inf), expected, rtol=1e-11)


def test_the_law_keeps_its_digits_at_a_million():
    # Half a million told by a million with mean 1/2: the exact value at its peak is -log(2 pi mean) / 2 - 1 / (12 mean).
    told = 500_000
    expected = -0.5 * math.log(2 * math.pi * told) - 1 / (12 * told)
    assert float(retellings_log_probability(told, 10**6, 0.5, math.inf)) == pytest.approx(expected, rel=1e-15)
    assert_allclose(
        retellings_log_probability(told, 10**6, 0.5, 1e18), retellings_log_probability(told, 10**6, 0.5, math.inf)
    )


@given(st.floats(-0.999, 1e6))
def test_excess_is_never_negative_and_is_small_where_it_should(u):
    value = float(excess_over_log1p(u))
    assert value >= 0
    if abs(u) < 1e-4:
        assert value == pytest.approx(u * u * (0.5 - u / 3 + u * u / 4), rel=1e-11)
    else:
        assert value == pytest.approx(u - math.log1p(u), rel=1e-7)


@given(st.floats(0.01, 3), st.floats(0.05, 10), st.integers(1, 5))
def test_probabilities_of_the_law_add_up(mean, dispersion, tellers):
    told = np.arange(4000)
    probability = np.exp(retellings_log_probability(told, tellers, mean, dispersion))
    assert probability.sum() == pytest.approx(1, abs=1e-8)
    assert probability @ told == pytest.approx(mean * tellers, rel=1e-4)


# --- the fit --------------------------------------------------------------------------------------------------------


def test_estimates_worked_by_hand():
    # Four chains, ten tellers: six of the ten were told by the ten.
    fit = estimates(fit_offspring(chain_sizes=[1, 1, 3, 5]))
    assert fit.loc["reproduction_number", "estimate"] == pytest.approx(0.6, rel=1e-15)
    # Two began each chain of a second set: eight of twelve were told.
    assert fit_offspring(chain_sizes=[2, 10], introductions=2)["estimate"].iloc[0] == pytest.approx(8 / 12, rel=1e-15)
    mixed = fit_offspring(chain_sizes=[2, 10], introductions=[2, 1])
    assert mixed["estimate"].iloc[0] == pytest.approx(9 / 12, rel=1e-15)
    assert mixed.attrs["observations"] == 2
    assert mixed.attrs["data"] == "chain sizes"
    assert "who told whom" in mixed.attrs["not_identified"]


def test_estimates_and_likelihood_agree_with_statsmodels():
    told = np.random.default_rng(5).negative_binomial(0.5, 0.5 / (0.5 + 1.2), 400)
    peer = NegativeBinomial(told, np.ones((told.size, 1))).fit(disp=0, method="newton", tol=1e-12)
    fit = fit_offspring(retellings=told)
    assert fit["estimate"].iloc[0] == pytest.approx(math.exp(peer.params[0]), rel=1e-6)
    assert fit["estimate"].iloc[1] == pytest.approx(1 / peer.params[1], rel=1e-5)
    assert fit.attrs["log_likelihood"] == pytest.approx(peer.llf, rel=1e-12)


def test_interval_ends_are_where_the_profile_falls_by_the_chi_square():
    sizes = np.array([1] * 30 + [2] * 9 + [3] * 4 + [6, 9, 14, 40])
    fit = estimates(fit_offspring(chain_sizes=sizes, level=0.9))
    dispersions = np.exp(np.linspace(math.log(0.01), math.log(50), 1501))

    def profile(mean):
        return max(retellings_log_probability(sizes - 1, sizes, mean, k).sum() for k in dispersions)

    top = profile(fit.loc["reproduction_number", "estimate"])
    for end in ("lower", "upper"):
        assert 2 * (top - profile(fit.loc["reproduction_number", end])) == pytest.approx(chi2.ppf(0.9, 1), abs=1e-4)
        at_end = retellings_log_probability(
            sizes - 1, sizes, fit.loc["reproduction_number", "estimate"], fit.loc["dispersion", end]
        )
        assert 2 * (top - at_end.sum()) == pytest.approx(chi2.ppf(0.9, 1), abs=1e-4)
    assert (fit["note"] == "").all()


def test_nobody_retold_identifies_nothing_but_says_what_poisson_would():
    for fit in (fit_offspring(chain_sizes=[1] * 60), fit_offspring(retellings=[0] * 60)):
        rows = estimates(fit)
        assert rows.loc["reproduction_number", ["estimate", "lower", "upper"]].tolist() == [0, 0, math.inf]
        assert rows.loc["dispersion", ["lower", "upper"]].tolist() == [0, math.inf]
        assert math.isnan(rows.loc["dispersion", "estimate"])
        # exp(-60 R) = exp(-chi2 / 2)
        assert f"{chi2.ppf(0.95, 1) / 120:.3g}" in rows.loc["reproduction_number", "note"]
        assert "do not identify" in rows.loc["dispersion", "note"]


def test_less_spread_than_chance_is_the_poisson_edge():
    rows = estimates(fit_offspring(retellings=[1] * 40 + [0, 2]))
    assert rows.loc["dispersion", ["estimate", "upper"]].tolist() == [math.inf, math.inf]
    assert rows.loc["dispersion", "lower"] > 1
    assert "edge of the model" in rows.loc["dispersion", "note"]
    assert rows.loc["reproduction_number", "lower"] < 1 < rows.loc["reproduction_number", "upper"]


def test_an_interval_that_reaches_poisson_says_so():
    rows = estimates(fit_offspring(chain_sizes=[1] * 12 + [2, 2, 3, 6]))
    assert math.isfinite(rows.loc["dispersion", "estimate"])
    assert math.isinf(rows.loc["dispersion", "upper"])
    assert "Poisson cannot be excluded" in rows.loc["dispersion", "note"]


@settings(max_examples=15)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.sampled_from([0.5, 0.95]))
def test_estimates_lie_within_their_intervals_and_rows_do_not_depend_on_order(sizes, level):
    fit = fit_offspring(chain_sizes=sizes, level=level)
    known = fit.dropna(subset="estimate")
    assert (known["lower"] <= known["estimate"] * (1 + 1e-6)).all()
    assert (known["estimate"] <= known["upper"] * (1 + 1e-6)).all()
    pd.testing.assert_frame_equal(fit, fit_offspring(chain_sizes=sizes[::-1], level=level), rtol=1e-9)


# --- real cascades and known truth ----------------------------------------------------------------------------------


def test_retweet_cascades(shared):
    cascades = pd.read_parquet(shared / "data/auspol-retweets/retweet_cascades.parquet")
    sizes = cascades.groupby("cascade").size()
    fit = estimates(fit_offspring(chain_sizes=sizes))
    assert fit.loc["reproduction_number", "estimate"] == pytest.approx(1 - len(sizes) / len(cascades), rel=1e-14)
    assert fit.loc["reproduction_number", "lower"] == pytest.approx(0.666, abs=1e-3)
    assert fit.loc["reproduction_number", "upper"] == pytest.approx(0.700, abs=1e-3)
    assert 3 < fit.loc["dispersion", "lower"] < fit.loc["dispersion", "estimate"] < fit.loc["dispersion", "upper"] < 25
    # One law for every cascade is not enough: the largest has no chance under it, so cascades differ among themselves.
    mean, dispersion = fit["estimate"]
    law = chain_size_distribution(mean, dispersion, max_size=int(sizes.max()))
    assert law["probability_larger"].iloc[-2] * len(sizes) < 1e-6


def _simulated_sizes(mean, dispersion, chains, rng):
    now = np.ones(chains, dtype=np.int64)
    size = now.copy()
    while now.any():
        told = rng.negative_binomial(np.maximum(now, 1) * dispersion, dispersion / (dispersion + mean))
        now = np.where(now > 0, told, 0)
        size += now
    return size


@pytest.mark.slow
def test_intervals_from_chain_sizes_cover_the_truth_as_often_as_they_say():
    rng, truth, runs = np.random.default_rng(11), (0.6, 0.5), 60
    covered = np.zeros(2)
    for _ in range(runs):
        fit = fit_offspring(chain_sizes=_simulated_sizes(*truth, 150, rng), level=0.8)
        covered += [low <= value <= high for low, value, high in zip(fit["lower"], truth, fit["upper"], strict=True)]
    # 48 of 60 expected; four standard deviations are 12.
    assert (np.abs(covered - 0.8 * runs) <= 12).all()


def test_many_chains_recover_the_truth():
    rng = np.random.default_rng(12)
    sizes = estimates(fit_offspring(chain_sizes=_simulated_sizes(0.8, 0.3, 20_000, rng)))
    direct = estimates(fit_offspring(retellings=rng.negative_binomial(0.3, 0.3 / (0.3 + 0.8), 20_000)))
    for fit in (sizes, direct):
        assert fit.loc["reproduction_number", "estimate"] == pytest.approx(0.8, rel=0.05)
        assert fit.loc["dispersion", "estimate"] == pytest.approx(0.3, rel=0.08)


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either chain_sizes or retellings"),
        ({"chain_sizes": [1], "retellings": [0]}, "either chain_sizes or retellings"),
        ({"chain_sizes": []}, "chain_sizes is empty"),
        ({"chain_sizes": [1, 0, 2.5, math.nan]}, "whole numbers >= 1; 3 of 4"),
        ({"retellings": [0, -1]}, "whole numbers >= 0; 1 of 2"),
        ({"chain_sizes": [3, 1], "introductions": 2}, "1 of 2 chain_sizes are smaller"),
        ({"chain_sizes": [3, 4], "introductions": [1, 1, 1]}, "introductions has 3 values for 2 chains"),
        ({"retellings": [0, 1], "introductions": 2}, "introductions belongs to chain_sizes"),
        ({"retellings": [0, 1], "level": 95}, "level is a share"),
    ],
)
def test_impossible_data_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_offspring(**arguments)
