"""Which number to measure first: how much of what is not known about an outcome comes from each assumption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxresearch.impact.complaint import Values

__all__ = ["morris_table", "range_table", "sobol_table"]

FloatArray = npt.NDArray[np.float64]
Model = Callable[[Values], Mapping[str, FloatArray]]

# A range whose ends differ by this factor is an order of magnitude: each factor in it is taken as equally likely.
_WIDE = 10.0
_LEVELS = 4  # of the grid that Morris steps on


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
        ``total_error`` (half-widths of bootstrap intervals). ``attrs["evaluations"]``.

    The ranges decide: an index says what is worth measuring given how little is known, not what matters in itself. The
    assumptions vary independently of each other. An outcome that does not vary has no indices, and is refused.
    References: Sobol (2001), doi:10.1016/S0378-4754(00)00270-6; Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018.
    """
    from SALib.analyze import sobol as analysis  # seconds of import that only this call needs
    from SALib.sample import sobol as sampling

    if base_samples < 2 or base_samples & (base_samples - 1):
        raise ValueError(f"base_samples must be a power of 2, such as 512; got {base_samples}.")
    problem = _problem(register)
    points = sampling.sample(problem, base_samples, calc_second_order=False, seed=_seed(rng))
    tables = []
    for name, outcome in _outcomes(model, outcomes, register, problem, points).items():
        found = analysis.analyze(problem, outcome, calc_second_order=False, conf_level=confidence, seed=_seed(rng))
        columns = {
            "first_order": found["S1"],
            "first_order_error": found["S1_conf"],
            "total": found["ST"],
            "total_error": found["ST_conf"],
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
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sampling

    if trajectories < 2:
        raise ValueError(f"trajectories must be at least 2; got {trajectories}.")
    problem = _problem(register)
    points = sampling.sample(problem, trajectories, num_levels=_LEVELS, seed=_seed(rng))
    # Effects for a move over the whole range, whatever its unit: steps are given as parts of it.
    unit = {**problem, "bounds": [[0.0, 1.0]] * problem["num_vars"]}
    low, high = np.array(problem["bounds"]).T
    steps = (points - low) / (high - low)
    tables = []
    for name, outcome in _outcomes(model, outcomes, register, problem, points).items():
        found = analysis.analyze(unit, steps, outcome, num_levels=_LEVELS, conf_level=confidence, seed=_seed(rng))
        columns = {
            "effect": np.asarray(found["mu_star"], dtype=float),
            "effect_error": np.asarray(found["mu_star_conf"], dtype=float),
            "mean_effect": np.asarray(found["mu"], dtype=float),
            "spread": np.asarray(found["sigma"], dtype=float),
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
    _seed(rng)
    low, high = np.array(problem["bounds"]).T
    drawn = _outcomes(model, outcomes, register, problem, low + (high - low) * rng.random((draws, low.size)))
    fixed = model({str(name): float(value) for name, value in zip(register["name"], register["value"], strict=True)})
    rows = []
    for name, outcome in drawn.items():
        ends = np.quantile(outcome, [(1 - level) / 2, 0.5, (1 + level) / 2])
        rows.append((name, float(fixed[name]), *map(float, ends)))
    return pd.DataFrame(rows, columns=["outcome", "value", "lower", "median", "upper"])


def _problem(register: pd.DataFrame) -> dict[str, Any]:
    """What varies and how far, as SALib takes it; wide ranges by their logarithm."""
    broken = ~((register["low"] <= register["high"]) & np.isfinite(register["high"]) & np.isfinite(register["low"]))
    if broken.any():
        raise ValueError(f"low must be <= high, both finite; not so for {register.loc[broken, 'name'].tolist()}.")
    varying = register[register["low"] < register["high"]]
    if varying.empty:
        raise ValueError("no assumption has a range to vary over: low equals high in every row.")
    wide = _wide(varying)
    ends = varying[["low", "high"]].to_numpy(dtype=float, copy=True)
    ends[wide] = np.log(ends[wide])
    return {"num_vars": len(varying), "names": varying["name"].tolist(), "bounds": ends.tolist(), "wide": wide}


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


def _seed(rng: np.random.Generator) -> int:
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"rng should be a numpy Generator, as from numpy.random.default_rng(7); got {type(rng).__name__}."
        )
    return int(rng.integers(2**31 - 1))
