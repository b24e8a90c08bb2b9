"""The team that explains the losses of each hour: agents in effect, whole or in part."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from cxresearch.queueing.measures import Target, agents_needed, queue_measures
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, Tail, patience_law

FEWEST_CONTACTS = 30  # an hour with fewer, over all days, tells no team
_LONGEST_WAIT_S = 86_400.0  # nobody waits longer where nobody is there to answer


class TeamMeasures(NamedTuple):
    """Share of all arrivals that leave, and mean wait of all who ask; answered at once counts 0."""

    share_left: float
    mean_wait_s: float


def team_measures(
    *, arrivals_per_h: float, handle_time_s: float, agents: float, patience: Patience, tail: Tail = "last_hazard"
) -> TeamMeasures:
    """Losses and waits of a team of ``agents``, who need not be whole.

    A team of 3.4 is a mixture: four agents in 0.4 of the time, three in the rest, each queue in its steady state. With
    nobody there everybody leaves. The other arguments are those of :func:`queue_measures`, and it refuses what that
    refuses.
    """
    law = patience_law(patience, tail=tail)
    if not arrivals_per_h:
        return TeamMeasures(0.0, 0.0)
    whole = math.floor(agents)
    teams = [(whole, 1 - (agents - whole)), (whole + 1, agents - whole)]
    parts = [(weight, _whole(arrivals_per_h, handle_time_s, n, law)) for n, weight in teams if weight > 0]
    return TeamMeasures(*(sum(weight * part[i] for weight, part in parts) for i in range(2)))


def _whole(arrivals_per_h: float, handle_time_s: float, agents: int, law: PatienceLaw) -> TeamMeasures:
    if agents == 0:
        return TeamMeasures(1.0, law.mean_waited_s(_LONGEST_WAIT_S))
    found = queue_measures(arrivals_per_h=arrivals_per_h, handle_time_s=handle_time_s, agents=agents, patience=law)
    return TeamMeasures(found.probability_abandon, found.mean_wait_s)


def agents_in_effect(hours: pd.DataFrame, *, patience: Patience, tail: Tail = "last_hazard") -> pd.DataFrame:
    """Add the team that explains the losses of each hour, and the wait that goes with it.

    Parameters
    ----------
    hours : ``hour, contacts, left`` (in the period), ``arrivals_per_h, handle_time_s``, as ``day_table`` returns them.
    patience, tail : as for ``queueing.queue_measures``.

    Returns
    -------
    ``hours`` with ``agents`` (a fraction, see :func:`team_measures`, at which as many leave as left in the log; 0 where
        all left; NaN with fewer than ``FEWEST_CONTACTS``), ``mean_wait_s`` (of all who ask; at once counts 0; NaN
        likewise), ``missed`` (contacts of the period that this team loses more than the log; 0 without a team).

    Every share above 0 has its team. Where nobody left, no team is large enough: it is taken to be the one that loses
    half a contact, and ``missed`` says so.

    A log seldom says how many agents were there. This is the number that explains the losses, not the roster: breaks,
    calls in waves and slow days make it smaller.
    """
    law = patience_law(patience, tail=tail)
    rows = [_in_effect(row, law) for row in hours.itertuples()]
    return hours.join(pd.DataFrame(rows, columns=["agents", "mean_wait_s", "missed"], index=hours.index))


def _in_effect(row: Any, law: PatienceLaw) -> tuple[float, float, float]:
    if not row.contacts:
        return 0.0, 0.0, 0.0
    if row.contacts < FEWEST_CONTACTS:
        return math.nan, math.nan, 0.0
    load = {"arrivals_per_h": row.arrivals_per_h, "handle_time_s": row.handle_time_s}
    share = max(row.left, 0.5) / row.contacts
    agents = 0.0
    if share < 1:
        most, enough = agents_needed(**load, patience=law, target=Target(abandon=share))
        too_few = _whole(**load, agents=most - 1, law=law).share_left
        agents = most - 1 + (too_few - share) / (too_few - enough.probability_abandon)
    found = team_measures(**load, agents=agents, patience=law)
    return agents, found.mean_wait_s, row.contacts * found.share_left - row.left
