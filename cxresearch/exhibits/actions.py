"""Exhibits of what to do first: the actions beside each other, and how the model behind them did on this period."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.decisions import AT_WORK
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.show import BRIEF, DECISION, prose_bundle, table_bundle
from cxresearch.exhibits.waiting import listed, week_in_words
from cxresearch.style import format_duration, format_interval, format_value

_EVEN = 5e-4  # of a skill: no difference that a reader sees
WHILE = "while the team stays as it was"
_SHOWN = ["action", "saved_per_day", "lower", "upper", "agent_hours_per_day", "break_even"]
_VALUE = ["value", "value_lower", "value_upper"]
_RULES = {
    "model": "the model", "shares": "shares of the period before, by hour", "hour mean": "losses of the hour in the period before",
    "last week": "the same hour seven days earlier",
}  # fmt: skip


def action_box(table: pd.DataFrame, *, before: str = "", place: str = "", kind: str = "estimated") -> Exhibit:
    """What to do first, or why nothing is recommended, beside all that was weighed (``decisions.action_table``).

    ``before`` names the period before.
    """
    told = table.attrs
    chosen = table[table["recommended"]]
    finding = _recommended(chosen.iloc[0], told) if len(chosen) else f"No action is recommended: {told['why']}"
    says = [f"### {finding}"]
    if len(chosen):
        says.append(_weighed(chosen.iloc[0], told, before))
    says.append(f"The rule: {told['rule'][0].lower()}{told['rule'][1:]}")
    if told["backtest"]:
        says.append(_trust(told["backtest"], "skill_in_effect", before))
    says.append(
        f"A day is one of the {told['days']} on which the log is fully open ({week_in_words(told['weekdays'])}); "
        f"{format_value(told['left_per_day'])} contacts leave on it. Saved are contacts, those who call again among them: "
        f"{_redials(told['redials'])}. Lower and upper are a 95 % interval, "
        "the day is the unit; what is assumed stands beside. Break-even: the agent hours that a saved contact must be worth."
    )
    if told["currency"]:
        says.append(
            f"Value: {told['currency']} a day at the prices given, agent hours paid; lower and upper are the saved at their limits at "
            "the low and at the high prices."
        )
    shown = table[[*_SHOWN, *(_VALUE if told["currency"] else []), "assumed"]]
    caption = f"What each action saves and takes a day, {place}"
    bundle = table_bundle(shown, caption=caption, kind=kind) | {DECISION: decision_record(table, finding)}
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, says="\n\n".join(says), caption=caption, ready=(bundle,)
    )


def decision_record(table: pd.DataFrame, said: str) -> dict[str, Any]:
    """What decision.json says: every action, the one recommended or None and why, how the model did, what is assumed."""
    told = table.attrs
    rows = [{name: plain(value) for name, value in row.items()} for row in table.to_dict("records")]
    trust = None
    if told["backtest"]:
        names = ("skill", "skill_in_effect", "coverage80", "coverage95", "expected_total", "left_total", "shares_total")
        ends = tuple(f"{name}_{end}" for name in names[:2] for end in ("lower", "upper"))
        trust = {name: plain(told["backtest"][name]) for name in (*names, *ends)} | {"holds": WHILE}
    return {
        "said": said, "actions": rows, "recommended": next((row for row in rows if row["recommended"]), None), "why": told["why"],
        "rule": told["rule"], "days": told["days"], "weekdays": told["weekdays"], "left_per_day": plain(told["left_per_day"]),
        "currency": told["currency"] or None, "backtest": trust, "before": told["before"] and {n: plain(v) for n, v in told["before"].items()},
        "assumed": sorted({row["assumed"] for row in rows}), "ties": [[int(end) for end in pair] for pair in told["ties"]],
    }  # fmt: skip


def no_decision(why: str) -> Exhibit:
    """Nothing can be weighed; decision.json says so too."""
    record: dict[str, Any] = {
        "said": why,
        "actions": [],
        "recommended": None,
        "why": why,
        "backtest": None,
        "assumed": [],
    }
    return Exhibit(finding=why, ready=(prose_bundle(f"{why.rstrip('.')}.") | {DECISION: record},))


def experiment(
    table: pd.DataFrame, *, name: str, saved_per_day: float, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """How long an action must be tried before days can show what it saves (``decisions.experiment``)."""
    told = table.attrs
    needed, saving = told["weeks_needed"], format_value(saved_per_day)
    how_long = (
        f"in {needed} weeks, every second one with it" if needed < math.inf else "not even in a year of weeks in turn"
    )
    finding = f"A trial of '{name}' would show a saving of {saving} a day {how_long}"
    hours = f"from {told['hours'][0]} to {told['hours'][1]} h" if told["hours"] else "of the whole day"
    chance, level = (format_value(told[key], "share") for key in ("power", "level"))
    says = (
        f"### {finding}\n\nCounted are losses {hours}, {format_value(told['left_per_day'])} a day now; they differ from day to day by "
        f"{format_value(told['sd'])} (standard deviation, weekdays taken out). Seen is what a test at {level} finds with a chance of "
        f"{chance}. Weeks are given with and without the action in turn or by lot, and nothing else is changed."
    )
    return Exhibit(
        finding=finding, table=table, kind=kind, says=says, caption=f"The smallest saving a day that a trial could show, {place}",
        units={"weeks": "count", "days_with": "number", "days_without": "number"},
        recorded={BRIEF: {"part": "trial", "action": name, "weeks": plain(needed), "sd": plain(told["sd"]), "power": told["power"],
                          "saved_per_day": plain(saved_per_day)}},
    )  # fmt: skip


def backtest(table: pd.DataFrame, *, before: str, place: str = "", kind: str = "estimated") -> Exhibit:
    """What the period before let one expect of the losses, beside what came (``decisions.backtest``)."""
    told = table.attrs
    who = " and who was at work" if told["team"] == AT_WORK else ""
    finding = (
        f"Told how many asked{who}, the model of {before} expects {format_value(told['expected_total'], 'contacts')} losses; "
        f"{format_value(told['left_total'], 'contacts')} came"
    )
    covered = "" if table["lower95"].isna().all() else (
        f" Of the rows by weekday and hour {format_value(told['coverage80'], 'share')} are inside their 80 % interval, "
        f"{format_value(told['coverage95'], 'share')} inside that of 95 %."
    )  # fmt: skip
    says = [f"### {finding}", f"{_trust(told, 'skill', before)}{covered}"]
    if who:
        says.append(f"Without knowing who was at work the skill is {_percent(told['skill_in_effect'])}.")
    misses = pd.DataFrame({"rule": list(_RULES.values()), "mean_miss": [told["mean_miss"][rule] for rule in _RULES]})
    return Exhibit(
        finding=finding, table=table, shown=misses, kind=kind, says="\n\n".join(says),
        caption=f"By how many losses each rule misses, by date and hour, {place}",
    )  # fmt: skip


def _recommended(row: pd.Series, told: dict[str, Any]) -> str:
    per_hour = row["saved_per_day"] / row["agent_hours_per_day"]
    return (
        f"First: {row['action']}. By the queue model it would save {format_value(row['saved_per_day'])} contacts a day "
        f"({format_interval(row['lower'], row['upper'])}) of {format_value(told['left_per_day'])} lost, "
        f"{format_value(per_hour)} an agent hour"
    )


def _weighed(row: pd.Series, told: dict[str, Any], before: str) -> str:
    said = [
        f"Worth it where a saved contact is worth more than {format_value(row['break_even'])} agent hours "
        f"({format_duration(3600 * row['break_even'])})."
    ]
    if told["ties"]:
        hours = listed([f"{start} to {end}" for start, end in told["ties"]])
        said.append(f"One more agent would save as much, as far as days tell, from {hours} h.")
    earlier = told["before"]
    said.append(
        f"In {before} it would have saved {format_value(earlier['saved_per_day'])} "
        f"({format_interval(earlier['lower'], earlier['upper'])})."
    )
    return " ".join(said)


def _trust(told: dict[str, Any], skill: str, before: str) -> str:
    """How the model did, and where that ends."""
    own = told[skill]
    dates = told["unscored"]
    alone = "" if not dates else (
        f" {format_value(dates, 'count')} {'date is' if dates == 1 else 'dates are'} not scored, as {before} has none of their "
        "weekday."
    )  # fmt: skip
    if pd.isna(own):
        return f"Skill cannot be told: the share lost in the same hour of {before} missed nothing.{alone}"
    between = ""
    if not pd.isna(told[f"{skill}_lower"]):
        between = f" (95 % interval {format_interval(told[f'{skill}_lower'], told[f'{skill}_upper'], 'share')})"
    more = "as much as" if abs(own) < _EVEN else f"{_percent(abs(own))} {'less' if own > 0 else 'more'} than"
    return (
        f"Skill by date and hour: {_percent(own)}{between}, that is, it misses {more} the share lost in the same hour of {before} does, "
        f"both told how many asked. It holds {WHILE}.{alone}"
    )


def _redials(told: dict[str, Any]) -> str:
    """Which share calls again because it left, and where that is from."""
    low, high = (format_value(told[end], "share") for end in ("lower", "upper"))
    share = low if low == high else f"{low} to {high}"
    said = f"{share} of those who leave are taken to do so within the hour because of it"
    if not told["measured"]:
        return f"{said} (ASSUMED, as the log does not tell)"
    return f"{said} (measured: by so much more often they do than those who were answered; that leaving is the cause is ASSUMED)"


def _percent(share: float) -> str:
    return format_value(share, "share")


def plain(value: Any) -> Any:
    """As JSON has it: what is not known is null."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
