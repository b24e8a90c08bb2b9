"""What became of those who gave up: whether the customer was answered within a day, or asked again within the hour."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd

FOLLOWED_H, AGAIN_H = 24, 1
FOLLOWED = ("day", "channel", "known", "left_known", "followed", "answered_24h", "again_1h")


def after_leaving(kept: duckdb.DuckDBPyRelation, start: date, end: date) -> pd.DataFrame:
    """Count, by day and channel, what customers did after they gave up, from the canonical rows of a period.

    Returns
    -------
    DataFrame ``day, channel, known, left_known, followed, answered_24h, again_1h``, a row for each day and channel on
    which a customer is known
        ``left_known`` gave up and their customer is known; ``followed`` of these, with 24 hours of the log after them;
        ``answered_24h`` of the followed, the customer came again, on any channel, within 24 hours of this contact and was
        answered; ``again_1h`` of the followed, came again within the hour, whatever came of it. ``known``: all who asked,
        their customer known, with 24 hours of the log after them; who was served by a bot before the queue did not ask.

    The log ends with the period, or with its newest contact where that is earlier: what a contact becomes does not depend
    on how far a later log reaches. Whoever has no customer number is not here and may have come again, too.
    """
    # Strictly later contacts only: of two in the same second none is known to be the first.
    later = (
        "OVER (PARTITION BY customer_key ORDER BY opened_at RANGE BETWEEN INTERVAL 1 MICROSECOND FOLLOWING AND UNBOUNDED "
        "FOLLOWING)"
    )
    left = "outcome = 'abandoned'"
    counts = {
        "known": "followed AND (coalesce(queued, true) OR outcome <> 'deflected')", "left_known": left,
        "followed": f"{left} AND followed",
        "answered_24h": f"{left} AND followed AND answered_at <= opened_at + INTERVAL {FOLLOWED_H} HOUR",
        "again_1h": f"{left} AND followed AND again_at <= opened_at + INTERVAL {AGAIN_H} HOUR",
    }  # fmt: skip
    table = (
        kept.filter(f"set_aside IS NULL AND opened_at >= TIMESTAMP '{start}' AND opened_at < TIMESTAMP '{end}'")
        .select("customer_key, channel, opened_at, outcome, queued, max(opened_at) OVER () AS newest")
        .filter("customer_key IS NOT NULL")
        .select(
            f"*, date_trunc('day', opened_at) AS day, opened_at + INTERVAL {FOLLOWED_H} HOUR <= newest AS followed, "
            f"min(CASE WHEN outcome = 'answered' THEN opened_at END) {later} AS answered_at, min(opened_at) {later} AS again_at"
        )
        .aggregate(
            ", ".join(["day, channel", *(f"count(*) FILTER ({holds}) AS {name}" for name, holds in counts.items())]),
            "day, channel",
        )
        .order("day, channel")
    )
    return table_of_followed(table.df())


def table_of_followed(rows: object) -> pd.DataFrame:
    """The table in its own types, from rows as they come or as they were kept."""
    table = pd.DataFrame(rows, columns=list(FOLLOWED))
    return table.astype(dict.fromkeys(FOLLOWED[2:], "int64") | {"channel": object}).assign(
        day=pd.to_datetime(table["day"])
    )
