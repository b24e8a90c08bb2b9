"""How far talk travels: by hand, against theory, series, simulation and reference numbers."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxresearch.spread import (
    chain_size_distribution,
    chain_size_distribution_by_type,
    expected_tellers,
    offspring,
    probability_extinct,
    probability_extinct_by_type,
    reproduction_number,
    type_reproduction_numbers,
)

DISPERSIONS = st.one_of(st.floats(0.05, 20), st.just(math.inf))


def square(values, labels="abcdef") -> pd.DataFrame:
    names = list(labels[: len(values)])
    return pd.DataFrame(values, index=names, columns=names, dtype=float)


@st.composite
def mean_matrices(draw: st.DrawFn) -> pd.DataFrame:
    """Two or three kinds of talk, often without a way from one to another."""
    types = draw(st.integers(2, 3))
    entry = st.one_of(st.just(0.0), st.floats(0.01, 1.2))
    return square(draw(st.lists(st.lists(entry, min_size=types, max_size=types), min_size=types, max_size=types)))


def matrix_reference(shared: Path) -> tuple[pd.DataFrame, pd.Series]:
    table = pd.read_csv(shared / "reference/spread/multitype_matrix.csv", index_col="from_type")
    return table.drop(columns="k"), table["k"]


# --- by hand --------------------------------------------------------------------------------------------------------


def test_two_tellers_worked_by_hand():
    # Geometric, mean 1/2: silent with 2/3, tells one with 2/9. A chain of two: one tells one, who is silent.
    table = chain_size_distribution(0.5, 1.0, max_size=2)
    assert table["chain_size"].tolist() == [1, 2]
    assert table["probability"].tolist() == pytest.approx([2 / 3, 2 / 9 * 2 / 3], rel=1e-14)
    assert table["probability_larger"].tolist() == pytest.approx([1 / 3, 1 / 3 - 4 / 27], rel=1e-13)


def test_two_introductions_worked_by_hand():
    # Poisson, mean 1/2: three tellers from two who begin: one of them told one (two ways), all others silent.
    table = chain_size_distribution(0.5, math.inf, introductions=2, max_size=3)
    assert table["chain_size"].tolist() == [2, 3]
    assert table["probability"].tolist() == pytest.approx([math.exp(-1), 2 * 0.5 * math.exp(-1.5)], rel=1e-14)


def test_two_types_worked_by_hand():
    matrix = square([[0.0, 2.0], [0.3, 0.1]])
    assert reproduction_number(matrix) == pytest.approx((0.1 + math.sqrt(0.01 + 2.4)) / 2, rel=1e-14)
    # Type a tells only b; of b's talk 0.3 comes back, after 1 / (1 - 0.1) b on the way.
    assert_allclose(type_reproduction_numbers(matrix), [2 * 0.3 / 0.9, 0.1 + 0.3 * 2], rtol=1e-14)
    determinant = 0.9 - 0.6
    assert_allclose(expected_tellers(matrix), np.array([[0.9, 2.0], [0.3, 1.0]]) / determinant, rtol=1e-14)


def test_a_root_that_tells_nobody_is_a_chain_of_one():
    table = chain_size_distribution_by_type(square([[0, 0], [2, 2]]), 0.5, root="a", max_size=3)
    assert table["probability"].tolist() == [1, 0, 0]
    assert table["probability_larger"].tolist() == [0, 0, 0]
    assert chain_size_distribution(0.0, 1.0, introductions=3, max_size=4)["probability"].tolist() == [1, 0]


# --- theory and limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [1.0001, 1.2, 2.0, 5.0, 1e6])
def test_geometric_offspring_die_out_with_probability_one_over_r(mean):
    assert probability_extinct(mean, 1.0) == pytest.approx(1 / mean, rel=1e-14)


@pytest.mark.parametrize("dispersion", [0.16, 1.0, math.inf])
@pytest.mark.parametrize("excess", [1e-3, 1e-6, 1e-9, 1e-12])
def test_just_above_one_the_chance_to_last_is_twice_the_excess_over_the_variance(excess, dispersion):
    # What R - 1 is in floating point, not what was typed. The next term of the expansion is of the order of excess.
    excess = (1 + excess) - 1
    variance = 1 + 1 / dispersion
    assert 1 - probability_extinct(1 + excess, dispersion) == pytest.approx(
        2 * excess / variance, rel=4 * excess + 2e-4
    )


def test_extinction_keeps_its_digits_when_it_is_unlikely():
    assert probability_extinct(40.0, math.inf) == pytest.approx(math.exp(-40), rel=1e-13)
    assert probability_extinct(2000.0, math.inf) == 0
    assert probability_extinct(1.0, 0.3) == probability_extinct(0.0, 0.3) == 1


@pytest.mark.parametrize("mean", [0.4, 1.0, 1.7])
def test_geometric_chain_sizes_are_catalan_numbers(mean):
    size = np.arange(1, 31)
    catalan = np.array([math.comb(2 * n - 2, n - 1) // n for n in size.tolist()], dtype=float)
    expected = catalan * mean ** (size - 1) / (1 + mean) ** (2 * size - 1)
    assert_allclose(chain_size_distribution(mean, 1.0, max_size=30)["probability"], expected, rtol=1e-13)


@pytest.mark.parametrize("introductions", [1, 4])
def test_poisson_chain_sizes_are_borel_tanner(introductions):
    mean, size = 0.7, np.arange(introductions, 40)
    told = size - introductions
    expected = [
        introductions / n * math.exp(-mean * n) * (mean * n) ** x / math.factorial(x)
        for n, x in zip(size.tolist(), told.tolist(), strict=True)
    ]
    table = chain_size_distribution(mean, math.inf, introductions=introductions, max_size=39)
    assert_allclose(table["probability"], expected, rtol=1e-13)


def test_large_dispersion_tends_to_poisson():
    poisson = chain_size_distribution(0.9, math.inf, max_size=2000)
    for dispersion, tolerance in [(1e6, 1e-3), (1e10, 1e-7), (1e300, 1e-13)]:
        assert_allclose(chain_size_distribution(0.9, dispersion, max_size=2000), poisson, rtol=tolerance)
    matrix = square([[0.3, 0.5], [0.4, 0.2]])
    by_type = chain_size_distribution_by_type(matrix, math.inf, root="a", max_size=200)
    assert_allclose(chain_size_distribution_by_type(matrix, 1e300, root="a", max_size=200), by_type, rtol=1e-10)
    assert_allclose(probability_extinct_by_type(3 * matrix, 1e300), probability_extinct_by_type(3 * matrix, math.inf))


@pytest.mark.parametrize(("mean", "dispersion"), [(0.5, 0.16), (0.9, 0.9), (0.8, math.inf)])
def test_mean_and_variance_of_the_chain_size(mean, dispersion):
    table = chain_size_distribution(mean, dispersion, max_size=20_000)
    size, probability = table["chain_size"], table["probability"]
    first = size @ probability
    assert first == pytest.approx(1 / (1 - mean), rel=1e-12)
    assert (size - first) ** 2 @ probability == pytest.approx(
        mean * (1 + mean / dispersion) / (1 - mean) ** 3, rel=1e-9
    )


def test_diagonal_matrix_is_independent_single_types():
    means, dispersion = {"a": 0.6, "b": 1.0, "c": 1.4}, {"a": 0.3, "b": 2.0, "c": math.inf}
    matrix = square(np.diag(list(means.values())))
    assert reproduction_number(matrix) == 1.4
    assert type_reproduction_numbers(matrix).tolist() == [math.inf] * 3  # each leaves one that holds itself
    assert type_reproduction_numbers(matrix.loc[["a", "c"], ["a", "c"]]).tolist() == [math.inf, 1.4]
    extinct = probability_extinct_by_type(matrix, dispersion)
    for root, mean in means.items():
        assert extinct[root] == pytest.approx(probability_extinct(mean, dispersion[root]), rel=1e-13)
        single = chain_size_distribution(mean, dispersion[root], max_size=400)
        by_type = chain_size_distribution_by_type(matrix, dispersion, root=root, max_size=400)
        assert_allclose(by_type, single, rtol=1e-10)


@pytest.mark.parametrize(
    ("mean", "dispersion", "max_size"),
    [(0.5, 0.9, 5000), (0.99, 0.5, 20_000), (1.0, 0.5, 5000), (1.1, 0.5, 3000), (3.0, 0.2, 800), (0.05, math.inf, 60)],
)
def test_types_that_tell_equally_many_are_one_type(mean, dispersion, max_size):
    # An exact answer for a full matrix: every row adds up to the same mean, so the types do not matter.
    values = np.random.default_rng(3).random((3, 3))
    matrix = square(mean * values / values.sum(axis=1, keepdims=True))
    exact = chain_size_distribution(mean, dispersion, max_size=max_size)
    ours = chain_size_distribution_by_type(matrix, dispersion, root="b", max_size=max_size)
    for column in ("probability", "probability_larger"):
        held = exact[column] > 1e-280
        assert ours[column][held].notna().all()
        difference = (ours[column] / exact[column] - 1).abs()[held].max()
        assert difference <= min(1e-10, ours.attrs["relative_error"])


def test_critical_class_beside_a_supercritical_one():
    matrix = square([[1.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.5]])
    matrix.loc["c", "a"] = 0.2
    extinct = probability_extinct_by_type(matrix, 0.5)
    assert extinct["a"] == extinct["b"] == 1
    # What c tells a comes to an end, so c lives on by its own talk alone.
    assert extinct["c"] == pytest.approx(probability_extinct(1.5, 0.5), rel=1e-13)
    assert reproduction_number(square([[0.5, 1.0], [0.0, 0.5]])) == 0.5


def test_a_noise_made_number_is_never_given():
    # Talk of type a leads to b once in a billion times; b's long chains are then below the noise of a's short ones.
    weak, mean = 1e-9, 0.99
    table = chain_size_distribution_by_type(square([[0, weak], [0, mean]]), 1.0, root="a", max_size=4000)
    given, size = table["probability"].notna(), table["chain_size"]
    assert 0 < given.sum() < len(table)
    # Exact to the order of weak: silent, or one b who begins a chain of its own.
    b_alone = chain_size_distribution(mean, 1.0, max_size=4000)["probability"]
    exact = np.append(1 / (1 + weak), weak / (1 + weak) ** 2 * b_alone[:-1])
    error = (table["probability"] / exact - 1).abs()
    assert error[given].max() < 1e-6
    assert table.attrs["relative_error"] <= 1e-6
    assert (table["probability_larger"].isna() | (size < 4000)).all()


def test_many_introductions_at_sizes_far_below_the_usual():
    # 20,000 who begin at R = 0.9 end near 200,000: below 20,100 every single probability underflows.
    table = chain_size_distribution(0.9, 0.5, introductions=20_000, max_size=20_100)
    assert table["probability"].max() == 0
    assert table["probability_larger"].iloc[0] == pytest.approx(1, rel=1e-12)


# --- always true ----------------------------------------------------------------------------------------------------


@given(st.floats(0.0, 4), DISPERSIONS, st.integers(1, 30), st.integers(0, 400))
def test_every_chain_is_counted_once(mean, dispersion, introductions, more):
    table = chain_size_distribution(mean, dispersion, introductions=introductions, max_size=introductions + more)
    assert math.fsum(table["probability"]) + table["probability_larger"].iloc[-1] == pytest.approx(1, abs=1e-12)
    assert table["probability"].between(0, 1).all()
    falls = table["probability_larger"].to_numpy()
    assert (np.diff(falls) <= 0).all()
    endless = 1 - probability_extinct(mean, dispersion, introductions=introductions)
    assert falls[-1] >= endless - 1e-14


@given(st.floats(0.05, 3), DISPERSIONS, st.integers(1, 40))
def test_the_tail_does_not_depend_on_where_the_table_ends(mean, dispersion, max_size):
    short = chain_size_distribution(mean, dispersion, max_size=max_size)
    long = chain_size_distribution(mean, dispersion, max_size=30_000)
    assert_allclose(short["probability_larger"], long["probability_larger"][:max_size], rtol=1e-12)


@given(st.floats(0.05, 2), DISPERSIONS)
def test_two_introductions_are_two_independent_chains(mean, dispersion):
    one = chain_size_distribution(mean, dispersion, max_size=60)["probability"]
    two = chain_size_distribution(mean, dispersion, introductions=2, max_size=60)["probability"]
    assert_allclose(np.convolve(one, one)[:59], two, rtol=1e-12)


@given(st.floats(1.0, 20, exclude_min=True), DISPERSIONS, st.integers(1, 5))
def test_extinction_is_the_smallest_fixed_point(mean, dispersion, introductions):
    q = probability_extinct(mean, dispersion)
    silent = math.exp(-mean * (1 - q)) if math.isinf(dispersion) else (1 + mean * (1 - q) / dispersion) ** -dispersion
    assert silent == pytest.approx(q, abs=1e-14)
    assert silent * mean / (1 + mean * (1 - q) / dispersion) <= 1 + 1e-12  # the curve crosses from above
    assert probability_extinct(mean, dispersion, introductions=introductions) == pytest.approx(
        q**introductions, rel=1e-12
    )


def _series(matrix: pd.DataFrame, dispersion: float, terms: int) -> np.ndarray:
    """P(size = n), n = 0 to terms, by root type, by composing power series; no transform, no complex number."""
    K, k = matrix.to_numpy(), dispersion
    total = np.zeros((len(K), terms + 1))
    for n in range(1, terms + 1):
        for i in range(len(K)):
            inner = -(K[i] @ total) / (1 if math.isinf(k) else k)
            inner[0] += K[i].sum() / (1 if math.isinf(k) else k) + (0 if math.isinf(k) else 1)
            outer = np.zeros(n)
            outer[0] = math.exp(-inner[0]) if math.isinf(k) else inner[0] ** -k
            for m in range(1, n):  # derivative of exp(-x) and of x^-k, term by term
                j = np.arange(1, m + 1)
                if math.isinf(k):
                    outer[m] = -(j * inner[j]) @ outer[m - j] / m
                else:
                    outer[m] = ((-k * j - (m - j)) * inner[j]) @ outer[m - j] / (m * inner[0])
            total[i, n] = outer[n - 1]
    return total


@settings(max_examples=25)
@given(mean_matrices(), DISPERSIONS)
def test_chain_sizes_by_type_agree_with_power_series(matrix, dispersion):
    series = _series(matrix, dispersion, 12)
    for row, root in enumerate(matrix.index):
        table = chain_size_distribution_by_type(matrix, dispersion, root=root, max_size=12)
        known = table["probability"].notna()
        assert known[:6].all()
        assert_allclose(table["probability"][known], series[row, 1:][known], rtol=1e-6, atol=0)
        tail = 1 - series[row].cumsum()[1:]
        assert_allclose(table["probability_larger"].fillna(0), tail, atol=1e-12)


@given(mean_matrices(), st.floats(0.1, 5))
def test_extinction_by_type_is_a_fixed_point_and_follows_the_reproduction_number(matrix, dispersion):
    extinct = probability_extinct_by_type(matrix, dispersion)
    assert_allclose((1 + matrix @ (1 - extinct) / dispersion) ** -dispersion, extinct, rtol=0, atol=1e-13)
    assert (extinct == 1).all() == (reproduction_number(matrix) <= 1)


@given(mean_matrices(), st.sampled_from([0.3, 0.7, 0.95]))
def test_quieting_one_type_below_its_number_ends_every_chain(matrix, share):
    for name, number in type_reproduction_numbers(matrix).items():
        if 1 < number < math.inf:
            quieter = matrix.copy()
            quieter[name] *= share / number
            assert reproduction_number(quieter) < 1


# --- others' numbers ------------------------------------------------------------------------------------------------


def test_extinction_agrees_with_the_reference(shared):
    for row in pd.read_csv(shared / "reference/spread/extinction.csv").itertuples():
        dispersion = math.inf if row.offspring == "poisson" else row.k
        assert probability_extinct(row.mean, dispersion) == pytest.approx(row.extinction_probability, rel=1e-12)


def test_chain_sizes_agree_with_the_reference(shared):
    table = pd.read_csv(shared / "reference/spread/chain_size.csv", dtype={"value": str})
    checked = 0
    for row in table.dropna(subset="n_or_x").itertuples():
        dispersion, size, value = (
            (math.inf if row.offspring == "poisson" else row.k),
            int(row.n_or_x),
            Decimal(row.value),
        )
        if row.quantity == "pmf":
            # In logarithms, so that probabilities far below the smallest number are compared as well.
            told = offspring.retellings_log_probability(size - row.roots, size, row.mean, dispersion)
            ours = math.log(row.roots / size) + float(told)
            assert ours == pytest.approx(float(value.ln()), rel=1e-13, abs=1e-13)
            if size <= 1000:
                last = chain_size_distribution(row.mean, dispersion, introductions=row.roots, max_size=size).iloc[-1]
                assert last["probability"] == pytest.approx(float(value), rel=1e-10)
        else:
            assert row.quantity == "P(T>x)"
            last = chain_size_distribution(row.mean, dispersion, max_size=size).iloc[-1]
            # The reference subtracted from 1 with some sixty digits: below 1e-60 its value is that rounding.
            assert last["probability_larger"] == pytest.approx(float(value), rel=1e-10, abs=1e-60)
        checked += 1
    assert checked > 100


@pytest.mark.parametrize("size", [100, 1000])
def test_the_far_tail_agrees_with_two_hundred_digits(size):
    getcontext().prec = 200
    term, total = Decimal(0), Decimal(0)
    n = size + 1
    term = (-Decimal(n) / 2).exp() * (Decimal(n) / 2) ** (n - 1) / math.factorial(n)
    while term > total * Decimal(10) ** -20:
        total += term
        n += 1
        term = (-Decimal(n) / 2).exp() * (Decimal(n) / 2) ** (n - 1) / math.factorial(n)
    ours = chain_size_distribution(0.5, math.inf, max_size=size)["probability_larger"].iloc[-1]
    assert ours == pytest.approx(float(total), rel=1e-12)


def test_several_types_agree_with_the_reference(shared):
    matrix, dispersion = matrix_reference(shared)
    tables = {
        root: chain_size_distribution_by_type(matrix, dispersion, root=root, max_size=40).set_index("chain_size")
        for root in matrix.index
    }
    for row in pd.read_csv(shared / "reference/spread/multitype.csv").itertuples():
        name, _, last = row.quantity.rpartition("_")
        if row.quantity == "R0_spectral_radius":
            ours, tolerance = reproduction_number(matrix), 1e-12
        elif name == "R0_scale":
            ours, tolerance = reproduction_number(float(last) * matrix), 1e-12
        elif name == "extinction_prob_scale":
            ours, tolerance = probability_extinct_by_type(float(last) * matrix, dispersion)[row.root_type], 1e-12
        elif row.quantity == "type_reproduction_number":
            ours, tolerance = type_reproduction_numbers(matrix)[row.root_type], 1e-12
        elif row.quantity == "expected_total_type_j_from_root_i":
            ours, tolerance = expected_tellers(matrix).loc[row.root_type, row.type], 1e-12
        elif row.quantity == "expected_total_progeny_from_root":
            ours, tolerance = expected_tellers(matrix).loc[row.root_type].sum(), 1e-12
        else:
            size = int(row.quantity.removeprefix("P(total_progeny=").removesuffix(")"))
            ours, tolerance = tables[row.root_type].loc[size, "probability"], 1e-10
        assert ours == pytest.approx(row.value, rel=tolerance), row.quantity


def test_a_table_to_131072_holds_together(shared):
    matrix, dispersion = matrix_reference(shared)
    matrix = matrix / reproduction_number(matrix)  # critical: the slowest tail there is
    table = chain_size_distribution_by_type(matrix, dispersion, root="social", max_size=2**17)
    assert table.notna().all(axis=None)
    assert math.fsum(table["probability"]) + table["probability_larger"].iloc[-1] == pytest.approx(1, abs=1e-13)
    assert table.attrs["relative_error"] < 1e-8
    # n^(-3/2): the power law of the critical chain, already close at this size
    ratio = table["probability"].iloc[2**17 - 1] / table["probability"].iloc[2**16 - 1]
    assert ratio == pytest.approx(2**-1.5, rel=1e-4)


# --- recovery -------------------------------------------------------------------------------------------------------


def test_simulated_chains_of_several_types_follow_the_law(shared):
    matrix, dispersion = matrix_reference(shared)
    rng, chains, types = np.random.default_rng(20), 20_000, list(matrix.index)
    K, k = matrix.to_numpy(), dispersion.to_numpy()
    now = np.zeros((chains, len(types)), dtype=np.int64)
    now[:, types.index("social")] = 1
    size, by_type = np.ones(chains, dtype=np.int64), now.copy()
    while now.any():
        told = np.zeros_like(now)
        for i in range(len(types)):
            talkers = now[:, i]
            number = rng.negative_binomial(np.maximum(talkers, 1) * k[i], k[i] / (k[i] + K[i].sum()))
            told += rng.multinomial(np.where(talkers > 0, number, 0), K[i] / K[i].sum())
        now, size, by_type = told, size + told.sum(axis=1), by_type + told
    table = chain_size_distribution_by_type(matrix, dispersion, root="social", max_size=60)
    for limit in (1, 2, 5, 10, 30, 60):
        expected = table["probability_larger"].iloc[limit - 1]
        assert (size > limit).mean() == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / chains))
    errors = by_type.std(axis=0) / math.sqrt(chains)
    assert (np.abs(by_type.mean(axis=0) - expected_tellers(matrix).loc["social"]) < 4 * errors).all()


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "dispersion", "introductions"),
    [(-1, 1, 1), (math.nan, 1, 1), (math.inf, 1, 1), (1, 0, 1), (1, -2, 1), (1, math.nan, 1), (1, 1, 0), (1, 1, 1.5)],
)
def test_impossible_offspring_are_refused(mean, dispersion, introductions):
    with pytest.raises(ValueError, match="introductions"):
        probability_extinct(mean, dispersion, introductions=introductions)
    with pytest.raises(ValueError, match="introductions"):
        chain_size_distribution(mean, dispersion, introductions=introductions, max_size=10)


@pytest.mark.parametrize("max_size", [2, 4.5, math.nan])
def test_a_table_must_reach_the_smallest_chain(max_size):
    with pytest.raises(ValueError, match="max_size must be a whole number >= 3"):
        chain_size_distribution(0.5, 1.0, introductions=3, max_size=max_size)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (square([[0.1, -0.2], [0.3, 0.1]]), "1 of 4 entries are not: a to b"),
        (square([[0.1, 0.2], [math.nan, math.inf]]), "2 of 4 entries are not: b to a, b to b"),
        (square([[0.1, 0.2], [0.3, 0.1]]).iloc[:1], "must be square"),
        (square([[0.1, 0.2], [0.3, 0.1]]).rename(columns={"b": "c"}), "same types"),
        (square([[0.1, 0.2], [0.3, 0.1]]).set_axis(["a", "a"], axis=0).set_axis(["a", "a"], axis=1), "must be square"),
        (pd.DataFrame(), "at least one type"),
        (np.eye(2), "is a DataFrame"),
    ],
)
def test_impossible_matrices_are_refused(matrix, message):
    for call in (
        reproduction_number,
        type_reproduction_numbers,
        expected_tellers,
        lambda m: probability_extinct_by_type(m, 1.0),
        lambda m: chain_size_distribution_by_type(m, 1.0, root="a", max_size=5),
    ):
        with pytest.raises(ValueError, match=message):
            call(matrix)


def test_columns_may_stand_in_any_order():
    matrix = square([[0.1, 0.2], [0.3, 0.4]])
    assert expected_tellers(matrix[["b", "a"]]).equals(expected_tellers(matrix))


def test_infinite_expectation_is_refused():
    with pytest.raises(ValueError, match=r"infinite: the reproduction number is 1\b"):
        expected_tellers(square([[0.5, 0.5], [0.5, 0.5]]))


@pytest.mark.parametrize(
    ("dispersion", "message"),
    [(0.0, "2 of 2"), (math.nan, "2 of 2"), ({"a": 1.0, "b": -1.0}, "1 of 2"), ({"a": 1.0}, r"given for \['a'\]")],
)
def test_impossible_dispersions_by_type_are_refused(dispersion, message):
    matrix = square([[0.1, 0.2], [0.3, 0.4]])
    with pytest.raises(ValueError, match=message):
        probability_extinct_by_type(matrix, dispersion)
    with pytest.raises(ValueError, match=message):
        chain_size_distribution_by_type(matrix, dispersion, root="a", max_size=5)


def test_unknown_root_is_refused():
    with pytest.raises(ValueError, match=r"root 'z' is not a type of the matrix; its types are \['a', 'b'\]"):
        chain_size_distribution_by_type(square([[0.1, 0.2], [0.3, 0.4]]), 1.0, root="z", max_size=5)
