"""SIMULATED respondents: the published margins and nothing more."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from cxresearch.evidence import joint_range
from cxresearch.simulate import respondents_or_default
from cxresearch.simulate.respondents import respondent_distribution, simulate_respondents

REACTIONS = {"stop": 0.45, "less": 0.37, "stop | less": 0.72}


def entropy(probability: np.ndarray) -> float:
    positive = probability[probability > 0]
    return float(-(positive * np.log(positive)).sum())


def share(table: pd.DataFrame, holds: pd.Series) -> float:
    return float(table.loc[holds.astype(bool), "probability"].sum())


# --- worked by hand -------------------------------------------------------------------------------------------------


def test_two_items_and_their_union_leave_nothing_open():
    table = respondent_distribution(REACTIONS)
    assert table.columns.tolist() == ["stop", "less", "probability"]
    assert table[["stop", "less"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert table["probability"].tolist() == pytest.approx([0.28, 0.27, 0.35, 0.10], abs=1e-9)


def test_a_share_among_others_is_a_share_of_their_number():
    table = respondent_distribution({"shared": 0.84, "review given shared": 0.39})
    both = (table["shared"] == 1) & (table["review"] == 1)
    assert share(table, both) == pytest.approx(0.84 * 0.39, abs=1e-9)
    # Nothing is said of those who did not share: entropy is largest at one half.
    assert share(table, (table["shared"] == 0) & (table["review"] == 1)) == pytest.approx(0.08, abs=1e-9)


def test_counts_not_and_comparisons_are_read():
    table = respondent_distribution(
        {"a + b + c == 1": 0.6, "~a & (b | c)": 0.5, "a + b + c >= 3": 0, "1 <= a + b < 2": 0.7}
    )
    count = table[["a", "b", "c"]].sum(axis=1)
    assert share(table, table["a"] + table["b"] == 1) == pytest.approx(0.7, abs=1e-9)
    assert share(table, count == 1) == pytest.approx(0.6, abs=1e-9)
    assert share(table, (table["a"] == 0) & (count > 0)) == pytest.approx(0.5, abs=1e-9)
    assert share(table, count == 3) == 0


def test_parts_that_exclude_each_other_make_the_whole():
    table = respondent_distribution({"a": 0.2, "b": 0.3, "c": 0.5, "a + b + c == 1": 1.0})
    single = table[table[["a", "b", "c"]].sum(axis=1) == 1].set_index(["a", "b", "c"])["probability"]
    assert single.to_dict() == pytest.approx({(0, 0, 1): 0.5, (0, 1, 0): 0.3, (1, 0, 0): 0.2}, abs=1e-9)
    assert table["probability"].sum() == pytest.approx(1, abs=1e-12)


# --- known theory ---------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_single_margins_alone_mean_independence(shares: list[float]):
    names = [f"item{i}" for i in range(len(shares))]
    table = respondent_distribution(dict(zip(names, shares, strict=True)))
    product = np.prod(np.where(table[names] == 1, shares, 1 - np.array(shares)), axis=1)
    np.testing.assert_allclose(table["probability"], product, atol=1e-9)


def test_a_share_as_small_as_the_solvers_last_digit_is_nobody():
    table = respondent_distribution({"a": 1e-4, "b": 1e-9})
    assert share(table, table["a"] == 1) == pytest.approx(1e-4, abs=2e-9)
    assert share(table, table["b"] == 1) == pytest.approx(0, abs=2e-9)


def test_pairs_leave_the_odds_ratio_the_same_whatever_the_third_answer():
    table = respondent_distribution(
        {"a": 0.5, "b": 0.4, "c": 0.3, "a & b": 0.3, "a & c": 0.2, "b & c": 0.15}
    ).set_index(["a", "b", "c"])["probability"]
    odds = [table[1, 1, c] * table[0, 0, c] / (table[1, 0, c] * table[0, 1, c]) for c in (0, 1)]
    assert odds[0] == pytest.approx(odds[1], rel=1e-6)
    assert odds[0] > 1.5


def test_pairs_against_iterative_proportional_fitting():
    """From the uniform table the fitting ends at the largest entropy (Ireland & Kullback 1968)."""
    rng = np.random.default_rng(2)
    truth = rng.dirichlet(np.ones(16)).reshape(2, 2, 2, 2)
    margins, fitted = {}, np.full((2, 2, 2, 2), 1 / 16)
    pairs = [(i, j) for i in range(4) for j in range(i)]
    for i in range(4):
        margins[f"q{i}"] = float(truth.sum(axis=tuple(k for k in range(4) if k != i))[1])
    for i, j in pairs:
        margins[f"q{i} & q{j}"] = float(truth.sum(axis=tuple(k for k in range(4) if k not in (i, j)))[1, 1])
    for _ in range(3000):
        for i, j in pairs:
            others = tuple(k for k in range(4) if k not in (i, j))
            fitted = fitted * truth.sum(axis=others, keepdims=True) / fitted.sum(axis=others, keepdims=True)
    table = respondent_distribution(margins).sort_values(["q0", "q1", "q2", "q3"])
    np.testing.assert_allclose(table["probability"], fitted.ravel(), atol=1e-9)


# --- properties -----------------------------------------------------------------------------------------------------


@st.composite
def feasible_margins(draw: st.DrawFn) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Margins that some distribution has, that distribution, and the matrix of what each margin counts."""
    items = draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    truth = rng.dirichlet(np.full(2**items, draw(st.sampled_from([0.2, 1.0, 5.0]))))
    answers = np.arange(2**items)[:, None] >> np.arange(items)[::-1] & 1
    counted = {f"i{i}": answers[:, i] for i in range(items)}
    counted |= {f"i{i} | i{i - 1}": answers[:, i] | answers[:, i - 1] for i in range(1, items)}
    counted[" + ".join(f"i{i}" for i in range(items)) + " >= 2"] = (answers.sum(axis=1) >= 2).astype(int)
    rows = np.array(list(counted.values()), dtype=float)
    return dict(zip(counted, np.clip(rows @ truth, 0, 1).tolist(), strict=True)), truth, rows


@given(feasible_margins())
def test_margins_are_reproduced(case: tuple[dict[str, float], np.ndarray, np.ndarray]):
    margins, _, rows = case
    probability = respondent_distribution(margins)["probability"].to_numpy()
    assert probability.min() >= 0
    assert probability.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(rows @ probability, list(margins.values()), atol=1e-9)


@settings(max_examples=20)
@given(feasible_margins(), st.integers(0, 1000))
def test_no_other_feasible_distribution_has_more_entropy(
    case: tuple[dict[str, float], np.ndarray, np.ndarray], seed: int
):
    margins, truth, rows = case
    ours = respondent_distribution(margins)["probability"].to_numpy()
    rng = np.random.default_rng(seed)
    limits = np.vstack([rows, np.ones(len(truth))])
    corners = [
        optimize.linprog(rng.normal(size=len(truth)), A_eq=limits, b_eq=limits @ ours, method="highs") for _ in range(5)
    ]
    others = [truth, *(corner.x for corner in corners if corner.status == 0)]
    assert len(others) > 1
    for other in others:
        for mixed in (0.01, 0.3, 1.0):
            candidate = np.maximum((1 - mixed) * ours + mixed * other, 0)
            assert entropy(ours) >= entropy(candidate) - 1e-7


@given(feasible_margins())
def test_rounded_margins_are_met_within_the_rounding(case: tuple[dict[str, float], np.ndarray, np.ndarray]):
    margins, _, rows = case
    rounded = {name: round(value, 2) for name, value in margins.items()}
    probability = respondent_distribution(rounded, slack=0.005)["probability"].to_numpy()
    assert np.abs(rows @ probability - list(rounded.values())).max() <= 0.005 + 1e-7


def test_only_the_margins_that_clash_move():
    margins = {"a": 0.505, "b": 0.505, "a & b": 0.0, "c": 0.2}
    table = respondent_distribution(margins)
    assert share(table, table["c"] == 1) == pytest.approx(0.2, abs=1e-9)
    for name in ("a", "b"):  # 1.01 in all is 0.01 too much: a third of it each
        assert share(table, table[name] == 1) == pytest.approx(0.505 - 0.01 / 3, abs=1e-9)


def test_the_range_that_the_margins_leave_open_holds_the_simulated_share():
    """The same expressions, read and solved by the module that bounds what margins leave open."""
    margins = {"person": 0.55, "social": 0.47, "email": 0.42, "phone": 0.35, "person | social | email | phone": 0.92}
    table = respondent_distribution(margins)
    channels = table[["person", "social", "email", "phone"]].sum(axis=1)
    for query, holds in {
        "person & social": (table["person"] == 1) & (table["social"] == 1),
        "person + social + email + phone == 1": channels == 1,
        "~person & (email | phone)": (table["person"] == 0) & ((table["email"] == 1) | (table["phone"] == 1)),
    }.items():
        lower, upper = joint_range(margins, query, slack=0.0)
        assert lower < share(table, holds) < upper


# --- respondents ----------------------------------------------------------------------------------------------------


def test_respondents_have_the_margins_up_to_chance_and_are_marked():
    n = 40_000
    drawn = simulate_respondents(REACTIONS, n=n, rng=np.random.default_rng(1))
    assert drawn.columns.tolist() == ["stop", "less", "simulated"]
    assert drawn["simulated"].tolist() == [True] * n
    assert set(np.unique(drawn[["stop", "less"]])) == {0, 1}
    reached = {"stop": drawn["stop"], "less": drawn["less"], "stop | less": drawn["stop"] | drawn["less"]}
    for name, answers in reached.items():
        p = REACTIONS[name]
        assert answers.mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))


def test_the_generator_decides():
    first, again, other = (simulate_respondents(REACTIONS, n=50, rng=np.random.default_rng(s)) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_twelve_items_are_taken():
    rng = np.random.default_rng(6)
    margins = {f"q{i}": round(float(p), 2) for i, p in enumerate(rng.uniform(0.05, 0.6, 12))}
    margins |= {"q0 | q1 | q2": 0.6, "q3 + q4 + q5 >= 2": 0.2, "q6 given q7": 0.7}
    table = respondent_distribution(margins)
    assert len(table) == 4096
    for i in range(12):
        assert share(table, table[f"q{i}"] == 1) == pytest.approx(margins[f"q{i}"], abs=1e-9)
    seven = table["q7"] == 1
    assert share(table, seven & (table["q6"] == 1)) / share(table, seven) == pytest.approx(0.7, abs=1e-9)


# --- refused --------------------------------------------------------------------------------------------------------


def test_a_clash_is_named_and_nothing_else():
    margins = {"stop": 0.75, "less": 0.37, "stop & less": 0.0, "told": 0.5, "wrote given told": 0.1}
    with pytest.raises(ValueError, match=r"these 5 margins.*: stop = 0\.75, less = 0\.37, stop & less = 0 cannot all"):
        respondent_distribution(margins)
    # Enough rounding would make room for it.
    assert respondent_distribution(margins, slack=0.05)["probability"].sum() == pytest.approx(1)


def test_no_margin_moves_by_more_than_the_slack():
    margins = {"a": 0.506, "b": 0.506, "a & b": 0.0}  # 1.2 points too much, to be shared by three
    assert respondent_distribution(margins, slack=0.0041)["probability"].sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="cannot all hold"):
        respondent_distribution(margins, slack=0.0039)
    # A share of few people moves few people: 0.061 / 0.1 is out of reach of one half, 0.052 / 0.1 is not.
    with pytest.raises(ValueError, match="cannot all hold"):
        respondent_distribution({"b": 0.1, "a given b": 0.5, "a & b": 0.061})
    assert len(respondent_distribution({"b": 0.1, "a given b": 0.5, "a & b": 0.052})) == 4


def test_a_conditional_share_can_clash_too():
    with pytest.raises(ValueError, match=r"review given shared = 0\.39"):
        respondent_distribution({"shared": 0.84, "review given shared": 0.39, "review & shared": 0.5})


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({}, "there are no margins"),
        ({"a": 41.0}, r"1 of 1 margins are not shares within 0 to 1: \{'a': 41\.0\}"),
        ({"a": math.nan}, "not shares within 0 to 1"),
        ({"a": (0.3, 0.4)}, r"not shares within 0 to 1: \{'a': \(0\.3, 0\.4\)\}"),
        ({"(a + b) | c": 0.4}, "is a count, not yes or no"),
        ({"1": 0.4}, r"\['1'\] name no item"),
        ({"a |": 0.4}, r"cannot read the margin 'a \|'"),
        ({"a * b": 0.4}, r"'a \* b' is not an item"),
        ({"f(a)": 0.4}, r"'f\(a\)' is not an item"),
        ({"a + b": 0.4}, r"'a \+ b' is a count, not yes or no; compare it"),
        ({"a given b + c": 0.4}, "is a count, not yes or no"),
        ({"simulated": 0.4}, r"\['simulated'\] cannot be names of items"),
        ({f"q{i}": 0.5 for i in range(13)}, "13 items make 8,192 combinations; at most 12"),
    ],
)
def test_bad_margins_are_refused(margins: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        respondent_distribution(margins)


def test_other_refusals():
    with pytest.raises(ValueError, match=r"n must be 1 or more respondents; got 0\."):
        simulate_respondents(REACTIONS, n=0, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"slack must be at least 0 and below 0\.5"):
        respondent_distribution(REACTIONS, slack=-0.1)


# --- where no survey is named ---------------------------------------------------------------------------------------


def test_own_respondents_are_kept_and_none_are_simulated_the_same_each_time():
    own = pd.DataFrame({"stop": [1, 0]})
    assert respondents_or_default(own, REACTIONS, n=50) is own
    made = respondents_or_default(pd.DataFrame(), REACTIONS, n=50)
    assert len(made) == 50
    assert made["simulated"].all()
    pd.testing.assert_frame_equal(made, respondents_or_default(pd.DataFrame(), REACTIONS, n=50))
