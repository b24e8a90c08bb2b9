"""A network of contacts to follow a complaint through: the one that is named, or a SIMULATED one with hubs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cxresearch.cascade import EdgeList, load_edges

__all__ = ["network_or_default", "simulate_network"]


def simulate_network(people: int, ties: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Draw a network by preferential attachment: each newcomer ties to ``ties`` people, the well connected rather.

    Parameters
    ----------
    people : in the network, more than ``ties``.
    ties : of each newcomer, >= 1. Everybody has about twice as many in the mean, some have a hundred times as many.

    Returns
    -------
    DataFrame ``source, target``, no loop, none twice. Degrees follow a power law with exponent 3.
    Reference: Barabasi & Albert (1999), doi:10.1126/science.286.5439.509.
    """
    if not (ties >= 1 and people > ties):
        raise ValueError(f"need ties >= 1 and more people than ties; got {ties} ties and {people} people.")
    # Each end of a tie stands here once, so that a draw from it favours the well connected.
    ends = np.empty(2 * ties * people, dtype=np.int64)
    filled = ties * (ties + 1)
    ends[:filled] = np.repeat(np.arange(ties + 1), ties)  # those who begin all know each other
    source, target = np.empty((2, ties * (people - ties - 1)), dtype=np.int64)
    for step, newcomer in enumerate(range(ties + 1, people)):
        known: set[int] = set()
        while len(known) < ties:
            known.add(int(ends[int(rng.random() * filled)]))
        row = slice(step * ties, (step + 1) * ties)
        source[row], target[row] = newcomer, sorted(known)
        ends[filled : filled + ties], ends[filled + ties : filled + 2 * ties] = newcomer, target[row]
        filled += 2 * ties
    first = [(one, two) for one in range(ties + 1) for two in range(one)]
    grown = pd.DataFrame({"source": source, "target": target})
    return pd.concat([pd.DataFrame(first, columns=["source", "target"]), grown], ignore_index=True)


def network_or_default(
    network: str = "", *, source: str, target: str, people: int, ties: int, rng: np.random.Generator
) -> tuple[EdgeList, str]:
    """Edges of the file ``network`` (CSV or Parquet), or of a simulated network where none is named.

    ``source`` and ``target`` are the columns of the file; ``people`` and ``ties`` those of ``simulate_network``.
    Returns the edges, as ties without direction, and the kind of what is worked out on them: "SIMULATED", or "assumed" for
    a real network, on which the probability of telling still is an assumption.
    """
    if not network:
        return load_edges(simulate_network(people, ties, rng=rng)), "SIMULATED"
    path = Path(network)
    if not path.is_file():
        raise ValueError(f"network {network!r} is not there; leave it empty for a simulated one.")
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return load_edges(table, source=source, target=target), "assumed"
