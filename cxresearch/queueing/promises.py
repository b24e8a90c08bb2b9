"""What another promise would change: agents it takes, and who gives up, from one period of a log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from cxresearch.queueing.measures import Target, agents_needed, queue_measures
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, Tail, patience_law

_LONGEST_WAIT_S = 86_400.0  # nobody waits longer where nobody is there to answer


def agents_in_effect(hours: pd.DataFrame, *, patience: Patience, tail: Tail = "last_hazard") -> pd.DataFrame:
    """Add the team that explains the losses of each hour, and the wait that goes with it.

    Parameters
    ----------
    hours : ``hour, contacts, left`` (in the period), ``arrivals_per_h, handle_time_s``, as ``day_table`` returns them.
    patience, tail : as for ``queueing.queue_measures``.

    Returns
    -------
    ``hours`` with ``agents`` (a fraction: the hour is taken as a mixture of two whole teams, next to each other, at
    which as many leave as left in the log), ``share_left_of_asked`` (the log's; half a contact where nobody left),
    ``mean_wait_s`` (of all who ask; at once counts 0) and ``open`` (bool: at least half an agent).

    A log seldom says how many agents were there. This is the number that explains the losses, not the roster: breaks,
    calls in waves and slow days make it smaller.
    """
    law = patience_law(patience, tail=tail)
    rows = [_in_effect(row, law) for row in hours.itertuples()]
    effect = pd.DataFrame(rows, columns=["agents", "share_left_of_asked", "mean_wait_s"], index=hours.index)
    return hours.drop(columns="share_left_of_asked", errors="ignore").join(effect.assign(open=effect["agents"] >= 0.5))


def _in_effect(row: Any, law: PatienceLaw) -> tuple[float, float, float]:
    if not row.contacts:
        return 0.0, 0.0, 0.0
    share_left_of_asked = max(row.left, 0.5) / row.contacts
    nobody_there = (1.0, law.mean_waited_s(_LONGEST_WAIT_S))
    if share_left_of_asked >= 1:
        return 0.0, 1.0, nobody_there[1]
    load = {"arrivals_per_h": row.arrivals_per_h, "handle_time_s": row.handle_time_s, "patience": law}
    agents, enough = agents_needed(**load, target=Target(abandon=share_left_of_asked))
    fewer = queue_measures(**load, agents=agents - 1) if agents > 1 else None
    too_few = (fewer.probability_abandon, fewer.mean_wait_s) if fewer else nobody_there
    weight = (too_few[0] - share_left_of_asked) / (too_few[0] - enough.probability_abandon)
    return agents - 1 + weight, share_left_of_asked, weight * enough.mean_wait_s + (1 - weight) * too_few[1]


def promise_table(
    hours: pd.DataFrame,
    *,
    patience: Patience,
    promises_s: Iterable[float],
    days: int,
    tail: Tail = "last_hazard",
) -> pd.DataFrame:
    """Work out what each promise takes and what it saves.

    Parameters
    ----------
    hours : that of :func:`agents_in_effect`. patience, tail : as for ``queueing.queue_measures``.
    promises_s : seconds; in no open hour is the mean wait to be longer. days : days of the period.

    Returns
    -------
    DataFrame, one row a promise, and one for the agents in effect (``today``), the shortest wait first
        ``slowest_hour_s`` (the promise; today the longest mean wait of an open hour), ``agent_hours_per_day`` (whole
        agents in every hour for a promise), ``mean_wait_s`` (of all who ask in open hours; at once counts 0),
        ``share_left_of_asked``, ``left`` (of all contacts of the period), ``today`` (bool).

    Hours that are closed today stay closed, and lose whom they lose. Every hour is a queue in its steady state and
    every day the average day (see ``day_profile``); nobody calls twice. What is left out makes real queues slower than
    these. There is no interval: the doubt is in the model more than in the sample.

    Raises ValueError where no hour is open.
    """
    if not hours["open"].any():
        raise ValueError("no hour has an agent in effect: everybody left, so there is no team to change.")
    law = patience_law(patience, tail=tail)
    at_work = hours[hours["open"]]
    lost_when_closed = float((hours["share_left_of_asked"] * hours["contacts"])[~hours["open"]].sum())
    contacts = float(hours["contacts"].sum())

    def summed(staffed: pd.DataFrame, slowest_hour_s: float, *, today: bool) -> dict[str, Any]:
        calls = staffed["arrivals_per_h"]
        left = lost_when_closed + days * float((calls * staffed["share_left_of_asked"]).sum())
        return {
            "slowest_hour_s": slowest_hour_s,
            "agent_hours_per_day": float(staffed["agents"].sum()),
            "mean_wait_s": float((calls * staffed["mean_wait_s"]).sum() / calls.sum()),
            "share_left_of_asked": left / contacts,
            "left": left,
            "today": today,
        }

    rows = [summed(at_work, float(at_work["mean_wait_s"].max()), today=True)]
    for promise_s in sorted(set(promises_s)):
        needs = [
            agents_needed(
                arrivals_per_h=row.arrivals_per_h, handle_time_s=row.handle_time_s, patience=law,
                target=Target(mean_wait_s=promise_s),
            ) for row in at_work.itertuples()
        ]  # fmt: skip
        staffed = at_work.assign(
            agents=[need.agents for need in needs],
            share_left_of_asked=[need.measures.probability_abandon for need in needs],
            mean_wait_s=[need.measures.mean_wait_s for need in needs],
        )
        rows.append(summed(staffed, float(promise_s), today=False))
    return pd.DataFrame(rows).sort_values(["slowest_hour_s", "today"], ignore_index=True)
