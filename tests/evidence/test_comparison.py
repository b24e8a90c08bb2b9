"""Published shares against each other: waves, pairs of the same people, pooling."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from cxresearch.evidence import BaseMismatch, change_table, load_evidence, load_waves, order_test, pool
from cxresearch.evidence.comparison import _n_needed, _two_shares

UNKNOWN = {"n_low": 500, "n_high": 3000}


@pytest.fixture(scope="module")
def waves() -> pd.DataFrame:
    return load_waves().query("series == 'tealeaf_harris'")


@pytest.fixture(scope="module")
def pairs() -> pd.DataFrame:
    items = load_evidence("items").set_index("item")
    first, second = (
        items.loc[items["question"] == question, "value"] for question in ("after a poor answer", "after no answer")
    )
    return pd.DataFrame({"first": first, "second": second}).reset_index()


# ---------------------------------------------------------------- change


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(61, 2000),
    st.integers(61, 2000),
)
def test_two_samples_agree_with_statsmodels(count1, count2, n1, n2):
    lower, upper, p = _two_shares(count1 / n1, count2 / n2, [n1, n2], math.nan, 0.95)
    newcombe = confint_proportions_2indep(count2, n2, count1, n1, method="newcomb", compare="diff")
    assert (lower, upper) == pytest.approx(newcombe, abs=1e-9)
    assert p == pytest.approx(proportions_ztest([count2, count1], [n2, n1])[1], abs=1e-12)


def test_us_trouble_2005_to_2009(waves):
    table = change_table(waves, metric="problem_rate", country="US", **UNKNOWN)
    assert table[["from_year", "to_year"]].to_numpy().tolist() == [
        [2005, 2006],
        [2006, 2007],
        [2007, 2008],
        [2008, 2009],
    ]
    assert table["verdict"].tolist() == ["no change shown"] * 3 + ["change"]
    last = table.iloc[-1]
    assert last["change"] == pytest.approx(-0.07)
    assert last["upper"] < 0
    assert last["p_at_high_n"] < last["p_at_low_n"] < 0.05
    assert table["n_needed"].isna().tolist() == [True, True, True, False]


def test_uk_2007_to_2008_hangs_on_the_unknown_n(waves):
    first = change_table(waves, metric="problem_rate", country="UK", **UNKNOWN).iloc[0]
    assert first["verdict"] == "depends on n"
    assert 500 < first["n_needed"] < 3000
    at, below = (_two_shares(0.86, 0.89, [None, None], first["n_needed"] - k, 0.95)[2] for k in (0, 1))
    assert at < 0.05 <= below


def test_another_base_is_not_a_wave(waves):
    last = change_table(waves, metric="abandon_or_switch_intent", country="US", **UNKNOWN).iloc[-1]
    assert last["verdict"] == "bases differ"
    assert math.isnan(last["p_at_low_n"])
    calls = waves.assign(metric=waves["metric"].replace("contacted_customer_service", "contacted_callcentre"))
    contacted = change_table(calls, metric="contacted_callcentre", country="US", **UNKNOWN)
    assert contacted["verdict"].tolist() == ["bases differ", "change"]


def test_change_refuses_what_is_no_series(waves):
    with pytest.raises(ValueError, match="printed on two bases in \\[2008\\]"):
        change_table(waves, metric="blog_or_social", country="US", **UNKNOWN)
    with pytest.raises(ValueError, match="two waves"):
        change_table(waves, metric="bbb_complaint", country="US", **UNKNOWN)
    with pytest.raises(ValueError, match="two waves of a share"):
        change_table(waves, metric="revenue_at_risk", country="US", **UNKNOWN)


def test_no_size_shows_a_change_of_nothing():
    assert math.isnan(_n_needed(0.5, 0.5, [None, None], 0.95))
    assert math.isnan(_n_needed(0.5, 0.6, [100.0, 100.0], 0.95))


# ---------------------------------------------------------------- order


def test_boycott_by_hand():
    row = order_test(pd.DataFrame({"item": ["boycott"], "first": [0.50], "second": [0.35]}), n=1003).iloc[0]
    assert row["discordant"] == pytest.approx(0.85)
    assert row["z"] == pytest.approx(0.15 * math.sqrt(1003 / 0.85))
    assert row["p_rounded"] == pytest.approx(math.erfc(0.14 * math.sqrt(1003 / 0.85) / math.sqrt(2)))


def test_the_seven_pairs_survive_among_all_and_four_are_marginal_among_callers(pairs):
    everybody = order_test(pairs, n=1003).set_index("item")
    assert (everybody["verdict"] == "survives").all()
    rises = everybody["difference"] > 0
    assert set(everybody.index[~rises]) == {"try another channel", "forget about it"}
    callers = order_test(pairs, n=461).set_index("item")
    assert set(callers.index[callers["verdict"] == "survives"]) == {
        "boycott the brand",
        "post again",
        "try another channel",
    }
    assert (callers["verdict"] != "open").all()
    assert callers.loc["unfollow the brand", "p_rounded"] > 0.05


def test_worst_case_agrees_with_mcnemar_on_the_worst_table(pairs):
    n = 1000
    for row in order_test(pairs, n=n).itertuples():
        # Nobody did both, or, beyond 100 %, nobody did neither: the most discordant table with these margins.
        both = max(0, round(n * (row.first + row.second - 1)))
        only_first, only_second = round(n * row.first) - both, round(n * row.second) - both
        table = [[both, only_first], [only_second, n - both - only_first - only_second]]
        assert row.p_value == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue, rel=1e-9)
        exact = binomtest(only_first, only_first + only_second).pvalue
        assert (exact < 0.05) == (row.p_value < 0.05)


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(0, 1))
def test_no_dependence_gives_a_smaller_z(first, second, where):
    row = order_test(pd.DataFrame({"item": ["x"], "first": [first], "second": [second]}), n=500).iloc[0]
    low, high = max(0, first + second - 1), min(first, second)
    both = low + where * (high - low)
    discordant = first + second - 2 * both
    if discordant > 1e-9:
        assert abs(row["z"]) <= abs(first - second) * math.sqrt(500 / discordant) + 1e-9


def test_equal_certain_answers_differ_in_nothing_and_bad_pairs_are_refused():
    row = order_test(pd.DataFrame({"item": ["x"], "first": [1.0], "second": [1.0]}), n=10).iloc[0]
    assert (row["z"], row["verdict"]) == (0.0, "open")
    for wrong in ([50.0], [math.nan]):
        with pytest.raises(ValueError, match="0 to 1"):
            order_test(pd.DataFrame({"item": ["x"], "first": wrong, "second": [0.3]}), n=10)


# ---------------------------------------------------------------- pooling


def findings(shares, sizes, **same) -> pd.DataFrame:
    table = pd.DataFrame({"study": [f"s{i}" for i in range(len(shares))], "share": shares, "n": sizes})
    return table.assign(**({"metric": "trouble", "base": "transactors", "country": "US"} | same))


def test_pooling_agrees_with_statsmodels_and_with_one_big_sample():
    table = findings([0.89, 0.88, 0.87], [1859, 2790, 2420])
    pooled = pool(table).set_index("study")
    logit = np.log(table["share"] / (1 - table["share"]))
    reference = combine_effects(logit, 1 / (table["n"] * table["share"] * (1 - table["share"])), method_re="iterated")
    estimate = 1 / (1 + math.exp(-reference.mean_effect_re))
    assert pooled.loc["random effects", "estimate"] == pytest.approx(estimate, abs=1e-12)
    assert pooled["q"].iloc[0] == pytest.approx(reference.q)
    assert pooled["i2"].iloc[0] == pytest.approx(reference.i2)
    # Equal shares: no heterogeneity, and the interval is that of one sample of all.
    same = pool(findings([0.4, 0.4], [300, 700])).set_index("study")
    assert same.loc[["fixed effect", "random effects"], "estimate"].tolist() == pytest.approx([0.4, 0.4])
    assert same["i2"].max() == 0
    half = 1.959963984540054 / math.sqrt(1000 * 0.24)
    assert same.loc["fixed effect", "upper"] == pytest.approx(1 / (1 + math.exp(-(math.log(2 / 3) + half))), abs=1e-9)


def test_the_waves_with_known_n_pool(waves):
    known = waves[(waves["metric"] == "problem_rate") & (waves["country"] == "US") & waves["n"].notna()]
    pooled = pool(known.assign(study=known["wave_id"], share=known["value"]))
    assert len(pooled) == 5
    assert 0.87 < pooled["estimate"].iloc[-1] < 0.89


@pytest.mark.parametrize(("column", "other"), [("base", "sharers"), ("metric", "leave"), ("country", "UK")])
def test_nothing_is_pooled_across_bases(column, other):
    table = findings([0.4, 0.5], [100, 200])
    table.loc[1, column] = other
    with pytest.raises(BaseMismatch, match=f"across different {column}"):
        pool(table)


def test_pooling_refuses_an_unknown_n_and_a_lone_survey():
    with pytest.raises(ValueError, match="unknown for \\['s1'\\]"):
        pool(findings([0.4, 0.5], [100, math.nan]))
    with pytest.raises(ValueError, match="two surveys"):
        pool(findings([0.4], [100]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        pool(findings([0.0, 0.5], [100, 100]))
