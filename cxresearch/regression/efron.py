"""Efron's sums over tied events, exact to rounding and at a cost that does not grow with the number of ties."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

LITERAL = 32  # this many terms are added one by one; beyond it three corrections leave less than rounding
NODES, WEIGHTS = np.polynomial.legendre.leggauss(14)
BERNOULLI = ((1, 1 / 12), (3, -1 / 720), (5, 1 / 30240))  # derivative, B / (order)!
FACTORIAL = (1, 1, 2, 6, 24, 120, 720)


class TieSums(NamedTuple):
    """Per duration, sums over l = 0 ... d-1 with f = l/d and phi = at_risk - f * dying."""

    log: Array  # log phi
    a0: Array  # 1 / phi
    a1: Array  # f / phi
    b0: Array  # 1 / phi^2
    b1: Array  # f / phi^2
    b2: Array  # f^2 / phi^2


def efron_sums(events: Array, at_risk: Array, dying: Array) -> TieSums:
    """Sum what Efron's approximation needs at each duration.

    Parameters
    ----------
    events : (T,), d, how many events fall on the duration (whole numbers >= 1)
    at_risk : (T,), summed relative hazard of all contacts still waiting
    dying : (T,), the same over those whose event it is; 0 < dying <= at_risk

    The last 32 terms, next to the pole, are added as they stand; the others by Euler and Maclaurin's formula with three
    corrections, its integral in closed form where it loses no digits (more than half of the risk set dies) and by
    14-point Gauss-Legendre elsewhere. The relative error is about 2e-15 (of the logarithms' sum, absolutely and per
    event), also where differences of digamma functions, the usual closed form, lose most of their digits.
    References: Efron (1977), doi:10.1080/01621459.1977.10480613; Euler-Maclaurin: DLMF 2.10(i).
    """
    share = dying / at_risk
    # Distances from the pole start from this difference, which is exact where dying is close to at_risk.
    gap = at_risk - dying
    back = np.arange(1, LITERAL + 1)
    on = back <= events[:, None]
    f = np.where(on, 1 - back / events[:, None], 0.0)
    left = np.where(on, (gap[:, None] + (back / events[:, None]) * dying[:, None]) / at_risk[:, None], 1.0)
    once = on / left
    twice = once / left
    s = f * share[:, None]
    sums = np.array([np.log(left).sum(1)] + [part.sum(1) for part in (once, s * once, twice, s * twice, s * s * twice)])
    many = events > LITERAL
    if many.any():
        sums[:, many] += _first_terms(events[many], share[many], left[many, -1])
    log, a0, a1, b0, b1, b2 = sums
    return TieSums(
        events * np.log(at_risk) + log, a0 / at_risk, a1 / dying, b0 / at_risk**2, b1 / (at_risk * dying), b2 / dying**2
    )


def _first_terms(events: Array, share: Array, t: Array) -> Array:
    """Sums over l < events - LITERAL of log(1-s), 1/(1-s), s/(1-s), 1/(1-s)^2, s/(1-s)^2, s^2/(1-s)^2 with s = l/z.

    ``t`` is 1 - s at l = events - LITERAL.
    """
    z = events / share
    r = (1 - LITERAL / events) * share
    log_t = np.where(r > 0.5, np.log(t), np.log1p(-r))
    # t^-m - 1 without cancellation when t is close to 1.
    power = [np.expm1(-m * log_t) for m in range(8)]
    ends = np.array([log_t, power[1], r / t, power[2], r / t**2, (r / t) ** 2])
    sums = z * _integrals(r, t, log_t) - ends / 2
    for n, weight in BERNOULLI:
        once, twice = FACTORIAL[n] * power[n + 1], FACTORIAL[n + 1] * power[n + 2]
        derivatives = np.array([-FACTORIAL[n - 1] * power[n], once, once, twice, twice - once, twice - 2 * once])
        sums += weight * derivatives / z**n
    return sums


def _integrals(r: Array, t: Array, log_t: Array) -> Array:
    """Integrals of the six functions from 0 to r."""
    closed = np.array([-t * log_t - r, -log_t, -log_t - r, r / t, r / t + log_t, r / t + r + 2 * log_t])
    s = r[:, None] * (NODES + 1) / 2
    rest = 1 - s
    by_nodes = np.array(
        [
            (part @ WEIGHTS) * r / 2
            for part in (np.log1p(-s), 1 / rest, s / rest, 1 / rest**2, s / rest**2, (s / rest) ** 2)
        ]
    )
    return np.where(r > 0.5, closed, by_nodes)
