"""Where a change of the share lost comes from, as the queue model has it: load, agents in effect, patience."""

from __future__ import annotations

import math
from itertools import permutations, product

import pandas as pd

from cxresearch.queueing.measures import queue_measures
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, patience_law

LOAD, AGENTS, PATIENCE, REST = "load", "agents in effect", "patience", "not explained by the model"


def loss_sources(
    now: pd.DataFrame, before: pd.DataFrame, *, patience: Patience, patience_before: Patience, change: float
) -> pd.DataFrame:
    """Split the change of the share lost, of all who asked, over load, agents and patience.

    Parameters
    ----------
    now, before : the hours of the mean day of each period, from ``agents_in_effect``: ``hour, arrivals_per_h,
        handle_time_s, agents``. patience, patience_before : the curves these teams were worked out with.
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
    laws = [patience_law(patience), patience_law(patience_before)]
    lost: dict[tuple[float, float, int, int], float] = {}

    def share_lost(which: tuple[int, ...]) -> float:
        """With load, agents and patience of the period that each of ``which`` names: 0 now, 1 before."""
        load, agents, law = hours[which[0]], hours[which[1]]["agents"], which[2]
        load = load[load["arrivals_per_h"] > 0]
        left = sum(
            rate * _left(lost, (rate, handle_s), float(agents.get(hour, 0.0)), law, laws[law])
            for hour, rate, handle_s in zip(load.index, load["arrivals_per_h"], load["handle_time_s"], strict=True)
        )
        return float(left / load["arrivals_per_h"].sum())

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


def _left(
    known: dict[tuple[float, float, int, int], float],
    load: tuple[float, float],
    agents: float,
    place: int,
    law: PatienceLaw,
) -> float:
    """The share that leaves a team: a part of an agent is a mixture of the two whole teams beside it, nobody loses all."""
    whole = math.floor(agents)
    shares = []
    for team in (whole, whole + 1):
        key = (*load, team, place)
        if key not in known:
            known[key] = 1.0 if team == 0 else queue_measures(
                arrivals_per_h=load[0], handle_time_s=load[1], agents=team, patience=law
            ).probability_abandon  # fmt: skip
        shares.append(known[key])
    return shares[0] + (agents - whole) * (shares[1] - shares[0])
