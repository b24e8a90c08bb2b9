"""Any contact log -> canonical columns on the engine; what is set aside, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

import duckdb
import pandas as pd

from cxresearch.contacts.canonical import CANONICAL, LogError, first_line
from cxresearch.contacts.period_log import PeriodLog
from cxresearch.contacts.read_once import read_period
from cxresearch.contacts.rows import Counted, Reading, counted, dated, group_rows, inside, no_contacts, open_log


class ContactLog:
    """A contact log on its engine. Its rows are read when something of them is asked for, and once.

    ``contacts``: DuckDB relation, one row a contact, the canonical columns.
    ``set_aside``: DataFrame ``reason, rows``. ``repaired``: DataFrame ``repair, rows`` (rows that stay).
    ``counts``: ``read = kept + set_aside`` always; ``other_periods`` are rows outside start and end, not read.
    ``files``: DataFrame ``path, used, reason``. ``newest``: the last ``opened_at`` of the rows read, or None.
    ``simulated``: True when any row says so in a column ``simulated``. ``preset``: the one that was used, or None.
    """

    def __init__(self, reading: Reading, start: str | date | None = None, end: str | date | None = None) -> None:
        self._reading = reading
        self._span = (start, end)
        self.files = reading.files
        self.preset = reading.preset

    def period(self, name: str = "") -> PeriodLog:
        """One period by its name ("1999-02", "1999-Q1", "1999-W07", "1999-02-14", "1999"), and the one before it.

        An empty name is the last month that the log covers to its end; one with a single month gets that one. The rows
        are read once and kept in the user's cache folder, so that the next notebook reads none. Raises LogError where
        the period has no contacts, PeriodError for a name that is no period.
        """
        if self._span != (None, None):
            raise LogError(
                "this log was loaded for a span of its own; load it without start and end to choose a period."
            )
        return read_period(self._reading, name)

    @property
    def contacts(self) -> duckdb.DuckDBPyRelation:
        return self._rows.filter("set_aside IS NULL").select(", ".join(CANONICAL))

    @property
    def set_aside(self) -> pd.DataFrame:
        return self._counted.set_aside

    @property
    def repaired(self) -> pd.DataFrame:
        return self._counted.repaired

    @property
    def counts(self) -> dict[str, int]:
        return self._counted.counts

    @property
    def newest(self) -> datetime | None:
        return self._counted.newest

    @property
    def simulated(self) -> bool:
        return self._counted.simulated

    def __repr__(self) -> str:
        counts, reasons = self.counts, self.set_aside.head(3).itertuples(index=False)
        why = "; ".join(f"{reason}: {rows:,}" for reason, rows in reasons)
        return (
            f"<ContactLog {self._reading.where} ({self.preset or 'canonical columns'}): {counts['read']:,} rows read, "
            f"{counts['kept']:,} kept, {counts['set_aside']:,} set aside{f' ({why})' if why else ''}>"
        )

    @cached_property
    def _rows(self) -> duckdb.DuckDBPyRelation:
        """The rows of the span. Text is parsed once and kept in the engine, Parquet stays where it is."""
        reading, (start, end) = self._reading, self._span
        period = start is not None or end is not None
        try:
            rows = reading.all_rows()
        except duckdb.Error as error:
            raise LogError(f"cannot read {reading.where}: {first_line(error)}") from error
        rows = rows.filter(inside(start, end)) if period else rows
        return dated(rows) if period else rows

    @cached_property
    def _counted(self) -> Counted:
        groups = group_rows(self._rows)
        found = counted(groups, where=self._reading.where, sources=self._reading.known)
        start, end = self._span
        period = start is not None or end is not None
        if period or not found.counts["kept"]:
            total, first, last = self._reading.rows.aggregate("count(*), min(opened_at), max(opened_at)").fetchall()[0]
            found.counts["other_periods"] = total - found.counts["read"]
            if not found.counts["kept"]:
                span = f"from {start} to before {end}" if period else "at all"
                raise no_contacts(groups, where=self._reading.where, span=span, total=total, first=first, last=last)
        return found


def load(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 the word people use
    mapping: Mapping[str, Any] | None = None,
    timezone: str | None = None,
    query: str | None = None,
) -> ContactLog:
    """Open a contact log: ``cx.load("calls.csv", timezone="Europe/Berlin").period("2026-10")``.

    ``source`` and ``mapping`` are the ``source`` and ``columns`` of :func:`load_contacts`, ``format`` is its ``preset``.
    An empty format is none. ``query`` says which rows of a database are the log. ``timezone`` is where the customers live: times with an offset are turned into it, times
    without one are taken as its wall-clock time. Of files only headers are read here; what lies elsewhere is fetched. Raises LogError for a missing file or column.
    """
    return ContactLog(
        open_log(source, preset=format or None, columns=mapping or None, timezone=timezone, query=query or None)
    )


def load_contacts(
    source: Any,
    *,
    preset: str | None = None,
    columns: Mapping[str, Any] | None = None,
    start: str | date | None = None,
    end: str | date | None = None,
    timezone: str | None = None,
) -> ContactLog:
    """Bring a contact log to the canonical columns without moving its rows out of the engine.

    Parameters
    ----------
    source : a file, a folder, a glob, an address, a list of these, a database, or a frame (pandas, Polars, Arrow, DuckDB
        relation). Suffixes as in ``SUFFIXES``; ``.gz`` is gzipped text. In a folder and the folders in it, files that are no contact log
        are left out and listed in ``files``; a file named outright must be one.
    preset : ``"anonymous_bank"`` (the 1999 bank log, recognised by its header) or None: the canonical names.
    columns : canonical name -> column of the log, or -> ``{"column": name, "values": {word: canonical word}}``.
    start, end : keep contacts with ``start <= opened_at < end`` (ISO text, date or datetime).

    Returns
    -------
    ContactLog. ``customer_key`` and ``agent_key`` are pseudonyms under a key of your own (``CXRESEARCH_KEY``), not anonymity.

    Set aside, never dropped silently: rows without a readable ``wait_s``, ``outcome`` or (for a period) ``opened_at``,
    negative waits, and what a preset names. Raises LogError for a missing file or column, an unknown word in
    ``outcome``, ``channel`` or ``reply``, and a period without contacts.
    """
    log = ContactLog(open_log(source, preset=preset, columns=columns, timezone=timezone), start, end)
    log.counts  # noqa: B018 read now: what is wrong is told here
    return log
