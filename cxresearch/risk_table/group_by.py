"""Contacts -> counts by duration, outcome and cell: one group-by, on the user's engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxresearch.risk_table.risk_sets import OUTCOMES

FROM_OPENED_AT = ("hour", "weekday", "date")


def risk_table(
    contacts: Any, *, by: str | Sequence[str] = (), tick_s: float = 1.0, entry: str | None = None
) -> pd.DataFrame:
    """Count contacts by duration, outcome and cell. The log stays on its engine; the counts come back.

    Parameters
    ----------
    contacts : pandas or Polars frame (eager or lazy), DuckDB relation or Spark DataFrame
        ``wait_s`` (seconds, >= 0) and ``outcome`` (answered, abandoned, deflected, open); ``queued`` where known.
    by : columns to keep apart; also ``hour`` (0 to 23), ``weekday`` (1 Monday to 7 Sunday) and ``date`` (its midnight),
        taken from ``opened_at`` where the log has no column of that name.
    tick_s : width of the clock's tick, seconds; a wait is counted at the start of its tick. Kept in ``attrs``.
    entry : column with the wait already passed when the contact came under observation (left truncation).

    Returns
    -------
    DataFrame ``*by, [entry_s,] duration_s, outcome, contacts``, sorted, one row a combination that occurs.

    Contacts answered at once (``queued`` false) say nothing on patience and are left out; ``open`` contacts stay and
    censor at their wait so far. Tables of disjoint contacts add up by sum. Raises ValueError for a
    missing column, a missing or negative wait, an unknown outcome, or no contact that queued.
    """
    by = [by] if isinstance(by, str) else list(by)
    if not tick_s > 0:
        raise ValueError(f"tick_s must be > 0 seconds; got {tick_s}.")
    frame = nw.from_native(contacts).lazy()
    schema = frame.collect_schema()
    names = schema.names()
    derived = [name for name in by if name not in names and name in FROM_OPENED_AT]
    needed = ["wait_s", "outcome", *([entry] if entry else []), *(["opened_at"] if derived else [])]
    missing = [n for n in [*needed, *(set(by) - set(derived))] if n not in names]
    if missing:
        raise ValueError(f"the contacts have no column {', '.join(missing)}; they have {', '.join(names)}.")
    if "queued" in names:
        frame = frame.filter(nw.col("queued").is_null() | nw.col("queued"))
    keys = [*by, *(["entry_s"] if entry else []), "duration_s", "outcome"]
    counted = (
        frame.with_columns(
            *(_from_opened_at(name) for name in derived),
            _tick("wait_s", schema, tick_s).alias("duration_s"),
            *([_tick(entry, schema, tick_s).alias("entry_s")] if entry else []),
        )
        .group_by(*keys)
        .agg(nw.len().alias("contacts"))
        .sort(*keys, nulls_last=True)
        .collect()
    )
    table = counted.to_pandas()
    for name in ("duration_s", *(["entry_s"] if entry else [])):
        table[name] = table[name].to_numpy(dtype=float, na_value=np.nan)
    if "date" in derived:
        table["date"] = pd.to_datetime(table["date"]).dt.tz_localize(None)  # engines differ in what a day is
    _check(table, by)
    if entry:
        # Entry 0 is the start itself, so a wait within the first tick was watched.
        bad = ~((table["entry_s"] < table["duration_s"]) | (table["entry_s"] == 0))
        if bad.any():
            raise ValueError(
                f"{entry} must lie before the end of the wait; for {table.loc[bad, 'contacts'].sum():,} contacts it "
                "does not. They were never seen waiting: drop them."
            )
    table = table.astype({"outcome": "str", "contacts": "int64"}).reset_index(drop=True)[[*keys, "contacts"]]
    table.attrs["tick_s"] = float(tick_s)
    return table


def contact_counts(
    contacts: Any, *, by: str | Sequence[str] = (), tick_s: float = 1.0, ticks_s: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Count all contacts, those answered at once too, by duration, outcome and cell: one group-by, like ``risk_table``.

    Parameters
    ----------
    contacts, by, tick_s : as for :func:`risk_table`; ``queued`` and ``handle_s`` are counted where they are known.
    ticks_s : channel -> tick, seconds, for channels whose waits are counted in another tick, such as messages.

    Returns
    -------
    DataFrame ``*by, queued, duration_s, outcome, contacts, handled, handle_s``, sorted
        ``queued`` is False for contacts answered at once, True for all others; ``handled`` are the answered whose handle
        time is known, ``handle_s`` the seconds they took together.

    It is no risk table: the rows with ``queued`` are one, once ``handled`` and ``handle_s`` are dropped.
    """
    by = [by] if isinstance(by, str) else list(by)
    frame = nw.from_native(contacts).lazy()
    schema = frame.collect_schema()
    names = schema.names()
    derived = [name for name in by if name not in names and name in FROM_OPENED_AT]
    duration = _tick("wait_s", schema, tick_s)
    for channel, width in (ticks_s or {}).items():
        duration = nw.when(nw.col("channel") == channel).then(_tick("wait_s", schema, width)).otherwise(duration)
    queued = nw.col("queued").fill_null(value=True) if "queued" in names else nw.lit(value=True)
    talk = nw.col("handle_s") if "handle_s" in names else nw.lit(None, dtype=nw.Float64)
    talk = nw.when(nw.col("outcome") == "answered").then(talk)
    keys = [*by, "queued", "duration_s", "outcome"]
    counted = (
        frame.with_columns(
            *(_from_opened_at(name) for name in derived),
            duration.alias("duration_s"), queued.alias("queued"), talk.alias("handle_s"),
        )
        .group_by(*keys)
        .agg(
            contacts=nw.len(), handled=(~nw.col("handle_s").is_null()).cast(nw.Int64).sum(),
            handle_s=nw.col("handle_s").sum(),
        )
        .sort(*keys, nulls_last=True)
        .collect()
    )  # fmt: skip
    table = counted.to_pandas()
    table["duration_s"] = table["duration_s"].to_numpy(dtype=float, na_value=np.nan)
    table["handle_s"] = table["handle_s"].to_numpy(dtype=float, na_value=0.0)
    _check(table, by)
    table.columns.name = None
    return table.astype({"outcome": "str", "queued": "bool", "contacts": "int64", "handled": "int64"})


def _tick(name: str, schema: nw.Schema, tick_s: float) -> nw.Expr:
    """The start of each wait's tick. Two spellings spare the engine work on every row: it matters at 100 million."""
    column, kind = nw.col(name), schema[name]
    if tick_s == 1 and kind.is_integer():
        return column
    seconds = column if kind.is_float() else column.cast(nw.Float64)
    # Narwhals spells a floor division as a CASE over every row; a floor costs half of it.
    return seconds.floor() if tick_s == 1 else (seconds.cast(nw.Float64) / tick_s).floor() * tick_s


def _from_opened_at(name: str) -> nw.Expr:
    opened_at = nw.col("opened_at")
    if name == "hour":
        return opened_at.dt.hour().cast(nw.Int64).alias(name)
    if name == "weekday":
        # Narwhals 2.29 numbers Spark's Sunday 0 and everybody else's 7; this leaves 1 to 7 as they are.
        return ((opened_at.dt.weekday() + 6) % 7 + 1).cast(nw.Int64).alias(name)
    return opened_at.dt.truncate("1d").alias(name)  # narwhals takes no date from a pandas column


def _check(table: pd.DataFrame, by: list[str]) -> None:
    """Bad waits and words form groups of their own, so the counts tell what is wrong at no further pass."""
    if table.empty:
        raise ValueError("no contact queued: a risk table needs at least one wait.")
    bad = ~(table["duration_s"] >= 0)
    if bad.any():
        raise ValueError(
            f"wait_s must be a number >= 0; {table.loc[bad, 'contacts'].sum():,} of {table['contacts'].sum():,} contacts "
            "have none or a negative one. Load the log with load_contacts, which sets them aside."
        )
    unknown = table.loc[~table["outcome"].isin(OUTCOMES)].groupby("outcome", dropna=False)["contacts"].sum()
    if len(unknown):
        found = ", ".join(f"{word!r} ({n:,})" for word, n in unknown.items())
        raise ValueError(f"unknown outcome {found}; known are {', '.join(OUTCOMES)}.")
