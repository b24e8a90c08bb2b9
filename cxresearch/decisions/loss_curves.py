"""How many leave at any load and with any team, all at once: the queue of ``queueing.queue_measures`` as an array.

An action is weighed with hundreds of patience curves, each at many loads and teams. The same integrals over the offered
wait are taken here for all loads and teams together, over bins in which patience is its mean, so that the area under the
curve is exact at every edge. They agree with ``queueing.queue_measures`` to 1e-4 of a share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaincc, gammaln

from cxresearch.risk_table import Floats, Integers

# Edges of the bins, seconds: as fine as the clock where most leave, then coarser.
EDGES_S: Floats = np.concatenate([
    np.arange(0, 20), np.arange(20, 60, 2), np.arange(60, 180, 6), np.arange(180, 600, 20), np.arange(600, 3_600, 100),
    3_600 * 2.0 ** np.arange(6),
])  # fmt: skip
LONGEST_S = 3_600  # waits are counted by the second up to here; a longer one counts as this
MOST_ERLANG = 3_000.0  # beyond it the arrays grow large, and more often a unit is wrong
_FLAT = 1e-4
_TERMS = 64


@dataclass(frozen=True, eq=False)
class Waiting:
    """The share still waiting, as a mean over each bin (``survival``), and the mean time waited up to each edge."""

    survival: Floats
    waited_s: Floats


def waiting_curve(leaving: Floats, left: Floats) -> Waiting:
    """Patience from counts by whole second, 0 to ``LONGEST_S``: whose wait ended then, and who of these gave up.

    Kaplan-Meier; after the last wait seen goes on the average hazard of the later half of the curve, as
    ``queueing.patience_law`` has it. Counts may be weights.
    """
    risk = leaving[::-1].cumsum()[::-1]
    end = int(np.flatnonzero(leaving > 0)[-1]) if (leaving > 0).any() else 0
    gone = np.divide(left, risk, out=np.zeros(len(left)), where=risk > 0)[: end + 1]
    still = np.cumprod(1 - np.clip(gone, 0, 1))
    waited = np.concatenate([[0.0], still[:end].cumsum()])
    last, middle = float(still[-1]), float(still[end // 2])
    hazard = np.log(middle / last) / (end / 2) if end and last > 0 else 0.0
    beyond = np.maximum(EDGES_S - end, 0.0)
    more = last * (-np.expm1(-hazard * beyond) / hazard if hazard > 0 else beyond)
    at_edge = waited[np.minimum(EDGES_S, end).astype(int)] + more
    return Waiting(np.diff(at_edge) / np.diff(EDGES_S), at_edge)


def check_load(arrivals_per_h: float, handle_time_s: float) -> None:
    """Raises ValueError above ``MOST_ERLANG``."""
    if (load := arrivals_per_h * handle_time_s / 3600) > MOST_ERLANG:
        raise ValueError(
            f"{arrivals_per_h:.3g} contacts an hour of {handle_time_s:.3g} s each are {load:.3g} Erlang, more than the "
            f"{MOST_ERLANG:,.0f} that are weighed here; look at handle_s, is it in seconds?"
        )


def share_left(waiting: Waiting, arrivals_per_h: Floats, handle_time_s: float, teams: Integers) -> Floats:
    """The share of all arrivals that leave, loads x teams.

    ``arrivals_per_h`` above 0, ``teams`` whole numbers from 0 on (with nobody there everybody leaves), ascending by 1.
    """
    rate = np.asarray(arrivals_per_h, dtype=float)[:, None, None] / 3600
    drain = np.maximum(teams, 1)[None, :, None] / handle_time_s
    log_f = rate * waiting.waited_s - drain * EDGES_S
    top = log_f.max(axis=2, keepdims=True)
    f, rise, width = np.exp(log_f - top), np.diff(log_f, axis=2), np.diff(EDGES_S)
    steep = np.abs(rise) > _FLAT
    mass = width * np.where(steep, np.diff(f, axis=2) / np.where(steep, rise, 1.0), (f[:, :, 1:] + f[:, :, :-1]) / 2)
    offered, lost = mass.sum(axis=2), mass @ (1 - waiting.survival)
    # The odds of waiting: Erlang B with one agent fewer, times what arrives while the queue is busy.
    odds = np.log(rate[:, 0] * offered) + top[:, :, 0] - _log_inverse_erlang_b(rate[:, 0, 0] * handle_time_s, teams)
    return np.where(teams == 0, 1.0, expit(odds) * lost / offered)


def _log_inverse_erlang_b(load: Floats, teams: Integers) -> Floats:
    """Logarithm of 1 / Erlang B with one agent fewer than each of ``teams``, loads x teams.

    At the first team by the incomplete gamma function, 1 / B = exp(a) a^-n Gamma(n + 1, a); where that is beyond a float, far
    overloaded, by its sum 1 + n/a + n(n - 1)/a^2 + ..., which is short there. From team to team by the recursion.
    """
    n = max(int(teams[0]) - 1, 0)
    over = gammaincc(n + 1, load)
    log_inverse = load - n * np.log(load) + gammaln(n + 1) + np.log(np.maximum(over, 1e-300))
    if (far := over < 1e-290).any():
        terms = np.maximum(n - np.arange(min(n, _TERMS)), 0) / load[far, None]
        log_inverse[far] = np.log1p(terms.cumprod(axis=1).sum(axis=1))
    columns = []
    for team in teams:
        if team - 1 > n:
            log_inverse = np.logaddexp(0.0, log_inverse + np.log((team - 1) / load))
        columns.append(log_inverse)
    return np.stack(columns, axis=1)
