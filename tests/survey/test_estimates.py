"""Own survey: estimates worked by hand, against R's survey package and statsmodels, and on real respondents."""

from __future__ import annotations

import math
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from cxresearch import __main__ as command_line
from cxresearch.survey import (
    compare,
    load_responses,
    rake,
    read_survey,
    share_table,
    weighted_mean,
    weighted_share,
)

CLUSTERED = {"weight": "pw", "cluster": "dnum", "population": "fpc"}
SCHOOL_TYPES = {"E": 4421, "H": 755, "M": 1018}
SCHOOLWIDE = {"No": 1072, "Yes": 5122}


@pytest.fixture(scope="module")
def districts(shared: Path) -> pd.DataFrame:
    """183 schools: all of 15 districts drawn from 757."""
    return pd.read_parquet(shared / "data/r-survey/apiclus1.parquet")


@pytest.fixture(scope="module")
def pew(shared: Path) -> pd.DataFrame:
    """2,001 adults asked in December 2013."""
    return pd.read_parquet(shared / "data/pew-2013/dec13_excerpt.parquet")


def code_blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1
    return table.iloc[0]


# --- worked by hand -------------------------------------------------------------------------------------------------


def test_a_plain_share_is_the_textbook_share():
    row = only(weighted_share(pd.DataFrame({"complained": [1, 1, 1, 0]}), "complained"))
    assert row["estimate"] == 0.75
    assert row["se"] == pytest.approx(math.sqrt(0.75 * 0.25 / 3))  # p(1-p)/(n-1)
    assert row["n"] == 4
    assert row["design_effect"] == pytest.approx(1)


def test_two_weights_worked_by_hand():
    # Mean 3/4; influences 3 * 1/4 / 4 = 3/16 and 1 * -3/4 / 4 = -3/16; variance 2/(2-1) * 2 * (3/16)^2 = 9/64.
    row = only(weighted_mean(pd.DataFrame({"y": [1.0, 0.0], "w": [3.0, 1.0]}), "y", weight="w"))
    assert row["estimate"] == 0.75
    assert row["se"] == pytest.approx(3 / 8)


def test_strata_clusters_and_population_worked_by_hand():
    responses = pd.DataFrame(
        {
            "y": [1, 1, 0, 1, 0, 0, 1, 0],
            "stratum": list("aaaabbbb"),
            "cluster": [1, 1, 2, 2, 3, 3, 4, 4],
            "clusters_there": [10] * 4 + [4] * 4,
        }
    )
    row = only(
        weighted_share(
            responses.assign(w=1.0), "y", weight="w", strata="stratum", cluster="cluster", population="clusters_there"
        )
    )
    # Cluster totals of (y - 1/2)/8: 1/8 and 0 in a, -1/8 and 0 in b: 2/(2-1) * squares about the mean = 1/64 in each.
    assert row["estimate"] == 0.5
    assert row["se"] ** 2 == pytest.approx((1 - 2 / 10) / 64 + (1 - 2 / 4) / 64)


def test_without_weights_the_population_gives_them():
    responses = pd.DataFrame({"y": [1, 1, 0, 0], "stratum": list("aabb"), "there": [300, 300, 100, 100]})
    assert only(weighted_share(responses, "y", strata="stratum", population="there"))["estimate"] == 0.75


def test_a_group_keeps_the_clusters_that_do_not_hold_it():
    responses = pd.DataFrame({"y": [1, 0, 1, 0, 1, 1], "group": list("uuuvvv"), "cluster": [1, 1, 2, 2, 3, 3]})
    table = weighted_share(responses, "y", cluster="cluster", by="group")
    assert table["group"].tolist() == ["u", "v"]
    assert table["n"].tolist() == [3, 3]
    # Group u: mean 2/3, cluster totals of (y - 2/3)/3: -1/9, 1/9 and 0 for the cluster without u.
    assert table["se"][0] ** 2 == pytest.approx(3 / 2 * (2 / 81))


def test_a_missing_answer_is_outside_the_base():
    responses = pd.DataFrame({"y": [1, 0, None, 1], "cluster": [1, 1, 2, 3]})
    row = only(weighted_share(responses, "y", cluster="cluster"))
    assert row["n"] == 3
    assert row["estimate"] == pytest.approx(2 / 3)
    assert row["se"] ** 2 == pytest.approx(3 / 2 * (2 / 81))


def test_a_group_in_which_nobody_answered_is_shown_with_n_0():
    responses = pd.DataFrame({"y": [1, 0, None], "group": ["a", "a", "b"]})
    table = weighted_share(responses, "y", by=["group"])
    assert table["n"].tolist() == [2, 0]
    assert math.isnan(table["estimate"][1])


def test_raking_two_by_two_worked_by_hand():
    # Cells 1, 1, 1, 1 with odds ratio 1 keep it: the answer is the product of the margins.
    responses = pd.DataFrame({"sex": ["f", "f", "m", "m"], "age": ["old", "young", "old", "young"]})
    weights = rake(responses, {"sex": {"f": 60, "m": 40}, "age": {"old": 70, "young": 30}})
    assert weights.tolist() == pytest.approx([42, 18, 28, 12], rel=1e-12)


# --- known theory and limits ----------------------------------------------------------------------------------------


def test_the_whole_population_has_no_sampling_error():
    row = only(weighted_share(pd.DataFrame({"y": [1, 0, 0], "there": 3}), "y", population="there"))
    assert row["se"] == 0
    assert row["lower"] == row["upper"] == pytest.approx(1 / 3)


def test_a_stratum_sampled_whole_may_have_one_cluster():
    responses = pd.DataFrame({"y": [1, 0, 1], "stratum": ["a", "b", "b"], "there": [1, 8, 8]})
    table = weighted_mean(responses, "y", strata="stratum", population="there")
    # Only b is uncertain: weight 4 each of 9, influences +-(1/2)*4/9 about their own mean.
    assert only(table)["se"] ** 2 == pytest.approx((1 - 2 / 8) * 2 * 2 * (2 / 9) ** 2)


def test_the_margins_themselves_have_no_sampling_error_after_raking():
    rng = np.random.default_rng(5)
    responses = pd.DataFrame({"sex": rng.choice(["f", "m"], 300), "age": rng.choice(list("abc"), 300)})
    targets = {"sex": {"f": 0.55, "m": 0.45}, "age": {"a": 0.3, "b": 0.3, "c": 0.4}}
    row = only(weighted_share(responses.assign(b=(responses["age"] == "b").astype(int)), "b", targets=targets))
    assert row["estimate"] == pytest.approx(0.3, rel=1e-12)
    assert row["se"] < 1e-12


def test_few_clusters_widen_the_interval_as_korn_and_graubard_say():
    responses = pd.DataFrame({"y": [1, 1, 0, 1, 0, 0, 1, 0, 1, 1], "cluster": np.repeat(range(5), 2)})
    row = only(weighted_share(responses, "y", cluster="cluster"))
    effective = 0.6 * 0.4 / row["se"] ** 2 * 10 / 9 * (stats.t.ppf(0.975, 9) / stats.t.ppf(0.975, 4)) ** 2
    assert (row["lower"], row["upper"]) == pytest.approx(
        proportion_confint(0.6 * effective, effective, method="wilson")
    )


def test_at_zero_the_interval_is_wilsons_at_the_number_of_rows():
    row = only(weighted_share(pd.DataFrame({"y": [0] * 50}), "y"))
    assert (row["estimate"], row["se"]) == (0, 0)
    assert (row["lower"], row["upper"]) == pytest.approx(proportion_confint(0, 50, method="wilson"), abs=1e-12)


def test_at_zero_clusters_count_and_not_their_rows():
    rows = pd.DataFrame({"y": [0] * 50, "cluster": np.repeat(range(10), 5)})
    upper = only(weighted_share(rows, "y", cluster="cluster"))["upper"]
    assert upper > proportion_confint(0, 10, method="wilson")[1]


def test_a_group_inside_one_cluster_has_no_interval():
    responses = pd.DataFrame({"y": [1, 0, 1, 0], "group": list("uuvv"), "cluster": [1, 1, 2, 3]})
    table = weighted_share(responses, "y", cluster="cluster", by="group")
    assert table["lower"].isna().tolist() == [True, False]


# --- properties -----------------------------------------------------------------------------------------------------


@st.composite
def surveys(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(8, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return pd.DataFrame(
        {
            "y": rng.integers(0, 2, rows),
            "w": rng.gamma(2.0, 1.0, rows) + 0.05,
            "cluster": np.arange(rows) % 4 + 4 * (np.arange(rows) % 8 // 4),
            "stratum": np.arange(rows) % 8 // 4,
            "sex": np.where(np.arange(rows) % 3 == 0, "f", "m"),
            "age": np.where(np.arange(rows) // 2 % 2 == 0, "old", "young"),
        }
    )


@given(surveys(), st.floats(0.01, 1000))
def test_the_scale_of_the_weights_does_not_matter(responses: pd.DataFrame, scale: float):
    design = {"weight": "w", "strata": "stratum", "cluster": "cluster"}
    scaled = weighted_share(responses.assign(w=responses["w"] * scale), "y", **design)
    pd.testing.assert_frame_equal(scaled, weighted_share(responses, "y", **design), rtol=1e-9)


@given(surveys())
def test_the_share_of_no_is_the_rest(responses: pd.DataFrame):
    yes = only(weighted_share(responses, "y", weight="w", cluster="cluster"))
    no = only(weighted_share(responses.assign(y=1 - responses["y"]), "y", weight="w", cluster="cluster"))
    assert yes["estimate"] + no["estimate"] == pytest.approx(1)
    assert yes["se"] == pytest.approx(no["se"], abs=1e-12)
    assert yes["lower"] == pytest.approx(1 - no["upper"], abs=1e-9)
    assert 0 <= yes["lower"] <= yes["estimate"] <= yes["upper"] <= 1


@given(surveys())
def test_each_cluster_as_one_row_of_totals_gives_the_same_error(responses: pd.DataFrame):
    """The ratio of cluster totals, linearised by hand."""
    row = only(weighted_mean(responses, "y", weight="w", strata="stratum", cluster="cluster"))
    sums = responses.assign(wy=responses["w"] * responses["y"]).groupby(["stratum", "cluster"])[["wy", "w"]].sum()
    ratio = sums["wy"].sum() / sums["w"].sum()
    residual = (sums["wy"] - ratio * sums["w"]) / sums["w"].sum()
    variance = sum(len(part) * part.var() for _, part in residual.groupby("stratum"))
    assert row["estimate"] == pytest.approx(ratio)
    assert row["se"] == pytest.approx(math.sqrt(variance), abs=1e-12)


@given(surveys(), st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_raked_weights_meet_every_target_and_keep_the_odds_ratios(responses: pd.DataFrame, f: float, old: float):
    total = 10_000.0
    targets = {"sex": {"f": f * total, "m": (1 - f) * total}, "age": {"old": old * total, "young": (1 - old) * total}}
    weights = rake(responses, targets, weight="w")
    assert (weights > 0).all()
    for column, goal in targets.items():
        reached = weights.groupby(responses[column]).sum()
        assert reached.to_dict() == pytest.approx(goal, rel=1e-11)
    factor = (weights / responses["w"]).groupby([responses["sex"], responses["age"]]).agg(["min", "max"])
    np.testing.assert_allclose(factor["min"], factor["max"], rtol=1e-9)  # one factor per cell
    if len(factor) == 4:
        assert factor["min"]["f", "old"] * factor["min"]["m", "young"] == pytest.approx(
            factor["min"]["f", "young"] * factor["min"]["m", "old"], rel=1e-9
        )


@given(surveys())
def test_shares_and_totals_as_targets_give_the_same_estimate(responses: pd.DataFrame):
    shares = {"sex": {"f": 0.4, "m": 0.6}}
    totals = {"sex": pd.Series({"f": 400.0, "m": 600.0})}
    pd.testing.assert_frame_equal(
        weighted_share(responses, "y", weight="w", targets=shares),
        weighted_share(responses, "y", weight="w", targets=totals),
        rtol=1e-9,
    )
    assert rake(responses, shares, weight="w").sum() == pytest.approx(responses["w"].sum())


# --- agreement with R's survey package ------------------------------------------------------------------------------
# Digits printed in the package's reference output (tests/*.Rout.save), and double-precision results of survey 4.5 that
# other projects' test suites publish. Each is also recomputed below or above from the textbook formula.


def test_cluster_sample_of_districts(districts: pd.DataFrame):
    row = only(weighted_mean(districts, "api00", **CLUSTERED))
    assert row["estimate"] == pytest.approx(644.16939890710387, rel=1e-12)
    assert row["se"] == pytest.approx(23.542240693781036, rel=1e-12)
    assert (row["lower"], row["upper"]) == pytest.approx((593.67631446332553, 694.66248335088221), rel=1e-12)
    assert row["design_effect"] == pytest.approx(9.3459, abs=5e-5)
    # The textbook formula for a ratio over clusters drawn without replacement.
    sums = districts.groupby("dnum")["api00"].agg(["sum", "count"])
    residual = sums["sum"] - row["estimate"] * sums["count"]
    by_hand = (1 - 15 / 757) * 15 * residual.var() / len(districts) ** 2
    assert row["se"] ** 2 == pytest.approx(by_hand, rel=1e-9)


def test_simple_random_and_stratified_samples(shared: Path):
    srs = pd.read_parquet(shared / "data/r-survey/apisrs.parquet")
    row = only(weighted_mean(srs, "api00", weight="pw", population="fpc"))
    assert (row["estimate"], row["se"]) == pytest.approx((656.585, 9.249722039282807), rel=1e-12)
    assert row["se"] ** 2 == pytest.approx((1 - 200 / 6194) * srs["api00"].var() / 200)
    assert row["design_effect"] == pytest.approx(1, rel=1e-6)
    assert only(weighted_mean(srs, "api00"))["se"] == pytest.approx(9.402772170880636, rel=1e-12)

    strata = pd.read_parquet(shared / "data/r-survey/apistrat.parquet")
    row = only(weighted_mean(strata, "api00", weight="pw", strata="stype", population="fpc"))
    assert row["estimate"] == pytest.approx(662.29, abs=5e-3)
    assert row["se"] == pytest.approx(9.4089, abs=5e-5)
    parts = strata.groupby("stype").agg(var=("api00", "var"), n=("api00", "size"), there=("fpc", "first"))
    by_hand = ((parts["there"] / 6194) ** 2 * (1 - parts["n"] / parts["there"]) * parts["var"] / parts["n"]).sum()
    assert row["se"] ** 2 == pytest.approx(by_hand, rel=1e-6)  # the published weights are single precision


def test_means_of_groups(districts: pd.DataFrame):
    table = weighted_mean(districts, "api00", weight="pw", cluster="dnum", by="stype")
    assert table["stype"].tolist() == ["E", "H", "M"]
    np.testing.assert_allclose(table["se"] ** 2, [510.18671155248, 1474.76185517939, 1019.35690971428], rtol=1e-12)
    levels = districts.assign(**{level: (districts["stype"] == level).astype(int) for level in "EH"})
    difference = levels.assign(d=levels["E"] - levels["H"])
    row = only(weighted_mean(difference, "d", weight="pw", cluster="dnum"))
    assert (row["estimate"], row["se"]) == pytest.approx((0.710382513661203, 0.0703616498636037), rel=1e-12)


def test_raked_means(districts: pd.DataFrame):
    row = only(weighted_mean(districts, "api00", **CLUSTERED, targets={"stype": SCHOOL_TYPES, "sch.wide": SCHOOLWIDE}))
    assert row["estimate"] == pytest.approx(641.23, abs=5e-3)
    assert row["se"] == pytest.approx(23.704, abs=5e-4)
    other = {"stype": SCHOOL_TYPES, "sch.wide": {"No": 1000, "Yes": 5194}}
    row = only(weighted_mean(districts, "api00", **CLUSTERED, targets=other))
    assert row["se"] == pytest.approx(23.745841047537, rel=1e-12)


def test_poststratified_means(districts: pd.DataFrame):
    row = only(weighted_mean(districts, "api00", **CLUSTERED, targets={"stype": SCHOOL_TYPES}))
    assert (row["estimate"], row["se"]) == pytest.approx((642.310788211584, 23.9204864450905), rel=1e-12)
    groups = weighted_mean(
        districts, "api00", weight="pw", cluster="dnum", targets={"stype": SCHOOL_TYPES}, by="comp.imp"
    )
    np.testing.assert_allclose(groups["se"] ** 2, [804.417956450135, 561.917214477123], rtol=1e-12)
    assert groups["estimate"][1] - groups["estimate"][0] == pytest.approx(12.7920276905844, rel=1e-12)


def test_raking_to_a_joint_margin_of_the_whole_population(districts: pd.DataFrame, shared: Path):
    everybody = pd.read_parquet(shared / "data/r-survey/apipop.parquet")
    joint = everybody["stype"] + everybody["sch.wide"]
    targets = {"joint": joint.value_counts(), "comp.imp": everybody["comp.imp"].value_counts()}
    both = districts.assign(joint=districts["stype"] + districts["sch.wide"])
    row = only(weighted_mean(both, "api00", **CLUSTERED, targets=targets))
    assert row["estimate"] == pytest.approx(642.61, abs=5e-3)
    assert row["se"] == pytest.approx(22.731, abs=5e-4)


def test_unequal_starting_weights_after_raking_against_the_formula(districts: pd.DataFrame):
    """Residuals from the margins by weighted least squares with the starting weights (Deville and Sarndal)."""
    responses = districts.assign(start=districts["pw"] * np.where(districts["enroll"] > 500, 2.0, 1.0))
    targets = {"stype": SCHOOL_TYPES, "sch.wide": SCHOOLWIDE}
    row = only(weighted_mean(responses, "api00", weight="start", cluster="dnum", targets=targets))
    weights, start = rake(responses, targets, weight="start"), responses["start"]
    mean = np.average(responses["api00"], weights=weights)
    margins = pd.get_dummies(responses[["stype", "sch.wide"]], drop_first=True).assign(one=1).astype(float).to_numpy()
    influence = (responses["api00"] - mean).to_numpy() / weights.sum()
    slopes = np.linalg.solve(margins.T @ (margins * start.to_numpy()[:, None]), margins.T @ (start * influence))
    totals = (weights * (influence - margins @ slopes)).groupby(responses["dnum"]).sum()
    assert row["estimate"] == pytest.approx(mean, rel=1e-12)
    assert row["se"] == pytest.approx(math.sqrt(15 * totals.var()), rel=1e-9)


def test_unweighted_intervals_are_statsmodels_wilson():
    responses = pd.DataFrame({"y": [1] * 37 + [0] * 63})
    row = only(weighted_share(responses, "y"))
    assert (row["lower"], row["upper"]) == pytest.approx(proportion_confint(37, 100, method="wilson"), rel=1e-12)


# --- Pew Research Center, December 2013 -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "published"),
    [("q1", "Disapprove", 49), ("q1", "Approve", 45), ("q45", "Disapprove", 54), ("q45", "Approve", 41)],
)
def test_published_per_cent_of_pew(pew: pd.DataFrame, question: str, answer: str, published: int):
    responses = pew.assign(chosen=(pew[question] == answer).astype(int))
    row = only(weighted_share(responses, "chosen", weight="weight"))
    assert round(100 * row["estimate"]) == published
    assert row["n"] == 2001
    assert row["design_effect"] == pytest.approx(1.33, abs=0.03)  # Kish's 1.33 ignores the answers


def test_pew_raked_to_the_census(pew: pd.DataFrame, shared: Path):
    census = pd.read_parquet(shared / "data/pew-2013/acs_2017_targets.parquet")
    columns = ["sex", "recage", "receduc"]
    targets = {column: census.groupby(column)["weight"].sum() / census["weight"].sum() for column in columns}
    with pytest.raises(ValueError, match=r"no target for levels of 'recage'.*'DK/Ref': 40"):
        rake(pew, targets)
    known = pew[~pew[columns].isin(["DK/Ref"]).any(axis=1)]
    weights = rake(known, targets)
    for column in columns:
        reached = weights.groupby(known[column]).sum() / weights.sum()
        assert reached.to_dict() == pytest.approx(targets[column].to_dict(), rel=1e-11)


# --- recovery of a known truth --------------------------------------------------------------------------------------


def test_the_standard_error_is_the_spread_over_repeated_cluster_samples():
    rng = np.random.default_rng(11)
    towns, people = 400, 12
    leaning = rng.beta(2, 3, towns)
    population = (rng.random((towns, people)) < leaning[:, None]).astype(int)
    truth, estimates, errors, covered = population.mean(), [], [], []
    for _ in range(300):
        drawn = rng.choice(towns, 40, replace=False)
        responses = pd.DataFrame({"y": population[drawn].ravel(), "town": np.repeat(drawn, people), "towns": towns})
        row = only(weighted_share(responses, "y", cluster="town", population="towns"))
        estimates.append(row["estimate"])
        errors.append(row["se"])
        covered.append(row["lower"] <= truth <= row["upper"])
    assert np.mean(estimates) == pytest.approx(truth, abs=4 * np.std(estimates) / math.sqrt(300))
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.15)
    assert 0.91 <= np.mean(covered) <= 0.985


def test_raking_repairs_a_sample_that_missed_the_young():
    rng = np.random.default_rng(3)
    young = rng.random(200_000) < 0.5
    answered = rng.random(200_000) < np.where(young, 0.02, 0.10)
    y = (rng.random(200_000) < np.where(young, 0.7, 0.3)).astype(int)
    responses = pd.DataFrame({"y": y, "age": np.where(young, "young", "old")})[answered]
    assert only(weighted_share(responses, "y"))["upper"] < 0.45
    repaired = only(weighted_share(responses, "y", targets={"age": {"young": 0.5, "old": 0.5}}))
    assert repaired["lower"] < 0.5 < repaired["upper"]
    assert repaired["se"] < only(weighted_share(responses, "y"))["se"] * 1.5


# --- beside cited findings ------------------------------------------------------------------------------------------


def claims_of(value: float = 0.41, n: int | None = 900, base: str = "US online shoppers") -> pd.DataFrame:
    return pd.DataFrame({"claim_id": ["C1"], "value": [value], "n": pd.array([n], dtype="Int64"), "base": [base]})


def own_of(yes: int, n: int, base: str = "US online shoppers", claim_id: str = "C1") -> pd.DataFrame:
    answers = pd.DataFrame({"y": [1] * yes + [0] * (n - yes)})
    return weighted_share(answers, "y").assign(claim_id=claim_id, base=base)


def test_the_difference_is_newcombes():
    row = only(compare(own_of(240, 500), claims_of(369 / 900)))
    interval = confint_proportions_2indep(240, 500, 369, 900, compare="diff", method="newcomb")
    assert row["difference"] == pytest.approx(0.48 - 0.41)
    assert (row["lower"], row["upper"]) == pytest.approx(interval, rel=1e-10)
    assert row["sentence"] == (
        "Own survey: 48.0 % (43.7 to 52.4 %, n = 500) of US online shoppers. "
        "Cited: 41.0 % (n = 900) of US online shoppers. "
        "The difference is +7.0 points (+1.6 to +12.4): more than chance explains."
    )


def test_a_small_difference_is_called_what_it_is():
    sentence = only(compare(own_of(42, 100), claims_of()))["sentence"]
    assert sentence.endswith("not distinguishable from no difference.")


def test_an_unknown_n_is_said_and_not_invented():
    row = only(compare(own_of(240, 500), claims_of(n=None)))
    assert row[["cited_lower", "cited_upper", "cited_n", "lower", "upper"]].isna().all()
    assert row["difference"] == pytest.approx(0.07)
    assert "n not known" in row["sentence"]
    assert row["sentence"].endswith("only the own interval is known; the cited share lies outside it.")


def test_other_bases_are_pointed_out():
    row = only(compare(own_of(240, 500, base="our customers"), claims_of()))
    assert row["sentence"].endswith("The two bases are worded differently: check that they mean the same people.")


@pytest.mark.parametrize("base", ["", None])
def test_a_base_not_known_is_said(base: str | None):
    assert (
        "Cited: 41.0 % (n = 900) of a base not known."
        in only(compare(own_of(240, 500), claims_of(base=base)))["sentence"]
    )


def test_rows_keep_their_order_and_a_claim_may_serve_twice():
    claims = pd.concat([claims_of(), claims_of(0.2, None).assign(claim_id="C2")])
    own = pd.concat([own_of(5, 20, claim_id="C2"), own_of(9, 20), own_of(8, 20)])
    table = compare(own, claims)
    assert table["claim_id"].tolist() == ["C2", "C1", "C1"]
    assert table["cited"].tolist() == [0.2, 0.41, 0.41]


@pytest.mark.parametrize(
    ("own", "claims", "message"),
    [
        (own_of(1, 9, claim_id="C9"), claims_of(), r"not there: \['C9'\]"),
        (own_of(1, 9), pd.concat([claims_of(), claims_of()]), r"more than once: \['C1'\]"),
        (own_of(1, 9), claims_of(41.0), r"only a share.*'C1': 41\.0.*Divide per cent by 100"),
        (own_of(1, 9), claims_of(n=0), r"n must be > 0.*\['C1'\]"),
        (own_of(1, 9).drop(columns="base"), claims_of(), r"own has no column \['base'\]"),
        (own_of(1, 9).assign(lower=math.nan), claims_of(), r"1 of 1 own estimates have no interval"),
        (own_of(1, 9)[:0], claims_of(), "at least one own estimate"),
    ],
)
def test_compare_refuses(own: pd.DataFrame, claims: pd.DataFrame, message: str):
    with pytest.raises(ValueError, match=message):
        compare(own, claims)


def test_the_how_to_page_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Block by block, on rehearsal rows that its first block makes, against the register of claims; then its commands."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    page = root / "docs/own-survey.md"
    for block in code_blocks(page):
        exec(compile(block, "docs/own-survey.md", "exec"), names)
    assert (names["account"].read, names["account"].kept) == (890, 890)
    assert names["shares"]["n"].tolist() == [800] * 3
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    (tmp_path / "reports").mkdir()
    look, new, report = re.findall(r"^cxresearch (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in (look, new):
        assert command_line.main(shlex.split(line)) == 0, capsys.readouterr()
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    said = read_survey("export.csv", tomllib.loads(text)["survey"])
    assert [item.column for item in said.items] == ["email", "phone", "content"]
    assert report == "report own", "made in tests/report/test_survey_report.py"
    told = names["beside"].set_index("claim_id")
    assert told.index.tolist() == ["C003-07", "C003-08", "C003-09"]
    # Rehearsal rows were drawn from the cited shares: nothing but chance is between them.
    assert (told["lower"] < 0).all()
    assert (told["upper"] > 0).all()
    assert told["cited_n"].tolist() == [1003, 1003, 1003]


# --- files ----------------------------------------------------------------------------------------------------------


ANSWERS = pd.DataFrame({"person": [1.0, 2.0, 3.0], "asked": [1.0, 2.0, np.nan], "scale": [0.0, 5.0, 10.0]})
LABELS = {"asked": {1: "Yes", 2: "No"}, "scale": {0: "not at all", 10: "fully"}}


@pytest.mark.parametrize("suffix", [".sav", ".dta", ".SAV"])
def test_labelled_files(tmp_path: Path, suffix: str):
    path = tmp_path / f"survey{suffix}"
    write = pyreadstat.write_dta if suffix == ".dta" else pyreadstat.write_sav
    write(ANSWERS, str(path), variable_value_labels=LABELS)
    responses = load_responses(path)
    assert responses["asked"].fillna("none").tolist() == ["Yes", "No", "none"]  # every answer has a label
    assert responses["scale"].tolist() == [0, 5, 10]  # only the ends have one: codes are kept
    assert responses["person"].tolist() == [1, 2, 3]


def test_values_declared_missing_in_spss_are_missing(tmp_path: Path):
    path = tmp_path / "survey.sav"
    answers = pd.DataFrame({"asked": [1.0, 2.0, 99.0]})
    pyreadstat.write_sav(answers, str(path), missing_ranges={"asked": [99]})
    assert load_responses(path)["asked"].isna().tolist() == [False, False, True]


def test_plain_files(tmp_path: Path):
    ANSWERS.to_csv(tmp_path / "survey.csv", index=False, encoding="utf-8-sig")
    ANSWERS.to_parquet(tmp_path / "survey.parquet")
    for name in ("survey.csv", "survey.parquet"):
        pd.testing.assert_frame_equal(load_responses(tmp_path / name), ANSWERS)
    assert load_responses(str(tmp_path / "survey.csv")).shape == (3, 3)


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".sav", ".dta"])
def test_unreadable_files_are_named(tmp_path: Path, suffix: str):
    path = tmp_path / f"survey{suffix}"
    path.write_bytes(b"a,b\n1,\xe9\n")
    with pytest.raises(ValueError, match=rf"survey\{suffix} could not be read as \{suffix}.*save it again"):
        load_responses(path)


def test_no_path_is_no_survey_yet():
    assert load_responses("").empty


def test_other_files_are_refused(tmp_path: Path):
    with pytest.raises(
        ValueError, match=r"cannot read '\.json'; save the responses as one of \.csv, .*\.parquet, \.sav"
    ):
        load_responses(tmp_path / "survey.json")
    with pytest.raises(ValueError, match="there is no such file"):
        load_responses(tmp_path / "survey.csv")
    (tmp_path / "survey.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="holds no respondent: 0 rows, 2 columns"):
        load_responses(tmp_path / "survey.csv")


# --- bad input ------------------------------------------------------------------------------------------------------

SIX = pd.DataFrame(
    {
        "y": [1, 0, 1, 0, 1, 0],
        "w": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0],
        "stratum": list("aaabbb"),
        "cluster": [1, 1, 2, 3, 3, 4],
        "there": 50,
        "sex": list("ffmmmm"),
        "name": list("uvwxyz"),
    }
)


@pytest.mark.parametrize(
    ("change", "design", "message"),
    [
        ({"y": [1, 2, 0, 5, 1, 0]}, {}, r"'y' should hold 0 and 1; 2 of 6 rows hold something else, such as"),
        ({"y": list("yesyes")}, {}, r"'y' should hold numbers.*\.map"),
        ({"y": [np.nan] * 6}, {}, "'y' is missing in all 6 rows"),
        ({"w": [1, None, 1, 0, -2, 1]}, {"weight": "w"}, "1 of 6 are missing and 2 are zero, negative or infinite"),
        ({}, {"weight": "weight"}, r"no column \['weight'\]"),
        ({"stratum": [*"aaabb", None]}, {"strata": "stratum"}, r"missing values.*'stratum': 1"),
        ({"stratum": list("aaaaab")}, {"strata": "stratum"}, r"1 of 2 strata have a single cluster.*\['b'\].*Join"),
        ({"cluster": [1] * 6}, {"cluster": "cluster"}, r"1 of 1 strata have a single cluster.*the whole sample"),
        (
            {"cluster": [1, 1, 2, 2, 3, 4]},
            {"strata": "stratum", "cluster": "cluster"},
            "1 labels in 'cluster' occur in",
        ),
        (
            {"there": [3] * 6},
            {"population": "there"},
            "smaller than the sample in 1 of 1 strata.*has 3 .* 6 in the sam",
        ),
        ({"there": [9, 9, 9, 9, 9, 8]}, {"population": "there"}, "one number per stratum; it varies in 1 of 1"),
        ({"there": [0.1] * 6}, {"population": "there"}, "not a fraction"),
        ({"sex": [*"ffmmm", None]}, {"by": "sex"}, r"missing values.*'sex': 1"),
    ],
)
def test_bad_designs_are_refused(change: dict, design: dict, message: str):
    with pytest.raises(ValueError, match=message):
        weighted_share(SIX.assign(**change), "y", **design)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, "at least one column"),
        ({"sex": {"f": 0.5, "m": 0.4, "x": 0.1}}, r"levels that no respondent has: \['x'\].*Join"),
        ({"sex": {"f": 1.0}}, r"no target for levels of 'sex'.*\{'m': 4\}"),
        ({"sex": {"f": 1.0, "m": 0.0}}, "targets must be > 0"),
        ({"sex": {"f": 0.5, "m": 0.5}, "stratum": {"a": 0.6, "b": 0.5}}, "must have the same sum.*'stratum': 1.1"),
        ({"sex": {"f": 0.4, "m": 0.5}}, r"sum to 0\.9: neither shares \(1\) nor totals"),
        ({"sex": {"f": 0.9, "m": 0.1}, "block": {"p": 0.5, "q": 0.5}}, "did not settle.*1000 rounds"),
        ({"age": {"old": 1}}, r"no column \['age'\]"),
    ],
)
def test_bad_targets_are_refused(targets: dict, message: str):
    # All women are in block p, so 90 % women and 50 % p cannot both hold.
    with pytest.raises(ValueError, match=message):
        rake(SIX.assign(block=list("ppqqqq")), targets)


def test_other_refusals():
    with pytest.raises(ValueError, match="there are no respondents"):
        weighted_share(SIX[:0], "y")
    with pytest.raises(ValueError, match="infinite in 1 of 6 rows"):
        weighted_mean(SIX.assign(y=[1, 2, 3, 4, 5, math.inf]), "y")
    with pytest.raises(ValueError, match="at least one item"):
        share_table(SIX, [])


@settings(max_examples=20)
@given(surveys())
def test_items_of_one_question_take_the_same_design(responses: pd.DataFrame):
    both = responses.assign(z=1 - responses["y"])
    table = share_table(both, ["y", "z"], weight="w", by="sex")
    assert table.columns.tolist() == ["item", "sex", "estimate", "se", "lower", "upper", "n", "design_effect"]
    pd.testing.assert_frame_equal(
        table[table["item"] == "z"].drop(columns="item").reset_index(drop=True),
        weighted_share(both, "z", weight="w", by="sex"),
    )
