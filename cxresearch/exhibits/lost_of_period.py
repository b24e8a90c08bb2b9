"""What one period cost, whether the lost come back, and what would settle it: tables, and the exhibits of the same names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from cxresearch import decisions, impact
from cxresearch.contacts import LogError, PeriodLog
from cxresearch.exhibits import actions as actions_shown
from cxresearch.exhibits import lost as shown
from cxresearch.exhibits import word_of_mouth
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.style import phrase


def period_cost(month: PeriodLog, *, channel: str) -> Exhibit:
    """Who left, what became of them as far as customers are known, and how many were lost for good."""
    try:
        table = _once(month, decisions.period_cost, channel)
    except (ValueError, LogError) as refusal:
        return nothing(phrase("What became of those who left cannot be said: {why}", why=str(refusal)))
    return shown.period_cost(table, place=table.attrs["place"], kind=table.attrs["kind"])


def coming_back(month: PeriodLog, *, channel: str) -> Exhibit:
    """Whether customers who were lost in the period before are seen less often in this one; observed, no proof of a cause."""
    try:
        table = _once(month, decisions.coming_back, channel)
    except (ValueError, LogError) as refusal:
        return nothing(phrase("Whether the lost come back cannot be said: {why}", why=str(refusal)))
    return shown.coming_back(table, kind=month.kind)


def experiment(month: PeriodLog, actions: pd.DataFrame, *, channel: str) -> Exhibit:
    """How long the action that comes first must be tried; ``actions`` is the table of :func:`action_box`."""
    if actions.empty:
        return nothing(phrase("There is no action to try"))
    row = actions[actions["recommended"]].head(1) if actions["recommended"].any() else actions.head(1)
    name, saved = row["action"].iloc[0], float(row["saved_per_day"].iloc[0])
    try:
        table = decisions.experiment(month, channel=channel, action=actions.attrs["actions"][name], saved_per_day=saved)
    except (ValueError, LogError) as refusal:
        return nothing(phrase("How long it must be tried cannot be said: {why}", why=str(refusal)))
    called = actions_shown.action_in_words(name, actions.attrs)
    return actions_shown.experiment(
        table, name=name, saved_per_day=saved, called=called, place=month.label, kind=month.kind
    )


def talk_of_lost(month: PeriodLog, *, channel: str, assumptions_file: str = "") -> Exhibit:
    """What people hear of the customers who were lost for good: assumed, and no more than the log allows."""
    try:
        table = decisions.talk_of_lost(_lost(month, channel), impact.load_assumptions(assumptions_file))
    except (ValueError, LogError) as refusal:
        return nothing(phrase("What people hear cannot be said: {why}", why=str(refusal)))
    return word_of_mouth.talk_of_lost(
        table, place=month.only(channel=channel).label, kind="SIMULATED" if month.simulated else "assumed"
    )


def _once(month: PeriodLog, work: Callable[..., pd.DataFrame], channel: str) -> pd.DataFrame:
    return month.once((work, channel), lambda: work(month, channel=channel))


def _lost(month: PeriodLog, channel: str) -> dict[str, Any]:
    """What the log says of different customers lost for good, and of those seen again."""
    cost = _once(month, decisions.period_cost, channel)
    rows = cost.set_index("measure")
    found = {"customers": cost.attrs["customers"], "contacts_unknown": cost.attrs["unknown"]}
    if cost.attrs["lost_after"]:
        low, record = rows.loc["customers_low"], rows.loc["customers_on_record"]
        ends = {
            "lower": low["estimate"] if pd.isna(low["lower"]) else low["lower"],
            "upper": record["estimate"] if pd.isna(record["upper"]) else record["upper"],
        }
        found |= {name: min(end, found["customers"]) for name, end in ends.items()}
    try:
        back = _once(month, decisions.coming_back, channel)
    except ValueError:  # without it nothing caps who leaves but what people say
        return found
    row = back.set_index("comparison").loc["matched"]
    if not pd.isna(row["lower"]):
        found |= {"fewer_back_lower": -row["left"] * row["upper"], "fewer_back_upper": -row["left"] * row["lower"]}
    if 0 < back.attrs["frequent"] <= found["customers"]:
        found |= {name: back.attrs[name] for name in ("frequent", "seen_again")}
    return found
