"""What a decision needs of a period: its days as counts by hour and by wait, who was at work, who came again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxresearch.contacts import SLOW, LogError, PeriodLog, with_later
from cxresearch.decisions.loss_curves import LONGEST_S
from cxresearch.patience import later_contacts
from cxresearch.risk_table import Floats, Integers

HOURS = 24
FEWEST_SEEN = 2  # one agent seen alone would be a person
PAUSE_S = 1_200  # a longer time between two contacts is no work
LONGEST_WORK_S = 86_400  # nobody is at one contact for more than a day: such a handling time is no number of hours


@dataclass(frozen=True, eq=False)
class Days:
    """The days of a period on some weekdays, as arrays; rows are days.

    ``day`` (midnights), ``weekday`` (1 Monday to 7); by hour of the day: ``asked``, ``left``, ``handled`` (answered, their
    handle time known), ``handle_s``; by whole second of the wait, of those who queued: ``waits``, and ``gave_up`` of these.
    """

    day: pd.DatetimeIndex
    weekday: Integers
    asked: Floats
    left: Floats
    handled: Floats
    handle_s: Floats
    waits: Floats
    gave_up: Floats

    def __len__(self) -> int:
        return len(self.day)

    def on(self, weekdays: Sequence[int]) -> Days:
        """Those on these weekdays."""
        here = np.isin(self.weekday, list(weekdays))
        return Days(self.day[here], self.weekday[here], *(part[here] for part in self._counts))

    @cached_property
    def mean_handle_s(self) -> float:
        return float(self.handle_s.sum() / self.handled.sum())

    @property
    def _counts(self) -> tuple[Floats, ...]:
        return self.asked, self.left, self.handled, self.handle_s, self.waits, self.gave_up


def days_of(mine: PeriodLog) -> Days:
    """All days of a period of one channel, from its counts."""
    cells = mine.cells
    place, day = pd.factorize(cells["day"], sort=True)
    days = pd.DatetimeIndex(day)
    contacts, gone = cells["contacts"].to_numpy(dtype=float), (cells["outcome"] == "abandoned").to_numpy()

    def counted(at: Integers, values: Floats, wide: int) -> Floats:
        return np.bincount(place * wide + at, values, len(days) * wide).reshape(len(days), wide).astype(np.float64)

    hour, queued = cells["hour"].to_numpy(dtype=int), cells["queued"].to_numpy(dtype=bool)
    second = np.clip(np.nan_to_num(cells["duration_s"].to_numpy(dtype=float)), 0, LONGEST_S).astype(int)
    return Days(
        days, days.day_of_week.to_numpy() + 1,
        *(counted(hour, v, HOURS) for v in (
            contacts, contacts * gone, cells["handled"].to_numpy(dtype=float), cells["handle_s"].to_numpy(dtype=float))),
        *(counted(second, v * queued, LONGEST_S + 1) for v in (contacts, contacts * gone)),
    )  # fmt: skip


def refuse_unknown(mine: PeriodLog) -> None:
    """Raises ValueError where the queue model has nothing to go by.

    That is a channel on which nobody waits on the line, dates without times, no handle time, and nobody who gave up in the
    queue.
    """
    cells = mine.cells
    if cells["channel"].isin(SLOW).any():
        raise ValueError(f"on {', '.join(sorted(set(cells['channel']) & set(SLOW)))} nobody waits on the line")
    refuse_dates(mine)
    if not cells["handled"].sum():
        raise ValueError(
            f"no handle_s is known in {mine.period.label}: map the column, no team is worked out without it"
        )
    if not (cells["queued"].astype(bool) & (cells["outcome"] == "abandoned")).any():
        raise ValueError(f"nobody gave up in the queue in {mine.period.label}, so no team explains the losses")


def refuse_dates(mine: PeriodLog) -> None:
    """Raises ValueError where contacts have a date and no time of day: all would stand in the first hour."""
    if not mine.times_known:
        raise ValueError(f"{mine.period.label} has dates without a time of day, so nothing is known of its hours")


def agents_at_work(mine: PeriodLog) -> pd.DataFrame | None:
    """How many different agents were at work, and for how long together, by day and hour; never who.

    Returns
    -------
    DataFrame ``day, weekday, hour, agents, agent_hours``
        An agent is at work from the first to the last answer, and until what is begun is done; more than 20 minutes between
        one contact and the next are no work, nor is what one contact takes after a day. ``agents``: at work at some time in the hour; ``agent_hours``: all their time
        in it. Both are NaN where only one was. None where the log names no agents or no times of day, or only counts were
        kept of some days.

    Who answers more is seen more: this tells one day's team from another's, and is no roster.
    """
    try:
        rows = mine.contacts
    except LogError:
        return None
    if not mine.times_known:
        return None
    mine_only = "OVER (PARTITION BY agent_key ORDER BY begins, ends ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    last = f"TIMESTAMP '{mine.period.end}' + INTERVAL 1 DAY"  # what is said to end years later is no time of this team
    stretches = (
        rows.filter("outcome = 'answered' AND agent_key IS NOT NULL AND opened_at IS NOT NULL")
        .select("agent_key, epoch(opened_at) + coalesce(wait_s, 0) AS begins, coalesce(handle_s, 0) AS takes")
        .filter(f"begins < epoch({last})")
        .select(f"agent_key, begins, begins + greatest(least(takes, {LONGEST_WORK_S}), 0) AS ends")
        .select(
            f"agent_key, begins, max(ends) {mine_only} AS busy_to, "
            "lead(begins) OVER (PARTITION BY agent_key ORDER BY begins, ends) AS next"
        )
        .select(f"agent_key, begins, CASE WHEN next <= busy_to + {PAUSE_S} THEN next ELSE busy_to END AS until")
        .select(
            "agent_key, begins, until, unnest(generate_series(CAST(floor(begins / 3600) AS BIGINT), CAST(floor(until / 3600) AS BIGINT))) AS h"
        )
        # Whole microseconds: their sum is the same in whatever order the engine adds them.
        .select(
            "agent_key, h, CAST(round(1e6 * least(until, 3600 * (h + 1))) AS BIGINT) "
            "- CAST(round(1e6 * greatest(begins, 3600 * h)) AS BIGINT) AS part"
        )
        .filter("part > 0")  # what ends on the hour is no work in the next one
    )
    table = (
        stretches.aggregate("h, count(DISTINCT agent_key) AS agents, sum(part) / 3.6e9 AS agent_hours", "h")
        .order("h")
        .df()
    )
    if table.empty:
        return None
    hour = pd.to_datetime(table["h"] * 3600, unit="s")
    alone = table["agents"] < FEWEST_SEEN
    return pd.DataFrame({
        "day": hour.dt.normalize(), "weekday": hour.dt.day_of_week + 1, "hour": hour.dt.hour,
        "agents": table["agents"].astype(float).mask(alone), "agent_hours": table["agent_hours"].astype(float).mask(alone),
    })  # fmt: skip


@dataclass(frozen=True, eq=False)
class Later:
    """What customers did after they gave up, for the days of :class:`Days`; rows are days.

    Counts ``left``, ``left_known``, ``followed``, ``again_1h``, ``others_followed``, ``others_again_1h`` as in
    ``patience.later_contacts``; ``unanswered``: different customers who gave up on that day, could be followed and were
    not answered in the next 24 hours, on no channel: who wrote instead and has an answer is not called back.
    """

    counts: dict[str, Floats]
    unanswered: Floats


def later_of(mine: PeriodLog, days: Days) -> Later | None:
    """None where customers are not known, or only counts were kept of some days."""
    try:
        rows = mine.contacts
    except LogError:
        return None
    table = later_contacts(rows).set_index("day")
    table.index = pd.DatetimeIndex(table.index)
    counts = table.reindex(days.day, fill_value=0)
    if not counts["followed"].sum():
        return None
    names = ("left", "left_known", "followed", "again_1h", "others_followed", "others_again_1h")
    dated = mine.on_all_channels.filter("opened_at IS NOT NULL")
    newest = dated.filter("chosen").aggregate("max(opened_at)").fetchall()[0][0]
    alone = (
        with_later(dated, "chosen")
        .filter(f"known AND chosen AND outcome = 'abandoned' AND opened_at + INTERVAL 24 HOUR <= TIMESTAMP '{newest}'")
        .filter("coalesce(answered_at > opened_at + INTERVAL 24 HOUR, true)")
        .aggregate("opened_at::DATE AS day, count(DISTINCT person) AS customers", "opened_at::DATE")
        .df()
        .set_index("day")["customers"]
    )
    alone.index = pd.DatetimeIndex(alone.index)
    return Later(
        {name: counts[name].to_numpy(dtype=float) for name in names},
        alone.reindex(days.day, fill_value=0).to_numpy(dtype=float),
    )
