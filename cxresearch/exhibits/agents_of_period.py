"""A larger team, of one period: its tables, and the exhibits of the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxresearch import decisions
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import agents as shown
from cxresearch.exhibits import controls
from cxresearch.exhibits.exhibit import Exhibit, nothing


def agents_what_if(month: PeriodLog, *, channel: str) -> Exhibit:
    """What each agent more would save, from the day as it is; the reader moves through them."""
    mine = month.only(channel=channel)
    try:
        table = decisions.more_agents(month, channel=channel)
    except ValueError as refusal:
        return nothing(f"What more agents would save cannot be said: {refusal}")
    return shown.agents_what_if(table, place=mine.label, kind=mine.kind)


def worth_measuring(
    month: PeriodLog, *, channel: str, actions: Sequence[Mapping[str, Any] | decisions.Action] | None = None,
    box: Exhibit | None = None,
) -> Exhibit:  # fmt: skip
    """What to measure first, so that it is surer what the recommended action saves.

    ``box`` is the ``action_box`` of the same actions, where it is there already: it takes a second or two.
    """
    mine = month.only(channel=channel)
    try:
        table = decisions.worth_measuring(
            month, channel=channel, actions=actions, table=None if box is None else box.table
        )
    except decisions.ActionError:  # what somebody wrote is theirs to mend
        raise
    except ValueError as refusal:
        return nothing(f"What to measure first cannot be said: {refusal}")
    return shown.worth_measuring(table, place=mine.label, kind=mine.kind)


def action_controls(month: PeriodLog, *, channel: str) -> Any:
    """Sliders for an analyst in JupyterLab: agents more, from when to when, and a bot."""
    mine = month.only(channel=channel)
    try:
        weighing = decisions.Weighing.of(mine)
    except ValueError as refusal:
        return nothing(f"Agents cannot be moved: {refusal}")
    return controls.action_controls(weighing, place=mine.label, kind=mine.kind)
