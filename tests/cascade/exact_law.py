"""The exact law of how many hear on a tiny network, by looking at every set of live edges: what simulations must follow."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd


def reach_distribution(
    edges: pd.DataFrame, probability: float, *, introductions: Iterable[Hashable], directed: bool = False
) -> pd.DataFrame:
    """Distribution ``reach, probability`` of ``independent_cascade`` begun by these people, at most 20 edges.

    Written without a line of the package, so that the two can disagree.
    """
    people = {label: place for place, label in enumerate(pd.unique(pd.concat([edges["source"], edges["target"]])))}
    begun = [people[label] for label in introductions]
    size = len(edges)
    assert size <= 20, f"{size} edges have 2^{size} sets"
    live = np.arange(2**size)
    told = np.full(live.size, sum(1 << person for person in begun))
    ways = [
        (edge, people[a], people[b]) for edge, (a, b) in enumerate(zip(edges["source"], edges["target"], strict=True))
    ]
    ways += [] if directed else [(edge, two, one) for edge, one, two in ways]
    before = np.zeros_like(told)
    while not np.array_equal(before, told):
        before = told.copy()
        for edge, one, two in ways:
            told |= (told >> one & live >> edge & 1) << two
    sets = np.zeros((len(people) + 1, size + 1), np.int64)
    np.add.at(sets, (np.bitwise_count(told), np.bitwise_count(live)), 1)
    each = [probability**k * (1 - probability) ** (size - k) for k in range(size + 1)]
    reach = np.arange(len(begun), len(people) + 1)
    law = [math.fsum(math.prod(p) for p in zip(sets[r].tolist(), each, strict=True)) for r in reach]
    return pd.DataFrame({"reach": reach, "probability": law})
