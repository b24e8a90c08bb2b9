"""Exhibit of what people hear of customers who were lost for good: assumed, its range first, its width taken apart."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.waiting import listed
from cxresearch.style import format_interval, format_value

_NAMES = {
    "lost": ("customers lost for good", "customers"), "tellers": ("who tell somebody", "customers"),
    "hear": ("people who hear it from them", "people"), "leave": ("customers who leave", "customers"),
}  # fmt: skip


def talk_of_lost(table: pd.DataFrame, *, place: str = "", kind: str = "assumed") -> Exhibit:
    """What people hear of those who were lost, by ranges (``decisions.talk_of_lost``); no number of it is measured.

    ``place``: channel and period. ``kind``: SIMULATED where the log is.
    """
    told = table.attrs
    if table.empty:
        return nothing(told.get("why") or "What people hear of customers who were lost is not known")
    rows = table.set_index("what")
    if not rows.loc["tellers", "upper"]:
        return nothing("Of the customers who are known nobody was lost for good, so nobody is known to tell")
    lost, tellers, hear, leave = (_range(rows.loc[what]) for what in _NAMES)
    finding = f"Assumed, not measured: {hear} people hear of the {lost} customers who were lost for good"
    if told["unhelpful_share"] is not None:
        finding += ", and of those answered badly"
    low, high = told["deeds"]
    whom = f"{lost} customers were never answered"
    if told["unhelpful_share"] is not None:
        whom += f" and {format_value(told['unhelpful_share'], 'share')} of the others badly"
    says = (
        f"If {whom}, and they do {format_interval(low, high, 'share')} of what people say they would, {tellers} of them "
        f"{_middle(rows.loc['tellers'])} tell somebody, and {hear} people {_middle(rows.loc['hear'])} hear it from them. {leave} "
        f"customers {_middle(rows.loc['leave'])} leave{_limit(told)}. {_width(told['log_variance'])}{_left_out(told)}"
    )
    shown = pd.DataFrame({
        "what": [name for name, _ in _NAMES.values()],
        "range": [_range(rows.loc[what]) for what in _NAMES],
        "middle": [format_value(float(round(rows.loc[what, "value"]))) for what in _NAMES],
        "base": rows.loc[list(_NAMES), "base"].to_list(),
    })  # fmt: skip
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, says=f"### {finding}\n\n{says}",
        caption=f"What people hear of customers lost{', ' if place else ''}{place}",
        units={"range": "text", "middle": "text", "base": "text"},
    )  # fmt: skip


def _range(row: pd.Series) -> str:
    """Whole people, outwards to three digits."""
    return format_interval(float(math.floor(row["lower"])), float(math.ceil(row["upper"])))


def _middle(row: pd.Series) -> str:
    return f"({format_value(float(round(row['value'])))} in the middle)"


def _limit(told: dict[str, Any]) -> str:
    if told["fewer_back"] is None:
        return "; whether so many stay away is not seen in this log"
    lower, upper = (max(end, 0.0) for end in told["fewer_back"])
    return (
        f", those lost among them no more than the {format_interval(float(math.floor(lower)), float(math.ceil(upper)))} by which customers who "
        "gave up were fewer in the period after"
    )


def _width(log_variance: dict[str, float]) -> str:
    data, quoted, assumed = (log_variance[origin] for origin in ("data", "quoted", "assumed"))
    if pd.isna(data):
        return ""
    parts = [f"{format_value(share, 'share')} is {what}" for share, what in (
        (data, "what the log does not record"), (assumed, "what is assumed"), (quoted, "from surveys and studies"))]  # fmt: skip
    return f"Of the width of those who hear {listed(parts)}. "


def _left_out(told: dict[str, Any]) -> str:
    left = ["of reviews, posts or retelling"]
    if told["contacts_unknown"]:
        left.append(f"of {format_value(told['contacts_unknown'], 'contacts')} contacts that gave up without a number")
    if told["unhelpful_share"] is None:
        left.append("of customers who were answered")
    return f"Nothing is said {listed(left)}."
