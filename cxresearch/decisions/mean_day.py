"""The mean day of some days, hour by hour: the team that explains its losses, and what another team would lose.

The load of an hour differs from day to day by more than chance, and whoever is answered does not call again: without the
first what one more agent saves came out 9 % too high in simulated worlds, with the second alone 17 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from cxresearch.decisions.days import HOURS, Days
from cxresearch.decisions.loss_curves import Waiting, check_load, share_left, waiting_curve
from cxresearch.queueing import FEWEST_CONTACTS
from cxresearch.risk_table import Floats, Integers

_STEP = 0.18  # between loads, on a log scale
_FINE = 0.01  # between multiples of the mean load
_MOST = 1.5  # times the load, where agents are taken away and more call again
_ROUNDS = 4  # of who calls again: each leaves at most a third of what was missing
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_BUSY_PER_H = 5.0  # hours with fewer contacts tell little of how days differ


@dataclass(frozen=True)
class Room:
    """What will be asked of a model: the ``most_contained`` share, agents taken away (``fewest``, <= 0) or added (``most``)."""

    most_contained: float = 0.0
    fewest: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, eq=False)
class Hour:
    """One hour of the mean day: ``agents`` in effect, who ``asked`` and ``left``; ``lost``: multiple of the load x team,
    ``first`` the smallest team."""

    asked: float
    left: float
    agents: float
    first: int
    lowest: float
    lost: Floats

    def loses(self, multiple: float, agents: float) -> float:
        """Who leaves, of ``multiple`` times the load, with ``agents``; a team in part is two teams in turn."""
        row = min(max((multiple - self.lowest) / _FINE, 0.0), len(self.lost) - 1.001)
        column = min(max(agents - self.first, 0.0), self.lost.shape[1] - 1.001)
        i, j = int(row), int(column)
        u, v = row - i, column - j
        (a, b), (c, d) = self.lost[i : i + 2, j : j + 2].tolist()
        return float((1 - u) * ((1 - v) * a + v * b) + u * ((1 - v) * c + v * d))

    def left_with(self, *, extra: float, contained: float, redials: float) -> float:
        """Who would leave with ``extra`` agents and a bot that settles the share ``contained`` of first tries.

        ``redials``: of those who leave, the share that tries again in the same hour because of it.
        """
        if not extra and not contained:
            return self.left
        agents = max(self.agents + extra, 0.0)
        first = (self.asked - redials * self.left) * (1 - contained)
        left = self.left
        for _ in range(_ROUNDS if redials else 1):
            left = self.loses((first + redials * left) / self.asked, agents)
        return left


@dataclass(frozen=True, eq=False)
class Means:
    """What a fit rests on, of days that count by their weights: means a day by hour (``handle_s`` each, of one contact; the
    day's where an hour has none), ``waiting`` and ``spread`` of :func:`load_spread`; ``days`` they sum to, ``told`` contacts
    of all days by hour."""

    asked: Floats
    left: Floats
    handle_s: Floats
    waiting: Waiting
    spread: float
    days: float
    told: Floats


def means_of(days: Days, weights: Floats | None = None) -> Means:
    """Days count by ``weights`` (default: all alike)."""
    w = np.ones(len(days)) if weights is None else weights
    total = float(w.sum())
    handled, handle_s = w @ days.handled, w @ days.handle_s
    each_s = np.divide(handle_s, handled, out=np.full(HOURS, handle_s.sum() / handled.sum()), where=handled > 0)
    return Means(
        w @ days.asked / total, w @ days.left / total, each_s, waiting_curve(w @ days.waits, w @ days.gave_up),
        load_spread(days.asked, w), total, days.asked.sum(axis=0),
    )  # fmt: skip


def mean_day(
    days: Days, weights: Floats | None = None, *, room: Room, near: dict[int, Hour] | None = None, only: tuple[int, ...] = ()
) -> dict[int, Hour]:  # fmt: skip
    """The hours that tell a team, of days that count by ``weights``: :func:`hours_of` their :func:`means_of`."""
    return hours_of(means_of(days, weights), room=room, near=near, only=only)


def hours_of(
    means: Means, *, room: Room, near: dict[int, Hour] | None = None, only: tuple[int, ...] = ()
) -> dict[int, Hour]:
    """The hours that tell a team.

    An hour needs ``queueing.FEWEST_CONTACTS``. The team in effect of an hour is the one, whole or in part, at which as many
    leave as left; where nobody left, half a contact. ``near``: a fit of the same days, from which to search. ``only``:
    these hours alone.
    """
    sd = math.sqrt(math.log1p(means.spread))
    # The multiples lie about 1, so that the day as it is needs no interpolation.
    below = math.ceil((1 - 0.6 * (1 - room.most_contained)) / _FINE)
    lowest, reach = 1 - below * _FINE, 2.9 * sd + 0.02
    loads: Floats = np.arange(math.log(lowest) - reach, math.log(_MOST) + reach + _STEP, _STEP)
    multiples: Floats = 1 + _FINE * np.arange(-below, round((_MOST - 1) / _FINE) + 2, dtype=np.float64)
    mixing = _mixing(loads, multiples, sd)
    found = {}
    for hour in range(HOURS):
        if means.told[hour] < FEWEST_CONTACTS or (only and hour not in only):
            continue
        asked, own_s = float(means.asked[hour]), float(means.handle_s[hour])
        check_load(asked, own_s)
        target = max(float(means.left[hour]), 0.5 / means.days)
        start = near[hour].agents if near is not None else asked * (1 - target / asked) * own_s / 3600
        found[hour] = _hour(means.waiting, asked, target, own_s, start, room, np.exp(loads), mixing, lowest, multiples)
    return found


def left_if_hastier(days: Days, hours: Mapping[int, Hour], hastier: float) -> float:
    """Who would leave a day, in all these hours with the teams in effect, if everybody gave up ``hastier`` times as readily
    at any moment (1: as many as leave)."""
    sd = math.sqrt(math.log1p(load_spread(days.asked, np.ones(len(days)))))
    reach = 2.9 * sd + 2 * _STEP
    loads: Floats = np.arange(-reach, reach + _STEP, _STEP)
    mixing = _mixing(loads, np.array([1.0]), sd)
    waits = days.waits.sum(axis=0)
    curves = [waiting_curve(waits, factor * days.gave_up.sum(axis=0)) for factor in (1.0, hastier)]
    total = 0.0
    for hour, one in hours.items():
        handled = days.handled[:, hour].sum()
        own_s = float(days.handle_s[:, hour].sum() / handled) if handled > 0 else days.mean_handle_s
        first = math.floor(one.agents)
        teams: Integers = np.arange(first, first + 2)
        lost = [(mixing @ share_left(curve, one.asked * np.exp(loads), own_s, teams))[0] for curve in curves]
        now, then = (float(both @ [first + 1 - one.agents, one.agents - first]) for both in lost)
        total += one.left * then / now
    return total


def load_spread(asked: Floats, weights: Floats) -> float:
    """The variance of the load of an hour between days beyond that of chance, over its square; one for all hours."""
    total = float(weights.sum())
    mean = weights @ asked / total
    busy = mean > _BUSY_PER_H
    if not busy.any() or total <= 1:
        return 0.0
    variance = weights @ (asked - mean) ** 2 / (total - 1)
    return max(0.0, float((variance - mean)[busy].sum() / (mean[busy] ** 2).sum()))


def _mixing(loads: Floats, multiples: Floats, sd: float) -> Floats:
    """From shares lost at ``loads`` (logarithms, over the mean) to contacts lost, over the mean load, at ``multiples`` of it.

    The load of a day is lognormal about its mean; its mean is taken by quadrature, and between loads by a cubic spline.
    """
    days = np.exp(sd * _NODES - sd**2 / 2)
    at = multiples[:, None] * days
    spline = CubicSpline(loads, np.eye(len(loads)))(np.log(at))
    return np.asarray(np.einsum("mg,mgl->ml", at * (_WEIGHTS / _WEIGHTS.sum()), spline))


def _hour(
    waiting: Waiting, asked: float, target: float, handle_s: float, start: float, room: Room, loads: Floats, mixing: Floats,
    lowest: float, multiples: Floats,
) -> Hour:  # fmt: skip
    guess = max(start, 0.0)
    here = int(np.argmin(np.abs(multiples - 1)))
    while True:
        first = max(math.floor(guess + room.fewest) - 2, 0)
        teams: Integers = np.arange(first, math.floor(guess + room.most) + 4)
        lost = asked * (mixing @ share_left(waiting, asked * loads, handle_s, teams))
        now = lost[here]
        if now[-1] > target:
            guess += len(teams) - 1
        elif first and now[0] < target:
            guess = max(guess - len(teams) + 1, 0.0)
        else:
            place = int(np.searchsorted(-now, -target))
            agents = (
                float(first) if place == 0 else first + place - (target - now[place]) / (now[place - 1] - now[place])
            )
            if (first and agents + room.fewest < first) or agents + room.most > teams[-1]:
                guess = agents
                continue
            return Hour(asked, target, agents, first, lowest, lost)
