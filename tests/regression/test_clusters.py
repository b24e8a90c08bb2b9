"""Cox with the day as the unit: against score residuals of single rows, in its limits, and on days with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from cxresearch.regression import cox, proportionality_test, tie_table
from tests.regression.test_models import expanded, grouped_tables, risk_table_of

TERMS = {"terms": ["team", "plan"], "numeric": "load"}


def residuals_by_row(design, rows, beta, ties, strata, half=False, clock=False) -> np.ndarray:
    """Score residuals contact by contact, one tied event after the other, as R's coxscore does it.

    ``clock``: each event's part times its duration, the score of a coefficient that changes along the wait.
    """
    time = rows["duration_s"].to_numpy()
    entry = rows["entry_s"].to_numpy() if "entry_s" in rows else np.zeros(len(rows))
    event = (rows["outcome"] == "abandoned").to_numpy()
    risk = np.exp(design @ beta)
    found = np.zeros_like(design)
    for stratum in np.unique(strata):
        here = strata == stratum
        for at in np.unique(time[here & event]):
            # Half of those who are censored at this tick have left it before.
            there = here & (time >= at) & ((entry < at) | (entry == 0))
            times = at if clock else 1.0
            weight = there * np.where(half & (time == at) & ~event, 0.5, 1.0)
            dying = here & event & (time == at)
            deaths = dying.sum()
            for number in range(deaths):
                gone = number / deaths if ties == "efron" else 0.0
                part = risk * (weight - gone * dying)
                mean = part @ design / part.sum()
                off = design - mean
                found[dying] += times * off[dying] / deaths
                found -= times * off * (part / part.sum())[:, None]
    return found


def by_hand(table, *, ties, strata, half=False) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and the sandwich by day, with the information from differences of the score."""
    rows, design = expanded(table)
    stratum = pd.factorize(rows[strata])[0] if strata else np.zeros(len(rows), dtype=int)
    chosen = {"strata": strata or (), "ties": ties, "censored_ties": "half" if half else "after"}
    beta = cox(table, **TERMS, **chosen)["estimate"].to_numpy()

    def score(at):
        return residuals_by_row(design, rows, at, ties, stratum, half).sum(axis=0)

    information = -np.array([(score(beta + h) - score(beta - h)) / 2e-5 for h in 1e-5 * np.eye(len(beta))])
    day, days = pd.factorize(rows["day"])
    added = np.zeros((len(days), len(beta)))
    np.add.at(added, day, residuals_by_row(design, rows, beta, ties, stratum, half))
    moved = added @ np.linalg.inv(information)
    return beta, moved.T @ moved * len(days) / (len(days) - 1)


@st.composite
def tables_by_day(draw: st.DrawFn) -> pd.DataFrame:
    table = draw(grouped_tables(entry=draw(st.booleans())))
    days = draw(st.integers(2, 5))
    return table.assign(day=[number % days for number in range(len(table))], half=np.arange(len(table)) % 2)


@given(tables_by_day(), st.sampled_from(["efron", "breslow"]), st.booleans(), st.booleans())
@settings(max_examples=8)
def test_the_sandwich_is_that_of_single_rows(table, ties, stratified, half):
    strata = "half" if stratified else ()
    chosen = {"ties": ties, "strata": strata, "censored_ties": "half" if half else "after"}
    try:
        plain, ours = cox(table, **TERMS, **chosen), cox(table, **TERMS, **chosen, cluster="day")
    except ValueError as refusal:
        assume("tells nothing" not in str(refusal) and "separation" not in str(refusal))
        raise
    beta, covariance = by_hand(table, ties=ties, strata=strata, half=half)
    np.testing.assert_array_equal(ours["estimate"], plain["estimate"])
    np.testing.assert_allclose(ours["se"], np.sqrt(np.diagonal(covariance)), rtol=1e-6)
    t = stats.t(table["day"].nunique() - 1)
    np.testing.assert_allclose(ours["lower"], np.exp(beta - t.ppf(0.975) * ours["se"]))
    np.testing.assert_allclose(ours["p_value"], 2 * t.sf(np.abs(beta) / ours["se"]))
    mixed = table.sample(frac=1, random_state=1)
    np.testing.assert_allclose(cox(mixed, **TERMS, **chosen, cluster="day")["se"], ours["se"], rtol=1e-9)


@given(tables_by_day(), st.sampled_from(["efron", "breslow"]))
@settings(max_examples=5)
def test_the_test_of_proportionality_by_day_is_that_of_single_rows(table, ties):
    try:
        ours = proportionality_test(table, "team", ties=ties, cluster="day")
        beta = cox(table, "team", ties=ties)["estimate"].to_numpy()
    except ValueError as refusal:
        assume(not any(word in str(refusal) for word in ("too few", "no trend", "separation")))
        raise
    rows, design = expanded(table)
    one = design[:, :1], rows
    stratum = np.zeros(len(rows), dtype=int)

    def slope(clock: bool) -> float:
        up, down = (residuals_by_row(*one, beta + step, ties, stratum, clock=clock).sum() for step in (1e-5, -1e-5))
        return (up - down) / 2e-5

    plain, along = (residuals_by_row(*one, beta, ties, stratum, clock=clock)[:, 0] for clock in (False, True))
    by_day = pd.Series(along - plain * slope(clock=True) / slope(clock=False)).groupby(rows["day"].to_numpy()).sum()
    t = stats.ttest_1samp(by_day, 0)
    assert ours["chi2"].tolist() == pytest.approx([t.statistic**2] * 2, rel=1e-5)
    assert ours["p_value"].tolist() == pytest.approx([t.pvalue] * 2, rel=1e-5)
    assert ours["df_within"].tolist() == [len(by_day) - 1] * 2


def test_two_days_worked_by_hand():
    # All leave in one tick each; a ratio of 1, so that mean covariates are shares at risk: 2/4 then 1/2 of z.
    table = risk_table_of(
        ("b", 1, "abandoned", 1, 1), ("z", 1, "answered", 1, 1), ("z", 2, "abandoned", 1, 2), ("b", 2, "answered", 1, 2),
        columns="team duration_s outcome contacts day",
    )  # fmt: skip
    ours = cox(table, "team", cluster="day")
    ratio = ours["hazard_ratio"].iloc[0]
    assert ratio == pytest.approx(1)
    # Day 1: b leaves (-1/2), and b and z were at risk of 1/4 each (+1/8, -1/8). Day 2: z leaves (+1/2); at the first
    # event z and b had the hazard 1/4, at the second 1/2: they cancel. The information is 1/4 + 1/4.
    assert ours["se"].iloc[0] == pytest.approx(np.sqrt(2 * (0.25 + 0.25)) / 0.5)
    assert ours.attrs["clusters"] == 2


def test_a_day_for_every_contact_is_the_robust_variance_of_independent_contacts():
    rng = np.random.default_rng(2)
    n = 400
    rows = pd.DataFrame({"team": rng.choice(["b", "z"], n), "duration_s": rng.exponential(20, n).round() + 1,
                         "outcome": np.where(rng.random(n) < 0.6, "abandoned", "answered"), "contacts": 1,
                         "day": np.arange(n)})  # fmt: skip
    plain, ours = cox(rows, "team"), cox(rows, "team", cluster="day")
    assert ours["se"].iloc[0] == pytest.approx(plain["se"].iloc[0], rel=0.05)
    # Every contact once more on its own day: contacts are twice as many, days as many as before.
    twice = pd.concat([rows, rows], ignore_index=True)
    assert cox(twice, "team", cluster="day")["se"].iloc[0] == pytest.approx(ours["se"].iloc[0], rel=0.01)
    assert cox(twice, "team")["se"].iloc[0] == pytest.approx(plain["se"].iloc[0] / np.sqrt(2), rel=0.01)


def test_what_a_clock_leaves_open_is_measured_in_the_same_standard_errors():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"team": rng.choice(["b", "z"], 300), "duration_s": rng.integers(1, 9, 300).astype(float),
                         "outcome": rng.choice(["abandoned", "answered"], 300), "contacts": 1,
                         "day": rng.integers(0, 9, 300)})  # fmt: skip
    table = tie_table(rows, "team", cluster="day")
    np.testing.assert_array_equal(table["se"], cox(rows, "team", cluster="day")["se"])


def test_one_day_is_refused():
    table = risk_table_of(
        ("b", 1, "abandoned", 1, 7), ("z", 2, "abandoned", 1, 7), ("b", 3, "abandoned", 1, 7),
        columns="team duration_s outcome contacts day",
    )  # fmt: skip
    with pytest.raises(ValueError, match="all contacts have one day, 7"):
        cox(table, "team", cluster="day")
    with pytest.raises(ValueError, match="no column 'day'"):
        cox(table.drop(columns="day"), "team", cluster="day")


def days_of_two_teams(rng: np.random.Generator, days: int, contacts: int, spread: float) -> pd.DataFrame:
    """SIMULATED: two teams of one law; each has good and bad days of its own, which all of its contacts share."""
    day, team = np.repeat(np.arange(days), contacts), np.tile(np.arange(2), days * contacts // 2)
    rate = np.exp(rng.normal(0, spread, (days, 2)))[day, team] / 60
    patience, offer = rng.exponential(1 / rate).round(), rng.exponential(60, len(day)).round()
    rows = pd.DataFrame({"day": day, "team": team, "duration_s": np.minimum(patience, offer),
                         "outcome": np.where(patience < offer, "abandoned", "answered")})  # fmt: skip
    return rows.value_counts().reset_index(name="contacts")


def test_days_that_hang_together_are_no_difference_of_teams():
    rng = np.random.default_rng(17)
    p = {"contact": [], "day": []}
    for _ in range(60):
        table = days_of_two_teams(rng, 28, 40, 0.5)
        p["contact"].append(cox(table, "team")["p_value"].iloc[0])
        p["day"].append(cox(table, "team", cluster="day")["p_value"].iloc[0])
    wrong = {unit: (np.array(values) < 0.05).mean() for unit, values in p.items()}
    # The truth is no difference: 5 % would be right, with a standard error of 3 points here.
    assert wrong["contact"] > 0.2
    assert wrong["day"] < 0.12
