"""How many people one teller tells: the law of a sum of retellings, and its two numbers estimated from data."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln
from scipy.stats import chi2

FloatArray = npt.NDArray[np.float64]
LogLikelihood = Callable[
    [float, float | FloatArray], FloatArray
]  # of the mean and one or (as a column) many dispersions

# Search range of the dispersion. Below it practically nobody tells anybody; above it lies Poisson, tried by itself.
_LOG_DISPERSION_RANGE = (math.log(1e-8), math.log(1e8))
_LARGEST_REPRODUCTION_NUMBER = 1e6


def excess_over_log1p(u: npt.ArrayLike) -> FloatArray:
    """``u - log(1 + u)`` for u > -1 to full relative precision, also where the two nearly cancel."""
    u = np.asarray(u, dtype=float)
    ratio = u / (2 + u)
    square = np.where(np.abs(u) < 0.3, ratio * ratio, 0.0)
    series = np.zeros_like(u)
    for order in range(12, 0, -1):  # log(1+u) = 2 artanh(u / (2+u)); the next term is below 1e-18 of the first
        series = series * square + 1 / (2 * order + 1)
    return np.where(np.abs(u) < 0.3, u * ratio - 2 * ratio * square * series, u - np.log1p(u))


def _deviance(count: FloatArray, mean: FloatArray, difference: FloatArray) -> FloatArray:
    """count log(count / mean) + mean - count, the difference count - mean known better than by subtraction."""
    near = np.abs(difference) < 0.3 * count
    close = count * excess_over_log1p(np.where(near, -difference / count, 0.0))
    return np.where(near, close, count * (np.log(count) - np.log(mean)) - difference)


def _stirling_remainder(x: FloatArray) -> FloatArray:
    """Log-gamma of x > 0 less Stirling's formula for it (tends to 1 / 12x)."""
    large = np.maximum(x, 10.0)
    square = (1 / large) ** 2
    series = 1 / 1188 - square * (691 / 360360 - square / 156)
    remainder = np.array(
        (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * series)))) / large
    )
    small = x < 10
    if small.any():
        y = x[small]
        remainder[small] = gammaln(y) - ((y - 0.5) * np.log(y) - y + 0.5 * math.log(2 * math.pi))
    return remainder


def retellings_log_probability(
    retellings: npt.ArrayLike, tellers: npt.ArrayLike, reproduction_number: float, dispersion: float | FloatArray
) -> FloatArray:
    """Log-probability that ``tellers`` people together tell ``retellings`` others.

    Each teller tells a negative-binomial number with mean ``reproduction_number`` and size ``dispersion``
    (variance R + R^2 / k; ``math.inf`` is Poisson, 1 geometric), independently of the others.

    Parameters
    ----------
    retellings, tellers : counts (>= 0 and > 0), arrays of one shape or numbers; fractions interpolate smoothly.
    reproduction_number, dispersion : as above; finite dispersions may be an array that broadcasts with the counts.

    Returns
    -------
    Array of log-probabilities. The error is a few units in the last place of the result, in the far tail too: the
    large logarithms of the gamma functions are never formed, so they cannot cancel (Loader's form of the densities).

    Reference: Loader (2000), Fast and accurate computation of binomial probabilities.
    """
    told, people = np.broadcast_arrays(np.asarray(retellings, dtype=float), np.asarray(tellers, dtype=float))
    if reproduction_number == 0:
        return np.where(told == 0, 0.0, -np.inf)
    positive = np.where(told > 0, told, 1.0)
    more = 1 + reproduction_number / dispersion
    # What is told less its expectation; shrunk by the dispersion it is the distance from both of Loader's means.
    surplus = (positive - people * reproduction_number) / more
    mean = (people + positive / dispersion) * reproduction_number / more
    cost = _deviance(positive, mean, surplus) + _stirling_remainder(positive)
    if np.ndim(dispersion) == 0 and np.isinf(dispersion):
        return np.where(told > 0, -cost - 0.5 * np.log(2 * math.pi * positive), -people * reproduction_number)
    size = people * dispersion
    cost = cost + _deviance(size, (size + positive) / more, -surplus)
    both = size + positive
    log_probability = (
        _stirling_remainder(both)
        - _stirling_remainder(size)
        - cost
        + 0.5 * np.log(size / both / (2 * math.pi * positive))
    )
    return np.where(told > 0, log_probability, -size * np.log1p(reproduction_number / dispersion))


def fit_offspring(
    *,
    chain_sizes: npt.ArrayLike | None = None,
    retellings: npt.ArrayLike | None = None,
    introductions: npt.ArrayLike = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the mean and the dispersion of the number of people one teller tells, by maximum likelihood.

    Give one of the two kinds of data.

    Parameters
    ----------
    chain_sizes : whole numbers >= ``introductions``: tellers in each finished chain, its first tellers included.
        A chain of n tellers is n draws that add up to n - introductions retellings.
    retellings : whole numbers >= 0: how many each teller told directly. Tellers who told nobody must be in it.
    introductions : first tellers of each chain, one number or one per chain; only with ``chain_sizes``.
    level : coverage of the intervals.

    Returns
    -------
    DataFrame, two rows
        ``parameter`` (reproduction_number, dispersion), ``estimate``, ``lower``, ``upper``, ``note``.
        Dispersion ``inf`` is Poisson. ``attrs``: ``data``, ``observations``, ``log_likelihood``, ``level``,
        ``not_identified`` (text).

    Intervals are profile-likelihood intervals by the chi-square law with one degree of freedom; where Poisson is the
    edge of the model they are wider than they need be. ``note`` says where the data leave a parameter open.

    Only finished chains fit: one that still grows, or never ends, is not in the data, so the estimate from sizes is
    1 - introductions / mean size, below 1 whatever the truth. From sizes nothing can be learnt beyond the two
    numbers: not who told whom, not the kind of talk, not the timing.

    Reference: Blumberg & Lloyd-Smith (2013), doi:10.1371/journal.pcbi.1002993.
    """
    if (chain_sizes is None) == (retellings is None):
        raise ValueError("fit_offspring needs either chain_sizes or retellings, one of the two.")
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, such as 0.95; got {level}.")
    if chain_sizes is not None:
        sizes = _whole_numbers(chain_sizes, "chain_sizes", 1)
        first = _whole_numbers(introductions, "introductions", 1)
        if first.size not in (1, sizes.size):
            raise ValueError(
                f"introductions has {first.size} values for {sizes.size} chains; give one, or one a chain."
            )
        if (sizes < first).any():
            raise ValueError(
                f"a chain holds its introductions; {(sizes < first).sum()} of {sizes.size} chain_sizes are smaller."
            )
        told, tellers = sizes - first, sizes
    else:
        assert retellings is not None
        if np.ndim(introductions) or introductions != 1:
            raise ValueError("introductions belongs to chain_sizes; a count of direct retellings has none.")
        told = _whole_numbers(retellings, "retellings", 0)
        tellers = np.ones_like(told)
    pairs, counts = np.unique(np.stack([told, tellers]), axis=1, return_counts=True)

    def log_likelihood(reproduction_number: float, dispersion: float | FloatArray) -> FloatArray:
        return retellings_log_probability(pairs[0], pairs[1], reproduction_number, dispersion) @ counts

    drop = 0.5 * chi2.ppf(level, 1)
    mean = told.sum() / tellers.sum()  # the likelihood's maximum in R whatever the dispersion
    if mean == 0:
        fit = _nobody_retold(log_likelihood, drop)
        log_likelihood_there = 0.0
    else:
        fit, log_likelihood_there = _fit_both(log_likelihood, mean, drop)
    fit.attrs = {
        "data": "chain sizes" if chain_sizes is not None else "direct retellings",
        "observations": int(told.size),
        "log_likelihood": log_likelihood_there,
        "level": level,
        "not_identified": (
            "who told whom, the kind of talk, the timing, and chains that never ended"
            if chain_sizes is not None
            else "the kind of talk and the timing"
        ),
    }
    return fit


def load_cascades(path: str | Path = "") -> pd.DataFrame:
    """Counts of one's own that ``fit_offspring`` takes.

    Parameters
    ----------
    path : CSV or Parquet with one of these columns: ``chain_size`` (posts of a finished cascade, the first included; one
        row a cascade), ``cascade`` (which cascade a post belongs to; one row a post), or ``retellings`` (how often a
        post was passed on directly, posts never passed on included; one row a post). Empty: no counts.

    Returns
    -------
    DataFrame with the one column ``chain_size`` or ``retellings``; no rows where no file is named.
    """
    if not str(path):
        return pd.DataFrame({"chain_size": pd.Series(dtype=int)})
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"cascades {str(path)!r} are not there; leave it empty where nothing was counted.")
    table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    for column in ("chain_size", "retellings"):
        if column in table.columns:
            return table[[column]]
    if "cascade" not in table.columns:
        raise ValueError(
            f"{file.name} has none of the columns chain_size, cascade, retellings; there are {list(table.columns)}."
        )
    return table.groupby("cascade", sort=False).size().to_frame("chain_size").reset_index(drop=True)


def _whole_numbers(values: npt.ArrayLike, name: str, smallest: int) -> npt.NDArray[np.int64]:
    array = np.atleast_1d(pd.to_numeric(np.asarray(values).ravel(), errors="raise")).astype(float)
    if array.size == 0:
        raise ValueError(f"{name} is empty; fit_offspring needs at least one value.")
    refused = ~((array >= smallest) & np.isfinite(array) & (array == np.floor(array)))
    if refused.any():
        raise ValueError(f"{name} must be whole numbers >= {smallest}; {refused.sum()} of {array.size} values are not.")
    return array.astype(np.int64)


def _fit_both(log_likelihood: LogLikelihood, mean: float, drop: float) -> tuple[pd.DataFrame, float]:
    dispersion, highest = _best_dispersion(log_likelihood, mean)
    threshold = highest - drop

    def profile_of_mean(log_mean: float) -> float:
        return _best_dispersion(log_likelihood, math.exp(log_mean))[1] - threshold

    def profile_of_dispersion(log_dispersion: float) -> float:
        return float(log_likelihood(mean, math.exp(log_dispersion))) - threshold

    low, high = _LOG_DISPERSION_RANGE
    inside = min(max(math.log(dispersion), low), high) if math.isfinite(dispersion) else high
    lower_k = _crossing(profile_of_dispersion, inside, low, 0.0)
    poisson_possible = bool(log_likelihood(mean, math.inf) >= threshold)
    upper_k = math.inf if poisson_possible else _crossing(profile_of_dispersion, inside, high, math.inf)
    lower_r = _crossing(profile_of_mean, math.log(mean), math.log(mean) - 40, 0.0)
    upper_r = _crossing(profile_of_mean, math.log(mean), math.log(_LARGEST_REPRODUCTION_NUMBER), math.inf)

    note_k = ""
    if lower_k == 0 and poisson_possible:
        note_k = "these data do not identify the dispersion: every value is within the interval"
    elif math.isinf(dispersion):
        note_k = "the estimate is at the edge of the model: Poisson, no more spread than chance"
    elif poisson_possible:
        note_k = "Poisson cannot be excluded: the interval has no upper end"
    note_r = "these data set no upper limit" if math.isinf(upper_r) else ""
    return _two_rows((mean, lower_r, upper_r, note_r), (dispersion, lower_k, upper_k, note_k)), highest


def _nobody_retold(log_likelihood: LogLikelihood, drop: float) -> pd.DataFrame:
    # A rare teller who tells very many would explain silence as well, so no R is excluded once k is free.
    limit = drop / -float(log_likelihood(1.0, math.inf))
    note = f"nobody retold: no upper limit unless the dispersion is known (with Poisson retelling it is {limit:.3g})"
    return _two_rows(
        (0.0, 0.0, math.inf, note),
        (math.nan, 0.0, math.inf, "nobody retold: these data do not identify the dispersion"),
    )


def _two_rows(mean: tuple[float, float, float, str], dispersion: tuple[float, float, float, str]) -> pd.DataFrame:
    rows = [("reproduction_number", *mean), ("dispersion", *dispersion)]
    return pd.DataFrame(rows, columns=["parameter", "estimate", "lower", "upper", "note"])


def _best_dispersion(log_likelihood: LogLikelihood, mean: float) -> tuple[float, float]:
    """The dispersion of the highest likelihood at this mean, and that log-likelihood; Poisson is tried as well."""
    grid = np.linspace(*_LOG_DISPERSION_RANGE, 37)
    top = int(np.argmax(log_likelihood(mean, np.exp(grid)[:, None])))
    bounds = (grid[max(top - 1, 0)], grid[min(top + 1, grid.size - 1)])
    found = minimize_scalar(
        lambda point: -float(log_likelihood(mean, math.exp(point))),
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-6},
    )
    poisson = float(log_likelihood(mean, math.inf))
    # Within rounding of Poisson the likelihood is flat in k: there the answer is Poisson, not a large number.
    if poisson >= -found.fun - 1e-12 * max(1.0, abs(poisson)):
        return math.inf, poisson
    return math.exp(found.x), -float(found.fun)


def _crossing(height: Callable[[float], float], inside: float, outside: float, never: float) -> float:
    """Where the profile falls below its threshold between a point inside and one outside, both logarithms."""
    step = math.copysign(0.5, outside - inside)
    near, far = inside, inside
    while height(far) >= 0:
        if far == outside:
            return never
        near, step = far, 2 * step
        far = far + step if abs(far + step - inside) < abs(outside - inside) else outside
    return math.exp(brentq(height, near, far, xtol=1e-9, rtol=1e-12))
