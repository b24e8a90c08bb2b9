"""Which queue first? The days of a log once more, by simulation, with one queue served before the others.

That is a choice of whom, not of how many: whoever is served earlier is so because somebody else waits longer.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxresearch.compiled import compiled
from cxresearch.contacts import LogError, PeriodLog
from cxresearch.decisions.mean_day import Hour
from cxresearch.queueing import PatienceLaw, patience_law
from cxresearch.risk_table import Floats, Integers
from cxresearch.survival import kaplan_meier

FEWEST_LEFT = 100  # of a queue, so that how hastily its callers leave is known
RUNS, SEED = 20, 1999  # of every day
ENOUGH = 1_000_000  # calls in all runs together: what chance does to their sum shows no more
ORDERS = ("first come, first served", "served first", "served last")


class QueueOrder(NamedTuple):
    """One queue served first, by day: contacts ``saved``, of that queue (``mine``) and of all others (``others``)."""

    queue: str
    today: str
    saved: Floats
    mine: Floats
    others: Floats


def queue_order(
    mine: PeriodLog, days: pd.DatetimeIndex, hours: Mapping[int, Hour], handle_s: Floats
) -> QueueOrder | None:
    """What would be lost on these days if the queue whose callers leave fastest were served first.

    Parameters
    ----------
    mine : one channel. hours : the model of its mean day. handle_s : mean handling time by hour of the day.

    Returns
    -------
    QueueOrder, or None where fewer than two queues have a hundred who left, where that queue is served first already, and
    where only counts were kept of some days.
        ``today``: the order, of ``ORDERS``, that fits the losses of that queue best. Each is simulated with the callers of
        each day as they came, patience drawn from the curve of their own queue, handling times exponential with the mean
        of the hour, the team in effect of each hour, whole agents drawn; the same draws for every order. Losses are those
        of the log times the simulated ratio. That fewer who leave call again less often is left out.
    """
    left = mine.asked("queue")
    left = left[left["left"] >= FEWEST_LEFT]
    if len(left) < 2:
        return None
    queue = str(left.loc[(left["left"] / left["waited_s"]).idxmax(), "queue"])
    try:
        rows = mine.contacts
    except LogError:
        return None
    calls = _calls(rows, days, hours)
    if not (calls["outcome"] == "abandoned").any():
        return None
    is_first = (calls["queue"] == queue).to_numpy()
    day = calls["place"].to_numpy()
    laws = {name: patience_law(_curve(mine, name)) for name in left["queue"]}
    rest = patience_law(kaplan_meier(mine.waits()))
    rng = np.random.default_rng(SEED)
    lost = np.zeros((len(ORDERS), 2, len(days)))
    runs = min(RUNS, -(-ENOUGH // len(calls)))
    for _ in range(runs):
        u = 1 - rng.random(len(calls))
        patience = np.zeros(len(calls))
        for name, where in calls.groupby("queue", dropna=False).indices.items():
            patience[where] = _times(laws.get(name, rest), u[where])
        service = rng.exponential(handle_s[calls["hour"].to_numpy()])
        team = _teams(hours, len(days), rng)
        for order in range(len(ORDERS)):
            gone = _left(calls["at"].to_numpy(), day, is_first, patience, service, team, order)
            for side in (0, 1):
                lost[order, side] += np.bincount(day, gone & (is_first == bool(side)), len(days)) / runs
    seen = (calls["outcome"] == "abandoned").to_numpy()
    share = (seen & is_first).sum() / seen.sum()
    totals = lost.sum(axis=2)
    today = int(np.argmin(np.abs(totals[:, 1] / totals.sum(axis=1) - share)))
    if today == 1 or not totals[today].all():
        return None
    # The log's own losses, changed as the simulated ones are.
    ratio = np.array([(seen & (is_first == bool(side))).sum() for side in (0, 1)]) / totals[today]
    others, own = ((lost[today, side] - lost[1, side]) * ratio[side] for side in (0, 1))
    return QueueOrder(queue, ORDERS[today], own + others, own, others)


def _calls(rows: object, days: pd.DatetimeIndex, hours: Mapping[int, Hour]) -> pd.DataFrame:
    table = (
        rows.filter("opened_at IS NOT NULL AND outcome IN ('answered', 'abandoned')")  # type: ignore[attr-defined]
        .select("opened_at, queue, outcome, contact_id")
        .order("opened_at, contact_id")
        .df()
    )
    opened = table["opened_at"]
    midnight = opened.dt.normalize()
    table = table.assign(
        place=days.get_indexer(pd.DatetimeIndex(midnight)),
        hour=opened.dt.hour,
        at=(opened - midnight).dt.total_seconds(),
    )
    return table[(table["place"] >= 0) & table["hour"].isin(list(hours))].reset_index(drop=True)


def _curve(mine: PeriodLog, queue: str) -> pd.DataFrame:
    waits = mine.waits("queue")
    return kaplan_meier(waits[waits["queue"] == queue].drop(columns="queue"))


def _times(law: PatienceLaw, u: Floats) -> Floats:
    """When the share still waiting has fallen to ``u``; endless where it never does."""
    place = np.searchsorted(-law.survival, -u)
    within = np.append(law.knots_s, np.inf)[place]
    last = float(law.survival[-1])
    if last <= 0 or not law.hazard_per_s > 0:
        return within
    return np.where(place < len(law.knots_s), within, law.knots_s[-1] + np.log(last / u) / law.hazard_per_s)


def _teams(hours: Mapping[int, Hour], days: int, rng: np.random.Generator) -> Integers:
    agents = np.array([hours[hour].agents if hour in hours else 0.0 for hour in range(24)])
    return np.floor(agents + rng.random((days, 24))).astype(np.int64)


@compiled()
def _left(opened, day, is_first, patience, service, team, order):  # type: ignore[no-untyped-def]
    """Who leaves; calls are in order of time. An agent whose hour is over ends the call begun."""
    n = len(opened)
    gone = np.zeros(n, dtype=np.bool_)
    begin = 0
    while begin < n:
        end = begin
        while end < n and day[end] == day[begin]:
            end += 1
        busy = [0.0 for _ in range(0)]  # when each call under way ends
        waiting = (np.empty(end - begin, dtype=np.int64), np.empty(end - begin, dtype=np.int64))
        head, tail = np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
        place, edge = begin, 0
        while True:
            now = 86_400.0
            what = 0  # the day is over
            if place < end and opened[place] < now:
                now, what = opened[place], 1
            if len(busy) and busy[0] < now:
                now, what = busy[0], 2
            if edge < 24 and edge * 3_600.0 <= now:
                now, what = edge * 3_600.0, 3
            if what == 0:
                break
            if what == 1:
                side = 1 if is_first[place] else 0
                waiting[side][tail[side]] = place
                tail[side] += 1
                place += 1
            elif what == 2:
                heapq.heappop(busy)
            else:
                edge += 1
            agents = team[day[begin], max(edge - 1, 0)]
            while len(busy) < agents:
                for side in range(2):
                    while head[side] < tail[side]:
                        one = waiting[side][head[side]]
                        if opened[one] + patience[one] >= now:
                            break
                        gone[one] = True
                        head[side] += 1
                some = (head[0] < tail[0], head[1] < tail[1])
                if not (some[0] or some[1]):
                    break
                if some[0] and some[1]:
                    if order == 0:
                        side = 1 if waiting[1][head[1]] < waiting[0][head[0]] else 0
                    else:
                        side = 1 if order == 1 else 0
                else:
                    side = 1 if some[1] else 0
                one = waiting[side][head[side]]
                head[side] += 1
                heapq.heappush(busy, now + service[one])
        for side in range(2):
            for at in range(head[side], tail[side]):
                gone[waiting[side][at]] = True
        begin = end
    return gone
