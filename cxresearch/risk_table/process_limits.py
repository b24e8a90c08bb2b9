"""A number over time: how far it moves when nothing has changed, and when a point or a run of points says that it has.

Limits are those of an individuals chart (XmR): the centre and a multiple of the mean moving range. Shewhart's multiple,
2.66, is three standard deviations: right for a dozen points, but of fifty-six one in seven charts has a point outside by
chance. Here the multiple and the length of a run grow with the number of points, so that either rule errs on at most half
of ``error`` of charts whose points are independent and normal. For twelve points they are 2.73 and a run of six, for
fifty-six 3.11 and a run of ten.

References: Nelson (1984), Journal of Quality Technology 16:237; run charts that take the number of points into account:
Anhoj & Olesen (2014), doi:10.1371/journal.pone.0113825.
"""

from __future__ import annotations

from math import perm
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

FEWEST_POINTS = 12
RANGE_OF_TWO = 1.128379167095513  # 2 / sqrt(pi): the mean range of two normal values, in standard deviations


class ProcessLimits(NamedTuple):
    """``centre`` (half of the points on each side), natural limits, and the ``run`` on one side that says something."""

    centre: float
    lower: float
    upper: float
    run: int


def process_limits(points: ArrayLike, *, error: float = 0.05) -> ProcessLimits:
    """The limits of points in order of time, and how long a run on one side of the centre must be.

    Raises ValueError for fewer than twelve points, and for one that is not finite.
    """
    values = np.asarray(points, dtype=float)
    n = len(values)
    if n < FEWEST_POINTS or not np.isfinite(values).all():
        raise ValueError(f"limits need {FEWEST_POINTS} finite points; got {int(np.isfinite(values).sum())} of {n}.")
    centre = float(np.median(values))
    half = float(ndtri(1 - error / (4 * n)) / RANGE_OF_TWO * np.abs(np.diff(values)).mean())
    return ProcessLimits(centre, centre - half, centre + half, _telling_run(n, error / 2))


def _telling_run(n: int, error: float) -> int:
    """The shortest run that at most ``error`` of orders of ``n`` points, half of them on each side, have."""
    half = n // 2
    for run in range(2, half + 1):
        # It begins at the first point, or at one whose neighbour before is on the other side.
        first = 2 * perm(half, run) / perm(2 * half, run)
        later = (2 * half - run) * 2 * half * perm(half, run) / perm(2 * half, run + 1)
        if first + later <= error:
            return run
    return half + 1


def signs_of_change(points: ArrayLike, limits: ProcessLimits) -> tuple[np.ndarray, np.ndarray]:
    """Which points lie outside the limits, and which belong to a run on one side of the centre that is long enough.

    Both are 1 above, -1 below, 0 where there is no sign. A point on the centre neither breaks a run nor adds to it.
    """
    values = np.asarray(points, dtype=float)
    outside = (values > limits.upper).astype(int) - (values < limits.lower)
    side = np.sign(values - limits.centre).astype(int)
    runs = np.zeros(len(values), dtype=int)
    off = np.flatnonzero(side)
    for run in np.split(off, np.flatnonzero(np.diff(side[off])) + 1):
        if len(run) >= limits.run:
            runs[run[0] : run[-1] + 1] = side[run[0]]
    return outside, runs
