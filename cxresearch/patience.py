"""Patience and offered wait as a pair: what people would wait, read from what they did wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cxresearch.evidence import share_interval
from cxresearch.survival import kaplan_meier, median_duration

NORMAL_95 = 1.959963984540054


def survival_at(curve: pd.DataFrame, durations_s: Iterable[float], *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Read a Kaplan-Meier table at given durations.

    Parameters
    ----------
    curve : DataFrame from ``survival.kaplan_meier``: ``*by, duration_s, survival, lower, upper, at_risk``
    durations_s : seconds, >= 0. by : the group columns of ``curve``.

    Returns
    -------
    DataFrame ``*by, duration_s, survival, lower, upper, at_risk``, one row a group and duration
        ``at_risk`` are those still under watch at that duration. After the longest wait seen the share is not known
        and is NaN, unless the curve has reached 0; before the first it is 1 with no width.
    """
    names = [by] if isinstance(by, str) else list(by)
    parts = []
    for key, one in curve.groupby(names, sort=False) if names else [((), curve)]:
        at, waits = np.asarray(list(durations_s), dtype=float), one["duration_s"].to_numpy()
        before = np.searchsorted(waits, at, side="right") - 1
        read = one.iloc[np.maximum(before, 0)][["survival", "lower", "upper"]].to_numpy(dtype=float).copy()
        read[before < 0] = 1.0
        read[(at > waits[-1]) & (one["survival"].iloc[-1] > 0)] = np.nan
        later = np.searchsorted(waits, at, side="left")
        watched = np.append(one["at_risk"].to_numpy(), 0)[later]
        part = pd.DataFrame(read, columns=["survival", "lower", "upper"])
        part.insert(0, "duration_s", at)
        for position, name in enumerate(names):
            part.insert(position, name, key[position])
        parts.append(part.assign(at_risk=watched))
    return pd.concat(parts, ignore_index=True)


def waiting_table(waits: pd.DataFrame, *, by: str | Sequence[str] = (), event: str = "abandoned") -> pd.DataFrame:
    """Waits by group: how many queued and left, how long all waited, and how long they would have been willing to.

    Parameters
    ----------
    waits : risk table (``*by, duration_s, outcome, contacts``). event : the outcome that ends a wait by choice.

    Returns
    -------
    DataFrame, one row a group, the largest first
        ``queued, left`` (contacts), ``share_left, lower, upper`` (Wilson, 95 %), ``mean_wait_s`` of all who queued with
        ``mean_wait_lower_s, mean_wait_upper_s`` (normal), ``mean_wait_of_leavers_s``, ``median_patience_s`` (NaN where
        fewer than half would have left within the longest wait seen).

    ``mean_wait_of_leavers_s`` is not patience: those who were answered first are missing from it, and they are the
    patient ones. It stands here to be set beside ``median_patience_s``, which counts them for as long as they waited.
    """
    names = [by] if isinstance(by, str) else list(by)
    every, names = (waits.assign(everybody="all"), ["everybody"]) if not names else (waits, names)
    spent = every["duration_s"] * every["contacts"]
    left = every["outcome"] == event
    sums = (
        every[names]
        .assign(
            queued=every["contacts"], left=every["contacts"].where(left, 0), spent_s=spent,
            squared=every["duration_s"] * spent, spent_by_leavers_s=spent.where(left, 0.0),
        )
        .groupby(names, as_index=False).sum()
    )  # fmt: skip
    table = sums[[*names, "queued", "left"]].copy()
    table["share_left"] = table["left"] / table["queued"]
    bounds = [share_interval(share, n) for share, n in zip(table["share_left"], table["queued"], strict=True)]
    table[["lower", "upper"]] = pd.DataFrame(bounds, index=table.index)
    mean = sums["spent_s"] / sums["queued"]
    variance = (sums["squared"] - sums["queued"] * mean**2).clip(lower=0) / (sums["queued"] - 1).clip(lower=1)
    half = NORMAL_95 * np.sqrt(variance / sums["queued"])
    table["mean_wait_s"], table["mean_wait_lower_s"], table["mean_wait_upper_s"] = mean, mean - half, mean + half
    table["mean_wait_of_leavers_s"] = sums["spent_by_leavers_s"] / sums["left"].where(sums["left"] > 0)
    some = table.loc[table["left"] > 0, names]
    table["median_patience_s"] = np.nan
    if len(some):
        median = median_duration(every.merge(some, on=names), event=event, by=names).set_index(names)["estimate"]
        table["median_patience_s"] = median.reindex(pd.MultiIndex.from_frame(table[names])
                                                    if len(names) > 1 else table[names[0]]).to_numpy()  # fmt: skip
    table = table.sort_values(["queued", *names], ascending=[False, *[True] * len(names)], ignore_index=True)
    return table.drop(columns="everybody", errors="ignore")


def patience_at(
    waits: pd.DataFrame, durations_s: Iterable[float], *, by: str | Sequence[str] = (), event: str = "abandoned"
) -> pd.DataFrame:
    """``survival_at`` of the Kaplan-Meier curves of ``waits``, by group."""
    return survival_at(kaplan_meier(waits, event=event, by=by), durations_s, by=by)
