"""Memory kernels and the likelihood of cascade times: by hand, against reference numbers, on real cascades."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad

from cxresearch.spread import ExponentialKernel, PowerLawKernel, ReviewKernel, time_of_share

KERNELS = [
    ExponentialKernel(600.0),
    PowerLawKernel(exponent=0.242, plateau_s=300.0),
    PowerLawKernel(exponent=1.7, plateau_s=40.0),
    ReviewKernel(burst_share=0.3, burst_mean_s=3600.0, shelf_life_s=30 * 86_400.0),
    ReviewKernel(burst_share=0.0, burst_mean_s=1.0, shelf_life_s=1000.0),
]
SEISMIC = PowerLawKernel(exponent=0.2314843, plateau_s=300.0)


def test_shares_worked_by_hand():
    # Exponent 1: half within the plateau; of the other half, half again by twice the plateau.
    kernel = PowerLawKernel(exponent=1.0, plateau_s=60.0)
    assert kernel.share_by([0, 30, 60, 120, 240]).tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 0.875])
    assert kernel.density_per_s([-1, 0, 60, 120]).tolist() == pytest.approx([0, 1 / 120, 1 / 120, 1 / 480])
    review = ReviewKernel(burst_share=0.5, burst_mean_s=1.0, shelf_life_s=100.0)
    assert review.share_by([50, 100, 1000]).tolist() == pytest.approx([0.75, 1, 1])
    assert review.density_per_s([50, 101]).tolist() == pytest.approx([0.005, 0], abs=1e-20)
    assert time_of_share(ExponentialKernel(10.0), 0.5) == pytest.approx(10 * math.log(2), rel=1e-14)
    assert time_of_share(SEISMIC, 0.0) == 0


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_share_is_the_integral_of_the_density(kernel):
    for end in (0.3, 1.0, 4.0, 5000.0):
        limit = end * kernel.scale_s
        cuts = [0.0, *(b for b in kernel.breaks_s if b < limit), limit]
        pieces = np.unique(np.concatenate([np.linspace(a, b, 40) for a, b in itertools.pairwise(cuts)]))
        total = math.fsum(quad(kernel.density_per_s, a, b, epsabs=1e-15)[0] for a, b in itertools.pairwise(pieces))
        assert total == pytest.approx(float(kernel.share_by(limit)), rel=1e-9)
    assert float(kernel.share_by(math.inf)) == 1
    assert float(kernel.share_by(-5.0)) == float(kernel.density_per_s(-5.0)) == 0


@given(st.sampled_from(KERNELS), st.floats(1e-6, 0.9))
def test_time_of_share_undoes_share_by(kernel, share):
    assert float(kernel.share_by(time_of_share(kernel, share))) == pytest.approx(share, rel=1e-12)


def test_kernels_agree_with_the_reference(shared):
    table = pd.read_csv(shared / "reference/spread/kernels.csv")
    seconds = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    checked = 0
    for row in table[table["quantity"] == "seismic_cdf"].itertuples():
        unit = row.parameters.lstrip("0123456789")
        at = float(row.parameters.removesuffix(unit)) * seconds[unit]
        assert float(SEISMIC.share_by(at)) == pytest.approx(row.value, rel=1e-12)
        checked += 1
    assert checked == 9
    value = table.drop_duplicates("quantity").set_index("quantity")["value"]
    assert time_of_share(SEISMIC, 0.5) == pytest.approx(value["seismic_median_seconds"], rel=1e-12)
    # A published constant is the density on the plateau times the mass by which it misses 1.
    mass = 0.0006265725 / float(SEISMIC.density_per_s(0.0))
    assert mass == pytest.approx(value["seismic_kernel_total_mass"], rel=1e-12)


def test_too_late_for_37_percent_at_a_quarter_of_an_hour_and_61_at_two_hours():
    assert SEISMIC.share_by([900, 7200]).round(2).tolist() == [0.37, 0.61]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ExponentialKernel(0.0), "mean_s must be finite and > 0"),
        (lambda: ExponentialKernel(math.nan), "mean_s must be finite and > 0"),
        (lambda: PowerLawKernel(-0.2, 300.0), "exponent must be finite and > 0"),
        (lambda: PowerLawKernel(0.2, math.inf), "plateau_s must be finite and > 0"),
        (lambda: ReviewKernel(1.2, 1.0, 1.0), "burst_share is a share"),
        (lambda: ReviewKernel(math.nan, 1.0, 1.0), "burst_share is a share"),
        (lambda: ReviewKernel(0.2, 1.0, 0.0), "shelf_life_s must be finite and > 0"),
        (lambda: time_of_share(SEISMIC, 1.0), "share must be at least 0 and below 1"),
    ],
)
def test_impossible_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_arrays_keep_their_shape():
    for kernel in KERNELS:
        grid = np.array([[0.0, 1.0], [10.0, 1e6]])
        assert kernel.density_per_s(grid).shape == kernel.share_by(grid).shape == (2, 2)
        assert_allclose(kernel.share_by(grid)[1, 1], kernel.share_by(1e6))
