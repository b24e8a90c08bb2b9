"""Patience and offered wait as a pair: what people would wait, read from what they did wait.

What a line through the hours tells of the mean is in ``hourly``, what promises do in ``promise``, intervals for what
has no formula in ``resampling``; their main calls are offered here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from cxresearch.evidence import share_interval
from cxresearch.patience.groups import daily_curve, day_intervals
from cxresearch.patience.hourly import hourly_table, mean_patience
from cxresearch.patience.promise import (
    abandonment_by_promise,
    broken_promise,
    broken_promise_growth,
    promise_effects,
    promise_elasticity,
    promise_table,
    split_at_promise,
)
from cxresearch.risk_table import customer_blocks, poisson_bootstrap, risk_table, share_limits
from cxresearch.survival import kaplan_meier, median_duration, restricted_mean

__all__ = [
    "abandonment_by_promise",
    "broken_promise",
    "broken_promise_growth",
    "clustered_patience",
    "customer_blocks",
    "hourly_table",
    "mean_patience",
    "patience_and_offered_wait",
    "patience_at",
    "patience_measures",
    "poisson_bootstrap",
    "promise_effects",
    "promise_elasticity",
    "promise_table",
    "split_at_promise",
    "standardised_patience",
    "survival_at",
    "waiting_table",
]

NORMAL_95 = 1.959963984540054
ROUNDING = 1e-12  # a share this close to one half has reached it


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
    return _read(curve, durations_s, {"survival": 1.0, "lower": 1.0, "upper": 1.0}, by)


def waiting_table(
    waits: pd.DataFrame, *, by: str | Sequence[str] = (), event: str = "abandoned", cluster: str | None = None
) -> pd.DataFrame:
    """Waits by group: how many queued and left, how long all waited, and how long they would have been willing to.

    Parameters
    ----------
    waits : risk table (``*by, duration_s, outcome, contacts``). event : the outcome that ends a wait by choice.
    cluster : ``"day"`` where ``waits`` has that column: intervals with the day as the unit, for contacts of one day hang
        together; NaN with fewer than five days, or where these do not differ. None: contacts are taken as independent.

    Returns
    -------
    DataFrame, one row a group, the largest first
        ``queued, left`` (contacts), ``share_left_of_queued, lower, upper`` (95 %, Wilson or by day), ``mean_wait_s`` of all who
        queued with ``mean_wait_lower_s, mean_wait_upper_s`` (normal, or by day), ``mean_wait_of_leavers_s``, ``median_patience_s`` (NaN where
        fewer than half would have left within the longest wait seen).

    ``mean_wait_of_leavers_s`` is not patience: those who were answered first are missing from it, and they are the
    patient ones. It stands here to be set beside ``median_patience_s``, which counts them for as long as they waited.
    """
    names = [by] if isinstance(by, str) else list(by)
    if cluster not in (None, "day"):
        raise ValueError(f"cluster must be 'day' or None; got {cluster!r}.")
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
    table["share_left_of_queued"] = table["left"] / table["queued"]
    bounds = [share_interval(share, n) for share, n in zip(table["share_left_of_queued"], table["queued"], strict=True)]
    table[["lower", "upper"]] = pd.DataFrame(bounds, index=table.index)
    # Rounding may leave a share of 0 or 1 outside its own interval by 1e-17.
    table["lower"], table["upper"] = (
        table["lower"].clip(upper=table["share_left_of_queued"]),
        table["upper"].clip(lower=table["share_left_of_queued"]),
    )
    mean = sums["spent_s"] / sums["queued"]
    variance = (sums["squared"] - sums["queued"] * mean**2).clip(lower=0) / (sums["queued"] - 1).clip(lower=1)
    half = NORMAL_95 * np.sqrt(variance / sums["queued"])
    table["mean_wait_s"], table["mean_wait_lower_s"], table["mean_wait_upper_s"] = mean, mean - half, mean + half
    if cluster:
        bands = day_intervals(every, names, event)
        table = table.drop(columns=bands.columns.difference(names)).merge(bands, on=names)[table.columns]
    table["mean_wait_of_leavers_s"] = sums["spent_by_leavers_s"] / sums["left"].where(sums["left"] > 0)
    some = every.merge(table.loc[table["left"] > 0, names], on=names)
    if len(some):
        curve = kaplan_meier(some, event=event, by=names)
        half_gone = curve[curve["survival"] <= 0.5 + ROUNDING].drop_duplicates(names)[[*names, "duration_s"]]
        table = table.merge(half_gone.rename(columns={"duration_s": "median_patience_s"}), on=names, how="left")
    else:
        table["median_patience_s"] = np.nan
    table = table.sort_values(["queued", *names], ascending=[False, *[True] * len(names)], ignore_index=True)
    return table.drop(columns="everybody", errors="ignore")


def patience_at(
    waits: pd.DataFrame, durations_s: Iterable[float], *, by: str | Sequence[str] = (), event: str = "abandoned"
) -> pd.DataFrame:
    """``survival_at`` of the Kaplan-Meier curves of ``waits``, by group."""
    return survival_at(kaplan_meier(waits, event=event, by=by), durations_s, by=by)


def patience_and_offered_wait(
    waits: pd.DataFrame, *, by: str | Sequence[str] = (), cluster: str | None = None
) -> pd.DataFrame:
    """The two clocks of every wait, each estimated from the other's censoring.

    Who leaves shows their patience and hides how long the answer would have taken; who is answered shows the wait on
    offer and hides how long they would have stayed.

    Parameters
    ----------
    waits : risk table. by : columns that tell groups apart. cluster : ``"day"`` where the table has that column: the bands
        of :func:`daily_curve`, without ``se``.

    Returns
    -------
    DataFrame ``*by, clock, duration_s, at_risk, events, censored, survival, se, lower, upper``
        ``clock`` is ``patience`` (would still wait) or ``offered wait`` (would still be without an answer), each a
        Kaplan-Meier curve; ``deflected`` and ``open`` contacts censor both.

    Both are right only if, among contacts compared, the wait on offer says nothing on patience. Load moves both: look
    at :func:`standardised_patience`. Which clock ran out first within a tick is not known: in both curves the other's
    ends stay at risk for the whole tick, which lowers each hazard by the other's at most.
    """
    curves = {"patience": "abandoned", "offered wait": "answered"}
    estimator = daily_curve if cluster else kaplan_meier
    both = [estimator(waits, event=event, by=by).assign(clock=clock) for clock, event in curves.items()]
    names = [by] if isinstance(by, str) else list(by)
    table = pd.concat(both, ignore_index=True)
    return table[[*names, "clock", *[c for c in table.columns if c not in (*names, "clock")]]]


def patience_measures(waits: pd.DataFrame, *, horizon_s: float, event: str = "abandoned") -> pd.DataFrame:
    """How long people wait, the wrong number first: the mean wait of those who left beside what patience is.

    Parameters
    ----------
    waits : risk table. horizon_s : seconds, up to which a mean is known; at most the longest wait seen.

    Returns
    -------
    DataFrame ``measure, estimate, lower, upper, verdict, reading`` (seconds; 95 %), four rows
        ``verdict`` is ``wrong``, ``right``, ``right up to the horizon`` or ``right if the rate of leaving never changes``;
        ``reading`` says why. The median is missing where fewer than half would have left within the longest wait.
    """
    left = waits[waits["outcome"] == event]
    leavers, seconds = int(left["contacts"].sum()), float((waits["duration_s"] * waits["contacts"]).sum())
    median = median_duration(waits, event=event).iloc[0]
    until = restricted_mean(waits, event=event, horizon_s=horizon_s).iloc[0]
    mean = float(np.average(left["duration_s"], weights=left["contacts"]))
    squares = float(np.average((left["duration_s"] - mean) ** 2, weights=left["contacts"]))
    half = NORMAL_95 * np.sqrt(squares / max(leavers - 1, 1))
    # Exact limits of a Poisson count of leavers in the time waited.
    fewest, most = gammaincinv(leavers, 0.025), gammaincinv(leavers + 1, 0.975)
    rows = [
        ("Mean wait of those who left", mean, mean - half, mean + half, "wrong",
         "the patient ones were answered first and are missing from it"),
        ("Median patience", median["estimate"], median["lower"], median["upper"], "right",
         "half would have left by then; who was answered counts for as long as they waited"),
        ("Mean patience up to the horizon", until["estimate"], until["lower"], until["upper"],
         "right up to the horizon", f"the mean if everybody were answered after {horizon_s:g} s"),
        ("Seconds waited for each who left", seconds / leavers, seconds / most, seconds / fewest,
         "right if the rate of leaving never changes", "the mean patience if people leave at one rate however long they wait"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["measure", "estimate", "lower", "upper", "verdict", "reading"])


def standardised_patience(
    waits: pd.DataFrame, durations_s: Iterable[float], *, strata: str | Sequence[str], event: str = "abandoned"
) -> pd.DataFrame:
    """Share that would still wait, estimated inside each stratum (such as the hour) and then averaged.

    Where busy hours have long waits and other customers, one pooled curve is read at its far end from busy hours only.
    Here every stratum counts with its share of the contacts at every duration.

    Parameters
    ----------
    waits : risk table. durations_s : seconds, >= 0. strata : the columns within which the wait on offer is taken to say
        nothing on patience.

    Returns
    -------
    DataFrame ``duration_s, survival, se, lower, upper, pooled, unseen``
        ``survival`` is missing where a stratum was not watched so long: ``unseen`` is the share of contacts in such
        strata. ``pooled`` is the Kaplan-Meier curve of all together. ``se`` takes the shares of the strata as known.
    """
    names = [strata] if isinstance(strata, str) else list(strata)
    durations = list(durations_s)
    curves = _read(kaplan_meier(waits, event=event, by=names), durations, {"survival": 1.0, "se": 0.0}, names)
    total = waits["contacts"].sum()
    weight = waits.groupby(names, as_index=False, observed=True)["contacts"].sum().rename(columns={"contacts": "share"})
    curves = curves.merge(weight.assign(share=weight["share"] / total), on=names)
    seen = curves["survival"].notna()
    # A curve that has reached 0 has no standard error of its own: nobody is left, and that is what counts here.
    se = curves["se"].fillna(0.0).where(seen)
    curves = curves.assign(
        survival=curves["survival"] * curves["share"],
        variance=(se * curves["share"]) ** 2,
        unseen=curves["share"].where(~seen, 0.0),
    )
    sums = curves.groupby("duration_s")[["survival", "variance", "unseen"]].agg(lambda column: column.sum(skipna=False))
    table = sums.reindex(durations).reset_index()
    table["se"] = np.sqrt(table.pop("variance"))
    lower, upper = share_limits(table["survival"].to_numpy(), table["se"].to_numpy(), "log-log")
    pooled = patience_at(waits, durations, event=event)["survival"].to_numpy()
    table = table.assign(lower=lower, upper=upper, pooled=pooled)
    return table[["duration_s", "survival", "se", "lower", "upper", "pooled", "unseen"]]


def clustered_patience(
    contacts: Any, duration_s: float, *, replicates: int, rng: np.random.Generator, event: str = "abandoned"
) -> pd.DataFrame:
    """How sure the share that would still wait is, if not contacts but customers, or days, are taken as drawn by lot.

    Parameters
    ----------
    contacts : canonical contacts with ``customer_key`` and ``opened_at``, on any engine. duration_s : seconds, >= 0.
    replicates, rng : as for ``poisson_bootstrap``.

    Returns
    -------
    DataFrame ``drawn`` (contact, customer, day), ``estimate, se, lower, upper, times_formula``
        The first row is Greenwood's formula, which takes contacts as independent; ``times_formula`` is each row's se
        over it. Customers that are not known count as one contact each; no row for customers where none is known.

    Above 1 the usual intervals are too narrow. Days share a staff, a system and the weather; they do not share
    customers, so neither row contains the other.
    """
    waits = risk_table(customer_blocks(contacts), by=("block", "date"))
    start = {"survival": 1.0, "se": 0.0, "lower": 1.0, "upper": 1.0}
    curve = _read(kaplan_meier(waits, event=event), [duration_s], start, ())
    formula = curve.rename(columns={"survival": "estimate"}).iloc[0]
    rows = [{"drawn": "contact", **formula[["estimate", "se", "lower", "upper"]]}]
    for drawn, cluster in (("customer", "block"), ("day", "date")):
        if waits[cluster].notna().any():
            sample = _drawn_again(waits, cluster, duration_s, event, replicates, rng)
            # At place (n + 1) p, as in poisson_bootstrap: the usual place makes intervals of few samples too narrow.
            lower, upper = np.quantile(sample, [0.025, 0.975], method="weibull")
            rows.append(
                {
                    "drawn": drawn,
                    "estimate": formula["estimate"],
                    "se": sample.std(ddof=1),
                    "lower": lower,
                    "upper": upper,
                }
            )
    table = pd.DataFrame(rows)
    return table.assign(times_formula=table["se"] / table["se"].iloc[0])


def _drawn_again(
    waits: pd.DataFrame, cluster: str, duration_s: float, event: str, replicates: int, rng: np.random.Generator
) -> np.ndarray:
    """The Kaplan-Meier share at one duration in samples of clusters, each drawn Poisson(1) times.

    All samples are one product of matrices. Contacts whose cluster is not known are drawn one by one.
    """
    tick, times = pd.factorize(waits["duration_s"], sort=True)
    left = (waits["outcome"] == event).to_numpy()
    member = pd.factorize(waits[cluster])[0]
    cell = tick + len(times) * left  # other outcomes first, then the event
    contacts, known = waits["contacts"].to_numpy(), member >= 0
    width = 2 * len(times)
    by_cluster = np.bincount(member[known] * width + cell[known], contacts[known], (member.max() + 1) * width)
    alone = np.bincount(cell[~known], contacts[~known], width)
    draws = rng.poisson(1.0, (replicates, member.max() + 1)) @ by_cluster.reshape(-1, width) + rng.poisson(
        alone, (replicates, width)
    )
    events = draws[:, len(times) :]
    at_risk = np.cumsum((draws[:, : len(times)] + events)[:, ::-1], axis=1)[:, ::-1]
    until = times <= duration_s
    return np.prod(1 - events[:, until] / np.maximum(at_risk[:, until], 1), axis=1)


def _read(
    curve: pd.DataFrame, durations_s: Iterable[float], columns: dict[str, float], by: str | Sequence[str]
) -> pd.DataFrame:
    """Columns of a curve at given durations, with what each of them is before the first wait; and ``at_risk``."""
    names = [by] if isinstance(by, str) else list(by)
    parts = []
    for key, one in curve.groupby(names, sort=False) if names else [((), curve)]:
        at, waits = np.asarray(list(durations_s), dtype=float), one["duration_s"].to_numpy()
        before = np.searchsorted(waits, at, side="right") - 1
        read = one.iloc[np.maximum(before, 0)][list(columns)].to_numpy(dtype=float).copy()
        read[before < 0] = list(columns.values())
        read[(at > waits[-1]) & (one["survival"].iloc[-1] > 0)] = np.nan
        later = np.searchsorted(waits, at, side="left")
        watched = np.append(one["at_risk"].to_numpy(), 0)[later]
        part = pd.DataFrame(read, columns=list(columns))
        part.insert(0, "duration_s", at)
        for position, name in enumerate(names):
            part.insert(position, name, key[position])
        parts.append(part.assign(at_risk=watched))
    return pd.concat(parts, ignore_index=True)
