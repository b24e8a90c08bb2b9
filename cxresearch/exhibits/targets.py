"""Targets of headlines: checked before a report starts, and judged with the uncertainty of each number."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from cxresearch.exhibits.by_day import EVERY
from cxresearch.style import format_interval, format_value, phrase

MET, MISSED, NOT_TOLD = "met", "missed", "cannot be told"
SINGLE = {MET: "A target is met.", MISSED: "A target is missed.", NOT_TOLD: "Whether a target is met cannot be told."}
_SEVERAL = {MET: "{n} met", MISSED: "{n} missed", NOT_TOLD: "{n} cannot be told"}
NO_WAY = ("contacts", "contacts_per_day", "tickets", "tickets_per_day")  # more of them is neither better nor worse


def check_targets(given: Any, names: Collection[str] = tuple(EVERY), *, table: str = "[targets]") -> dict[str, float]:
    """``{headline: limit}`` as numbers; ValueError with what to write where a name or a limit cannot be right.

    ``names``: the headlines that there are, of all kinds of reports if nothing is said. ``table``: what the limits are called.

    A share is from 0 to 1, a wait a number of seconds above 0. Which way is better is the headline's own.
    """
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{table} is a table of headlines with their limits, such as service_level = 0.80; got {given!r}."
        )
    known = [name for name in names if name not in NO_WAY]
    checked = {}
    for name, limit in given.items():
        if name in NO_WAY:
            raise ValueError(
                f"{table} {name}: neither more nor fewer of them are better, so no limit can be met; take it out."
            )
        if name == "backlog":
            raise ValueError(
                f"{table} backlog: it is the count of one moment, without an interval by which a limit could be judged; take it out."
            )
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            like = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"{table} {name}: no headline has this name{like}; write one of {', '.join(known)}.")
        share = EVERY[name].link == "logit"
        if type(limit) not in (int, float):
            example = "0.80" if share else "20.0"
            raise ValueError(f"{table} {name} is a number: write {name} = {example}, for example; got {limit!r}.")
        if share and not 0 <= limit <= 1:
            percent = f": for {limit:g} % write {name} = {limit / 100:g}" if 1 < limit <= 100 else ""
            raise ValueError(f"{table} {name} = {limit}: it is a share, from 0 to 1{percent}.")
        if not (share or 0 < limit < math.inf):
            raise ValueError(
                f"{table} {name} = {limit}: it is a time in seconds, above 0; write {name} = 20.0, for example."
            )
        checked[str(name)] = float(limit)
    return checked


def with_targets(headlines: pd.DataFrame, targets: Mapping[str, float]) -> pd.DataFrame:
    """A table of headlines with ``target`` (its limit, NaN without one) and ``target_verdict``.

    ``met`` or ``missed`` where the whole interval lies on one side of the limit, else ``cannot be told``; "" without a
    target. The interval takes the day as the unit: a period is judged as one of many such periods, so that a limit just
    passed by good luck is not met. Raises ValueError as :func:`check_targets` does.
    """
    limits = headlines["name"].map(check_targets(targets)).astype(float)
    verdicts = [
        "" if math.isnan(limit) else judged(row["lower"], row["upper"], limit, row["better"])
        for row, limit in zip(headlines.to_dict("records"), limits, strict=True)
    ]
    return headlines.assign(target=limits, target_verdict=verdicts)


def judged(lower: float, upper: float, limit: float, better: str) -> str:
    """The verdict of one headline: ``met`` or ``missed`` where its whole interval lies on one side of the limit."""
    # An end that is not known is on neither side.
    above, below = lower > limit, upper < limit
    if not (above or below):
        return NOT_TOLD
    return MET if above == (better == "higher") else MISSED


def target_record(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The target of one row of :func:`with_targets` as it stands in headlines.json; None without one."""
    if math.isnan(row.get("target", math.nan)):
        return None
    return {"limit": row["target"], "verdict": row["target_verdict"]}


def target_points(judged: pd.DataFrame) -> list[tuple[str, str]]:
    """All targets as one main point (lead, sentence), those missed first; none where no target is set."""
    order = [MISSED, NOT_TOLD, MET]
    rows = sorted(
        (row for row in judged.to_dict("records") if target_record(row)),
        key=lambda row: order.index(row["target_verdict"]),
    )
    if not rows:
        return []
    found = [row["target_verdict"] for row in rows]
    lead = phrase(SINGLE[found[0]])
    if len(rows) > 1:
        told = [phrase(_SEVERAL[verdict]).format(n=found.count(verdict)) for verdict in order if verdict in found]
        lead = phrase("{n} targets: {told}.", n=str(len(rows)), told=", ".join(told))
    return [(lead, " ".join(f"{_sentence(row)}." for row in rows))]


def target_text(row: Mapping[str, Any]) -> str:
    """A target as a table says it: "at least 80.0 %: missed"; "" without one."""
    return f"{_limit(row)}: {phrase(row['target_verdict'])}" if target_record(row) else ""


def _limit(row: Mapping[str, Any]) -> str:
    limit = format_value(row["target"], row["unit"])
    return (
        phrase("at least {limit}", limit=limit) if row["better"] == "higher" else phrase("at most {limit}", limit=limit)
    )


def _sentence(row: Mapping[str, Any]) -> str:
    interval = phrase("no interval")
    if not (math.isnan(row["lower"]) or math.isnan(row["upper"])):
        interval = phrase("95 % interval {interval}", interval=format_interval(row["lower"], row["upper"], row["unit"]))
    told = {
        "label": row["label"], "value": format_value(row["value"], row["unit"]), "limit": _limit(row), "interval": interval,
    }  # fmt: skip
    if row["target_verdict"] == NOT_TOLD:
        return phrase("{label}: {value}; whether the target of {limit} is met cannot be told ({interval})", **told)
    if row["target_verdict"] == MET:
        return phrase("{label}: {value}, the target of {limit} is met ({interval})", **told)
    return phrase("{label}: {value}, the target of {limit} is missed ({interval})", **told)
