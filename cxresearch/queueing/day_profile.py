"""The day's profile: when contacts come, when somebody is there, who is neglected, and what would close the gap.

Every hour is taken as a queue in its own steady state (pointwise stationary approximation), every day alike. That is
right where rates change slowly against handle time and patience; it carries no backlog from one busy hour to the next
and smooths a burst inside the hour. Hours with nobody there have their own model: contacts wait until the agents are
back, or leave.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch.queueing.measures import (
    QueueMeasures,
    Target,
    UnstableQueueError,
    agents_needed,
    percentile_range,
    queue_measures,
)
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, Tail, patience_law, positive
from cxresearch.risk_table import Floats, Integers

_HOURS = 24
_SETTLED = 1e-12  # what still moves from round to round of redials, as a share of a day's first tries
_WAITS = (
    "probability_wait",
    "mean_wait_s",
    "service_level",
    "mean_queue",
    "occupancy",
    "probability_past_curve",
)


def day_profile_table(
    hours: pd.DataFrame,
    *,
    patience: Patience,
    handle_time_s: float | None = None,
    within_s: float = 20.0,
    contained_share: float = 0.0,
    redial_share: float = 0.0,
    redial_delay_h: float = 1.0,
    tail: Tail = "last_hazard",
) -> pd.DataFrame:
    """Work out, hour by hour, how long contacts wait and how many are neglected.

    Parameters
    ----------
    hours : DataFrame, one row for each hour of the clock, 0 to 23
        ``hour``, ``arrivals_per_h`` (>= 0, contacts of people who try for the first time), ``agents`` (whole, >= 0; 0:
        nobody is there), optionally ``experts`` (whole, >= 0: the flexible network, at the team's pace and
        for the same contacts) and ``handle_time_s``, if it is not given as an argument.
    patience : as for ``queueing.queue_measures``; a curve with the column ``hour`` gives every hour its own.
    within_s : the threshold of the service level, seconds.
    contained_share : ASSUMED share of first contacts that a bot settles, at any hour; they never ask for an agent.
    redial_share : ASSUMED share of the neglected that try again, each time they are neglected; below 1.
    redial_delay_h : ASSUMED hours between a neglected try and the next. Those who try again skip the bot.
    tail : as for ``queueing.queue_measures``.

    Returns
    -------
    DataFrame, one row an hour
        ``hour``; ``state`` (open; closed: nobody is there; no contacts: a gap, its measures are NaN); per hour:
        ``arrivals_per_h``, ``contained_per_h``, ``redials_per_h``, ``attempts_per_h`` (first tries past the bot, and
        redials), ``carried_in_per_h`` (still waiting when the agents came back), ``agents``, ``experts``; the queue:
        ``probability_wait``, ``mean_wait_s``, ``service_level``, ``mean_queue``, ``occupancy``,
        ``probability_past_curve``; what became of the hour's attempts: ``answered_per_h``, ``neglected_per_h`` (left or
        not served), ``neglected_share`` (in an open hour the probability of abandoning), ``lost_per_h`` (neglected,
        and not trying again). ``attrs["assumed"]`` holds what was assumed.

    The closed hours: a contact waits for the first staffed hour by the clock, across midnight, and leaves as its
    patience has it. Those still there join the arrivals of that hour, spread over it, with their patience begun anew;
    they are answered or neglected in the books of the hour in which they came. Service level 0, mean queue and
    occupancy NaN. Where no hour of the day is staffed, everybody is neglected, and the mean wait is NaN.
    The redials: a try fails, and its redial falls ``redial_delay_h`` later by the clock of the try, where it makes
    others wait. Loads are iterated to the fixed point. It is the only one, and every round comes closer by the factor
    ``redial_share`` at least, because one more try never adds more than one neglected try.

    Raises ValueError for a missing, doubled or extra hour, missing or negative numbers, shares outside 0 to 1, and
    UnstableQueueError, with the hour, where nobody leaves and the agents cannot keep up.
    Reference: Green & Kolesar (1991), doi:10.1287/mnsc.37.1.84, for the approximation and its limit.
    """
    day = _checked_day(hours, handle_time_s, patience, tail, contained_share, redial_share, redial_delay_h)
    profile = _profile(day, day.team + day.experts, positive("within_s", within_s))
    place = profile.columns.get_loc("carried_in_per_h") + 1
    profile.insert(place, "agents", day.team)
    profile.insert(place + 1, "experts", day.experts)
    profile.attrs["assumed"] = {
        "contained_share": contained_share,
        "redial_share": redial_share,
        "redial_delay_h": redial_delay_h,
        "tail": tail,
    }
    return profile


def day_total(profile: pd.DataFrame) -> pd.DataFrame:
    """Sum a day's profile to one row.

    Returns ``arrivals``, ``contained``, ``attempts``, ``answered``, ``neglected``, ``lost`` (contacts a day),
    ``neglected_share`` (of attempts), ``lost_share`` (of first tries past the bot: people who never got an answer) and
    ``neglected_when_closed_share`` (of the neglected attempts, those made while nobody was there).
    """
    total = {
        name: float(profile[f"{name}_per_h"].sum())
        for name in ("arrivals", "contained", "attempts", "answered", "neglected", "lost")
    }
    closed = float(profile.loc[profile["state"] == "closed", "neglected_per_h"].sum())
    return pd.DataFrame(
        [
            {
                **total,
                "neglected_share": _share(total["neglected"], total["attempts"]),
                "lost_share": _share(total["lost"], total["arrivals"] - total["contained"]),
                "neglected_when_closed_share": _share(closed, total["neglected"]),
            }
        ]
    )


def staffing_table(
    hours: pd.DataFrame,
    *,
    patience: Patience,
    target: Target,
    handle_time_s: float | None = None,
    contained_share: float = 0.0,
    redial_share: float = 0.0,
    redial_delay_h: float = 1.0,
    tail: Tail = "last_hazard",
    replicates: Iterable[Patience] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Find the agents that every hour needs to reach ``target``, and the gap to those who are there.

    Parameters are those of :func:`day_profile_table` (``agents`` may be missing, then nobody is there yet), and
    target : what every hour with first contacts must reach; ``queueing.Target``.
    replicates : the patience from bootstrap samples, such as ``queueing.resampled_curves``, by hour if patience is.
    level : share of the replicates inside the interval.

    Returns
    -------
    DataFrame, one row an hour
        ``hour``, ``arrivals_per_h``, ``attempts_per_h`` (at the staffing found), ``agents``, ``experts``,
        ``agents_needed`` (0 in an hour without first contacts, whatever redials fall there), ``gap`` (needed, less
        agents and experts there; below 0 is slack), ``neglected_share``, ``mean_wait_s``, ``occupancy`` (at the
        staffing found), and with replicates ``lower``, ``upper``.

    With redials the needs hang together: fewer agents in one hour bring more redials in the next. Needs and redials are
    worked out in turn until they agree; where they keep alternating, the higher staffing is returned, which
    reaches the target in every hour, with at most a few agents too many.
    """
    given = hours if "agents" in hours.columns else hours.assign(agents=0)
    shares = (contained_share, redial_share, redial_delay_h)
    day = _checked_day(given, handle_time_s, patience, tail, *shares)
    needed = _needed_by_hour(day, target)
    profile = _profile(day, needed, within_s=0.0)
    table = profile[["hour", "arrivals_per_h", "attempts_per_h"]].assign(
        agents=day.team, experts=day.experts, agents_needed=needed, gap=needed - day.team - day.experts
    )
    table = table.join(profile[["neglected_share", "mean_wait_s", "occupancy"]])
    again = [_needed_by_hour(_checked_day(given, handle_time_s, other, tail, *shares), target) for other in replicates]
    if again:
        table["lower"], table["upper"] = percentile_range(np.array(again), level)
    return table


# --- one day ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Day:
    """A checked day: every array has one entry an hour, from 0 to 23."""

    arrivals_per_h: Floats
    team: Integers
    experts: Integers
    handle_time_s: Floats
    laws: list[PatienceLaw | None]
    contained_share: float
    redial_share: float
    redial_delay_h: float

    @property
    def asking_per_h(self) -> Floats:
        """First tries that the bot does not settle."""
        return self.arrivals_per_h * (1 - self.contained_share)

    def law(self, hour: int) -> PatienceLaw:
        found = self.laws[hour]
        if found is None:
            raise ValueError(f"contacts wait in hour {hour}, but the patience curves have no row with that hour.")
        return found

    @property
    def redials(self) -> Floats:
        """Tries made again in each hour (row) for one neglected try of each hour (column)."""
        whole = math.floor(self.redial_delay_h)
        later = self.redial_delay_h - whole  # a delay that is not whole falls into two hours
        moved = (1 - later) * np.roll(np.eye(_HOURS), whole, axis=0)
        return self.redial_share * (moved + later * np.roll(np.eye(_HOURS), whole + 1, axis=0))

    def queue(self, hour: int, load_per_h: float, agents: int) -> QueueMeasures:
        try:
            return queue_measures(
                arrivals_per_h=load_per_h,
                handle_time_s=float(self.handle_time_s[hour]),
                agents=agents,
                patience=self.law(hour),
            )
        except UnstableQueueError as error:
            raise UnstableQueueError(f"hour {hour}: {error}") from error


@dataclass(frozen=True, eq=False)
class _ClosedHours:
    """Which hours have nobody there, the hour that opens next, and who is still waiting then."""

    closed: NDArray[np.bool_]
    reopens: Integers
    away_s: Floats  # from the start of the hour to the return of the agents; infinite if they never return
    waiting: Floats  # share of the hour's tries still there at the return


def _closed_hours(day: _Day, agents: Integers) -> _ClosedHours:
    closed = agents == 0
    reopens, away_s, waiting = np.arange(_HOURS), np.full(_HOURS, math.inf), np.zeros(_HOURS)
    for hour in np.flatnonzero(closed).tolist() if not closed.all() else ():
        away_h = int(np.argmin(np.roll(closed, -hour)))
        reopens[hour], away_s[hour] = (hour + away_h) % _HOURS, 3600.0 * away_h
        if day.laws[hour] is not None:
            waiting[hour] = day.law(hour).share_waiting(away_s[hour] - 3600, away_s[hour])
    return _ClosedHours(closed, reopens, away_s, waiting)


def _profile(day: _Day, agents: Integers, within_s: float) -> pd.DataFrame:
    """The day with ``agents`` (team and experts) by hour: tries, redials and queues at their fixed point."""
    night, asking, redials = _closed_hours(day, agents), day.asking_per_h, day.redials
    carry = np.zeros((_HOURS, _HOURS))  # still there in the hour that opens (row) for one try of a closed one (column)
    carry[night.reopens, np.arange(_HOURS)] = night.waiting
    attempts, carried, neglected, share = (np.zeros(_HOURS) for _ in range(4))
    queues: dict[int, QueueMeasures] = {}
    moved = math.inf
    while moved > _SETTLED * asking.sum():
        before = np.r_[attempts, carried, neglected]
        # Hour after hour, each with what the hours before it have just passed on: few rounds are needed.
        for hour in range(_HOURS):
            attempts[hour] = asking[hour] + redials[hour] @ neglected
            carried[hour] = carry[hour] @ attempts
            load = attempts[hour] + carried[hour]
            if night.closed[hour]:
                share[hour] = 1 - night.waiting[hour] * (1 - share[night.reopens[hour]])
            elif load > 0:
                queues[hour] = day.queue(hour, float(load), int(agents[hour]))
                share[hour] = queues[hour].probability_abandon
            neglected[hour] = attempts[hour] * share[hour]
        moved = float(np.abs(np.r_[attempts, carried, neglected] - before).sum())
    waits = [_waits(day, night, queues, hour, float(attempts[hour]), within_s) for hour in range(_HOURS)]
    return pd.DataFrame(
        {
            "hour": np.arange(_HOURS),
            "state": np.select([attempts + carried == 0, night.closed], ["no contacts", "closed"], "open"),
            "arrivals_per_h": day.arrivals_per_h,
            "contained_per_h": day.arrivals_per_h * day.contained_share,
            "redials_per_h": attempts - asking,
            "attempts_per_h": attempts,
            "carried_in_per_h": carried,
            **pd.DataFrame(waits, columns=_WAITS, dtype=np.float64),
            "answered_per_h": attempts - neglected,
            "neglected_per_h": neglected,
            "neglected_share": np.where(attempts > 0, share, math.nan),
            "lost_per_h": (1 - day.redial_share) * neglected,
        }
    )


def _waits(
    day: _Day, night: _ClosedHours, queues: dict[int, QueueMeasures], hour: int, attempts: float, within_s: float
) -> tuple[float, ...]:
    """The columns _WAITS of one hour."""
    if hour in queues:
        queue = queues[hour]
        return (
            queue.probability_wait,
            queue.mean_wait_s,
            queue.service_level(within_s),
            queue.mean_queue,
            queue.occupancy,
            queue.probability_past_curve,
        )
    if not attempts:
        return (math.nan,) * len(_WAITS)
    away_s = float(night.away_s[hour])
    if math.isinf(away_s):
        return 1.0, math.nan, 0.0, math.nan, math.nan, math.nan
    law, after = day.law(hour), queues.get(int(night.reopens[hour]))
    past_end = float(np.clip((away_s - law.end_s) / 3600, 0, 1)) if math.isfinite(law.end_s) else 0.0
    waited_s = law.mean_wait_s(away_s - 3600, away_s)
    if after is not None:
        waited_s += float(night.waiting[hour]) * after.mean_wait_s
    return 1.0, waited_s, 0.0, math.nan, math.nan, law.end_survival * past_end


# --- staffing -----------------------------------------------------------------------------------------------------


def _needed_by_hour(day: _Day, target: Target) -> Integers:
    def need(load_per_h: Floats) -> Integers:
        needed = np.zeros(_HOURS, dtype=np.int64)
        for hour in np.flatnonzero(day.asking_per_h > 0).tolist():
            needed[hour] = agents_needed(
                arrivals_per_h=float(load_per_h[hour]),
                handle_time_s=float(day.handle_time_s[hour]),
                patience=day.law(hour),
                target=target,
            ).agents
        return needed

    def need_with_redials(staff: Integers) -> Integers:
        profile = _profile(day, staff, within_s=0.0)
        return need((profile["attempts_per_h"] + profile["carried_in_per_h"]).to_numpy())

    staff = need(day.asking_per_h)
    if day.redial_share == 0:
        return staff
    # Up to a staffing that bears the redials it leaves, then down as long as the lower one still bears its own.
    while ((other := need_with_redials(staff)) > staff).any():
        staff = np.maximum(staff, other)
    while (other != staff).any() and ((lower := need_with_redials(other)) <= other).all():
        staff, other = other, lower
    return staff


# --- checks -------------------------------------------------------------------------------------------------------


def _checked_day(
    hours: pd.DataFrame,
    handle_time_s: float | None,
    patience: Patience,
    tail: Tail,
    contained_share: float,
    redial_share: float,
    redial_delay_h: float,
) -> _Day:
    for name, share in (("contained_share", contained_share), ("redial_share", redial_share)):
        if not 0 <= share < 1:
            raise ValueError(f"{name} must be a share from 0 to below 1; got {share}.")
    if not 0 <= redial_delay_h < math.inf:
        raise ValueError(f"redial_delay_h must be a finite number of hours >= 0; got {redial_delay_h}.")
    absent = [name for name in ("hour", "arrivals_per_h", "agents") if name not in hours.columns]
    if absent:
        raise ValueError(f"the table of hours lacks {', '.join(absent)}; it has {', '.join(map(str, hours.columns))}.")
    if ("handle_time_s" in hours.columns) == (handle_time_s is not None):
        raise ValueError("give handle_time_s once: as a column of the table of hours, or as an argument.")
    found = hours["hour"].tolist()
    missing = sorted(set(range(_HOURS)) - set(found))
    if missing or len(found) != _HOURS:
        raise ValueError(
            f"the table needs each hour from 0 to 23 once; it has {len(found)} rows and lacks the hours {missing}. "
            "Give an hour without contacts arrivals_per_h 0, and an hour with nobody there agents 0."
        )
    ordered = hours.sort_values("hour", ignore_index=True)
    arrivals = _column(ordered, "arrivals_per_h")
    if not arrivals.any():
        raise ValueError("no hour has contacts: arrivals_per_h is 0 in all 24 rows.")
    if handle_time_s is not None:
        handle = np.full(_HOURS, positive("handle_time_s", handle_time_s))
    else:
        handle = _column(ordered, "handle_time_s")
        _refuse(ordered, "handle_time_s", handle == 0, "must be above 0")
    experts = _column(ordered, "experts", whole=True) if "experts" in ordered else np.zeros(_HOURS)
    return _Day(
        arrivals,
        _column(ordered, "agents", whole=True).astype(np.int64),
        experts.astype(np.int64),
        handle,
        _laws_by_hour(patience, tail),
        contained_share,
        redial_share,
        redial_delay_h,
    )


def _laws_by_hour(patience: Patience, tail: Tail) -> list[PatienceLaw | None]:
    if not (isinstance(patience, pd.DataFrame) and "hour" in patience.columns):
        return [patience_law(patience, tail=tail)] * _HOURS
    curves = {hour: patience_law(curve, tail=tail) for hour, curve in patience.groupby("hour")}
    return [curves.get(hour) for hour in range(_HOURS)]


def _column(hours: pd.DataFrame, name: str, *, whole: bool = False) -> Floats:
    values = hours[name].to_numpy(dtype=np.float64, na_value=math.nan)
    _refuse(hours, name, ~(np.isfinite(values) & (values >= 0)), "must be a finite number >= 0")
    if whole:
        _refuse(hours, name, values != np.floor(values), "must be whole (round down what is uncertain)")
    return values


def _refuse(hours: pd.DataFrame, name: str, bad: NDArray[np.bool_], rule: str) -> None:
    if bad.any():
        raise ValueError(f"{name} {rule}; it is not in {bad.sum()} of 24 hours: {hours.loc[bad, 'hour'].tolist()}.")


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
