"""Exhibits of a larger team: what each agent more would save, and what should be measured before it is believed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxresearch.decisions import Action
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.show import what_if_bundle
from cxresearch.exhibits.waiting import listed, week_in_words
from cxresearch.queueing import FEWEST_TO_LEAD
from cxresearch.style import format_interval, format_value


def agents_what_if(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """What each agent more would save, moved through by the reader from the day as it is (``decisions.more_agents``)."""
    told, today, first, last = table.attrs, table.iloc[0], table.iloc[1], table.iloc[-1]
    after = last["saved_per_day"] - table["saved_per_day"].iloc[-2]
    finding = (
        f"One more agent {first['last_added']}: {_fewer(first)} fewer of {format_value(today['left_per_day'])} leave a day. "
        f"Of {len(table) - 1} such agents the last saves {format_value(after)}"
    )
    low, high = (format_value(told["redials"][end], "share") for end in ("lower", "upper"))
    origin = "measured" if told["redials"]["measured"] else "ASSUMED, as the log does not tell"
    start, end = told["hours"]
    says = (
        f"Nobody more is the day as the log has it: the mean of {told['days']} days that are fully open "
        f"({week_in_words(told['weekdays'])}). Each agent is added for {_hours(told['hours_each'])} where one more saves most, "
        f"between {start} and {end} h, never in an hour with fewer than {FEWEST_TO_LEAD} contacts; nobody is taken away. Assumed: who "
        "comes works as those who are there; each hour is a queue of its own, with the patience of the log and a load that "
        f"differs between days; {low} to {high} of those who leave call again within the hour because of it ({origin}), and "
        "whoever is answered does not. Lower and upper are a 95 % interval of what is saved, the day is the unit."
    )
    subtitle = f"What each agent more saves a day, {place}"
    bundle = what_if_bundle(table, finding=finding, subtitle=subtitle, kind=kind)
    return Exhibit(finding=finding, table=table, says=says, kind=kind, ready=(bundle,))


def moved_agents(table: pd.DataFrame, action: Action, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The day as it is beside a day with more agents and a bot, hour by hour (``decisions.with_agents``)."""
    now, then = (float(table[name].sum()) for name in ("left_per_day", "left_then"))
    lost = format_value(now)
    parts = [f"{format_value(n)} more from {start} to {end} h" for n, start, end in action.shifts if n]
    parts += [f"a bot settles {format_value(action.contained_share, 'share')}"] if action.contained_share else []
    finding = f"As it is {lost} leave a day"
    if parts:
        hours = f", for {format_value(action.agent_hours)} agent hours" if action.agent_hours else ""
        finding = f"With {' and '.join(parts)}: {format_value(then)} of {lost} still leave a day{hours}"
    return Exhibit(
        finding=finding,
        table=table,
        kind=kind,
        caption=f"Leave a day, hour by hour, as it is and then: {finding}, {place}",
    )


def worth_measuring(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """What to measure first, so that it is surer what an action saves (``decisions.worth_measuring``).

    Inputs that the draws do not tell from the first are named with it.
    """
    told, first = table.attrs, table["input"].iloc[0]
    finding = f"Measure first: {listed([first, *told['tied']])}"
    chosen = "recommended" if told["recommended"] else "not recommended; the first that changes the queue"
    beside = (
        f" The shares of {listed(['the first', *told['tied']])} are not told apart by the draws."
        if told["tied"]
        else ""
    )
    says = (
        f"### {finding}\n\n"
        f"Of {told['action']!r} ({chosen}), which saves {format_value(told['saved_per_day'])} contacts a day with a standard error of "
        f"{format_value(told['saved_se'])}: the share of that variance that comes with each input, over {told['draws']} draws of days. "
        f"Error: standard error of the share.{beside} Below 0 an input moves against the others, since days are drawn whole. "
        f"{format_value(told['rest'], 'share')} is what inputs do to each other. A small share says that the number is known well "
        "enough for this action, not that it does not matter."
    )
    return Exhibit(
        finding=finding, table=table, says=says, kind=kind, units={"error": "points"},
        caption=f"What leaves the saving uncertain, and how to measure it, {place}",
    )  # fmt: skip


def _fewer(row: Any) -> str:
    between = "" if pd.isna(row["lower"]) else f" ({format_interval(row['lower'], row['upper'])})"
    return f"{format_value(row['saved_per_day'])}{between}"


def _hours(n: int) -> str:
    return f"{n} hours in a row" if n > 1 else "an hour"
