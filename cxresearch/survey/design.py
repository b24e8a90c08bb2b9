"""A survey's sampling design, checked: weights, strata, clusters, population, raking, and the variance they give.

The arithmetic under ``survey``; its docstrings say what each column means.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Targets = Mapping[str, Mapping[Any, float] | pd.Series]


@dataclass(frozen=True)
class SamplingDesign:
    """A checked sampling design as arrays: per row, then per cluster, then per stratum."""

    weights: np.ndarray  # as used: raked if there are targets
    start: np.ndarray  # before raking
    margins: list[np.ndarray]  # level of each row, one array per raked column
    cluster: np.ndarray
    stratum: np.ndarray  # of the row
    stratum_of_cluster: np.ndarray
    population: np.ndarray | None  # of the stratum

    @functools.cached_property
    def _explained(self) -> np.ndarray:
        """Orthonormal columns of what the margins explain, each row times the root of its starting weight."""
        # One column per level; the columns of several margins are collinear, so directions without length are left out.
        levels = np.hstack([np.equal.outer(codes, np.arange(codes.max() + 1)) for codes in self.margins])
        columns = levels * np.sqrt(self.start)[:, None]
        left, lengths, _ = np.linalg.svd(columns, full_matrices=False)
        return left[:, lengths > lengths[0] * max(columns.shape) * np.finfo(float).eps]

    def variance(self, influence: np.ndarray) -> float:
        """Variance of a sum of weights times ``influence`` (zero outside the domain)."""
        if self.margins:
            root, basis = np.sqrt(self.start), self._explained
            influence = influence - basis @ (basis.T @ (influence * root)) / root
        totals = np.bincount(self.cluster, self.weights * influence)
        clusters = np.bincount(self.stratum_of_cluster)
        spread = totals - (np.bincount(self.stratum_of_cluster, totals) / clusters)[self.stratum_of_cluster]
        left = np.ones(len(clusters)) if self.population is None else 1 - clusters / self.population
        # A stratum with one cluster is here only if it was sampled whole (left == 0); its spread is 0 as well.
        scale = left * clusters / np.maximum(clusters - 1, 1)
        return float(np.sum(scale * np.bincount(self.stratum_of_cluster, spread**2)))


def sampling_design(
    responses: pd.DataFrame,
    weight: str | None,
    strata: str | None,
    cluster: str | None,
    population: str | None,
    targets: Targets | None,
) -> SamplingDesign:
    """Check the design columns and put them into arrays; the arguments are those of ``survey.weighted_share``.

    Raises ValueError, with counts, for a missing value, a cluster in two strata, a stratum with a single cluster
    (unless it was sampled whole), a population that varies in a stratum or is smaller than the sample, and bad weights.
    """
    rows = len(responses)
    if rows == 0:
        raise ValueError("there are no respondents: the table is empty.")
    require_complete(responses, [column for column in (strata, cluster, population) if column is not None])
    stratum, names = pd.factorize(responses[strata]) if strata else (np.zeros(rows, int), ["the whole sample"])
    in_cluster = pd.factorize(responses[cluster])[0] if cluster else np.arange(rows)
    pairs = pd.DataFrame({"cluster": in_cluster, "stratum": stratum}).drop_duplicates().sort_values("cluster")
    torn = int(pairs["cluster"].duplicated().sum())
    if torn:
        raise ValueError(
            f"{torn} labels in {cluster!r} occur in more than one stratum of {strata!r}. A cluster lies in one "
            "stratum: where labels are reused, join stratum and label into a new column."
        )
    clusters = np.bincount(pairs["stratum"])
    size = None if population is None else _population(responses, population, stratum, clusters, names)
    # A stratum sampled whole has no sampling variance, so one cluster is enough there.
    lonely = (clusters == 1) if size is None else (clusters == 1) & (size > 1)
    if lonely.any():
        raise ValueError(
            f"{lonely.sum()} of {len(clusters)} strata have a single cluster (or row), so their variance is unknown: "
            f"{[str(names[i]) for i in np.flatnonzero(lonely)[:5]]}. Join each with a similar stratum."
        )
    start = (size / clusters)[stratum] if weight is None and size is not None else starting_weights(responses, weight)
    used, margins = (start, []) if targets is None else raked_weights(responses, targets, start)
    return SamplingDesign(used, start, margins, in_cluster, stratum, pairs["stratum"].to_numpy(), size)


def _population(
    responses: pd.DataFrame, population: str, stratum: np.ndarray, clusters: np.ndarray, names: Any
) -> np.ndarray:
    sizes = numbers(responses, population)
    per_stratum = pd.Series(sizes).groupby(stratum)
    varies = (per_stratum.min() != per_stratum.max()).to_numpy()
    if varies.any():
        raise ValueError(
            f"{population!r} should be one number per stratum; it varies in {varies.sum()} of {len(varies)} strata, "
            f"such as {names[int(np.flatnonzero(varies)[0])]!s}."
        )
    size = per_stratum.first().to_numpy()
    small = ~(size >= clusters)
    if small.any():
        first = int(np.flatnonzero(small)[0])
        raise ValueError(
            f"{population!r} is smaller than the sample in {small.sum()} of {len(size)} strata: {names[first]!s} has "
            f"{size[first]:g} in the population and {clusters[first]} in the sample. "
            "Give the number of units, or of clusters where there are clusters, not a fraction."
        )
    return size


def starting_weights(responses: pd.DataFrame, weight: str | None) -> np.ndarray:
    """Weights as given, or all 1; ValueError, with counts, unless all are finite and > 0."""
    if weight is None:
        return np.ones(len(responses))
    weights = numbers(responses, weight)
    missing, wrong = np.isnan(weights), ~(weights > 0) | np.isinf(weights)
    if wrong.any():
        raise ValueError(
            f"weights must be finite and > 0; in {weight!r} {missing.sum()} of {len(weights)} are missing and "
            f"{(wrong & ~missing).sum()} are zero, negative or infinite. "
            "Drop respondents that the survey gave no weight, or choose the weight that covers them."
        )
    return weights


def raked_weights(responses: pd.DataFrame, targets: Targets, start: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Weights that meet the targets of ``survey.rake``, and the level of each row in each raked column."""
    margins, goals = [], []
    if not targets:
        raise ValueError("raking needs at least one column with targets.")
    require_complete(responses, list(targets))
    for column in targets:
        target = dict(targets[column])
        codes, levels = pd.factorize(responses[column])
        counts = dict(zip(levels, np.bincount(codes).tolist(), strict=True))
        unseen = [level for level in target if level not in counts]
        if unseen:
            raise ValueError(
                f"targets for {column!r} name levels that no respondent has: {unseen}; found are {list(counts)}. "
                "Join such a level with another, in the data and in the targets."
            )
        without = {level: count for level, count in counts.items() if level not in target}
        if without:
            raise ValueError(
                f"no target for levels of {column!r} (level: respondents): {without}. "
                "Add their targets, or leave these respondents out."
            )
        goal = np.array([float(target[level]) for level in levels])
        if not (np.isfinite(goal) & (goal > 0)).all():
            raise ValueError(f"targets must be > 0; those for {column!r} are {target}.")
        margins.append(codes)
        goals.append(goal)
    sums = {column: float(goal.sum()) for column, goal in zip(targets, goals, strict=True)}
    total = next(iter(sums.values()))
    if any(abs(other / total - 1) > 1e-6 for other in sums.values()):
        raise ValueError(f"all targets must have the same sum; theirs are {sums}. Use one population for all columns.")
    shares = abs(total - 1) <= 1e-6
    if not shares and total < len(responses):
        raise ValueError(
            f"targets sum to {total:g}: neither shares (1) nor totals of a population that {len(responses)} "
            "respondents can come from. Divide per cent by 100."
        )
    whole = float(start.sum()) if shares else total
    # Targets within 1e-6 of the same sum are scaled to it, or the fitting could never settle.
    return _fitted(start, margins, [goal * whole / goal.sum() for goal in goals]), margins


def _fitted(start: np.ndarray, margins: list[np.ndarray], goals: list[np.ndarray]) -> np.ndarray:
    weights, off = start, math.inf
    for _ in range(1000):
        off = 0.0
        for codes, goal in zip(margins, goals, strict=True):
            factor = goal / np.bincount(codes, weights)
            off = max(off, float(np.abs(factor - 1).max()))
            weights = weights * factor[codes]
        if off <= 1e-12:
            return weights
    raise ValueError(
        f"raking did not settle: after 1000 rounds a margin is still off by {off:.1e} of its target. The targets "
        "contradict each other in the combinations that respondents have; join rare levels or drop a column."
    )


def require_columns(table: pd.DataFrame, columns: Sequence[str], *, table_name: str = "responses") -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{table_name} has no column {missing}; it has {[str(name) for name in table.columns][:30]}.")


def require_complete(responses: pd.DataFrame, columns: Sequence[str]) -> None:
    require_columns(responses, columns)
    gaps = {column: int(responses[column].isna().sum()) for column in columns if responses[column].isna().any()}
    if gaps:
        raise ValueError(
            f"missing values (column: rows of {len(responses)}): {gaps}. "
            "Give them a level of their own, fill them, or leave these respondents out."
        )


def numbers(responses: pd.DataFrame, column: str) -> np.ndarray:
    require_columns(responses, [column])
    entries = responses[column]
    if not (pd.api.types.is_numeric_dtype(entries) or pd.api.types.is_bool_dtype(entries)):
        raise ValueError(
            f"{column!r} should hold numbers; its type is {entries.dtype}, it begins {entries.iloc[:3].tolist()}. "
            "For a 0/1 answer map the texts first, missing ones staying missing: .map({'yes': 1, 'no': 0})."
        )
    return entries.to_numpy(dtype=float, na_value=np.nan)
