"""One period of a log, read once: its contacts, its days, and its counts, from which every table of waits is a sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pandas as pd

from cxresearch.contacts.canonical import SLOW, LogError, listed, sql_text
from cxresearch.contacts.memory import VERSION, write_json
from cxresearch.contacts.periods import Period
from cxresearch.contacts.week import times_known, week_of

T = TypeVar("T")
CELL = ("day", "weekday", "hour", "channel", "queue", "promised_s")
ENDS = ("queued", "duration_s", "outcome")
SUMS = ("contacts", "handled", "handle_s")
MINUTE_S = 60.0  # the tick of messages
USABLE = ("outcome", "kept", "unusable")
CELLS, FACTS = "cells.parquet", "period.json"


@dataclass(frozen=True, eq=False)
class PeriodLog:
    """One period of a contact log.

    ``period``: its days. ``cells``: all contacts counted, ``day, weekday, hour, channel, queue, promised_s, queued,
    duration_s, outcome, contacts, handled, handle_s`` (see ``risk_table.contact_counts``; durations in whole seconds, of
    messages in whole minutes). ``counts``: ``read = kept + set_aside``, ``other_periods``, and ``undated`` where rows of the
    log have no date: they may be of any period, and are among those read and set aside here. ``set_aside``:
    ``reason, rows``; ``repaired``: ``repair, rows``. ``files``: ``path, used, reason``. ``newest``: the last ``opened_at``
    read. ``simulated``: whether any row says that it is. ``preset``: the one that was used, or None. ``previous``: the
    period of the same kind before it, or None where neither the log nor a kept table reaches back. ``kept_days``: days
    that come from kept tables, since the log no longer holds them. ``source``: one name for the log as it was asked for.
    ``usable``: ``outcome, kept, unusable``, the log's rows by whether they can be used, without those that are no contacts.
    ``after_leaving``: what became of those who gave up (``contacts.after_leaving``); None for one queue alone, and where
    tables that were kept without it are among the days. ``unanswered``: who stood without an answer at the end of each day
    (``contacts.unanswered_by_day``); None for one queue alone, and where days come from kept tables. ``begins``: the
    first day that the log holds.
    """

    period: Period
    cells: pd.DataFrame
    counts: dict[str, int]
    set_aside: pd.DataFrame
    repaired: pd.DataFrame
    files: pd.DataFrame
    newest: datetime | None
    simulated: bool
    preset: str | None = None
    previous: PeriodLog | None = None
    kept_days: tuple[date, ...] = ()
    source: str = ""
    after_leaving: pd.DataFrame | None = None
    usable: pd.DataFrame = field(default_factory=partial(pd.DataFrame, columns=USABLE))
    unanswered: pd.DataFrame | None = None
    begins: date | None = None
    within: tuple[tuple[str, str], ...] = ()
    _rows: duckdb.DuckDBPyRelation | None = field(default=None, repr=False)
    _everywhere: duckdb.DuckDBPyRelation | None = field(default=None, repr=False)
    _worked_out: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def label(self) -> str:
        """What is told of every table: the channel where one was chosen, and the period."""
        return ", ".join([*(value for _, value in self.within), self.period.label])

    @property
    def kind(self) -> str:
        """``estimated``, or ``SIMULATED`` where the log is."""
        return "SIMULATED" if self.simulated else "estimated"

    @property
    def contacts(self) -> duckdb.DuckDBPyRelation:
        """The canonical rows, on the engine. Raises LogError where only counts were kept of some days."""
        if self._rows is None or self.kept_days:
            raise LogError(
                f"{self.period.label}: of {len(self.kept_days) or 'all its'} days only counts were kept, no rows."
            )
        return self._rows

    @property
    def on_all_channels(self) -> duckdb.DuckDBPyRelation:
        """The rows of :attr:`contacts` before any channel or queue was chosen: a customer may come again elsewhere.

        A column more, ``chosen``, tells those of the channel or queue.
        """
        rows = self.contacts if self._everywhere is None or self.kept_days else self._everywhere
        chosen = " AND ".join(f"{column} = {sql_text(value)}" for column, value in self.within) or "true"
        return rows.select(f"*, coalesce({chosen}, false) AS chosen")

    @cached_property
    def without_waits(self) -> pd.DataFrame:
        """:attr:`cells` added up over the waits, for what asks nothing of them: ``waited_s`` in place of ``duration_s``.

        A large log has hundreds of different waits in an hour of a queue, and this table grows no more.
        """
        keys = [*CELL, "queued", "outcome"]
        parts = self.cells.assign(waited_s=self.cells["contacts"] * self.cells["duration_s"])
        sums = ["contacts", "waited_s", "handled", "handle_s"]
        return parts.groupby(keys, as_index=False, dropna=False, observed=True)[sums].sum()

    @cached_property
    def days(self) -> pd.DataFrame:
        """Days with contacts: ``day`` (midnight), ``contacts``, ``open_from`` and ``open_to`` (hours of the day between
        the first hour and the end of the last one in which somebody asked)."""
        found = self.without_waits.groupby("day", as_index=False).agg(
            contacts=("contacts", "sum"), open_from=("hour", "min"), open_to=("hour", "max")
        )
        return found.assign(open_to=found["open_to"] + 1)

    @cached_property
    def times_known(self) -> bool:
        """Whether contacts have a time of day, and not a date alone: without it nothing can be said of hours."""
        return times_known(self.cells)

    @cached_property
    def missing_days(self) -> tuple[date, ...]:
        """Days without any contact, on weekdays that have some in at least half of their weeks here and in ``previous``."""
        spans = [log for log in (self.previous, self) if log is not None]
        there = {day.date() for log in spans for day in log.days["day"]}
        dates = [
            log.period.start + timedelta(n) for log in spans for n in range((log.period.end - log.period.start).days)
        ]
        # What lies outside of the log says nothing of its week.
        within = [d for d in dates if min(there) <= d <= max(there)]
        usual = {
            weekday for weekday in range(7)
            if 0 < sum(d.weekday() == weekday for d in within) <= 2 * sum(d in there for d in within if d.weekday() == weekday)
        }  # fmt: skip
        return tuple(d for d in dates if d >= self.period.start and d.weekday() in usual and d not in there)

    @cached_property
    def calendar(self) -> pd.DataFrame:
        """The week as the log has it: ``weekday`` (1 Monday to 7 Sunday), ``days`` (with contacts), ``contacts_per_day``,
        ``open_from, open_to`` (hours), ``fully_open``.

        An hour is open where at least half of these days have a contact in it, and it brings a day at least a hundredth
        of the busiest weekday's contacts: a few calls at midnight open nothing. A weekday is fully open that has contacts
        on at least half of its dates, half as many a day as the busiest one, and four fifths of the longest one's hours.
        """
        return week_of(self.without_waits)

    def only(self, **which: str) -> PeriodLog:
        """The contacts of one channel or one queue: ``month.only(channel="phone")``; all where no channel is known.

        The same again is the same object, so that whoever works something out of it need not do so twice. Raises LogError
        where there are none.
        """
        return self.once(("only", *which.items()), lambda: self._only(which))

    def once(self, name: Any, work: Callable[[], T]) -> T:
        """What ``work`` gives, worked out the first time that it is asked for by this name."""
        if name not in self._worked_out:
            self._worked_out[name] = work()
        found: T = self._worked_out[name]
        return found

    def _only(self, which: dict[str, str]) -> PeriodLog:
        unknown = sorted(set(which) - {"channel", "queue"})
        if unknown:
            raise LogError(f"a period is narrowed by channel or queue; got {', '.join(unknown)}.")
        cells, rows = self.cells, self._rows
        everywhere = rows if self._everywhere is None else self._everywhere
        after, waiting = (None, None) if "queue" in which else (self.after_leaving, self.unanswered)
        # A log that names no channel at all has one.
        which = {column: value for column, value in which.items() if column != "channel" or cells[column].notna().any()}
        for column, value in which.items():
            known = sorted(cells[column].dropna().unique())
            cells = cells[cells[column] == value]
            if cells.empty:
                there = listed(known) or "none"
                raise LogError(f"{self.label}: no contact has the {column} {value!r}; there are {there}.")
            rows = None if rows is None else rows.filter(f"{column} = {sql_text(value)}")
            after, waiting = (None if table is None else table[table[column] == value] for table in (after, waiting))
        before = self.previous
        if before is not None:
            try:
                before = before.only(**which)
            except LogError:
                before = None
        return replace(
            self, cells=cells, previous=before, after_leaving=after, unanswered=waiting, _rows=rows,
            _everywhere=everywhere, within=(*self.within, *which.items()),
        )  # fmt: skip

    def waits(self, by: str | Sequence[str] = ()) -> pd.DataFrame:
        """The risk table of those who queued: ``*by, duration_s, outcome, contacts``, sorted.

        ``by`` takes ``day, weekday, hour, queue, channel, promised_s``. ``attrs``: ``tick_s``, and ``place`` and ``kind``
        of the period. Raises LogError where nobody queued.
        """
        names = _named(by)
        queued = self.cells[self.cells["queued"]]
        if queued.empty:
            raise LogError(f"{self.label}: nobody queued, so there is no wait to look at.")
        keys = [*names, "duration_s", "outcome"]
        table = queued.groupby(keys, as_index=False, dropna=False, observed=True)["contacts"].sum()
        slow = queued["channel"].isin(SLOW).all()
        table.attrs = {"tick_s": MINUTE_S if slow else 1.0, "place": self.label, "kind": self.kind}
        return table

    def asked(self, by: str | Sequence[str] = ()) -> pd.DataFrame:
        """All who asked, by cell: ``*by, contacts, queued, left, waited_s, handled, handle_s``, sorted.

        ``left`` gave up; ``waited_s`` and ``handle_s`` are seconds of all together; ``handled`` are the answered whose
        handle time is known. Without ``by`` it is one row.
        """
        names = _named(by)
        cells = self.without_waits
        parts = cells[names].assign(
            contacts=cells["contacts"],
            queued=cells["contacts"].where(cells["queued"], 0),
            left=cells["contacts"].where(cells["outcome"] == "abandoned", 0),
            waited_s=cells["waited_s"],
            handled=cells["handled"],
            handle_s=cells["handle_s"],
        )
        if not names:
            return parts.sum().to_frame().T.astype(dict.fromkeys(("contacts", "queued", "left", "handled"), "int64"))
        table = parts.groupby(names, as_index=False, dropna=False, observed=True).sum()
        table.attrs = {"place": self.label, "kind": self.kind}
        return table

    def keep(self, folder: Path) -> None:
        """Keep the counts of the period in ``folder``: ``cells.parquet`` and ``period.json``, without any row."""
        self.cells.to_parquet(folder / CELLS, index=False)
        write_json(folder / FACTS, _facts(self))

    def __repr__(self) -> str:
        aside = f", {self.counts['set_aside']:,} set aside" if self.counts.get("set_aside") else ""
        before = "none before" if self.previous is None else f"before it {self.previous.period.label}"
        return (
            f"<PeriodLog {self.label}{', SIMULATED' if self.simulated else ''}: {int(self.cells['contacts'].sum()):,} "
            f"contacts on {len(self.days)} days{aside}; {before}>"
        )


def _named(by: str | Sequence[str]) -> list[str]:
    names = [by] if isinstance(by, str) else list(by)
    if unknown := [name for name in names if name not in CELL]:
        raise ValueError(f"by takes {', '.join(CELL)}; got {', '.join(map(str, unknown))}.")
    return names


def _facts(log: PeriodLog) -> dict[str, Any]:
    return {
        "version": VERSION, "columns": list(log.cells.columns), "period": log.period.name, "counts": log.counts,
        "set_aside": [[str(r), int(n)] for r, n in log.set_aside.itertuples(index=False)],
        "repaired": [[str(r), int(n)] for r, n in log.repaired.itertuples(index=False)],
        "files": [[Path(p).name, bool(u), r] for p, u, r in log.files.itertuples(index=False)],
        "newest": log.newest.isoformat() if log.newest else None, "simulated": log.simulated, "preset": log.preset,
        "kept_days": [day.isoformat() for day in log.kept_days], "source": log.source,
        "usable": log.usable.to_numpy().tolist(),
        "after_leaving": None if log.after_leaving is None else [
            [day.isoformat(), None if pd.isna(channel) else channel, *map(int, numbers)]
            for day, channel, *numbers in log.after_leaving.itertuples(index=False)
        ],
        "unanswered": None if log.unanswered is None else [
            [day.isoformat(), None if pd.isna(channel) else channel, int(n)]
            for day, channel, n in log.unanswered.itertuples(index=False)
        ],
        "begins": log.begins.isoformat() if log.begins else None,
    }  # fmt: skip
