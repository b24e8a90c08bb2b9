"""The few numbers that a report of tickets leads with, and the days that they are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.contacts import SLOW, LogError, PeriodLog
from cxresearch.exhibits.by_day import COLUMNS as DAY_COLUMNS
from cxresearch.exhibits.by_day import TICKET_MEASURES, estimated
from cxresearch.exhibits.changes import COLUMNS
from cxresearch.exhibits.headlines import estimates_of
from cxresearch.patience import after_tickets, ticket_waits, watched
from cxresearch.style import format_date, format_duration, format_value, phrase

HOUR_S = 3_600.0
PROMISES_ALIKE = 0.05  # of the tickets: with more promised another time, what was kept of it is another number
GIVEN_UP = (
    "On every channel of {place} people are seen to give up, so there are no tickets in it. Its report is monthly: "
    "cxresearch report monthly"
)


def tickets_of(month: PeriodLog, *, channel: str = "") -> PeriodLog:
    """The tickets of a period: of one channel, or of all but those on which people are seen to give up.

    E-mail, social media and web forms are tickets whatever the log says. Raises LogError where there are none.
    """
    if channel:
        return month.only(channel=channel)
    spans = [log for log in (month, month.previous) if log is not None]
    live = {
        name for log in spans
        for name in log.cells.loc[log.cells["outcome"] == "abandoned", "channel"].fillna("").unique() if name not in SLOW
    }  # fmt: skip
    mine, *before = (_without(log, live) for log in spans)
    if mine.cells.empty:
        raise LogError(f"{GIVEN_UP.format(place=month.label)} --period {month.period.name}.")
    return replace(mine, previous=before[0] if before and len(before[0].cells) else None)


def _without(log: PeriodLog, live: set[str]) -> PeriodLog:
    waiting = log.unanswered
    if waiting is not None:
        waiting = waiting[~waiting["channel"].fillna("").isin(live)]
    return replace(log, cells=log.cells[~log.cells["channel"].fillna("").isin(live)], unanswered=waiting)


def next_of_customers(tickets: PeriodLog, *, again_h: float) -> pd.DataFrame:
    """What the customer of each ticket did next: ``patience.after_tickets`` of a period's rows, on all channels.

    Raises LogError where no rows were kept. ``tickets`` are of one channel, or of all (:func:`tickets_of`).
    """
    rows = tickets.on_all_channels.select("customer_key, channel, opened_at, wait_s, outcome").df()
    named = rows["channel"].fillna("")
    return after_tickets(
        rows.assign(ticket=named.isin(tickets.cells["channel"].fillna("").unique())), again_s=again_h * HOUR_S
    )


def ticket_days(tickets: PeriodLog, *, promise_s: float, again_h: float | None) -> pd.DataFrame:
    """What each day of opening adds to each headline of tickets, as ``headline_days`` does for calls.

    Parameters
    ----------
    tickets : from :func:`tickets_of`. promise_s : what is promised where the log does not say. again_h : for how many hours
        a ticket is followed by its customer; None leaves out who asked again.

    Returns
    -------
    DataFrame ``name, day, weekday, weight, influence, queued, top, below, at``; ``queued`` is the number of tickets of the
        day, ``at`` the seconds at which ``top`` and ``below`` of the median stand. Its other columns are as there.
    """
    waits = ticket_waits(tickets.cells, promise_s)
    by_time, by_promise = watched(waits), watched(waits, "promise")
    number = waits.groupby("day")["contacts"].sum().reindex(by_time.day).to_numpy(dtype=float)
    sums = pd.DataFrame(0.0, index=pd.DatetimeIndex(by_time.day), columns=["again", "known"])
    try:
        after = pd.DataFrame() if again_h is None else next_of_customers(tickets, again_h=again_h)
    except LogError:
        after = pd.DataFrame()
    if len(after):
        known = after[after["known"].astype(bool)].astype({"again": float, "known": float})
        found = known.groupby("day")[["again", "known"]].sum()
        sums = found.reindex(sums.index, fill_value=0.0)
    ones = np.ones(len(number))
    parts: dict[str, np.ndarray] = {
        "days": ones[:, None], "tickets": number[:, None],
        "answered_at": by_time.answered, "unanswered_at": by_time.at_risk,
        "in_time_at": by_promise.answered, "due_at": by_promise.at_risk,
        **{name: sums[name].to_numpy()[:, None] for name in sums},
    }  # fmt: skip
    weekday = pd.DatetimeIndex(by_time.day).day_of_week + 1
    columns: dict[str, list[Any]] = {column: [] for column in (*DAY_COLUMNS, "at")}
    for name, measure in TICKET_MEASURES.items():
        if again_h is None and name == "asked_again_share":
            continue
        top, below, size = (parts[part] for part in (measure.top, measure.below, measure.size))
        at = by_time.times if measure.how == "half" else np.empty(0)
        own = {
            "name": [name] * len(number), "day": by_time.day, "weekday": weekday, "weight": ones,
            "influence": estimated(name, top, below, ones, at)[1], "queued": size[:, 0], "top": top, "below": below,
            "at": [at] * len(number),
        }  # fmt: skip
        for column, values in own.items():
            columns[column].extend(values)
    return pd.DataFrame(columns)


def ticket_headlines(tickets: PeriodLog, *, promise_s: float, again_h: float) -> pd.DataFrame:
    """The numbers of a period of tickets: how many came, when the first answer did, promises, backlog, who asked again.

    Returns
    -------
    DataFrame as ``headline_table``; its intervals take the day of opening as the unit. ``tickets`` and ``backlog`` are
        counted, not estimated. ``attrs["days"]`` is :func:`ticket_days`.
    """
    days = ticket_days(tickets, promise_s=promise_s, again_h=again_h)
    estimates = ticket_estimates(tickets, days, promise_s=promise_s, again_h=again_h)
    number = int(tickets.cells["contacts"].sum())
    rows: list[tuple[object, ...]] = [
        ("tickets", phrase("Tickets"), number, number, number, "count", "", number, phrase("all tickets"),
         phrase("a count of the log, no sampling error"))
    ]  # fmt: skip
    for name, (label, unit, better, base) in _told(tickets, promise_s, again_h).items():
        value, lower, upper, n, note = estimates[name]
        rows.append((name, label, value, lower, upper, unit, better, n, base, note))
    rows.insert(4, _backlog(tickets))
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "kind"])
    table.insert(COLUMNS.index("kind"), "kind", tickets.kind)
    table.attrs["days"] = days
    return table


def ticket_estimates(
    tickets: PeriodLog, days: pd.DataFrame, *, promise_s: float, again_h: float | None
) -> dict[str, tuple[float, float, float, int, str]]:
    """``value, lower, upper, n, note`` of every headline of tickets that is estimated, from its :func:`ticket_days`."""
    before = tickets.previous
    return estimates_of(
        days, lambda: None if before is None else ticket_days(before, promise_s=promise_s, again_h=again_h),
        before=before.label if before else "",
    )  # fmt: skip


def backlog_by_day(tickets: PeriodLog) -> pd.DataFrame | None:
    """Tickets without an answer at the end of each day, ``day, unanswered``; None where that was not counted."""
    if tickets.unanswered is None:
        return None
    return tickets.unanswered.groupby("day", as_index=False)["unanswered"].sum()


def promise_words(tickets: PeriodLog, promise_s: float) -> str:
    """What was promised, where it is one time; else that it was promised."""
    promised: Mapping[float, Any] = tickets.cells["promised_s"].astype(float).fillna(promise_s).value_counts()
    return format_duration(next(iter(promised.keys()))) if len(promised) == 1 else phrase("what was promised")


def promise_changed(tickets: PeriodLog, promise_s: float) -> str:
    """How what was promised differs from the period before, in words; "" where it does not, or in few tickets."""
    if tickets.previous is None:
        return ""
    logs = (tickets.previous, tickets)
    before, now = (
        log.cells["contacts"].groupby(log.cells["promised_s"].astype(float).fillna(promise_s)).sum() / log.cells["contacts"].sum()
        for log in logs
    )  # fmt: skip
    moved = float(now.sub(before, fill_value=0.0).abs().sum()) / 2
    if moved <= PROMISES_ALIKE:
        return ""
    if len(now) == len(before) == 1:
        was, became = (promise_words(log, promise_s) for log in logs)
        return phrase("what was promised changed from {was} to {became}", was=was, became=became)
    return phrase("what was promised is another time for {share} of the tickets", share=format_value(moved, "share"))


def _told(tickets: PeriodLog, promise_s: float, again_h: float) -> dict[str, tuple[str, str, str, str]]:
    """Label, unit, which way is better, and base of every estimated headline."""
    promise, followed = promise_words(tickets, promise_s), format_duration(again_h * HOUR_S)
    every = phrase("all tickets, those without an answer counted up to the end of the log")
    cells = tickets.cells
    unknown, number = (int(cells.loc[which, "contacts"].sum()) for which in (cells["promised_s"].isna(), slice(None)))
    promised = every
    if unknown == number:
        promised = phrase(
            "{base}; for all of them {taken} is taken as promised", base=every, taken=format_duration(promise_s)
        )
    elif unknown:
        promised = phrase(
            "{base}; for {unknown} of them {taken} is taken as promised",
            base=every, unknown=format_value(unknown, "count"), taken=format_duration(promise_s),
        )  # fmt: skip
    return {
        "tickets_per_day": (phrase("Tickets per day with any"), "count", "", phrase("days with tickets")),
        "median_first_answer_s": (phrase("Median time to the first answer"), "s", "lower", every),
        "unanswered_after_promise_share": (phrase("Unanswered after {promise}", promise=promise), "share", "lower", promised),
        "asked_again_share": (
            phrase("Customer asked again within {within} and before an answer", within=followed), "share", "lower",
            phrase("tickets whose customer is known and can be followed for {within}", within=followed),
        ),
    }  # fmt: skip


def _backlog(tickets: PeriodLog) -> tuple[object, ...]:
    found = backlog_by_day(tickets)
    if found is None or found.empty:
        why = phrase("the log ends with its first day")
        if found is None:
            why = phrase("not counted: some days come from kept tables")
        return (
            "backlog",
            phrase("Backlog"),
            math.nan,
            math.nan,
            math.nan,
            "count",
            "lower",
            0,
            phrase("tickets without an answer"),
            why,
        )
    day, count = found.iloc[-1]
    said = format_date(day.date())
    return (
        "backlog", phrase("Backlog at the end of {day}", day=said), count, count, count, "count", "lower", count,
        phrase("tickets without an answer at the end of {day}", day=said), phrase("a count of one moment, no sampling error"),
    )  # fmt: skip
