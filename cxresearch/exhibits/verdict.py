"""The verdict of a period in one sentence: the level, who was lost, and what moved, each only as far as it can be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxresearch.exhibits.by_day import days_of
from cxresearch.exhibits.changes import NOT_TOLD, NOTHING, since
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.full_days import CLEAR, called
from cxresearch.exhibits.ranking import opening
from cxresearch.exhibits.show import BRIEF, prose_bundle
from cxresearch.risk_table import ENOUGH, FEWEST_DAYS
from cxresearch.style import format_interval, format_value, phrase

_CLOSE = 0.07  # a fraction is said in words where the share is so near to it
_FRACTIONS = {1 / 2: "half", 1 / 3: "one in three", 1 / 4: "one in four", 1 / 5: "one in five", 1 / 6: "one in six",
              1 / 7: "one in seven", 1 / 8: "one in eight", 1 / 9: "one in nine", 1 / 10: "one in ten", 2 / 3: "two in three",
              3 / 4: "three in four"}  # fmt: skip
LEVELS = {
    "lost_share": "{value} of all who asked gave up",
    "unanswered_after_promise_share": "{value} of the tickets were {label}",
}


def verdict(
    moved: pd.DataFrame, queues: pd.DataFrame | None, tables: tuple[pd.DataFrame, pd.DataFrame | None], *, period: str, before: str,
) -> Exhibit:  # fmt: skip
    """The sentence that a report opens with, recorded with every day of the headlines.

    ``moved`` is a ``changes.change_table``; ``queues`` a ``full_days_of_period.queue_table``, or None; ``tables`` are the
    ``headline_table`` of the period and of the one before. Where the level is not known there is no sentence.
    """
    said = verdict_text(moved, queues, period=period, before=before)
    content = {"part": "lead", "said": said, "before": before, "days": _every_day(tables)}
    shown = prose_bundle(f"**{said}**") if said else {"text/plain": "no verdict"}
    return Exhibit(finding=said or "no verdict", ready=(shown | {BRIEF: content},))


def verdict_text(moved: pd.DataFrame, queues: pd.DataFrame | None, *, period: str, before: str) -> str:
    """The level, who, and what moved; "" where the level is not known."""
    rows = moved.set_index("name")
    name = next((name for name in LEVELS if name in rows.index and not math.isnan(rows.loc[name, "value"])), "")
    if not name:
        return ""
    row = rows.loc[name]
    label = f"{row['label'][:1].lower()}{row['label'][1:]}"
    clauses = [_level(row, phrase(LEVELS[name]).format(value=format_value(row["value"], "share"), label=label), before)]
    who = None if queues is None else first_queue(queues)
    queue_moved = who is not None and _clear(who)
    if who is not None:
        where = _in_queue(who)
        if queue_moved and who["difference"] > 0:
            where = phrase("{where}, where a larger share gave up than in {before}", where=where, before=before)
        elif queue_moved:
            where = phrase("{where}, where a smaller share gave up than in {before}", where=where, before=before)
        clauses.append(where)
    clauses.append(_rest(row, before, queue_moved))
    return f"{opening(period)}: {'; '.join(filter(None, clauses))}."


def _level(row: pd.Series, level: str, before: str) -> str:
    if about := in_words(row["value"]):
        level = phrase("{level}, about {fraction}", level=level, fraction=phrase(about))
    moved = format_value(abs(row["difference"]), "points")
    if row["verdict"] == "rose":
        return phrase("{level} and {moved} more than in {before}", level=level, moved=moved, before=before)
    if row["verdict"] == "fell":
        return phrase("{level} and {moved} fewer than in {before}", level=level, moved=moved, before=before)
    return level


def _in_queue(who: Mapping[str, Any]) -> str:
    about = in_words(who["of_lost"])
    part = phrase(about) if about else format_value(who["of_lost"], "share")
    return phrase("{part} of those lost were in the queue {queue}", part=part, queue=who["called"])


def _rest(row: pd.Series, before: str, queue_moved: bool) -> str:
    if row["verdict"] == NOT_TOLD and queue_moved:
        return phrase("in all, no change can be told")
    if row["verdict"] == NOT_TOLD:
        return phrase("no change from {before} can be told", before=before)
    if row["verdict"] == NOTHING and math.isnan(row["previous"]):
        return phrase("there is nothing before it to compare with")
    if row["verdict"] == NOTHING:
        return phrase("whether that changed from {before} cannot be told", before=before)
    return ""


def queue_points(queues: pd.DataFrame, before: str) -> list[tuple[str, str]]:
    """The queue that loses most beyond an even share, as a main point; none where no queue does."""
    who = first_queue(queues)
    if who is None:
        return []
    moved = since(who, before, "points") if _clear(who) else ""
    said = phrase(
        "They are {left} of the {lost} who queued and gave up, but {of_queued} of those who queued. {share} of them gave up "
        "(95 % interval {interval}){moved}.",
        left=format_value(who["left"], "count"), lost=format_value(who["lost"], "count"),
        of_queued=format_value(who["of_queued"], "share"), share=format_value(who["share_left_of_queued"], "share"),
        interval=format_interval(who["lower"], who["upper"], "share"), moved=moved,
    )  # fmt: skip
    return [(f"{opening(_in_queue(who))}.", said)]


def first_queue(queues: pd.DataFrame) -> dict[str, Any] | None:
    """The queue with most lost beyond its even share, where its interval lies above the share of all; None where none does.

    A queue with fewer than 100 contacts is not named.
    """
    queued, lost = int(queues["queued"].sum()), int(queues["left"].sum())
    if len(queues) < 2 or not lost:
        return None
    names = called(queues["queue"])
    beyond = queues.assign(beyond=queues["left"] - queues["queued"] * lost / queued)
    beyond = beyond[(beyond["queued"] >= ENOUGH) & (beyond["lower"] > lost / queued)]
    if beyond.empty:
        return None
    row = {str(k): v for k, v in beyond.sort_values(["beyond", "queue"], ascending=[False, True]).iloc[0].items()}
    return row | {
        "called": names[row["queue"]],
        "lost": lost,
        "of_lost": row["left"] / lost,
        "of_queued": row["queued"] / queued,
    }


def in_words(share: float) -> str:
    """half, one in eight: where the share is within 7 % of it; else empty."""
    near = min(_FRACTIONS, key=lambda one: abs(share - one))
    return _FRACTIONS[near] if abs(share - near) <= _CLOSE * near else ""


def _clear(row: Mapping[str, Any]) -> bool:
    return bool(row.get("p_corrected", math.nan) < CLEAR and row.get("queued_before", 0) >= ENOUGH)


def _every_day(tables: tuple[pd.DataFrame, pd.DataFrame | None]) -> dict[str, Any]:
    """headline -> its value on every day, of the period and of the one before; none where there are few days."""
    now, before = (None if table is None else days_of(table.attrs.get("days")) for table in tables)
    if now is None or len(now.day) < FEWEST_DAYS:
        return {}
    return {
        name: [
            [[str(day)[:10], None if math.isnan(value) else float(f"{value:.4g}")] for day, value in zip(one.day, one.each(name), strict=True)]
            for one in (before, now) if one is not None and name in one.top
        ]
        for name in now.top
    }  # fmt: skip
