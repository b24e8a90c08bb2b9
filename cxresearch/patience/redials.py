"""Who called again after giving up, how soon, and what became of it: seen only where the customer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.contacts import with_later
from cxresearch.risk_table import DayClusters, deviations, limits, ratio_of_sums

COUNTS = (
    "left", "left_known", "followed", "again_1h", "again_24h", "answered_24h",
    "others_followed", "others_again_1h", "others_again_24h",
)  # fmt: skip
NEEDED = ("contact_id", "customer_key", "opened_at", "outcome")
# The next contact of the same customer, whatever became of it, and the next one that was answered.
_LATER = """
    opened_at, outcome, known, epoch(again_at - opened_at) AS after_s, epoch(answered_at - opened_at) AS reply_s"""
_CELL = """
    opened_at::DATE AS day, isodow(opened_at) AS weekday, outcome, known, followed,
    coalesce(reply_s <= 86400, false) AS replied, CASE WHEN after_s <= 86400 THEN floor(after_s / 60) * 60 END AS again_s"""
_KEYS = "day, weekday, outcome, known, followed, replied, again_s"


def later_contacts(contacts: Any) -> pd.DataFrame:
    """Count, by day, those who gave up, and what the same customers did in the 24 hours after they had called.

    Parameters
    ----------
    contacts : a DuckDB relation of canonical contacts, as ``PeriodLog.contacts``: ``contact_id, customer_key, opened_at,
        outcome``. What comes after its last record is not seen.

    Returns
    -------
    DataFrame, one row a day on which somebody gave up or was answered
        ``day``, ``weekday`` (1 Monday to 7), and contacts: ``left`` (gave up), ``left_known`` (of these, the customer is
        known), ``followed`` (of these, the log goes on for 24 hours more); of ``followed``: ``again_1h``, ``again_24h``
        (the customer opened another contact within so long), ``answered_24h`` (one of those was answered). Beside them
        those who were answered the first time: ``others_followed``, ``others_again_1h``, ``others_again_24h``.
        ``attrs["again_after_s"]``: how long half of those who called again within 24 hours took, to the minute; NaN
        where nobody did.

    Times run from ``opened_at``. That a customer called again is no proof of why: those who were answered do so too.
    Raises ValueError for a missing column.
    """
    have = list(contacts.columns)
    if missing := [name for name in NEEDED if name not in have]:
        raise ValueError(f"the contacts have no column {', '.join(missing)}; they have {', '.join(have)}.")
    dated = contacts.filter("opened_at IS NOT NULL")
    newest = dated.aggregate("max(opened_at)").fetchall()[0][0]
    followed = f"known AND opened_at + INTERVAL 24 HOUR <= TIMESTAMP '{newest}'" if newest else "false"
    later = with_later(dated, "", by_id=True).select(f"{_LATER}, {followed} AS followed")
    dated = later.filter("outcome IN ('abandoned', 'answered')")
    found = dated.select(_CELL).aggregate(f"{_KEYS}, count(*) AS contacts", _KEYS).df()
    n, soon, within = found["contacts"], found["again_s"] < 3_600, found["again_s"].notna()
    left, others = found["outcome"] == "abandoned", found["outcome"] == "answered"
    followed = found["followed"].astype(bool)
    chosen = {
        "left": left, "left_known": left & found["known"], "followed": left & followed,
        "again_1h": left & followed & soon, "again_24h": left & followed & within,
        "answered_24h": left & followed & found["replied"],
        "others_followed": others & followed, "others_again_1h": others & followed & soon,
        "others_again_24h": others & followed & within,
    }  # fmt: skip
    parts = found[["day", "weekday"]].assign(**{name: n.where(which, 0) for name, which in chosen.items()})
    table = parts.groupby(["day", "weekday"], as_index=False)[list(COUNTS)].sum()
    table.attrs["again_after_s"] = _median(found[chosen["again_24h"]])
    return table.astype(dict.fromkeys(COUNTS, "int64"))


def redial_shares(table: pd.DataFrame) -> pd.DataFrame:
    """What became of those who gave up, as shares with intervals in which the day is the unit.

    Parameters
    ----------
    table : that of :func:`later_contacts`.

    Returns
    -------
    DataFrame ``measure, contacts, estimate, lower, upper``
        ``contacts`` is the base. Of those who gave up and could be followed: ``again_1h``, ``again_24h``,
        ``answered_24h``; of those who were answered ``others_again_1h``, ``others_again_24h``; ``more_again_24h`` is by how
        much (a difference of shares) those who gave up call again more often. Limits are NaN where too few days tell.

    Raises ValueError where nobody who gave up could be followed.
    """
    if not table["followed"].sum():
        known = int(table["left_known"].sum())
        raise ValueError(
            "of nobody who gave up is it known who it was"
            if not known
            else f"the period ends within 24 hours of all {known:,} who gave up and are known"
        )
    day, weekday, weight = table["day"], table["weekday"], np.ones(len(table))
    size = table["followed"] / (table["followed"].mean() or 1.0)

    def half_width(moved: np.ndarray) -> float:
        days = DayClusters(day=day, weekday=weekday, size=size, share=weight / len(table), deviations=moved[:, None])
        return days.half_width(moved)

    rows, shares = [], {}
    for measure in ("again_1h", "again_24h", "answered_24h", "others_again_1h", "others_again_24h"):
        base = "others_followed" if measure.startswith("others") else "followed"
        top, below = (table[name].to_numpy(dtype=float) for name in (measure, base))
        value, influence = shares[measure] = ratio_of_sums(top, below, weight)
        moved = deviations(influence, weight, value, "logit")
        lower, upper = limits(value, half_width(moved), "logit") if np.isfinite(moved).all() else (math.nan, math.nan)
        rows.append((measure, int(below.sum()), value, lower, upper))
    (mine, moves), (theirs, others) = shares["again_24h"], shares["others_again_24h"]
    if not math.isnan(theirs):
        half = half_width(deviations(moves - others, weight, mine - theirs))
        rows.append(("more_again_24h", rows[1][1], mine - theirs, mine - theirs - half, mine - theirs + half))
    return pd.DataFrame(rows, columns=["measure", "contacts", "estimate", "lower", "upper"])


def _median(rows: pd.DataFrame) -> float:
    """The minute in which half have called again."""
    if rows.empty:
        return math.nan
    by_time = rows.groupby("again_s")["contacts"].sum().cumsum()
    return float(by_time.index[int(np.searchsorted(by_time, by_time.iloc[-1] / 2))])
