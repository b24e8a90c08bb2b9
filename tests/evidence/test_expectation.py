"""Fits to printed classes of time: exact where two limits decide, recovered where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisk, lognorm, weibull_min

from cxresearch.evidence import DISTRIBUTIONS, expectation_cells, expectation_curve, fit_expectation, load_evidence

LAWS = {
    "weibull": lambda location, scale: weibull_min(1 / scale, scale=math.exp(location)),
    "log-logistic": lambda location, scale: fisk(1 / scale, scale=math.exp(location)),
    "log-normal": lambda location, scale: lognorm(scale, scale=math.exp(location)),
}


def cells(limits_s, below) -> pd.DataFrame:
    edges = [0.0, *limits_s, math.inf]
    return pd.DataFrame({"after_s": edges[:-1], "within_s": edges[1:], "share": np.diff([0.0, *below, 1.0])})


def test_two_limits_are_met_exactly_by_every_law():
    found = fit_expectation(cells([3600, 86_400], [0.3, 0.8]), n=1000).set_index("distribution")
    assert found["largest_gap"].max() < 1e-6
    assert found["df"].tolist() == [0, 0, 0]
    # Weibull by hand: log(-log(1 - F)) is a line in log t.
    y1, y2 = (math.log(-math.log(1 - f)) for f in (0.3, 0.8))
    scale = (math.log(86_400) - math.log(3600)) / (y2 - y1)
    assert found.loc["weibull", "scale"] == pytest.approx(scale, rel=1e-5)
    assert found.loc["weibull", "location"] == pytest.approx(math.log(3600) - scale * y1, rel=1e-6)
    # Log-logistic: log(F / (1 - F)); its median is exp(location).
    slope = (math.log(86_400) - math.log(3600)) / (math.log(4) - math.log(3 / 7))
    assert found.loc["log-logistic", "median_s"] == pytest.approx(
        math.exp(math.log(86_400) - slope * math.log(4)), rel=1e-5
    )


@settings(max_examples=15)
@given(st.sampled_from(DISTRIBUTIONS), st.floats(7, 11), st.floats(0.5, 3))
def test_the_law_that_made_the_classes_is_found(name, location, scale):
    law = LAWS[name](location, scale)
    limits = [float(t) for t in law.ppf([0.1, 0.3, 0.5, 0.7, 0.9])]
    found = fit_expectation(cells(limits, law.cdf(limits)), n=2000)
    best = found.iloc[0]
    assert best["distribution"] == name
    assert best["location"] == pytest.approx(location, abs=1e-4)
    assert best["scale"] == pytest.approx(scale, rel=1e-4)
    assert best["deviance"] == pytest.approx(0, abs=1e-5)
    assert best["median_lower_s"] < law.median() < best["median_upper_s"]
    curve = expectation_curve(found.head(1), np.array(limits))
    np.testing.assert_allclose(curve["share"], law.cdf(limits), atol=1e-5)


def test_the_interval_of_the_median_covers_as_often_as_it_says():
    rng = np.random.default_rng(20_240_117)
    law, limits = LAWS["log-normal"](9.0, 1.5), [900.0, 3600.0, 14_400.0, 86_400.0]
    probabilities = np.diff([0.0, *law.cdf(limits), 1.0])
    covered = 0
    for counts in rng.multinomial(400, probabilities, size=100):
        found = (
            fit_expectation(cells(limits, np.cumsum(counts / 400)[:-1]), n=400)
            .set_index("distribution")
            .loc["log-normal"]
        )
        covered += found["median_lower_s"] < math.exp(9.0) < found["median_upper_s"]
    # 95 of 100 are expected; four standard errors of that count are 9.
    assert 86 <= covered <= 100


def test_email_expectations_as_published():
    email = expectation_cells(load_evidence("expectations"), "X03", immediate_s=300)
    assert email["share"].cumsum().tolist() == pytest.approx([0.11, 0.30, 0.44, 0.87, 1.00])
    assert email["within_s"].tolist() == [900, 3600, 14_400, 86_400, 172_800]
    found = fit_expectation(email, n=1200)
    assert found["distribution"].iloc[0] == "weibull"
    assert 3 * 3600 < found["median_s"].iloc[0] < 5 * 3600
    # People name round times: no smooth law fits, and the table says so.
    assert (found["p_value"] < 0.001).all()


def test_social_expectations_keep_those_who_never_expect_apart():
    table = load_evidence("expectations")
    social = expectation_cells(table, "X05", immediate_s=300)
    assert social["never"].unique().tolist() == [0.069]
    assert social["printed"].cumsum().tolist() == pytest.approx([0.237, 0.498, 0.792, 0.931])
    assert math.isinf(social["within_s"].iloc[-1])
    curve = expectation_curve(fit_expectation(social, n=1500), np.array([1e12]), never=0.069)
    assert curve["share"].max() == pytest.approx(0.931, abs=1e-3)


def test_what_cannot_be_fitted_is_refused():
    table = load_evidence("expectations")
    with pytest.raises(ValueError, match=r"there are some for \['X03', 'X05'\]"):
        expectation_cells(table, "X99", immediate_s=300)
    with pytest.raises(ValueError, match="between 0 and 3600 s"):
        expectation_cells(table, "X05", immediate_s=3600)
    good = cells([3600, 86_400], [0.3, 0.8])
    with pytest.raises(ValueError, match="adjoin"):
        fit_expectation(good.assign(after_s=[0, 1800, 86_400]), n=100)
    with pytest.raises(ValueError, match="sum to 1"):
        fit_expectation(good.assign(share=[0.3, 0.3, 0.3]), n=100)
    with pytest.raises(ValueError, match="two limits"):
        fit_expectation(cells([3600], [0.3]), n=100)
    with pytest.raises(ValueError, match="respondents"):
        fit_expectation(good, n=math.nan)
    with pytest.raises(ValueError, match="durations_s"):
        expectation_curve(fit_expectation(good, n=100), np.array([0.0]))
