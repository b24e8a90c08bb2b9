"""The log-rank test with the day as the unit: against single rows, in its limits, and on days with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from cxresearch.survival import log_rank
from tests.regression.test_clusters import days_of_two_teams


def by_hand(table: pd.DataFrame, strata: str | tuple) -> tuple[float, float]:
    """Hotelling's T squared and its p-value from score residuals contact by contact."""
    rows = table.loc[table.index.repeat(table["contacts"])].reset_index(drop=True)
    time, event = rows["duration_s"].to_numpy(), (rows["outcome"] == "abandoned").to_numpy()
    entry = rows["entry_s"].to_numpy() if "entry_s" in rows else np.zeros(len(rows))
    stratum = pd.factorize(rows[strata])[0] if strata else np.zeros(len(rows), dtype=int)
    member = pd.get_dummies(rows["team"]).to_numpy(dtype=float)[:, 1:]
    found = np.zeros_like(member)
    for one in np.unique(stratum):
        for at in np.unique(time[event & (stratum == one)]):
            there = (stratum == one) & (time >= at) & ((entry < at) | (entry == 0))
            dying = there & event & (time == at)
            off = member - member[there].mean(axis=0)
            found[dying] += off[dying]
            found[there] -= off[there] * dying.sum() / there.sum()
    day = pd.factorize(rows["day"])[0]
    added = np.array([found[day == d].sum(axis=0) for d in range(day.max() + 1)])
    clusters, df = added.shape
    mean = added.mean(axis=0)
    t2 = clusters * mean @ np.linalg.solve(np.atleast_2d(np.cov(added.T)), mean)
    return t2, stats.f.sf(t2 * (clusters - df) / (df * (clusters - 1)), df, clusters - df)


@st.composite
def tables_by_day(draw: st.DrawFn) -> pd.DataFrame:
    late = draw(st.booleans())
    cell = st.tuples(
        st.sampled_from(["a", "b", "c"]), st.integers(0, 5), st.integers(0, 1), st.integers(0, 2), st.integers(1, 9),
        st.sampled_from(["abandoned", "answered"]), st.integers(1, 3),
    )  # fmt: skip
    rows = draw(st.lists(cell, min_size=15, max_size=40))
    table = pd.DataFrame(rows, columns=["team", "day", "half", "entry_s", "duration_s", "outcome", "contacts"])
    table["duration_s"] += table["entry_s"]
    return table if late else table.drop(columns="entry_s")


@given(tables_by_day(), st.sampled_from(["half", "day", ()]))
@settings(max_examples=15)
def test_the_test_by_day_is_that_of_single_rows(table, strata):
    try:
        plain, ours = (log_rank(table, by="team", strata=strata, cluster=unit).loc[0] for unit in (None, "day"))
    except ValueError as refusal:
        assume(
            not any(word in str(refusal) for word in ("nothing to compare", "too few", "no contact has", "holds one"))
        )
        raise
    assume(ours["df"] == table["team"].nunique() - 1)
    t2, p_value = by_hand(table, strata)
    assert ours["df"] == plain["df"]
    assert ours["df_within"] == table["day"].nunique() - ours["df"]
    assert ours["chi2"] == pytest.approx(t2, rel=1e-6)
    assert ours["p_value"] == pytest.approx(p_value, rel=1e-6, abs=1e-12)
    mixed = log_rank(table.sample(frac=1, random_state=1), by="team", strata=strata, cluster="day").loc[0]
    assert mixed["chi2"] == pytest.approx(ours["chi2"], rel=1e-6)


def test_a_day_for_every_contact_is_the_test_of_independent_contacts():
    rng = np.random.default_rng(5)
    n = 3_000
    rows = pd.DataFrame({"team": rng.choice(["a", "b", "c"], n), "duration_s": rng.exponential(40, n).round(),
                         "outcome": rng.choice(["abandoned", "answered"], n), "contacts": 1, "day": np.arange(n)})  # fmt: skip
    plain, ours = (log_rank(rows, by="team", cluster=unit).loc[0] for unit in (None, "day"))
    assert ours["chi2"] == pytest.approx(plain["chi2"], rel=0.05)
    assert ours["p_value"] == pytest.approx(plain["p_value"], rel=0.05)


def test_too_few_or_equal_days_are_refused():
    rows = pd.DataFrame({"team": ["a", "b", "a", "b"], "duration_s": [1.0, 2.0, 3.0, 4.0], "outcome": "abandoned",
                         "contacts": 1, "day": [1, 1, 1, 1]})  # fmt: skip
    with pytest.raises(ValueError, match="1 of day are too few"):
        log_rank(rows, by="team", cluster="day")
    alike = pd.concat([rows.assign(day=day) for day in range(4)])
    with pytest.raises(ValueError, match="too alike"):
        log_rank(alike, by="team", cluster="day")


def test_days_that_hang_together_are_no_difference_of_teams():
    rng = np.random.default_rng(23)
    p = {"contact": [], "day": []}
    for _ in range(60):
        table = days_of_two_teams(rng, 28, 40, 0.5)
        p["contact"].append(log_rank(table, by="team").loc[0, "p_value"])
        p["day"].append(log_rank(table, by="team", cluster="day").loc[0, "p_value"])
    wrong = {unit: (np.array(values) < 0.05).mean() for unit, values in p.items()}
    # The truth is no difference: 5 % would be right, with a standard error of 3 points here.
    assert wrong["contact"] > 0.2
    assert wrong["day"] < 0.12
