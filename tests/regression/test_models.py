"""Regressions on counts: by hand, in their limits, against the rows, R, statsmodels and a known truth."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit
from statsmodels.duration.hazard_regression import PHReg

from cxresearch.regression import (
    accelerated_failure_time,
    baseline_hazard,
    climb,
    cox,
    efron_sums,
    partial_likelihood,
    piecewise_exponential,
    proportionality_test,
    tie_table,
    waits_of,
)

FIVE = ["channel", "band", "promise", "repeat", "tier"]
LAWS = ["exponential", "weibull", "lognormal", "loglogistic"]
OUTCOMES = {0: "open", 1: "abandoned", 2: "answered", 3: "deflected"}


def risk_table_of(*rows: tuple, columns: str = "team duration_s outcome contacts") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


@st.composite
def grouped_tables(draw: st.DrawFn, entry: bool = False, ties: bool = True) -> pd.DataFrame:
    """Counts by team, plan and a load; all combinations have early and late events, so that coefficients are finite."""
    rows = [
        [team, plan, load, 0.0, duration, outcome, 1]
        for team, plan, load in itertools.product(("blue", "red"), ("gold", "grey"), (0.0, 3.0))
        for duration, outcome in ((2.0, "abandoned"), (9.0, "abandoned"), (5.0, "answered"))
    ]
    for _ in range(draw(st.integers(3, 25))):
        start = float(draw(st.integers(0, 3))) if entry else 0.0
        rows.append(
            [
                draw(st.sampled_from(("blue", "red"))),
                draw(st.sampled_from(("gold", "grey"))),
                draw(st.integers(0, 6)) / 2,
                start,
                start + draw(st.integers(1, 12)),
                draw(st.sampled_from(("abandoned", "answered", "open"))),
                draw(st.integers(1, 4)),
            ]
        )
    table = pd.DataFrame(rows, columns=["team", "plan", "load", "entry_s", "duration_s", "outcome", "contacts"])
    if not ties:
        table["contacts"] = 1
        table["duration_s"] += np.arange(len(table)) / 1000
    return table if entry else table.drop(columns="entry_s")


def expanded(table: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """One row a contact, and its design: team=red, plan=grey, load."""
    rows = table.loc[table.index.repeat(table["contacts"])].reset_index(drop=True)
    design = np.column_stack([rows["team"] == "red", rows["plan"] == "grey", rows["load"]]).astype(float)
    return rows, design


def numerical_slope(function, at: np.ndarray, width: float) -> np.ndarray:
    """Central differences of a number or an array, one row a parameter."""
    steps = width * np.eye(len(at))
    return np.array([(np.asarray(function(at + h)) - np.asarray(function(at - h))) / (2 * width) for h in steps])


# ---- worked by hand


def test_three_contacts_worked_by_hand():
    # Risk sets {z, b, z}, {b, z}, {z}: the score is 1 - 2r/(1+2r) - r/(1+r) with r the ratio z to b: r = 1/sqrt 2.
    fit = cox(risk_table_of(("z", 1, "abandoned", 1), ("b", 2, "abandoned", 1), ("z", 3, "abandoned", 1)), "team")
    assert fit[["term", "level"]].to_numpy().tolist() == [["team", "z"]]
    ratio = 1 / np.sqrt(2)
    information = 2 * ratio / (1 + 2 * ratio) ** 2 + ratio / (1 + ratio) ** 2
    row = fit.iloc[0]
    assert row["hazard_ratio"] == pytest.approx(ratio, abs=1e-14)
    assert row["estimate"] == pytest.approx(np.log(ratio), abs=1e-14)
    assert row["se"] == pytest.approx(1 / np.sqrt(information), abs=1e-14)
    assert row["lower"] == pytest.approx(ratio * np.exp(-1.959963984540054 * row["se"]))
    assert row["upper"] == pytest.approx(ratio * np.exp(1.959963984540054 * row["se"]))
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(-row["estimate"] / row["se"]))
    likelihood = ratio / (1 + 2 * ratio) / (1 + ratio)
    assert fit.attrs["log_likelihood"] == pytest.approx(np.log(likelihood), abs=1e-14)
    assert fit.attrs["log_likelihood_null"] == pytest.approx(np.log(1 / 6), abs=1e-14)
    assert (fit.attrs["n"], fit.attrs["events"]) == (3, 3)


def test_two_tied_contacts_worked_by_hand():
    # One of each team leaves in the same tick, nobody else is there: Efron's factors are 1 + r and (1 + r) / 2,
    # Breslow's 1 + r twice; both are highest at r = 1, where the information is 1/2 for both.
    table = risk_table_of(("a", 5, "abandoned", 1), ("b", 5, "abandoned", 1))
    for ties, factors in (("efron", 2 * 1), ("breslow", 2 * 2)):
        fit = cox(table, "team", ties=ties)
        assert fit["estimate"].tolist() == pytest.approx([0], abs=1e-14)
        assert fit["se"].tolist() == pytest.approx([np.sqrt(2)])
        assert fit.attrs["log_likelihood"] == pytest.approx(-np.log(factors))


def test_baseline_hazard_worked_by_hand():
    table = risk_table_of(
        ("z", 1, "abandoned", 1), ("b", 2, "abandoned", 1), ("b", 2.5, "answered", 1), ("z", 3, "abandoned", 1)
    )
    ratio = cox(table, "team")["hazard_ratio"].iloc[0]
    curve = baseline_hazard(table, "team")
    steps = [1 / (2 + 2 * ratio), 1 / (2 + ratio), 0, 1 / ratio]
    assert curve["duration_s"].tolist() == [1, 2, 2.5, 3]
    assert curve["cumulative_hazard"].tolist() == pytest.approx(np.cumsum(steps), abs=1e-14)


def test_actuarial_ties_count_half_of_the_censored():
    # At 1 s: one of z leaves, two of b are answered; half of these count. Later b leaves, then z.
    table = risk_table_of(
        ("z", 1, "abandoned", 1), ("b", 1, "answered", 2), ("b", 2, "abandoned", 1), ("z", 3, "abandoned", 1)
    )
    for convention, still in (("after", 2), ("half", 1)):
        fit = cox(table, "team", censored_ties=convention)
        ratio = fit["hazard_ratio"].iloc[0]
        score = 1 - 2 * ratio / (2 * ratio + 1 + still) - ratio / (1 + ratio)
        assert score == pytest.approx(0, abs=1e-12)
        assert fit.attrs["censored_ties"] == convention


def test_piecewise_rates_worked_by_hand():
    # Events over seconds: in (0, 10] 2 / (4 + 10 + 10 + 10), after it 1 / (5 + 0 + 10).
    table = risk_table_of(
        ("a", 4, "abandoned", 1), ("a", 10, "abandoned", 1), ("a", 15, "abandoned", 1), ("a", 20, "open", 1)
    )
    fit = piecewise_exponential(table, [], cuts_s=[0, 10])
    assert fit["level"].tolist() == ["(0, 10]", "(10, inf)"]
    assert fit["hazard_per_s"].tolist() == pytest.approx([2 / 34, 1 / 15])
    assert fit["se"].tolist() == pytest.approx([np.sqrt(1 / 2), 1])
    log_likelihood = 2 * np.log(2 / 34) + np.log(1 / 15) - 3
    assert fit.attrs["log_likelihood"] == pytest.approx(log_likelihood)
    closed = piecewise_exponential(table, [], cuts_s=[10, 20])
    assert closed["level"].tolist() == ["(0, 10]", "(10, 20]"]
    assert closed["estimate"].tolist() == fit["estimate"].tolist()


def test_exponential_mean_is_seconds_over_events():
    table = risk_table_of(
        ("a", 4, "abandoned", 3), ("a", 10, "answered", 2), ("b", 2, "abandoned", 1), ("b", 9, "open", 1)
    )
    fit = accelerated_failure_time(table, "team", distribution="exponential")
    assert fit["term"].tolist() == ["(intercept)", "team"]
    assert fit["estimate"].tolist() == pytest.approx([np.log(32 / 3), np.log(11) - np.log(32 / 3)])
    assert fit["se"].tolist() == pytest.approx([np.sqrt(1 / 3), np.sqrt(1 + 1 / 3)])


def test_never_share_is_the_share_still_there_when_all_others_have_gone():
    gone = [("a", seconds, "abandoned", 2) for seconds in (1.0, 2.0, 5.0, 12.0)]
    fit = accelerated_failure_time(
        risk_table_of(*gone, ("a", 1e9, "open", 6)), [], distribution="exponential", never=True
    )
    assert fit["term"].tolist() == ["(intercept)", "logit(never)"]
    assert fit["estimate"].tolist() == pytest.approx([np.log(5), logit(6 / 14)], abs=1e-9)
    se = np.sqrt(1 / 6 + 1 / 8)
    assert fit["se"].iloc[1] == pytest.approx(se)
    assert np.isnan(fit["p_value"].iloc[1])
    assert fit.attrs["never_share"] == pytest.approx(6 / 14)
    assert fit.attrs["never_share_lower"] == pytest.approx(expit(logit(6 / 14) - 1.959963984540054 * se))
    assert fit.attrs["never_share_upper"] == pytest.approx(expit(logit(6 / 14) + 1.959963984540054 * se))


def test_levels_are_text_and_sorted_as_text():
    table = risk_table_of(*((promise, t, "abandoned", 1 + t % 3) for promise in (9, 10, 100) for t in (1, 2, 3)))
    assert cox(table, ["team"])["level"].tolist() == ["100", "9"]
    table["flag"] = table["duration_s"] > 1
    assert cox(table.assign(team=table["team"].astype(float)), ["team"])["level"].tolist() == ["100.0", "9.0"]


# ---- theory and limits


def test_a_covariate_without_effect_has_the_estimate_zero():
    one = risk_table_of(*(("a", t, o, 5) for t in (1, 2, 3, 7) for o in ("abandoned", "answered")))
    table = pd.concat([one, one.assign(team="b")])
    for fit in (
        cox(table, "team"),
        cox(table, "team", ties="breslow"),
        piecewise_exponential(table, "team", cuts_s=[2.5]),
        *(accelerated_failure_time(table, "team", distribution=law) for law in LAWS),
    ):
        row = fit[fit["term"] == "team"].iloc[0]
        assert row["estimate"] == pytest.approx(0, abs=1e-12)
        assert row["p_value"] == pytest.approx(1, abs=1e-11)
        assert fit.attrs["log_likelihood"] == pytest.approx(fit.attrs["log_likelihood_null"], abs=1e-11)


def test_the_score_test_of_two_groups_is_the_log_rank_test_without_ties():
    durations = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    in_b, event = np.array([0, 1, 1, 0, 1, 0, 0, 1, 0]), np.array([1, 1, 0, 1, 1, 0, 1, 1, 0])
    outcome = np.where(event, "abandoned", "open")
    table = pd.DataFrame({"team": np.where(in_b, "b", "a"), "duration_s": durations, "outcome": outcome, "contacts": 1})
    share = np.array([in_b[durations >= t].mean() for t in durations])
    chi2 = ((in_b - share) @ event) ** 2 / (event @ (share * (1 - share)))
    assert cox(table, "team").attrs["score_chi2"] == pytest.approx(chi2, abs=1e-12)


def test_one_piece_is_the_exponential_law_with_its_sign_turned():
    table = risk_table_of(
        ("a", 4, "abandoned", 3), ("a", 10, "answered", 2), ("b", 2, "abandoned", 7), ("b", 9, "open", 1)
    )
    pieces = piecewise_exponential(table, "team", cuts_s=[])
    law = accelerated_failure_time(table, "team", distribution="exponential")
    np.testing.assert_allclose(pieces["estimate"], -law["estimate"], atol=1e-12)
    np.testing.assert_allclose(pieces["se"], law["se"], atol=1e-12)
    assert pieces.attrs["log_likelihood"] == pytest.approx(law.attrs["log_likelihood"], abs=1e-11)


def test_exponential_waits_seen_late_have_no_memory():
    late = risk_table_of(
        ("a", 3.0, 7.0, "abandoned", 3), ("a", 1.0, 11.0, "answered", 2), ("b", 5.0, 9.0, "abandoned", 1),
        ("b", 0.0, 4.0, "abandoned", 2),
        columns="team entry_s duration_s outcome contacts",
    )  # fmt: skip
    since = late.assign(duration_s=late["duration_s"] - late["entry_s"]).drop(columns="entry_s")
    fits = [accelerated_failure_time(table, "team", distribution="exponential") for table in (late, since)]
    np.testing.assert_allclose(fits[0][["estimate", "se"]], fits[1][["estimate", "se"]], atol=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_a_slower_clock_moves_the_intercept_alone(law: str):
    table = risk_table_of(
        *((team, t, o, 1 + t % 3) for team in "ab" for t in (1, 2, 4, 8, 11) for o in ("abandoned", "answered")),
        ("b", 20, "abandoned", 5), ("a", 90, "open", 6),
    )  # fmt: skip
    for never in (False, True):
        seconds = accelerated_failure_time(table, "team", distribution=law, never=never)
        minutes = table.assign(duration_s=table["duration_s"] * 60)
        slower = accelerated_failure_time(minutes, "team", distribution=law, never=never)
        shift = np.where(seconds["term"] == "(intercept)", np.log(60), 0)
        np.testing.assert_allclose(slower["estimate"], seconds["estimate"] + shift, atol=1e-9)
        np.testing.assert_allclose(slower["se"], seconds["se"], atol=1e-9)


def test_two_equal_strata_double_the_test_of_proportionality():
    one = risk_table_of(
        *((team, t, "abandoned", 1 + (t * k) % 4) for k, team in ((3, "a"), (5, "b")) for t in range(1, 9))
    )
    twice = pd.concat([one.assign(site="x"), one.assign(site="y")])
    single, double = proportionality_test(one, "team"), proportionality_test(twice, "team", strata="site")
    np.testing.assert_allclose(double["chi2"], 2 * single["chi2"], rtol=1e-12)


# ---- properties


@given(grouped_tables(ties=False))
@settings(max_examples=15)
def test_efron_is_breslow_without_ties(table: pd.DataFrame):
    efron, breslow = (cox(table, ["team", "plan"], ties=ties) for ties in ("efron", "breslow"))
    np.testing.assert_allclose(efron[["estimate", "se"]], breslow[["estimate", "se"]], atol=1e-11)


@given(grouped_tables(entry=True))
@settings(max_examples=15)
def test_tables_add_up_and_columns_that_are_not_named_are_summed_over(table: pd.DataFrame):
    whole = cox(table, ["team", "plan"])
    twice = pd.concat([table.assign(month=1, contacts=1), table.assign(month=2, contacts=table["contacts"] - 1)])
    np.testing.assert_allclose(cox(twice, ["team", "plan"])["estimate"], whole["estimate"], atol=1e-12)
    assert cox(twice, ["team", "plan"]).attrs["n"] == whole.attrs["n"] == table["contacts"].sum()


@given(grouped_tables(entry=True), st.sampled_from(["efron", "breslow"]), st.sampled_from(["after", "half"]))
@settings(max_examples=15)
def test_full_and_sparse_risk_sets_give_the_same_numbers(table: pd.DataFrame, ties: str, censored_ties: str):
    options = {"ties": ties, "censored_ties": censored_ties, "numeric": "load", "strata": "plan"}
    full = cox(table, "team", **options)
    curve = baseline_hazard(table, "team", **options)
    test = proportionality_test(table, "team", **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partial_likelihood, "DENSE_BYTES", 0)
        np.testing.assert_allclose(cox(table, "team", **options).iloc[:, 2:], full.iloc[:, 2:], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(
            baseline_hazard(table, "team", **options)["cumulative_hazard"], curve["cumulative_hazard"], rtol=1e-11
        )
        np.testing.assert_allclose(
            proportionality_test(table, "team", **options)["chi2"], test["chi2"], rtol=1e-8, atol=1e-10
        )


@given(grouped_tables(entry=True), st.sampled_from(["efron", "breslow"]), st.booleans())
@settings(max_examples=15)
def test_counts_say_what_statsmodels_says_of_the_rows(table: pd.DataFrame, ties: str, stratified: bool):
    rows, design = expanded(table)
    design = design[:, [0, 2]] if stratified else design
    rows_of = PHReg(
        rows["duration_s"].to_numpy(),
        design,
        status=(rows["outcome"] == "abandoned").to_numpy(),
        entry=rows["entry_s"].to_numpy() + 0.5,  # there a contact is at risk at its entry too; durations are whole
        strata=rows["plan"].to_numpy() if stratified else None,
        ties=ties,
    )
    fit = (
        cox(table, "team", numeric="load", strata="plan", ties=ties)
        if stratified
        else cox(table, ["team", "plan"], numeric=["load"], ties=ties)
    )
    estimate = fit["estimate"].to_numpy()
    assert fit.attrs["log_likelihood"] == pytest.approx(rows_of.loglike(estimate), rel=1e-11)
    np.testing.assert_allclose(rows_of.score(estimate), 0, atol=1e-9)
    np.testing.assert_allclose(fit["se"], np.sqrt(np.diag(np.linalg.inv(-rows_of.hessian(estimate)))), rtol=1e-9)


@given(grouped_tables(entry=True), st.booleans())
@settings(max_examples=15)
def test_half_of_the_censored_say_what_rows_cut_in_two_say(table: pd.DataFrame, stratified: bool):
    # Rows of two contacts each, one of which leaves just before the tick if censored.
    first = table[table["duration_s"] == 2].assign(outcome="answered")  # some in the tick of a stratum's first event
    even = pd.concat([table, first], ignore_index=True).assign(contacts=lambda rows: 2 * rows["contacts"])
    early = even[even["outcome"] != "abandoned"]
    cut = pd.concat([even.drop(early.index), early.assign(contacts=early["contacts"] // 2)])
    before = early.assign(contacts=early["contacts"] // 2, duration_s=early["duration_s"] - 0.5)
    # In strata too: the other half must not turn up at risk in the stratum before.
    options = {"ties": "breslow", **({"strata": "plan"} if stratified else {"numeric": "load"})}
    literal = cox(pd.concat([cut, before]), "team", **options)
    half = cox(even, "team", censored_ties="half", **options)
    np.testing.assert_allclose(half[["estimate", "se"]], literal[["estimate", "se"]], rtol=1e-10, atol=1e-11)


@given(grouped_tables(entry=True))
@settings(max_examples=10)
def test_pieces_say_what_a_poisson_regression_of_the_split_rows_says(table: pd.DataFrame):
    rows, design = expanded(table)
    edges = [0.0, 5.5, np.inf]
    parts = []
    for j, (low, high) in enumerate(itertools.pairwise(edges)):
        seconds = rows["duration_s"].clip(low, high) - rows["entry_s"].clip(low, high)
        event = (rows["outcome"] == "abandoned") & (rows["duration_s"] > low) & (rows["duration_s"] <= high)
        part = np.column_stack([np.eye(2)[[j] * len(rows)], design, event, seconds])
        parts.append(part[seconds > 0])
    split = np.concatenate(parts)
    model = sm.GLM(split[:, 5], split[:, :5], family=sm.families.Poisson(), offset=np.log(split[:, 6]))
    fit = piecewise_exponential(table, ["team", "plan"], numeric="load", cuts_s=edges[1:2])
    np.testing.assert_allclose(model.score(fit["estimate"].to_numpy()), 0, atol=1e-8)
    hessian = model.hessian(fit["estimate"].to_numpy(), observed=True)
    np.testing.assert_allclose(fit["se"], np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-9)


@pytest.mark.parametrize(("law", "never"), list(itertools.product(LAWS, (False, True))))
def test_likelihood_of_the_rows_is_highest_at_the_estimates(law: str, never: bool):
    rng = np.random.default_rng(5)
    n = 160
    table = pd.DataFrame(
        {
            "team": rng.choice(["blue", "red"], n),
            "plan": rng.choice(["gold", "grey"], n),
            "load": rng.normal(5, 2, n).round(1),
            "entry_s": np.where(rng.random(n) < 0.3, rng.uniform(0.1, 1, n), 0).round(2),
            "contacts": rng.integers(1, 3, n),
        }
    )
    wait = 2 + rng.exponential(9, n) * np.where(table["team"] == "red", 2, 1)
    leaves = (wait < 40) & (rng.random(n) < 0.7)
    table["duration_s"] = np.where(leaves, wait, 2 + rng.uniform(0, 60, n)).round(1)
    table["outcome"] = np.where(leaves, "abandoned", "answered")
    rows, design = expanded(table)
    event = (rows["outcome"] == "abandoned").to_numpy()
    noise = {"lognormal": stats.norm, "loglogistic": stats.logistic}.get(law, stats.gumbel_l)

    def value(parameters: np.ndarray) -> float:
        scale = 1.0 if law == "exponential" else np.exp(parameters[4])
        share = expit(parameters[-1]) if never else 0.0
        place = parameters[0] + design @ parameters[1:4]
        z = (np.log(rows["duration_s"].to_numpy()) - place) / scale
        density = (1 - share) * noise.pdf(z) / scale / rows["duration_s"].to_numpy()
        stays = share + (1 - share) * noise.sf(z)
        with np.errstate(divide="ignore"):
            start = (np.log(rows["entry_s"].to_numpy()) - place) / scale
        entered = share + (1 - share) * noise.sf(start)
        return float(np.log(np.where(event, density, stays) / entered).sum())

    fit = accelerated_failure_time(table, ["team", "plan"], numeric="load", distribution=law, never=never)
    estimate = fit["estimate"].to_numpy()
    assert fit.attrs["log_likelihood"] == pytest.approx(value(estimate), rel=1e-12)
    np.testing.assert_allclose(numerical_slope(value, estimate, 1e-5), 0, atol=1e-5)
    curvature = numerical_slope(lambda p: numerical_slope(value, p, 1e-4), estimate, 1e-4)
    np.testing.assert_allclose(fit["se"], np.sqrt(np.diag(np.linalg.inv(-curvature))), rtol=1e-4)
    assert fit.attrs["log_likelihood"] >= fit.attrs["log_likelihood_null"]


def test_three_contacts_before_a_crowd_that_comes_late_do_not_drown_in_it():
    # Summed from the end, three contacts at risk are the difference of two sums of 1e16.
    rng = np.random.default_rng(3)
    rows = [(load, share, 0.0, 1.0, "abandoned", 1) for load, share in ((-9.0, 0.3), (-9.0, 0.7), (-8.0, 0.2))]
    rows += [
        (rng.normal(), rng.normal(), 1.5, 3.0 + k % 7, "abandoned" if k % 3 else "answered", 10**15 + k)
        for k in range(40)
    ]
    crowd = risk_table_of(*rows, columns="load share entry_s duration_s outcome contacts")
    full = cox(crowd, [], numeric=["load", "share"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partial_likelihood, "DENSE_BYTES", 0)
        sparse = cox(crowd, [], numeric=["load", "share"])
    np.testing.assert_allclose(sparse["estimate"], full["estimate"], rtol=1e-12)
    np.testing.assert_allclose(sparse["se"], full["se"], rtol=1e-12)


# ---- Efron's sums


def test_tie_sums_agree_with_fifty_digits(shared: Path):
    reference = pd.read_csv(shared / "reference/patience/efron_sums.csv")
    sums = efron_sums(*(reference[name].to_numpy(dtype=float) for name in ("d", "S0", "D0")))
    for ours, name in zip(sums, ["sum_log", "a0", "a1", "b0", "b1", "b2"], strict=True):
        np.testing.assert_allclose(ours, reference[name], rtol=2e-15, err_msg=name)


def test_the_higher_of_two_peaks_is_found():
    # Red is slow and mostly never leaves, blue quick: one share for both can call red slow, or red gone for good.
    rng = np.random.default_rng(26)
    n = 120
    red = rng.random(n) < 0.5
    wait = np.where(red, 40, 2) * rng.weibull(3, n)
    wait[rng.random(n) < np.where(red, 0.75, 0.1)] = np.inf
    seen = rng.uniform(0, 120, n)
    table = pd.DataFrame({"team": np.where(red, "red", "blue"), "duration_s": np.ceil(np.minimum(wait, seen))})
    table = table.assign(outcome=np.where(wait <= seen, "abandoned", "open"), contacts=1)
    fit = accelerated_failure_time(table, "team", distribution="weibull", never=True)
    design = np.array([[1.0, 0.0], [1.0, 1.0]])
    waits = waits_of(table, red.astype(np.int64), np.ones(n), (wait <= seen).astype(float))
    starts = itertools.product((1.0, 3.0), (-1.0, 1.0, 4.0), (-0.5, 0.5), (-2.0, 1.0))
    peaks = [climb(np.array(start), waits, design, "weibull", True) for start in starts]
    values = [peak.value for peak in peaks if peak.converged]
    assert max(values) - min(values) > 10  # there are two peaks
    assert fit.attrs["log_likelihood"] == pytest.approx(max(values), abs=1e-6)


@given(st.integers(1, 3000), st.floats(-7, 5), st.floats(-12, 7))
def test_tie_sums_are_the_literal_sums(events: int, log_dying: float, log_rest: float):
    dying = 10.0**log_dying
    at_risk = dying * (1 + 10.0**log_rest)
    # Added in longer floats, from the exact distances to the pole.
    rest = np.longdouble(at_risk) - np.longdouble(dying)
    f = np.arange(events, dtype=np.longdouble) / events
    phi = rest + (1 - f) * np.longdouble(dying)
    literal = [np.log(phi), 1 / phi, f / phi, 1 / phi**2, f / phi**2, f**2 / phi**2]
    sums = efron_sums(np.array([float(events)]), np.array([at_risk]), np.array([dying]))
    assert float(sums.log[0]) == pytest.approx(float(literal[0].sum()), rel=1e-14, abs=1e-14 * events)
    for ours, terms in zip(sums[1:], literal[1:], strict=True):
        assert float(ours[0]) == pytest.approx(float(terms.sum()), rel=4e-15)


# ---- R


@pytest.fixture(scope="module")
def contacts(shared: Path) -> pd.DataFrame:
    small = pd.read_csv(shared / "reference/patience/contacts_small.csv")
    small = small.rename(columns={"duration": "duration_s", "entry": "entry_s"})
    return small.assign(outcome=small["outcome"].map(OUTCOMES))


@pytest.fixture(scope="module")
def table(contacts: pd.DataFrame) -> pd.DataFrame:
    return (
        contacts.groupby([*FIVE, "duration_s", "outcome"], as_index=False).size().rename(columns={"size": "contacts"})
    )


def from_r(shared: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(shared / f"reference/patience/ref_small_{name}.csv")


def names_in_r(fit: pd.DataFrame) -> list[str]:
    """fchannel1, frepeat.1: how R calls our terms and levels."""
    return [
        f"f{term}{'.' if term == 'repeat' else ''}{level}"
        for term, level in zip(fit["term"], fit["level"], strict=True)
    ]


@pytest.mark.parametrize("dense_bytes", [partial_likelihood.DENSE_BYTES, 0], ids=["full", "sparse"])
@pytest.mark.parametrize("name", ["cox_efron", "cox_breslow", "cox_efron_strata", "cox_efron_lefttrunc"])
def test_cox_agrees_with_r(shared: Path, contacts, table, name: str, dense_bytes: int, monkeypatch):
    monkeypatch.setattr(partial_likelihood, "DENSE_BYTES", dense_bytes)
    reference = from_r(shared, name)
    if name == "cox_efron_lefttrunc":
        table = contacts.assign(contacts=1)
    strata = ["channel"] if name == "cox_efron_strata" else []
    fit = cox(table, FIVE[len(strata) :], ties=name.split("_")[1], strata=strata)
    assert names_in_r(fit) == reference["term"].tolist()
    np.testing.assert_allclose(fit["estimate"], reference["beta"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit["se"], reference["se"], rtol=0, atol=1e-9)
    for ours, theirs in (
        ("log_likelihood", "loglik"),
        ("log_likelihood_null", "loglik0"),
        ("score_chi2", "score"),
        ("wald_chi2", "wald"),
    ):
        assert fit.attrs[ours] == pytest.approx(reference[theirs].iloc[0], abs=1e-9), ours


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_baseline_hazard_agrees_with_r(shared: Path, table, ties: str):
    reference = from_r(shared, f"cox_{ties}_basehaz")
    curve = baseline_hazard(table, FIVE, ties=ties)
    assert curve["duration_s"].tolist() == reference["time"].tolist()
    np.testing.assert_allclose(curve["cumulative_hazard"], reference["hazard"], rtol=0, atol=1e-9)


def test_proportionality_agrees_with_r(shared: Path, table):
    reference = from_r(shared, "cox_zph_identity")
    test = proportionality_test(table, FIVE)
    assert test.loc[test["level"] == "(all)", "df"].tolist() == [3, 3, 2, 2]
    test = test[test["level"] != "(all)"]
    assert [*names_in_r(test)[:-1], "GLOBAL"] == reference["term"].tolist()
    assert test["df"].tolist() == reference["df"].tolist()
    np.testing.assert_allclose(test["chi2"], reference["chisq"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(test["p_value"], reference["p"], rtol=0, atol=1e-9)


def test_piecewise_exponential_agrees_with_r(shared: Path, contacts, table):
    reference = from_r(shared, "pem")
    fit = piecewise_exponential(table, FIVE, cuts_s=[0, 10, 30, 60, 120, 300])
    np.testing.assert_allclose(fit["estimate"], reference["est"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit["se"], reference["se"], rtol=0, atol=1e-7)
    assert fit["level"].tolist()[:5] == ["(0, 10]", "(10, 30]", "(30, 60]", "(60, 120]", "(120, 300]"]
    # R's deviance compares with a model that tells every event: minus twice sum of log (hazard times seconds watched).
    events = contacts.loc[contacts["outcome"] == "abandoned", "duration_s"].to_numpy()
    starts = np.array([0, 10, 30, 60, 120])
    watched = events - starts[np.searchsorted(starts[1:], events)]
    deviance = -2 * (fit.attrs["log_likelihood"] + len(events) + np.log(watched).sum())
    assert deviance == pytest.approx(reference["deviance_dup"].iloc[0], abs=1e-8)


@pytest.mark.parametrize("law", LAWS)
def test_accelerated_failure_time_agrees_with_r(shared: Path, table, law: str):
    reference = from_r(shared, f"aft_{law}")
    fit = accelerated_failure_time(table, FIVE, distribution=law)
    last = [] if law == "exponential" else ["log(scale)"]
    assert fit["term"].tolist() == ["(intercept)", *np.repeat(FIVE, [3, 3, 2, 1, 2]), *last]
    np.testing.assert_allclose(fit["estimate"], reference["est"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit["se"], reference["se"], rtol=0, atol=1e-9)
    assert fit.attrs["log_likelihood"] == pytest.approx(reference["loglik"].iloc[0], abs=1e-9)


# ---- a known truth


def simulated(rng: np.random.Generator, n: int, *, never: float = 0.0) -> pd.DataFrame:
    """Weibull patience in whole seconds, offered waits; red is 1.6 times as patient, half a unit of load as e^0.2."""
    red, load = rng.random(n) < 0.5, rng.integers(0, 3, n)
    patience = np.exp(4.5 + np.log(1.6) * red + 0.4 * load) * rng.weibull(1.25, n)
    patience[rng.random(n) < never] = np.inf
    offered = rng.uniform(60, 1500, n)
    table = pd.DataFrame({"team": np.where(red, "red", "blue"), "load": load})
    table["duration_s"] = np.floor(np.minimum(patience, offered)) + 0.5
    table["outcome"] = np.where(patience <= offered, "abandoned", "answered")
    counts = table.groupby(list(table), as_index=False).size()
    return counts.rename(columns={"size": "contacts"})


def test_a_known_truth_lies_inside_the_intervals_as_often_as_they_claim():
    rng = np.random.default_rng(20260)
    runs, hits = 80, {}
    for _ in range(runs):
        table = simulated(rng, 400)
        # A Weibull wait stretched by a factor has a hazard multiplied by that factor to the power -shape.
        ratios = cox(table, "team", numeric="load").assign(truth=np.exp(-1.25 * np.array([np.log(1.6), 0.4])))
        law = accelerated_failure_time(table, "team", numeric="load", distribution="weibull")
        law["truth"] = [4.5, np.log(1.6), 0.4, -np.log(1.25)]
        for model, fit in (("cox", ratios), ("weibull", law)):
            for term, inside in zip(fit["term"], fit["truth"].between(fit["lower"], fit["upper"]), strict=True):
                hits[model, term] = hits.get((model, term), 0) + inside
    assert len(hits) == 6
    for what, count in hits.items():
        # A correct 95 % interval misses this range once in a thousand.
        assert count >= 67, what
    assert 430 <= sum(hits.values()) < 480


def test_a_share_that_never_leaves_is_found_with_its_interval():
    rng = np.random.default_rng(7)
    runs, hits = 40, 0
    shares = []
    for _ in range(runs):
        fit = accelerated_failure_time(
            simulated(rng, 500, never=0.3), "team", numeric="load", distribution="weibull", never=True
        )
        hits += fit.attrs["never_share_lower"] <= 0.3 <= fit.attrs["never_share_upper"]
        shares.append(fit.attrs["never_share"])
    assert 33 <= hits <= 40
    assert np.mean(shares) == pytest.approx(0.3, abs=4 * np.std(shares) / np.sqrt(runs))


# ---- bad input

GOOD = risk_table_of(
    ("a", 1, "abandoned", 3), ("a", 2, "abandoned", 2), ("b", 1, "abandoned", 1), ("b", 3, "abandoned", 4),
    ("a", 3, "answered", 5), ("b", 2, "answered", 2),
)  # fmt: skip
SAME = GOOD.assign(site=GOOD["team"].map({"a": "u", "b": "v"}), load=GOOD["team"].eq("b").astype(float) * 2)

MODELS = {
    "cox": cox,
    "baseline": baseline_hazard,
    "test": proportionality_test,
    "pieces": lambda table, terms, **options: piecewise_exponential(table, terms, cuts_s=[1.5], **options),
    "law": lambda table, terms, **options: accelerated_failure_time(table, terms, distribution="weibull", **options),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(
    ("table", "terms", "options", "message"),
    [
        (GOOD, "team", {"event": "deflected"}, "no contact has the outcome 'deflected'"),
        (GOOD[GOOD["team"] == "a"], "team", {}, "team has one level only, 'a'"),
        (SAME, ["team", "site"], {}, "collinear terms: site='v' is a combination of team='b'"),
        (SAME, ["team"], {"numeric": "load"}, "collinear terms: load is a combination of team='b'"),
        (GOOD.replace({"outcome": {"abandoned": "open"}}).assign(outcome=lambda t: t["outcome"].where(t["team"] == "b",
         "abandoned")), "team", {}, "none of the 7 contacts with team='b' has the outcome 'abandoned'"),
        (GOOD.assign(team=["a", None, "b", "b", "a", "b"]), "team", {}, "1 of 6 rows"),
        (GOOD.assign(duration_s=-1.0), "team", {}, "duration_s must be a number of seconds >= 0; 6 of 6 rows"),
        (GOOD.assign(contacts=1.5), "team", {}, "frequencies, not weights"),
        (GOOD.iloc[:0], "team", {}, "empty"),
        (GOOD, "queue", {}, "no column 'queue'"),
        (GOOD, ["team", "team"], {}, "'team' is named twice"),
        (GOOD, [], {"numeric": "team"}, "team must hold numbers"),
        (SAME.assign(load=[1, 2, np.nan, 1, 1, np.inf]), [], {"numeric": "load"}, "2 of 6 rows are not"),
        (SAME.assign(load=7.0), [], {"numeric": "load"}, "load is 7 in every row"),
        (GOOD.assign(entry_s=1.0), "team", {}, "entry_s must be before duration_s; 2 of 6 rows"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused_by_every_model(model, table, terms, options, message: str):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        model(table, terms, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cox(GOOD, []), "no terms"),
        (lambda: cox(GOOD, "team", ties="exact"), "ties must be 'efron' or 'breslow'; got 'exact'"),
        (lambda: cox(GOOD, "team", censored_ties="before"), "censored_ties must be 'after' or 'half'"),
        (lambda: cox(SAME, "team", strata="site"), "team='b' tells nothing"),
        (lambda: cox(SAME, "team", strata="team"), "'team' is named twice among terms, numeric and strata"),
        (lambda: piecewise_exponential(GOOD, "team", cuts_s=[2, 1]), "must be seconds >= 0 that ascend"),
        (lambda: piecewise_exponential(GOOD, "team", cuts_s=[0.5]), r"the interval \(0, 0.5\] has 0 abandoned"),
        (lambda: piecewise_exponential(GOOD, "team", cuts_s=[1, 3, 9]), "no contact waited longer than 3 s"),
        (
            lambda: accelerated_failure_time(GOOD, "team", distribution="gamma"),
            "distribution must be one of exponential",
        ),
        (
            lambda: accelerated_failure_time(
                GOOD.assign(duration_s=GOOD["duration_s"] - 1), "team", distribution="weibull"
            ),
            r"4 contacts \(2 rows\) have a duration of 0 s",
        ),
    ],
)
def test_bad_options_are_refused(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()


def test_perfect_order_is_refused_by_name():
    # Every event of "a" comes before the first of "b": its ratio has no upper end, though both have events.
    table = risk_table_of(("a", 1, "abandoned", 50), ("b", 2, "abandoned", 40), ("b", 3, "abandoned", 30))
    with pytest.raises(ValueError, match=r"separation: .* team='b' runs to infinity"):
        cox(table, "team")


def test_a_trend_that_cannot_be_seen_is_not_tested():
    together = risk_table_of(
        ("a", 1, "abandoned", 3), ("b", 1, "abandoned", 2), ("b", 2, "open", 2), ("a", 2, "open", 4)
    )
    with pytest.raises(ValueError, match="every abandoned contact left at 1 s"):
        proportionality_test(together, "team")
    with pytest.raises(ValueError, match="team='b' is compared with others at one duration only"):
        proportionality_test(
            pd.concat([together, risk_table_of(("a", 9, "abandoned", 5))]).query("outcome != 'open'"), "team"
        )


def test_waits_without_spread_have_no_scale():
    table = risk_table_of(("a", 2, "abandoned", 5), ("b", 3, "abandoned", 4))
    with pytest.raises(ValueError, match="the scale runs to 0"):
        accelerated_failure_time(table, "team", distribution="lognormal")


def test_a_never_share_of_zero_is_refused():
    table = risk_table_of(("a", 2, "abandoned", 5), ("a", 3, "abandoned", 4), ("a", 5, "abandoned", 4))
    with pytest.raises(ValueError, match="never-abandon share of 0"):
        accelerated_failure_time(table, [], distribution="lognormal", never=True)


def test_an_impossible_fit_is_refused_before_memory_is_taken():
    many = np.arange(40_000)
    table = pd.DataFrame({"agent": many // 2, "duration_s": many % 50 + 1.0, "outcome": "abandoned", "contacts": 1})
    tracemalloc.start()
    try:
        for call in (cox, MODELS["pieces"], MODELS["law"]):
            with pytest.raises(ValueError, match=r"needs about 1[78]\.\d GiB \(20,000 patterns"):
                call(table, "agent")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 2**20


def test_the_estimated_size_decides_how_risk_sets_are_held(monkeypatch):
    seen = []
    real = partial_likelihood.with_totals
    monkeypatch.setattr(partial_likelihood, "with_totals", lambda *a, **k: seen.append(k) or real(*a, **k))
    cox(GOOD, "team")
    monkeypatch.setattr(partial_likelihood, "DENSE_BYTES", 16 * 3 * 2 - 1)  # three event times, two teams
    cox(GOOD, "team")
    assert seen == [{}, {"summed": False}]


def test_a_coarse_clock_moves_a_coefficient_and_the_table_says_by_how_many_standard_errors():
    rng = np.random.default_rng(3)
    slow = rng.random(40_000) < 0.5
    left = rng.exponential(np.where(slow, 60.0, 30.0))
    answered = rng.exponential(20.0, slow.size)
    rows = pd.DataFrame({"wait_s": np.minimum(left, answered), "queue": np.where(slow, "b", "a")})
    rows["outcome"] = np.where(left < answered, "abandoned", "answered")
    shifts = {}
    for tick_s in (0.1, 30.0):
        counted = rows.assign(duration_s=np.ceil(rows["wait_s"] / tick_s) * tick_s, contacts=1)
        counted = counted.groupby(["queue", "duration_s", "outcome"], as_index=False)["contacts"].sum()
        (row,) = tie_table(counted, "queue").to_dict("records")
        after, half = (cox(counted, "queue", censored_ties=rule)["estimate"][0] for rule in ("after", "half"))
        assert (row["estimate"], row["estimate_half"]) == (after, half)
        shifts[tick_s] = row["shift_in_se"]
    assert shifts[0.1] < 0.1 < 1 < shifts[30.0]
