"""How far talk travels, by exact branching mathematics: extinction, chain size, one or several kinds of talk."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse.csgraph import connected_components

from cxresearch.spread.chain_transform import transform_back
from cxresearch.spread.offspring import FloatArray, excess_over_log1p, retellings_log_probability

__all__ = [
    "chain_size_distribution",
    "chain_size_distribution_by_type",
    "expected_tellers",
    "probability_extinct",
    "probability_extinct_by_type",
    "reproduction_number",
    "type_reproduction_numbers",
]


def probability_extinct(reproduction_number: float, dispersion: float, *, introductions: int = 1) -> float:
    """Probability that talk begun by ``introductions`` people dies out.

    Each teller tells a negative-binomial number of people.

    Parameters
    ----------
    reproduction_number : mean number of people one teller tells, >= 0 and finite.
    dispersion : size of the negative binomial, > 0 (variance R + R^2 / k); 1 is geometric, ``math.inf`` is Poisson.
    introductions : how many people begin, independently of each other, >= 1.

    Returns
    -------
    Probability, 1 where ``reproduction_number`` <= 1. It says nothing about how large a chain grows first.

    Reference: Lloyd-Smith et al. (2005), doi:10.1038/nature04153.
    """
    _check_offspring(reproduction_number, dispersion, introductions)
    return math.exp(introductions * _log_extinct(reproduction_number, dispersion))


def chain_size_distribution(
    reproduction_number: float, dispersion: float, *, introductions: int = 1, max_size: int
) -> pd.DataFrame:
    """Distribution of the number of people who ever tell, the first tellers included (closed form).

    Parameters
    ----------
    reproduction_number, dispersion, introductions : as in ``probability_extinct``.
    max_size : largest size listed, >= ``introductions``.

    Returns
    -------
    DataFrame, one row a size from ``introductions`` (no chain is smaller) to ``max_size``
        ``chain_size`` (int), ``probability``, ``probability_larger`` (of a strictly larger chain, endless ones
        included: with R > 1 it does not fall to 0). ``attrs["relative_error"]``: bound on the rounding error of both;
        the tail is summed, not subtracted from 1, so this holds down to underflow (1e-308).

    Reference: Dwass (1969), doi:10.2307/3212112; a chain of n tellers is n draws that sum to n - introductions.
    """
    _check_offspring(reproduction_number, dispersion, introductions)
    _check_max_size(max_size, introductions)
    size = np.arange(introductions, max_size + 1)
    log_probability = _chain_log_probability(size.astype(float), reproduction_number, dispersion, introductions)
    probability = np.exp(log_probability)
    larger = _sum_above(probability, _probability_beyond(reproduction_number, dispersion, introductions, max_size))
    table = pd.DataFrame({"chain_size": size, "probability": probability, "probability_larger": larger})
    smallest = max(log_probability.min(), math.log(np.finfo(float).tiny))
    table.attrs["relative_error"] = float(np.finfo(float).eps * (100 + 4 * abs(smallest) + math.sqrt(size.size)))
    return table


def reproduction_number(matrix: pd.DataFrame) -> float:
    """Mean number of people told by the average teller of a chain with several kinds of talk (R0).

    Parameters
    ----------
    matrix : DataFrame of mean numbers told: rows the teller's type, columns the type told, the same labels in both.

    Returns
    -------
    Spectral radius of the matrix: above 1 talk of some type can go on for ever.

    Reference: Diekmann, Heesterbeek & Metz (1990), doi:10.1007/BF00178324.
    """
    means, _ = _mean_matrix(matrix)
    return _spectral_radius(means)


def type_reproduction_numbers(matrix: pd.DataFrame) -> pd.Series:
    """Tellers of a type that one teller of it leads to, directly or through other types only, by type.

    A value T says that quieting more than 1 - 1/T of this kind of talk alone would end every chain. ``inf`` says
    that the other types keep talk alive by themselves, so that no effort on this type alone ends it.

    Parameters
    ----------
    matrix : as in ``reproduction_number``.

    Returns
    -------
    Series ``type_reproduction_number`` by type.

    Reference: Roberts & Heesterbeek (2003), doi:10.1098/rspb.2003.2339.
    """
    means, labels = _mean_matrix(matrix)
    numbers = np.empty(len(labels))
    for own in range(len(labels)):
        rest = np.delete(np.arange(len(labels)), own)
        others = means[np.ix_(rest, rest)]
        if _spectral_radius(others) >= 1:
            numbers[own] = np.inf
            continue
        back = np.linalg.solve(np.eye(rest.size) - others, means[rest, own])
        numbers[own] = means[own, own] + means[own, rest] @ back
    return pd.Series(numbers, index=labels, name="type_reproduction_number")


def expected_tellers(matrix: pd.DataFrame) -> pd.DataFrame:
    """Expected number of tellers of each type in a whole chain that one person begins.

    Parameters
    ----------
    matrix : as in ``reproduction_number``; its reproduction number must be below 1.

    Returns
    -------
    DataFrame, rows the type of the first teller, columns the type of the tellers counted, the first one included.
    The sum of a row is the expected size of the chain.

    Raises ValueError where the expectation is infinite (reproduction number >= 1).
    """
    means, labels = _mean_matrix(matrix)
    radius = _spectral_radius(means)
    if radius >= 1:
        raise ValueError(
            f"the expected number of tellers is infinite: the reproduction number is {radius:.6g}, not < 1."
        )
    return pd.DataFrame(np.linalg.inv(np.eye(len(labels)) - means), index=labels, columns=labels)


def probability_extinct_by_type(matrix: pd.DataFrame, dispersion: float | Mapping[str, float] | pd.Series) -> pd.Series:
    """Probability that talk begun by one person dies out, by the type of that person.

    Parameters
    ----------
    matrix : as in ``reproduction_number``.
    dispersion : of the teller's type (one number for all, or one a type): the total number told is negative binomial
        with this size and spread over the types in proportion to the row of the matrix.

    Returns
    -------
    Series ``probability_extinct`` by type: exactly 1 for a type that leads to no type whose talk sustains itself.

    Reference: Harris (1963), The theory of branching processes; Newton's method from 0 rises to the smallest solution
    (Etessami & Yannakakis 2009, doi:10.1145/1462153.1462154).
    """
    means, labels = _mean_matrix(matrix)
    extinct = 1 - _survival_by_type(means, _dispersions(dispersion, labels))
    return pd.Series(extinct, index=labels, name="probability_extinct")


def chain_size_distribution_by_type(
    matrix: pd.DataFrame, dispersion: float | Mapping[str, float] | pd.Series, *, root: str, max_size: int
) -> pd.DataFrame:
    """Distribution of the number of people of all types who ever tell, begun by one person of type ``root``.

    Parameters
    ----------
    matrix, dispersion : as in ``probability_extinct_by_type``.
    root : type of the first teller.
    max_size : largest size listed, >= 1.

    Returns
    -------
    DataFrame, one row a size from 1 to ``max_size``
        ``chain_size`` (int), ``probability``, ``probability_larger`` (endless chains included). A value whose error
        could exceed a millionth of it is NaN, never a number made of noise; values below 1e-282 are 0.
        ``attrs``: ``relative_error`` (largest stated error among the values given) and, of the transform, ``radius``
        and ``points``.

    The generating function is solved on a circle just inside its singularity and transformed back. On that circle the
    terms fall slowly instead of exponentially, so the far tail keeps its digits; what wraps around is exp(-27) of a
    value. Terms are taken from the derivative, n P(size = n), which rounding disturbs less.

    Reference: Dwass (1969), doi:10.2307/3212112; Flajolet & Sedgewick (2009), doi:10.1017/CBO9780511801655, ch. IV.
    """
    means, labels = _mean_matrix(matrix)
    sizes = _dispersions(dispersion, labels)
    if root not in labels:
        raise ValueError(f"root {root!r} is not a type of the matrix; its types are {list(labels)}.")
    _check_max_size(max_size, 1)
    # Types that this root never leads to have no part in its chains.
    own = labels.get_loc(root)
    reached = np.flatnonzero(_reaches(means)[own])
    means, sizes, own = means[np.ix_(reached, reached)], sizes[reached], int(np.flatnonzero(reached == own)[0])
    size = np.arange(1, max_size + 1)
    if means[own].any():
        survival = float(_survival_by_type(means, sizes)[own])
        probability, larger, attrs = transform_back(means, sizes, own, survival, max_size)
    else:  # this root tells nobody
        probability, larger, attrs = (size == 1).astype(float), np.zeros(max_size), {"relative_error": 0.0}
    table = pd.DataFrame({"chain_size": size, "probability": probability, "probability_larger": larger})
    table.attrs = attrs
    return table


# --- one type -------------------------------------------------------------------------------------------------------


def _check_offspring(reproduction_number: float, dispersion: float, introductions: int) -> None:
    if not (0 <= reproduction_number < math.inf and dispersion > 0 and introductions >= 1):
        raise ValueError(
            "need a finite reproduction_number >= 0, dispersion > 0 (math.inf is Poisson) and introductions >= 1; "
            f"got {reproduction_number}, {dispersion}, {introductions}."
        )
    if introductions != int(introductions):
        raise ValueError(f"introductions counts people, so it is a whole number; got {introductions}.")


def _check_max_size(max_size: int, smallest: int) -> None:
    if not (max_size >= smallest and max_size == int(max_size)):
        raise ValueError(f"max_size must be a whole number >= {smallest}, the smallest chain; got {max_size}.")


def _log_extinct(reproduction_number: float, dispersion: float) -> float:
    """Log-probability that the talk of one teller dies out, to full relative precision near 0 as well."""
    R, k = reproduction_number, dispersion
    if R <= 1:
        return 0.0

    def extinct_next(s: float) -> float:
        return math.exp(-R * (1 - s)) if math.isinf(k) else math.exp(-k * math.log1p(R * (1 - s) / k))

    if extinct_next(0.5) < 0.5:  # the root is below a half; Newton rises to it from 0
        s, step = 0.0, 1.0
        while step > 1e-15 * s:
            value = extinct_next(s)
            step = (value - s) / (1 - value * R / (1 + R * (1 - s) / k))
            s += step
        return math.log(s) if s > 0 else -math.inf
    # With u = 1 - s the equation log(s) = log f(s) loses its linear terms, which nearly cancel when R is close to 1:
    # (R - 1) u = e(-u) + k e(R u / k), e(x) = x - log(1 + x). The right side is convex, so Newton falls from above.
    u, step = min(0.5, 2 * (R - 1)), 1.0
    while step > 1e-14 * u:
        spread = 0.0 if math.isinf(k) else k * float(excess_over_log1p(R * u / k))
        gap = float(excess_over_log1p(-u)) + spread - (R - 1) * u
        step = gap / (u / (1 - u) + R * (R * u / k) / (1 + R * u / k) - (R - 1))
        u -= step
    return math.log1p(-u)


def _chain_log_probability(
    size: FloatArray, reproduction_number: float, dispersion: float, introductions: int
) -> FloatArray:
    told = size - introductions
    return np.log(introductions / size) + retellings_log_probability(told, size, reproduction_number, dispersion)


def _sum_above(probability: FloatArray, beyond: float) -> FloatArray:
    """For each entry the sum of the later ones and of what lies beyond the last, the far tail added first."""
    return np.cumsum(np.concatenate([[beyond], probability[:0:-1]]))[::-1]


def _decay(reproduction_number: float, dispersion: float) -> float:
    """Rate at which the chain-size law falls off in the end: P(size = n) ~ n^(-3/2) exp(-rate n)."""
    # (1 + k) log(1 + (R - 1) / (1 + k)) - log R, written so that it keeps its digits when R is close to 1.
    more, wide = reproduction_number - 1, 1 + dispersion
    if math.isinf(wide):
        return float(excess_over_log1p(more)) if more > -0.5 else more - math.log(reproduction_number)
    if more < -0.5:
        return wide * math.log1p(more / wide) - math.log(reproduction_number)
    return float(excess_over_log1p(more) - wide * excess_over_log1p(more / wide))


def _probability_beyond(reproduction_number: float, dispersion: float, introductions: int, max_size: int) -> float:
    """P(size > max_size), a sum of positive terms: exact terms first, an integral for a tail that falls slowly."""
    endless = -math.expm1(introductions * _log_extinct(reproduction_number, dispersion))
    if reproduction_number == 0:
        return endless

    def probability(size: FloatArray) -> FloatArray:
        return np.exp(_chain_log_probability(size, reproduction_number, dispersion, introductions))

    rate = _decay(reproduction_number, dispersion)
    # Past this size the law only falls, and unless it falls fast, by less than a thousandth from one size to the next.
    past_peak = 50 * introductions
    smooth_from = max(max_size, 10_000, past_peak)
    block, first, finite = 1 << 15, max_size + 1, 0.0
    while first <= smooth_from or rate > 1e-3:
        terms = probability(np.arange(first, first + block, dtype=float))
        finite += float(terms.sum())
        first += block
        if first > past_peak and terms[-1] <= 1e-18 * finite * -math.expm1(-rate):
            return endless + finite
    # Sum = integral from half a step before + 1/24 of the first difference (Euler-Maclaurin); size = start / u^2.
    start = first - 0.5
    halves = 0.5 ** np.arange(1, 25)
    edges = np.concatenate([[0.0], halves[::-1], 1 - halves[1:], [1.0]])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    u = (edges[:-1, None] + np.diff(edges)[:, None] * (nodes + 1) / 2).ravel()
    weight = (np.diff(edges)[:, None] * weights / 2).ravel()
    integral = float(weight @ (2 * start / u**3 * probability(start / u**2)))
    before, after = probability(np.array([first - 1.0, float(first)]))
    return endless + finite + integral + float(after - before) / 24


# --- several types --------------------------------------------------------------------------------------------------


def _mean_matrix(matrix: pd.DataFrame) -> tuple[FloatArray, pd.Index]:
    if not isinstance(matrix, pd.DataFrame) or matrix.empty:
        raise ValueError(
            "the matrix is a DataFrame with at least one type: rows the teller's type, columns the type told."
        )
    rows, columns = matrix.index, matrix.columns
    if not (rows.is_unique and columns.is_unique and len(rows) == len(columns) and set(rows) == set(columns)):
        raise ValueError(
            "the matrix must be square with the same types in rows and columns; "
            f"rows {list(rows)}, columns {list(columns)}."
        )
    means = matrix.loc[:, rows].to_numpy(dtype=float)
    refused = ~((means >= 0) & np.isfinite(means))
    if refused.any():
        where = ", ".join(f"{rows[i]} to {rows[j]}" for i, j in np.argwhere(refused)[:5])
        raise ValueError(
            f"mean numbers told must be finite and >= 0; {refused.sum()} of {means.size} entries are not: {where}."
        )
    return means, rows


def _dispersions(dispersion: float | Mapping[str, float] | pd.Series, labels: pd.Index) -> FloatArray:
    if isinstance(dispersion, Mapping | pd.Series):
        given = pd.Series(dispersion, dtype=float)
        if not given.index.is_unique or set(given.index) != set(labels):
            raise ValueError(f"dispersion is given for {list(given.index)}; the matrix has the types {list(labels)}.")
        sizes = given.loc[labels].to_numpy()
    else:
        sizes = np.full(len(labels), float(dispersion))
    refused = ~(sizes > 0)
    if refused.any():
        raise ValueError(
            f"dispersion must be > 0 (math.inf is Poisson); {refused.sum()} of {sizes.size} are not: {sizes[refused]}."
        )
    return sizes


def _reaches(means: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether talk of the row's type can lead to the column's type, itself included."""
    reach = (means > 0) | np.eye(len(means), dtype=bool)
    for middle in range(len(means)):
        reach |= reach[:, [middle]] & reach[[middle], :]
    return reach


def _classes(means: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Types grouped so that within a group each leads to each."""
    count, group = connected_components(means > 0, directed=True, connection="strong")
    return [np.flatnonzero(group == number) for number in range(count)]


def _spectral_radius(means: FloatArray) -> float:
    # Class by class: there the largest eigenvalue is simple, so rounding cannot split it.
    return max((float(np.abs(np.linalg.eigvals(means[np.ix_(c, c)])).max()) for c in _classes(means)), default=0.0)


def _survival_by_type(means: FloatArray, sizes: FloatArray) -> FloatArray:
    """Probability that talk never ends, by type; 0 exactly where nothing sustains it."""
    lasting = np.zeros(len(means), dtype=bool)
    for members in _classes(means):
        if _spectral_radius(means[np.ix_(members, members)]) > 1:
            lasting[members] = True
    kept = np.flatnonzero(_reaches(means)[:, lasting].any(axis=1))
    survival = np.zeros(len(means))
    K, k = means[np.ix_(kept, kept)], sizes[kept]
    z = np.ones(kept.size)
    for _ in range(200):
        if not kept.size:
            break
        told = K @ z
        silent = np.exp(np.where(np.isinf(k), -told, -np.where(np.isinf(k), 1, k) * np.log1p(told / k)))
        gap = z - 1 + silent
        z_next = z - np.linalg.solve(np.eye(kept.size) - (silent / (1 + told / k))[:, None] * K, gap)
        change, z = np.abs(z_next - z).max(), z_next
        if change < 1e-15:
            break
    survival[kept] = z
    return survival
