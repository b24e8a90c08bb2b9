"""What to do first: actions beside each other, what each saves and takes, and a stated rule that may choose one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxresearch.contacts import PeriodLog
from cxresearch.decisions.backtest import backtest
from cxresearch.decisions.proposals import (
    Action,
    ActionError,
    blocks,
    is_number,
    not_counted,
    own_actions,
    usual_actions,
)
from cxresearch.decisions.weighing import Weighed, Weighing
from cxresearch.risk_table import Floats

COLUMNS = (
    "action", "agent_hours_per_day", "saved_per_day", "lower", "upper", "break_even", "value", "value_lower", "value_upper",
    "assumed", "recommended",
)  # fmt: skip


def action_table(
    period_log: PeriodLog, *, channel: str, prices: Mapping[str, Any] | None = None,
    actions: Sequence[Mapping[str, Any] | Action] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What each action would save on a weekday that is fully open, and what it takes.

    Parameters
    ----------
    prices : the user's own, ``agent_hour`` and ``contact`` (what a saved contact is worth), each a mapping ``value``,
        ``currency`` and, if it is not sure, ``low`` and ``high``. Without them nothing has a value: there is no price of ours.
    actions : see :func:`own_actions`; None or none: :func:`usual_actions`, made from the log.

    Returns
    -------
    DataFrame, one row an action
        ``action``; ``agent_hours_per_day``; ``saved_per_day`` (contacts that do not leave, those who call again because they
        left among them) with ``lower, upper`` (95 %); ``break_even`` (agent hours a saved contact must be worth; NaN where
        nothing is saved or the cost is not one of agents); ``value`` a day, and ``value_lower, value_upper``, the saved at
        their limits at the low and at the high prices; ``assumed`` (what it rests on besides the log); ``recommended``.

    ``attrs``: ``recommended`` (the action, or None) and ``why``; ``rule``; ``days`` (fully open, that were counted),
    ``weekdays``; ``left_per_day``; ``redials`` (``share, lower, upper`` of those who leave, and whether ``measured``);
    ``ties`` (other blocks that days do not tell from the one in the table); ``before`` (what the recommended action saved
    in the period before: ``saved_per_day, lower, upper``); ``backtest`` (attrs of :func:`backtest`, or None); ``currency``; ``actions`` (name -> :class:`Action`).

    Each saving is by the queue model (M/M/n+G with the patience, the load and the team in effect of every hour, the load
    random between days; whoever is answered does not call again). Intervals are of 200 draws, in each of which the days
    count anew, for arrivals, handle times, patience, teams and redials together, as much more as neighbouring days hang
    together; what is assumed is drawn too, and a model error of 5 %. NaN with fewer than five days.

    The rule: of the actions that rest on the queue model alone and take agent hours, the one that saves most an agent hour
    among those whose lower limit is above 0 and against which the period before does not speak (there, too, its lower limit
    is above 0, and its upper one not below the lower one of now). None at all where the model, with the teams in effect
    of the period before, missed more than that period's shares; without a period before it is untested, and nothing is
    recommended. Agents seen at work take no part: who answers more is seen more, and that is not what one more would save.

    Raises ActionError (a ValueError) as :func:`own_actions`, for prices that are none and for weekdays that are not fully
    open; ValueError as :func:`refuse_unknown`, where no weekday is fully open and where no hour tells a team.
    """
    mine = period_log.only(channel=channel)
    priced = checked_prices(prices)
    own = own_actions(actions) if actions else None
    now = Weighing.of(mine)
    shown = (
        own
        if own is not None
        else usual_actions(now.hours, redials=now.redials.share, known=now.later is not None, order=now.order)
    )
    if closed := sorted({day for one in shown for day in one.weekdays} - set(now.weekdays)):
        raise ActionError(
            f"weekday {closed[0]} is not fully open in {period_log.period.label}; write weekdays from {list(now.weekdays)}."
        )
    weighed, more = now.weigh(shown)
    table = pd.DataFrame([_row(one, found, priced) for one, found in zip(shown, weighed, strict=True)])
    table["assumed"] += [not_counted(one, now.hours) for one in shown]
    told = _choose(table, shown, period_log, channel)
    table["recommended"] = table["action"] == told["recommended"]
    table.attrs = {
        "rule": RULE, "days": len(now.days), "weekdays": list(now.weekdays),
        "left_per_day": float(now.days.left.sum() / len(now.days)), "redials": now.redials._asdict(),
        "ties": _ties(shown[0].shifts[0][1:], more) if own is None else [], "currency": priced.currency if priced else "",
        "actions": {one.name: one for one in shown},
        **told,
    }  # fmt: skip
    return table[list(COLUMNS)]


RULE = (
    "Of the actions that rest on the queue model alone, the one that saves most an agent hour. Its lower limit must be above 0, "
    "and the period before must not speak against it. None if the model missed more than last period's shares."
)
_ROUNDING = 1e-6
UNTESTED, MOST_AN_HOUR = "untested, there is no period before it", "it saves most an agent hour"
REFUSED, NO_SKILL = "untested ({refusal})", "the shares of {before} missed nothing, so the model cannot be beside them"
WORSE = "the model missed more in {now} than the shares of {before}"
UNSURE = "no action that rests on the queue model alone has a lower limit above 0"
AGAINST = "{before} speaks against every action that rests on the queue model alone"
ACTION_WHYS = (UNTESTED, MOST_AN_HOUR, REFUSED, NO_SKILL, WORSE, UNSURE, AGAINST)


def _row(action: Action, found: Weighed, priced: Prices | None) -> dict[str, Any]:
    lower, upper = found.limits()
    paid = not action.contained_share  # what a bot costs is not in agents
    row = {
        "action": action.name, "agent_hours_per_day": found.hours, "saved_per_day": found.saved, "lower": lower, "upper": upper,
        "break_even": max(found.hours, 0.0) / found.saved if paid and found.saved > 0 else math.nan,
        "value": math.nan, "value_lower": math.nan, "value_upper": math.nan, "assumed": action.assumed,
    }  # fmt: skip
    if priced is not None:
        row["value"] = found.saved * priced.contact[1] - found.hours * priced.agent_hour[1]
        worth = [saved * price for saved in (lower, upper) for price in (priced.contact[0], priced.contact[2])]
        cost = [found.hours * price for price in (priced.agent_hour[0], priced.agent_hour[2])]
        row["value_lower"], row["value_upper"] = min(worth) - max(cost), max(worth) - min(cost)
    return row


# --- prices -------------------------------------------------------------------------------------------------------


class Prices(NamedTuple):
    """Low, value and high of an agent hour and of a saved contact."""

    agent_hour: tuple[float, float, float]
    contact: tuple[float, float, float]
    currency: str


def checked_prices(given: Mapping[str, Any] | None) -> Prices | None:
    """Prices as a report's ``[prices]`` says them (see :func:`action_table`); None without any. Raises ActionError."""
    if not given:
        return None
    if not isinstance(given, Mapping):
        raise ActionError(f"[prices] is a table of agent_hour and contact; got {given!r}.")
    if unknown := sorted(set(given) - {"agent_hour", "contact"}):
        raise ActionError(f"a price of {unknown[0]!r} is not known; prices are agent_hour and contact.")
    found, currencies = [], []
    for name in ("agent_hour", "contact"):
        line = f'{name} = {{value = 30.0, currency = "EUR"}}'
        if name not in given:
            raise ActionError(f"[prices] has no {name}; write {line}")
        one = given[name]
        keys = set(one) if isinstance(one, Mapping) else set()
        if not ({"value", "currency"} <= keys <= {"value", "currency", "low", "high"}):
            raise ActionError(f"[prices] {name} has a value and a currency, and low and high if it is not sure: {line}")
        low, value, high = three = [one.get(key, one["value"]) for key in ("low", "value", "high")]
        if not all(is_number(v) and v >= 0 for v in three):
            raise ActionError(f"[prices] {name} is in numbers from 0 on; got {three}.")
        if not low <= value <= high:
            raise ActionError(f"[prices] {name} needs low <= value <= high; got {three}.")
        found.append((float(low), float(value), float(high)))
        currencies.append(one["currency"])
    if currencies[0] != currencies[1]:
        raise ActionError(f"[prices] are in one currency; got {currencies[0]} and {currencies[1]}.")
    return Prices(found[0], found[1], str(currencies[0]))


# --- the rule -----------------------------------------------------------------------------------------------------


def _choose(table: pd.DataFrame, actions: Sequence[Action], period_log: PeriodLog, channel: str) -> dict[str, Any]:
    """``recommended`` (an action's name or None), ``why``, ``before`` and ``backtest``, by ``RULE``."""
    told: dict[str, Any] = {"recommended": None, "why": "", "before": None, "backtest": None}
    before = period_log.previous
    if before is None:
        return told | {"why": UNTESTED}
    try:
        told["backtest"] = dict(backtest(period_log, channel=channel).attrs)
        then = Weighing.of(before.only(channel=channel))
    except ValueError as refusal:
        return told | {"why": REFUSED.format(refusal=refusal)}
    skill = told["backtest"]["skill_in_effect"]
    if math.isnan(skill):
        return told | {"why": NO_SKILL.format(before=before.period.label)}
    if not skill >= -_ROUNDING:
        return told | {"why": WORSE.format(now=period_log.period.label, before=before.period.label)}
    alone = np.array([one.agent_hours > 0 and one.rests_on_model for one in actions])
    sure = table[alone & (table["lower"] > 0)]
    if sure.empty:
        return told | {"why": UNSURE}
    per_hour = (sure["saved_per_day"] / sure["agent_hours_per_day"]).sort_values(ascending=False, kind="stable")
    for place in per_hour.index:
        action = actions[int(place)]
        only = tuple(hour for hour in range(24) if action.agents_at(hour))
        (found,), _ = then.weigh([action], only=only)
        lower, upper = found.limits()
        if lower > 0 and upper >= table.loc[place, "lower"]:
            earlier = {"saved_per_day": found.saved, "lower": lower, "upper": upper}
            return told | {"recommended": action.name, "before": earlier, "why": MOST_AN_HOUR}
    return told | {"why": AGAINST.format(before=before.period.label)}


def _ties(chosen: tuple[int, int], more: Floats) -> list[tuple[int, int]]:
    """Blocks of hours that save as much as the ``chosen`` one, as far as the draws tell."""
    if not len(more):
        return []
    hours = {int(hour): 0.0 for hour in np.flatnonzero(np.isfinite(more).all(axis=0))}
    gain = {block: more[:, block[0] : block[1]].sum(axis=1) for block in blocks(hours)}
    return [
        block for block, drawn in gain.items()
        if block != chosen and np.quantile(gain[chosen] - drawn, 0.025) <= 0
    ]  # fmt: skip
