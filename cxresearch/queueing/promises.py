"""What another promise would change: agents it takes, and who gives up, from one period of a log."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from cxresearch.queueing.measures import Target, agents_needed
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, Tail, patience_law
from cxresearch.queueing.teams import team_measures
from cxresearch.queueing.what_if import fewer_left_limits

FEWEST_TO_LEAD = 100  # an hour with fewer contacts is no slowest hour, and gets no promise
FEWEST_AGENTS = 0.5  # with less of one the hour is closed


def promise_table(
    hours: pd.DataFrame, *, patience: Patience, promises_s: Iterable[float], by_day: pd.DataFrame | None = None,
    tail: Tail = "last_hazard",
) -> pd.DataFrame:  # fmt: skip
    """Work out what each promise takes and what it saves.

    Parameters
    ----------
    hours : that of :func:`agents_in_effect`. patience, tail : as for ``queueing.queue_measures``.
    promises_s : seconds; in no hour that counts is the mean wait to be longer.
    by_day : ``day, weekday, hour, contacts, left``, for intervals.

    Returns
    -------
    DataFrame, one row a promise that is shorter than today's slowest hour, and one for the agents in effect (``today``),
    the shortest wait first
        ``slowest_hour_s`` (the promise; today the longest mean wait of an hour that counts), ``agent_hours_per_day``,
        ``mean_wait_s`` (of all who ask in hours that count; at once counts 0), ``share_left_of_asked``, ``left`` (of all
        contacts of the period), ``fewer_left_share`` (of those who give up today), and with ``by_day`` its
        ``lower, upper`` (:func:`fewer_left_limits`, with the agents held), ``today`` (bool).

    Hours that count have ``FEWEST_TO_LEAD`` contacts and half an agent; the others lose whom they lose. So do those that
    keep the promise already; the rest get the fewest whole agents that do. Every hour is a queue in its steady state and
    every day the average day, and nobody calls once less for being answered. What is left out makes real queues slower
    than these; the interval does not know of it.

    Raises ValueError where no hour counts.
    """
    counts = ((hours["contacts"] >= FEWEST_TO_LEAD) & (hours["agents"] >= FEWEST_AGENTS)).to_numpy()
    if not counts.any():
        raise ValueError(
            f"no hour has {FEWEST_TO_LEAD} contacts and an agent in effect, so there is no team to change."
        )
    law = patience_law(patience, tail=tail)
    contacts, left_today = float(hours["contacts"].sum()), float(hours["left"].sum())
    slowest_s = float(hours.loc[counts, "mean_wait_s"].max())
    rows = []
    for promise_s in sorted({slowest_s, *(float(s) for s in promises_s if s < slowest_s)}):
        staffed = hours.assign(late=counts & (hours["mean_wait_s"] > promise_s))
        staffed.loc[staffed["late"], "agents"] = [
            agents_needed(
                arrivals_per_h=row.arrivals_per_h, handle_time_s=row.handle_time_s, patience=law,
                target=Target(mean_wait_s=promise_s),
            ).agents for row in hours[staffed["late"]].itertuples()
        ]  # fmt: skip
        found = _with_team(staffed, law)
        left = float(found["left"].sum())
        weight = staffed["arrivals_per_h"].where(counts, 0.0)
        row = {
            "slowest_hour_s": promise_s,
            "agent_hours_per_day": 24 / len(hours) * float(staffed.loc[counts, "agents"].sum()),
            "mean_wait_s": float((weight * found["mean_wait_s"].fillna(0.0)).sum() / weight.sum()),
            "share_left_of_asked": left / contacts,
            "left": left,
            "fewer_left_share": 1 - left / left_today if left_today else math.nan,
        }
        if by_day is not None:
            row |= {"lower": row["fewer_left_share"], "upper": row["fewer_left_share"]}
            if staffed["late"].any():
                row["lower"], row["upper"] = fewer_left_limits(
                    staffed, found["left"].to_numpy(), lambda moved: _with_team(moved, law)["left"].to_numpy(), by_day
                )
        rows.append(row | {"today": promise_s == slowest_s})
    return pd.DataFrame(rows)


def _with_team(hours: pd.DataFrame, law: PatienceLaw) -> pd.DataFrame:
    """``left`` (in the period) and ``mean_wait_s`` of hours whose ``late`` ones have got other agents."""
    found = hours[["left", "mean_wait_s"]].astype(float)
    for row in hours[hours["late"]].itertuples():
        team = team_measures(
            arrivals_per_h=row.arrivals_per_h, handle_time_s=row.handle_time_s, agents=row.agents, patience=law
        )
        # Less by as much as the model says: what it misses of today is in neither.
        found.loc[row.Index] = max(row.contacts * team.share_left - row.missed, 0.0), team.mean_wait_s
    return found
