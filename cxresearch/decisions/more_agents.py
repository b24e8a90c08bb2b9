"""More agents, one after the other: from the day as it is, each where it saves most; and any other day beside it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pandas as pd

from cxresearch.contacts import PeriodLog
from cxresearch.decisions.mean_day import Hour, Room, mean_day
from cxresearch.decisions.proposals import MOST_CONTAINED, SPAN, Action, blocks, room_for
from cxresearch.decisions.weighing import Weighing
from cxresearch.queueing import FEWEST_AGENTS, FEWEST_TO_LEAD

MOST_MORE = 6
MOST_AT_ONCE = 5  # an analyst's controls go no further


def more_agents(period_log: PeriodLog, *, channel: str) -> pd.DataFrame:
    """What one more agent would save, and a second, up to ``MOST_MORE``, each for three hours in a row.

    Returns
    -------
    DataFrame, the day as it is (``today``) and then one row an agent
        ``more_agents``; ``last_added`` (from when to when the last of them is there); ``more_agent_hours`` (a day); ``left_per_day`` (of the
        log, less what is saved); ``share_left_of_asked``; ``saved_per_day`` with ``lower, upper`` (95 %, of the draws of
        ``action_table``; NaN with fewer than five days); ``today`` (bool).

    ``attrs``: ``days`` (fully open, that were counted), ``weekdays``, ``redials`` as in ``action_table``, ``hours`` (from
    the first to the end of the last that may get an agent), ``hours_each`` (that an agent is there).

    Each is added where one more saves most, whoever was added before. An hour gets none unless it has ``FEWEST_TO_LEAD``
    contacts, half an agent in effect and somebody who left. Nobody is taken away, and no other hour changes. Raises
    ValueError as ``action_table``, and where there is no such hour.
    """
    now = Weighing.of(period_log.only(channel=channel))
    open_to = _hours_to_lead(now)
    hours = mean_day(now.days, room=Room(most=MOST_MORE), near=now.hours, only=open_to)
    added: Counter[tuple[int, int]] = Counter()
    actions = []
    for _ in range(MOST_MORE):
        there = Action("", shifts=_shifts(added))
        gain = {hour: _saved_by_next(one, there.agents_at(hour), now.redials.share) for hour, one in hours.items()}
        block = max(blocks(gain), key=lambda block: sum(gain[hour] for hour in range(*block)))
        added[block] += 1
        actions.append(Action(SPAN.format(start=block[0], end=block[1]), shifts=_shifts(added)))
    weighed, _ = now.weigh(actions, only=open_to)
    left, asked = (float(counts.sum()) / len(now.days) for counts in (now.days.left, now.days.asked))
    rows: list[dict[str, Any]] = [_row(0, "nobody", 0.0, left, asked, (0.0, 0.0, 0.0))]
    for n, (action, found) in enumerate(zip(actions, weighed, strict=True), start=1):
        rows.append(_row(n, action.name, found.hours, left, asked, (found.saved, *found.limits())))
    table = pd.DataFrame(rows)
    table["today"] = table["more_agents"] == 0
    table.attrs = {
        "days": len(now.days), "weekdays": list(now.weekdays), "redials": now.redials._asdict(),
        "hours": (min(open_to), max(open_to) + 1), "hours_each": block[1] - block[0],
    }  # fmt: skip
    return table


def with_agents(weighing: Weighing, action: Action, *, hours: dict[int, Hour] | None = None) -> pd.DataFrame:
    """The day as it is beside the day with ``action``, hour by hour.

    Returns
    -------
    DataFrame, one row an hour with contacts
        ``hour``; ``asked_per_day, left_per_day`` (of the log); ``agents`` (in effect; NaN where the hour tells no team, and
        keeps what it loses); ``more_agents``; ``left_then`` (a day).

    ``hours`` : :func:`hours_to_move`, where many actions follow each other. Who calls again is held at the
    middle of its range. Without agents and without a bot every hour is the log's.
    """
    days = weighing.days
    model = mean_day(days, room=room_for([action]), near=weighing.hours) if hours is None else hours
    rows = []
    for hour in (days.asked.sum(axis=0) > 0).nonzero()[0].tolist():
        asked, left = (float(counts[:, hour].sum()) / len(days) for counts in (days.asked, days.left))
        one, extra = model.get(hour), action.agents_at(hour)
        then = left
        if one is not None:
            still = one.left_with(extra=extra, contained=action.contained_share, redials=weighing.redials.share)
            then = max(left - (one.left - still), 0.0)
        rows.append((hour, asked, left, math.nan if one is None else one.agents, extra, then))
    return pd.DataFrame(
        rows, columns=["hour", "asked_per_day", "left_per_day", "agents", "more_agents", "left_then"]
    ).astype({"more_agents": float})


def hours_to_move(weighing: Weighing) -> dict[int, Hour]:
    """The hours of the mean day, with room for ``MOST_AT_ONCE`` agents more and a bot that settles ``MOST_CONTAINED``."""
    return mean_day(
        weighing.days, room=Room(most_contained=MOST_CONTAINED, fewest=0.0, most=MOST_AT_ONCE), near=weighing.hours
    )


def _hours_to_lead(now: Weighing) -> tuple[int, ...]:
    asked, left = now.days.asked.sum(axis=0), now.days.left.sum(axis=0)
    found = tuple(
        hour for hour, one in now.hours.items()
        if asked[hour] >= FEWEST_TO_LEAD and left[hour] > 0 and one.agents >= FEWEST_AGENTS
    )  # fmt: skip
    if not found:
        raise ValueError(f"no hour has {FEWEST_TO_LEAD} contacts, an agent in effect and somebody who left")
    return found


def _saved_by_next(one: Hour, there: float, redials: float) -> float:
    now, then = (one.left_with(extra=there + more, contained=0.0, redials=redials) for more in (0, 1))
    return now - then


def _shifts(added: Counter[tuple[int, int]]) -> tuple[tuple[float, int, int], ...]:
    return tuple((float(n), *block) for block, n in added.items())


def _row(
    n: int, last: str, hours: float, left: float, asked: float, saved: tuple[float, float, float]
) -> dict[str, Any]:
    return {
        "more_agents": n, "last_added": last, "more_agent_hours": hours, "left_per_day": left - saved[0],
        "share_left_of_asked": (left - saved[0]) / asked, "saved_per_day": saved[0], "lower": saved[1], "upper": saved[2],
    }  # fmt: skip
