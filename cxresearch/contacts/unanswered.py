"""How many contacts stood without an answer at the end of each day, those of earlier periods with them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd

UNANSWERED = ("day", "channel", "unanswered")
ANSWERED_AT = "opened_at + to_microseconds(CAST(least(wait_s, 1e11) * 1e6 AS BIGINT))"


def carried(start: date) -> str:
    """Rows from before ``start`` that had no answer then: they are no contacts of the period, and stand in its backlog."""
    return (
        f"(opened_at < TIMESTAMP '{start}' AND wait_s > epoch(TIMESTAMP '{start}' - opened_at) AND set_aside IS NULL)"
    )


def ends_of(rows: duckdb.DuckDBPyRelation) -> tuple[datetime | None, datetime | None, datetime | None]:
    """The first and last ``opened_at`` of a log, and the last moment that it knows: of the newest contact, or the end of an
    open wait where that is later."""
    open_until = f"CASE WHEN outcome = 'open' THEN {ANSWERED_AT} END"
    known = f"max(greatest(opened_at, {open_until})) FILTER (set_aside IS NULL)"
    first, last, last_known = rows.aggregate(f"min(opened_at), max(opened_at), {known}").fetchall()[0]
    return first, last, last_known


def unanswered_by_day(kept: duckdb.DuckDBPyRelation, start: date, end: date, *, last: datetime | None) -> pd.DataFrame:
    """Count the contacts without an answer at the end of each day of a period, from its canonical rows and those carried.

    Returns
    -------
    DataFrame ``day, channel, unanswered``, a row for each day and channel of the period, those without any as 0
        A contact stands unanswered at the end of a day if it was opened on that day or before and its wait had not ended
        by midnight. Days that end after ``last``, from :func:`ends_of`, are not there: nothing is known of them.

    Contacts opened before the log begins are not in it, so the first days are counted too low.
    """
    if last is None or last.date() <= start:
        return pd.DataFrame({name: [] for name in UNANSWERED}).astype({"unanswered": "int64"})
    until = min(end, last.date())
    # Rows of other periods are without their cells: they show that the log goes on, and are no contacts here.
    table = kept.filter(f"set_aside IS NULL AND wait_s IS NOT NULL AND opened_at < TIMESTAMP '{end}'")
    # Who is answered at midnight sharp no longer waits then. Whoever waits past it comes in on one day and goes out on
    # another: two counts, whatever lies between.
    spans = table.select(
        f"channel, greatest(CAST(opened_at AS DATE), DATE '{start}') AS came, "
        f"CASE WHEN outcome = 'open' THEN DATE '{until}' ELSE CAST({ANSWERED_AT} - INTERVAL 1 MICROSECOND AS DATE) END AS went"
    ).filter(f"went > came AND came < DATE '{until}'")
    parts: list[pd.DataFrame] = [
        spans.aggregate(f"{day} AS day, channel, {sign} * count(*) AS moved", f"{day}, channel").df()
        for day, sign in (("came", 1), ("went", -1))
    ]
    moved = pd.concat(parts)
    moved["channel"] = moved["channel"].astype(object).where(moved["channel"].notna(), "")
    # A channel on which all are answered by midnight has none on every day, which is not the same as not counted.
    there = [
        name or ""
        for (name,) in table.filter(f"opened_at >= TIMESTAMP '{start}'").select("channel").distinct().fetchall()
    ]
    days = pd.date_range(start, until - timedelta(days=1))
    wide = moved.assign(day=pd.to_datetime(moved["day"])).pivot_table(
        index="day", columns="channel", values="moved", aggfunc="sum"
    )
    wide = wide.reindex(index=days, columns=sorted({*wide.columns, *there})).fillna(0).cumsum()
    long = wide.rename_axis(index="day").reset_index().melt("day", var_name="channel", value_name="unanswered")
    return table_of_unanswered(long[list(UNANSWERED)])


def table_of_unanswered(rows: Any) -> pd.DataFrame:
    """The table in its own types, from rows as they come or as they were kept."""
    table = pd.DataFrame(rows, columns=list(UNANSWERED))
    channel = table["channel"].astype(object)
    return table.assign(
        day=pd.to_datetime(table["day"]), channel=channel.where(channel != "", None),
        unanswered=table["unanswered"].astype("int64"),
    )  # fmt: skip
