"""Exhibits of waits: how many would still wait, who gives up, when, and how waits end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.aloud import before_aloud, curves_aloud, first_rows, hours_aloud
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.marks import half_gone, named_peaks, peaks_of, top_hour
from cxresearch.exhibits.ranking import listed, losses, standing
from cxresearch.exhibits.small_groups import told_whole
from cxresearch.risk_table import FEWEST_DAYS
from cxresearch.style import format_date, format_duration, format_number, format_value, load_words, phrase

FEW = 30  # a group with fewer contacts leads no sentence
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENDED = {
    "answered": "{share} had been answered", "abandoned": "{share} had given up",
    "deflected": "{share} had been served by a bot",
}  # fmt: skip


def patience_curve(
    curve: pd.DataFrame, at: pd.DataFrame, *, horizon_s: float = 300.0, by: str = "", ranks: pd.DataFrame | None = None,
    days: int = 0, median_s: float = math.nan, marks: Sequence[figures.Mark] = (),
    before: figures.Before | None = None, place: str = "", kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """Share who would still wait, against seconds.

    ``curve`` is from ``survival.kaplan_meier``, or from ``patience.daily_curve`` of so many ``days`` (by group where ``by``
    names a column), ``at`` the same read at some durations (``patience.survival_at``); ``ranks`` is the groups at the
    first of them (``patience.patience_ranks``); ``median_s`` is when half would have gone, NaN where they would not.
    ``marks`` are drawn, here and below, and the same of the period ``before`` as a pale line.
    """
    finding = _minute_finding(at, by, ranks) if by else _patience_finding(at, median_s)
    told = phrase("Share who would still wait, {place}", place=place)
    if by:
        told = phrase("Share who would still wait, by {by}, {place}", by=phrase(by), place=place)
    return Exhibit(
        finding=finding, table=at, kind=kind, description=curves_aloud(at, by) + before_aloud(before, at["duration_s"]),
        subtitle=f"{told}. {_band(days)}",
        caption="" if by else phrase("Share who would still wait"), units={"at_risk": "count"},
        draw=partial(
            figures.plot_survival, curve, horizon_s=horizon_s, by=by or None, marks=[*marks, *half_gone(median_s, horizon_s)],
            before=before,
        ),
    )  # fmt: skip


def wait_of_leavers(
    row: pd.Series, measures: pd.DataFrame, *, horizon_s: float = 300.0, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Why the wait of those who left is not patience: a row of ``patience.waiting_table``, ``patience.patience_measures``."""
    finding = phrase(
        "The first answer is wrong: those who left had waited {wait}",
        wait=format_value(row["mean_wait_of_leavers_s"], "s"),
    )
    until = f"the mean if everybody were answered after {horizon_s:g} s"
    told = phrase("the mean if everybody were answered after {horizon} s", horizon=f"{horizon_s:g}")
    why = phrase(
        "That is the mean wait of the {left} who gave up. **It is not how long people are willing to wait.** The {others} who "
        "were answered, or got their answer elsewhere, were willing to wait at least as long as they did, and they are "
        "missing from it. The patient are dropped because they were patient.",
        left=format_value(row["left"], "count"), others=format_value(row["queued"] - row["left"], "count"),
    )  # fmt: skip
    return Exhibit(
        finding=finding, table=measures, kind=kind, shown=measures.assign(reading=measures["reading"].replace(until, told)),
        says=f"## {finding}\n\n{why}",
        caption=phrase(
            "How long people are willing to wait, the wrong number first, {place}. Intervals take contacts as independent",
            place=place,
        ),
        units={"estimate": "seconds"},
    )  # fmt: skip


def two_clocks(
    pair: pd.DataFrame, at: pd.DataFrame, *, horizon_s: float = 300.0, days: int = 0, marks: Sequence[figures.Mark] = (),
    before: figures.Before | None = None, place: str = "", kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """Patience beside the wait on offer (``patience.patience_and_offered_wait``, and the same read at some durations).

    ``days``: how many stand behind the bands; 0 where they take contacts as independent.
    """
    known = at.pivot_table(index="duration_s", columns="clock", values="survival").dropna()
    finding = phrase("Too few waits to tell patience from the wait on offer")
    if len(known) and {"offered wait", "patience"} <= set(known.columns):
        row = known.loc[60.0] if 60.0 in known.index else known.iloc[0]
        finding = phrase(
            "After {after}, {offered} would still be without an answer, and {patience} would still wait for it",
            after=format_duration(float(str(row.name))), offered=share_text(row["offered wait"]), patience=share_text(row["patience"]),
        )  # fmt: skip
    return Exhibit(
        finding=finding, table=at.drop(columns="at_risk", errors="ignore"), kind=kind,
        caption=phrase("The two clocks"),
        subtitle=phrase("Patience and wait on offer, {place}. {band}", place=place, band=_band(days)),
        draw=partial(
            figures.plot_survival, pair, horizon_s=horizon_s, by="clock", measure=phrase("Share whose clock still runs"),
            marks=marks, before=before,
        ),
    )  # fmt: skip


_DRAWN = {
    "customer": "{times} times as large when customers are drawn by lot", "day": "{times} times as large when days are drawn by lot",
}  # fmt: skip


def how_sure(drawn: pd.DataFrame, duration_s: float, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """What repeat callers and good and bad days do to an interval (``patience.clustered_patience``)."""
    first, rest = drawn.iloc[0], drawn.iloc[1:]
    others = [
        phrase(_DRAWN[row["drawn"]], times=format_number(row["times_formula"], 1)) for _, row in rest.iterrows()
        if math.isfinite(row["times_formula"])
    ]  # fmt: skip
    least = rest["times_formula"].max() if len(rest) else math.nan
    few = (drawn["drawn"] != "day").all()
    then = (
        phrase("Too few days tell how days differ.")
        if few
        else phrase("Bands on this page take the day as the unit.")
        if least > 1.1
        else phrase("Here that makes little difference.")
    )
    measured = f" {phrase('Its standard error is {others}.', others=listed(others))} {then}" if others else ""
    finding = phrase("How sure is that?")
    formula = phrase(
        "The usual formula for the {share} who would still wait after {after} takes contacts as independent. They are not: "
        "customers call again, and days are good or bad.",
        share=share_text(first["estimate"]), after=format_duration(duration_s),
    )  # fmt: skip
    return Exhibit(
        finding=finding, table=drawn, kind=kind, units={"estimate": "share"},
        says=f"## {finding}\n\n{formula}{measured}",
        caption=phrase(
            "Share who would still wait after {after}, drawn in different ways, {place}",
            after=format_duration(duration_s), place=place,
        ),
    )  # fmt: skip


def loss_by_group(
    groups: pd.DataFrame, by: str, *, ranks: pd.DataFrame, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Share of those who queued who gave up, group beside group (``patience.waiting_table`` by day, ``loss_ranks``)."""
    whole = told_whole(groups)
    enough = whole[whole["queued"] >= FEW]
    shown = (whole if enough.empty else enough).sort_values("share_left_of_queued", ascending=False)
    shown, lines = first_rows(shown.rename(columns={by: "label", "share_left_of_queued": "estimate"}), _lines(groups))
    kept = [by, "queued", "left", "share_left_of_queued", "lower", "upper", "mean_wait_s", "median_patience_s"]
    return Exhibit(
        finding=losses(ranks, lambda row: plain_name(row[by]), by), table=groups[kept], kind=kind,
        subtitle=phrase("Share who gave up, by {by}, {place}. {lines}", by=phrase(by), place=place, lines=lines),
        description="; ".join(f"{row.label} {share_text(row.estimate)}" for row in shown.itertuples()),
        draw=partial(figures.plot_dots, shown, measure=phrase("Share of those who queued who gave up")) if len(shown) else None,
    )  # fmt: skip


def wait_distribution(
    waits: pd.DataFrame, by: str, *, ranks: pd.DataFrame, horizon_s: float, marks: Sequence[figures.Mark] = (),
    place: str = "", kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """How long those who queued did wait, group beside group (a risk table with the column ``by``).

    ``ranks`` says who waited longest: ``patience.slow_ranks`` of the wait that nine in ten of all did not exceed.
    """
    groups = [(name, rows) for name, rows in waits.groupby(by) if rows["contacts"].sum() >= FEW]
    if not groups:
        return nothing(
            phrase(
                "No {by} has {few} waits, so their lengths are not drawn", by=phrase(by), few=format_value(FEW, "count")
            )
        )
    rows = [
        {by: name, "contacts": int(part["contacts"].sum()),
         **{f"{label}_s": wait_quantile(part, share) for label, share in (("median", 0.5), ("nine_in_ten", 0.9))}}
        for name, part in groups
    ]  # fmt: skip
    table = pd.DataFrame(rows).sort_values("nine_in_ten_s", ascending=False, ignore_index=True)
    drawn = table[table["contacts"] >= table["contacts"].nlargest(4).min()].head(4)
    return Exhibit(
        finding=_slowest(table, ranks, by), table=table, kind=kind,
        subtitle=phrase(
            "Share of those who queued whose wait had ended, however it ended, by {by}, {place}", by=phrase(by), place=place
        ),
        draw=partial(figures.plot_wait_distribution, waits[waits[by].isin(drawn[by])], by=by, horizon_s=horizon_s, marks=marks),
    )  # fmt: skip


def loss_by_week_hour(week: pd.DataFrame, *, ranks: pd.DataFrame, place: str = "", kind: str = "estimated") -> Exhibit:
    """Share of those who queued who gave up, by weekday and hour (``patience.waiting_table`` by day, ``loss_ranks``)."""
    enough = week[week["queued"] >= FEW].sort_values(["left", "weekday", "hour"], ascending=[False, True, True])
    if enough.empty:
        return nothing(phrase("Too few contacts to tell the hours of the week apart"))
    half = int((enough["left"].cumsum() < enough["left"].sum() / 2).sum()) + 1
    finding = losses(ranks, lambda row: f"{weekday(row['weekday'])} {clock(row['hour'])}", "hour of the week")
    if enough["left"].any():
        finding = phrase(
            "{finding}; half of all losses fell into {half} of {all} hours of the week",
            finding=finding, half=format_value(half, "count"), all=format_value(len(enough), "count"),
        )  # fmt: skip
    shown = enough.head(12).drop(columns="median_patience_s", errors="ignore")
    whole = told_whole(enough)
    return Exhibit(
        finding=finding, table=week, shown=shown, kind=kind,
        subtitle=phrase("Share of those who queued who gave up, by weekday and hour, {place}", place=place),
        caption=phrase("The twelve hours of the week in which most people gave up. {lines}", lines=_lines(week)),
        draw=partial(figures.plot_week, whole, value="share_left_of_queued") if len(whole) else None,
    )  # fmt: skip


def wait_outcomes(
    ends: pd.DataFrame, *, horizon_s: float = 300.0, marks: Sequence[figures.Mark] = (), place: str = "", kind: str = "estimated"
) -> Exhibit:  # fmt: skip
    """How waits have ended by each second (``survival.aalen_johansen``)."""
    last = ends[ends["duration_s"] <= horizon_s].groupby("outcome")["probability"].last()
    after = format_duration(horizon_s)
    said = [phrase(_ENDED[str(name)], share=share_text(value)) for name, value in last.items()]
    finding = phrase("After {after}, no wait had ended", after=after)
    if said:
        finding = phrase("After {after}, {said}", after=after, said=listed(said))
    return Exhibit(
        finding=finding, table=last.rename("share").reset_index(), kind=kind,
        subtitle=phrase(
            "Share of those who queued whose wait has ended so, {place}. {band}", place=place, band=_band(0)
        ),
        description="; ".join(f"{phrase(str(name))}: {share_text(value)}" for name, value in last.items()),
        caption=phrase("How waits had ended after {after}", after=after),
        draw=partial(figures.plot_outcomes, ends, horizon_s=horizon_s, marks=marks),
    )  # fmt: skip


def leaving_hazard(
    hazard: pd.DataFrame, *, horizon_s: float = 300.0, bandwidth_s: float, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """The rate of leaving among those who still wait (``survival.hazard_rate``).

    Where there is a band, the peak is where its lower end is highest: a rate that few are left to show leads no title.
    Other peaks that the band does not tell from it are named with it.
    """
    near = hazard[hazard["duration_s"] <= horizon_s]
    middle = near["hazard_per_s"].median()
    if not middle > 0:
        return nothing(phrase("Nobody left within this time, so there is no rate of leaving to draw"))
    peaks = peaks_of(near, middle)
    lowest, highest = peaks["hazard_per_s"].min(), peaks["hazard_per_s"].max()
    when = [format_duration(seconds) for seconds in peaks["duration_s"]]
    finding = phrase(
        "People are most likely to go after {when}: {rate} a minute, {times} times the usual",
        when=when[0], rate=f"{60 * highest:.0%}", times=format_number(highest / middle, 1),
    )  # fmt: skip
    if len(peaks) > 1:
        finding = phrase(
            "People are most likely to go after {when}: {lowest} to {highest} a minute, too close to tell which is the highest",
            when=listed(when), lowest=f"{60 * lowest:.0%}", highest=f"{60 * highest:.0%}",
        )  # fmt: skip
    return Exhibit(
        finding=finding,
        table=near, shown=near.iloc[:: max(len(near) // 12, 1)], kind=kind,
        caption=phrase("Rate of giving up, at a dozen moments"),
        subtitle=phrase(
            "Rate of giving up, {place}. Smoothed over {width}. {band}", place=place, width=format_duration(bandwidth_s),
            band=_band(0),
        ),
        draw=partial(figures.plot_hazard, near, horizon_s=horizon_s, marks=named_peaks(peaks)),
    )  # fmt: skip


def calendar(table: pd.DataFrame, missing: Sequence[date], *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The week as the log has it (``PeriodLog.calendar``), and the days without any contact that should have some."""
    whole, known = table.loc[table["fully_open"], "weekday"].tolist(), "open_from" in table
    parts = [
        f"{weekday(row.weekday)} {clock(row.open_from, 60 * int(row.open_to - row.open_from))}" for row in table.itertuples()
        if known and not row.fully_open and row.open_to > row.open_from
    ]  # fmt: skip
    finding = phrase("Fully open: {week}", week=week_in_words(whole))
    if parts:
        finding = phrase("Fully open: {week}; in part: {parts}", week=week_in_words(whole), parts=listed(parts))
    gone = phrase("No contact on {days}: nothing is told of days without records.", days=listed(_days_in_rows(missing)))
    shown = table.assign(weekday=[WEEKDAYS[int(number) - 1] for number in table["weekday"]])
    return Exhibit(
        finding=finding, says=f"{finding}.{f' {gone}' if missing else ''}", table=table, shown=shown, kind=kind,
        units={"open_from": "text", "open_to": "text"} if known else {}, people={"contacts_per_day": shown["days"]},
        caption=phrase("The week as the log has it, {place}", place=place),
    )  # fmt: skip


def _days_in_rows(days: Sequence[date]) -> list[str]:
    """Dates; three and more in a row are told by their ends."""
    rows: list[list[date]] = []
    for day in sorted(days):
        if rows and (day - rows[-1][-1]).days == 1:
            rows[-1].append(day)
        else:
            rows.append([day])
    return [
        said for row in rows
        for said in (
            [phrase("{first} to {last}", first=format_date(row[0]), last=format_date(row[-1]))] if len(row) > 2
            else map(format_date, row)
        )
    ]  # fmt: skip


def loss_by_hour(
    hours: pd.DataFrame,
    *,
    ranks: pd.DataFrame,
    before: figures.Before | None = None,
    place: str = "",
    kind: str = "estimated",
) -> Exhibit:
    """Share of those who queued who gave up, by hour of the day (``patience.waiting_table`` by day, ``loss_ranks``)."""
    enough = hours[hours["queued"] >= FEW].sort_values("hour")
    if enough.empty:
        return nothing(phrase("Too few contacts to tell the hours apart"))
    kept = ["hour", "queued", "left", "share_left_of_queued", "lower", "upper", "mean_wait_s"]
    whole = told_whole(enough)
    drawn = whole.set_index("hour")["share_left_of_queued"]
    mark, tied = top_hour(ranks[ranks["ranked"] == "share"], drawn, share_text, clock)
    return Exhibit(
        finding=losses(ranks, lambda row: clock(row["hour"]), "hour"), table=enough[kept], kind=kind,
        subtitle=phrase(
            "Share who gave up, by hour of day, {place}. Hours with at least {few} waits. {lines}",
            place=place, few=format_value(FEW, "count"), lines=_lines(enough),
        ),
        description=hours_aloud(whole) + (f". {before.label}: {hours_aloud(before.table)}" if before else ""),
        draw=partial(
            figures.plot_bars_hour, whole, value="share_left_of_queued",
            measure=phrase("Share of those who queued who gave up"), mark=mark, tied=tied, before=before,
        ) if len(whole) else None,
    )  # fmt: skip


def _patience_finding(at: pd.DataFrame, median_s: float) -> str:
    """When half would have gone, or how many would still wait at the last duration known."""
    if not math.isnan(median_s):
        return phrase("Half would hang up within {within}", within=format_duration(median_s))
    known = at.dropna(subset=["survival"])
    if known.empty:
        return phrase("Too few waits to say how long people are willing to wait")
    last = known.iloc[-1]
    return phrase(
        "After {after}, {share} would still wait",
        after=format_duration(last["duration_s"]),
        share=share_text(last["survival"]),
    )


def _minute_finding(at: pd.DataFrame, by: str, ranks: pd.DataFrame | None) -> str:
    """The least willing at the first duration, where days tell it from the others."""
    first = None if ranks is None or len(ranks) < 2 else standing(ranks, lambda row: plain_name(row[by]))
    if first is None:
        return phrase("How long people would wait, by {by}", by=phrase(by))
    after, waiting = format_duration(at["duration_s"].min()), share_text(1 - first.first["value"])
    if first.clear:
        return phrase(
            "After {after}, {share} would still wait for {name}, fewer than for any other {by} here",
            after=after, share=waiting, name=first.name.lower(), by=phrase(by),
        )  # fmt: skip
    return phrase(
        "After {after}, no {by} stands out by how few would still wait: {name} has {share}, but day by day it {tie}",
        after=after, by=phrase(by), name=first.name, share=waiting, tie=first.tie(by),
    )  # fmt: skip


def _slowest(table: pd.DataFrame, ranks: pd.DataFrame, by: str) -> str:
    """Who waited longest, where days tell it from the others and both ways to rank agree."""
    first = standing(ranks, lambda row: plain_name(row[by]))
    if first is None:
        return phrase("How long those who queued had waited, by {by}", by=phrase(by))
    nine = table.set_index(by)["nine_in_ten_s"]
    told = {"name": first.name, "within": format_duration(nine[first.first[by]])}
    if first.of == 1:
        return phrase("{name}: nine in ten had waited no longer than {within}", **told)
    if first.clear and (nine.drop(first.first[by]) < nine[first.first[by]]).all():
        return phrase("{name} waited longest: nine in ten had waited no longer than {within}", **told)
    if first.clear:
        return phrase(
            "{name} had the largest share of long waits: nine in ten had waited no longer than {within}", **told
        )
    return phrase(
        "Which {by} waited longest cannot be told: day by day {name} {tie}",
        by=phrase(by),
        name=first.name,
        tie=first.tie(by),
    )


def _band(days: int) -> str:
    """What a curve's band means."""
    if not days:
        return phrase("Band: 95 %, each second by itself, contacts taken as independent")
    if days == 1:
        return phrase("No band: one day cannot show how days differ")
    if days < FEWEST_DAYS:
        return phrase("No band: {days} days cannot show how days differ", days=counted(days).lower())
    return phrase("Band: 95 %, each second by itself, the day as the unit")


def _lines(groups: pd.DataFrame) -> str:
    """What the intervals of groups mean."""
    if groups["lower"].notna().any():
        return phrase("Lines: 95 % intervals, the day as the unit")
    return no_intervals()


def no_intervals() -> str:
    """Why groups have none."""
    return phrase("No intervals: fewer than {days} days tell how days differ", days=format_value(FEWEST_DAYS, "count"))


def wait_quantile(waits: pd.DataFrame, share: float) -> float:
    """The shortest wait that at least this share of the contacts did not exceed."""
    order = waits.sort_values("duration_s")
    return float(
        order["duration_s"].iloc[int((order["contacts"].cumsum() >= share * order["contacts"].sum()).argmax())]
    )


def share_text(value: float) -> str:
    return format_value(value, "share")


def plain_name(label: object) -> str:
    """A queue's name without the code in brackets."""
    return str(label).rsplit(" (", 1)[0]


def clock(hour: float, minutes: int = 60) -> str:
    """8 to 9 h, 8 to 12 h; where the day is cut finer, 8:15 to 8:30."""
    start = round(60 * hour)
    end = start + minutes
    if not start % 60 and not end % 60 and minutes >= 60:
        return phrase("{start} to {end} h", start=start // 60, end=end // 60)
    return phrase("{begin} to {end}", begin=f"{start // 60}:{start % 60:02d}", end=f"{end // 60}:{end % 60:02d}")


def weekday(number: float) -> str:
    """The name of a weekday, 1 Monday to 7 Sunday."""
    return phrase(WEEKDAYS[int(number) - 1])


def week_in_words(weekdays: Sequence[int]) -> str:
    """Monday to Friday, Sunday to Thursday; Tuesday and Saturday: days in a row are told by their ends."""
    chosen = sorted(set(weekdays))
    if len(chosen) == 7:
        return phrase("all weekdays")
    # A run may pass the week's end: it begins at a day whose eve is not among them.
    starts = [day for day in chosen if (day - 2) % 7 + 1 not in chosen]
    runs = []
    for start in starts:
        length = next(n for n in range(1, 8) if (start - 1 + n) % 7 + 1 not in chosen)
        first, last = weekday(start), weekday((start - 2 + length) % 7 + 1)
        ends = listed([first, last]) if length == 2 else phrase("{first} to {last}", first=first, last=last)
        runs.append(first if length == 1 else ends)
    return listed(runs) if runs else phrase("no weekday")


def counted(number: int) -> str:
    """None, One, ... Six, 7"""
    words: list[str] = load_words()["numbers"]["counted"]
    return words[number] if number < len(words) else str(number)
