"""Which number to measure first: how much of what is not known about an outcome comes from each assumption."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap, norm, qmc, sobol_indices

from cxresearch.impact.complaint import Values

__all__ = ["morris_table", "range_table", "sobol_table"]

FloatArray = npt.NDArray[np.float64]
Model = Callable[[Values], Mapping[str, FloatArray]]

# A range whose ends differ by this factor is an order of magnitude: each factor in it is taken as equally likely.
_WIDE = 10.0
_LEVELS = 4  # of the grid that Morris steps on
_RESAMPLES = 300  # of the bootstrap, enough for two digits of a standard error


def sobol_table(
    register: pd.DataFrame,
    model: Model,
    *,
    outcomes: Sequence[str],
    base_samples: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Split the variance of outcomes over the assumptions (Sobol indices), all varied at once over their ranges.

    Parameters
    ----------
    register : rows of ``assumptions.load_assumptions``. An assumption varies evenly from ``low`` to ``high``, or evenly
        in its logarithm where ``high`` is 10 times ``low`` or more; one with ``low`` = ``high`` stays.
    model : takes the values by name, as arrays of one shape, and returns outcomes by name as arrays of that shape, as
        ``functools.partial(impact.impact, reply_s=7200.0, answered_share=1.0)`` does.
    outcomes : those to explain.
    base_samples : a power of 2; the model is evaluated for this many times the varying assumptions + 2.
    rng : the same state gives the same table.

    Returns
    -------
    DataFrame, one row an outcome and varying assumption, largest total first
        ``outcome``, ``name``, ``label``, ``first_order`` (share of the variance that would go if this number were
        known, the others not), ``first_order_error``, ``total`` (share that would be left if all others were known),
        ``total_error`` (half-widths of intervals: the standard error by bootstrap, times the normal quantile).
        ``attrs["evaluations"]``.

    The ranges decide: an index says what is worth measuring given how little is known, not what matters in itself. The
    assumptions vary independently of each other. An outcome that does not vary has no indices, and is refused.
    References: Sobol (2001), doi:10.1016/S0378-4754(00)00270-6; Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018.
    """
    if base_samples < 2 or base_samples & (base_samples - 1):
        raise ValueError(f"base_samples must be a power of 2, such as 512; got {base_samples}.")
    rng = _generator(rng)
    problem = _problem(register)
    count = len(problem["names"])
    if count < 2:
        raise ValueError(f"only {problem['names'][0]} has a range, so everything comes from it: nothing to split.")
    one, other = _stretched(problem, qmc.Sobol(2 * count, rng=rng).random(base_samples).reshape(-1, 2, count)).swapaxes(
        0, 1
    )
    # A page a number: the first sample with this number alone taken from the other.
    mixed = np.repeat(one[None], count, axis=0)
    mixed[np.arange(count), :, np.arange(count)] = other.T
    points = np.concatenate([one, other, *mixed])
    found = np.array(list(_outcomes(model, outcomes, register, problem, points).values()))
    pages = np.moveaxis(found.reshape(len(outcomes), count + 2, base_samples), 1, 0)

    def indices(rows: npt.NDArray[np.intp]) -> FloatArray:
        chosen = pages[..., rows]
        split = sobol_indices(func={"f_A": chosen[0], "f_B": chosen[1], "f_AB": chosen[2:]}, n=len(rows))
        return np.array([split.first_order, split.total_order]).reshape(2, len(outcomes), count)

    everything = np.arange(base_samples)
    first, total = indices(everything)
    drawn = bootstrap(
        [everything], indices, vectorized=False, method="percentile", n_resamples=_RESAMPLES, rng=rng
    ).standard_error  # fmt: skip
    half = norm.ppf((1 + confidence) / 2)
    tables = []
    for place, name in enumerate(outcomes):
        columns = {
            "first_order": first[place],
            "first_order_error": half * drawn[0, place],
            "total": total[place],
            "total_error": half * drawn[1, place],
        }
        tables.append(_ranked(register, problem, name, columns, by="total"))
    return _together(tables, points)


def morris_table(
    register: pd.DataFrame,
    model: Model,
    *,
    outcomes: Sequence[str],
    trajectories: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Rank assumptions by the mean size of their effect when one at a time moves across its range (Morris).

    Parameters
    ----------
    register, model, outcomes, rng : as in ``sobol_table``.
    trajectories : walks through the ranges, >= 2; each costs one evaluation more than there are varying assumptions.

    Returns
    -------
    DataFrame, one row an outcome and varying assumption, largest effect first
        ``outcome``, ``name``, ``label``, ``effect`` (mean absolute change of the outcome, in its unit, for a move over
        the whole range), ``effect_error``, ``mean_effect`` (with its sign), ``spread`` (standard deviation: not the
        same everywhere). ``attrs["evaluations"]``.

    Reference: Morris (1991), doi:10.1080/00401706.1991.10484804; Campolongo et al. (2007),
    doi:10.1016/j.envsoft.2006.10.004.
    """
    if trajectories < 2:
        raise ValueError(f"trajectories must be at least 2; got {trajectories}.")
    rng = _generator(rng)
    problem = _problem(register)
    shape = trajectories, len(problem["names"])
    # Each walk begins on a grid and moves one number after another by a step that stays inside: up from the lower half.
    start = rng.integers(_LEVELS, size=shape) / (_LEVELS - 1)
    step = np.where(start < 0.5, 1, -1) * _LEVELS / (2 * (_LEVELS - 1))
    turn = rng.permuted(np.tile(np.arange(shape[1]), (trajectories, 1)), axis=1)
    moved = np.arange(shape[1] + 1)[:, None] > turn[:, None, :]
    points = _stretched(problem, start[:, None, :] + step[:, None, :] * moved).reshape(-1, shape[1])
    half = norm.ppf((1 + confidence) / 2)
    tables = []
    for name, outcome in _outcomes(model, outcomes, register, problem, points).items():
        change = np.diff(outcome.reshape(trajectories, -1), axis=1)
        effects = np.take_along_axis(change, turn, axis=1) / step
        columns = {
            "effect": np.abs(effects).mean(axis=0),
            "effect_error": half * np.abs(effects).std(axis=0, ddof=1) / math.sqrt(trajectories),
            "mean_effect": effects.mean(axis=0),
            "spread": effects.std(axis=0, ddof=1),
        }
        tables.append(_ranked(register, problem, name, columns, by="effect"))
    return _together(tables, points)


def range_table(
    register: pd.DataFrame,
    model: Model,
    *,
    outcomes: Sequence[str],
    draws: int,
    rng: np.random.Generator,
    level: float = 0.9,
) -> pd.DataFrame:
    """How far outcomes can be from their value at the assumed numbers, all assumptions drawn from their ranges.

    Parameters
    ----------
    register, model, outcomes, rng : as in ``sobol_table``. draws : sets of assumptions, >= 100.
    level : share of the draws between ``lower`` and ``upper``.

    Returns
    -------
    DataFrame, one row an outcome: ``outcome``, ``value`` (at the register's values), ``lower``, ``median``, ``upper``.
    The range is what the assumptions leave open. It is no interval of estimation: no data narrow it.
    """
    if draws < 100 or not 0 < level < 1:
        raise ValueError(f"need draws >= 100 and level between 0 and 1; got {draws}, {level}.")
    problem = _problem(register)
    share = _generator(rng).random((draws, len(problem["names"])))
    drawn = _outcomes(model, outcomes, register, problem, _stretched(problem, share))
    fixed = model({str(name): float(value) for name, value in zip(register["name"], register["value"], strict=True)})
    rows = []
    for name, outcome in drawn.items():
        ends = np.quantile(outcome, [(1 - level) / 2, 0.5, (1 + level) / 2])
        rows.append((name, float(fixed[name]), *map(float, ends)))
    return pd.DataFrame(rows, columns=["outcome", "value", "lower", "median", "upper"])


def _problem(register: pd.DataFrame) -> dict[str, Any]:
    """What varies and how far: ``names``, ``ends`` (low, high), and which are ``wide`` and vary by their logarithm."""
    broken = ~((register["low"] <= register["high"]) & np.isfinite(register["high"]) & np.isfinite(register["low"]))
    if broken.any():
        raise ValueError(f"low must be <= high, both finite; not so for {register.loc[broken, 'name'].tolist()}.")
    varying = register[register["low"] < register["high"]]
    if varying.empty:
        raise ValueError("no assumption has a range to vary over: low equals high in every row.")
    wide = _wide(varying)
    ends = varying[["low", "high"]].to_numpy(dtype=float, copy=True)
    ends[wide] = np.log(ends[wide])
    return {"names": varying["name"].tolist(), "ends": ends, "wide": wide}


def _stretched(problem: dict[str, Any], share: FloatArray) -> FloatArray:
    """Shares of the ranges, 0 to 1 with the assumptions in the last axis, as points in them."""
    low, high = problem["ends"].T
    return low + (high - low) * share


def _wide(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return ((rows["low"] > 0) & (rows["high"] >= _WIDE * rows["low"])).to_numpy()


def _values(register: pd.DataFrame, problem: dict[str, Any], points: FloatArray) -> dict[str, FloatArray]:
    values = {
        str(name): np.full(len(points), float(value))
        for name, value in zip(register["name"], register["value"], strict=True)
    }
    for name, column, wide in zip(problem["names"], points.T, problem["wide"], strict=True):
        values[name] = np.exp(column) if wide else column
    return values


def _outcomes(
    model: Model, names: Sequence[str], register: pd.DataFrame, problem: dict[str, Any], points: FloatArray
) -> dict[str, FloatArray]:
    if isinstance(names, str) or not names:
        raise ValueError(f"outcomes is a list of at least one name; got {names!r}.")
    found = model(_values(register, problem, points))
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"the model has no outcome {missing}; it has {list(found)}.")
    outcomes = {name: np.asarray(found[name], dtype=float) for name in names}
    for name, outcome in outcomes.items():
        if outcome.shape != (len(points),):
            raise ValueError(f"{name}: one number is needed for each of {len(points)} sets; got shape {outcome.shape}.")
        if not np.isfinite(outcome).all():
            raise ValueError(f"{name} is not finite in {(~np.isfinite(outcome)).sum()} of {outcome.size} sets.")
        if not np.ptp(outcome) > 1e-12 * np.abs(outcome).max():
            raise ValueError(f"{name} does not vary over these ranges, so nothing can be attributed.")
    return outcomes


def _ranked(
    register: pd.DataFrame, problem: dict[str, Any], outcome: str, columns: dict[str, Any], *, by: str
) -> pd.DataFrame:
    labels = register.set_index("name")["label"].loc[problem["names"]].to_numpy()
    table = pd.DataFrame({"outcome": outcome, "name": problem["names"], "label": labels, **columns})
    return table.sort_values(by, ascending=False, kind="stable")


def _together(tables: list[pd.DataFrame], points: FloatArray) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    table.attrs = {"evaluations": len(points)}
    return table


def _generator(rng: np.random.Generator) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"rng should be a numpy Generator, as from numpy.random.default_rng(7); got {type(rng).__name__}."
        )
    return rng
