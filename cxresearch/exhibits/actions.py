"""Exhibits of what to do first: the actions beside each other, and how the model behind them did on this period."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.decisions import (
    ACTION_ASSUMES,
    ACTION_NAMES,
    ACTION_WHYS,
    AT_WORK,
    FIRST,
    ORDERS,
    SPAN,
    UNCOUNTED,
    Action,
)  # fmt: skip
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.full_days import spans_in_words
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.show import BRIEF, DECISION, prose_bundle, table_bundle
from cxresearch.exhibits.waiting import week_in_words
from cxresearch.style import format_duration, format_interval, format_value, phrase, retold

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
    if len(chosen):
        finding = _recommended(chosen.iloc[0], told)
    else:
        finding = phrase("No action is recommended: {why}", why=retold(told["why"], *ACTION_WHYS))
    says = [f"### {finding}"]
    if len(chosen):
        says.append(_weighed(chosen.iloc[0], told, before))
    rule = phrase(told["rule"])
    says.append(phrase("The rule: {rule}", rule=f"{rule[0].lower()}{rule[1:]}"))
    if told["backtest"]:
        says.append(_trust(told["backtest"], "skill_in_effect", before))
    says.append(" ".join([
        phrase(
            "A day is one of the {days} on which the log is fully open ({week}); {left} contacts leave on it.",
            days=str(told["days"]), week=week_in_words(told["weekdays"]), left=format_value(told["left_per_day"]),
        ),
        phrase("Saved are contacts, those who call again among them."), redials_in_words(told["redials"]),
        phrase("Lower and upper are a 95 % interval, the day is the unit; what is assumed stands beside."),
        phrase("Break-even: the agent hours that a saved contact must be worth."),
    ]))  # fmt: skip
    if told["currency"]:
        says.append(" ".join([
            phrase("Value: {currency} a day at the prices given, agent hours paid.", currency=told["currency"]),
            phrase("Its lower and upper are the saved at their limits, at the low and at the high prices."),
        ]))  # fmt: skip
    shown = table[[*_SHOWN, *(_VALUE if told["currency"] else []), "assumed"]]
    shown = shown.assign(
        action=[action_in_words(name, told) for name in shown["action"]],
        assumed=[assumed_in_words(text) for text in shown["assumed"]],
    )
    caption = phrase("What each action saves and takes a day, {place}", place=place)
    bundle = table_bundle(shown, caption=caption, kind=kind) | {DECISION: decision_record(table, finding)}
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, says="\n\n".join(says), caption=caption, ready=(bundle,)
    )


def action_in_words(name: str, told: Mapping[str, Any] | None = None) -> str:
    """The name of an action in the language of the report; one that somebody gave stays as it is.

    ``told`` are the ``attrs`` of an ``action_table``.
    """
    one: Action | None = (told or {}).get("actions", {}).get(name)
    if one is not None and one.first and name == FIRST.format(queue=one.first):
        return phrase("{queue} first", queue=one.first)
    return retold(name, *ACTION_NAMES)


def assumed_in_words(assumed: str) -> str:
    """What an action assumes, in the language of the report."""
    text, _, uncounted = assumed.partition("; from ")
    said = retold(text, *ACTION_ASSUMES)
    for order in ORDERS:
        said = said.replace(f"'{order}'", f"'{phrase(order)}'")
    if not uncounted:
        return said
    hours = f"from {uncounted}".removesuffix(UNCOUNTED.format(spans="")).split(" and ")
    spans = phrase("{spans} too few contacts tell a team, and nothing saved is counted",
                   spans=listed([retold(span, SPAN) for span in hours]))  # fmt: skip
    return f"{said}; {spans}"


def _in_words(table: pd.DataFrame) -> dict[str, str]:
    """What stands in English in the record, in the language of the report; empty in English."""
    told = table.attrs
    said = {name: action_in_words(name, told) for name in table["action"]}
    said |= {text: assumed_in_words(text) for text in table["assumed"]}
    said |= {told["why"]: retold(told["why"], *ACTION_WHYS), told["rule"]: phrase(told["rule"])}
    return {english: text for english, text in said.items() if text != english}


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
        "in_words": _in_words(table),
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
        "in_words": {},
    }
    return Exhibit(finding=why, ready=(prose_bundle(f"{why.rstrip('.')}.") | {DECISION: record},))


def experiment(
    table: pd.DataFrame, *, name: str, saved_per_day: float, called: str = "", place: str = "", kind: str = "estimated"
) -> Exhibit:
    """How long an action must be tried before days can show what it saves (``decisions.experiment``).

    ``called``: its name in the language of the report.
    """
    told = table.attrs
    needed = told["weeks_needed"]
    trial = {"action": called or name, "saving": format_value(saved_per_day)}
    if needed < math.inf:
        finding = phrase(
            "A trial of '{action}' would show a saving of {saving} a day in {weeks} weeks, every second one with it",
            **trial, weeks=str(needed),
        )  # fmt: skip
    else:
        finding = phrase(
            "A trial of '{action}' would show a saving of {saving} a day not even in a year of weeks in turn", **trial
        )
    lost = {"left": format_value(told["left_per_day"]), "sd": format_value(told["sd"])}
    chance, level = (format_value(told[key], "share") for key in ("power", "level"))
    if told["hours"]:
        hours = dict(zip(("start", "end"), map(str, told["hours"]), strict=True))
        counted = phrase(
            "Counted are losses from {start} to {end} h, {left} a day now; they differ from day to day by {sd} (standard deviation, "
            "weekdays taken out).", **hours, **lost,
        )  # fmt: skip
    else:
        counted = phrase(
            "Counted are losses of the whole day, {left} a day now; they differ from day to day by {sd} (standard deviation, "
            "weekdays taken out).", **lost,
        )  # fmt: skip
    says = [
        counted, phrase("Seen is what a test at {level} finds with a chance of {chance}.", level=level, chance=chance),
        phrase("Weeks are given with and without the action in turn or by lot, and nothing else is changed."),
    ]  # fmt: skip
    return Exhibit(
        finding=finding, table=table, kind=kind, says=f"### {finding}\n\n{' '.join(says)}",
        caption=phrase("The smallest saving a day that a trial could show, {place}", place=place),
        units={"weeks": "count", "days_with": "number", "days_without": "number"},
        recorded={BRIEF: {"part": "trial", "action": name, "weeks": plain(needed), "sd": plain(told["sd"]), "power": told["power"],
                          "saved_per_day": plain(saved_per_day)}},
    )  # fmt: skip


def backtest(table: pd.DataFrame, *, before: str, place: str = "", kind: str = "estimated") -> Exhibit:
    """What the period before let one expect of the losses, beside what came (``decisions.backtest``)."""
    told = table.attrs
    losses = {
        "before": before, "expected": format_value(told["expected_total"], "contacts"),
        "left": format_value(told["left_total"], "contacts"),
    }  # fmt: skip
    seen = told["team"] == AT_WORK
    if seen:
        finding = phrase(
            "Told how many asked and who was at work, the model of {before} expects {expected} losses; {left} came",
            **losses,
        )
    else:
        finding = phrase("Told how many asked, the model of {before} expects {expected} losses; {left} came", **losses)
    said = [_trust(told, "skill", before)]
    if not table["lower95"].isna().all():
        said.append(phrase(
            "Of the rows by weekday and hour {in80} are inside their 80 % interval, {in95} inside that of 95 %.",
            in80=format_value(told["coverage80"], "share"), in95=format_value(told["coverage95"], "share"),
        ))  # fmt: skip
    says = [f"### {finding}", " ".join(said)]
    if seen:
        says.append(
            phrase("Without knowing who was at work the skill is {skill}.", skill=_percent(told["skill_in_effect"]))
        )
    misses = pd.DataFrame({"rule": list(_RULES.values()), "mean_miss": [told["mean_miss"][rule] for rule in _RULES]})
    return Exhibit(
        finding=finding, table=table, shown=misses, kind=kind, says="\n\n".join(says),
        caption=phrase("By how many losses each rule misses, by date and hour, {place}", place=place),
    )  # fmt: skip


def _recommended(row: pd.Series, told: dict[str, Any]) -> str:
    return phrase(
        "First: {action}. By the queue model it would save {saved} contacts a day ({interval}) of {left} lost, {each} an agent hour",
        action=action_in_words(row["action"], told), saved=format_value(row["saved_per_day"]),
        interval=format_interval(row["lower"], row["upper"]), left=format_value(told["left_per_day"]),
        each=format_value(row["saved_per_day"] / row["agent_hours_per_day"]),
    )  # fmt: skip


def _weighed(row: pd.Series, told: dict[str, Any], before: str) -> str:
    said = [phrase(
        "Worth it where a saved contact is worth more than {hours} agent hours ({time}).",
        hours=format_value(row["break_even"]), time=format_duration(3600 * row["break_even"]),
    )]  # fmt: skip
    if told["ties"]:
        hours = spans_in_words(told["ties"])
        said.append(phrase("One more agent would save as much, as far as days tell, from {hours}.", hours=hours))
    earlier = told["before"]
    said.append(phrase(
        "In {before} it would have saved {saved} ({interval}).", before=before,
        saved=format_value(earlier["saved_per_day"]), interval=format_interval(earlier["lower"], earlier["upper"]),
    ))  # fmt: skip
    return " ".join(said)


def _trust(told: dict[str, Any], skill: str, before: str) -> str:
    """How the model did, and where that ends."""
    own, dates = told[skill], told["unscored"]
    alone = ""
    if dates == 1:
        alone = phrase("1 date is not scored, as {before} has none of its weekday.", before=before)
    elif dates:
        n = format_value(dates, "count")
        alone = phrase("{n} dates are not scored, as {before} has none of their weekday.", n=n, before=before)
    if pd.isna(own):
        untold = phrase(
            "Skill cannot be told: the share lost in the same hour of {before} missed nothing.", before=before
        )
        return " ".join(filter(None, [untold, alone]))
    values = {"skill": _percent(own), "size": _percent(abs(own)), "before": before}
    if not pd.isna(told[f"{skill}_lower"]):
        values["skill"] = phrase(
            "{value} (95 % interval {interval})", value=_percent(own),
            interval=format_interval(told[f"{skill}_lower"], told[f"{skill}_upper"], "share"),
        )  # fmt: skip
    if abs(own) < _EVEN:
        del values["size"]
        said = phrase(
            "Skill by date and hour: {skill}, that is, it misses as much as the share lost in the same hour of {before} does, both "
            "told how many asked.", **values,
        )  # fmt: skip
    elif own > 0:
        said = phrase(
            "Skill by date and hour: {skill}, that is, it misses {size} less than the share lost in the same hour of {before} does, "
            "both told how many asked.", **values,
        )  # fmt: skip
    else:
        said = phrase(
            "Skill by date and hour: {skill}, that is, it misses {size} more than the share lost in the same hour of {before} does, "
            "both told how many asked.", **values,
        )  # fmt: skip
    return " ".join(filter(None, [said, phrase("It holds while the team stays as it was."), alone]))


def redials_in_words(told: Mapping[str, Any]) -> str:
    """Which share calls again because it left, and where that is from."""
    low, high = (format_value(told[end], "share") for end in ("lower", "upper"))
    share = low if low == high else phrase("{low} to {high}", low=low, high=high)
    said = phrase("{share} of those who leave are taken to call again within the hour because of it.", share=share)
    if not told["measured"]:
        return f"{said} {phrase('That share is ASSUMED, as the log does not tell.')}"
    why = phrase("It is measured: by so much more often they do than those who were answered.")
    return f"{said} {why} {phrase('That leaving is the cause is ASSUMED.')}"


def _percent(share: float) -> str:
    return format_value(share, "share")


def plain(value: Any) -> Any:
    """As JSON has it: what is not known is null."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
