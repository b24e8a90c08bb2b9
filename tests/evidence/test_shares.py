"""Shares that know their base, Wilson intervals, and one statistic on two bases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from cxresearch.evidence import (
    BaseMismatch,
    Share,
    add_intervals,
    base_test,
    interval_over_n,
    load_claims,
    share_interval,
)

TROUBLE = Share(0.87, of="had trouble", given="bought online")
LEAVE = Share(0.41, of="would leave", given="had trouble")
SITE = Share(0.39, of="complained on the site", given="told somebody")
TELL = Share(0.84, of="told somebody", given="had trouble")


# ---------------------------------------------------------------- Share


def test_87_percent_of_buyers_and_41_percent_of_those_with_trouble_chain():
    for product in (TROUBLE * LEAVE, LEAVE * TROUBLE):
        assert product.value == pytest.approx(0.3567)
        assert (product.of, product.given) == ("would leave", "bought online")
    assert float(TROUBLE) == 0.87


def test_sharers_do_not_chain_onto_problem_havers_without_the_84_percent():
    with pytest.raises(BaseMismatch, match="Missing is the share of 'had trouble' who are 'told somebody'"):
        TROUBLE * SITE
    with pytest.raises(BaseMismatch, match="other way round"):
        SITE * TROUBLE
    assert (TROUBLE * TELL * SITE).value == pytest.approx(0.87 * 0.84 * 0.39)
    assert TROUBLE.missing_link(TELL) == ""


def test_same_base_is_no_chain_and_neither_is_a_circle():
    with pytest.raises(BaseMismatch):
        TELL * LEAVE
    with pytest.raises(BaseMismatch, match="where they began"):
        TELL * Share(0.9, of="had trouble", given="told somebody")


@pytest.mark.parametrize("wrong", [87, -0.1, math.nan])
def test_a_share_is_0_to_1(wrong):
    with pytest.raises(ValueError, match="0 to 1"):
        Share(wrong, of="a", given="b")


def test_a_share_needs_two_groups_and_multiplies_only_shares():
    for of, base in (("", "b"), ("a", ""), ("a", "a")):
        with pytest.raises(ValueError, match="needs of= and given="):
            Share(0.5, of=of, given=base)
    with pytest.raises(TypeError):
        TROUBLE * 0.41
    with pytest.raises(TypeError):
        0.41 * TROUBLE


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_chaining_does_not_depend_on_brackets(values):
    a, b, c = (Share(v, of=f"g{i + 1}", given=f"g{i}") for i, v in enumerate(values))
    left, right = (a * b) * c, a * (b * c)
    assert left.value == pytest.approx(right.value)
    assert (left.of, left.given) == (right.of, right.given) == ("g3", "g0")
    assert left.value <= min(values) + 1e-12


# ---------------------------------------------------------------- base test


def test_39_percent_of_sharers_is_32_percent_of_those_with_trouble():
    row = base_test(SITE, TELL, Share(0.32, of="complained on the site", given="had trouble")).iloc[0]
    assert row["implied"] == pytest.approx(0.3276)
    assert row["implied_lower"] == pytest.approx(0.385 * 0.835)
    assert row["implied_upper"] == pytest.approx(0.395 * 0.845)
    assert row["consistent"]
    assert not row["consistent_unlinked"]


def test_7_and_6_percent_decide_nothing_and_39_and_26_contradict():
    social = Share(0.07, of="posted", given="told somebody")
    row = base_test(social, TELL, Share(0.06, of="posted", given="had trouble")).iloc[0]
    assert row["consistent"]
    assert row["consistent_unlinked"]
    wrong = base_test(SITE, TELL, Share(0.26, of="complained on the site", given="had trouble")).iloc[0]
    assert not wrong["consistent"]


def test_base_test_refuses_shares_that_do_not_meet():
    with pytest.raises(BaseMismatch):
        base_test(SITE, TROUBLE, LEAVE)
    with pytest.raises(BaseMismatch, match="not the statistic and base"):
        base_test(SITE, TELL, LEAVE)


# ---------------------------------------------------------------- Wilson


def test_wilson_by_hand():
    # share 0.5, n 100: centre 0.5, half width z * sqrt(0.0025 + z^2/40000) / (1 + z^2/100)
    z = 1.959963984540054
    half = z * math.sqrt(0.0025 + z * z / 40_000) / (1 + z * z / 100)
    assert share_interval(0.5, 100) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-12)
    assert share_interval(0.0, 20)[0] == share_interval(0.0, 5)[0] == 0.0
    assert share_interval(1.0, 20)[1] == share_interval(1.0, 5)[1] == 1.0


@given(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99])
)
def test_wilson_agrees_with_statsmodels(case, confidence):
    count, n = case
    expected = proportion_confint(count, n, alpha=1 - confidence, method="wilson")
    assert share_interval(count / n, n, confidence=confidence) == pytest.approx(expected, abs=1e-12)


@given(st.floats(0, 1), st.integers(1, 100_000))
def test_wilson_holds_the_share_and_narrows_with_n(share, n):
    low, high = share_interval(share, n)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    assert high - low > (share_interval(share, 4 * n)[1] - share_interval(share, 4 * n)[0]) - 1e-12


@pytest.mark.parametrize(
    ("share", "n", "told"),
    [(87, 100, "0.87, not 87"), (0.5, 0, "interval_over_n"), (0.5, pd.NA, "known"), (0.5, math.nan, "known")],
)
def test_wilson_refuses_percent_and_unknown_n(share, n, told):
    with pytest.raises(ValueError, match=told):
        share_interval(share, n)


def test_unknown_n_is_a_range_that_is_stated():
    table = interval_over_n(0.38, n_low=500, n_high=3000)
    assert table["n"].iloc[[0, -1]].tolist() == [500, 3000]
    assert (table["upper"] - table["lower"]).is_monotonic_decreasing
    assert tuple(table.iloc[0][["lower", "upper"]]) == share_interval(0.38, 500)
    with pytest.raises(ValueError, match="n_low < n_high"):
        interval_over_n(0.38, n_low=500, n_high=500)


def test_intervals_of_the_register():
    table = add_intervals(load_claims(), n_low=500, n_high=3000).set_index("claim_id")
    title, unknown, money = table.loc["C003-01"], table.loc["C000-02"], table.loc["C001-13"]
    assert title["n_known"]
    assert (title["lower"], title["upper"]) == share_interval(0.92, 1003)
    assert title["narrow_lower"] == title["lower"]
    assert (unknown["lower"], unknown["upper"]) == share_interval(0.87, 500)
    assert (unknown["narrow_lower"], unknown["narrow_upper"]) == share_interval(0.87, 3000)
    # Of callers at least 35 and at most 47 in a hundred of those asked, not everybody.
    callers = table.loc["C000-04"]
    assert (callers["lower"], callers["upper"]) == share_interval(0.38, 175)
    assert (callers["narrow_lower"], callers["narrow_upper"]) == share_interval(0.38, 1410)
    assert np.isnan(money["lower"])
