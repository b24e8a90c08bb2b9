"""Growth of talk over time: against closed forms, reference numbers and simulated cascades."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxresearch.spread import (
    ExponentialKernel,
    PowerLawKernel,
    ReviewKernel,
    chain_size_distribution,
    incidence_curve,
    reply_table,
)

SEISMIC = PowerLawKernel(exponent=0.2314843, plateau_s=300.0)
REVIEW = ReviewKernel(burst_share=0.4, burst_mean_s=43_200.0, shelf_life_s=20 * 86_400.0)


class LateKernel:
    """Nobody retells at once: density t exp(-t). With q the root of R, i(t) = q exp(-t) sinh(q t)."""

    scale_s = 1.0
    breaks_s = ()

    def density_per_s(self, elapsed_s):
        t = np.maximum(np.asarray(elapsed_s, dtype=float), 0)
        return t * np.exp(-t)

    def share_by(self, elapsed_s):
        t = np.maximum(np.asarray(elapsed_s, dtype=float), 0)
        return 1 - (1 + t) * np.exp(-t)


# --- closed forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.95, 1.0, 1.5])
def test_exponential_kernel_has_a_closed_form(mean):
    t = np.array([1e-3, 0.5, 1.0, 7.0, 30.0])
    curve = incidence_curve(ExponentialKernel(2.0), mean, t)
    growth = (mean - 1) / 2
    assert_allclose(curve["incidence_per_s"], mean / 2 * np.exp(growth * t), rtol=1e-11)
    told = mean / 2 * (np.expm1(growth * t) / growth if growth else t)
    assert_allclose(curve["tellers"], 1 + told, rtol=1e-12)
    assert curve["time_s"].tolist() == t.tolist()


@pytest.mark.parametrize("mean", [0.25, 0.9])
def test_a_kernel_that_rises_first_has_a_closed_form(mean):
    root, t = math.sqrt(mean), np.array([0.1, 1.0, 4.0, 25.0])
    curve = incidence_curve(LateKernel(), mean, t)
    assert_allclose(curve["incidence_per_s"], root * np.exp(-t) * np.sinh(root * t), rtol=1e-11)


def test_on_the_plateau_talk_grows_exponentially():
    t = np.array([10.0, 150.0, 300.0])
    rate = 0.7 * float(SEISMIC.density_per_s(0.0))
    assert_allclose(incidence_curve(SEISMIC, 0.7, t)["incidence_per_s"], rate * np.exp(rate * t), rtol=1e-12)


def test_exponential_growth_turns_at_the_reply():
    # After the reply the rate is that of a process with factor times the reproduction number.
    mean, factor, reply, t = 0.8, 0.5, 3.0, np.array([1.0, 3.0, 3.5, 9.0])
    curve = incidence_curve(ExponentialKernel(1.0), mean, t, reply_s=reply, factor=factor)
    before = mean * np.exp((mean - 1) * t)
    at_reply = mean * math.exp((mean - 1) * reply)
    after = factor * at_reply * np.exp((factor * mean - 1) * (t - reply))
    assert_allclose(curve["incidence_per_s"], np.where(t <= reply, before, after), rtol=1e-11)


def test_talk_that_has_faded_to_nothing_is_nothing():
    curve = incidence_curve(ExponentialKernel(1.0), 0.5, [100.0, 1e4])
    assert curve["incidence_per_s"].tolist() == [pytest.approx(0.5 * math.exp(-50), rel=1e-10), 0]
    assert curve["tellers"].tolist() == pytest.approx([2, 2], rel=1e-12)


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [SEISMIC, REVIEW, ExponentialKernel(600.0)], ids=repr)
def test_a_reply_at_once_or_never(kernel):
    mean, factor = 0.7, 0.4
    table = reply_table(kernel, mean, reply_s=[0.0, math.inf], factor=factor)
    assert table["tellers"].tolist() == pytest.approx([1 / (1 - factor * mean), 1 / (1 - mean)], rel=1e-14)
    assert table["post_share_gone"].tolist() == table["chain_share_gone"].tolist() == [0, 1]
    assert table["share_avoided"].iloc[1] == pytest.approx(0, abs=1e-15)
    curve = incidence_curve(kernel, mean, [900.0, 1e5], reply_s=0.0, factor=factor)
    assert_allclose(curve, incidence_curve(kernel, factor * mean, [900.0, 1e5]), rtol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "late", "factor"),
    [(REVIEW, 300 * 86_400.0, 0.5), *((ExponentialKernel(600.0), 60_000.0, factor) for factor in (0.0, 0.5, 1.3))],
    ids=repr,
)
def test_what_the_table_expects_in_the_end_is_where_the_curve_goes(kernel, late, factor):
    reply = [60.0, 1800.0]
    table = reply_table(kernel, 0.6, reply_s=reply, factor=factor)
    for moment, tellers in zip(reply, table["tellers"], strict=True):
        end = incidence_curve(kernel, 0.6, [late], reply_s=moment, factor=factor)["tellers"].iloc[0]
        assert end == pytest.approx(tellers, rel=1e-6)


def test_talk_that_would_never_end_is_finite_after_a_reply_that_calms_it():
    table = reply_table(SEISMIC, 1.2, reply_s=[900.0], factor=0.5)
    before = incidence_curve(SEISMIC, 1.2, [900.0])["tellers"].iloc[0]
    assert table["tellers"].iloc[0] == pytest.approx(before + 0.5 * (1.2 * before - before + 1) / 0.4, rel=1e-12)
    assert table[["chain_share_gone", "share_avoided"]].isna().all(axis=None)


@settings(max_examples=15)
@given(
    st.sampled_from([SEISMIC, REVIEW, ExponentialKernel(900.0)]),
    st.floats(0.05, 0.95),
    st.lists(st.floats(1.0, 1e5), min_size=1, max_size=4, unique=True).map(sorted),
    st.floats(0, 1),
)
def test_what_is_gone_bounds_what_a_reply_can_do(kernel, mean, moments, factor):
    table = reply_table(kernel, mean, reply_s=moments, factor=factor)
    # A chain is never ahead of its first post, and no reply avoids what has happened.
    assert (table["chain_share_gone"] <= table["post_share_gone"] + 1e-9).all()
    assert (table["share_avoided"] <= 1 - table["chain_share_gone"] + 1e-9).all()
    assert (np.diff(table["share_avoided"]) <= 1e-9).all()
    assert (np.diff(table["tellers_before"]) >= -1e-9).all()
    silenced = reply_table(kernel, mean, reply_s=moments, factor=0.0)
    assert_allclose(silenced["tellers"], silenced["tellers_before"], rtol=1e-13)


# --- others' numbers and simulation ---------------------------------------------------------------------------------


def test_hawkes_moments_agree_with_the_reference(shared):
    table = pd.read_csv(shared / "reference/spread/kernels.csv")
    mean = table.set_index("quantity")["value"]["hawkes_exp_branching_ratio"]
    nodes, weights = np.polynomial.legendre.leggauss(30)
    for row in table[table["quantity"].str.startswith("hawkes_exp_mean_")].itertuples():
        end = float(row.parameters.removeprefix("t="))
        # Posts that arrive at rate 0.5 each begin a cascade: the rate at t counts all tellers up to an age of t.
        if row.quantity == "hawkes_exp_mean_intensity":
            ours = 0.5 * incidence_curve(ExponentialKernel(1 / 1.2), mean, [end])["tellers"].iloc[0]
        else:
            tellers = incidence_curve(ExponentialKernel(1 / 1.2), mean, end * (nodes + 1) / 2)["tellers"]
            ours = 0.5 * end / 2 * float(weights @ tellers)
        assert ours == pytest.approx(row.value, rel=1e-10)
    # The spread of the counts is that of whole chains: E T^2 / E T.
    fano = table.set_index("quantity")["value"]["hawkes_fano_factor_limit"]
    law = chain_size_distribution(mean, math.inf, max_size=3000)
    size, probability = law["chain_size"].astype(float), law["probability"]
    assert (size**2 @ probability) / (size @ probability) == pytest.approx(fano, rel=1e-10)


@pytest.mark.parametrize("reply", [math.inf, 900.0])
def test_simulated_cascades_grow_as_expected(reply):
    """SIMULATED: 20,000 Hawkes cascades, each retelling kept with the factor if it comes after the reply."""
    rng, mean, factor, cascades = np.random.default_rng(8), 0.7, 0.4, 20_000
    times, generation = [], np.zeros(cascades)
    owner = [np.arange(cascades)]
    while generation.size:
        told = rng.poisson(mean, generation.size)
        share = rng.random(told.sum())
        # The inverse of the power law's share, piece by piece.
        edge = SEISMIC.exponent / (1 + SEISMIC.exponent)
        fading = ((1 - share) * (1 + SEISMIC.exponent)) ** (-1 / SEISMIC.exponent)
        delay = SEISMIC.plateau_s * np.where(share < edge, share / edge, fading)
        born = np.repeat(generation, told) + delay
        kept = (born < reply) | (rng.random(born.size) < factor)
        generation = born[kept]
        owner.append(np.repeat(owner[-1], told)[kept])
        times.append(generation)
    when, whose = np.concatenate(times), np.concatenate(owner[1:])
    limits = [300.0, 900.0, 3600.0, 86_400.0]
    curve = incidence_curve(SEISMIC, mean, limits, reply_s=reply, factor=factor)
    for limit, expected in zip(limits, curve["tellers"], strict=True):
        counts = 1 + np.bincount(whose[when <= limit], minlength=cascades)
        assert counts.mean() == pytest.approx(expected, abs=4 * counts.std() / math.sqrt(cascades))
    ends = 1 + np.bincount(whose, minlength=cascades)
    expected = reply_table(SEISMIC, mean, reply_s=[reply], factor=factor)["tellers"].iloc[0]
    assert ends.mean() == pytest.approx(expected, abs=4 * ends.std() / math.sqrt(cascades))


def test_the_stated_error_is_kept_over_a_month():
    times = [3600.0, 86_400.0, 30 * 86_400.0]
    curve = incidence_curve(SEISMIC, 0.9, times)
    assert curve.attrs["relative_error"] < 1e-9
    # The same numbers when other times ask for other panels.
    again = incidence_curve(SEISMIC, 0.9, [*times, 45 * 86_400.0])
    assert_allclose(again[:3], curve, rtol=1e-9)


# --- bad input ------------------------------------------------------------------------------------------------------


class BrokenKernel(LateKernel):
    """Stops at 3.3 s without saying so."""

    def density_per_s(self, elapsed_s):
        t = np.asarray(elapsed_s, dtype=float)
        return np.where((t >= 0) & (t <= 3.3), 1 / 3.3, 0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: incidence_curve(SEISMIC, 0.5, []), "times_s must be finite and > 0"),
        (lambda: incidence_curve(SEISMIC, 0.5, [1, 0, math.nan]), "2 of 3 are not"),
        (lambda: incidence_curve(SEISMIC, -0.5, [1]), "reproduction_number >= 0"),
        (lambda: incidence_curve(SEISMIC, math.nan, [1]), "reproduction_number >= 0"),
        (lambda: incidence_curve(SEISMIC, 0.5, [1], reply_s=-1.0), "reply_s must be >= 0"),
        (lambda: incidence_curve(SEISMIC, 0.5, [1], factor=-0.1), "factor >= 0"),
        (lambda: incidence_curve(BrokenKernel(), 0.5, [9.0]), "cannot be followed .* smooth between its breaks_s"),
        (lambda: incidence_curve(ExponentialKernel(1.0), 3.0, [500.0]), "exceeds what a number can hold"),
        (lambda: reply_table(SEISMIC, 0.5, reply_s=[], factor=0.5), "reply_s must be >= 0"),
        (lambda: reply_table(SEISMIC, 0.5, reply_s=[-1, 2], factor=0.5), "1 of 2 are not"),
        (lambda: reply_table(SEISMIC, 1.2, reply_s=[1], factor=1.0), r"infinite: .* is 1\.2, not < 1"),
        (lambda: reply_table(SEISMIC, 1.2, reply_s=[math.inf], factor=0.5), "without a reply"),
    ],
)
def test_impossible_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
