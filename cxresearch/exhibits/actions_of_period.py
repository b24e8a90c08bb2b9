"""What to do first, and how the model behind it did, of one period: its tables, and the exhibits of the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxresearch import decisions
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import actions as shown
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.style import phrase


def action_box(
    month: PeriodLog, *, channel: str, prices: Mapping[str, Any] | None = None,
    actions: Sequence[Mapping[str, Any] | decisions.Action] | None = None,
) -> Exhibit:  # fmt: skip
    """Actions beside each other, what each saves and takes, and the one that the rule chooses; prices are the user's."""
    mine = month.only(channel=channel)
    try:
        table = decisions.action_table(month, channel=channel, prices=prices, actions=actions)
    except decisions.ActionError:  # what somebody wrote is theirs to mend
        raise
    except ValueError as refusal:
        return shown.no_decision(phrase("What to do first cannot be said: {why}", why=str(refusal)))
    return shown.action_box(table, before=_before(mine), place=mine.label, kind=mine.kind)


def backtest(month: PeriodLog, *, channel: str) -> Exhibit:
    """What the period before let one expect of the losses, told how many asked, beside what came."""
    mine = month.only(channel=channel)
    try:
        table = decisions.backtest(month, channel=channel)
    except ValueError as refusal:
        return nothing(phrase("How the model did cannot be said: {why}", why=str(refusal)))
    return shown.backtest(table, before=_before(mine), place=mine.label, kind=mine.kind)


def _before(mine: PeriodLog) -> str:
    return mine.previous.period.label if mine.previous is not None else ""
