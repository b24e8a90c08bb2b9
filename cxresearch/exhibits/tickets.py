"""Exhibits of tickets: when they were answered, whether in time, what piled up, and who asked again meanwhile."""

from __future__ import annotations

import math
from datetime import date
from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.marks import half_gone, top_hour
from cxresearch.exhibits.ranking import listed, standing
from cxresearch.exhibits.small_groups import told_whole
from cxresearch.exhibits.waiting import FEW, WEEKDAYS, clock
from cxresearch.risk_table import ENOUGH, FEWEST_DAYS
from cxresearch.style import format_date, format_duration, format_interval, format_value

UNANSWERED = "Share still without an answer"
CLOCK = "The time is that of the clock on the wall: nights and weekends count, since the log does not say when the desk is open."


def first_answer(table: pd.DataFrame, curve: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """When half and nine in ten of the tickets had a first answer: ``patience.first_answer_table``, and its curve by day."""
    row = table.iloc[0]
    half, nine = row["median_first_answer_s"], row["nine_in_ten_first_answer_s"]
    if math.isnan(half):
        finding = "Fewer than half of the tickets were seen to be answered"
    elif math.isnan(nine):
        finding = f"Half of the tickets had a first answer within {format_duration(half)}; nine in ten were not seen to have one"
    else:
        finding = f"Half of the tickets had a first answer within {format_duration(half)}, nine in ten within {format_duration(nine)}"
    without = [
        f"{_count(row[name])} {said}" for name, said in (
            ("still_unanswered", "had none when the log ended"), ("closed_unanswered", "were given up or closed without one"),
        ) if row[name]
    ]  # fmt: skip
    counts = "All have an answer." if not without else (
        f"Of {_count(row['tickets'])} tickets {' and '.join(without)}: they count as waiting until then."
    )  # fmt: skip
    last = float(curve["duration_s"].max())
    horizon = min(last, max(2 * nine if not math.isnan(nine) else last, 60.0))
    return Exhibit(
        finding=finding, says=f"{_sure(row)}{counts}", table=table.drop(columns=["unanswered_after_promise_share", "lower", "upper"]),
        kind=kind, subtitle=f"{UNANSWERED}, {place}. {_band(table)}", caption="Time to the first answer",
        description=f"{finding}.",
        draw=partial(
            figures.plot_survival, curve, horizon_s=horizon, measure=UNANSWERED, marks=half_gone(half, horizon)
        ),
    )  # fmt: skip


def first_answer_by(
    table: pd.DataFrame, by: str, ranks: pd.DataFrame, *, promise: str, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Group beside group: ``patience.first_answer_table`` and ``patience.late_ranks`` of one column; ``promise`` in words."""
    enough = table[table["tickets"] >= FEW].dropna(subset=["unanswered_after_promise_share"])
    if len(table) < 2:
        return nothing(f"There is one {by} only, so there is nothing to set side by side")
    if enough.empty:
        return nothing(f"No {by} has {FEW} tickets that were watched until the promise ran out")
    order = by if by in ("weekday", "hour") else "unanswered_after_promise_share"
    enough = enough.sort_values(order, ascending=order == by)
    people = {"unanswered_after_promise_share": enough["tickets"]}
    whole = told_whole(enough, people)
    drawn = whole.assign(
        label=[_name(value, by) for value in whole[by]], estimate=whole["unanswered_after_promise_share"]
    )
    measure = f"Share unanswered after {promise}"
    figure = partial(figures.plot_dots, drawn, measure=measure)
    if by == "hour":
        late = whole.set_index("hour")["unanswered_after_promise_share"]
        mark, tied = top_hour(ranks, late, lambda share: format_value(share, "share"), clock)
        figure = partial(
            figures.plot_bars_hour, whole, value="unanswered_after_promise_share", measure=measure, mark=mark, tied=tied
        )
    columns = [by, "tickets", "median_first_answer_s", "median_lower_s", "median_upper_s", "nine_in_ten_first_answer_s",
               "unanswered_after_promise_share", "lower", "upper"]  # fmt: skip
    shown = enough[columns]
    if by == "weekday":
        shown = shown.assign(weekday=[_name(value, by) for value in shown[by]])
    return Exhibit(
        finding=_slowest(ranks, by, promise), table=table, shown=shown, kind=kind,
        subtitle=f"{measure}, by {by}{' of opening' if by in ('weekday', 'hour') else ''}, {place}. {_lines(enough)}",
        description="; ".join(f"{_name(row[by], by)} {_share(row['unanswered_after_promise_share'])}" for _, row in whole.iterrows()),
        caption=f"First answers by {by}", draw=figure if len(whole) else None, people=people,
    )  # fmt: skip


def after_promise(
    table: pd.DataFrame, promises: pd.DataFrame, *, promise: str, unknown: int, taken_s: float, place: str = "", kind: str = "estimated"
) -> Exhibit:  # fmt: skip
    """The share without an answer when the promise ran out; ``promises`` is the table by ``promised_s``.

    ``unknown``: of how many tickets the log does not say what was promised; ``taken_s`` is taken for these.
    """
    row = table.iloc[0]
    value = row["unanswered_after_promise_share"]
    if math.isnan(value):
        return nothing("No ticket was watched until its promise ran out, so whether promises were kept cannot be told")
    sure = (
        f" (95 % interval {format_interval(row['lower'], row['upper'], 'share')})"
        if not math.isnan(row["lower"])
        else ""
    )
    finding = f"{_share(value)} of the tickets had no answer after {promise}"
    assumed = f"{format_duration(taken_s)} is taken for {'all' if unknown == row['tickets'] else 'these'} (promise_s)"
    taken = "" if not unknown else (
        f" The log does not say what was promised: {assumed}." if unknown == row["tickets"]
        else f" For {_count(unknown)} of {_count(row['tickets'])} tickets the log does not say what was promised: {assumed}."
    )  # fmt: skip
    columns = ["promised_s", "tickets", "unanswered_after_promise_share", "lower", "upper"]
    shown = promises[columns].sort_values("promised_s")
    return Exhibit(
        finding=finding, says=f"{finding}{sure}.{taken} {CLOCK}", table=shown, kind=kind,
        people={"unanswered_after_promise_share": shown["tickets"]},
        caption=f"Tickets without an answer when the promise ran out, {place}. {_lines(promises)}",
    )  # fmt: skip


def backlog(
    days: pd.DataFrame, *, begins: date | None, first: date, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Tickets without an answer at the end of each day (``day, unanswered``).

    ``begins``: the first day of the log; what was opened before is not counted. ``first``: of the days that were read.
    """
    if days.empty:
        return nothing("The log ends with the first day of the period, so no day's backlog is known")
    low, high, last = days.loc[days["unanswered"].idxmin()], days.loc[days["unanswered"].idxmax()], days.iloc[-1]
    said = f"{_count(last['unanswered'])} tickets stood without an answer at the end of {_date(last['day'])}"
    if len(days) == 1 or low["unanswered"] == high["unanswered"]:
        finding = said if len(days) == 1 else f"{said}, as on every day"
    else:
        most = f"at most {_count(high['unanswered'])}, at the end of {_date(high['day'])}"
        finding = f"{said}; {'on no other day more' if high['unanswered'] == last['unanswered'] else most}"
    before = "What was opened before the log begins and had no answer is not in it"
    unknown = (
        ""
        if begins is None or begins < first
        else f" The log begins on {_date(begins)}. {before}: the counts are too low, the first days most."
    )
    return Exhibit(
        finding=finding, says=f"A ticket counts on every day that ends before its first answer.{unknown}", table=days, kind=kind,
        shown=days.iloc[:0] if len(days) > 31 else days,
        subtitle=f"Tickets without an answer at the end of each day, {place}. Counted, no sampling error",
        description=f"{finding}; fewest {_count(low['unanswered'])}, at the end of {_date(low['day'])}.",
        caption="Tickets without an answer at the end of the day",
        draw=partial(figures.plot_backlog, days) if len(days) > 1 else None,
    )  # fmt: skip


def asking_again(
    table: pd.DataFrame, *, again_h: float, unknown: int = 0, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """How many asked again, beside how many would have by chance: ``patience.asked_again``; ``unknown`` have no customer."""
    within = format_duration(3_600.0 * again_h)
    if table.empty:
        return nothing(f"The period is too short to follow any ticket for {within}, so who asked again is not known")
    row = table.iloc[0]
    said = f"After {_share(row['asked_again_share'])} of the tickets the customer asked again within {within} of {'opening it' if row['asked_again'].startswith('before') else 'the answer'}"
    if row["asked_again"].startswith("before"):
        said += " and before an answer"
    if math.isnan(row["difference_lower"]):
        finding = f"{said}; {_share(row['expected_share'])} would have by chance"
    elif row["difference_lower"] > 0:
        finding = f"{said}, more than the {_share(row['expected_share'])} to be expected by chance"
    elif row["difference_upper"] < 0:
        finding = f"{said}, fewer than the {_share(row['expected_share'])} to be expected by chance"
    else:
        finding = f"{said}, which cannot be told from the {_share(row['expected_share'])} to be expected by chance"
    missing = f" Of {_count(unknown)} tickets the customer is not known." if unknown else ""
    units = sorted(set(table.loc[table["unit"] != "", "unit"]))
    how = (
        f" Intervals take the day or the customer as the unit, whichever gives the wider one: here the {' and the '.join(units)}."
        if units
        else ""
    )
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"tickets": "count", "customers": "count"},
        says=f"{finding}. By chance means: each with as many contacts as they had, at any "
        f"time of the period at which contacts come. Asking on any channel counts, within {within}.{how}{missing}",
        caption=f"Who asked again, {place}",
    )  # fmt: skip


def channel_switches(table: pd.DataFrame, *, again_h: float, place: str = "", kind: str = "estimated") -> Exhibit:
    """Who turned to another channel before an answer, by the channel of the ticket: ``patience.channel_switches``."""
    within = format_duration(3_600.0 * again_h)
    enough = table[table["tickets"] >= FEW]
    if enough.empty:
        return nothing(f"No channel has {FEW} tickets that can be followed for {within}")
    switched, n = int(table["switched"].sum()), int(table["tickets"].sum())
    finding = f"After {_share(switched / n)} of the tickets the customer turned to another channel within {within} and before an answer"
    if not switched:
        finding = f"Nobody was seen to turn to another channel within {within} and before an answer"
    whole = told_whole(enough)
    drawn = whole.rename(columns={"channel": "label", "switched_share": "estimate"})
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"most_to": "text"},
        subtitle=f"Share of the tickets after which the customer turned to another channel, by channel, {place}. {_lines(enough)}",
        description="; ".join(f"{row.channel}: {_share(row.switched_share)}" for row in whole.itertuples()),
        caption="Tickets after which the customer turned to another channel before an answer",
        draw=partial(figures.plot_dots, drawn, measure="Share that turned to another channel") if switched and len(whole) else None,
    )  # fmt: skip


def _slowest(ranks: pd.DataFrame, by: str, promise: str) -> str:
    """Which group left most unanswered, where days tell it from the others."""
    first = standing(ranks, lambda row: _name(row[by], by))
    if first is None:
        return f"No {by} has {ENOUGH} tickets, so none is named"
    share = _share(first.first["value"])
    if first.of == 1:
        return f"{first.name}: {share} had no answer after {promise}"
    if first.clear:
        return f"{_opened(first.name, by)} left the largest share unanswered after {promise}, {share}"
    others = first.tie(by)
    return f"No {by} clearly leaves the largest share unanswered: {first.name} left {share}, but day by day it {others}"


def _opened(name: str, by: str) -> str:
    return f"Tickets opened on a {name}" if by == "weekday" else f"Tickets opened from {name}" if by == "hour" else name


def _name(value: object, by: str) -> str:
    if by == "weekday":
        return WEEKDAYS[int(float(str(value))) - 1]
    return clock(float(str(value))) if by == "hour" else str(value)


def _sure(row: pd.Series) -> str:
    """The intervals of both times, as a sentence."""
    ends = [
        f"{said} {format_interval(row[f'{name}_lower_s'], row[f'{name}_upper_s'], 's')}"
        for name, said in (("median", "of the median"), ("nine_in_ten", "of the time of nine in ten"))
        if not math.isnan(row[f"{name}_lower_s"])
    ]
    return f"95 % intervals, the day of opening as the unit: {listed(ends)}. " if ends else ""


def _band(table: pd.DataFrame) -> str:
    known = table["median_lower_s"].notna().any() or table["lower"].notna().any()
    return (
        "Band: 95 %, each moment by itself, the day of opening as the unit"
        if known
        else "No band: too few days tell how days differ"
    )


def _lines(groups: pd.DataFrame) -> str:
    if groups["lower"].notna().any():
        return "Lines: 95 % intervals, the day of opening as the unit"
    return f"No intervals: fewer than {FEWEST_DAYS} days tell how days differ"


def _share(value: float) -> str:
    return format_value(value, "share")


def _count(value: float) -> str:
    return format_value(int(value), "count")


def _date(value: date | pd.Timestamp) -> str:
    return format_date(value.date() if isinstance(value, pd.Timestamp) else value)
