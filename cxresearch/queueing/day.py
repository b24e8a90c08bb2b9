"""The day of a contact log: when contacts come, who would be needed, and what would change who gives up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from cxresearch.contacts import PeriodLog
from cxresearch.queueing.measures import Target, agents_needed
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, patience_law
from cxresearch.queueing.teams import FEWEST_CONTACTS, agents_in_effect, team_measures
from cxresearch.queueing.what_if import fewer_left_limits
from cxresearch.risk_table import Floats

EVENING_FROM, MINUTES = 18, 60
INTERVALS_MIN = (15, 30, 60)
GOOD_DAYS = 0.9  # the part of the days on which a team is to be enough
_ROUNDING = 1e-9
_ASKED = """
    count(*) AS contacts, count(*) FILTER (outcome = 'abandoned') AS left,
    count(handle_s) FILTER (outcome = 'answered') AS handled,
    coalesce(sum(handle_s) FILTER (outcome = 'answered'), 0) AS handle_s"""


def asked_by_interval(mine: PeriodLog, interval_min: int) -> pd.DataFrame:
    """All who asked, by day and by hour, or by a part of it.

    ``interval_min`` is 15, 30 or 60 minutes; anything else is refused. Returns ``day, weekday, hour`` (the interval's
    start: 8.25 is a quarter past eight), ``contacts, left, handled, handle_s``, as ``PeriodLog.asked``. Hours are sums of
    the kept counts; their parts take one query of the rows, and LogError is raised where only counts were kept.
    """
    if interval_min not in INTERVALS_MIN:
        raise ValueError(f"interval_min must be one of {', '.join(map(str, INTERVALS_MIN))}; got {interval_min!r}.")
    if interval_min == MINUTES:
        return mine.asked(("day", "weekday", "hour"))
    start = f"hour(opened_at) + minute(opened_at) // {interval_min:d} * {interval_min:d} / 60 AS hour"
    dated = mine.contacts.filter("opened_at IS NOT NULL").select(
        f"opened_at::DATE::TIMESTAMP AS day, isodow(opened_at) AS weekday, {start}, outcome, handle_s"
    )
    keys = "day, weekday, hour"
    return dated.aggregate(f"{keys}, {_ASKED}", keys).order(keys).df()


def day_table(asked: pd.DataFrame, *, days: int, interval_min: int = MINUTES) -> pd.DataFrame:
    """Contacts by hour of the day, or by a part of the hour, as rates.

    Parameters
    ----------
    asked : DataFrame ``hour, contacts, left, handled, handle_s``, any number of rows an hour: all who asked, those
        answered at once too (:func:`asked_by_interval`).
    days : how many days these are, to turn counts into rates. interval_min : of one row, minutes.

    Returns
    -------
    DataFrame, one row for each interval of the day, from midnight
        ``hour``, ``contacts`` (in the period), ``arrivals_per_h`` (a day), ``left`` (gave up, in the period),
        ``share_left_of_asked`` (NaN without contacts), ``handle_time_s`` (mean of the answered; the day's mean where an
        interval has none).

    Raises ValueError where there are no contacts or no handle time is known.
    """
    if days < 1:
        raise ValueError(f"days must be >= 1; got {days}.")
    if asked.empty or not asked["contacts"].sum():
        raise ValueError("there is no contact in these days; check channel and weekdays.")
    if not asked["handled"].sum():
        raise ValueError("no handle_s is known: map the column, agents cannot be worked out without it.")
    sums = asked.groupby("hour")[["contacts", "left", "handled", "handle_s"]].sum()
    hours = np.arange(24) if interval_min == MINUTES else np.arange(0, 24, interval_min / MINUTES)
    table = sums.reindex(hours).rename_axis("hour").reset_index()
    table[["contacts", "left"]] = table[["contacts", "left"]].fillna(0).astype(int)
    table["arrivals_per_h"] = table["contacts"] / days * (MINUTES / interval_min)
    table["share_left_of_asked"] = table["left"] / table["contacts"].where(table["contacts"] > 0)
    whole = asked["handle_s"].sum() / asked["handled"].sum()
    table["handle_time_s"] = (table["handle_s"] / table["handled"].where(table["handled"] > 0)).fillna(whole)
    return table[["hour", "contacts", "arrivals_per_h", "left", "share_left_of_asked", "handle_time_s"]]


# --- who would be needed ------------------------------------------------------------------------------------------


def staffing_over_days(
    hours: pd.DataFrame, by_day: pd.DataFrame, *, patience: Patience, most_abandoned: float
) -> pd.DataFrame:
    """Agents that every hour needs so that at most ``most_abandoned`` (a share) leave: on the mean day, and day by day.

    Parameters
    ----------
    hours : that of :func:`agents_in_effect`. by_day : ``day, hour, contacts``; a day without contacts in an hour needs
        nobody then. patience : as for ``queueing.queue_measures``; it and the handle time are the same on all days.

    Returns
    -------
    DataFrame, one row an hour with at least ``FEWEST_CONTACTS``
        ``hour``, ``arrivals_per_h``, ``agents`` (in effect), ``agents_needed`` (by the mean day), ``gap`` (needed, less
        those in effect), ``needed_median``, ``lower``, ``upper`` (over the days: the middle one, and the
        10th and 90th of a hundred; each is a number that occurred), ``days_missed`` (on which more are needed than on
        the mean day), ``days``.

    The number of contacts of one day is its rate and its chance: even days all alike would differ in it. Raises
    ValueError as ``agents_needed`` does, and where no hour has so many contacts.
    """
    law, target = patience_law(patience), Target(abandon=most_abandoned)
    counts = by_day.pivot_table(index="day", columns="hour", values="contacts", aggfunc="sum", fill_value=0)
    rows = []
    for row in hours[hours["contacts"] >= FEWEST_CONTACTS].itertuples():

        def need(arrivals_per_h: float, handle_time_s: float = float(row.handle_time_s)) -> int:
            return agents_needed(
                arrivals_per_h=arrivals_per_h, handle_time_s=handle_time_s, patience=law, target=target
            ).agents

        here = counts[row.hour].to_numpy()
        per_contact = row.arrivals_per_h / here.mean()
        known = {n: need(n * per_contact) if n else 0 for n in np.unique(here).tolist()}
        days = np.array([known[n] for n in here.tolist()])
        mean_day = need(float(row.arrivals_per_h))
        low, middle, high = np.quantile(days, [1 - GOOD_DAYS, 0.5, GOOD_DAYS], method="inverted_cdf").tolist()
        rows.append((
            row.hour, row.arrivals_per_h, row.agents, mean_day, mean_day - row.agents, middle, low, high,
            int((days > mean_day).sum()), len(days),
        ))  # fmt: skip
    if not rows:
        raise ValueError(f"no hour has {FEWEST_CONTACTS} contacts in these days.")
    columns = ["hour", "arrivals_per_h", "agents", "agents_needed", "gap", "needed_median", "lower",
               "upper", "days_missed", "days"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


# --- what would change it -----------------------------------------------------------------------------------------


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


def scenario_table(
    hours: pd.DataFrame, scenarios: pd.DataFrame, *, patience: Patience, days: int, by_day: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What each scenario would change, from the losses that the log has.

    Parameters
    ----------
    hours : that of :func:`agents_in_effect`. days : of the period. by_day : ``day, weekday, hour, contacts, left``, for
        intervals.
    scenarios : one row a scenario, all of it ASSUMED: ``scenario``, ``contained_share`` (a bot settles, of those who
        try for the first time), ``evening_experts`` (agents added from 18 to 24 h), ``redial_share`` (of those who give
        up that call again because of it, in the same hour; below 1).

    Returns
    -------
    ``scenarios`` with ``contacts_per_day`` (that ask for an agent), ``left_per_day``, ``share_left_of_asked``,
        ``fewer_left_share`` (of those who give up today), and with ``by_day`` its ``lower, upper`` (:func:`fewer_left_limits`).

    The contacts of a log hold those who called again already, so none are added. Whoever is answered does not call
    again: a scenario has fewer contacts by that. Without a bot and without help every hour is the log's, and any other day
    has fewer or more who give up by as many as the model says. An hour that tells no team keeps the share that it loses. Raises ValueError for a missing column, a share outside 0
    to 1 and agents that are negative.
    """
    needed = ["scenario", "contained_share", "evening_experts", "redial_share"]
    if missing := [n for n in needed if n not in scenarios.columns]:
        raise ValueError(f"scenarios has no column {', '.join(missing)}; it needs {', '.join(needed)}.")
    for name in ("contained_share", "redial_share"):
        if not scenarios[name].between(0, 1, inclusive="left").all():
            raise ValueError(f"{name} must be a share from 0 to below 1; got {scenarios[name].tolist()}.")
    if not (scenarios["evening_experts"] >= 0).all():
        raise ValueError(f"evening_experts must be >= 0; got {scenarios['evening_experts'].tolist()}.")
    law = patience_law(patience)
    left_today = float(hours["left"].sum())
    rows = []
    for one in scenarios.itertuples(index=False):
        asking, left = _another_day(hours, one, law)
        row = {
            "contacts_per_day": asking.sum() / days, "left_per_day": left.sum() / days,
            "share_left_of_asked": left.sum() / asking.sum(),
            "fewer_left_share": 1 - left.sum() / left_today if left_today else math.nan,
        }  # fmt: skip
        if by_day is not None:
            changes = bool(one.contained_share or one.evening_experts)
            row |= {"lower": row["fewer_left_share"], "upper": row["fewer_left_share"]}
            if changes:

                def after(moved: pd.DataFrame, one: Any = one) -> Floats:
                    team = agents_in_effect(moved.drop(columns=["agents", "mean_wait_s", "missed"]), patience=law)
                    return _another_day(team, one, law)[1]

                row["lower"], row["upper"] = fewer_left_limits(hours, left, after, by_day)
        rows.append(row)
    return scenarios.reset_index(drop=True).join(pd.DataFrame(rows))


def _another_day(hours: pd.DataFrame, scenario: Any, law: PatienceLaw) -> tuple[Floats, Floats]:
    """Who asks and who gives up in each hour, in the period."""
    found = [_another_hour(row, scenario, law) for row in hours.itertuples()]
    asking, left = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    return asking, left


def _another_hour(row: Any, scenario: Any, law: PatienceLaw) -> tuple[float, float]:
    if not row.contacts:
        return 0.0, 0.0
    per_contact, redials = row.arrivals_per_h / row.contacts, scenario.redial_share
    kept = 1 - scenario.contained_share
    if math.isnan(row.agents):
        return row.contacts * kept, row.left * kept
    agents = row.agents + (scenario.evening_experts if row.hour >= EVENING_FROM else 0)

    def share_left(contacts: float) -> float:
        return team_measures(
            arrivals_per_h=contacts * per_contact, handle_time_s=row.handle_time_s, agents=agents, patience=law
        ).share_left

    if kept == 1 and agents == row.agents:
        return row.contacts, row.left
    as_it_is = row.left + row.missed
    # Those who try for the first time and whom the bot does not settle; each who gives up adds one more try.
    first = (row.contacts - redials * as_it_is) * kept
    if not redials or not first > 0:
        return first, max(first * share_left(first) - row.missed, 0.0) if first > 0 else 0.0
    # Between nobody who calls again and all who do, with room for rounding at both ends.
    ends = first * (1 - _ROUNDING), first / (1 - redials) * (1 + _ROUNDING)
    asking = brentq(lambda n: n - first - redials * n * share_left(n), *ends, rtol=_ROUNDING)
    return asking, max(asking * share_left(asking) - row.missed, 0.0)
