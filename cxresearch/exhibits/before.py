"""The period before, for a pale line below that of the period: from the same counts, with the same cells held back."""

from __future__ import annotations

import pandas as pd

from cxresearch import patience, survival
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import messages
from cxresearch.exhibits.small_groups import told_whole
from cxresearch.exhibits.waiting import FEW
from cxresearch.figures import Before


def lost_before(mine: PeriodLog) -> Before | None:
    """Share of those who queued who gave up, by hour of the day, of hours with at least 30 waits."""
    waits = _waits_before(mine, "hour")
    if waits is None or not _there(mine).times_known:
        return None
    hours = patience.waiting_table(waits, by="hour")
    return _drawn(mine, told_whole(hours[hours["queued"] >= FEW]))


def curve_before(mine: PeriodLog) -> Before | None:
    """Share who would still wait, as long as at least 30 were seen to."""
    waits = _waits_before(mine)
    return None if waits is None else _drawn(mine, _seen(survival.kaplan_meier(waits)))


def clocks_before(mine: PeriodLog) -> Before | None:
    """Patience beside the wait on offer, as long as at least 30 were seen to wait."""
    waits = _waits_before(mine)
    if waits is None or not (waits["outcome"] == "answered").any():
        return None
    return _drawn(mine, _seen(patience.patience_and_offered_wait(waits)))


def _there(mine: PeriodLog) -> PeriodLog:
    assert mine.previous is not None
    return mine.previous


def _waits_before(mine: PeriodLog, by: str | tuple[str, ...] = ()) -> pd.DataFrame | None:
    """The risk table of the period before; None where there is none, or nobody is seen to give up."""
    log = mine.previous
    if log is None or messages.silent(log) or not log.cells["queued"].any():
        return None
    waits = log.waits(by)
    return waits if (waits["outcome"] == "abandoned").any() else None


def _seen(curve: pd.DataFrame) -> pd.DataFrame:
    return curve[curve["at_risk"] >= FEW]


def _drawn(mine: PeriodLog, table: pd.DataFrame) -> Before | None:
    return None if table.empty else Before(_there(mine).period.label, table)
