"""The day of a contact log: when contacts come, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cxresearch.queueing.day_profile import day_profile_table, day_total, staffing_table
from cxresearch.queueing.measures import Target
from cxresearch.queueing.offered_wait import Patience

EVENING = range(18, 24)


def day_table(asked: pd.DataFrame, *, days: int) -> pd.DataFrame:
    """Contacts by hour of the day, as rates.

    Parameters
    ----------
    asked : DataFrame ``hour, contacts, left, handled, handle_s``, one row an hour with contacts: all who asked, those
        answered at once too (``PeriodLog.asked("hour")``).
    days : how many days these are, to turn counts into rates.

    Returns
    -------
    DataFrame, one row for each hour 0 to 23
        ``hour``, ``contacts`` (in the period), ``arrivals_per_h`` (a day), ``left`` (gave up, in the period),
        ``share_left_of_asked`` (NaN without contacts), ``handle_time_s`` (mean of the answered; the day's mean where an
        hour has none).

    Raises ValueError where there are no contacts or no handle time is known.
    """
    if days < 1:
        raise ValueError(f"days must be >= 1; got {days}.")
    if asked.empty or not asked["contacts"].sum():
        raise ValueError("there is no contact in these days; check channel and weekdays.")
    if not asked["handled"].sum():
        raise ValueError("no handle_s is known: map the column, agents cannot be worked out without it.")
    table = asked.set_index("hour").reindex(range(24)).rename_axis("hour").reset_index()
    table[["contacts", "left"]] = table[["contacts", "left"]].fillna(0).astype(int)
    table["arrivals_per_h"] = table["contacts"] / days
    table["share_left_of_asked"] = table["left"] / table["contacts"].where(table["contacts"] > 0)
    whole = asked["handle_s"].sum() / asked["handled"].sum()
    table["handle_time_s"] = (table["handle_s"] / table["handled"].where(table["handled"] > 0)).fillna(whole)
    return table[["hour", "contacts", "arrivals_per_h", "left", "share_left_of_asked", "handle_time_s"]]


def usual_scenarios(*, contained: tuple[float, float], evening_experts: int, redial_share: float) -> pd.DataFrame:
    """The scenarios of ``scenario_table``: as it is, a bot at its low and its high, help in the evening, both."""
    low, high = contained
    rows = [
        ("as it is", 0.0, 0),
        (f"a bot settles {low:.0%}", low, 0),
        (f"a bot settles {high:.0%}", high, 0),
        (f"{evening_experts} more in the evening", 0.0, evening_experts),
        ("bot at its high, and the evening", high, evening_experts),
    ]
    table = pd.DataFrame(rows, columns=["scenario", "contained_share", "evening_experts"])
    return table.assign(redial_share=redial_share)


def scenario_table(hours: pd.DataFrame, scenarios: pd.DataFrame, *, patience: Patience) -> pd.DataFrame:
    """What each scenario would change: the day's neglected share and the contacts lost.

    Parameters
    ----------
    hours : ``agents_in_effect``: ``hour, arrivals_per_h, agents, handle_time_s``; a part of an agent counts as one.
    scenarios : one row a scenario, all of it ASSUMED: ``scenario``, ``contained_share`` (a bot settles), ``evening_experts``
        (agents added from 18 to 24 h), ``redial_share`` (of the neglected that try again).

    Returns
    -------
    ``scenarios`` with ``arrivals, answered, lost`` (contacts a day), ``lost_share`` (of first tries past the bot),
    ``neglected_share`` (of all tries) and ``answered_more`` (a day, against the first scenario).
    """
    needed = ["scenario", "contained_share", "evening_experts", "redial_share"]
    if missing := [n for n in needed if n not in scenarios.columns]:
        raise ValueError(f"scenarios has no column {', '.join(missing)}; it needs {', '.join(needed)}.")
    base = _whole_agents(hours)
    rows = []
    for scenario in scenarios.itertuples(index=False):
        profile = day_profile_table(
            base.assign(experts=np.where(base["hour"].isin(EVENING), scenario.evening_experts, 0)), patience=patience,
            contained_share=scenario.contained_share, redial_share=scenario.redial_share,
        )  # fmt: skip
        rows.append(day_total(profile).iloc[0])
    total = pd.DataFrame(rows).reset_index(drop=True)
    table = scenarios.reset_index(drop=True).join(
        total[["arrivals", "answered", "lost", "lost_share", "neglected_share"]]
    )
    settled = table["answered"] + table["arrivals"] * table["contained_share"]
    return table.assign(answered_more=settled - settled.iloc[0])


def explore_day(
    hours: pd.DataFrame, *, patience: Patience, contained_share: float, evening_experts: int, redial_share: float
) -> pd.DataFrame:
    """One scenario beside the day as it is, for an analyst's controls: ``scenario_table`` with two rows."""
    columns = ["scenario", "contained_share", "evening_experts", "redial_share"]
    rows = [("as it is", 0.0, 0, redial_share), ("with these settings", contained_share, evening_experts, redial_share)]
    return scenario_table(hours, pd.DataFrame(rows, columns=columns), patience=patience)


def staffing_for(
    hours: pd.DataFrame, *, patience: Patience, most_abandoned: float, replicates: Iterable[Patience] = ()
) -> pd.DataFrame:
    """Agents that every hour needs so that at most ``most_abandoned`` (a share) of its contacts leave.

    ``staffing_table`` for the hours of ``agents_in_effect``, a part of an agent counted as one;
    ``replicates`` carry the uncertainty of the curve.
    """
    return staffing_table(
        _whole_agents(hours), patience=patience, target=Target(abandon=most_abandoned), replicates=replicates
    )


def _whole_agents(hours: pd.DataFrame) -> pd.DataFrame:
    table = hours[["hour", "arrivals_per_h", "agents", "handle_time_s"]]
    # Rounding of a whole number must not make one more of it.
    return table.assign(agents=np.ceil(table["agents"] - 1e-9).astype(int))
