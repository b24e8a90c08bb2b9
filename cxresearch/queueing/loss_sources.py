"""Where a change of the share lost comes from, as the queue model has it: load, agents in effect, patience."""

from __future__ import annotations

import math
from itertools import permutations, product

import pandas as pd

from cxresearch.queueing.offered_wait import Patience, patience_law
from cxresearch.queueing.teams import team_measures

LOAD, AGENTS, PATIENCE, REST = "load", "agents in effect", "patience", "not explained by the model"


def loss_sources(
    now: pd.DataFrame, before: pd.DataFrame, *, patience: Patience, patience_before: Patience, change: float
) -> pd.DataFrame:
    """Split the change of the share lost, of all who asked, over load, agents and patience.

    Parameters
    ----------
    now, before : the hours of the mean day of each period, from ``agents_in_effect``: ``hour, arrivals_per_h,
        handle_time_s, agents``; hours that tell no team in one of them are left to what the model does not explain. patience, patience_before : the curves these teams were worked out with.
    change : of the share, as the log has it.

    Returns
    -------
    DataFrame ``part, contribution``: ``load`` (contacts an hour and handle times), ``agents in effect``, ``patience``, and
    ``not explained by the model``. They add up to ``change``.

    The share that the model loses is worked out with each of the three as it was or as it is, and each part is its Shapley
    value: the mean, over all orders in which the three can change, of what its change does (Shapley 1953,
    doi:10.1515/9781400881970-018). Agents in effect explain the losses of their hour, so they carry whatever load and
    patience do not: calls in waves and agents off the phone too. They are not the roster. There is no interval: the doubt
    is in the model more than in the sample.
    """
    hours = [now.set_index("hour"), before.set_index("hour")]
    told = hours[0]["agents"].notna() & hours[1]["agents"].notna()
    hours = [one[told] for one in hours]
    laws = [patience_law(patience), patience_law(patience_before)]

    def share_lost(which: tuple[int, ...]) -> float:
        """With load, agents and patience of the period that each of ``which`` names: 0 now, 1 before."""
        load, agents, law = hours[which[0]], hours[which[1]]["agents"], laws[which[2]]
        left = sum(
            rate * team_measures(arrivals_per_h=rate, handle_time_s=handle_s, agents=team, patience=law).share_left
            for rate, handle_s, team in zip(load["arrivals_per_h"], load["handle_time_s"], agents, strict=True)
        )
        return float(left / load["arrivals_per_h"].sum()) if told.any() else 0.0

    value = {which: share_lost(which) for which in product((0, 1), repeat=3)}
    parts = dict.fromkeys((LOAD, AGENTS, PATIENCE), 0.0)
    for order in permutations(range(3)):
        state = [1, 1, 1]
        for factor in order:
            earlier = value[state[0], state[1], state[2]]
            state[factor] = 0
            parts[(LOAD, AGENTS, PATIENCE)[factor]] += (value[state[0], state[1], state[2]] - earlier) / math.factorial(
                3
            )
    parts[REST] = change - sum(parts.values())
    return pd.DataFrame({"part": list(parts), "contribution": list(parts.values())})
