"""Exhibits of one period of tickets: each works out its tables and hands them to the exhibit of the same name.

``month`` below is a :class:`contacts.PeriodLog` of all channels; ``channel`` chooses one, and empty are all on which nobody
is seen to give up. Where the period does not hold what an exhibit needs, the exhibit says so in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxresearch import patience
from cxresearch.contacts import LogError, PeriodLog
from cxresearch.exhibits import headlines as lead
from cxresearch.exhibits import run_chart, tickets
from cxresearch.exhibits.changes import change_table
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.marks import without_rows
from cxresearch.exhibits.period import unusable_points
from cxresearch.exhibits.ranking import opening
from cxresearch.exhibits.targets import with_targets
from cxresearch.exhibits.ticket_numbers import (
    backlog_by_day,
    next_of_customers,
    promise_changed,
    promise_words,
    ticket_days,
    ticket_estimates,
    ticket_headlines,
    tickets_of,
)
from cxresearch.exhibits.verdict import verdict
from cxresearch.style import format_value, phrase

NO_TARGETS: Mapping[str, float] = {}
DAY_S = 86_400.0


def ticket_account(month: PeriodLog, *, channel: str = "") -> Exhibit:
    """Where every row of the period went, from the rows read to the tickets that were answered."""
    mine = tickets_of(month, channel=channel)
    cells, number = mine.cells, int(mine.cells["contacts"].sum())
    ends = {
        "answered": ("answered", "deflected"),
        "no answer when the log ended": ("open",),
        "given up or closed without an answer": ("abandoned",),
    }
    others = int(month.cells["contacts"].sum()) - number
    steps = [("Rows of the period", int(month.counts["read"]))]
    steps += [(f"set aside: {reason}", int(rows)) for reason, rows in month.set_aside.itertuples(index=False)]
    steps += [("contacts on other channels, not in this report", others)] if others else []
    steps += [("tickets", number)]
    steps += [
        (f"of these: {said}", int(cells.loc[cells["outcome"].isin(words), "contacts"].sum()))
        for said, words in ends.items()
    ]
    table = pd.DataFrame(steps, columns=["step", "rows"])
    caption = phrase("Where every row of {period} went", period=mine.period.label)
    return Exhibit(
        finding=caption, table=table[(table["rows"] > 0) | (table["step"] == "tickets")].reset_index(drop=True), caption=caption,
        kind=mine.kind,
    )  # fmt: skip


def ticket_changes(
    month: PeriodLog, *, channel: str = "", promise_s: float = DAY_S, again_h: float = 72.0
) -> pd.DataFrame:
    """The headlines of the period's tickets and how they moved: ``changes.change_table``."""
    now, before = _both(tickets_of(month, channel=channel), promise_s=promise_s, again_h=again_h)
    return change_table(now, before)


def tickets_happened(
    month: PeriodLog, *, channel: str = "", promise_s: float = DAY_S, again_h: float = 72.0,
    targets: Mapping[str, float] = NO_TARGETS,
) -> Exhibits:  # fmt: skip
    """The headlines of the tickets, recorded, the verdict in one sentence, and the main points that are told of them."""
    tables = _both(tickets_of(month, channel=channel), promise_s=promise_s, again_h=again_h)
    moved = with_targets(change_table(*tables), targets)
    before = month.period.previous.label
    told = verdict(moved, None, tables, period=month.period.label, before=before)
    points = lead.main_points(moved, before, unusable=unusable_points(month), more=_backlog_point(moved, before))
    return Exhibits([lead.headlines(moved, before), told, points])


def ticket_change_overview(
    month: PeriodLog, *, channel: str = "", promise_s: float = DAY_S, again_h: float = 72.0,
    targets: Mapping[str, float] = NO_TARGETS,
) -> Exhibit:  # fmt: skip
    """Every headline of the tickets beside the period before."""
    moved = with_targets(ticket_changes(month, channel=channel, promise_s=promise_s, again_h=again_h), targets)
    return lead.change_overview(moved, now=month.period.label, before=month.period.previous.label, kind=month.kind)


def ticket_run_charts(
    month: PeriodLog, *, channel: str = "", promise_s: float = DAY_S, again_h: float = 72.0
) -> Exhibit:
    """Headlines of tickets from day to day over the period and the one before, with their natural limits."""
    mine = tickets_of(month, channel=channel)
    now, before = _both(mine, promise_s=promise_s, again_h=again_h)
    return run_chart.run_charts(now, before, place=mine.label, kind=mine.kind, missing=without_rows(mine))


def first_answer(month: PeriodLog, *, channel: str = "", promise_s: float = DAY_S) -> Exhibit:
    """When half and nine in ten of the tickets had a first answer."""
    mine, waits = _waits(month, channel, promise_s)
    if not (waits["outcome"] == "answered").any():
        return nothing(phrase("No ticket was answered before the log ended, so the time to an answer is not known"))
    by_day = waits.groupby(["day", "duration_s", "outcome"], as_index=False)["contacts"].sum()
    curve = patience.daily_curve(by_day, event="answered")
    return tickets.first_answer(_of_all(mine, waits, promise_s), curve, place=mine.label, kind=mine.kind)


def first_answer_by(month: PeriodLog, by: str, *, channel: str = "", promise_s: float = DAY_S) -> Exhibit:
    """First answers by ``channel``, ``queue``, ``weekday`` or ``hour`` of opening."""
    mine, waits = _waits(month, channel, promise_s)
    if waits[by].isna().all():
        return nothing(phrase("The log does not say the {by}, so nothing is told by {by}", by=phrase(by)))
    return tickets.first_answer_by(
        patience.first_answer_table(waits, by=by), by, patience.late_ranks(waits, by=by),
        promise=promise_words(mine, promise_s), place=mine.label, kind=mine.kind,
    )  # fmt: skip


def after_promise(month: PeriodLog, *, channel: str = "", promise_s: float = DAY_S) -> Exhibit:
    """The share of tickets without an answer when the promise ran out."""
    mine, waits = _waits(month, channel, promise_s)
    whole, promises = _of_all(mine, waits, promise_s), patience.first_answer_table(waits, by="promised_s")
    if len(promises) == 1:
        promises = whole.assign(promised_s=promises["promised_s"])
    unknown = int(mine.cells.loc[mine.cells["promised_s"].isna(), "contacts"].sum())
    return tickets.after_promise(
        whole, promises, promise=promise_words(mine, promise_s), unknown=unknown, taken_s=promise_s, place=mine.label,
        kind=mine.kind,
    )  # fmt: skip


def backlog(month: PeriodLog, *, channel: str = "") -> Exhibit:
    """How many tickets stood without an answer at the end of each day."""
    mine = tickets_of(month, channel=channel)
    days = backlog_by_day(mine)
    if days is None:
        return nothing(
            phrase("Of some days of this period only tables were kept, and no backlog can be counted from these")
        )
    first = mine.period.previous.start
    return tickets.backlog(days, begins=mine.begins, first=first, place=mine.label, kind=mine.kind)


def asking_again(month: PeriodLog, *, channel: str = "", again_h: float = 72.0) -> Exhibit:
    """Whose customer asked again before an answer, or soon after it, beside what is to be expected by chance."""
    mine = tickets_of(month, channel=channel)
    after = _customers(mine, again_h)
    if isinstance(after, Exhibit):
        return after
    unknown = int(mine.cells["contacts"].sum()) - len(after)
    return tickets.asking_again(
        patience.asked_again(after), again_h=again_h, unknown=unknown, place=mine.label, kind=mine.kind
    )


def channel_switches(month: PeriodLog, *, channel: str = "", again_h: float = 72.0) -> Exhibit:
    """Whose customer turned to another channel before an answer."""
    mine = tickets_of(month, channel=channel)
    if month.cells["channel"].nunique() < 2:
        return nothing(phrase("The log knows one channel at most, so nobody is seen to turn to another"))
    after = _customers(mine, again_h)
    if isinstance(after, Exhibit):
        return after
    return tickets.channel_switches(patience.channel_switches(after), again_h=again_h, place=mine.label, kind=mine.kind)


def _of_all(mine: PeriodLog, waits: pd.DataFrame, promise_s: float) -> pd.DataFrame:
    """``patience.first_answer_table`` of all tickets, with the intervals of its headlines: one number has one."""
    table = patience.first_answer_table(waits)
    days = ticket_days(mine, promise_s=promise_s, again_h=None)
    told = ticket_estimates(mine, days, promise_s=promise_s, again_h=None)
    for name, ends in (
        ("median_first_answer_s", ["median_lower_s", "median_upper_s"]), ("unanswered_after_promise_share", ["lower", "upper"]),
    ):  # fmt: skip
        table[ends] = [told[name][1:3]]
    return table


def _customers(mine: PeriodLog, again_h: float) -> pd.DataFrame | Exhibit:
    try:
        after = next_of_customers(mine, again_h=again_h)
    except LogError as refusal:
        return nothing(str(refusal).rstrip("."))
    if after.empty:
        return nothing(phrase("No customer is known, so who asked again, or on another channel, cannot be told"))
    return after


def _both(mine: PeriodLog, **asked: Any) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Headlines of the period and of the one before, without there what was promised otherwise."""
    now = ticket_headlines(mine, **asked)
    if mine.previous is None:
        return now, None
    before = ticket_headlines(mine.previous, **asked)
    if why := promise_changed(mine, asked["promise_s"]):
        name, days = "unanswered_after_promise_share", before.attrs["days"]
        before = before[before["name"] != name]
        before.attrs = {**before.attrs, "days": days[days["name"] != name]}
        now.attrs["apart"] = {name: why}
    return now, before


def _waits(month: PeriodLog, channel: str, promise_s: float) -> tuple[PeriodLog, pd.DataFrame]:
    mine = tickets_of(month, channel=channel)
    return mine, patience.ticket_waits(mine.cells, promise_s)


def _backlog_point(moved: pd.DataFrame, before: str) -> list[tuple[str, str]]:
    row = moved.set_index("name").loc["backlog"]
    if math.isnan(row["value"]):
        return []
    now = {"base": opening(row["base"]), "now": format_value(int(row["value"]), "count")}
    said = phrase("{base}: {now}.", **now)
    if not math.isnan(row["previous"]):
        said = phrase(
            "{base}: {now}; at the end of {before}: {was}.",
            before=before,
            was=format_value(int(row["previous"]), "count"),
            **now,
        )
    return [(phrase("Backlog."), said)]
