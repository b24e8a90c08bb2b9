"""Exhibits of a larger team: what each agent more would save, and what should be measured before it is believed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxresearch.decisions import SPAN, Action
from cxresearch.exhibits.actions import action_in_words, redials_in_words
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.show import what_if_bundle
from cxresearch.exhibits.waiting import week_in_words
from cxresearch.queueing import FEWEST_TO_LEAD
from cxresearch.style import format_interval, format_value, phrase, retold


def agents_what_if(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """What each agent more would save, moved through by the reader from the day as it is (``decisions.more_agents``)."""
    told, today, first, last = table.attrs, table.iloc[0], table.iloc[1], table.iloc[-1]
    after = last["saved_per_day"] - table["saved_per_day"].iloc[-2]
    finding = phrase(
        "One more agent {when}: {fewer} fewer of {left} leave a day. Of {n} such agents the last saves {last}",
        when=retold(first["last_added"], SPAN), fewer=_fewer(first), left=format_value(today["left_per_day"]),
        n=str(len(table) - 1), last=format_value(after),
    )  # fmt: skip
    hours = {"start": str(told["hours"][0]), "end": str(told["hours"][1])}
    if told["hours_each"] > 1:
        added = phrase(
            "Each agent is added for {n} hours in a row where one more saves most, between {start} and {end} h.",
            n=str(told["hours_each"]), **hours,
        )  # fmt: skip
    else:
        added = phrase(
            "Each agent is added for an hour where one more saves most, between {start} and {end} h.", **hours
        )
    says = [
        phrase(
            "Nobody more is the day as the log has it: the mean of {days} days that are fully open ({week}).",
            days=str(told["days"]), week=week_in_words(told["weekdays"]),
        ),
        added,
        phrase("An hour with fewer than {n} contacts gets none, and nobody is taken away.", n=str(FEWEST_TO_LEAD)),
        phrase("Assumed: who comes works as those who are there."),
        phrase("Each hour is a queue of its own, with the patience of the log and a load that differs between days."),
        redials_in_words(told["redials"]), phrase("Whoever is answered does not call again."),
        phrase("Lower and upper are a 95 % interval of what is saved, the day is the unit."),
    ]  # fmt: skip
    subtitle = phrase("What each agent more saves a day, {place}", place=place)
    shown = table.assign(last_added=[retold(when, SPAN) for when in table["last_added"]])
    bundle = what_if_bundle(shown, finding=finding, subtitle=subtitle, kind=kind)
    return Exhibit(finding=finding, table=table, says=" ".join(says), kind=kind, ready=(bundle,))


def moved_agents(table: pd.DataFrame, action: Action, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The day as it is beside a day with more agents and a bot, hour by hour (``decisions.with_agents``)."""
    now, then = (float(table[name].sum()) for name in ("left_per_day", "left_then"))
    lost = format_value(now)
    parts = [
        phrase("{n} more from {start} to {end} h", n=format_value(n), start=str(start), end=str(end))
        for n, start, end in action.shifts if n
    ]  # fmt: skip
    if action.contained_share:
        parts.append(phrase("a bot settles {share}", share=format_value(action.contained_share, "share")))
    finding = phrase("As it is {left} leave a day", left=lost)
    if parts:
        given = {"parts": listed(parts), "then": format_value(then), "left": lost}
        finding = phrase("With {parts}: {then} of {left} still leave a day", **given)
        if action.agent_hours:
            hours = format_value(action.agent_hours)
            finding = phrase(
                "With {parts}: {then} of {left} still leave a day, for {hours} agent hours", **given, hours=hours
            )
    return Exhibit(
        finding=finding, table=table, kind=kind,
        caption=phrase("Leave a day, hour by hour, as it is and then: {finding}, {place}", finding=finding, place=place),
    )  # fmt: skip


def worth_measuring(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """What to measure first, so that it is surer what an action saves (``decisions.worth_measuring``).

    Inputs that the draws do not tell from the first are named with it.
    """
    told, first = table.attrs, table["input"].iloc[0]
    tied = [phrase(name) for name in told["tied"]]
    finding = phrase("Measure first: {inputs}", inputs=listed([phrase(first), *tied]))
    of = {
        "action": action_in_words(told["action"]), "saved": format_value(told["saved_per_day"]),
        "se": format_value(told["saved_se"]),
    }  # fmt: skip
    if told["recommended"]:
        saving = phrase("'{action}' (recommended) saves {saved} contacts a day, with a standard error of {se}.", **of)
    else:
        saving = phrase(
            "'{action}' (not recommended; the first that changes the queue) saves {saved} contacts a day, with a standard error "
            "of {se}.", **of,
        )  # fmt: skip
    says = [
        saving,
        phrase("A share is the part of that variance that comes with an input, over {n} draws of days.", n=str(told["draws"])),
        phrase("Error: standard error of the share."),
        phrase("The shares of {inputs} are not told apart by the draws.", inputs=listed([phrase("the first"), *tied])) if tied else "",
        phrase("Below 0 an input moves against the others, since days are drawn whole."),
        phrase("{share} is what inputs do to each other.", share=format_value(told["rest"], "share")),
        phrase("A small share says that the number is known well enough for this action, not that it does not matter."),
    ]  # fmt: skip
    return Exhibit(
        finding=finding, table=table, says=f"### {finding}\n\n{' '.join(filter(None, says))}", kind=kind, units={"error": "points"},
        caption=phrase("What leaves the saving uncertain, and how to measure it, {place}", place=place),
    )  # fmt: skip


def _fewer(row: Any) -> str:
    between = "" if pd.isna(row["lower"]) else f" ({format_interval(row['lower'], row['upper'])})"
    return f"{format_value(row['saved_per_day'])}{between}"
