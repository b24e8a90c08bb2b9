"""Do customers who were lost come back less often? Observed from one period to the next, and no proof of a cause."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.contacts import LogError, PeriodLog
from cxresearch.risk_table import day_band

FEWEST_LEFT = 30  # customers who left, in comparable company: fewer tell nothing
LEAST_OVERLAP = 0.02  # of the customers of one period seen in the next: below it their numbers were made anew
BLOCK_H = 3
FREQUENT = 8  # contacts in a period: whoever asks twice a week is missed where he stays away
COLUMNS = ("comparison", "left", "left_back", "answered", "answered_back", "difference", "lower", "upper")


def coming_back(period_log: PeriodLog, *, channel: str) -> pd.DataFrame:
    """Of customers whose first contact of the period before was lost, the share seen in this period, beside those answered.

    Returns
    -------
    DataFrame ``comparison, left, left_back, answered, answered_back, difference, lower, upper``
        ``left`` and ``answered`` are different customers whose first contact with a queue, on the channel in the period
        before, ended so; ``*_back`` the shares of them with a contact, on any channel, in this period. ``difference`` is
        the first less the second, limits 95 %: a customer is counted once, so the day of that contact is the unit; NaN with fewer
        than five days. ``as they are``: all of both; ``matched``: those answered count as those who left do over queue, part of
        the week and ``BLOCK_H`` hours of the day, customers without anybody to be compared with left out.

    ``attrs``: ``customers`` (of the period before), ``overlap`` (share of them seen in this one), ``unmatched`` (who left,
    and had nobody to be compared with), ``frequent`` (customers with eight contacts or
    more in the period before) and ``seen_again`` (share of them seen in this one), ``before`` and ``now`` (periods), ``assumes`` (what would have to be true for the
    difference to be an effect).

    That is no effect: who gives up early may be who comes back less anyway. Raises ValueError without a period before, where
    only counts were kept of either, where fewer than thirty customers who left can be compared, and where so few customers
    of the period before are seen in this one that their numbers must have been made anew.
    """
    before = period_log.previous
    if before is None:
        raise ValueError("there is no period before this one to come back from")
    try:
        earlier, now = before.only(channel=channel).on_all_channels, period_log.on_all_channels
    except LogError as error:
        raise ValueError(str(error)) from error
    # On the engine: the customers of a large log are millions of ids.
    seen = now.filter("customer_key IS NOT NULL").select("customer_key AS who").distinct()
    numbers = earlier.filter("customer_key IS NOT NULL").aggregate("customer_key, count(*) AS contacts", "customer_key")
    known, back, often, often_back = _beside(numbers, seen).aggregate(
        f"count(*), count(who), count(*) FILTER (contacts >= {FREQUENT}), count(who) FILTER (contacts >= {FREQUENT})"
    ).fetchall()[0]  # fmt: skip
    if not known:
        raise ValueError(f"no customer is known in {before.period.label}")
    overlap = back / known
    if overlap < LEAST_OVERLAP:
        raise ValueError(
            f"of {known:,} customers of {before.period.label} {overlap:.1%} are seen in {period_log.period.label}: their "
            "numbers must have been made anew, so nobody can be found again"
        )
    customers = _first_contacts(earlier, seen)
    matched = _matched(customers)
    if matched["left"].sum() < FEWEST_LEFT:
        raise ValueError(
            f"{int(matched['left'].sum())} customers whose first contact of {before.period.label} was lost can be compared, fewer "
            f"than {FEWEST_LEFT}"
        )
    table = pd.DataFrame(
        [_row("as they are", customers.assign(stratum=0)), _row("matched", matched)], columns=list(COLUMNS)
    )
    table.attrs = {
        "frequent": often, "seen_again": often_back / often if often else math.nan, "customers": known, "overlap": overlap, "unmatched": int(customers["left"].sum() - matched["left"].sum()),
        "before": before.period.label, "now": period_log.period.label, "assumes": ASSUMES,
    }  # fmt: skip
    return table


ASSUMES = (
    "An effect it would be only if those who left and those who were answered, in the same queue and at the same part of the "
    "week and of the day, came back alike otherwise: as hasty, as urgent, as visible, as often with anything to ask."
)


def _beside(customers: Any, seen: Any) -> Any:
    """``customers`` by ``customer_key``, and ``who``: the same where they are among the ``seen``, else NULL."""
    return customers.set_alias("one").join(seen.set_alias("other"), "one.customer_key = other.who", how="left")


def _first_contacts(rows: Any, seen: Any) -> pd.DataFrame:
    """Each known customer's first contact with a queue that was answered or left, where and when it was, and whether they are
    among the ``seen``."""
    first = rows.filter(
        "chosen AND customer_key IS NOT NULL AND opened_at IS NOT NULL AND coalesce(queued, true) AND outcome IN ('answered', 'abandoned')"
    ).aggregate(
        "customer_key, min_by({'at': opened_at, 'left': outcome = 'abandoned', 'queue': coalesce(queue, '')}, "
        "{'at': opened_at, 'id': contact_id}) AS first",
        "customer_key",
    )
    table = (
        _beside(first, seen)
        .select(
            "customer_key, first.at AS opened_at, first.left AS gone, first.queue AS queue, who IS NOT NULL AS back"
        )
        .order("customer_key")
        .select("opened_at, gone, queue, back")
        .df()
    )
    opened = table["opened_at"]
    return pd.DataFrame({
        "day": opened.dt.normalize(), "left": table["gone"], "queue": table["queue"], "weekend": opened.dt.day_of_week >= 5,
        "block": opened.dt.hour // BLOCK_H, "back": table["back"].astype(float),
    })  # fmt: skip


def _matched(customers: pd.DataFrame) -> pd.DataFrame:
    stratum = customers.groupby(["queue", "weekend", "block"], sort=True).ngroup()
    share = customers["left"].groupby(stratum).transform("mean")
    return customers.assign(stratum=stratum)[(share > 0) & (share < 1)]


def _row(comparison: str, customers: pd.DataFrame) -> tuple[object, ...]:
    """The difference of shares, those answered weighted to the strata of those who left, and its interval by day."""
    left, back = customers["left"].to_numpy(), customers["back"].to_numpy()
    codes = pd.factorize(customers["stratum"])[0]
    n_left, n_answered = (np.bincount(codes, side).astype(float) for side in (left, ~left))
    share_left = np.bincount(codes, left * back) / n_left
    share_answered = np.bincount(codes, ~left * back) / n_answered
    total = n_left.sum()
    difference = float((n_left * (share_left - share_answered)).sum() / total)
    expected = float((n_left * share_answered).sum() / total)
    # What each customer moves the difference by, were he counted a little more.
    own = np.where(
        left, back - share_answered[codes] - difference, -(n_left / n_answered)[codes] * (back - share_answered[codes])
    )
    by_day = pd.DataFrame({"n": 1.0, "moved": own / total}).groupby(pd.DatetimeIndex(customers["day"])).sum()
    lower, upper = day_band(
        by_day.index.to_numpy(),
        by_day["n"].to_numpy(),
        np.array([difference]),
        by_day[["moved"]].to_numpy(),
        "identity",
    )
    return (
        comparison, int(total), float(back[left].mean()), int(n_answered.sum()), expected, difference, float(lower[0]), float(upper[0]),
    )  # fmt: skip
