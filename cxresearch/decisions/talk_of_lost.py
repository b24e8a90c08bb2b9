"""What people hear of customers who were lost for good: told directly, capped by what the log holds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxresearch.impact import contradicted_by_log, most_lost
from cxresearch.risk_table import Floats

COLUMNS = ("what", "value", "lower", "upper", "base")
FEWEST = 30  # customers who are known; of fewer nothing is said
DRAWS, SEED = 20_000, 1999  # the same numbers give the same table
_ROUNDING = 1e-12
_HEAR = ("share_telling", "behaviour_per_intent", "share_offline", "audience_offline")
_LEAVE = ("ignored_boycott", "poor_boycott")
_BASES = {
    "lost": "customers known by a number",
    "tellers": "of those lost",
    "hear": "people told directly, offline; who hears twice counts twice",
    "leave": "of those lost",
}


def talk_of_lost(
    lost: Mapping[str, float | None], register: pd.DataFrame, *, unhelpful_share: float | None = None
) -> pd.DataFrame:
    """How many tell, hear and leave, of the customers of a period who were never answered.

    Parameters
    ----------
    lost : ``customers`` (different customers of the period who are known), ``lower`` and ``upper`` (those of them who were
        lost for good: different customers, not contacts); where known: ``contacts_unknown`` (that gave up without a number;
        only told), ``fewer_back_lower, fewer_back_upper`` (customers by whom those who gave up were fewer in the period after
        than others, 95 %), ``frequent`` and ``seen_again`` (as ``impact.most_lost``).
    register : ``impact.load_assumptions``.
    unhelpful_share : of the other customers, those who were answered badly, as the firm itself counts them; None: nothing is
        said of customers who were answered.

    Returns
    -------
    DataFrame ``what`` ("lost", "tellers", "hear", "leave"), ``value`` (the middle of the draws), ``lower, upper`` (95 % of
    them; of "lost" the two ends that were given), ``base``. No rows where nothing can be said: ``attrs["why"]`` says why
    (where it counts, ``attrs["says"]`` is that sentence with a name for each number of ``attrs["counts"]``).
    Other ``attrs``: ``log_variance`` (of "hear": the shares ``data``, ``quoted`` and ``assumed`` of the variance of its
    logarithm, by where a factor comes from; studies count as quoted; NaN where nothing varies), ``deeds`` (low, high),
    ``fewer_back`` (two limits, or None), ``contacts_unknown``, ``unhelpful_share``.

    Tellers are customers x ``share_telling`` x ``behaviour_per_intent`` (deeds per stated intention), hearers tellers x
    ``share_offline`` x ``audience_offline``. Who was lost leaves as often as the ignored say they would boycott, times deeds,
    and no oftener than was observed; who was answered badly as often as they say for that. Each number is drawn from its
    range by its logarithm, triangular with the register's value as the mode; customers lost evenly by their logarithm, or, from nobody on, evenly. Left
    out: reviews, posts, messages and all retelling, for which nothing of the firm's own is known.

    Raises ValueError for numbers that are none, and for a register without a row or a range above 0 that is needed.
    """
    known = {name: float(value) for name, value in lost.items() if value is not None and not math.isnan(value)}
    if (nothing := _too_little(known)) is not None:
        return nothing
    customers, upper = known["customers"], min(known["upper"], known["customers"])
    lower = min(known["lower"], upper)
    if unhelpful_share is not None and not 0 <= unhelpful_share <= 1:
        raise ValueError(f"unhelpful_share is a share, 0 to 1; got {unhelpful_share}.")

    rng = np.random.default_rng(SEED)
    rows = register.set_index("name")
    x = {name: _drawn(rows, name, rng) for name in (*_HEAR, *_LEAVE)}
    deeds = x["behaviour_per_intent"]
    gone = _between(lower, upper, rng.random(DRAWS))
    badly = (unhelpful_share or 0.0) * (customers - gone)
    upset = gone + badly
    tellers = upset * x["share_telling"] * deeds
    hear = tellers * x["share_offline"] * x["audience_offline"]
    fewer = _fewer_back(known)
    observed = np.full(DRAWS, math.inf)
    if fewer is not None:
        middle, sd = sum(fewer) / 2, (fewer[1] - fewer[0]) / (2 * 1.96)
        observed = np.maximum(middle + sd * rng.standard_normal(DRAWS), 0.0)
    leave = np.minimum(gone * deeds * x["ignored_boycott"], observed) + badly * deeds * x["poor_boycott"]
    if {"frequent", "seen_again"} <= set(known):
        often = {name: known[name] for name in ("customers", "frequent", "seen_again")}
        if why := contradicted_by_log(float(np.median(leave)), **often):
            return _nothing(f"What people hear is not said: {why}")
        leave = np.minimum(leave, most_lost(**often))

    drawn = {"tellers": tellers, "hear": hear, "leave": leave}
    found = [("lost", float(_between(lower, upper, np.full(1, 0.5))[0]), lower, upper)]
    for what, numbers in drawn.items():
        low, value, high = np.quantile(numbers, [0.025, 0.5, 0.975])
        found.append((what, float(value), float(low) if lower or badly.any() else 0.0, float(high)))
    table = pd.DataFrame(found, columns=list(COLUMNS[:-1]))
    table["base"] = table["what"].map(_BASES)
    if unhelpful_share is not None:
        table.loc[table["what"].isin(["tellers", "leave"]), "base"] = "of those lost and those answered badly"
    table.attrs = {
        "why": "", "log_variance": _log_variance(upset, x, rows), "fewer_back": fewer, "unhelpful_share": unhelpful_share,
        "deeds": tuple(float(rows.loc["behaviour_per_intent", end]) for end in ("low", "high")),
        "contacts_unknown": known.get("contacts_unknown"),
    }  # fmt: skip
    return table


def _too_little(known: Mapping[str, float]) -> pd.DataFrame | None:
    """The table of nothing where too little is known; raises ValueError for numbers that are none of a log."""
    if negative := [name for name, value in known.items() if value < 0 and not name.startswith("fewer_back")]:
        raise ValueError(f"{', '.join(negative)} cannot be below 0.")
    counts = {"unknown": known["contacts_unknown"]} if known.get("contacts_unknown") else {}
    apart = "; {unknown} contacts that gave up have no number" if counts else ""
    customers = known.get("customers", 0)
    if customers < FEWEST:
        counts |= {"customers": customers, "fewest": FEWEST}
        return _nothing(
            f"What people hear is not said: {{customers}} customers are known, fewer than {{fewest}}{apart}", counts
        )
    if not {"lower", "upper"} <= set(known):
        return _nothing(f"What people hear is not said: how many customers were lost is not known{apart}", counts)
    if known["lower"] > known["upper"]:
        raise ValueError(f"lost needs lower <= upper; got {known['lower']:g} and {known['upper']:g}.")
    return None


def _nothing(says: str, counts: Mapping[str, float] | None = None) -> pd.DataFrame:
    table = pd.DataFrame(columns=list(COLUMNS))
    if counts is None:
        table.attrs = {"why": says}
    else:
        why = says.format(**{name: f"{count:,.0f}" for name, count in counts.items()})
        table.attrs = {"why": why, "says": says, "counts": dict(counts)}
    return table


def _fewer_back(known: Mapping[str, float]) -> tuple[float, float] | None:
    if not {"fewer_back_lower", "fewer_back_upper"} <= set(known):
        return None
    lower, upper = known["fewer_back_lower"], known["fewer_back_upper"]
    if lower > upper:
        raise ValueError(f"fewer_back needs lower <= upper; got {lower:g} and {upper:g}.")
    return lower, upper


def _drawn(rows: pd.DataFrame, name: str, rng: np.random.Generator) -> Floats:
    """A number of the register, from its range: triangular by its logarithm, so that its ends are ends."""
    if name not in rows.index:
        raise ValueError(f"the assumptions have no {name!r}; add a row to the register, or use the workbook's.")
    low, value, high = (float(rows.loc[name, end]) for end in ("low", "value", "high"))
    if not 0 < low <= value <= high:
        raise ValueError(f"{name} needs 0 < low <= value <= high to be drawn; got {low:g}, {value:g}, {high:g}.")
    if low == high:
        return np.full(DRAWS, value)
    return np.exp(rng.triangular(math.log(low), math.log(value), math.log(high), DRAWS))


def _between(lower: float, upper: float, share: Floats) -> Floats:
    """From the lower to the upper end, evenly by the logarithm; from nobody, which has none, evenly."""
    return upper * share if not lower else lower * (upper / lower) ** share


def _log_variance(upset: Floats, x: Mapping[str, Floats], rows: pd.DataFrame) -> dict[str, float]:
    """Hearers are a product, so the variances of the logarithms add up."""
    parts = dict.fromkeys(("data", "quoted", "assumed"), 0.0)
    if upset.all():
        parts["data"] = float(np.log(upset).var())
        for name in _HEAR:
            origin = "assumed" if rows.loc[name, "kind"] == "assumed" else "quoted"
            parts[origin] += float(np.log(x[name]).var())
    total = sum(parts.values())
    return {origin: part / total if total > _ROUNDING else math.nan for origin, part in parts.items()}
