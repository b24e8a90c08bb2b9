"""The forecast kept: what a run says about the next period, and how that turned out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from cxresearch.exhibits import days_of

LEVEL = 0.8
QUANTILES = (0.1, 0.5, 0.9)
LEAST_PERIODS = 3
DEFINITION = ("label", "unit", "kind")

Headline = Mapping[str, Any]
# Of the periods before: how often inside, of how many, and the losses of the forecast and of the last value alone.
Tally = tuple[int, int, float, float]


def redefined(now: Headline, before: Headline) -> str:
    """What differs between two definitions of a headline, in words; "" when it is the same number of two periods."""
    return "; ".join(
        f"{part}: {before.get(part)!r} became {now.get(part)!r}"
        for part in DEFINITION
        if before.get(part) != now.get(part)
        # Another language says the same otherwise.
        and (part != "label" or before.get("language", "en") == now.get("language", "en"))
    )


def forecast_headlines(history: Sequence[Sequence[Headline]]) -> list[dict[str, Any]]:
    """What the last of some periods in a row lets one expect of the next one.

    Parameters
    ----------
    history : the headlines of periods that follow each other without a gap, oldest first.

    Returns
    -------
    One dict a headline of the last period: ``name, label, unit, kind, value, lower, upper, level, periods, note``.
    ``value`` is the last value, the median of a random walk without drift. ``lower`` and ``upper`` hold the next value
    with probability ``level`` if changes are independent and normal with mean zero and one variance: Student's t with
    as many degrees of freedom as there are changes. Changes are taken of the logit of a share and of the logarithm of
    any other number where all values allow it. Below three periods of one definition nothing is forecast, and ``note``
    says so. Seasons and trends are not modelled: the scores show what that costs. Sampling error is in the changes.
    """
    return [_forecast(headline, history) for headline in (history[-1] if history else [])]


def _forecast(headline: Headline, history: Sequence[Sequence[Headline]]) -> dict[str, Any]:
    values: list[float] = []
    for period in reversed(history):
        same = next((h for h in period if h["name"] == headline["name"]), None)
        if same is None or same["value"] is None or redefined(headline, same):
            break
        values.insert(0, float(same["value"]))
    kept = {part: headline.get(part) for part in ("name", *DEFINITION)}
    none = {"value": None, "lower": None, "upper": None, "level": LEVEL, "periods": len(values)}
    if len(values) < LEAST_PERIODS:
        return {**kept, **none, "note": f"{len(values)} of the {LEAST_PERIODS} periods in a row that a forecast needs"}
    there, back = _scale(values, share=headline.get("unit") == "share")
    moved = there(np.array(values))
    changes = np.diff(moved)
    half = special.stdtrit(len(changes), (1 + LEVEL) / 2) * math.sqrt(np.mean(changes**2))
    with np.errstate(over="ignore"):
        lower, upper = (float(back(moved[-1] + sign * half)) for sign in (-1, 1))
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return {**kept, **none, "note": "the changes so far are too large for an interval"}
    return {**kept, **none, "value": values[-1], "lower": lower, "upper": upper,
            "note": f"last value; interval from {len(changes)} changes"}  # fmt: skip


def _scale(values: Sequence[float], *, share: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """On which scale changes are taken, there and back: no interval may hold what cannot be."""
    if share and all(0 < v < 1 for v in values):
        return (lambda x: np.log(x / (1 - x))), (lambda y: 1 / (1 + np.exp(-y)))
    if not share and all(v > 0 for v in values):
        return np.log, np.exp
    return (lambda x: x), (lambda y: y)


def pinball(forecast: Headline, value: float) -> float:
    """Mean pinball loss of the quantiles 0.1, 0.5 and 0.9, in the unit of the headline; 0 is a perfect forecast.

    Gneiting & Raftery (2007), doi:10.1198/016214506000001437.
    """
    said = (forecast["lower"], forecast["value"], forecast["upper"])
    losses = (max(t * (value - q), (t - 1) * (value - q)) for t, q in zip(QUANTILES, said, strict=True))
    return sum(losses) / len(QUANTILES)


def unchanged_loss(forecast: Headline, value: float) -> float:
    """The same loss if the last value is all that is said, for every quantile: the naive forecast."""
    return pinball({**forecast, "lower": forecast["value"], "upper": forecast["value"]}, value)


def arrivals_scored(said: Sequence[Headline], days: Any) -> dict[str, Any] | None:
    """How the forecasts of weekdays (``exhibits.arrivals_next``) turned out: ``level, scored, inside, pinball`` over the
    days of ``exhibits.headline_days``; None where nothing was said or no day is known."""
    of_weekday = {row["weekday"]: row for row in said if row.get("weekday") and row["value"] is not None}
    known = days_of(days)
    if not of_weekday or known is None or "contacts_per_day" not in known.top:
        return None
    came = zip(known.weekday, known.top["contacts_per_day"][:, 0], strict=True)
    pairs = [(of_weekday[int(weekday)], float(contacts)) for weekday, contacts in came if int(weekday) in of_weekday]
    if not pairs:
        return None
    inside = sum(row["lower"] <= contacts <= row["upper"] for row, contacts in pairs)
    losses = [pinball(row, contacts) for row, contacts in pairs]
    return {"level": LEVEL, "scored": len(pairs), "inside": inside, "pinball": sum(losses) / len(losses)}


def forecast_rows(
    headlines: Sequence[Headline],
    said: Sequence[Headline],
    next_said: Sequence[Headline],
    *,
    earlier: Mapping[str, Tally],
) -> list[dict[str, Any]]:
    """One row a headline: what was said of this period, what came, what is said of the next one.

    Parameters
    ----------
    headlines : of this period. said : the forecast that the period before left; empty where it left none.
    next_said : the forecast for the period after. earlier : by name the tally of the periods before.

    Returns
    -------
    Dicts ``name, label, unit, said, said_lower, said_upper, level, value, inside, pinball, unchanged, note,
    inside_so_far, scored_so_far, pinball_so_far, unchanged_so_far, next, next_lower, next_upper, next_note``.
    ``unchanged`` is the loss of the last value alone; a forecast is worth its interval only where its losses so far add up
    to less. What is not known is None, and a note says why.
    """
    rows = []
    for headline in headlines:
        name, value = headline["name"], headline["value"]
        was = next((f for f in said if f["name"] == name), None)
        ahead = next((f for f in next_said if f["name"] == name), None)
        changed = redefined(headline, was) if was else ""
        if was is None:
            note = "no forecast was kept"
        elif was["value"] is None:
            note = was["note"]
        elif changed:
            note = f"redefined ({changed})"
        else:
            note = "" if value is not None else "the value is not known"
        scored = was is not None and not note
        inside = bool(was["lower"] <= value <= was["upper"]) if scored and was else None
        hits, tries, lost, lost_unchanged = earlier.get(name, (0, 0, 0.0, 0.0))
        loss, alone = (pinball(was, value), unchanged_loss(was, value)) if scored and was else (None, None)
        rows.append({
            "name": name, "label": headline["label"], "unit": headline["unit"],
            "said": was["value"] if was else None, "said_lower": was["lower"] if was else None,
            "said_upper": was["upper"] if was else None, "level": LEVEL, "value": value, "inside": inside,
            "pinball": loss, "unchanged": alone, "note": note,
            "pinball_so_far": lost + (loss or 0.0), "unchanged_so_far": lost_unchanged + (alone or 0.0),
            "inside_so_far": hits + bool(inside), "scored_so_far": tries + (inside is not None),
            "next": ahead["value"] if ahead else None, "next_lower": ahead["lower"] if ahead else None,
            "next_upper": ahead["upper"] if ahead else None,
            "next_note": ahead["note"] if ahead else "no forecast was made",
        })  # fmt: skip
    return rows
