"""A larger team, of one period: its tables, and the exhibits of the same names."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxresearch import decisions
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import agents as shown
from cxresearch.exhibits import controls
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.style import phrase


def agents_what_if(month: PeriodLog, *, channel: str) -> Exhibit:
    """What each agent more would save, from the day as it is; the reader moves through them."""
    mine = month.only(channel=channel)
    try:
        table = decisions.more_agents(month, channel=channel)
    except ValueError as refusal:
        return nothing(phrase("What more agents would save cannot be said: {why}", why=str(refusal)))
    return shown.agents_what_if(table, place=mine.label, kind=mine.kind)


def worth_measuring(month: PeriodLog, table: pd.DataFrame | None = None, *, channel: str) -> Exhibit:
    """What to measure first, so that it is surer what the recommended action saves.

    ``table`` is that of ``action_box``, of the actions that it shows; None: of the usual ones.
    """
    mine = month.only(channel=channel)
    try:
        found = decisions.worth_measuring(month, table, channel=channel)
    except ValueError as refusal:
        return nothing(phrase("What to measure first cannot be said: {why}", why=str(refusal)))
    return shown.worth_measuring(found, place=mine.label, kind=mine.kind)


def action_controls(month: PeriodLog, *, channel: str) -> Any:
    """Sliders for an analyst in JupyterLab: agents more, from when to when, and a bot."""
    mine = month.only(channel=channel)
    try:
        weighing = decisions.Weighing.of(mine)
    except ValueError as refusal:
        return nothing(phrase("Agents cannot be moved: {why}", why=str(refusal)))
    return controls.action_controls(weighing, place=mine.label, kind=mine.kind)
