"""Exhibits of waits: how many would still wait, who gives up, when, and how waits end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.aloud import before_aloud, curves_aloud, hours_aloud
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.marks import half_gone, named_peaks, peaks_of, top_hour
from cxresearch.exhibits.ranking import listed, losses, standing
from cxresearch.exhibits.small_groups import told_whole
from cxresearch.risk_table import FEWEST_DAYS, LEVEL, holm
from cxresearch.style import format_date, format_duration, format_interval, format_value

FEW = 30  # a group with fewer contacts leads no sentence
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENDED = {"answered": "been answered", "abandoned": "given up", "deflected": "been served by a bot"}


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
    return Exhibit(
        finding=finding, table=at, kind=kind, description=curves_aloud(at, by) + before_aloud(before, at["duration_s"]),
        subtitle=f"Share who would still wait{f', by {by}' if by else ''}, {place}. {_band(days)}",
        caption="" if by else "Share who would still wait", units={"at_risk": "count"},
        draw=partial(figures.plot_survival, curve, horizon_s=horizon_s, by=by or None, marks=[*marks, *half_gone(median_s, horizon_s)], before=before),
    )  # fmt: skip


def wait_of_leavers(row: pd.Series, measures: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Why the wait of those who left is not patience: a row of ``patience.waiting_table``, ``patience.patience_measures``."""
    finding = f"The first answer is wrong: those who left had waited {format_value(row['mean_wait_of_leavers_s'], 's')}"
    return Exhibit(
        finding=finding, table=measures, kind=kind,
        says=f"## {finding}\n\nThat is the mean wait of the {format_value(row['left'], 'count')} who gave up. **It is not how "
        f"long people are willing to wait.** The {format_value(row['queued'] - row['left'], 'count')} who were answered, or got "
        "their answer elsewhere, were willing to wait at least as long as they did, and they are missing from it. The patient "
        "are dropped because they were patient.",
        caption=f"How long people are willing to wait, the wrong number first, {place}. Intervals take contacts as independent",
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
    finding = "Too few waits to tell patience from the wait on offer"
    if len(known) and {"offered wait", "patience"} <= set(known.columns):
        row = known.loc[60.0] if 60.0 in known.index else known.iloc[0]
        finding = (
            f"After {format_duration(float(str(row.name)))}, {_share(row['offered wait'])} would still be without an answer, "
            f"and {_share(row['patience'])} would still wait for it"
        )
    return Exhibit(
        finding=finding, table=at.drop(columns="at_risk", errors="ignore"), kind=kind, caption="The two clocks",
        subtitle=f"Patience and wait on offer, {place}. {_band(days)}",
        draw=partial(figures.plot_survival, pair, horizon_s=horizon_s, by="clock", measure="Share whose clock still runs", marks=marks, before=before),
    )  # fmt: skip


def how_sure(drawn: pd.DataFrame, duration_s: float, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """What repeat callers and good and bad days do to an interval (``patience.clustered_patience``)."""
    first, rest = drawn.iloc[0], drawn.iloc[1:]
    others = [
        f"{row['times_formula']:.1f} times as large when {row['drawn']}s are drawn by lot" for _, row in rest.iterrows()
        if math.isfinite(row["times_formula"])
    ]  # fmt: skip
    least = rest["times_formula"].max() if len(rest) else math.nan
    few = (drawn["drawn"] != "day").all()
    then = (
        "Too few days tell how days differ."
        if few
        else "Bands on this page take the day as the unit."
        if least > 1.1
        else "Here that makes little difference."
    )
    measured = f" Its standard error is {listed(others)}. {then}" if others else ""
    finding = "How sure is that?"
    return Exhibit(
        finding=finding, table=drawn, kind=kind, units={"estimate": "share"},
        says=f"## {finding}\n\nThe usual formula for the {_share(first['estimate'])} who would still wait after "
        f"{format_duration(duration_s)} takes contacts as independent. They are not: customers call again, and days are good "
        f"or bad.{measured}",
        caption=f"Share who would still wait after {format_duration(duration_s)}, drawn in different ways, {place}",
    )  # fmt: skip


def loss_by_group(
    groups: pd.DataFrame, by: str, *, ranks: pd.DataFrame, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Share of those who queued who gave up, group beside group (``patience.waiting_table`` by day, ``loss_ranks``)."""
    whole = told_whole(groups)
    enough = whole[whole["queued"] >= FEW]
    shown = (whole if enough.empty else enough).sort_values("share_left_of_queued", ascending=False)
    shown = shown.rename(columns={by: "label", "share_left_of_queued": "estimate"})
    kept = [by, "queued", "left", "share_left_of_queued", "lower", "upper", "mean_wait_s", "median_patience_s"]
    return Exhibit(
        finding=losses(ranks, lambda row: _plain(row[by]), by), table=groups[kept], kind=kind,
        subtitle=f"Share who gave up, by {by}, {place}. {_lines(groups)}",
        description="; ".join(f"{row.label} {_share(row.estimate)}" for row in shown.itertuples()),
        draw=partial(figures.plot_dots, shown, measure="Share of those who queued who gave up") if len(shown) else None,
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
        return nothing(f"No {by} has {FEW} waits, so their lengths are not drawn")
    rows = [
        {by: name, "contacts": int(part["contacts"].sum()),
         **{f"{label}_s": wait_quantile(part, share) for label, share in (("median", 0.5), ("nine_in_ten", 0.9))}}
        for name, part in groups
    ]  # fmt: skip
    table = pd.DataFrame(rows).sort_values("nine_in_ten_s", ascending=False, ignore_index=True)
    drawn = table[table["contacts"] >= table["contacts"].nlargest(4).min()].head(4)
    return Exhibit(
        finding=_slowest(table, ranks, by), table=table, kind=kind,
        subtitle=f"Share of those who queued whose wait had ended, however it ended, by {by}, {place}",
        draw=partial(figures.plot_wait_distribution, waits[waits[by].isin(drawn[by])], by=by, horizon_s=horizon_s, marks=marks),
    )  # fmt: skip


def group_test(test: pd.DataFrame, by: str) -> Exhibit:
    """The log-rank test between groups, days as the unit (``survival.log_rank`` with ``cluster="day"``)."""
    row = test.iloc[0]
    within = row["df_within"]
    f = float(row["chi2"] * within / (row["df"] * (row["df"] + within - 1)))
    return Exhibit(
        finding=f"Between the groups by {by} the log-rank test has p {p_text(row['p_value'])}", table=test,
        says=f"Are these differences more than chance? The log-rank test has p {p_text(row['p_value'])} "
        f"(F = {format_value(f, 'number')} on {row['df']:.0f} and {within:.0f} degrees of freedom). Its unit is the day: "
        "contacts of one day hang together.", shown=test.iloc[:0],
    )  # fmt: skip


def hazard_ratios(
    ratios: pd.DataFrame, ties: pd.DataFrame, *, reference: str, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """What a Cox model by queue says (``regression.cox`` by day), and whether ticks leave it open (``regression.tie_table``).

    Several queues are compared with the reference, and the verdicts corrected for their number (Holm).
    """
    clear = ratios[holm(ratios["p_value"]) < LEVEL]
    said = [f"{_plain(row['level'])} {row['hazard_ratio']:.2f} times ({format_interval(row['lower'], row['upper'])})"
            for _, row in clear.sort_values("hazard_ratio", ascending=False).iterrows()]  # fmt: skip
    finding = "From day to day no queue differs clearly from the reference."
    if said:
        finding = f"Clearly different from the reference, from day to day: {listed(said)}."
    shift, moved = ties["shift_in_se"].max(), ties.loc[ties["shift_in_se"] > 1, "level"]
    clock = (
        "The clock ticks in whole seconds; who is counted within a tick moves no coefficient by more than "
        f"{format_value(float(shift), 'number')} standard errors."
        if moved.empty
        else f"**The clock is too coarse for** {listed([_plain(name) for name in moved])}: who is counted within a tick "
        f"moves the coefficient by up to {format_value(float(shift), 'number')} standard errors, more than chance does."
    )
    return Exhibit(
        finding=finding, says=f"{finding} {clock}", table=ratios, kind=kind,
        shown=ratios[["level", "hazard_ratio", "lower", "upper", "p_value"]],
        caption=f"Rate of giving up against {reference}, hour by hour, the day as the unit, {place}",
    )  # fmt: skip


def proportional_hazards(test: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Whether one ratio may stand for all durations (``regression.proportionality_test`` by day)."""
    whole = test[test["level"] == ""].iloc[0] if (test["level"] == "").any() else test.loc[test["p_value"].idxmin()]
    holds = whole["p_value"] >= 0.05
    finding = (
        f"One ratio may stand for the whole wait: nothing says that it changes (p {p_text(whole['p_value'])})."
        if holds
        else f"The ratios change while people wait (p {p_text(whole['p_value'])}): each is a mean over the wait, and the "
        "curves above say more."
    )
    return Exhibit(
        finding=finding, says=finding, table=test, kind=kind,
        caption=f"Do the ratios stay the same? The day as the unit, {place}",
    )  # fmt: skip


def loss_by_week_hour(week: pd.DataFrame, *, ranks: pd.DataFrame, place: str = "", kind: str = "estimated") -> Exhibit:
    """Share of those who queued who gave up, by weekday and hour (``patience.waiting_table`` by day, ``loss_ranks``)."""
    enough = week[week["queued"] >= FEW].sort_values(["left", "weekday", "hour"], ascending=[False, True, True])
    if enough.empty:
        return nothing("Too few contacts to tell the hours of the week apart")
    half = int((enough["left"].cumsum() < enough["left"].sum() / 2).sum()) + 1
    finding = losses(ranks, lambda row: f"{WEEKDAYS[int(row['weekday']) - 1]} {clock(row['hour'])}", "hour of the week")
    if enough["left"].any():
        finding += f"; half of all losses fell into {half} of {len(enough)} hours of the week"
    shown = enough.head(12).drop(columns="median_patience_s", errors="ignore")
    whole = told_whole(enough)
    return Exhibit(
        finding=finding, table=week, shown=shown, kind=kind,
        subtitle=f"Share of those who queued who gave up, by weekday and hour, {place}",
        caption=f"The twelve hours of the week in which most people gave up. {_lines(week)}",
        draw=partial(figures.plot_week, whole, value="share_left_of_queued") if len(whole) else None,
    )  # fmt: skip


def patience_inside_hours(inside: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Patience worked out inside each hour and averaged, beside the pooled curve (``patience.standardised_patience``)."""
    known = inside.dropna(subset=["survival"])
    finding = "Hours were not watched long enough to work patience out inside each"
    if len(known):
        row = known.iloc[0]
        finding = (
            f"After {format_duration(row['duration_s'])}, {_share(row['survival'])} would still wait, worked out inside each "
            f"hour; {_share(row['pooled'])} if hours are pooled"
        )
    return Exhibit(
        finding=finding, table=inside.rename(columns={"survival": "survival_inside_hours"}), kind=kind,
        caption=f"Share who would still wait, hour by hour and pooled, {place}. Intervals take contacts as independent",
    )  # fmt: skip


def mean_patience(row: pd.Series, line: pd.Series, *, kind: str = "estimated") -> Exhibit:
    """The mean patience that the hours tell, with what it rests on (rows of ``patience.mean_patience``).

    ``row`` is of all hours, ``line`` of the hours open on weekdays that are fully open: its line is told.
    """
    table = row.to_frame().T
    if math.isinf(line["estimate"]):
        finding = "The hours do not tell the mean patience"
        return Exhibit(
            finding=finding, table=table, shown=table.iloc[:0], kind=kind,
            says=f"## {finding}\n\nSlow hours lost no larger share than fast ones.",
        )  # fmt: skip
    finding = f"Read from waits and losses, the mean patience is {format_duration(row['ratio_s'])}"
    interval = format_interval(row["ratio_lower"], row["ratio_upper"], "s")
    return Exhibit(
        finding=finding, table=table, shown=table.iloc[:0], kind=kind,
        says=f"## {finding}\n\nThat is all seconds waited over all who left (95 % interval {interval}, "
        f"{row['days']:,.0f} days drawn again). The line through the {line['hours']:,.0f} hours that are open on fully open "
        f"weekdays, share lost against mean wait, gives {format_duration(line['estimate'])} "
        f"({format_interval(line['lower'], line['upper'], 's')}) and explains {_share(line['r_squared'])} of their "
        "differences; hours with few contacts flatten it. Both are exact only if people leave at a rate that never changes, "
        "and the hazard below shows that it does.",
    )  # fmt: skip


def beside_published(beside: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The published analysis of the Anonymous Bank beside this period (``patience.brown_comparison``)."""
    told = beside["verdict"].value_counts()
    shown = ["published", "section", "value", "ours", "lower", "upper", "unit", "verdict", "why"]
    return Exhibit(
        finding=f"{told.get('agrees', 0)} of {len(beside)} published figures agree, {told.get('differs', 0)} differ",
        table=beside, shown=beside[shown], kind=kind,
        says="This log has been studied before (Brown and others, 2005). Their figures are of a year or of two other months, "
        "so the rows need not agree; the table says where they do.",
        caption=f"The published analysis of this log beside {place}", units={"why": "text"},
    )  # fmt: skip


def wait_outcomes(
    ends: pd.DataFrame, *, horizon_s: float = 300.0, marks: Sequence[figures.Mark] = (), place: str = "", kind: str = "estimated"
) -> Exhibit:  # fmt: skip
    """How waits have ended by each second (``survival.aalen_johansen``)."""
    last = ends[ends["duration_s"] <= horizon_s].groupby("outcome")["probability"].last()
    said = [f"{_share(value)} had {_ENDED.get(str(name), str(name))}" for name, value in last.items()]
    finding = f"After {format_duration(horizon_s)}, {listed(said) if said else 'no wait had ended'}"
    return Exhibit(
        finding=finding, table=last.rename("share").reset_index(), kind=kind,
        subtitle=f"Share of those who queued whose wait has ended so, {place}. {_band(0)}",
        description="; ".join(f"{name}: {_share(value)}" for name, value in last.items()),
        caption=f"How waits had ended after {format_duration(horizon_s)}",
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
        return nothing("Nobody left within this time, so there is no rate of leaving to draw")
    peaks = peaks_of(near, middle)
    lowest, highest = peaks["hazard_per_s"].min(), peaks["hazard_per_s"].max()
    when = [format_duration(seconds) for seconds in peaks["duration_s"]]
    finding = f"People are most likely to go after {when[0]}: {60 * highest:.0%} a minute, {highest / middle:.1f} times the usual"
    if len(peaks) > 1:
        finding = (
            f"People are most likely to go after {listed(when)}: {60 * lowest:.0%} to {60 * highest:.0%} a minute, too close "
            "to tell which is the highest"
        )
    return Exhibit(
        finding=finding,
        table=near, shown=near.iloc[:: max(len(near) // 12, 1)], kind=kind, caption="Rate of giving up, at a dozen moments",
        subtitle=f"Rate of giving up, {place}. Smoothed over {format_duration(bandwidth_s)}. {_band(0)}",
        draw=partial(figures.plot_hazard, near, horizon_s=horizon_s, marks=named_peaks(peaks)),
    )  # fmt: skip


def calendar(table: pd.DataFrame, missing: Sequence[date], *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The week as the log has it (``PeriodLog.calendar``), and the days without any contact that should have some."""
    whole, known = table.loc[table["fully_open"], "weekday"].tolist(), "open_from" in table
    parts = [
        f"{WEEKDAYS[int(row.weekday) - 1]} {int(row.open_from)} to {int(row.open_to)} h" for row in table.itertuples()
        if known and not row.fully_open and row.open_to > row.open_from
    ]  # fmt: skip
    finding = f"Fully open: {week_in_words(whole)}{f'; in part: {listed(parts)}' if parts else ''}"
    gone = f" No contact on {listed(_days_in_rows(missing))}: nothing is told of days without records."
    shown = table.assign(weekday=[WEEKDAYS[int(number) - 1] for number in table["weekday"]])
    return Exhibit(
        finding=finding, says=f"{finding}.{gone if missing else ''}", table=table, shown=shown, kind=kind,
        units={"open_from": "text", "open_to": "text"} if known else {}, people={"contacts_per_day": shown["days"]},
        caption=f"The week as the log has it, {place}",
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
        for said in ([f"{format_date(row[0])} to {format_date(row[-1])}"] if len(row) > 2 else map(format_date, row))
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
        return nothing("Too few contacts to tell the hours apart")
    kept = ["hour", "queued", "left", "share_left_of_queued", "lower", "upper", "mean_wait_s"]
    whole = told_whole(enough)
    drawn = whole.set_index("hour")["share_left_of_queued"]
    mark, tied = top_hour(ranks[ranks["ranked"] == "share"], drawn, _share, clock)
    return Exhibit(
        finding=losses(ranks, lambda row: clock(row["hour"]), "hour"), table=enough[kept], kind=kind,
        subtitle=f"Share who gave up, by hour of day, {place}. Hours with at least {FEW} waits. {_lines(enough)}",
        description=hours_aloud(whole) + (f". {before.label}: {hours_aloud(before.table)}" if before else ""),
        draw=partial(
            figures.plot_bars_hour, whole, value="share_left_of_queued", measure="Share of those who queued who gave up",
            mark=mark, tied=tied, before=before,
        ) if len(whole) else None,
    )  # fmt: skip


def _patience_finding(at: pd.DataFrame, median_s: float) -> str:
    """When half would have gone, or how many would still wait at the last duration known."""
    if not math.isnan(median_s):
        return f"Half would hang up within {format_duration(median_s)}"
    known = at.dropna(subset=["survival"])
    if known.empty:
        return "Too few waits to say how long people are willing to wait"
    last = known.iloc[-1]
    return f"After {format_duration(last['duration_s'])}, {_share(last['survival'])} would still wait"


def _minute_finding(at: pd.DataFrame, by: str, ranks: pd.DataFrame | None) -> str:
    """The least willing at the first duration, where days tell it from the others."""
    first = None if ranks is None or len(ranks) < 2 else standing(ranks, lambda row: _plain(row[by]))
    if first is None:
        return f"How long people would wait, by {by}"
    after, waiting = format_duration(at["duration_s"].min()), _share(1 - first.first["value"])
    if first.clear:
        return f"After {after}, {waiting} would still wait for {first.name.lower()}, fewer than for any other {by} here"
    return (
        f"After {after}, no {by} has clearly the fewest who would still wait: {first.name} ({waiting}), but day by day "
        f"it {first.tie(by)}"
    )


def _slowest(table: pd.DataFrame, ranks: pd.DataFrame, by: str) -> str:
    """Who waited longest, where days tell it from the others and both ways to rank agree."""
    first = standing(ranks, lambda row: _plain(row[by]))
    if first is None:
        return f"How long those who queued had waited, by {by}"
    nine = table.set_index(by)["nine_in_ten_s"]
    said = f"nine in ten had waited no longer than {format_duration(nine[first.first[by]])}"
    if first.of == 1:
        return f"{first.name}: {said}"
    if first.clear and (nine.drop(first.first[by]) < nine[first.first[by]]).all():
        return f"{first.name} waited longest: {said}"
    if first.clear:
        return f"{first.name} had the largest share of long waits: {said}"
    return f"No {by} clearly waited longest: day by day {first.name} {first.tie(by)}"


def _band(days: int) -> str:
    """What a curve's band means."""
    if not days:
        return "Band: 95 %, each second by itself, contacts taken as independent"
    if days < FEWEST_DAYS:
        return f"No band: {counted(days).lower()} day{'s' if days > 1 else ''} cannot show how days differ"
    return "Band: 95 %, each second by itself, the day as the unit"


def _lines(groups: pd.DataFrame) -> str:
    """What the intervals of groups mean."""
    if groups["lower"].notna().any():
        return "Lines: 95 % intervals, the day as the unit"
    return f"No intervals: fewer than {FEWEST_DAYS} days tell how days differ"


def wait_quantile(waits: pd.DataFrame, share: float) -> float:
    """The shortest wait that at least this share of the contacts did not exceed."""
    order = waits.sort_values("duration_s")
    return float(
        order["duration_s"].iloc[int((order["contacts"].cumsum() >= share * order["contacts"].sum()).argmax())]
    )


def _share(value: float) -> str:
    return format_value(value, "share")


def p_text(value: float) -> str:
    """A p-value behind its letter: "< 0.001", "= 0.034"."""
    text = format_value(value, "p")
    return text if text.startswith("<") else f"= {text}"


def _plain(label: object) -> str:
    """A queue's name without the code in brackets."""
    return str(label).rsplit(" (", 1)[0]


def clock(hour: float, minutes: int = 60) -> str:
    """8 to 9 h; where the day is cut finer, 8:15 to 8:30."""
    if minutes == 60:
        return f"{int(hour)} to {int(hour) + 1} h"
    start = round(60 * hour)
    return f"{start // 60}:{start % 60:02d} to {(start + minutes) // 60}:{(start + minutes) % 60:02d}"


def week_in_words(weekdays: Sequence[int]) -> str:
    """Monday to Friday, Sunday to Thursday; Tuesday and Saturday: days in a row are told by their ends."""
    chosen = sorted(set(weekdays))
    if len(chosen) == 7:
        return "all weekdays"
    # A run may pass the week's end: it begins at a day whose eve is not among them.
    starts = [day for day in chosen if (day - 2) % 7 + 1 not in chosen]
    runs = []
    for start in starts:
        length = next(n for n in range(1, 8) if (start - 1 + n) % 7 + 1 not in chosen)
        first, last = WEEKDAYS[start - 1], WEEKDAYS[(start - 2 + length) % 7]
        runs.append(first if length == 1 else f"{first} {'and' if length == 2 else 'to'} {last}")
    return listed(runs) if runs else "no weekday"


def counted(number: int) -> str:
    """None, One, ... Six, 7"""
    words = ("None", "One", "Two", "Three", "Four", "Five", "Six")
    return words[number] if number < len(words) else str(number)
