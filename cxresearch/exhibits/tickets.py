"""Exhibits of tickets: when they were answered, whether in time, what piled up, and who asked again meanwhile."""

from __future__ import annotations

import math
from datetime import date
from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.aloud import first_rows
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.marks import half_gone, top_hour
from cxresearch.exhibits.ranking import listed, standing
from cxresearch.exhibits.small_groups import told_whole
from cxresearch.exhibits.waiting import FEW, clock, no_intervals, weekday
from cxresearch.risk_table import ENOUGH
from cxresearch.style import format_date, format_duration, format_interval, format_value, phrase

UNANSWERED = "Share still without an answer"
_UNITS = {"day": "the day", "customer": "the customer"}
CLOCK = "The time is that of the clock on the wall: nights and weekends count, since the log does not say when the desk is open."


def first_answer(table: pd.DataFrame, curve: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """When half and nine in ten of the tickets had a first answer: ``patience.first_answer_table``, and its curve by day."""
    row = table.iloc[0]
    half, nine = row["median_first_answer_s"], row["nine_in_ten_first_answer_s"]
    if math.isnan(half):
        finding = phrase("Fewer than half of the tickets were seen to be answered")
    elif math.isnan(nine):
        finding = phrase(
            "Half of the tickets had a first answer within {half}; nine in ten were not seen to have one",
            half=format_duration(half),
        )
    else:
        finding = phrase(
            "Half of the tickets had a first answer within {half}, nine in ten within {nine}",
            half=format_duration(half), nine=format_duration(nine),
        )  # fmt: skip
    without = [
        phrase(said, number=_count(row[name])) for name, said in (
            ("still_unanswered", "{number} had none when the log ended"),
            ("closed_unanswered", "{number} were given up or closed without one"),
        ) if row[name]
    ]  # fmt: skip
    counts = phrase("All have an answer.")
    if without:
        counts = phrase(
            "Of {tickets} tickets {without}: they count as waiting until then.",
            tickets=_count(row["tickets"]),
            without=listed(without),
        )
    last = float(curve["duration_s"].max())
    horizon = min(last, max(2 * nine if not math.isnan(nine) else last, 60.0))
    return Exhibit(
        finding=finding, says=f"{_sure(row)}{counts}", table=table.drop(columns=["unanswered_after_promise_share", "lower", "upper"]),
        kind=kind, caption=phrase("Time to the first answer"),
        subtitle=phrase("Share still without an answer, {place}. {band}", place=place, band=_band(table)),
        description=f"{finding}.",
        draw=partial(
            figures.plot_survival, curve, horizon_s=horizon, measure=phrase(UNANSWERED), marks=half_gone(half, horizon)
        ),
    )  # fmt: skip


def first_answer_by(
    table: pd.DataFrame, by: str, ranks: pd.DataFrame, *, promise: str, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Group beside group: ``patience.first_answer_table`` and ``patience.late_ranks`` of one column; ``promise`` in words."""
    enough = table[table["tickets"] >= FEW].dropna(subset=["unanswered_after_promise_share"])
    if len(table) < 2:
        return nothing(phrase("There is one {by} only, so there is nothing to set side by side", by=phrase(by)))
    if enough.empty:
        return nothing(
            phrase(
                "No {by} has {few} tickets that were watched until the promise ran out", by=phrase(by), few=_count(FEW)
            )
        )
    order = by if by in ("weekday", "hour") else "unanswered_after_promise_share"
    enough = enough.sort_values(order, ascending=order == by)
    people = {"unanswered_after_promise_share": enough["tickets"]}
    whole, lines = first_rows(told_whole(enough, people), _lines(enough))
    drawn = whole.assign(
        label=[_name(value, by) for value in whole[by]], estimate=whole["unanswered_after_promise_share"]
    )
    measure = phrase("Share unanswered after {promise}", promise=promise)
    told = {"measure": measure, "by": phrase(by), "place": place, "lines": lines}
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
    subtitle = phrase("{measure}, by {by}, {place}. {lines}", **told)
    if by in ("weekday", "hour"):
        subtitle = phrase("{measure}, by {by} of opening, {place}. {lines}", **told)
    return Exhibit(
        finding=_slowest(ranks, by, promise), table=table, shown=shown, kind=kind,
        subtitle=subtitle,
        description="; ".join(f"{_name(row[by], by)} {_share(row['unanswered_after_promise_share'])}" for _, row in whole.iterrows()),
        caption=phrase("First answers by {by}", by=phrase(by)), draw=figure if len(whole) else None, people=people,
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
        return nothing(
            phrase("No ticket was watched until its promise ran out, so whether promises were kept cannot be told")
        )
    finding = phrase("{share} of the tickets had no answer after {promise}", share=_share(value), promise=promise)
    said = [f"{finding}."]
    if not math.isnan(row["lower"]):
        interval = format_interval(row["lower"], row["upper"], "share")
        said = [phrase("{finding} (95 % interval {interval}).", finding=finding, interval=interval)]
    taken = format_duration(taken_s)
    if unknown == row["tickets"]:
        said.append(
            phrase("The log does not say what was promised: {taken} is taken for all (promise_s).", taken=taken)
        )
    elif unknown:
        said.append(
            phrase(
                "For {unknown} of {tickets} tickets the log does not say what was promised: {taken} is taken for these (promise_s).",
                unknown=_count(unknown), tickets=_count(row["tickets"]), taken=taken,
            )
        )  # fmt: skip
    said.append(phrase(CLOCK))
    columns = ["promised_s", "tickets", "unanswered_after_promise_share", "lower", "upper"]
    shown = promises[columns].sort_values("promised_s")
    return Exhibit(
        finding=finding, says=" ".join(said), table=shown, kind=kind,
        people={"unanswered_after_promise_share": shown["tickets"]},
        caption=phrase(
            "Tickets without an answer when the promise ran out, {place}. {lines}", place=place, lines=_lines(promises)
        ),
    )  # fmt: skip


def backlog(
    days: pd.DataFrame, *, begins: date | None, first: date, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Tickets without an answer at the end of each day (``day, unanswered``).

    ``begins``: the first day of the log; what was opened before is not counted. ``first``: of the days that were read.
    """
    if days.empty:
        return nothing(phrase("The log ends with the first day of the period, so no day's backlog is known"))
    low, high, last = days.loc[days["unanswered"].idxmin()], days.loc[days["unanswered"].idxmax()], days.iloc[-1]
    said = phrase(
        "{tickets} tickets stood without an answer at the end of {day}",
        tickets=_count(last["unanswered"]),
        day=_date(last["day"]),
    )
    if len(days) == 1:
        finding = said
    elif low["unanswered"] == high["unanswered"]:
        finding = phrase("{finding}, as on every day", finding=said)
    elif high["unanswered"] == last["unanswered"]:
        finding = phrase("{finding}; on no other day more", finding=said)
    else:
        finding = phrase(
            "{finding}; at most {most}, at the end of {day}",
            finding=said,
            most=_count(high["unanswered"]),
            day=_date(high["day"]),
        )
    says = phrase("A ticket counts on every day that ends before its first answer.")
    if begins is not None and begins >= first:
        low_counts = phrase(
            "The log begins on {day}. What was opened before the log begins and had no answer is not in it: the counts are too low, "
            "the first days most.", day=_date(begins),
        )  # fmt: skip
        says = f"{says} {low_counts}"
    return Exhibit(
        finding=finding, says=says, table=days, kind=kind,
        shown=days.iloc[:0] if len(days) > 31 else days,
        subtitle=phrase("Tickets without an answer at the end of each day, {place}. Counted, no sampling error", place=place),
        description=phrase(
            "{finding}; fewest {fewest}, at the end of {day}.", finding=finding, fewest=_count(low["unanswered"]), day=_date(low["day"])
        ),
        caption=phrase("Tickets without an answer at the end of the day"),
        draw=partial(figures.plot_backlog, days) if len(days) > 1 else None,
    )  # fmt: skip


def asking_again(
    table: pd.DataFrame, *, again_h: float, unknown: int = 0, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """How many asked again, beside how many would have by chance: ``patience.asked_again``; ``unknown`` have no customer."""
    within = format_duration(3_600.0 * again_h)
    if table.empty:
        return nothing(
            phrase(
                "The period is too short to follow any ticket for {within}, so who asked again is not known",
                within=within,
            )
        )
    row = table.iloc[0]
    share = _share(row["asked_again_share"])
    said = (
        phrase(
            "After {share} of the tickets the customer asked again within {within} of opening it and before an answer",
            share=share, within=within,
        )
        if row["asked_again"].startswith("before")
        else phrase(
            "After {share} of the tickets the customer asked again within {within} of the answer", share=share, within=within
        )
    )  # fmt: skip
    beside = {"finding": said, "expected": _share(row["expected_share"])}
    if math.isnan(row["difference_lower"]):
        finding = phrase("{finding}; {expected} would have by chance", **beside)
    elif row["difference_lower"] > 0:
        finding = phrase("{finding}, more than the {expected} to be expected by chance", **beside)
    elif row["difference_upper"] < 0:
        finding = phrase("{finding}, fewer than the {expected} to be expected by chance", **beside)
    else:
        finding = phrase("{finding}, which cannot be told from the {expected} to be expected by chance", **beside)
    units = sorted(set(table.loc[table["unit"] != "", "unit"]))
    how = [
        f"{finding}.",
        phrase(
            "By chance means: each with as many contacts as they had, at any time of the period at which contacts come. Asking on "
            "any channel counts, within {within}.", within=within,
        ),
    ]  # fmt: skip
    if units:
        how.append(
            phrase(
                "Intervals take the day or the customer as the unit, whichever gives the wider one: here {units}.",
                units=listed([phrase(_UNITS[unit]) for unit in units]),
            )
        )
    if unknown:
        how.append(phrase("Of {tickets} tickets the customer is not known.", tickets=_count(unknown)))
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"tickets": "count", "customers": "count"},
        says=" ".join(how), caption=phrase("Who asked again, {place}", place=place),
    )  # fmt: skip


def channel_switches(table: pd.DataFrame, *, again_h: float, place: str = "", kind: str = "estimated") -> Exhibit:
    """Who turned to another channel before an answer, by the channel of the ticket: ``patience.channel_switches``."""
    within = format_duration(3_600.0 * again_h)
    enough = table[table["tickets"] >= FEW]
    if enough.empty:
        return nothing(
            phrase("No channel has {few} tickets that can be followed for {within}", few=_count(FEW), within=within)
        )
    switched, n = int(table["switched"].sum()), int(table["tickets"].sum())
    finding = phrase(
        "After {share} of the tickets the customer turned to another channel within {within} and before an answer",
        share=_share(switched / n), within=within,
    )  # fmt: skip
    if not switched:
        finding = phrase(
            "Nobody was seen to turn to another channel within {within} and before an answer", within=within
        )
    whole = told_whole(enough)
    drawn = whole.rename(columns={"channel": "label", "switched_share": "estimate"})
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"most_to": "text"},
        subtitle=phrase(
            "Share of the tickets after which the customer turned to another channel, by channel, {place}. {lines}",
            place=place, lines=_lines(enough),
        ),
        description="; ".join(f"{row.channel}: {_share(row.switched_share)}" for row in whole.itertuples()),
        caption=phrase("Tickets after which the customer turned to another channel before an answer"),
        draw=partial(figures.plot_dots, drawn, measure=phrase("Share that turned to another channel")) if switched and len(whole) else None,
    )  # fmt: skip


def _slowest(ranks: pd.DataFrame, by: str, promise: str) -> str:
    """Which group left most unanswered, where days tell it from the others."""
    first = standing(ranks, lambda row: _name(row[by], by))
    if first is None:
        return phrase("No {by} has {few} tickets, so none is named", by=phrase(by), few=_count(ENOUGH))
    told = {"name": first.name, "share": _share(first.first["value"]), "promise": promise}
    if first.of == 1:
        return phrase("{name}: {share} had no answer after {promise}", **told)
    if first.clear and by == "weekday":
        return phrase("Tickets opened on a {name} left the largest share unanswered after {promise}, {share}", **told)
    if first.clear and by == "hour":
        return phrase("Tickets opened from {name} left the largest share unanswered after {promise}, {share}", **told)
    if first.clear:
        return phrase("{name} left the largest share unanswered after {promise}, {share}", **told)
    return phrase(
        "Which {by} leaves the largest share unanswered cannot be told: {name} left {share}, but day by day it {tie}",
        by=phrase(by), name=first.name, share=told["share"], tie=first.tie(by),
    )  # fmt: skip


def _name(value: object, by: str) -> str:
    if by == "weekday":
        return weekday(float(str(value)))
    return clock(float(str(value))) if by == "hour" else str(value)


def _sure(row: pd.Series) -> str:
    """The intervals of both times, as a sentence."""
    ends = [
        phrase(said, interval=format_interval(row[f"{name}_lower_s"], row[f"{name}_upper_s"], "s"))
        for name, said in (
            ("median", "of the median {interval}"),
            ("nine_in_ten", "of the time of nine in ten {interval}"),
        )
        if not math.isnan(row[f"{name}_lower_s"])
    ]
    if not ends:
        return ""
    return f"{phrase('95 % intervals, the day of opening as the unit: {ends}.', ends=listed(ends))} "


def _band(table: pd.DataFrame) -> str:
    known = table["median_lower_s"].notna().any() or table["lower"].notna().any()
    return (
        phrase("Band: 95 %, each moment by itself, the day of opening as the unit")
        if known
        else phrase("No band: too few days tell how days differ")
    )


def _lines(groups: pd.DataFrame) -> str:
    if groups["lower"].notna().any():
        return phrase("Lines: 95 % intervals, the day of opening as the unit")
    return no_intervals()


def _share(value: float) -> str:
    return format_value(value, "share")


def _count(value: float) -> str:
    return format_value(int(value), "count")


def _date(value: date | pd.Timestamp) -> str:
    return format_date(value.date() if isinstance(value, pd.Timestamp) else value)
