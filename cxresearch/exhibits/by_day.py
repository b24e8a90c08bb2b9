"""The headlines of a channel, day by day: the counts that they are made of, what each day adds to them, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from cxresearch.risk_table import DayClusters, Link, deviations, ratio_of_sums, share_that_stays, time_until
from cxresearch.style import phrase

if TYPE_CHECKING:
    from cxresearch.contacts import PeriodLog

COLUMNS = ["name", "day", "weekday", "weight", "influence", "queued", "top", "below"]
MINUTE_S = 60.0
_NEVER = np.empty(0)
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Measure(NamedTuple):
    """How a headline is made of sums by day: ``top`` over ``below``; ``link``: the scale of its interval; ``size``: who
    shares a good or a bad day. Headlines of one size have one correlation of neighbouring days. ``how``: a ratio; what
    stays (Kaplan-Meier, ``top`` of ``below``); or when half has gone."""

    link: Link
    top: str
    below: str
    size: str = "queued"
    how: Literal["ratio", "stays", "half"] = "ratio"


MEASURES = {
    "contacts_per_day": Measure("log", "contacts", "days", "asked"),
    "abandonment_share": Measure("logit", "left_queue", "queued"),
    "lost_share": Measure("logit", "left", "asked"),
    "queued_share": Measure("logit", "queued", "asked", "asked"),
    "service_level": Measure("logit", "in_time", "asked"),
    "mean_answer_s": Measure("log", "waited_answered_s", "answered"),
    "mean_wait_s": Measure("log", "waited_s", "queued"),
    "patience_survival_60s": Measure("logit", "left_at", "at_risk", how="stays"),
    "lost_for_good_share": Measure("logit", "left_for_good", "known", "known"),
}
# Those of tickets (``ticket_numbers.ticket_days``).
TICKET_MEASURES = {
    "tickets_per_day": Measure("log", "tickets", "days", "tickets"),
    "median_first_answer_s": Measure("log", "answered_at", "unanswered_at", "tickets", "half"),
    "unanswered_after_promise_share": Measure("logit", "in_time_at", "due_at", "tickets", "stays"),
    "asked_again_share": Measure("logit", "again", "known", "known"),
}
EVERY = {**MEASURES, **TICKET_MEASURES}


def headline_days(period_log: PeriodLog, *, channel: str, target_s: float = 20.0) -> pd.DataFrame:
    """What each day adds to each headline of a channel, and the counts from which this follows for any other weights.

    Parameters
    ----------
    period_log : one period of a log. channel : whose queue is measured. target_s : within which an answer is in time.

    Returns
    -------
    DataFrame ``name, day, weekday, weight, influence, queued, top, below``, one row a headline and day with contacts
        ``weekday`` is 1 (Monday) to 7, ``weight`` 1; ``influence`` is what the headline moves by when the day counts a
        little more, in the headline's unit; ``queued`` is the size of the day (of the two headlines of load: all who
        asked). ``top`` and ``below`` are lists: of a ratio the two sums; of patience who left at each second of the
        first minute that anybody's wait ended at, and who was at risk then.

    Asked are all but those whom a bot served before the queue. For ``lost_for_good_share`` they count only where their
    customer is known and the log goes on for 24 hours (``contacts.after_leaving``). Raises LogError where the channel has
    no contact.
    """
    mine = period_log.only(channel=channel)
    counts = _counts(mine.cells, target_s)
    counts = counts.join(_followed(mine.after_leaving, counts["day"]))
    weight = np.ones(len(counts))
    columns: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    for name, measure in MEASURES.items():
        top, below, size = (
            np.stack(counts[column].to_numpy()) for column in (measure.top, measure.below, measure.size)
        )
        own = {
            "name": [name] * len(counts), "day": counts["day"], "weekday": counts["weekday"], "weight": weight,
            "influence": estimated(name, top, below, weight)[1], "queued": size[:, 0], "top": top, "below": below,
        }  # fmt: skip
        for column, values in own.items():
            columns[column].extend(values)
    return pd.DataFrame(columns)


def arrivals_next(period_log: PeriodLog, *, channel: str) -> list[dict[str, Any]]:
    """What a period lets one expect of each weekday and its hours after it, as it is kept in ``forecast.json``.

    One dict a weekday that the period has: ``name, label, unit, kind, value`` (median), ``lower, upper`` (80 %), ``level,
    periods, note, weekday`` (1 Monday to 7) and ``hours``, dicts ``hour, value, lower, upper``. Empty where the days are
    too few (``queueing.arrivals_ahead``).
    """
    from cxresearch.queueing import (
        arrivals_ahead,
        arrivals_ahead_by_hour,
    )  # statsmodels is not for who only opens a log

    mine = period_log.only(channel=channel)
    asked, week = mine.asked(("day", "weekday", "hour")), pd.date_range(mine.period.end, periods=7)
    try:
        days, hours = arrivals_ahead(asked, week), arrivals_ahead_by_hour(asked, week)
    except ValueError:
        return []
    ends = {"value": "median", "lower": "lower", "upper": "upper"}
    rows = []
    for day in days.sort_values("weekday").to_dict("records"):
        of_day = hours[hours["weekday"] == day["weekday"]].to_dict("records")
        rows.append({
            "name": f"contacts_weekday_{day['weekday']}", "label": _weekday_label(int(day["weekday"]), channel),
            "unit": "contacts", "kind": mine.kind, **{end: float(day[column]) for end, column in ends.items()},
            "level": 0.8, "periods": 1, "note": phrase("from {n} days", n=str(days.attrs["days"])), "weekday": int(day["weekday"]),
            "hours": [{"hour": int(one["hour"]), **{end: float(one[column]) for end, column in ends.items()}} for one in of_day],
        })  # fmt: skip
    return rows


def _weekday_label(weekday: int, channel: str) -> str:
    return phrase("Contacts on a {weekday} ({channel})", weekday=phrase(DAY_NAMES[weekday - 1]), channel=channel)


def _counts(cells: pd.DataFrame, target_s: float) -> pd.DataFrame:
    """One row a day; each sum is a list, so that a ratio and a curve are read alike."""
    code, days = pd.factorize(cells["day"], sort=True)
    n, waited = cells["contacts"].to_numpy(dtype=float), cells["duration_s"].to_numpy(dtype=float)
    queued = cells["queued"].to_numpy(dtype=bool)
    answered, left, served = (
        (cells["outcome"] == word).to_numpy(dtype=bool) for word in ("answered", "abandoned", "deflected")
    )
    asked = queued | ~served
    in_time = answered & ((waited <= target_s) | ~queued)

    def by_day(number: np.ndarray) -> np.ndarray:
        return np.bincount(code, number, len(days))

    sums = {
        "days": np.ones(len(days)), "contacts": by_day(n), "asked": by_day(n * asked), "queued": by_day(n * queued),
        "left": by_day(n * left), "left_queue": by_day(n * (left & queued)), "answered": by_day(n * answered),
        "in_time": by_day(n * in_time), "waited_s": by_day(n * queued * waited),
        "waited_answered_s": by_day(n * (queued & answered) * waited),
    }  # fmt: skip
    table = pd.DataFrame({name: list(values[:, None]) for name, values in sums.items()})
    table["left_at"], table["at_risk"] = map(list, _first_minute(code, len(days), n, waited, queued, left))
    return table.assign(day=days, weekday=pd.DatetimeIndex(days).day_of_week + 1)


def _followed(after: pd.DataFrame | None, days: pd.Series) -> pd.DataFrame:
    """By day, as lists: asked of whom the customer is known and could be followed, and of these lost for good."""
    sums = pd.DataFrame(0.0, index=days, columns=["left_for_good", "known"])
    if after is not None:
        found = after.assign(left_for_good=after["followed"] - after["answered_24h"]).groupby("day")[list(sums)].sum()
        sums = found.reindex(days, fill_value=0).astype(float)
    return pd.DataFrame({name: list(sums[name].to_numpy()[:, None]) for name in sums})


def _first_minute(
    code: np.ndarray, days: int, n: np.ndarray, waited: np.ndarray, queued: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Day x second: who left at it, and who was at risk. The sixtieth second is always there, as the last one."""
    early = queued & (waited <= MINUTE_S)
    seconds = np.unique(np.append(pd.unique(waited[early]), MINUTE_S))
    cell, shape = code[early] * len(seconds) + np.searchsorted(seconds, waited[early]), (days, len(seconds))
    left_at = np.bincount(cell, (n * left)[early], days * len(seconds)).reshape(shape)
    ended = np.bincount(cell, n[early], days * len(seconds)).reshape(shape)
    at_risk = np.bincount(code, n * queued, days)[:, None] - np.cumsum(ended, axis=1) + ended
    return left_at, at_risk


def estimated(
    name: str, top: np.ndarray, below: np.ndarray, weight: np.ndarray, at: np.ndarray = _NEVER
) -> tuple[float, np.ndarray]:
    """The headline under these weights of the days, and its influence by day; NaN where it is not known.

    ``at`` are the seconds of ``top`` and ``below`` of a headline that says when half has gone.
    """
    how = EVERY[name].how
    if how == "ratio":
        return ratio_of_sums(top[:, 0], below[:, 0], weight)
    if how == "half":
        return time_until(top, below, at, weight, 0.5)
    value, influence = share_that_stays(top, below, weight)
    # After the last one under watch the curve says nothing, unless everybody has gone.
    if not (weight @ below[:, 0] > 0 and (weight @ below[:, -1] > 0 or value == 0)):
        return math.nan, np.full(len(weight), np.nan)
    return value, influence


@dataclass(frozen=True)
class Days:
    """A period's days with contacts: ``day``, ``weekday``, and by headline the ``size`` of each day and its sums."""

    day: np.ndarray
    weekday: np.ndarray
    size: dict[str, np.ndarray]
    top: dict[str, np.ndarray]
    below: dict[str, np.ndarray]
    at: dict[str, np.ndarray] = field(default_factory=dict)

    def only(self, kept: np.ndarray) -> Days:
        """The days that are ``kept`` (bool)."""
        parts = ({name: values[kept] for name, values in part.items()} for part in (self.size, self.top, self.below))
        size, top, below = parts
        return Days(self.day[kept], self.weekday[kept], size, top, below, self.at)

    def estimate(self, name: str, weight: np.ndarray) -> tuple[float, np.ndarray]:
        """A headline under these weights, and its influence by day."""
        return estimated(name, self.top[name], self.below[name], weight, self.at.get(name, _NEVER))

    def each(self, name: str) -> np.ndarray:
        """The headline of every day by itself."""
        return np.array([self.estimate(name, one)[0] for one in np.eye(len(self.day))])


def days_of(frame: object) -> Days | None:
    """The days in a table of :func:`headline_days`, as it was kept or as it came; None where it is no such table."""
    if not isinstance(frame, pd.DataFrame) or not set(COLUMNS) <= set(frame) or frame.empty:
        return None
    try:
        where = {str(name): rows for name, rows in frame.groupby("name", sort=False).indices.items() if name in EVERY}
        columns = {column: frame[column].to_numpy() for column in COLUMNS}
        first, *others = [np.asarray(columns["day"][rows], dtype="datetime64[ns]") for rows in where.values()]
        top, below = (
            {name: np.stack(list(columns[end][rows])).astype(float) for name, rows in where.items()}
            for end in ("top", "below")
        )
        size = {name: columns["queued"][rows].astype(float) for name, rows in where.items()}
        weekday = columns["weekday"][next(iter(where.values()))].astype(int)
        at = {
            name: np.asarray(frame["at"].iloc[rows[0]], dtype=float)
            for name, rows in where.items()
            if EVERY[name].how == "half"
        }
    except (KeyError, TypeError, ValueError):  # a kept file is data from outside
        return None
    sound = (
        len(np.unique(first)) == len(first)
        and all(np.array_equal(first, own) for own in others)
        and ((weekday >= 1) & (weekday <= 7)).all()
        and all(top[name].ndim == 2 and top[name].shape == below[name].shape for name in where)
        and all(seconds.shape == top[name].shape[1:] for name, seconds in at.items())
    )
    return Days(first, weekday, size, top, below, at) if sound else None


class Part(NamedTuple):
    """A period's share in a comparison: its ``days``, the ``weight`` of each, and its ``sign`` (0: it lends its spread)."""

    days: Days
    weight: np.ndarray
    sign: int


class Compared(NamedTuple):
    """One headline over the parts: its ``estimates``, the deviations of all ``days``, and the clusters they stand in."""

    estimates: list[float]
    days: np.ndarray
    clusters: DayClusters


def compared(parts: Sequence[Part], *, linked: bool) -> dict[str, Compared]:
    """Every headline that all parts know, by name. ``linked``: on the scale of its link, as intervals of a value are."""
    parts = [Part(one.days.only(one.weight > 0), one.weight[one.weight > 0], one.sign) for one in parts]
    known = [name for name in EVERY if all(name in one.days.top for one in parts)]
    found: dict[str, Compared] = {}
    for size in dict.fromkeys(EVERY[name].size for name in known):
        names = [name for name in known if EVERY[name].size == size]
        values, columns = {}, []
        for name in names:
            link: Link = EVERY[name].link if linked else "identity"
            pairs = [(one, *one.days.estimate(name, one.weight)) for one in parts]
            values[name] = [value for _, value, _ in pairs]
            columns.append(np.concatenate([deviations(moved, one.weight, value, link) for one, value, moved in pairs]))
        clusters = _clusters(parts, names[0], np.column_stack(columns))
        found |= {name: Compared(values[name], days, clusters) for name, days in zip(names, columns, strict=True)}
    return found


def _clusters(parts: Sequence[Part], name: str, of_all: np.ndarray) -> DayClusters:
    """The days of all parts, each as large as it is beside the mean of its period."""
    sizes = [one.days.size[name] / (float(one.weight @ one.days.size[name] / one.weight.sum()) or 1.0) for one in parts]
    return DayClusters(
        day=np.concatenate([one.days.day for one in parts]), weekday=np.concatenate([one.days.weekday for one in parts]),
        size=np.concatenate(sizes), share=np.concatenate([one.sign * one.weight / one.weight.sum() for one in parts]),
        period=np.repeat(np.arange(len(parts)), [len(one.weight) for one in parts]), deviations=of_all,
        pooled=any(one.sign == 0 for one in parts),
    )  # fmt: skip
