"""What actions save on the mean day of a period, and how sure that is: everything drawn again together, by day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cxresearch.contacts import PeriodLog
from cxresearch.decisions.days import Days, Later, days_of, later_of, refuse_unknown
from cxresearch.decisions.mean_day import Hour, left_if_hastier, mean_day
from cxresearch.decisions.proposals import (
    ANNOUNCED,
    ASSUMED,
    DIAL_S,
    REACHED,
    Action,
    assumed_range,
    room_for,
    saved,
)
from cxresearch.risk_table import FEWEST_DAYS, DayClusters, Floats

if TYPE_CHECKING:
    from cxresearch.decisions.queue_order import QueueOrder

DRAWS, SEED = 200, 1999  # the same log gives the same numbers
MODEL_SD = float(ASSUMED.loc["model_error", "value"])  # beyond what days explain, on a log scale
REDIALS_ASSUMED = assumed_range("redial_share_1h")  # where the log does not tell
FEWEST_FOLLOWED = 30
_MOST_REDIALS = 0.9
_LEAST_SHAPE = 0.2  # of the weights of days: below it one day would be the whole period


class Weighed(NamedTuple):
    """Of one action: contacts saved and agent hours taken, a day, and both in every draw (empty with too few days)."""

    saved: float
    hours: float
    saved_drawn: Floats
    hours_drawn: Floats

    def limits(self) -> tuple[float, float]:
        if not len(self.saved_drawn):
            return math.nan, math.nan
        lower, upper = np.quantile(self.saved_drawn, [0.025, 0.975])
        return float(lower), float(upper)


class Redials(NamedTuple):
    """Of those who leave, the share that tries again within the hour because of it: its middle and its range."""

    share: float
    lower: float
    upper: float
    measured: bool


class Draw(NamedTuple):
    """How much each day counts, and what is assumed: who calls again, who is reached, seconds of a try, the model's miss, how
    much faster they give up who were told."""

    weights: Floats
    redials: float
    reached: float
    dial_s: float
    miss: float
    hastier: float


@dataclass(frozen=True, eq=False)
class Weighing:
    """The fully open days of a period, and the model of their mean day.

    ``hours`` is :func:`mean_day` of them, ``later`` what customers did after they gave up, None where it is not known.
    """

    days: Days
    weekdays: tuple[int, ...]
    hours: dict[int, Hour]
    later: Later | None
    redials: Redials
    mine: PeriodLog

    def __getstate__(self) -> dict[str, Any]:
        """It goes to another process without the rows of its log, with what was worked out of them."""
        return {**self.__dict__, "mine": None}

    @classmethod
    def of(cls, mine: PeriodLog) -> Weighing:
        """Of the same period the same object.

        Raises ValueError as :func:`refuse_unknown`, where no weekday is fully open and where no hour tells a team.
        """
        return mine.once(cls, lambda: cls._of(mine))

    @classmethod
    def _of(cls, mine: PeriodLog) -> Weighing:
        refuse_unknown(mine)
        every = days_of(mine)
        week = mine.calendar
        weekdays = tuple(int(day) for day in week.loc[week["fully_open"], "weekday"])
        days = every.on(weekdays)
        if not len(days):
            raise ValueError(f"no weekday is fully open in {mine.label}")
        if not days.handled.sum():
            raise ValueError("no handle_s is known on the weekdays that are fully open")
        hours = mean_day(days, room=room_for([]))
        if not any(one.agents > 0 for one in hours.values()):
            raise ValueError("no hour with thirty contacts has an agent in effect")
        later = later_of(mine, days)
        return cls(days, weekdays, hours, later, redial_range(later, np.ones(len(days))), mine)

    @cached_property
    def order(self) -> QueueOrder | None:
        """One queue served first (:func:`queue_order`)."""
        from cxresearch.decisions.queue_order import queue_order  # numba, only where queues are simulated

        days = self.days
        handled = days.handled.sum(axis=0)
        mean_s = np.full(len(handled), days.mean_handle_s)
        handle_s = np.divide(days.handle_s.sum(axis=0), handled, out=mean_s, where=handled > 0)
        return queue_order(self.mine, days.day, self.hours, handle_s)

    @cached_property
    def hastier(self) -> Floats:
        """Of those who leave, the share that would not if the wait were announced, at both ends of ``ANNOUNCED``."""
        now = sum(one.left for one in self.hours.values())
        return 1 - np.array([left_if_hastier(self.days, self.hours, factor) for factor in ANNOUNCED]) / now

    def weigh(self, actions: Sequence[Action], *, only: tuple[int, ...] = ()) -> tuple[list[Weighed], Floats]:
        """Each action, and what one more agent saves in each hour, draws x 24 (NaN where an hour tells no team).

        ``only``: hours that matter, where not all do.
        """
        room = room_for(actions)
        whole = mean_day(self.days, room=room, near=self.hours, only=only)
        point = self.found(actions, whole, self.middle)
        drawn = []
        draws = self.draws()
        more = np.full((len(draws), 24), np.nan)
        for row, one in enumerate(draws):
            hours = mean_day(self.days, one.weights, room=room, near=whole, only=only)
            for hour, fit in hours.items():
                more[row, hour] = saved(fit, 1.0, one.redials) * one.miss
            drawn.append(self.found(actions, hours, one))
        table = np.array(drawn).reshape(len(drawn), len(actions), 2)
        return [Weighed(*point[n], table[:, n, 0], table[:, n, 1]) for n in range(len(actions))], more

    @property
    def middle(self) -> Draw:
        """All days alike, and the middle of what is assumed."""
        return Draw(
            np.ones(len(self.days)), self.redials.share, sum(REACHED) / 2, sum(DIAL_S) / 2, 1.0, sum(ANNOUNCED) / 2
        )

    def draws(self, n: int | None = None) -> list[Draw]:
        """The draws, ``DRAWS`` of them, the same for the same log; none with too few days."""
        rng = np.random.default_rng(SEED)
        found = []
        few = len(self.days) < FEWEST_DAYS
        for w in [] if few else day_weights(self.days, DRAWS if n is None else n, rng):
            low, high = redial_range(self.later, w)[1:3]
            found.append(Draw(
                w, rng.uniform(low, high), rng.uniform(*REACHED), rng.uniform(*DIAL_S), math.exp(MODEL_SD * rng.standard_normal()),
                rng.uniform(*ANNOUNCED),
            ))  # fmt: skip
        return found

    def found(self, actions: Sequence[Action], hours: dict[int, Hour], draw: Draw) -> list[tuple[float, float]]:
        """Contacts saved and agent hours taken by each action, with the ``hours`` of that ``draw``."""
        found, w = [], draw.weights
        for action in actions:
            there = float(w @ np.isin(self.days.weekday, action.weekdays)) / w.sum() if action.weekdays else 1.0
            if action.call_back:
                found.append(self._call_back(draw))
                continue
            if action.first:
                gain = math.nan if self.order is None else float(w @ self.order.saved) / w.sum()
                found.append((gain * draw.miss, 0.0))
                continue
            if action.announced:
                share = float(
                    np.interp(draw.hastier, (ANNOUNCED[0], 1.0, ANNOUNCED[1]), (self.hastier[0], 0.0, self.hastier[1]))
                )
                found.append((share * sum(one.left for one in hours.values()) * draw.miss, 0.0))
                continue
            gain = 0.0
            for hour, one in hours.items():
                extra = action.agents_at(hour)
                if extra or action.contained_share:
                    left = one.left_with(extra=extra, contained=action.contained_share, redials=draw.redials)
                    gain += one.left - left
            found.append((gain * there * draw.miss, action.agent_hours * there))
        return found

    def _call_back(self, draw: Draw) -> tuple[float, float]:
        """Different customers a day, of those who could be followed; of a day that could not, as many."""
        if self.later is None:
            return math.nan, math.nan
        counts, w = self.later.counts, draw.weights
        followed = float(w @ counts["followed"])
        calls = (
            float(w @ self.later.unanswered) / followed * float(w @ counts["left_known"]) / w.sum() if followed else 0.0
        )
        handle_s = float(w @ self.days.handle_s.sum(axis=1)) / float(w @ self.days.handled.sum(axis=1))
        # Who is not reached at first is tried once more.
        seconds = (2 - draw.reached) * draw.dial_s + draw.reached * handle_s
        return calls * draw.reached, calls * seconds / 3600


def day_weights(days: Days, draws: int, rng: np.random.Generator) -> Floats:
    """How much each day counts, draws x days: about 1, never below 0, their sum the number of days.

    Dirichlet weights whose variance is that of days drawn again, made as much larger as the mean of days is less sure where
    neighbouring days hang together (AR(1) of their losses).
    """
    n = len(days)
    left, asked = days.left.sum(axis=1), days.asked.sum(axis=1)
    away = (left - left.mean()) / (left.mean() or 1.0)
    r = DayClusters(
        day=days.day, weekday=days.weekday, size=asked / asked.mean(), share=np.full(n, 1 / n), deviations=away[:, None]
    ).correlation
    shape = max(((n - 1) / less_sure(r, n) - 1) / n, _LEAST_SHAPE)
    return n * rng.dirichlet(np.full(n, shape), draws)


def less_sure(correlation: float, days: int) -> float:
    """By how much more the mean of so many days varies than if they were independent, where each hangs together with the
    next (AR(1))."""
    steps = np.arange(1, days)
    return 1 + 2 * float(((1 - steps / days) * correlation**steps).sum())


def redial_range(later: Later | None, w: Floats) -> Redials:
    """By how much more often those who gave up call again within the hour than those who were answered.

    Between "whoever is not known never does" and "they do as the known"; ``REDIALS_ASSUMED`` where too few are known.
    """
    if later is not None:
        followed, again, others, others_again, known, left = (
            float(w @ later.counts[name])
            for name in ("followed", "again_1h", "others_followed", "others_again_1h", "left_known", "left")
        )
        enough = min(later.counts[name].sum() for name in ("followed", "others_followed")) >= FEWEST_FOLLOWED
        if enough and followed > 0 and others > 0:
            more = min(max(again / followed - others_again / others, 0.0), _MOST_REDIALS)
            low = more * min(known / left, 1.0)
            return Redials((low + more) / 2, low, more, measured=True)
    low, high = REDIALS_ASSUMED
    return Redials((low + high) / 2, low, high, measured=False)
