"""Compiled loops behind ``cascade``: people in rows of a network, live ties drawn by skipping, clusters and searches.

Importing this module imports numba. The first call of each function on a machine compiles it (a second or so) and
keeps the result beside the source, where that can be written to. People are 0, 1, 2, ... in order of falling number of ties: the best connected
sit close together in memory, where most look-ups go.

A row format: the ties of person i are ``neighbours[first[i]:first[i + 1]]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cxresearch.compiled import compiled

Ints = npt.NDArray[np.int64]
People = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

FAR = np.int64(2**62)  # a skip beyond the end of any network
BLOCK = 512  # ties drawn before they are joined: one far look-up then need not wait for the last


@compiled()
def count_ties(source: People, target: People, labels: int) -> Ints:
    """How many rows name each label."""
    ties = np.zeros(labels, np.int64)
    for row in range(source.size):
        ties[source[row]] += 1
        ties[target[row]] += 1
    return ties


@compiled()
def rank_by_ties(ties: Ints) -> People:
    """Place of each label in order of falling number of ties (equal ones in order of label); -1 without a tie."""
    most = ties.max()
    place = np.zeros(most + 2, np.int64)
    for count in ties:
        place[most - count + 1] += 1
    for step in range(1, most + 2):
        place[step] += place[step - 1]
    rank = np.full(ties.size, -1, np.int32)
    for label in range(ties.size):
        if ties[label]:
            rank[label] = place[most - ties[label]]
            place[most - ties[label]] += 1
    return rank


@compiled()
def rows_of(source: People, target: People, rank: People, people: int, directed: bool) -> tuple[Ints, People]:
    """Rows of the network: a directed edge in the row of its source, a tie once, in the row of the higher place."""
    first = np.zeros(people + 2, np.int64)
    for row in range(source.size):
        one, other = rank[source[row]], rank[target[row]]
        first[(one if directed or one > other else other) + 2] += 1
    for person in range(people):
        first[person + 2] += first[person + 1]
    neighbours = np.empty(source.size, np.int32)
    for row in range(source.size):
        one, other = rank[source[row]], rank[target[row]]
        if not directed and one < other:
            one, other = other, one
        neighbours[first[one + 1]] = other
        first[one + 1] += 1
    return first[:-1], neighbours


@compiled()
def count_repeats(first: Ints, neighbours: People) -> int:
    """Entries that their row already holds."""
    people = first.size - 1
    last_seen_by = np.full(people, -1, np.int32)
    repeats = 0
    for person in range(people):
        for tie in range(first[person], first[person + 1]):
            if last_seen_by[neighbours[tie]] == person:
                repeats += 1
            last_seen_by[neighbours[tie]] = person
    return repeats


@compiled()
def both_ways(first: Ints, neighbours: People) -> tuple[Ints, People]:
    """Rows in which each tie stands twice, once for each of its ends."""
    people = first.size - 1
    begin = np.zeros(people + 2, np.int64)
    for person in range(people):
        begin[person + 2] += first[person + 1] - first[person]
    for other in neighbours:
        begin[other + 2] += 1
    for person in range(people):
        begin[person + 2] += begin[person + 1]
    doubled = np.empty(2 * neighbours.size, np.int32)
    for person in range(people):
        for tie in range(first[person], first[person + 1]):
            other = neighbours[tie]
            doubled[begin[person + 1]] = other
            begin[person + 1] += 1
            doubled[begin[other + 1]] = person
            begin[other + 1] += 1
    return begin[:-1], doubled


@compiled(inline="always")
def _skip(rng: Any, scale: float) -> Any:
    """How many ties stay silent before the next live one: geometric, as the whole part of an exponential.

    ``scale`` is -1 / log(1 - probability). Written so that infinity and NaN end up far beyond the last tie.
    """
    gap = rng.standard_exponential() * scale
    return np.int64(gap) if gap < 4e18 else FAR


@compiled(inline="always")
def _place_from(place: Any, size: Any, rng: Any) -> Any:
    """A whole number from ``place`` to below ``size``, uniform to one part in 2^53 / size."""
    return place + np.int64(rng.random() * (size - place))


@compiled(inline="always")
def _draw_introductions(order: People, introductions: int, rng: Any) -> None:
    """Bring a uniform draw of distinct people to the front of ``order``."""
    for place in range(introductions):
        other = _place_from(place, order.size, rng)
        order[place], order[other] = order[other], order[place]


@compiled(inline="always")
def _root_before(parent: People, person: Any) -> Any:
    """Root of a tree whose parents stand before their children; shortens the way."""
    while parent[person] != person:
        parent[person] = parent[parent[person]]
        person = parent[person]
    return person


@compiled()
def cluster_runs(
    people: int,
    upper: People,
    lower: People,
    scale: float,
    order: People,
    introductions: int,
    anew: bool,
    rng: Any,
    reach: Ints,
) -> None:
    """Fill ``reach`` with the size of the clusters of live ties that hold the introductions, by union-find.

    Ties in ascending order of ``upper``, each with ``lower`` < ``upper``. When the ties of a person come up, nobody
    hangs on that person yet, so the first live one needs no search; only further ones join two clusters.
    """
    parent = np.empty(people, np.int32)
    told = np.empty(people, np.bool_)
    one_end, other_end = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    for run in range(reach.size):
        for person in range(people):
            parent[person] = person
        live = _skip(rng, scale)
        while live < lower.size:
            drawn = 0
            while drawn < BLOCK and live < lower.size:
                one_end[drawn], other_end[drawn] = upper[live], lower[live]
                drawn += 1
                live += 1 + _skip(rng, scale)
            for tie in range(drawn):
                person, other = one_end[tie], other_end[tie]
                if parent[person] == person:
                    parent[person] = parent[other]
                else:
                    one, two = _root_before(parent, person), _root_before(parent, other)
                    parent[max(one, two)] = min(one, two)
        if anew:
            _draw_introductions(order, introductions, rng)
        told[:] = False
        for place in range(introductions):
            told[_root_before(parent, order[place])] = True
        heard = 0
        for person in range(people):  # a parent stands before its children, so one pass is enough
            told[person] = told[parent[person]]
            heard += told[person]
        reach[run] = heard


@compiled()
def search_runs(
    people: int,
    first: Ints,
    neighbours: People,
    scale: float,
    order: People,
    introductions: int,
    anew: bool,
    rng: Any,
    reach: Ints,
) -> None:
    """Fill ``reach`` with the number of people told, by breadth-first search along live edges.

    Rows hold the edges out of a person (``both_ways`` for ties). The skip runs on from row to row: the number of
    silent edges still ahead has no memory of the row it began in.
    """
    told_in = np.full(people, -1, np.int32)
    waiting = np.empty(people, np.int32)
    for run in range(reach.size):
        if anew:
            _draw_introductions(order, introductions, rng)
        heard = 0
        for place in range(introductions):
            told_in[order[place]] = run
            waiting[heard] = order[place]
            heard += 1
        silent = _skip(rng, scale)
        speaking = 0
        while speaking < heard:
            person = waiting[speaking]
            speaking += 1
            edge, last = first[person], first[person + 1]
            while silent < last - edge:
                edge += silent
                other = neighbours[edge]
                if told_in[other] != run:
                    told_in[other] = run
                    waiting[heard] = other
                    heard += 1
                edge += 1
                silent = _skip(rng, scale)
            silent -= last - edge
        reach[run] = heard


@compiled(inline="always")
def _root_of_size(parent: People, person: Any) -> Any:
    """Root of a tree whose root holds minus its size; shortens the way."""
    while parent[person] >= 0:
        above = parent[person]
        if parent[above] >= 0:
            parent[person] = parent[above]
        person = above
    return person


@compiled(inline="always")
def _draw_ties(ends: People, begin: Any, end: Any, rng: Any) -> None:
    """Draw which ties stand in the places from ``begin`` to below ``end``, out of all that are not before them."""
    for place in range(begin, end):
        drawn = _place_from(place, len(ends), rng)
        one, two = ends[drawn, 0], ends[drawn, 1]
        ends[drawn, 0], ends[drawn, 1] = ends[place, 0], ends[place, 1]
        ends[place, 0], ends[place, 1] = one, two


@compiled()
def sweep_run(ends: People, people: int, low: Ints, begin: Ints, weights: Floats, rng: Any, found: Floats) -> None:
    """Make the ties live one by one in random order; average what the clusters are over windows of their number.

    ``ends``: the two ends of each tie, left in another order. Window i weighs ``low[i] + j`` live ties by
    ``weights[begin[i] + j]``; windows in ascending order of ``low``. ``found`` gets, by window, the largest cluster,
    the sum of squared cluster sizes, and that sum without the largest.
    """
    ties, windows = len(ends), low.size
    parent = np.full(people, -1, np.int32)
    largest, squares = np.int64(1), np.int64(people)
    found[:] = 0.0
    oldest, newest, drawn = 0, 0, 0
    for live in range(ties + 1):
        while newest < windows and low[newest] <= live:
            newest += 1
        while oldest < newest and live - low[oldest] >= begin[oldest + 1] - begin[oldest]:
            oldest += 1
        for window in range(oldest, newest):
            within = live - low[window]
            if within < begin[window + 1] - begin[window]:
                weight = weights[begin[window] + within]
                found[window, 0] += weight * largest
                found[window, 1] += weight * squares
                found[window, 2] += weight * (squares - largest * largest)
        if oldest == windows or live == ties:
            break
        if live == drawn:
            drawn = min(drawn + BLOCK, ties)
            _draw_ties(ends, live, drawn, rng)
        one, two = _root_of_size(parent, ends[live, 0]), _root_of_size(parent, ends[live, 1])
        if one != two:
            squares += 2 * np.int64(parent[one]) * np.int64(parent[two])
            if parent[one] > parent[two]:
                one, two = two, one
            parent[one] += parent[two]
            parent[two] = one
            largest = max(largest, -np.int64(parent[one]))
