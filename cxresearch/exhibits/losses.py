"""Losses beside hour, queue and promise, said as what goes together."""

from __future__ import annotations

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.style import format_interval, format_value, phrase


def loss_regression(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Odds of giving up by level, the others held fixed (``patience.loss_regression``)."""
    told, n = int(table["told"].sum()), len(table)
    if told:
        finding = phrase(
            "{n} of {all} odds ratios of giving up can be told from 1, days as clusters", n=str(told), all=str(n)
        )
    else:
        finding = phrase("None of {all} odds ratios of giving up can be told from 1, days as clusters", all=str(n))
    says = [f"{finding}."]
    if told:
        distance = table["odds_ratio"].where(table["odds_ratio"] > 1, 1 / table["odds_ratio"])
        far = table.loc[distance.where(table["told"]).idxmax()]
        says.append(phrase(
            "Farthest from 1 is {term} {level}: {ratio} times the odds of {term} {reference} ({interval}).", term=phrase(far["term"]),
            level=str(far["level"]), ratio=format_value(far["odds_ratio"], "number"), reference=str(far["reference"]),
            interval=format_interval(far["lower"], far["upper"]),
        ))  # fmt: skip
    says.append(phrase(
        "These are associations: an hour differs in its load and its callers, a queue in what they want."
    ))  # fmt: skip
    fit = {
        "formula": table.attrs["formula"], "n": format_value(table.attrs["contacts"], "count"), "days": str(table.attrs["days"]),
    }  # fmt: skip
    if table.attrs["left_out"]:
        left_out = format_value(table.attrs["left_out"], "count")
        says.append(phrase(
            "Fitted as `{formula}` on {n} who queued on {days} days, without {left_out} in cells too small.", **fit, left_out=left_out
        ))  # fmt: skip
    else:
        says.append(phrase("Fitted as `{formula}` on {n} who queued on {days} days.", **fit))
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"level": "text", "contacts": "count"}, says=" ".join(says),
        caption=phrase("Odds of giving up of those who queued, the other terms held fixed, {place}", place=place),
    )  # fmt: skip
