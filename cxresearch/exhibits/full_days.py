"""Exhibits of what is lost on a full day: hour by hour and queue by queue, drawn on the first two pages of a report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.show import BRIEF, TABLE, prose_bundle, table_bundle
from cxresearch.exhibits.small_groups import held_back, smallest_group
from cxresearch.exhibits.waiting import FEW, clock, counted
from cxresearch.patience import OTHERS
from cxresearch.risk_table import ENOUGH, FEWEST_DAYS
from cxresearch.style import format_interval, format_value, phrase

MOST_QUEUES = 6
CLEAR = 0.05
TOGETHER = "Queues not shown apart"
_MOVED = {"rose": "{queue} rose", "fell": "{queue} fell"}


def lost_by_hour_and_queue(
    hours: pd.DataFrame, queues: pd.DataFrame, *, week: str, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Contacts lost on a full day by hour, stacked by queue.

    ``hours`` is ``patience.lost_by_hour``, ``queues`` is ``patience.lost_by_hour_and_queue`` of the same days, ``week`` says
    which weekdays are full. With fewer than five days no hour is named and none is drawn.
    """
    days = hours.attrs["days"]
    if days < FEWEST_DAYS:
        few = phrase("One full day: too few to tell the hours of a day apart")
        if days != 1:
            few = phrase("{n} full days: too few to tell the hours of a day apart", n=counted(days))
        return recorded_why("hours", few)
    if not hours["left"].sum():
        return recorded_why("hours", phrase("Nobody gave up on a full day"))
    shown = hours[hours["asked"] >= FEW]
    if shown.empty:
        return recorded_why("hours", phrase("In no hour of a full day did {few} ask, so none is drawn", few=str(FEW)))
    if not shown["left"].sum():
        return recorded_why(
            "hours", phrase("Nobody gave up in an hour of a full day in which {few} asked", few=str(FEW))
        )
    names = list(dict.fromkeys(queues["queue"]))
    parts = queues.pivot_table(index="hour", columns="queue", values="lost_per_day", sort=False)
    parts = parts.reindex(index=shown["hour"], columns=names).fillna(0.0)
    finding = _highest(shown)
    parts, table, told = _least_held(shown, parts, days)
    short = called(parts.columns)
    table = table.rename(columns=short)
    caption = phrase(
        "Contacts lost on a full day ({week}; {days} days), by hour and queue, {place}",
        week=week, days=str(days), place=place,
    )  # fmt: skip
    counts = dict.fromkeys(["lost_per_day", *short.values()], days)  # people, not means of them, are what is held back
    bundle = table_bundle(table, caption=caption, kind=kind, people=counts)
    rows, apart = _drawn(shown.assign(said=table["hour"].to_numpy()), parts, None if told is None else told == "")
    if not any(row["lost"] for row in rows):
        return recorded_why(
            "hours",
            phrase(
                "In no hour did enough give up: hours of fewer than {few} people are not shown",
                few=str(smallest_group()),
            ),
        )
    content = {
        "part": "hours", "finding": finding, "days": days, "week": week, "queues": [phrase(OTHERS) if name == OTHERS else called_so for name, called_so in short.items()] + ([phrase(TOGETHER)] if apart else []),
        "hours": rows, "described": _described(shown, None if told is None else told["lost_per_day"]), "kind": kind, "table": bundle[TABLE],
    }  # fmt: skip
    return Exhibit(
        finding=finding, table=table, kind=kind, caption=caption, ready=(_unshown(bundle) | {BRIEF: content},)
    )


def queues_by_period(queues: pd.DataFrame, *, before: str, place: str = "", kind: str = "estimated") -> Exhibit:
    """The share of those who queued that gave up, queue by queue, beside the period before.

    ``queues``: ``queue, queued, share_left_of_queued, lower, upper`` and, where there is a period ``before``, ``previous,
    difference, difference_lower, difference_upper, p_corrected`` (``patience.queue_sources``). Named are queues with 100
    contacts, the largest first. A change needs 100 in both periods (``queued_before``).
    """
    told = queues[queues["queued"] >= ENOUGH].head(MOST_QUEUES)
    if told.empty:
        return recorded_why(
            "queues", phrase("In no queue did {enough} contacts queue, so none is named", enough=str(ENOUGH))
        )
    short = called(queues["queue"])
    rows = [_queue(row | {"queue": short[row["queue"]]}, before) for row in told.to_dict("records")]
    moved = [row for row in rows if row["verdict"] in ("rose", "fell")]
    if moved:
        each = listed([phrase(_MOVED[row["verdict"]]).format(queue=row["queue"]) for row in moved])
        finding = phrase("Lost of those who queued: {each}", each=each)
        if len(moved) < len(rows):
            finding = phrase("Lost of those who queued: {each}; the others cannot be told", each=each)
    elif not before:
        finding = phrase("Lost of those who queued, queue by queue; there is nothing before to compare with")
    else:
        finding = phrase("Of no queue can a change from {before} be told", before=before)
    table = pd.DataFrame(rows).rename(columns={"share": "share_left_of_queued"})
    shown = table[["queue", "queued", "share_left_of_queued", "lower", "upper", "difference", "difference_lower", "difference_upper",
                   "verdict"]]  # fmt: skip
    caption = phrase("Lost of those who queued, queue by queue, {place}", place=place)
    bundle = table_bundle(
        shown, caption=caption, kind=kind,
        formats={"difference": "points", "difference_lower": "points", "difference_upper": "points"},
    )  # fmt: skip
    left_out = len(queues) - len(told)
    content = {
        "part": "queues", "finding": finding, "before": before, "queues": rows, "left_out": left_out, "kind": kind,
        "table": bundle[TABLE],
    }  # fmt: skip
    content["queues"] = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return Exhibit(
        finding=finding, table=table, kind=kind, caption=caption, ready=(_unshown(bundle) | {BRIEF: content},)
    )


def recorded_why(part: str, why: str) -> Exhibit:
    """A part of the first two pages that is not there: it says why in its place."""
    return Exhibit(finding=why, ready=(prose_bundle(f"{why.rstrip('.')}.") | {BRIEF: {"part": part, "why": why}},))


def called(queues: Iterable[str]) -> dict[str, str]:
    """queue -> its name without the code in brackets behind it, where no two are then called alike."""
    names = list(dict.fromkeys(queues))
    short = {name: str(name).rsplit(" (", 1)[0] for name in names}
    return short if len(set(short.values())) == len(names) else {name: str(name) for name in names}


def _queue(row: dict[str, Any], before: str) -> dict[str, Any]:
    names = ("difference", "difference_lower", "difference_upper")
    known = before and row.get("queued_before", 0) >= ENOUGH and not math.isnan(row.get("difference_lower", math.nan))
    clear = known and row["p_corrected"] < CLEAR
    verdict = ("rose" if row["difference"] > 0 else "fell") if clear else "cannot be told"
    if not before:
        verdict = "nothing to compare"
    return {
        "queue": row["queue"], "queued": int(row["queued"]), "share": row["share_left_of_queued"], "lower": row["lower"],
        "upper": row["upper"], "previous": row["previous"] if known else math.nan,
        **{name: row[name] if known else math.nan for name in names}, "verdict": verdict,
    }  # fmt: skip


def hour_points(hours: pd.DataFrame, week: str) -> list[tuple[str, str]]:
    """The hours of a full day that lose most, as a main point; none with fewer than five days, or where none can be named."""
    tied = hours[hours["tied"]]
    if tied.empty:
        return []
    named = hours_in_words(tied["hour"])
    told = {
        "lost": format_value(tied["lost_per_day"].sum()), "total": format_value(hours["lost_per_day"].sum()), "week": week,
        "share": format_value(tied["asked"].sum() / hours["asked"].sum(), "share"),
    }  # fmt: skip
    if len(tied) == 1:
        said = phrase(
            "It loses {lost} of the {total} lost on a full day ({week}), and {share} of those who asked did so then.",
            **told,
        )
        return [(phrase("{hour} loses most.", hour=named), said)]
    said = phrase(
        "Together they lose {lost} of the {total} lost on a full day ({week}), and {share} of those who asked did so then. "
        "Which of them is worst cannot be told.", **told,
    )  # fmt: skip
    return [(phrase("{n} hours tie for most lost: {hours}.", n=counted(len(tied)), hours=named), said)]


def _highest(hours: pd.DataFrame) -> str:
    tied = hours[hours["tied"]]
    if tied.empty:
        return phrase("On a full day no hour can be named that loses most")
    if len(tied) == 1:
        row = tied.iloc[0]
        lost = format_value(row["lost_per_day"])
        return phrase("{hour} loses most: {lost} on a full day", hour=clock(row["hour"]), lost=lost)
    return phrase("{n} hours tie for most lost: {hours}", n=counted(len(tied)), hours=hours_in_words(tied["hour"]))


def hours_in_words(hours: pd.Series) -> str:
    """8 to 12 and 13 to 18 h: hours in a row are told by their ends."""
    chosen = sorted(int(hour) for hour in hours)
    starts = [hour for hour in chosen if hour - 1 not in chosen]
    ends = [hour + 1 for hour in chosen if hour + 1 not in chosen]
    return spans_in_words(list(zip(starts, ends, strict=True)))


def spans_in_words(spans: Iterable[tuple[int, int]]) -> str:
    """8 to 12 and 13 to 18 h: from when to when, several times."""
    said = [phrase("{start} to {end}", start=str(start), end=str(end)) for start, end in spans]
    return phrase("{hours} h", hours=listed(said))


def _least_held(
    hours: pd.DataFrame, parts: pd.DataFrame, days: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """The queues, the table of them and what is held back of it: those that lose least go to all others where more of what was
    lost is then shown under a queue's own name."""
    named = [name for name in parts.columns if name != OTHERS]
    tried = [parts]
    for n in range(len(named) - 1, 0, -1):
        rest = parts.drop(columns=named[:n]).sum(axis=1)
        tried.append(parts[named[:n]].assign(**{OTHERS: rest}))
    made = []
    for each in tried:
        table = pd.concat(
            [hours[["hour", "lost_per_day", "lower", "upper"]].set_index("hour"), each], axis=1
        ).reset_index()
        table["hour"] = [clock(hour) for hour in table["hour"]]
        told = held_back(table, dict.fromkeys(["lost_per_day", *each.columns], days))
        own = each.drop(columns=OTHERS, errors="ignore").reset_index(drop=True)
        seen = own if told is None else own.where(told[own.columns].reset_index(drop=True) == "", 0.0)
        made.append((round(float(seen.to_numpy().sum()), 9), each, table, told))
    return max(made, key=lambda one: one[0])[1:]  # of equal ones the first, which has most queues


def _drawn(hours: pd.DataFrame, parts: pd.DataFrame, told: pd.DataFrame | None) -> tuple[list[dict[str, Any]], bool]:
    """The hours that are drawn, and whether some of them have queues that are not shown apart; nothing that is held back.

    ``told`` says which cells of the table are shown, None: all of them.
    """
    rows, apart = [], False
    for place, row in enumerate(hours.itertuples()):
        cells = None if told is None else told.iloc[place].to_list()  # hour, lost, lower, upper, and the queues
        _, lost, lower, upper, *each = cells or [True] * (4 + parts.shape[1])
        if not lost:
            continue
        known = [float(value) if shown else None for value, shown in zip(parts.iloc[place], each, strict=True)]
        together = 0.0 if all(each) else round(row.lost_per_day - sum(one or 0.0 for one in known), 9)
        apart = apart or together > 0
        rows.append({
            "hour": int(row.hour), "said": row.said, "lost": _plain(row.lost_per_day), "lower": _plain(row.lower) if lower else None,
            "upper": _plain(row.upper) if upper else None, "tied": bool(row.tied), "parts": [*known, together],
        })  # fmt: skip
    if not apart:
        for row in rows:
            row["parts"].pop()
    return rows, apart


def _described(hours: pd.DataFrame, held: pd.Series | None) -> str:
    """In words; of an hour in which too few gave up only that."""
    few = smallest_group()
    marks = [""] * len(hours) if held is None else held.to_list()
    return "; ".join(
        phrase("{hour}: under {few} in all", hour=clock(row.hour), few=str(few))
        if 0 < row.left < few
        else phrase("{hour}: not shown", hour=clock(row.hour))
        if mark
        else f"{clock(row.hour)}: {format_value(row.lost_per_day)}"
        + ("" if math.isnan(row.lower) else f" ({format_interval(row.lower, row.upper)})")
        for row, mark in zip(hours.itertuples(), marks, strict=True)
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _unshown(bundle: dict[str, Any]) -> dict[str, Any]:
    """What a notebook shows; a page shows it in its first two pages alone."""
    return {name: content for name, content in bundle.items() if name.startswith("text/")}
