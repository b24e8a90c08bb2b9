"""One period of a log and the one before it, read once and kept: every row is counted in the one pass over them."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from cxresearch.contacts.canonical import CANONICAL, SLOW, LogError, first_line
from cxresearch.contacts.clock_changes import with_changed_hours
from cxresearch.contacts.engine import connect
from cxresearch.contacts.facts import FileFacts, log_facts
from cxresearch.contacts.files import has_quotes
from cxresearch.contacts.followed import FOLLOWED, after_leaving
from cxresearch.contacts.kept_tables import kept_period
from cxresearch.contacts.keys import key_fingerprint
from cxresearch.contacts.memory import RULES, VERSION, clear_place, kept_folder, lasting, room_for_another
from cxresearch.contacts.outside import OutsideError, check_sum, read_sums, write_sums
from cxresearch.contacts.period_log import CELL, CELLS, ENDS, FACTS, MINUTE_S, SUMS, PeriodLog
from cxresearch.contacts.periods import Period, parse_period, period_of
from cxresearch.contacts.places import in_their_names
from cxresearch.contacts.rows import (
    Reading,
    counted,
    dated,
    group_rows,
    inside,
    no_contacts,
    refuse_unusable,
    usable_rows,
)
from cxresearch.contacts.unanswered import carried, ends_of, unanswered_by_day
from cxresearch.contacts.week import times_known

ROWS = "contacts.parquet"
NEAR = "__near"  # a mark of rows that kept their cells: those of the two periods, and what they carry


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
    clear_place(folder)
    try:
        home_build.rename(folder)
    except OSError:  # another process was faster, and keeps the same
        if (found := _kept(folder)) is None:
            atexit.register(shutil.rmtree, home_build, ignore_errors=True)  # its rows are still to be read
        else:
            shutil.rmtree(home_build, ignore_errors=True)
    else:
        found = _kept(folder)
    room_for_another(home)
    return _asked_for(found or made, reading)


def _asked_for(kept: PeriodLog, reading: Reading) -> PeriodLog:
    """A kept period under the name of the log as it is asked for now: the same bytes may stand elsewhere."""
    now = {"files": reading.files, "source": source_of(reading)}
    return replace(kept, **now, previous=kept.previous and replace(kept.previous, **now))


def _kept(folder: Path) -> PeriodLog | None:
    """A period with its rows and the period before, as :func:`_made` left them."""
    now, earlier = kept_period(folder), folder / "previous"
    before = kept_period(earlier)
    if now is None or (before is None and os.path.lexists(earlier)):
        return None
    try:
        if lasting():  # within one report nobody else has had it in hand
            sums = read_sums(folder)
            if ROWS not in sums:
                return None
            check_sum(ROWS, folder / ROWS, sums)
        return _with_rows(now, before, folder)
    except (duckdb.Error, FileNotFoundError, OutsideError):
        return None


def _with_rows(now: PeriodLog, before: PeriodLog | None, folder: Path) -> PeriodLog:
    rows = connect().read_parquet(str(folder / ROWS))

    def of(log: PeriodLog) -> duckdb.DuckDBPyRelation:
        dates = inside(log.period.start, log.period.end)
        return rows.filter(f"set_aside IS NULL AND opened_at IS NOT NULL AND ({dates})").select(", ".join(CANONICAL))

    return replace(now, _rows=of(now), previous=before and replace(before, _rows=of(before)))


def _identity(facts: Sequence[FileFacts], reading: Reading) -> str:
    """One name for a log as it is read: its bytes, its mapping, and the version of what is kept."""
    said = [
        [fact.sha256 for fact in facts], dict(reading.columns), reading.preset, reading.timezone, VERSION, RULES, FOLLOWED,
        key_fingerprint(), [sorted(place.partitions.items()) for place in reading.places],
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
    # Of Parquet the rows outside were not read: where the log begins and ends is asked of all its rows.
    whole = read if in_parquet is None else reading.rows
    first, last, last_moment = ends_of(whole)
    both = [_counted(reading, groups, one, which, total) for which, one in (("before", span.previous), ("now", span))]
    both = [
        replace(
            log, repaired=with_changed_hours(log.repaired, read, log.period.start, log.period.end, reading.timezone)
        )
        for log in both
    ]
    cells = _cells(read, span.previous.start, span.end) if any(log.counts["kept"] for log in both) else None
    both = [
        replace(
            log, after_leaving=after_leaving(read, log.period.start, log.period.end) if cells is None or times_known(cells) else None,
            unanswered=unanswered_by_day(read, log.period.start, log.period.end, last=last_moment), begins=first and first.date(),
        ) for log in both
    ]  # fmt: skip
    before, now = (_filled(log, cells, first and first.date(), archive) for log in both)
    if now is None:
        raise no_contacts(
            groups[groups["span"].isin(["now", "undated"])], where=reading.where,
            span=f"from {span.start} to before {span.end}", total=total, first=first, last=last,
        )  # fmt: skip
    refuse_unusable(reading, now.usable, now.set_aside, span=f"of {span.label}")
    _refuse_undated(reading, groups, total)
    now.keep(folder)
    if lasting():
        write_sums(folder, [CELLS, FACTS, ROWS])
    if before is not None:
        (folder / "previous").mkdir()
        before.keep(folder / "previous")
        if lasting():
            write_sums(folder / "previous", [CELLS, FACTS])
    return _with_rows(now, before, folder)


def _refuse_undated(reading: Reading, groups: pd.DataFrame, total: int) -> None:
    undated = groups[groups["span"] == "undated"]
    n = int(usable_rows(undated)["unusable"].sum())
    whole = pd.DataFrame({"outcome": ["unknown"], "kept": [total - n], "unusable": [n]})
    refuse_unusable(
        reading, whole, counted(undated, where=reading.where, sources=reading.known).set_aside, span="of the log"
    )


def _copied(reading: Reading, span: Period | None, target: Path) -> tuple[duckdb.DuckDBPyRelation, int | None]:
    """The one query over the log's rows: canonical rows of the span and of the one before; of Parquet, all its rows.

    Of a text log the rows outside stay, without their cells, so that every row of the log is counted in this pass.
    Parquet knows how many rows it has, and those outside are never read.
    """
    rows, total = reading.rows, None
    if span is not None:
        near = f"({inside(span.previous.start, span.end)}) OR {carried(span.previous.start)}"
        if reading.paths and not reading.is_text:
            rows = reading.hidden(near)
            files = [str(path) for path in reading.paths]
            known = reading.engine.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [files]).fetchall()
            total = int(known[0][0])
        else:
            others = [name for name in rows.columns if name != "opened_at"]
            kept = ", ".join(f"CASE WHEN {near} THEN {name} END AS {name}" for name in others)
            rows = rows.select(f"opened_at, {kept}, coalesce({near}, false) AS {NEAR}")
    try:
        rows.write_parquet(str(target))
    except duckdb.Error as error:
        raise LogError(f"cannot read {reading.where}: {first_line(error)}") from error
    written = reading.engine.read_parquet(str(target))
    # Rows without their cells repeat nothing.
    cut = NEAR in written.columns
    with_cells = written.filter(NEAR) if cut else written
    if (once := reading.once(with_cells)) is not with_cells:
        other = target.with_suffix(".once")
        (once.union(written.filter(f"NOT {NEAR}")) if cut else once).write_parquet(str(other))
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
    mine = groups[groups["span"].isin([which, "undated"])]
    facts = counted(mine, where=reading.where, sources=reading.known)
    # Of a row without a date nobody knows whether it is of this period: it is held against the log, not against one period.
    usable = usable_rows(groups[groups["span"] == which])
    undated = int(usable_rows(groups[groups["span"] == "undated"])["unusable"].sum())
    return PeriodLog(
        period=span, cells=pd.DataFrame(columns=[*CELL, *ENDS, *SUMS]),
        counts={**facts.counts, "other_periods": total - facts.counts["read"], **({"undated": undated} if undated else {})},
        set_aside=facts.set_aside,
        repaired=facts.repaired, files=reading.files, newest=facts.newest, simulated=facts.simulated,
        preset=reading.preset, source=source_of(reading), usable=usable,
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
    for kept in filter(None, (kept_period(folder, known=True) for folder in archive)):
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
