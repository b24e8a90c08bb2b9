"""Exhibit of what people hear of customers who were lost for good: assumed, its range first, its width taken apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.ranking import listed
from cxresearch.style import format_interval, format_value, phrase

_NAMES = {
    "lost": "customers lost for good", "tellers": "who tell somebody", "hear": "people who hear it from them",
    "leave": "customers who leave",
}  # fmt: skip


def talk_of_lost(table: pd.DataFrame, *, place: str = "", kind: str = "assumed") -> Exhibit:
    """What people hear of those who were lost, by ranges (``decisions.talk_of_lost``); no number of it is measured.

    ``place``: channel and period. ``kind``: SIMULATED where the log is.
    """
    told = table.attrs
    if table.empty:
        return nothing(_why(told) or phrase("What people hear of customers who were lost is not known"))
    rows = table.set_index("what")
    if not rows.loc["tellers", "upper"]:
        return nothing(phrase("Of the customers who are known nobody was lost for good, so nobody is known to tell"))
    lost, tellers, hear, leave = (_range(rows.loc[what]) for what in _NAMES)
    if told["unhelpful_share"] is None:
        finding = phrase(
            "Assumed, not measured: {hear} people hear of the {lost} customers who were lost for good",
            hear=hear,
            lost=lost,
        )
        whom = phrase("{lost} customers were never answered.", lost=lost)
    else:
        finding = phrase(
            "Assumed, not measured: {hear} people hear of the {lost} customers who were lost for good, and of those answered badly",
            hear=hear, lost=lost,
        )  # fmt: skip
        share = format_value(told["unhelpful_share"], "share")
        whom = phrase("{lost} customers were never answered, and {share} of the others badly.", lost=lost, share=share)
    low, high = told["deeds"]
    tell = phrase(
        "If they do {deeds} of what people say they would, {tellers} of them ({middle} in the middle) tell somebody.",
        deeds=format_interval(low, high, "share"), tellers=tellers, middle=_middle(rows.loc["tellers"]),
    )  # fmt: skip
    heard = phrase("{hear} people ({middle} in the middle) hear it.", hear=hear, middle=_middle(rows.loc["hear"]))
    gone = phrase("{leave} customers ({middle} in the middle) leave.", leave=leave, middle=_middle(rows.loc["leave"]))
    says = " ".join(
        filter(None, [whom, tell, heard, gone, _limit(told), _width(told["log_variance"]), _left_out(told)])
    )
    shown = pd.DataFrame({
        "what": list(_NAMES.values()),
        "range": [_range(rows.loc[what]) for what in _NAMES],
        "middle": [_middle(rows.loc[what]) for what in _NAMES],
        "base": rows.loc[list(_NAMES), "base"].to_list(),
    })  # fmt: skip
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, says=f"### {finding}\n\n{says}",
        caption=phrase("What people hear of customers lost, {place}", place=place)
        if place else phrase("What people hear of customers lost"),
        units={"range": "text", "middle": "text", "base": "text"},
    )  # fmt: skip


def _range(row: pd.Series) -> str:
    """Whole people, outwards to three digits."""
    return format_interval(float(math.floor(row["lower"])), float(math.ceil(row["upper"])))


def _middle(row: pd.Series) -> str:
    return format_value(float(round(row["value"])))


def _why(told: Mapping[str, Any]) -> str:
    """Why nothing can be said: the sentence, where it stands whole with its numbers, in the language of the report."""
    if "says" not in told:
        return str(told.get("why", ""))
    return phrase(told["says"], **{name: format_value(count, "count") for name, count in told["counts"].items()})


def _limit(told: Mapping[str, Any]) -> str:
    if told["fewer_back"] is None:
        return phrase("Whether so many stay away is not seen in this log.")
    lower, upper = (max(end, 0.0) for end in told["fewer_back"])
    fewer = format_interval(float(math.floor(lower)), float(math.ceil(upper)))
    return phrase(
        "Of those lost no more can leave than the {fewer} by which customers who gave up were fewer in the period after.",
        fewer=fewer,
    )


def _width(log_variance: Mapping[str, float]) -> str:
    data, quoted, assumed = (log_variance[origin] for origin in ("data", "quoted", "assumed"))
    if pd.isna(data):
        return ""
    return phrase(
        "Of the width of those who hear {data} is what the log does not record, {assumed} is what is assumed and {quoted} is from "
        "surveys and studies.",
        data=format_value(data, "share"), assumed=format_value(assumed, "share"), quoted=format_value(quoted, "share"),
    )  # fmt: skip


def _left_out(told: Mapping[str, Any]) -> str:
    left = [phrase("of reviews, posts or retelling")]
    if told["contacts_unknown"]:
        unknown = format_value(told["contacts_unknown"], "contacts")
        left.append(phrase("of {unknown} contacts that gave up without a number", unknown=unknown))
    if told["unhelpful_share"] is None:
        left.append(phrase("of customers who were answered"))
    return phrase("Nothing is said {of_whom}.", of_whom=listed(left))
