"""How far a complaint goes on a network of people, with one chance for every tie."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxresearch.cascade.runs import EdgeList, independent_cascade, percolation_sweep

__all__ = ["network_talk"]

_LEAST, _LIKELIEST, _POINTS = 0.005, 0.5, 30  # probabilities of telling that are looked at: from, to, how many
_ORDERS = 10  # in which the ties of the network become live


def network_talk(
    edges: EdgeList, values: Mapping[str, float], *, runs: int, one_in: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far a complaint goes on a network where everyone who hears tells each contact with one probability.

    Parameters
    ----------
    edges : ties without direction. values : needs ``retellings_social``: the probability is chosen so that a person with
        the mean number of contacts tells as many.
    runs : complaints let loose. one_in : 1000 asks what the furthest of a thousand reaches. rng : source of chance.

    Returns
    -------
    (DataFrame as ``cascade.percolation_sweep``, the chosen probability among them; DataFrame of one row: ``people``,
    ``mean_ties``, ``probability``, ``runs``, ``mean_reach``, ``unconnected_reach`` (where nobody has more contacts than
    others; ``inf`` where that has no end), ``one_in``, ``reach_at_worst``).
    """
    people, told = edges.counts["people"], values["retellings_social"]
    mean_ties = 2 * edges.counts["kept"] / people
    probability = min(1.0, told / mean_ties)
    looked_at = np.geomspace(min(probability / 5, _LEAST) or _LEAST, _LIKELIEST, _POINTS)
    sweep = percolation_sweep(edges.edges, np.unique(np.append(looked_at, probability)), runs=_ORDERS, rng=rng)
    reach = independent_cascade(edges.edges, probability, introductions=1, runs=runs, rng=rng)["reach"]
    found = {
        "people": people,
        "mean_ties": mean_ties,
        "probability": probability,
        "runs": runs,
        "mean_reach": float(reach.mean()),
        "unconnected_reach": 1 / (1 - told) if told < 1 else math.inf,
        "one_in": one_in,
        "reach_at_worst": float(reach.quantile(1 - 1 / one_in)),
    }
    return sweep, pd.DataFrame([found])
