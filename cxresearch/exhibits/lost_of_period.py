"""What one period cost, whether the lost come back, and what would settle it: tables, and the exhibits of the same names."""

from __future__ import annotations

import pandas as pd

from cxresearch import decisions
from cxresearch.contacts import LogError, PeriodLog
from cxresearch.exhibits import actions as actions_shown
from cxresearch.exhibits import lost as shown
from cxresearch.exhibits.exhibit import Exhibit, nothing


def period_cost(month: PeriodLog, *, channel: str) -> Exhibit:
    """Who left, what became of them as far as customers are known, and how many were lost for good."""
    try:
        table = decisions.period_cost(month, channel=channel)
    except (ValueError, LogError) as refusal:
        return nothing(f"What became of those who left cannot be said: {refusal}")
    return shown.period_cost(table, place=table.attrs["place"], kind=table.attrs["kind"])


def coming_back(month: PeriodLog, *, channel: str) -> Exhibit:
    """Whether customers who were lost in the period before are seen less often in this one; observed, no proof of a cause."""
    try:
        table = decisions.coming_back(month, channel=channel)
    except (ValueError, LogError) as refusal:
        return nothing(f"Whether the lost come back cannot be said: {refusal}")
    return shown.coming_back(table, kind=month.kind)


def experiment(month: PeriodLog, actions: pd.DataFrame, *, channel: str) -> Exhibit:
    """How long the action that comes first must be tried; ``actions`` is the table of :func:`action_box`."""
    if actions.empty:
        return nothing("There is no action to try")
    row = actions[actions["recommended"]].head(1) if actions["recommended"].any() else actions.head(1)
    name, saved = row["action"].iloc[0], float(row["saved_per_day"].iloc[0])
    try:
        table = decisions.experiment(month, channel=channel, action=actions.attrs["actions"][name], saved_per_day=saved)
    except (ValueError, LogError) as refusal:
        return nothing(f"How long it must be tried cannot be said: {refusal}")
    return actions_shown.experiment(table, name=name, saved_per_day=saved, place=month.label, kind=month.kind)
