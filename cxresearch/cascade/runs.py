"""How far talk travels on a real network: each person told tells each contact with one probability, once."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["EdgeList", "independent_cascade", "load_edges", "percolation_sweep"]

PILOT_RUNS = 16
# A person told by search costs about as much as this many people of the network do by union-find.
SEARCH_COST = 12
# Binomial weights are cut where less than exp(-40) = 4e-18 lies beyond.
TAIL = 40.0

People = npt.NDArray[np.int32]


@dataclass(frozen=True)
class EdgeList:
    """Edges that the functions of this module accept, and what was set aside to get there.

    ``edges``: DataFrame ``source, target``. ``set_aside``: DataFrame ``reason, rows``; reasons are ``missing_end``,
    ``self_loop`` and ``repeated``. ``counts``: ``read = kept + set_aside`` always, and ``people``, those with an edge.
    """

    edges: pd.DataFrame
    set_aside: pd.DataFrame
    counts: dict[str, int]


def load_edges(
    table: pd.DataFrame, *, source: str = "source", target: str = "target", directed: bool = False
) -> EdgeList:
    """Bring a table of contacts between people to an edge list, with every row accounted for.

    Parameters
    ----------
    table : DataFrame, one row a contact; other columns (a weight, a time) are left behind.
    source, target : the columns that name the two people. Talk flows from source to target: where a row says that
        a acts on b (mentions, follows, retweets b), a is who hears, so ``source="b", target="a"``.
    directed : if False a row is a tie between two people, and (b, a) repeats (a, b).

    Returns
    -------
    EdgeList; the first row of an edge is kept. Nobody is told anything by themselves, and a second row of the same
    edge is no second chance to tell, so self-loops and repeats are set aside. People without an edge left are not in
    the network.

    Raises ValueError if a column is missing, the two columns hold labels of different kinds, or no edge is left.
    """
    if source == target:
        raise ValueError(f"source and target are the same column, {source!r}; name the two that hold the two people.")
    one, two = _two_columns(table, source, target)
    missing = (one.isna() | two.isna()).to_numpy()
    one, two = one[~missing], two[~missing]
    near, far, _ = _codes(one, two)
    loop = near == far
    again = np.zeros(near.size, bool)
    again[~loop] = _repeated(near[~loop], far[~loop], directed)
    kept = ~(loop | again)
    if not kept.any():
        raise ValueError(
            f"no edge is left of {len(table):,} rows: {missing.sum():,} miss an end, {loop.sum():,} are self-loops."
        )
    edges = pd.DataFrame({"source": one[kept].array, "target": two[kept].array})
    aside = pd.DataFrame(
        {
            "reason": ["missing_end", "self_loop", "repeated"],
            "rows": [int(missing.sum()), int(loop.sum()), int(again.sum())],
        }
    )
    counts = {
        "read": len(table),
        "kept": len(edges),
        "set_aside": int(aside["rows"].sum()),
        "people": np.union1d(near[kept], far[kept]).size,
    }
    return EdgeList(edges, aside, counts)


def independent_cascade(
    edges: pd.DataFrame,
    probability: float,
    *,
    introductions: int | Iterable[Hashable],
    runs: int,
    rng: np.random.Generator,
    directed: bool = False,
) -> pd.DataFrame:
    """Simulate how many people hear, when each person told tells each contact once with the same probability.

    Parameters
    ----------
    edges : DataFrame ``source, target``: two different people a row, each edge once (``load_edges`` makes such).
    probability : that one person tells one contact, 0 to 1.
    introductions : the people who begin, as a list of labels; or a count, of whom that many are drawn anew for each
        run, uniformly from everybody with an edge.
    runs : independent cascades, >= 1.
    rng : the same state, table and arguments give the same reaches.
    directed : if False talk may go both ways along an edge, each way tried at most once.

    Returns
    -------
    DataFrame, one row a run
        ``run`` (int, from 0), ``reach`` (int, people who hear, those who begin included).

    The reach is that of the end; when somebody hears is not in it. Without direction it is the size of the clusters of
    live ties that hold the introductions (bond percolation): cascades that go far are found by union-find, small and
    directed ones by breadth-first search; which one is chosen depends on the reaches of the runs before.
    Raises ValueError for self-loops, repeated edges, missing ends, unknown or repeated introductions, a probability
    outside 0 to 1. One probability for every edge is an assumption: nothing here is fitted to a platform.
    References: Kempe, Kleinberg & Tardos (2003), doi:10.1145/956750.956769; Newman (2002),
    doi:10.1103/PhysRevE.66.016128.
    """
    probability = _one_probability(probability)
    _check_runs(runs, rng)
    network = _network(edges, directed)
    order, count, anew = _order(introductions, network)
    reach = np.full(runs, count, np.int64)
    if probability > 0:
        _fill(reach, network, _skip_scale(probability), order, count, anew, rng)
    return pd.DataFrame({"run": np.arange(runs), "reach": reach})


def percolation_sweep(
    edges: pd.DataFrame, probabilities: Iterable[float], *, runs: int, rng: np.random.Generator
) -> pd.DataFrame:
    """How the clusters of live ties grow with the probability of telling: the whole curve in one pass a run.

    Parameters
    ----------
    edges : as in ``independent_cascade``; an edge is a tie, without direction.
    probabilities : of telling, each 0 to 1, in any order.
    runs : random orders in which the ties become live, >= 1.
    rng : the same state, table and arguments give the same curve.

    Returns
    -------
    DataFrame, one row a probability, in the order given
        ``probability``; ``mean_largest_share`` (of the people with an edge, in the largest cluster);
        ``mean_reach`` (people who hear from one introduction drawn uniformly, that one included: the mean of
        sum s^2 / people over cluster sizes s); ``susceptibility`` (the same sum without the largest cluster, in people:
        it peaks where talk begins to reach everybody); ``mean_largest_share_se``, ``mean_reach_se``,
        ``susceptibility_se`` (standard errors over runs; missing for one run).

    Between numbers of live ties the average is exact: binomial weights, not points drawn. The rows share their runs,
    so their errors go together and the curve is smooth.
    Raises ValueError as ``independent_cascade``.
    Reference: Newman & Ziff (2001), doi:10.1103/PhysRevE.64.016706.
    """
    wanted = _check_probabilities([probabilities] if np.isscalar(probabilities) else list(probabilities))
    _check_runs(runs, rng)
    network = _network(edges, directed=False)
    from cxresearch.cascade import percolation

    ascending, place = np.unique(wanted, return_inverse=True)
    windows = [_binomial_window(network.neighbours.size, p) for p in ascending.tolist()]
    low = np.array([start for start, _ in windows], np.int64)
    begin = np.concatenate([[0], np.cumsum([weights.size for _, weights in windows])])
    weights = np.concatenate([weights for _, weights in windows])
    ends = np.column_stack([_row_of(network), network.neighbours])
    found = np.empty((runs, ascending.size, 3))
    for run in found:
        percolation.sweep_run(ends, network.people, low, begin, weights, rng, run)
    mean = found.mean(axis=0)[place] / network.people
    se = (found.std(axis=0, ddof=1) / math.sqrt(runs) if runs > 1 else np.full_like(found[0], np.nan))[place]
    names = ("mean_largest_share", "mean_reach", "susceptibility")
    return pd.DataFrame(
        {"probability": wanted}
        | {name: mean[:, column] for column, name in enumerate(names)}
        | {f"{name}_se": se[:, column] / network.people for column, name in enumerate(names)}
    )


# --- the network in rows


@dataclass(frozen=True)
class _Network:
    """``first`` and ``neighbours`` as in ``percolation``; ``place`` of a code (-1: no edge); labels of the codes."""

    first: npt.NDArray[np.int64]
    neighbours: People
    place: People
    labels: pd.Index
    people: int
    directed: bool


def _network(edges: pd.DataFrame, directed: bool) -> _Network:
    one, two = _two_columns(edges, "source", "target")
    if one.empty:
        raise ValueError("the network needs at least one edge; the table is empty.")
    _refuse(edges, (one.isna() | two.isna()).to_numpy(), "miss an end")
    near, far, labels = _codes(one, two)
    _refuse(edges, near == far, "tie a person to themselves")
    from cxresearch.cascade import percolation

    ties = percolation.count_ties(near, far, len(labels))
    people = int(np.count_nonzero(ties))
    place = percolation.rank_by_ties(ties)
    first, neighbours = percolation.rows_of(near, far, place, people, directed)
    if percolation.count_repeats(first, neighbours):
        _refuse(edges, _repeated(near, far, directed), "repeat an edge")
    return _Network(first, neighbours, place, labels, people, directed)


def _row_of(network: _Network) -> People:
    """The person in whose row each edge stands."""
    return np.repeat(np.arange(network.people, dtype=np.int32), np.diff(network.first))


def _two_columns(table: pd.DataFrame, source: str, target: str) -> tuple[pd.Series, pd.Series]:
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"edges should be a DataFrame with columns source and target; got {type(table).__name__}.")
    absent = [name for name in (source, target) if name not in table.columns]
    if absent:
        raise ValueError(f"edges have no column {', '.join(map(repr, absent))}; there are {list(table.columns)}.")
    return table[source], table[target]


def _codes(one: pd.Series, two: pd.Series) -> tuple[People, People, pd.Index]:
    """Both ends as small whole numbers, and the labels these stand for (some may have no edge)."""
    one, two = one.infer_objects(), two.infer_objects()  # whole numbers beside a missing end
    if len(one) and pd.api.types.is_numeric_dtype(one) != pd.api.types.is_numeric_dtype(two):
        raise ValueError(f"one end holds {one.dtype}, the other {two.dtype}: nobody is in both. Use one kind of label.")
    if pd.api.types.is_integer_dtype(one) and pd.api.types.is_integer_dtype(two) and len(one):
        low, high = int(min(one.min(), two.min())), int(max(one.max(), two.max()))
        # Labels that nearly number the people are their own codes: no hash table of millions.
        if high - low < 4 * len(one) + 1024 and high < 2**62:
            codes = [np.empty(len(one), np.int32) for _ in range(2)]
            for column, code in zip((one, two), codes, strict=True):
                np.subtract(column.to_numpy(), low, out=code, dtype=np.int64, casting="unsafe")
            return codes[0], codes[1], pd.RangeIndex(low, high + 1)
    both, labels = pd.factorize(pd.concat([one, two], ignore_index=True))
    return both[: len(one)].astype(np.int32), both[len(one) :].astype(np.int32), pd.Index(labels)


def _repeated(one: People, two: People, directed: bool) -> npt.NDArray[np.bool_]:
    """Rows whose edge stands in an earlier row."""
    near, far = (one, two) if directed else (np.minimum(one, two), np.maximum(one, two))
    return pd.Series(near.astype(np.int64) << 32 | far).duplicated().to_numpy()


def _refuse(edges: pd.DataFrame, rows: npt.NDArray[np.bool_], what: str) -> None:
    if rows.any():
        at = int(np.argmax(rows))
        raise ValueError(
            f"{rows.sum():,} of {rows.size:,} edges {what}; the first is row {at}, "
            f"{edges['source'].iloc[at]!r} to {edges['target'].iloc[at]!r}. load_edges sets them aside."
        )


def _order(introductions: int | Iterable[Hashable], network: _Network) -> tuple[People, int, bool]:
    """People in the order in which they are introduced, how many are, and whether they are drawn anew for each run."""
    if isinstance(introductions, int | np.integer) and not isinstance(introductions, bool):
        if not 1 <= introductions <= network.people:
            raise ValueError(
                f"introductions, a count, must be 1 to {network.people:,} people; got {introductions}. "
                "To name a person, put the label in a list."
            )
        return np.arange(network.people, dtype=np.int32), int(introductions), True
    if isinstance(introductions, str | bytes) or not isinstance(introductions, Iterable):
        raise ValueError(f"introductions should be a count or a list of labels; got {introductions!r}.")
    labels = list(introductions)
    codes = network.labels.get_indexer(pd.Index(labels, tupleize_cols=False)) if labels else np.empty(0, np.intp)
    order = np.where(codes < 0, np.int32(-1), network.place[codes])
    if not labels or (order < 0).any():
        unknown = [label for label, place in zip(labels, order, strict=True) if place < 0]
        raise ValueError(
            f"{len(unknown):,} of {len(labels):,} introductions have no edge in the network: {unknown[:5]}."
            if labels
            else "introductions is an empty list; somebody must begin."
        )
    if np.unique(order).size < order.size:
        raise ValueError(f"introductions name {order.size - np.unique(order).size:,} people more than once.")
    return order, len(labels), False


# --- chance


def _fill(
    reach: npt.NDArray[np.int64],
    network: _Network,
    scale: float,
    order: People,
    count: int,
    anew: bool,
    rng: np.random.Generator,
) -> None:
    """Runs in growing batches, each by what was cheaper for the reaches so far; union-find first."""
    from cxresearch.cascade import percolation

    rows: tuple[npt.NDArray[Any], People] | None = (network.first, network.neighbours) if network.directed else None
    searching, done = network.directed, 0
    while done < reach.size:
        batch = reach[done : done + max(done, PILOT_RUNS)]
        small = network.directed or (done > 0 and reach[:done].mean() * SEARCH_COST < network.people)
        if rows is None or small != searching:
            searching, rows = small, None  # the one form makes room for the other
            rows = (
                percolation.both_ways(network.first, network.neighbours)
                if searching
                else (_row_of(network), network.neighbours)
            )
        runs = percolation.search_runs if searching else percolation.cluster_runs
        runs(network.people, *rows, scale, order, count, anew, rng, batch)
        done += batch.size


def _skip_scale(probability: float) -> float:
    """Mean of the exponential whose whole part is the number of silent edges before a live one."""
    return 0.0 if probability == 1 else -1 / math.log1p(-probability)


def _binomial_window(ties: int, probability: float) -> tuple[int, npt.NDArray[np.float64]]:
    """First number of live ties that matters, and the binomial weights from there on; they sum to 1.

    By ratios outwards from the mode: no gamma function, whose digits would be lost with millions of ties.
    """
    if probability in (0, 1):
        return int(ties * probability), np.ones(1)
    mean = ties * probability
    # Bernstein's bound: less than exp(-TAIL) lies beyond this on either side.
    half = math.sqrt(2 * TAIL * mean * (1 - probability)) + 2 / 3 * TAIL
    low, high = max(0, math.floor(mean - half)), min(ties, math.ceil(mean + half))
    mode = min(ties, math.floor((ties + 1) * probability))
    up, down = np.arange(mode, high, dtype=float), np.arange(mode, low, -1, dtype=float)
    rise = np.cumprod((ties - up) / (up + 1) * probability / (1 - probability))
    fall = np.cumprod(down / (ties - down + 1) * (1 - probability) / probability)
    weights = np.concatenate([fall[::-1], [1.0], rise])
    return low, weights / weights.sum()


def _one_probability(probability: Any) -> float:
    found = _check_probabilities(probability)
    if found.size > 1:
        raise ValueError(f"one probability holds for everybody; got {found.size}. percolation_sweep takes several.")
    return float(found[0])


def _check_probabilities(probabilities: Any) -> npt.NDArray[np.float64]:
    found = np.atleast_1d(np.asarray(probabilities, dtype=float))
    if found.size == 0:
        raise ValueError("probabilities is empty; name at least one.")
    refused = ~((found >= 0) & (found <= 1))
    if refused.any():
        raise ValueError(
            f"a probability must be 0 to 1; {refused.sum()} of {found.size} are not, the first is {found[refused][0]}."
        )
    return found


def _check_runs(runs: int, rng: Any) -> None:
    if not isinstance(runs, int | np.integer) or runs < 1:
        raise ValueError(f"runs must be a whole number >= 1; got {runs!r}.")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"rng should be a numpy Generator, as from numpy.random.default_rng(7); got {type(rng).__name__}."
        )
