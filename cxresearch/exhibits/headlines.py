"""The few numbers a report leads with: their values, and the exhibits that show how they moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from cxresearch.contacts import LogError, PeriodLog
from cxresearch.exhibits.by_day import EVERY, Compared, Days, Part, compared, days_of, headline_days
from cxresearch.exhibits.changes import COLUMNS, NOTHING, change_record, change_text, main_changes
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.messages import silent
from cxresearch.exhibits.show import headline_bundle, points_bundle
from cxresearch.exhibits.targets import target_points, target_record, target_text
from cxresearch.exhibits.waiting import counted
from cxresearch.risk_table import limits
from cxresearch.style import format_duration, format_value, phrase

FEWEST_DAYS = 5  # with fewer, the spread between days is that of the period before, or none is told
FEWEST_DF = 4.0  # with fewer degrees of freedom the t quantile itself is a guess, and the note says so


def headline_table(period_log: PeriodLog, *, channel: str, target_s: float = 20.0) -> pd.DataFrame:
    """The numbers of a period: contacts, shares lost, queued and answered in time, waits, patience, lost for good.

    Parameters
    ----------
    period_log : one period of a log. channel : whose queue is measured. target_s : within which an answer is in time.

    Returns
    -------
    DataFrame ``name, label, value, lower, upper, unit, kind, better, n, base, note``, one row a headline. ``n`` is how many
    the base has. Intervals are 95 % with the day as the unit (see ``risk_table.DayClusters``): no contact is taken as
    independent. With fewer than five days the spread is taken from the period before, where neighbouring days do not hang
    together; else there is no interval. The number of contacts is counted, not estimated: its interval is the value. What
    the period does not know is NaN, and ``note`` says why. ``attrs["days"]`` is :func:`by_day.headline_days`.
    Raises LogError where the channel has no contact.
    """
    days = headline_days(period_log, channel=channel, target_s=target_s)
    contacts = int(period_log.cells["contacts"].sum())
    name = channel if period_log.cells["channel"].notna().any() else phrase("all channels")
    rows: list[tuple[object, ...]] = [
        ("contacts", phrase("Contacts, all channels"), contacts, contacts, contacts, "contacts", "", contacts,
         phrase("all contacts"), phrase("a count of the log, no sampling error"))
    ]  # fmt: skip
    before = period_log.previous
    estimates = estimates_of(
        days, lambda: None if before is None else headline_days(before, channel=channel, target_s=target_s),
        before=before.label if before else "",
    )  # fmt: skip
    mine = period_log.only(channel=channel)
    if silent(mine):
        hidden = dict.fromkeys(
            ("abandonment_share", "lost_share", "lost_for_good_share"), phrase("nobody is seen to give up on a ticket")
        )
        if (mine.cells["outcome"] == "open").any():
            hidden |= dict.fromkeys(
                ("mean_wait_s", "mean_answer_s"), phrase("some still wait: cxresearch report tickets counts them")
            )
        for what, why in hidden.items():
            estimates[what] = (math.nan, math.nan, math.nan, estimates[what][3], why)
    for what, (label, unit, better, base) in _told(target_s).items():
        value, lower, upper, n, note = estimates[what]
        rows.append((what, f"{label} ({name})", value, lower, upper, unit, better, n, base, note))
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "kind"])
    table.insert(COLUMNS.index("kind"), "kind", period_log.kind)
    table.attrs["days"] = days
    return table


def _told(target_s: float) -> dict[str, tuple[str, str, str, str]]:
    """Label, unit, which way is better, and base of every estimated headline."""
    queued, asked = phrase("contacts that queued"), phrase("all who asked")
    in_time = phrase("Answered within {time}, of all who asked", time=format_duration(target_s))
    return {
        "contacts_per_day": (phrase("Contacts per open day"), "contacts", "", phrase("days with contacts")),
        "abandonment_share": (phrase("Gave up, of those who queued"), "share", "lower", queued),
        "lost_share": (phrase("Gave up, of all who asked"), "share", "lower", asked),
        "queued_share": (phrase("Had to queue, of all who asked"), "share", "lower", asked),
        "service_level": (in_time, "share", "higher", asked),
        "mean_answer_s": (
            phrase("Mean wait of those answered, at once counts as none"), "s", "lower", phrase("contacts answered"),
        ),
        "mean_wait_s": (phrase("Mean wait in the queue"), "s", "lower", queued),
        "patience_survival_60s": (phrase("Would still wait after a minute"), "share", "higher", queued),
        "lost_for_good_share": (
            phrase("Gave up and not answered within a day, customers known"), "share", "lower",
            phrase("all who asked whose customer is known, followed for 24 hours"),
        ),
    }  # fmt: skip


def estimates_of(
    days: pd.DataFrame, lender: Callable[[], pd.DataFrame | None], *, before: str
) -> dict[str, tuple[float, float, float, int, str]]:  # fmt: skip
    """``value, lower, upper, n, note`` of every headline that is estimated from days; ``lender`` gives those of the period
    before, named ``before``, for a period with few."""
    mine = days_of(days)
    assert mine is not None
    n, lent = len(mine.day), None
    if n < FEWEST_DAYS:
        lent = _same_weekdays(lender, mine.weekday)
    parts = [Part(mine, np.ones(n), 1), *([Part(lent, np.ones(len(lent.day)), 0)] if lent else [])]
    found = compared(parts, linked=True)
    # At risk at the first second are all who queued.
    totals = {name: (mine.top[name][:, 0].sum(), mine.below[name][:, 0].sum()) for name in found}
    rows = {}
    for name, one in found.items():
        value = one.estimates[0]
        if name == "patience_survival_60s" and not totals["abandonment_share"][0]:
            value = math.nan
        note = _unknown(name, value, totals) or _unsure(one, lent=lent is not None, n=n)
        lower, upper = math.nan, math.nan
        if not note:
            lower, upper = limits(value, one.clusters.half_width(one.days), EVERY[name].link)
            note = phrase("few days: wide and uncertain") if one.clusters.df < FEWEST_DF else ""
            if lent and n > 1:
                note = phrase("{n} days: the spread between days is that of {before}", n=str(n), before=before)
            elif lent:
                note = phrase("1 day: the spread between days is that of {before}", before=before)
        rows[name] = (value, lower, upper, int(totals[name][1]), note)
    return rows


def _same_weekdays(lender: Callable[[], pd.DataFrame | None], weekday: np.ndarray) -> Days | None:
    """The days of the period before on these weekdays; None where they are fewer than five."""
    try:
        past = days_of(lender())
    except LogError:
        return None
    same = past.only(np.isin(past.weekday, weekday)) if past else None
    return same if same and len(same.day) >= FEWEST_DAYS else None


def _unknown(name: str, value: float, totals: Mapping[str, tuple[float, ...]]) -> str:
    """Why a number of the period is not known."""
    if not math.isnan(value):
        return ""
    left, queued = totals.get("abandonment_share", (0, 0))
    if name == "patience_survival_60s" and queued:
        return (
            phrase("nobody was seen to wait a minute") if left else phrase("nobody gave up, so patience cannot be seen")
        )
    why = {"mean_answer_s": "nobody was answered", "lost_share": "nobody asked", "queued_share": "nobody asked",
            "service_level": "nobody asked",
            "lost_for_good_share": "no customer is known who could be followed for 24 hours",
            "median_first_answer_s": "half of the tickets were not seen to be answered",
            "unanswered_after_promise_share": "no ticket was watched until its promise ran out",
            "asked_again_share": "no customer is known who could be followed for so long"}  # fmt: skip
    return phrase(why.get(name, "nobody queued"))


def _unsure(one: Compared, *, lent: bool, n: int) -> str:
    """Why a number has no interval."""
    if n < FEWEST_DAYS and not lent:
        few = counted(n).lower()
        return (
            phrase("{n} days: too few for an interval", n=few) if n > 1 else phrase("one day: too few for an interval")
        )
    if lent and one.clusters.correlation_shows():
        return phrase("few days, and those of the period before hang together: no interval")
    if math.isnan(one.days[0]):
        return phrase("the same on every day (none or all): no spread between days to go by")
    if not np.isfinite(one.days).all():
        return phrase("few days, and the period before is at none or all: no interval")
    if not one.clusters.df >= 1:
        return phrase("too few days beside their weekdays for an interval")
    if not one.clusters.variance(one.days) > 0:
        return phrase("the same on every day: no spread between days to go by")
    return ""


def headlines(moved: pd.DataFrame, before: str) -> Exhibit:
    """Record every row of a change table as a headline of the report; ``before`` names the period before.

    Where the table has passed :func:`targets.with_targets`, a headline carries its target.
    """
    bundles = []
    for row in moved.to_dict("records"):
        values = {str(name): row[name] for name in COLUMNS} | {"better": row["better"] or None}
        known = not any(math.isnan(row[end]) for end in ("value", "lower", "upper"))
        note = row["note"] if row["note"] or known else phrase("not known")
        bundles.append(
            headline_bundle(**(values | {"note": note}), change=change_record(row, before), target=target_record(row))
        )
    return Exhibit(finding=phrase("{n} headlines", n=str(len(moved))), table=moved, ready=tuple(bundles))


MANY_UNUSABLE, MOVED_BY_UNUSABLE = 0.05, 0.005
_ENDED = {"abandoned": "rows of those who gave up", "answered": "rows of the answered", "deflected": "rows served by a bot",
          "open": "rows still open", "unknown": "rows whose outcome is not known"}  # fmt: skip


def main_points(
    moved: pd.DataFrame, before: str, *, unusable: Sequence[tuple[str, str]] = (), who: Sequence[tuple[str, str]] = (),
    more: Sequence[tuple[str, str]] = (),
) -> Exhibit:  # fmt: skip
    """The main points: the targets, the level, who is lost and when, what moved, and last what cannot be told.

    ``moved`` is a ``changes.change_table``, with targets or without; ``before`` names the period before. ``unusable`` are
    the points of :func:`unusable_points`, which lead; ``who`` come after the level (``verdict.queue_points``,
    ``full_days.hour_points``); ``more`` are points of other kinds.
    """
    moves, untold = main_changes(moved, before)
    points = [*unusable, *target_points(moved), *moves[:1], *who, *moves[1:], *more, *untold]
    if not points:
        why = phrase("No headline of the period has a value, so none can stand beside {before}.", before=before)
        points = [(phrase("Nothing is known."), why)]
    return Exhibit(
        finding=points[0][0], table=pd.DataFrame(points, columns=["lead", "sentence"]), ready=(points_bundle(points),)
    )


def unusable_parts(usable: pd.DataFrame) -> str:
    """In words, how many rows of each outcome cannot be used; empty where all can."""
    return ", ".join(
        phrase(
            "of the {rows} {n} of {all}", rows=phrase(_ENDED[row.outcome]) if row.outcome in _ENDED else row.outcome,
            n=format_value(row.unusable, "count"), all=format_value(row.kept + row.unusable, "count"),
        )
        for row in usable.itertuples()
        if row.unusable
    )  # fmt: skip


def unusable_points(usable: pd.DataFrame, span: str) -> list[tuple[str, str]]:
    """What leads where rows that cannot be used are many (over 5 %) or move the share that gave up by half a point or more.

    ``usable`` has ``outcome, kept, unusable`` (``PeriodLog.usable``) of the period named ``span``.
    """
    rows, unusable = int(usable[["kept", "unusable"]].sum().sum()), int(usable["unusable"].sum())
    if not unusable:
        return []
    known = usable[usable["outcome"].isin(["abandoned", "answered"])].set_index("outcome")
    left = known.reindex(["abandoned"], fill_value=0).iloc[0]
    kept, all_rows = int(known["kept"].sum()), int(known[["kept", "unusable"]].sum().sum())
    share = left["kept"] / kept if kept else float("nan")
    with_all = (left["kept"] + left["unusable"]) / all_rows if all_rows else float("nan")
    if unusable <= MANY_UNUSABLE * rows and not abs(with_all - share) >= MOVED_BY_UNUSABLE:
        return []
    moved = ""
    if kept and all_rows > kept:
        moved = phrase(
            "Of those answered or lost {share} gave up among the rows used, {with_all} with the others.",
            share=format_value(share, "share"), with_all=format_value(with_all, "share"),
        )  # fmt: skip
    told = [
        phrase(
            "They are {n} of {all}: {parts}.", n=format_value(unusable, "count"), all=format_value(rows, "count"),
            parts=unusable_parts(usable),
        ),
        moved, phrase("All numbers are of the rows used."),
    ]  # fmt: skip
    lead = phrase(
        "{share} of the rows of {span} cannot be used.", share=format_value(unusable / rows, "share"), span=span
    )
    return [(lead, " ".join(filter(None, told)))]


def undated_points(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """What leads where more than 5 % of all rows of a log have no date, from ``PeriodLog.counts``."""
    undated, rows = counts.get("undated", 0), counts["read"] + counts.get("other_periods", 0)
    if undated <= MANY_UNUSABLE * rows:
        return []
    lead = phrase("{share} of the rows of the log have no date.", share=format_value(undated / rows, "share"))
    said = phrase(
        "They are {n} of {all}, may be of any period, and are in no number.",
        n=format_value(undated, "count"), all=format_value(rows, "count"),
    )  # fmt: skip
    return [(lead, said)]


def _alone(moved: pd.DataFrame) -> str:
    """Which headline is judged alone."""
    if (moved["name"] == "unanswered_after_promise_share").any():
        return phrase(
            "The share unanswered after the promise is judged alone, the other verdicts are corrected for their number."
        )
    return phrase(
        "The share of all who asked that gave up is judged alone, the other verdicts are corrected for their number."
    )


def change_overview(moved: pd.DataFrame, *, now: str, before: str, kind: str = "estimated") -> Exhibit:
    """Every headline beside the period before, and how many moved further than chance explains."""
    known = moved[moved["verdict"] != NOTHING]
    clear = int(known["verdict"].isin(["rose", "fell"]).sum())
    finding = phrase("{n} of {all} changes can be told from chance", n=counted(clear), all=counted(len(known)).lower())
    unit = phrase("The day is the unit: each interval of a change is that of the one headline, at equal weekdays.")
    says = f"## {finding}\n\n{unit} {_alone(moved)}"
    if known.empty:
        finding = phrase("Whether anything changed since {before} cannot be told", before=before)
        if moved["previous"].isna().all():
            finding = phrase("There is nothing before {now} to compare with", now=now)
        says = f"## {finding}"
    shown = change_text(moved)
    if "target" in moved and moved["target"].notna().any():
        shown["target"] = [target_text(row) for row in moved.to_dict("records")]
    return Exhibit(
        finding=finding, says=says, table=moved, shown=shown, kind=kind,
        caption=phrase("The headlines of {now} beside {before}", now=now, before=before),
    )  # fmt: skip
