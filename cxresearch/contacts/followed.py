"""What became of those who gave up: whether the customer was answered within a day, or asked again within the hour."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxresearch.contacts.engine import connect

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
    left = "outcome = 'abandoned'"
    counts = {
        "known": "followed AND (coalesce(queued, true) OR outcome <> 'deflected')", "left_known": left,
        "followed": f"{left} AND followed",
        "answered_24h": f"{left} AND followed AND answered_at <= opened_at + INTERVAL {FOLLOWED_H} HOUR",
        "again_1h": f"{left} AND followed AND again_at <= opened_at + INTERVAL {AGAIN_H} HOUR",
    }  # fmt: skip
    of_period = kept.filter(f"set_aside IS NULL AND opened_at >= TIMESTAMP '{start}' AND opened_at < TIMESTAMP '{end}'")
    newest = of_period.aggregate("max(opened_at)").fetchall()[0][0]
    if newest is None:
        return table_of_followed([])
    table = (
        with_later(of_period, "channel, queued")
        .filter("known")
        .select(
            f"*, date_trunc('day', opened_at) AS day, opened_at + INTERVAL {FOLLOWED_H} HOUR <= TIMESTAMP '{newest}' AS followed"
        )
        .aggregate(
            ", ".join(["day, channel", *(f"count(*) FILTER ({holds}) AS {name}" for name, holds in counts.items())]),
            "day, channel",
        )
        .order("day, channel")
    )
    return table_of_followed(table.df())


def with_later(rows: duckdb.DuckDBPyRelation, others: str, *, by_id: bool = False) -> duckdb.DuckDBPyRelation:
    """Dated rows with when the same customer came again, and when such a contact was answered: strictly later contacts, for
    of two in the same second none is known to be the first. ``by_id`` takes them in the order of their ``contact_id``.

    Returns ``opened_at, outcome``, the columns named by ``others``, ``person`` (a hash of the customer), ``known`` (whether
    there is one), ``again_at`` and ``answered_at`` (NULL for nobody and never).

    One sort finds both; as frames of a window the engine looks for each row's own, which takes it ten times as long.
    """
    chosen = ["opened_at", "outcome", *filter(None, [others]), *(["contact_id"] if by_id else [])]
    table = rows.select(
        f"{', '.join(chosen)}, hash(customer_key) AS person, customer_key IS NOT NULL AS known"
    ).to_arrow_table()
    known = np.flatnonzero(table["known"].to_numpy())
    order = known[np.lexsort((table["opened_at"].to_numpy()[known], table["person"].to_numpy()[known]))]
    person, opened = table["person"].to_numpy()[order], table["opened_at"].to_numpy()[order]
    if by_id:
        order = _by_id(order, person, opened, table["contact_id"])
    well = pc.equal(table["outcome"], "answered").fill_null(False).to_numpy()[order]
    n = len(order)
    place = np.arange(n)
    # Where the next moment begins, in order; its contact is the same customer's, or another's.
    begins = np.ones(n, dtype=bool)
    begins[1:] = (person[1:] != person[:-1]) | (opened[1:] != opened[:-1])
    later = place + 1 if by_id else _first_from(begins, place + 1)
    for name, at in (("again_at", later), ("answered_at", _first_from(well, later))):
        moment = np.full(len(table), np.datetime64("NaT"), dtype=opened.dtype)
        if n:
            there = np.minimum(at, n - 1)
            mine = (at < n) & (person[there] == person)
            moment[order[mine]] = opened[there[mine]]
        table = table.append_column(name, pa.array(moment, from_pandas=True))
    return connect().from_arrow(table).select("* REPLACE (CASE WHEN known THEN person END AS person)")


def _by_id(order: np.ndarray, person: np.ndarray, opened: np.ndarray, ids: pa.ChunkedArray) -> np.ndarray:
    """``order`` with contacts of one customer in one moment in the order of their ids, those without one last."""
    same = (person[1:] == person[:-1]) & (opened[1:] == opened[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if not len(tied):
        return order
    rows = order[tied]
    frame = pd.DataFrame({
        "person": person[tied], "opened": opened[tied], "id": ids.take(pa.array(rows)).to_pandas().to_numpy(), "row": rows,
    })  # fmt: skip
    frame = frame.sort_values(["person", "opened", "id"], kind="stable", na_position="last")
    order = order.copy()
    order[tied] = frame["row"].to_numpy()
    return order


def _first_from(marked: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The first marked place at or after each ``start``; the number of places where there is none."""
    n = len(marked)
    ahead = np.append(np.where(marked, np.arange(n), n), n)
    return np.minimum.accumulate(ahead[::-1])[::-1][start]


def table_of_followed(rows: object) -> pd.DataFrame:
    """The table in its own types, from rows as they come or as they were kept."""
    table = pd.DataFrame(rows, columns=list(FOLLOWED))
    return table.astype(dict.fromkeys(FOLLOWED[2:], "int64") | {"channel": object}).assign(
        day=pd.to_datetime(table["day"])
    )
