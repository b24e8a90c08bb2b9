"""Actions as data: what somebody may do, read from mappings as a report's TOML has them, and a set made from the log."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxresearch.decisions.mean_day import Hour, Room
from cxresearch.impact import DECISION, load_assumptions

if TYPE_CHECKING:
    from cxresearch.decisions.queue_order import QueueOrder

MODEL_ALONE = "the queue model alone"
BLOCK_H = 3  # a shift shorter than this is seldom one that can be added
MOST_CONTAINED = 0.5
# What is assumed stands in the register, with where it comes from and how to measure it.
ASSUMED = load_assumptions(part=DECISION).set_index("name")


def assumed_range(name: str) -> tuple[float, float]:
    return float(ASSUMED.loc[name, "low"]), float(ASSUMED.loc[name, "high"])


CONTAINED = assumed_range("contained_share")
REACHED, DIAL_S = assumed_range("reached_share"), assumed_range("dial_s")
ANNOUNCED = assumed_range("announced_hazard_ratio")  # how much faster callers give up who were told how long it takes
# How actions and what they assume are called, in tables and files; who shows them in another language knows them by it.
ONE_MORE, MOVED, FIRST = (
    "one more agent from {start} to {end} h",
    "one agent moved from {quiet} to {then} h to {worst} to {last} h",
    "{queue} first",
)
CALL_BACK, PROMISE, BOT = (
    "call back who is known and was not answered in 24 h", "promise the wait, and keep it", "a bot settles {share} %",
)  # fmt: skip
SPAN, SHIFT_MOVES = "from {start} to {end} h", "an hour of a shift can be moved"
REACHED_SO = "{low} to {high} % are reached, {quick} to {slow} s a try; none was answered unseen"
TOLD_SO = "who is told the wait gives up from {slower} % less readily to {faster} % more; the log does not say which"
BOT_SO = "that {share} % of first tries are settled, at all hours alike; what the bot costs is not in it"
ORDER_SO = (
    "simulated: {more} more of {queue} stay a day and {fewer} fewer of all others, who wait longer; the losses of today fit "
    "'{today}' best"
)
UNCOUNTED = "{spans} too few contacts tell a team, and nothing saved is counted"
ACTION_NAMES = (ONE_MORE, MOVED, CALL_BACK, PROMISE, BOT)
ACTION_ASSUMES = (MODEL_ALONE, SHIFT_MOVES, REACHED_SO, TOLD_SO, BOT_SO, ORDER_SO)
_EXAMPLE = '[[actions]] name = "two more in the evening", agents = 2, hours = [18, 22]'
_KEYS = ("name", "agents", "hours", "weekdays", "contained_share")


class ActionError(ValueError):
    """An action or a price that cannot be read; the message says what to write."""


@dataclass(frozen=True)
class Action:
    """One thing to do on every day that is fully open, or on some ``weekdays`` (1 Monday to 7 Sunday) of these.

    ``shifts``: ``(agents, from hour, to hour)``, agents added (or, negative, taken away), whole or in part.
    ``contained_share``: of first tries, settled by a bot. ``call_back``: call those who gave up, are known and were not
    answered in the next 24 hours. ``assumed``: what it rests on besides the log.
    """

    name: str
    shifts: tuple[tuple[float, int, int], ...] = ()
    contained_share: float = 0.0
    call_back: bool = False
    announced: bool = False
    first: str = ""
    weekdays: tuple[int, ...] = ()
    assumed: str = MODEL_ALONE

    def __post_init__(self) -> None:
        if not 0 <= self.contained_share <= MOST_CONTAINED:
            raise ActionError(
                f"action {self.name!r}: contained_share is a share up to {MOST_CONTAINED}; got {self.contained_share!r}."
            )

    @property
    def rests_on_model(self) -> bool:
        """On the queue model alone."""
        return self.assumed == MODEL_ALONE and bool(self.shifts)

    def agents_at(self, hour: int) -> float:
        return sum(agents for agents, start, end in self.shifts if start <= hour < end)

    @property
    def agent_hours(self) -> float:
        return sum(agents * (end - start) for agents, start, end in self.shifts)


def own_actions(given: Sequence[Mapping[str, Any] | Action]) -> list[Action]:
    """Actions as a report's ``[[actions]]`` say them.

    Each has a ``name``, and either ``agents`` (more, or fewer where negative) with ``hours = [from, to]``, or
    ``contained_share`` (of first tries, settled by a bot); ``weekdays`` where it is not for all. Raises ActionError for
    anything else, with the line to write.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ActionError(f"actions are a list, each under its own [[actions]]: {_EXAMPLE}; got {given!r}.")
    read = [one if isinstance(one, Action) else _read(one) for one in given]
    names = [one.name for one in read]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ActionError(f"two actions have the name {twice[0]!r}; give each its own.")
    return read


def _read(one: Any) -> Action:
    if not isinstance(one, Mapping):
        raise ActionError(f"an action is a table, as in {_EXAMPLE}; got {one!r}.")
    name = one.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ActionError('an action needs a name: name = "two more from 18 to 22 h"')
    where = f"action {name!r}:"
    if unknown := sorted(set(one) - set(_KEYS)):
        raise ActionError(f"{where} {unknown[0]!r} is unknown; an action has {', '.join(_KEYS)}.")
    given = one.get("weekdays", ())
    if not isinstance(given, list | tuple) or not all(is_number(day) and day in range(1, 8) for day in given):
        raise ActionError(
            f"{where} weekdays are a list of 1 (Monday) to 7, as in weekdays = [1, 2, 3]; got "
            f"{list(given) if isinstance(given, tuple) else given!r}."
        )
    weekdays = tuple(int(day) for day in given)
    if ("agents" in one) == ("contained_share" in one):
        raise ActionError(f"{where} write either agents = 2 and hours = [18, 22], or contained_share = 0.1")
    if "contained_share" in one:
        share = one["contained_share"]
        if not is_number(share) or not 0 < share <= MOST_CONTAINED:
            raise ActionError(
                f"{where} contained_share is above 0 and at most {MOST_CONTAINED}, as in 0.1; got {share!r}."
            )
        return Action(name, contained_share=float(share), weekdays=weekdays, assumed=bot_assumes(share))
    agents, hours = one["agents"], one.get("hours", ())
    if not is_number(agents) or not agents:
        raise ActionError(f"{where} agents is a number other than 0, as in agents = 2; got {agents!r}.")
    if not _two_hours(hours):
        raise ActionError(
            f"{where} hours are two whole hours of one day, as in hours = [18, 22]; got {list(hours) if isinstance(hours, list | tuple) else hours!r}."
        )
    start, end = hours
    return Action(name, shifts=((float(agents), int(start), int(end)),), weekdays=weekdays)


def usual_actions(
    hours: Mapping[int, Hour], *, redials: float, known: bool, order: QueueOrder | None = None
) -> list[Action]:
    """The set that is looked at where nobody names another, from the hours of a mean day (``mean_day`` with room for one
    agent more and one fewer).

    One more agent in the three hours in a row in which that saves most; one moved from the hour where one fewer loses
    least to that where one more saves most, where that saves anything; calling back where customers are ``known``; the
    queue whose callers leave fastest first, where ``order`` says what that would do; a promise of the wait; a bot that
    settles 10 and 20 %.
    """
    actions = []
    more = {hour: saved(one, 1.0, redials) for hour, one in hours.items()}
    if more:
        start, end = best_block(more)
        actions.append(Action(ONE_MORE.format(start=start, end=end), shifts=((1.0, start, end),)))
        fewer = {hour: saved(one, -1.0, redials) for hour, one in hours.items() if one.agents >= 2}
        worst = max(more, key=lambda hour: more[hour])
        fewer.pop(worst, None)
        if fewer and more[worst] + max(fewer.values()) > 0:
            quiet = max(fewer, key=lambda hour: fewer[hour])
            actions.append(Action(
                MOVED.format(quiet=quiet, then=quiet + 1, worst=worst, last=worst + 1),
                shifts=((-1.0, quiet, quiet + 1), (1.0, worst, worst + 1)), assumed=SHIFT_MOVES,
            ))  # fmt: skip
    if known:
        low, high = REACHED
        actions.append(Action(
            CALL_BACK, call_back=True,
            assumed=REACHED_SO.format(low=f"{100 * low:g}", high=f"{100 * high:g}", quick=f"{DIAL_S[0]:.0f}", slow=f"{DIAL_S[1]:.0f}"),
        ))  # fmt: skip
    if order is not None:
        actions.append(Action(FIRST.format(queue=order.queue), first=order.queue, assumed=order_assumes(order)))
    slower, faster = (f"{abs(100 * (factor - 1)):.0f}" for factor in ANNOUNCED)
    actions.append(Action(
        PROMISE, announced=True, assumed=TOLD_SO.format(slower=slower, faster=faster),
    ))  # fmt: skip
    for share in CONTAINED:
        actions.append(Action(BOT.format(share=f"{100 * share:g}"), contained_share=share, assumed=bot_assumes(share)))
    return actions


def not_counted(action: Action, hours: Mapping[int, Hour]) -> str:
    """What is added to ``assumed`` where agents are asked for in hours that tell no team; "" where all do."""
    blind = [hour for hour in range(24) if action.agents_at(hour) and hour not in hours]
    starts = [hour for hour in blind if hour - 1 not in blind]
    ends = [hour + 1 for hour in blind if hour + 1 not in blind]
    spans = " and ".join(SPAN.format(start=start, end=end) for start, end in zip(starts, ends, strict=True))
    return f"; {UNCOUNTED.format(spans=spans)}" if blind else ""


def bot_assumes(share: float) -> str:
    return BOT_SO.format(share=f"{100 * share:g}")


def order_assumes(order: QueueOrder) -> str:
    more, fewer = order.mine.mean(), -order.others.mean()
    return ORDER_SO.format(more=f"{more:.0f}", queue=order.queue, fewer=f"{fewer:.0f}", today=order.today)


def saved(one: Hour, extra: float, redials: float) -> float:
    """Contacts an hour that ``extra`` agents keep from leaving."""
    return one.left - one.left_with(extra=extra, contained=0.0, redials=redials)


def best_block(more: Mapping[int, float]) -> tuple[int, int]:
    """From when to when one more agent saves most, ``BLOCK_H`` hours in a row; fewer where the day has no more."""
    return max(blocks(more), key=lambda block: sum(more.get(hour, 0.0) for hour in range(*block)))


def blocks(more: Mapping[int, float]) -> list[tuple[int, int]]:
    """Every ``BLOCK_H`` hours in a row of which each tells a team; where there are none, the longest shorter ones."""
    for length in range(BLOCK_H, 0, -1):
        if found := [(h, h + length) for h in more if all(hour in more for hour in range(h, h + length))]:
            return found
    raise ValueError("no hour tells a team")


def room_for(actions: Sequence[Action]) -> Room:
    """What a model must be able to answer for these actions, and for one agent more or fewer in any hour."""
    at = [one.agents_at(hour) for one in actions for hour in range(24)]
    return Room(
        most_contained=max([0.0, *(one.contained_share for one in actions)]),
        fewest=min([-1.0, *at]),
        most=max([1.0, *at]),
    )


def _two_hours(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(is_number(hour) for hour in value):
        return False
    start, end = value
    return bool(0 <= start < end <= 24 and start == int(start) and end == int(end))


def is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
