"""One period of a log, read once: its contacts, its days, and its counts, from which every table of waits is a sum."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from cxresearch.contacts.canonical import CANONICAL, SLOW, LogError, first_line, listed, sql_text
from cxresearch.contacts.clock_changes import with_changed_hours
from cxresearch.contacts.facts import FileFacts, log_facts
from cxresearch.contacts.files import has_quotes
from cxresearch.contacts.followed import FOLLOWED, after_leaving, table_of_followed
from cxresearch.contacts.keys import key_fingerprint
from cxresearch.contacts.memory import RULES, VERSION, kept_folder, read_json, room_for_another, write_json
from cxresearch.contacts.periods import Period, parse_period, period_of
from cxresearch.contacts.places import in_their_names
from cxresearch.contacts.rows import Reading, counted, dated, group_rows, inside, no_contacts, refuse_unusable
from cxresearch.contacts.unanswered import carried, last_known, table_of_unanswered, unanswered_by_day
from cxresearch.contacts.week import week_of

CELL = ("day", "weekday", "hour", "channel", "queue", "promised_s")
ENDS = ("queued", "duration_s", "outcome")
SUMS = ("contacts", "handled", "handle_s")
MINUTE_S = 60.0  # the tick of messages
USABLE = ("outcome", "kept", "unusable")
CELLS, FACTS, ROWS = "cells.parquet", "period.json", "contacts.parquet"


@dataclass(frozen=True, eq=False)
class PeriodLog:
    """One period of a contact log.

    ``period``: its days. ``cells``: all contacts counted, ``day, weekday, hour, channel, queue, promised_s, queued,
    duration_s, outcome, contacts, handled, handle_s`` (see ``risk_table.contact_counts``; durations in whole seconds, of
    messages in whole minutes). ``counts``: ``read = kept + set_aside``, and ``other_periods``. ``set_aside``:
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

    @cached_property
    def days(self) -> pd.DataFrame:
        """Days with contacts: ``day`` (midnight), ``contacts``, ``open_from`` and ``open_to`` (hours of the day between
        the first hour and the end of the last one in which somebody asked)."""
        found = self.cells.groupby("day", as_index=False).agg(
            contacts=("contacts", "sum"), open_from=("hour", "min"), open_to=("hour", "max")
        )
        return found.assign(open_to=found["open_to"] + 1)

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
        return week_of(self.cells)

    def only(self, **which: str) -> PeriodLog:
        """The contacts of one channel or one queue: ``month.only(channel="phone")``; all where no channel is known.

        Raises LogError where there are none.
        """
        unknown = sorted(set(which) - {"channel", "queue"})
        if unknown:
            raise LogError(f"a period is narrowed by channel or queue; got {', '.join(unknown)}.")
        cells, rows = self.cells, self._rows
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
            within=(*self.within, *which.items()),
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
        cells = self.cells
        parts = cells[names].assign(
            contacts=cells["contacts"],
            queued=cells["contacts"].where(cells["queued"], 0),
            left=cells["contacts"].where(cells["outcome"] == "abandoned", 0),
            waited_s=cells["contacts"] * cells["duration_s"],
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


def kept_period(folder: Path) -> PeriodLog | None:
    """The counts that :meth:`PeriodLog.keep` left in ``folder``; None where there are none of this version and shape."""
    facts = read_json(folder / FACTS)
    try:
        if facts["version"] != VERSION:
            return None
        cells = pd.read_parquet(folder / CELLS)
        if list(cells.columns) != [*CELL, *ENDS, *SUMS] or int(cells["contacts"].sum()) != facts["counts"]["kept"]:
            return None
        return PeriodLog(
            period=parse_period(facts["period"]), cells=cells, counts=facts["counts"],
            set_aside=pd.DataFrame(facts["set_aside"], columns=["reason", "rows"]),
            repaired=pd.DataFrame(facts["repaired"], columns=["repair", "rows"]),
            files=pd.DataFrame(facts["files"], columns=["path", "used", "reason"]),
            newest=datetime.fromisoformat(facts["newest"]) if facts["newest"] else None,
            simulated=facts["simulated"], preset=facts["preset"],
            kept_days=tuple(date.fromisoformat(day) for day in facts["kept_days"]), source=facts["source"],
            after_leaving=table_of_followed(facts["after_leaving"]) if facts.get("after_leaving") is not None else None,
            usable=pd.DataFrame(facts.get("usable", []), columns=USABLE),
            unanswered=table_of_unanswered(facts["unanswered"]) if facts.get("unanswered") is not None else None,
            begins=date.fromisoformat(facts["begins"]) if facts.get("begins") else None,
        )  # fmt: skip
    except Exception:  # whatever is wrong with a kept folder, the log is still there to be read
        return None


def read_period(reading: Reading, name: str, *, archive: Sequence[Path] = ()) -> PeriodLog:
    """One period of a log and the one before it, from one pass over the log's rows, or as they were kept.

    Parameters
    ----------
    reading : the open log. name : of the period; empty: the last month that the log covers to its end.
    archive : folders with kept counts of other periods (months, for a quarter or a year). What they hold of days before
        the log begins is used.
    """
    span = parse_period(name) if name else None
    if not reading.paths:
        folder = Path(tempfile.mkdtemp(prefix="cxresearch-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return _made(reading, span, folder, archive, None)
    with in_their_names(reading.places):
        facts = log_facts(reading.paths, quoted=has_quotes(reading.preset))
    home = kept_folder()
    folder = home / f"{_identity(facts, reading)}-{span.name if span else 'last'}"
    if (found := _kept(folder)) is not None:
        return _asked_for(found, reading)
    home_build = Path(tempfile.mkdtemp(dir=home, prefix=".new-"))
    try:
        made = _made(reading, span, home_build, archive, reading.records(facts))
    except BaseException:
        shutil.rmtree(home_build, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    try:
        home_build.rename(folder)
    except OSError:  # another process was faster, and keeps the same
        shutil.rmtree(home_build, ignore_errors=True)
    room_for_another(home)
    return _asked_for(_kept(folder) or made, reading)


def _asked_for(kept: PeriodLog, reading: Reading) -> PeriodLog:
    """A kept period under the name of the log as it is asked for now: the same bytes may stand elsewhere."""
    now = {"files": reading.files, "source": source_of(reading)}
    return replace(kept, **now, previous=kept.previous and replace(kept.previous, **now))


def _kept(folder: Path) -> PeriodLog | None:
    """A period with its rows and the period before, as :func:`_made` left them."""
    now, earlier = kept_period(folder), folder / "previous"
    before = kept_period(earlier)
    if now is None or (before is None and earlier.exists()):
        return None
    try:
        return _with_rows(now, before, folder)
    except duckdb.Error:
        return None


def _with_rows(now: PeriodLog, before: PeriodLog | None, folder: Path) -> PeriodLog:
    rows = duckdb.connect().read_parquet(str(folder / ROWS))

    def of(log: PeriodLog) -> duckdb.DuckDBPyRelation:
        dates = inside(log.period.start, log.period.end)
        return rows.filter(f"set_aside IS NULL AND opened_at IS NOT NULL AND ({dates})").select(", ".join(CANONICAL))

    return replace(now, _rows=of(now), previous=before and replace(before, _rows=of(before)))


def _identity(facts: Sequence[FileFacts], reading: Reading) -> str:
    """One name for a log as it is read: its bytes, its mapping, and the version of what is kept."""
    said = [
        [fact.sha256 for fact in facts], dict(reading.columns), reading.preset, reading.timezone, VERSION, RULES, FOLLOWED,
        key_fingerprint(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _made(
    reading: Reading, span: Period | None, folder: Path, archive: Sequence[Path], records: int | None
) -> PeriodLog:
    """Read the rows once into ``folder``, and count them."""
    read, in_parquet = _copied(reading, span, folder / ROWS)
    if span is None:
        span = _last_month(read)
    groups = _grouped(read, span)
    total = int(groups["rows"].sum()) if in_parquet is None else in_parquet
    reading.refuse_lost(total, records)
    first, last = groups["oldest"].min(), groups["newest"].max()
    both = [_counted(reading, groups, one, which, total) for which, one in (("before", span.previous), ("now", span))]
    cells = _cells(read, span.previous.start, span.end) if any(log.counts["kept"] for log in both) else None
    last_moment = last_known(read)
    both = [
        replace(
            log, repaired=with_changed_hours(log.repaired, read, log.period.start, log.period.end, reading.timezone),
            after_leaving=after_leaving(read, log.period.start, log.period.end),
            unanswered=unanswered_by_day(read, log.period.start, log.period.end, last=last_moment), begins=None if pd.isna(first) else first.date(),
        ) for log in both
    ]  # fmt: skip
    before, now = (_filled(log, cells, None if pd.isna(first) else first.date(), archive) for log in both)
    if now is None:
        if in_parquet is not None:  # its rows outside were not read
            first, last = reading.rows.aggregate("min(opened_at), max(opened_at)").fetchall()[0]
        raise no_contacts(
            groups[groups["span"].isin(["now", "undated"])], where=reading.where,
            span=f"from {span.start} to before {span.end}", total=total, first=first, last=last,
        )  # fmt: skip
    refuse_unusable(reading, now.usable, now.set_aside, span=f"of {span.label}")
    now.keep(folder)
    if before is not None:
        (folder / "previous").mkdir()
        before.keep(folder / "previous")
    return _with_rows(now, before, folder)


def _copied(reading: Reading, span: Period | None, target: Path) -> tuple[duckdb.DuckDBPyRelation, int | None]:
    """The one query over the log's rows: canonical rows of the span and of the one before; of Parquet, all its rows.

    Of a text log the rows outside stay, without their cells, so that every row of the log is counted in this pass.
    Parquet knows how many rows it has, and those outside are never read.
    """
    rows, total = reading.rows, None
    if span is not None:
        near = f"({inside(span.previous.start, span.end)}) OR {carried(span.previous.start)}"
        if reading.paths and not reading.is_text:
            # A day more shows that the log goes on.
            rows = rows.filter(
                f"{near} OR (opened_at >= DATE '{span.end}' AND opened_at < DATE '{span.end + timedelta(1)}')"
            )
            files = [str(path) for path in reading.paths]
            known = reading.engine.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [files]).fetchall()
            total = int(known[0][0])
        else:
            others = [name for name in rows.columns if name != "opened_at"]
            kept = ", ".join(f"CASE WHEN {near} THEN {name} END AS {name}" for name in others)
            rows = rows.select(f"opened_at, {kept}")
    try:
        rows.write_parquet(str(target))
    except duckdb.Error as error:
        raise LogError(f"cannot read {reading.where}: {first_line(error)}") from error
    written = reading.engine.read_parquet(str(target))
    if (once := reading.once(written)) is not written:
        other = target.with_suffix(".once")
        once.write_parquet(str(other))
        other.replace(target)
    return reading.engine.read_parquet(str(target)), total


def _grouped(read: duckdb.DuckDBPyRelation, span: Period) -> pd.DataFrame:
    """Every row counted once: :func:`rows.group_rows`, apart by ``span``: before, now, undated, outside."""
    where = [
        ("undated", "opened_at IS NULL"),
        ("before", f"opened_at >= DATE '{span.previous.start}' AND opened_at < DATE '{span.start}'"),
        ("now", f"opened_at >= DATE '{span.start}' AND opened_at < DATE '{span.end}'"),
    ]
    cases = " ".join(f"WHEN {holds} THEN '{name}'" for name, holds in where)
    return group_rows(dated(read).select(f"*, CASE {cases} ELSE 'outside' END AS span"), "span")


def _last_month(read: duckdb.DuckDBPyRelation) -> Period:
    """The last month that is covered to its end; a log that ends on the 14th has not covered that month."""
    first, newest = read.filter("set_aside IS NULL").aggregate("min(opened_at), max(opened_at)").fetchall()[0]
    if newest is None:
        raise LogError(
            "no row that can be used has a readable opened_at, so no period can be chosen; map it with columns={...}."
        )
    month = period_of(newest.date(), "month")
    # Within the last day counts as the end: a log exported at night stops minutes before it.
    covered = (month.end - newest.date()).days <= 1 or first.date() >= month.start
    return month if covered else month.previous


def _cells(read: duckdb.DuckDBPyRelation, start: date, end: date) -> pd.DataFrame:
    """The one group-by: all kept contacts of both periods."""
    from cxresearch.risk_table import contact_counts  # its estimators' imports are not for who only opens a log

    near = read.filter(f"set_aside IS NULL AND opened_at IS NOT NULL AND ({inside(start, end)})")
    table = contact_counts(
        near, by=("date", "weekday", "hour", "channel", "queue", "promised_s"), ticks_s=dict.fromkeys(SLOW, MINUTE_S)
    )
    return table.rename(columns={"date": "day"}).assign(day=pd.to_datetime(table["date"]))[[*CELL, *ENDS, *SUMS]]


def _counted(reading: Reading, groups: pd.DataFrame, span: Period, which: str, total: int) -> PeriodLog:
    facts = counted(groups[groups["span"].isin([which, "undated"])], where=reading.where, sources=reading.known)
    return PeriodLog(
        period=span, cells=pd.DataFrame(columns=[*CELL, *ENDS, *SUMS]),
        counts={**facts.counts, "other_periods": total - facts.counts["read"]}, set_aside=facts.set_aside,
        repaired=facts.repaired, files=reading.files, newest=facts.newest, simulated=facts.simulated,
        preset=reading.preset, source=source_of(reading), usable=facts.usable,
    )  # fmt: skip


def source_of(reading: Reading) -> str:
    """One name for a log as it was asked for, whatever it holds today: tables kept of it add up."""
    said = json.dumps([reading.named, dict(reading.columns)], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16] if reading.named else ""


def _filled(
    log: PeriodLog, cells: pd.DataFrame | None, first: date | None, archive: Sequence[Path]
) -> PeriodLog | None:
    """``log`` with its cells, and with the days before the log begins from kept counts; None without any contact."""
    start, end = pd.Timestamp(log.period.start), pd.Timestamp(log.period.end)
    parts: list[pd.DataFrame] = []
    days: set[date] = set()
    if cells is not None and log.counts["kept"]:
        parts.append(cells[(cells["day"] >= start) & (cells["day"] < end)])
    for kept in filter(None, map(kept_period, archive)):
        if kept.source != log.source:
            continue
        until = end if first is None else min(end, pd.Timestamp(first))
        old = kept.cells[(kept.cells["day"] >= start) & (kept.cells["day"] < until)]
        old = old[~old["day"].dt.date.isin(days)]
        if len(old) and (not parts or kept.simulated == log.simulated):
            parts.append(old)
            days |= set(old["day"].dt.date)
            log = replace(log, simulated=kept.simulated, after_leaving=_joined(log, kept, old["day"]), unanswered=None)
    if not parts:
        return None
    cells = pd.concat(parts, ignore_index=True).sort_values("day", kind="stable", ignore_index=True)
    counts = {**log.counts, "kept": int(cells["contacts"].sum())}
    counts["read"] = counts["kept"] + counts["set_aside"]
    return replace(log, cells=cells, counts=counts, kept_days=tuple(sorted(days)))


def _joined(log: PeriodLog, kept: PeriodLog, days: pd.Series) -> pd.DataFrame | None:
    """What became of those who gave up, with the ``days`` of a kept table; None where it does not tell."""
    if log.after_leaving is None or kept.after_leaving is None:
        return None
    old = kept.after_leaving[kept.after_leaving["day"].isin(days)]
    return pd.concat([old, log.after_leaving], ignore_index=True)


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
