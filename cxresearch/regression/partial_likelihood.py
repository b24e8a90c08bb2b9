"""Partial likelihood on risk sets of counts: sums over who is at risk, and Newton's method on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from cxresearch.regression.design_matrix import named, refuse_dependent
from cxresearch.regression.efron import TieSums, efron_sums

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]

DENSE_BYTES = 64 * 2**20  # up to here a full array of durations by patterns is the faster one
LIMIT_BYTES = 4 * 2**30  # beyond this a fit is refused
MAX_ITERATIONS = 30  # a likelihood that has a maximum needs fewer than ten; one that has none gains about 1 a step


@dataclass(frozen=True)
class RiskSets:
    """Contacts at risk and events, by duration (rows) and pattern of covariates (columns).

    ``at_risk`` is either the full array of contacts at risk, or (``summed`` false) a sparse array of those who leave
    minus those who enter, to be summed from the longest duration down within each stratum.
    """

    at_risk: Floats | sparse.csc_array
    events: Floats | sparse.csc_array
    starts: Integers  # the first row of each stratum
    summed: bool
    tied: Floats  # events of each duration
    failing: Floats  # events of each pattern

    def waiting(self, values: Floats) -> Floats:
        """(patterns, k) -> (durations, k): sums over the contacts at risk."""
        totals = self.at_risk @ values
        if not self.summed:
            for start, stop in self._strata(len(totals)):
                totals[start:stop] = totals[start:stop][::-1].cumsum(0)[::-1]
        return totals

    def waited(self, values: Floats) -> Floats:
        """(durations,) -> (patterns,): each contact's sum over the durations at which it is at risk."""
        if not self.summed:
            values = values.copy()
            for start, stop in self._strata(len(values)):
                values[start:stop] = values[start:stop].cumsum()
        return values @ self.at_risk

    def _strata(self, rows: int) -> zip[tuple[int, int]]:
        return zip(self.starts, [*self.starts[1:], rows], strict=True)


@dataclass(frozen=True)
class EventTimes:
    """The durations at which events happen, stratum by stratum, and where each row of the table stands among them."""

    stratum: Integers
    duration_s: Floats
    leaves: Integers  # of each row: the last event time at which it is at risk, -1 for none
    enters: Integers  # the last event time at or before its entry, -1 for none
    tied: NDArray[np.bool_]  # its duration is an event time


def event_times(stratum: Integers, duration: Floats, entry: Floats | None, events: Floats) -> EventTimes:
    """Number the event times and place every row."""
    tick, times = pd.factorize(duration, sort=True)
    width = len(times) + 1  # one place before the first duration, for entries that precede it
    key = stratum * width + tick + 1
    keys = np.unique(key[events > 0])
    owner = keys // width

    def place(wanted: Integers) -> Integers:
        last = np.searchsorted(keys, wanted, side="right") - 1
        return np.where((last >= 0) & (owner[last] == stratum), last, -1)

    leaves = place(key)
    enters = np.full(len(key), -1)
    if entry is not None:
        # An entry at 0 is watched from the start and at risk at 0 too.
        rank = np.where(entry > 0, np.searchsorted(times, entry, side="right"), 0)
        enters = place(stratum * width + rank)
    return EventTimes(owner, times[keys % width - 1], leaves, enters, keys[leaves] == key)


def risk_sets(
    when: EventTimes, pattern: Integers, patterns: int, columns: int, contacts: Floats, events: Floats, half: bool
) -> RiskSets:
    """Fill the risk sets, as a full or a sparse array, whichever the estimated size calls for.

    ``half`` lets half of those censored within the tick of an event leave before it.
    """
    censored = np.where(when.tied & half, (contacts - events) / 2, 0.0)
    changes = [(when.leaves, contacts - censored)]
    if (when.enters >= 0).any():
        changes.append((when.enters, -contacts))
    if half:
        # The other half is last at risk one event time earlier, in the same stratum.
        earlier = when.leaves - 1
        earlier[(earlier >= 0) & (when.stratum[earlier] != when.stratum[when.leaves])] = -1
        changes.append((np.where(censored > 0, earlier, -1), censored))
    shape = (len(when.duration_s), patterns)
    starts = np.flatnonzero(np.diff(when.stratum, prepend=-1))
    dense = 16 * shape[0] * shape[1]
    refuse_impossible(min(dense, 2 * 24 * len(pattern)), *shape, columns)
    dying = [(np.where(events > 0, when.leaves, -1), events)]
    if dense > DENSE_BYTES:
        return with_totals(_sparse(changes, pattern, shape), _sparse(dying, pattern, shape), starts, summed=False)
    at_risk = _full(changes, pattern, shape)
    for start, stop in zip(starts, [*starts[1:], shape[0]], strict=True):
        at_risk[start:stop] = at_risk[start:stop][::-1].cumsum(0)[::-1]
    return with_totals(at_risk, _full(dying, pattern, shape), starts)


def with_totals(
    at_risk: Floats | sparse.csc_array, events: Floats | sparse.csc_array, starts: Integers, *, summed: bool = True
) -> RiskSets:
    """Risk sets with their events counted by duration and by pattern."""
    return RiskSets(at_risk, events, starts, summed, np.asarray(events.sum(1)), np.asarray(events.sum(0)))


def refuse_impossible(counts: int, durations: int, patterns: int, columns: int) -> None:
    """Raise ValueError, before any of it is taken, if a fit would need more memory than LIMIT_BYTES."""
    width = columns + 1
    needed = counts + 16 * patterns * width + 32 * durations * width + 32 * columns**2
    if needed > LIMIT_BYTES:
        raise ValueError(
            f"this fit needs about {needed / 2**30:,.1f} GiB ({patterns:,} patterns of covariates, {columns:,} "
            f"coefficients, {durations:,} durations); the limit is {LIMIT_BYTES / 2**30:.0f} GiB. Use fewer or coarser "
            "terms, or a wider tick."
        )


Changes = list[tuple[Integers, Floats]]


def _full(changes: Changes, pattern: Integers, shape: tuple[int, int]) -> Floats:
    size = (shape[0] + 1) * shape[1]
    # Place -1, at no event time, is a row of its own that is then left out.
    total = np.zeros(size)
    for place, count in changes:
        total += np.bincount((place + 1) * shape[1] + pattern, count, size)
    return total[shape[1] :].reshape(shape)


def _sparse(changes: Changes, pattern: Integers, shape: tuple[int, int]) -> sparse.csc_array:
    kept = [(place[on], pattern[on], count[on]) for place, count in changes if (on := place >= 0).any()]
    place, columns, count = (np.concatenate(part) for part in zip(*kept, strict=True))
    # Sorted by pattern, so that the values of a pattern are read once for all of its durations.
    return sparse.coo_array((count, (place, columns)), shape=shape).tocsc()


class Moments(NamedTuple):
    """The log partial likelihood, its slope and curvature at one set of coefficients, and sums behind them."""

    log_likelihood: float
    score: Floats
    information: Floats
    relative: Floats  # (durations,), summed relative hazard at risk
    mean: Floats  # (durations, columns), mean covariates at risk
    increments: Floats  # (durations,), steps of the cumulative baseline hazard


def moments(sets: RiskSets, design: Floats, predictor: Floats, ties: str, weights: Floats | None = None) -> Moments:
    """Evaluate the partial likelihood; ``weights`` (durations,) multiply each duration's score and information."""
    hazard = np.exp(predictor)
    s0, s1, d1, sums = tied_sums(sets, design, hazard, ties)
    d = sets.tied
    g = np.ones(len(d)) if weights is None else weights
    a0, a1, b0, b1, b2 = (g * part for part in sums[1:])
    failing = sets.failing if weights is None else weights @ sets.events
    score = failing @ design - a0 @ s1 + a1 @ d1
    second = design.T @ (design * (hazard * (sets.waited(a0) - a1 @ sets.events))[:, None])
    cross = (s1 * b1[:, None]).T @ d1
    information = second - (s1 * b0[:, None]).T @ s1 + cross + cross.T - (d1 * b2[:, None]).T @ d1
    log_likelihood = float(sets.failing @ predictor) - float(sums.log.sum())
    return Moments(log_likelihood, score, information, s0, s1 / s0[:, None], sums.a0)


def tied_sums(sets: RiskSets, design: Floats, hazard: Floats, ties: str) -> tuple[Floats, Floats, Floats, TieSums]:
    """At each duration: relative hazard and its covariates over those at risk, covariates over those who leave, tie sums."""
    weighted = np.column_stack([hazard, hazard[:, None] * design])
    waiting = sets.waiting(weighted)
    dying = sets.events @ weighted
    d = sets.tied
    s0, s1, d0, d1 = waiting[:, 0], waiting[:, 1:], dying[:, 0], dying[:, 1:]
    if not sets.summed:
        s0 = np.maximum(s0, d0)  # late entries are subtracted: rounding must not leave less than the events
    if ties == "efron":
        return s0, s1, d1, efron_sums(d, s0, d0)
    none = np.zeros(len(d))
    return s0, s1, d1, TieSums(d * np.log(s0), d / s0, none, d / s0**2, none, none)


class Fit(NamedTuple):
    """Where the partial likelihood is highest, in the columns of the design."""

    coefficients: Floats
    covariance: Floats
    at: Moments
    log_likelihood_null: float
    score_chi2: float
    wald_chi2: float
    iterations: int


def maximise(sets: RiskSets, design: Floats, variance: Floats, labels: list[tuple[str, str]], ties: str) -> Fit:
    """Newton's method with step halving, from coefficients of 0.

    Raises ValueError for collinear columns and for coefficients that run to infinity, naming them.
    """
    coefficients = np.zeros(design.shape[1])
    predictor = np.zeros(len(design))
    null = at = moments(sets, design, predictor, ties)
    refuse_dependent(null.information, variance, sets.tied.sum(), labels)
    score_chi2 = float(null.score @ np.linalg.solve(null.information, null.score))
    for iteration in range(1, MAX_ITERATIONS + 1):
        try:
            step = np.linalg.solve(at.information, at.score)
        except np.linalg.LinAlgError:
            break
        # Rounding alone moves a log-likelihood of n terms by about this much.
        slack = 1e-12 * (1 + abs(at.log_likelihood))
        for _ in range(30):
            change = design @ step
            with np.errstate(all="ignore"):  # a step too far may overflow; it is then halved
                tried = moments(sets, design, predictor + change, ties)
            if tried.log_likelihood >= at.log_likelihood - slack and np.isfinite(tried.information).all():
                break
            step = step / 2
        else:
            break  # no step gains: better refused than taken for a maximum
        coefficients, predictor, at = coefficients + step, predictor + change, tried
        # Convergence is quadratic: after a step this small the next would be below rounding.
        if np.abs(change).max(initial=0) < 1e-8:
            covariance = np.linalg.inv(at.information)
            wald_chi2 = float(coefficients @ at.information @ coefficients)
            return Fit(coefficients, covariance, at, null.log_likelihood, score_chi2, wald_chi2, iteration)
    raise divergence(step, labels)


def divergence(step: Floats, labels: list[tuple[str, str]]) -> ValueError:
    """The error of a likelihood without a maximum: it names the coefficients that still move."""
    size = np.where(np.isfinite(step), np.abs(step), np.inf)
    moving = [named(labels[j]) for j in np.flatnonzero(size >= 0.3 * size.max())]
    return ValueError(
        f"separation: the likelihood has no maximum, it keeps rising while {', '.join(moving)} "
        f"run{'s' if len(moving) == 1 else ''} to infinity. Some level tells the outcome perfectly: merge it with "
        "another one or drop the term."
    )
