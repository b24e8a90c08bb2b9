"""Likelihoods of accelerated failure times on counts, with or without a share that never leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_ndtr

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
Law = Callable[[Floats], tuple[Floats, Floats, Floats]]

MAX_ITERATIONS = 100
EDGE = 25.0  # a share whose logit runs past this is 0 or 1: no data tell 1e-11 from it


def _extreme_density(z: Floats) -> tuple[Floats, Floats, Floats]:
    e = np.exp(z)
    return z - e, 1 - e, -e


def _extreme_survival(z: Floats) -> tuple[Floats, Floats, Floats]:
    e = -np.exp(z)
    return e, e, e


def _normal_density(z: Floats) -> tuple[Floats, Floats, Floats]:
    return -z * z / 2 - np.log(2 * np.pi) / 2, -z, np.full(len(z), -1.0)


def _normal_survival(z: Floats) -> tuple[Floats, Floats, Floats]:
    log_survival = log_ndtr(-z)
    hazard = np.exp(-z * z / 2 - np.log(2 * np.pi) / 2 - log_survival)
    return log_survival, -hazard, -hazard * (hazard - z)


def _logistic_density(z: Floats) -> tuple[Floats, Floats, Floats]:
    p = expit(z)
    return log_expit(z) + log_expit(-z), 1 - 2 * p, -2 * p * (1 - p)


def _logistic_survival(z: Floats) -> tuple[Floats, Floats, Floats]:
    p = expit(z)
    return log_expit(-z), -p, -p * (1 - p)


# Logarithms of density and survival of W in log T = predictor + scale W, each with its first two derivatives.
LAWS: dict[str, tuple[Law, Law]] = {
    "exponential": (_extreme_density, _extreme_survival),
    "weibull": (_extreme_density, _extreme_survival),
    "lognormal": (_normal_density, _normal_survival),
    "loglogistic": (_logistic_density, _logistic_survival),
}


class Waits(NamedTuple):
    """Counts by duration and pattern: first ``events`` rows of events, then rows that only say "longer than".

    A contact watched from an entry on counts once more at its entry, negatively: its likelihood is divided by the
    probability of having waited until then.
    """

    log_duration: Floats
    pattern: Integers
    contacts: Floats
    events: int


def waits_of(rows: pd.DataFrame, pattern: Integers, contacts: Floats, events: Floats) -> Waits:
    """Counts by duration and pattern: events, then those seen to wait longer, less those seen from an entry on only."""
    duration = rows["duration_s"].to_numpy()
    entry = rows["entry_s"].to_numpy() if "entry_s" in rows else np.zeros(len(rows))
    late, happened, censored = entry > 0, events > 0, contacts > events
    ended = _summed(duration[happened], pattern[happened], events[happened])
    longer = _summed(
        np.concatenate([duration[censored], entry[late]]),
        np.concatenate([pattern[censored], pattern[late]]),
        np.concatenate([(contacts - events)[censored], -contacts[late]]),
    )
    durations, patterns, counts = (np.concatenate(part) for part in zip(ended, longer, strict=True))
    return Waits(np.log(durations), patterns, counts, len(ended[0]))


def _summed(duration: Floats, pattern: Integers, contacts: Floats) -> tuple[Floats, Integers, Floats]:
    """Each combination of duration and pattern once."""
    times, place = np.unique(duration, return_inverse=True)
    keys, cell = np.unique(pattern * max(len(times), 1) + place, return_inverse=True)
    return (
        times[keys % max(len(times), 1)],
        keys // max(len(times), 1),
        np.bincount(cell, contacts, len(keys)).astype(np.float64),
    )


class Peak(NamedTuple):
    """Where a search ended: parameters, value, curvature, the last step, how many steps, and whether it converged."""

    parameters: Floats
    value: float
    curvature: Floats
    step: Floats
    iterations: int
    converged: bool


def log_likelihood(
    parameters: Floats, waits: Waits, design: Floats, distribution: str, never: bool
) -> tuple[float, Floats, Floats]:
    """Value, slope and curvature at (coefficients, [log scale], [logit of the share that never leaves])."""
    density, survival = LAWS[distribution]
    k = design.shape[1]
    has_scale = distribution != "exponential"
    log_scale = parameters[k] if has_scale else 0.0
    scale = np.exp(log_scale)
    z = (waits.log_duration - (design @ parameters[:k])[waits.pattern]) / scale
    n, e = waits.contacts, waits.events
    value, first, second = (np.concatenate(parts) for parts in zip(density(z[:e]), survival(z[e:]), strict=True))
    value[:e] -= log_scale + waits.log_duration[:e]
    slope, curvature = np.zeros(len(parameters)), np.zeros((len(parameters), len(parameters)))
    if never:
        logit = parameters[-1]
        share = expit(logit)
        value[:e] += log_expit(-logit)
        leaver = log_expit(-logit) + value[e:]
        value[e:] = np.logaddexp(log_expit(logit), leaver)
        # The probability that one who is still there will leave some day.
        will = np.exp(leaver - value[e:])
        mixed = will * (1 - will)
        second[e:] = will * second[e:] + mixed * first[e:] ** 2
        with_logit = np.concatenate([np.zeros(e), -mixed * first[e:]])
        first[e:] *= will
        slope[-1] = n[e:] @ (1 - will) - share * n.sum()
        curvature[-1, -1] = n[e:] @ mixed - share * (1 - share) * n.sum()
        curvature[:k, -1] = -_by_pattern(n * with_logit, waits, design) / scale
        if has_scale:
            curvature[k, -1] = -(n * z) @ with_logit
    slope[:k] = -_by_pattern(n * first, waits, design) / scale
    curved = np.bincount(waits.pattern, n * second, len(design))
    curvature[:k, :k] = design.T @ (design * curved[:, None]) / scale**2
    if has_scale:
        slope[k] = -(n * z) @ first - n[:e].sum()
        curvature[:k, k] = _by_pattern(n * (second * z + first), waits, design) / scale
        curvature[k, k] = (n * z) @ (second * z + first)
    lower = np.tril_indices(len(parameters), -1)
    curvature[lower] = curvature.T[lower]
    return float(n @ value), slope, curvature


def climb(start: Floats, waits: Waits, design: Floats, distribution: str, never: bool) -> Peak:
    """Newton's method, its curvature made negative where it is not, with step halving."""
    parameters = start
    value, slope, curvature = log_likelihood(parameters, waits, design, distribution, never)
    for iteration in range(1, MAX_ITERATIONS + 1):
        bend, axes = np.linalg.eigh(-curvature)
        step = axes @ (axes.T @ slope / np.maximum(np.abs(bend), 1e-12 * np.abs(bend).max()))
        step *= 3 / max(3.0, np.abs(step).max())  # no parameter leaps: all are logarithms or logits
        slack = 1e-12 * (1 + abs(value))
        for _ in range(40):
            with np.errstate(all="ignore"):  # a step too far may overflow; it is then halved
                tried = log_likelihood(parameters + step, waits, design, distribution, never)
            if tried[0] >= value - slack and np.isfinite(tried[2]).all():
                break
            step = step / 2
        else:
            return Peak(parameters, value, curvature, step, iteration, converged=False)
        parameters = parameters + step
        value, slope, curvature = tried
        if never and abs(parameters[-1]) > EDGE:
            return Peak(parameters, value, curvature, step, iteration, converged=False)
        # Convergence is quadratic: after a step this small the next would be below rounding.
        if np.abs(step).max() < 1e-8:
            peaked = bool(np.linalg.eigvalsh(-curvature).min() > 0)
            return Peak(parameters, value, curvature, step, iteration, converged=peaked)
    return Peak(parameters, value, curvature, step, MAX_ITERATIONS, converged=False)


def highest(waits: Waits, design: Floats, distribution: str, never: bool) -> tuple[Peak, Peak]:
    """The peak of the full model, and that of the model without covariates, from which the search starts.

    The first column of ``design`` is the intercept; the others have mean 0.
    """
    n, e = waits.contacts, waits.events
    # The exponential law's own answer: the time waited by all, per event.
    intercept = np.log(n @ np.exp(waits.log_duration)) - np.log(n[:e].sum())
    middle = [intercept] if distribution == "exponential" else [intercept, 0.0]
    durations, place = np.unique(waits.log_duration, return_inverse=True)
    pooled = Waits(
        np.tile(durations, 2),
        np.zeros(2 * len(durations), dtype=np.int64),
        np.concatenate([np.bincount(place[part], n[part], len(durations)) for part in (slice(e), slice(e, None))]),
        len(durations),
    )
    alone = np.ones((1, 1))
    null = climb(np.array([*middle, -1.0] if never else middle), pooled, alone, distribution, never)
    columns = np.zeros(design.shape[1] - 1)
    if not len(columns):
        return null, null
    starts = [np.concatenate([null.parameters[:1], columns, null.parameters[1:]])]
    if never:
        # A mixture with covariates can have several peaks: the model without a mixture, with a small and with a large
        # share, are two more places to start from. On small simulated logs of the wrong law, which have the most
        # peaks, the three together missed the highest of eleven starts in 2 of 332.
        starts[0][-1] = np.clip(starts[0][-1], -4, 4)
        plain = highest(waits, design, distribution, never=False)[0]
        starts += [np.append(plain.parameters, -2.0), np.append(plain.parameters, 0.0)]
    peaks = [climb(start, waits, design, distribution, never) for start in starts]
    return max(peaks, key=lambda peak: peak.value), null


def _by_pattern(values: Floats, waits: Waits, design: Floats) -> Floats:
    return np.bincount(waits.pattern, values, len(design)) @ design
