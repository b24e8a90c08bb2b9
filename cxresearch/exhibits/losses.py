"""Losses beside hour, queue and promise, said as what goes together."""

from __future__ import annotations

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.style import format_interval, format_value


def loss_regression(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Odds of giving up by level, the others held fixed (``patience.loss_regression``)."""
    told, n = int(table["told"].sum()), len(table)
    finding = f"{told or 'None'} of {n} odds ratios of giving up can be told from 1, days as clusters"
    far = table.loc[(table["odds_ratio"].where(table["odds_ratio"] > 1, 1 / table["odds_ratio"])).where(table["told"]).idxmax()] if told else None  # fmt: skip
    widest = "" if far is None else (
        f" Farthest from 1 is {far['term']} {far['level']}: {format_value(far['odds_ratio'], 'number')} times the odds of "
        f"{far['term']} {far['reference']} ({format_interval(far['lower'], far['upper'])})."
    )  # fmt: skip
    some = (
        f", without {format_value(table.attrs['left_out'], 'count')} in cells too small"
        if table.attrs["left_out"]
        else ""
    )
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"level": "text", "contacts": "count"},
        says=f"{finding}.{widest} These are associations: an hour differs in its load and its callers, a queue in what they "
        f"want. Fitted as `{table.attrs['formula']}` on {format_value(table.attrs['contacts'], 'count')} who queued on "
        f"{table.attrs['days']} days{some}.",
        caption=f"Odds of giving up of those who queued, the other terms held fixed, {place}",
    )  # fmt: skip
