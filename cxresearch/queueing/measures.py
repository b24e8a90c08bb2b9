"""The queue in front of the agents: from arrivals, handle time and patience to waits, abandonment and agents needed.

One model in three states of knowledge about patience (first come, first served; Poisson arrivals; exponential handle
times): Erlang C (nobody leaves), Erlang A (exponential patience) and M/M/n+G (patience as a survival curve has it).
All three are sums over the pieces of one survival function, so they share their code and agree where they meet.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from cxresearch.queueing.offered_wait import (
    Integrals,
    OfferedWait,
    Patience,
    PatienceLaw,
    Tail,
    erlang_b,
    patience_law,
    positive,
)
from cxresearch.risk_table import Integers, Names, checked
from cxresearch.survival import kaplan_meier

__all__ = [
    "AgentsNeeded",
    "Patience",
    "PatienceLaw",
    "QueueMeasures",
    "Tail",
    "Target",
    "UnstableQueueError",
    "agents_needed",
    "agents_needed_interval",
    "erlang_b",
    "patience_law",
    "queue_measures",
    "resampled_curves",
]


# Far above any team there is: beyond it the sum over the agents takes minutes, and a unit is wrong.
MOST_ERLANG = 100_000.0
MOST_AGENTS = 1_000_000


class UnstableQueueError(ValueError):
    """Nobody leaves and the agents cannot keep up: the queue has no steady state."""


@dataclass(frozen=True)
class QueueMeasures:
    """A queue in its steady state; the shares are of all arrivals.

    ``probability_wait``: finds all agents busy; ``probability_abandon``: leaves unanswered; ``mean_wait_s``: until
    answered or gone, those answered at once count 0; ``mean_queue``: contacts waiting; ``occupancy``: share of its
    time that an agent is busy. ``tail`` says what was assumed on patience after the end of a curve, and
    ``probability_past_curve`` is the share of arrivals that are still waiting there: what the assumption decides.
    """

    probability_wait: float
    probability_abandon: float
    mean_wait_s: float
    mean_queue: float
    occupancy: float
    tail: str
    probability_past_curve: float
    _queue: OfferedWait = field(repr=False, compare=False)
    _integrals: Integrals = field(repr=False, compare=False)
    _probability_no_wait: float = field(repr=False, compare=False)

    def service_level(self, threshold_s: float) -> float:
        """Share of all arrivals answered within ``threshold_s`` seconds; who left before counts as not answered."""
        if not threshold_s >= 0:
            raise ValueError(f"threshold_s must be >= 0 seconds; got {threshold_s}.")
        if threshold_s == 0:
            return self._probability_no_wait
        near, every = self._queue.integrals(float(threshold_s)), self._integrals
        share = math.exp(near.log_scale - every.log_scale) * near.answered / every.offered
        return self._probability_no_wait + self.probability_wait * share


def queue_measures(
    *,
    arrivals_per_h: float,
    handle_time_s: float,
    agents: int,
    patience: Patience = None,
    tail: Tail = "last_hazard",
) -> QueueMeasures:
    """Waits and abandonment in a queue at steady load.

    Parameters
    ----------
    arrivals_per_h : contacts an hour that ask for an agent (Poisson).
    handle_time_s : mean seconds an agent is busy with one contact (exponential).
    agents : how many serve all the time, a whole number >= 1. (A log counts who was seen in the hour: that is more.)
    patience : None, a number, a DataFrame or a PatienceLaw
        None: nobody ever leaves (Erlang C). A number: mean seconds of an exponential patience (Erlang A). A curve with
        ``duration_s`` (rising, >= 0) and ``survival`` (0 to 1, not rising), as ``survival.kaplan_meier`` returns it:
        M/M/n+G with exactly that law. A drop at 0 s is the share that will not wait at all. A PatienceLaw is such a
        curve already read.
    tail : what happens after the end of a curve that ends above zero
        "last_hazard" (default): the average hazard of the later half of the curve's length goes on; "nobody_leaves";
        "everybody_leaves": those still waiting leave at the end. The last two bound what the curve cannot say.

    Returns
    -------
    QueueMeasures, with a method ``service_level(threshold_s)``.

    Raises ValueError for a rate or time that is not positive and finite, a load above ``MOST_ERLANG``, agents below 1,
    not whole or more than ``MOST_AGENTS``, and a curve that is empty, unsorted, rising or outside 0 to 1;
    UnstableQueueError where nobody leaves and the agents cannot keep up.
    Patience is that of a contact before it knows its place in the queue; calls in waves, agents off the phone and
    contacts that try again are not in this model (``scenario_table`` takes the last out).
    Reference: Baccelli & Hebuterne (1981); Garnett, Mandelbaum & Reiman (2002), doi:10.1287/msom.4.3.208.7753;
    Zeltyn & Mandelbaum (2005), doi:10.1007/s11134-005-3699-8.
    """
    law = patience_law(patience, tail=tail)
    arrival_rate, load = positive("arrivals_per_h", arrivals_per_h) / 3600, _load(arrivals_per_h, handle_time_s)
    handle_time_s = float(handle_time_s)
    if isinstance(agents, bool) or not (
        isinstance(agents, numbers.Real) and agents >= 1 and float(agents).is_integer()
    ):
        raise ValueError(f"agents must be a whole number >= 1; got {agents!r}.")
    if agents > MOST_AGENTS:
        raise ValueError(f"agents must be at most {MOST_AGENTS:,}; got {agents:,.0f}.")
    queue = OfferedWait(law, load, handle_time_s, int(agents))
    if law.hazard_per_s == 0 and queue.load * float(law.survival[-1]) >= queue.agents:
        raise UnstableQueueError(
            f"a load of {queue.load:.6g} Erlang is too much for {agents} agent(s) where a share of "
            f"{law.survival[-1]:.3g} never leaves: the queue grows without end. Give more agents, or say how long "
            "people wait: their mean patience in seconds (Erlang A) or a survival curve."
        )
    total = queue.integrals()
    blocked = erlang_b(queue.agents - 1, queue.load)
    log_odds = math.log(blocked * arrival_rate) if blocked * arrival_rate > 0 else -math.inf
    log_odds += total.log_scale + math.log(total.offered)
    wait, no_wait = float(expit(log_odds)), float(expit(-log_odds))
    mean_wait_s = wait * total.waited / total.offered
    return QueueMeasures(
        probability_wait=wait,
        probability_abandon=wait * total.left / total.offered,
        mean_wait_s=mean_wait_s,
        mean_queue=arrival_rate * mean_wait_s,
        # With an agent free the chain is that of Erlang B with one agent fewer; this keeps its digits under overload.
        occupancy=wait + no_wait * queue.load * (1 - blocked) / queue.agents,
        tail=queue.law.tail,
        probability_past_curve=wait * queue.law.end_survival * total.past_end / total.offered,
        _queue=queue,
        _integrals=total,
        _probability_no_wait=no_wait,
    )


def _load(arrivals_per_h: float, handle_time_s: float) -> float:
    """Arrivals in one handle time (Erlang)."""
    load = positive("arrivals_per_h", arrivals_per_h) / 3600 * positive("handle_time_s", handle_time_s)
    if load > MOST_ERLANG:
        raise ValueError(
            f"{arrivals_per_h:.3g} contacts an hour of {handle_time_s:.3g} s each are {load:.3g} Erlang, more than any team "
            f"carries (the most is {MOST_ERLANG:,.0f}); look at handle_s, is it in seconds?"
        )
    return load


# --- agents needed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """What the queue must reach; give one or several, all of them must hold.

    ``abandon``: at most this share leaves, such as 0.05; ``service_level`` with ``within_s``: at least this share of
    all arrivals is answered within so many seconds, such as 0.8 and 20; ``mean_wait_s``: at most this mean wait.
    """

    abandon: float | None = None
    service_level: float | None = None
    within_s: float | None = None
    mean_wait_s: float | None = None

    def __post_init__(self) -> None:
        if self.abandon is None and self.service_level is None and self.mean_wait_s is None:
            raise ValueError("a target needs abandon, mean_wait_s, or service_level with within_s; all are missing.")
        if (self.service_level is None) != (self.within_s is None):
            raise ValueError("service_level and within_s go together, such as service_level=0.8, within_s=20.")
        for name in ("abandon", "service_level"):
            share = getattr(self, name)
            if share is not None and not 0 < share < 1:
                raise ValueError(f"{name} must be a share strictly between 0 and 1; got {share}.")
        if self.within_s is not None and not 0 <= self.within_s < math.inf:
            raise ValueError(f"within_s must be a finite number of seconds >= 0; got {self.within_s}.")
        if self.mean_wait_s is not None:
            positive("mean_wait_s", self.mean_wait_s)

    def is_met(self, measures: QueueMeasures) -> bool:
        """Whether the queue reaches all of it."""
        return (
            (self.abandon is None or measures.probability_abandon <= self.abandon)
            and (self.mean_wait_s is None or measures.mean_wait_s <= self.mean_wait_s)
            and (
                self.service_level is None
                or self.within_s is None
                or measures.service_level(self.within_s) >= self.service_level
            )
        )


class AgentsNeeded(NamedTuple):
    """The smallest number of agents that reaches a target, and the measures there."""

    agents: int
    measures: QueueMeasures


def agents_needed(
    *,
    arrivals_per_h: float,
    handle_time_s: float,
    patience: Patience,
    target: Target,
    tail: Tail = "last_hazard",
) -> AgentsNeeded:
    """Find the smallest number of agents that reaches ``target``.

    Parameters are those of :func:`queue_measures`. The search halves an interval, which is right because one more
    agent makes the offered wait shorter in the likelihood-ratio order: every target stays reached from its number on.
    Raises ValueError as queue_measures does, and for a target on abandonment where nobody ever leaves.
    """
    law = patience_law(patience, tail=tail)
    load = _load(arrivals_per_h, handle_time_s)
    if target.abandon is not None and law.hazard_per_s == 0 and law.survival[-1] == 1:
        raise ValueError("nobody ever leaves with this patience, so a target on abandonment asks for nothing.")

    def reached(agents: int) -> QueueMeasures | None:
        measures = queue_measures(
            arrivals_per_h=arrivals_per_h, handle_time_s=handle_time_s, agents=agents, patience=law
        )
        return measures if target.is_met(measures) else None

    # Too few: for certain, where the queue would not be stable. Enough: found by steps that double, from the load up.
    too_few = math.floor(load * float(law.survival[-1])) if law.hazard_per_s == 0 else 0
    enough, step = max(too_few + 1, math.ceil(load)), 1 + math.isqrt(int(load))
    while (found := reached(enough)) is None:
        too_few, enough, step = enough, enough + step, 2 * step
    while enough - too_few > 1:
        # The need is near the load, so steps down double as well before the interval is halved.
        middle = max((too_few + enough) // 2, enough - step)
        if (tried := reached(middle)) is not None:
            enough, found, step = middle, tried, 2 * step
        else:
            too_few = middle
    return AgentsNeeded(enough, found)


def resampled_curves(
    table: pd.DataFrame,
    *,
    replicates: int,
    rng: np.random.Generator,
    event: str = "abandoned",
    by: Names = (),
) -> Iterator[pd.DataFrame]:
    """Patience curves of ``replicates`` bootstrap samples of a risk table, one at a time.

    Every count is drawn anew from a Poisson law with that mean, which is the bootstrap of the single contacts. It knows
    of no day or customer that contacts have in common: where those matter, resample days and pass those curves.
    Raises ValueError as ``survival.kaplan_meier`` does; that a sample lacks the event shows that it is too rare here.
    """
    if replicates < 1:
        raise ValueError(f"replicates must be >= 1; got {replicates}.")
    cells = checked(table, event=event, by=by)
    for _ in range(replicates):
        yield kaplan_meier(cells.assign(contacts=rng.poisson(cells["contacts"])), event=event, by=by)


def agents_needed_interval(
    *,
    arrivals_per_h: float,
    handle_time_s: float,
    patience: pd.DataFrame,
    replicates: Iterable[pd.DataFrame],
    target: Target,
    level: float = 0.95,
    tail: Tail = "last_hazard",
) -> pd.DataFrame:
    """Agents needed, with the uncertainty of the patience curve carried through.

    Parameters
    ----------
    patience : the curve; ``replicates`` : the same curve from bootstrap samples, such as :func:`resampled_curves`.
    level : share of the replicates inside the interval (percentiles, rounded outwards to a replicate's number).
    The others are those of :func:`agents_needed`.

    Returns
    -------
    DataFrame, one row
        ``agents`` (from the curve), ``lower``, ``upper``, ``share_enough`` (share of the replicates for which
        ``agents`` would do), ``probability_past_curve`` (see QueueMeasures), ``replicates``.

    Not in it: the uncertainty of arrivals and handle time, and of the tail, which ``tail`` lets one bound.
    """

    def need(curve: pd.DataFrame) -> AgentsNeeded:
        return agents_needed(
            arrivals_per_h=arrivals_per_h, handle_time_s=handle_time_s, patience=curve, target=target, tail=tail
        )

    point, needed = need(patience), [need(curve).agents for curve in replicates]
    if not needed:
        raise ValueError("replicates holds no curve; an interval needs them, see resampled_curves.")
    lower, upper = percentile_range(np.array(needed)[:, None], level)
    return pd.DataFrame(
        {
            "agents": [point.agents],
            "lower": lower,
            "upper": upper,
            "share_enough": [float(np.mean(np.array(needed) <= point.agents))],
            "probability_past_curve": [point.measures.probability_past_curve],
            "replicates": [len(needed)],
        }
    )


def percentile_range(needed: Integers, level: float) -> tuple[Integers, Integers]:
    """Lower and upper percentile of each column over its rows (replicates); each end is a number that occurred."""
    if not 0 < level < 1:
        raise ValueError(f"level must be a share strictly between 0 and 1, such as 0.95; got {level}.")
    ends = np.quantile(needed, [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    return ends[0].astype(np.int64), ends[1].astype(np.int64)
