"""Exhibits of the day: what comes, who looks as if there, who would be needed, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.ranking import standing
from cxresearch.exhibits.show import what_if_bundle
from cxresearch.exhibits.waiting import clock, counted
from cxresearch.style import format_duration, format_value


def day_load(
    hours: pd.DataFrame, *, ranks: pd.DataFrame, days: int, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Contacts an hour and those who gave up (``queueing.day_table``), mean of ``days`` days.

    ``ranks`` is the hours ranked by ``contacts``, by ``people`` lost and by the ``share`` of those who asked
    (``risk_table.ranked_by_day``, ``ranked_losses``).
    """
    # Means of these days: counts of some weekdays beside counts of all would be two numbers under one name.
    shown = hours[hours["contacts"] > 0].assign(left_per_h=hours["left"] / days).drop(columns=["contacts", "left"])
    kept = ["hour", "arrivals_per_h", "left_per_h", "share_left_of_asked", "handle_time_s"]
    return Exhibit(
        finding=_load_finding(ranks), table=hours, shown=shown[kept], kind=kind,
        subtitle=f"Contacts an hour, and those who gave up, {place}, mean of {days} days",
        draw=partial(figures.plot_load, hours),
    )  # fmt: skip


def staffing(
    table: pd.DataFrame, *, most_abandoned: float, replicates: int, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Agents that look as if they were there beside those needed (``queueing.staffing_for``)."""
    goal = f"so that at most {_share(most_abandoned)} give up"
    short = table[table["gap"] > 0]
    finding = f"No hour needs more agents {goal}"
    if len(short):
        finding = (
            f"{counted(len(short))} of 24 hours need{'s' if len(short) == 1 else ''} more agents {goal}, "
            f"{short['gap'].max():.0f} more at most"
        )
    shown = table.loc[
        table["arrivals_per_h"] > 0, ["hour", "arrivals_per_h", "agents", "agents_needed", "gap", "lower", "upper"]
    ]
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, draw=partial(figures.plot_staffing, table),
        subtitle=f"Agents, by hour of day, {place}. Band: 95 % of {replicates} samples of the patience curve",
    )  # fmt: skip


def busiest_hour_team(
    row: pd.Series, needed: pd.Series, *, ranks: pd.DataFrame, most_abandoned: float, place: str = "",
    kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """How sure the team of the busiest hour is (a row of the day; ``queueing.agents_needed_interval``).

    ``ranks`` as for :func:`day_load`: an hour that days do not tell from others is one of the busiest.
    """
    lower, upper = int(needed["lower"]), int(needed["upper"])
    between = f"exactly {lower}" if lower == upper else f"{lower} to {upper}"
    first = standing(ranks[ranks["ranked"] == "contacts"], lambda one: clock(one["hour"]))
    where = f"With {row['arrivals_per_h']:.0f} contacts an hour"
    if first is not None and first.first["hour"] == row["hour"]:
        where = f"From {first.name}, {'one of the busiest hours' if first.beside else 'the busiest hour'}"
    finding = (
        f"{where}, {int(needed['agents'])} agents keep the loss at most "
        f"{_share(most_abandoned)}; samples of the patience curve say {between}"
    )
    return Exhibit(finding=finding, table=needed.to_frame().T, shown=pd.DataFrame(), kind=kind, caption=place)


def promise_what_if(
    promises: pd.DataFrame, *, days: int, heard: float, contact_value: float, currency: str, place: str = "",
    kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """What each promise takes and saves, moved through by the reader (``queueing.promise_table``).

    ``heard``: people who hear of one contact that gives up (ASSUMED, from the register); ``contact_value`` (ASSUMED).
    """
    if len(promises) < 2:
        return nothing("There is no promise to compare with today")
    finding = _promise_price(promises)
    assumed: list[dict[str, Any]] = [
        {
            "times": "left", "lower": 0.0, "result": "People who hear of it", "unit": "people",
            "label": "People who hear of one contact that gives up", "value": round(heard, 2),
            "upper": round(5 * heard, 2), "step": max(round(heard / 10, 2), 0.01),
            "reason": "Worked out from the register of assumptions, for a contact that is never answered; measure it first.",
        },
        {
            "times": "left", "lower": 0.0, "result": "Lost with them", "unit": currency,
            "label": "Value of a contact that gives up", "value": contact_value, "upper": 10 * contact_value,
            "step": contact_value / 5,
            "reason": "Assumed, to be replaced by your own: nothing in the log says what a lost contact is worth.",
        },
    ]  # fmt: skip
    units: Mapping[str, str] = {"left": "count"}
    bundle = what_if_bundle(
        promises, finding=finding, subtitle=f"What each promise takes and saves, {place}, {days} days", kind=kind,
        formats=units, assumed=[given for given in assumed if given["upper"] > 0],
    )  # fmt: skip
    return Exhibit(finding=finding, table=promises, kind=kind, units=units, ready=(bundle,))


def bot_range(row: pd.Series) -> Exhibit:
    """What a bot settles, as it is quoted (a row of the claims)."""
    low, high = _share(row["value"]), _share(row["second_value"])
    said = (
        f"What a bot settles is quoted: {low} to {high} of questions ({row['survey'] or 'a vendor'}; {row['verdict']}). "
        "That many of those who gave up try again, and how many experts there would be in the evening, is assumed."
    )
    return Exhibit(finding=f"A bot settles {low} to {high} of questions, it is said", says=said, kind="quoted")


def scenarios(table: pd.DataFrame, *, place: str = "") -> Exhibit:
    """The day as it is beside what would change it (``queueing.scenario_table``); assumed."""
    best, now = table.loc[table["lost_share"].idxmin()], table["lost_share"].iloc[0]
    finding = f"As it is {_share(now)} never get an answer; {best['scenario']}: {_share(best['lost_share'])}"
    return Exhibit(
        finding=finding, says=f"### {finding}", table=table, kind="assumed", caption=f"A day in each scenario, {place}"
    )


def _load_finding(ranks: pd.DataFrame) -> str:
    """When most contacts come and most people give up, as far as days tell hours apart."""
    load, lost = (
        standing(ranks[ranks["ranked"] == name], lambda row: clock(row["hour"])) for name in ("contacts", "people")
    )
    if load is None or lost is None:
        return "Too few contacts to tell the hours apart"
    came = f"Most contacts come from {load.name}" if load.clear else "No hour clearly brings most contacts"
    if not lost.first["left"]:
        return f"{came}; nobody gave up"
    part = _share(lost.first["left"] / lost.first["asked"])
    if lost.clear:
        return f"{came}; most people give up from {lost.name}, {part} of those who ask then"
    return f"{came}; no hour clearly loses most people"


def _promise_price(promises: pd.DataFrame) -> str:
    """What it takes and saves to halve the slowest hour's wait."""
    today = promises[promises["today"]].iloc[0]
    shorter = promises[~promises["today"] & (promises["slowest_hour_s"] < today["slowest_hour_s"])]
    if shorter.empty:
        return f"Today's slowest hour, {format_duration(today['slowest_hour_s'])}, already keeps every promise tried"
    halved = shorter[shorter["slowest_hour_s"] <= today["slowest_hour_s"] / 2]
    near = (shorter if halved.empty else halved).iloc[-1]
    more = near["agent_hours_per_day"] - today["agent_hours_per_day"]
    fewer = 1 - near["left"] / today["left"] if today["left"] else 0.0
    return (
        f"Within {format_duration(near['slowest_hour_s'])} in every hour: {abs(more):.0f} {'more' if more > 0 else 'fewer'} "
        f"agent hours a day, {_share(abs(fewer))} {'fewer' if fewer > 0 else 'more'} give up"
    )


def _share(value: float) -> str:
    return format_value(value, "share")
