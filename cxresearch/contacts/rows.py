"""One log opened: its files, its engine, and its rows in canonical columns, which nobody has read yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import pandas as pd

from cxresearch.contacts.bank import bank_columns
from cxresearch.contacts.canonical import (
    DELIBERATE,
    HEADER,
    NOT_CHOSEN,
    PEOPLE,
    TOTALS,
    WORDS,
    LogError,
    LogQuestionError,
    first_line,
    listed,
    sql_text,
)
from cxresearch.contacts.columns import canonical_columns, columns_read, resolved, sources_of, unread_cells
from cxresearch.contacts.databases import fetch, is_database
from cxresearch.contacts.engine import connect
from cxresearch.contacts.facts import FileFacts, proved_whole
from cxresearch.contacts.files import (
    BANK,
    EVENTS,
    LINE,
    bank_lines,
    choose_files,
    has_quotes,
    lacking_columns,
    read_events,
    read_parquet,
    read_text,
)  # fmt: skip
from cxresearch.contacts.json_files import read_json
from cxresearch.contacts.keys import give_key, pseudonym
from cxresearch.contacts.layout import Layout
from cxresearch.contacts.mapping import LogMapping, Source, meant, parse_mapping, written
from cxresearch.contacts.places import Place, in_their_names, is_address, is_json, settled
from cxresearch.contacts.repeats import without_repeats
from cxresearch.contacts.suggest import meant_by
from cxresearch.contacts.tools import known_tools, mapping_for

_FEW_TOTALS = 5  # more than one line of five is no total


@dataclass(frozen=True, eq=False)
class Reading:
    """A log that is open: ``where`` names it, ``named`` is how it was asked for ("" for a frame).

    ``columns`` is the mapping as it was given, ``mapping`` as it was read. ``timezone`` is the zone of the report: what
    carries an offset is turned into it. ``layouts`` of the text files by path, ``names`` of all columns, ``places`` the files that are read.
    """

    engine: duckdb.DuckDBPyConnection
    files: pd.DataFrame
    where: str
    preset: str | None
    columns: Mapping[str, Any]
    mapping: LogMapping
    timezone: str = ""
    named: str = ""
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    names: Sequence[str] = ()
    places: Sequence[Place] = ()
    frame: duckdb.DuckDBPyRelation | None = None

    @cached_property
    def rows(self) -> duckdb.DuckDBPyRelation:
        """The canonical columns, ``simulated``, the reasons ``set_aside`` and ``repaired``, and marks of repeated rows."""
        return self._canonical(hidden=True)

    def hidden(self, rows: str) -> duckdb.DuckDBPyRelation:
        """:attr:`rows` that fulfil a condition on them, of a log that is no text: each person's pseudonym is made once.

        Hashing costs more than all else that is read of a row, and most people come more than once.
        """
        plain = self._canonical(hidden=False).filter(rows)
        people = [name for name in PEOPLE if name in self.known and name in plain.columns]
        try:
            for name in people:
                self.engine.execute(f"DROP TABLE IF EXISTS {name}_of")  # of another period of this log
                # No condition on the id: the engine would work it out once more to ask it.
                distinct = plain.select(f"{name} AS id").distinct()
                distinct.select(f"id, {pseudonym('id')} AS pseudonym").create(f"{name}_of")
                own = self.engine.table(f"{name}_of").set_alias("own")
                plain = (
                    plain.set_alias("plain")
                    .join(own, condition=f"plain.{name} = own.id", how="left")
                    .select(f"* EXCLUDE (id, pseudonym) REPLACE (pseudonym AS {name})")
                )
        except duckdb.Error as error:
            raise LogError(f"cannot read {self.where}: {first_line(error)}") from error
        return plain

    def _canonical(self, *, hidden: bool) -> duckdb.DuckDBPyRelation:
        with in_their_names(self.places):
            proved_whole(self.paths, quoted=has_quotes(self.preset))
        try:
            if self.preset == BANK:
                return bank_columns(bank_lines(self.engine, list(map(str, self.paths))))
            raw, broken = self.raw
            return canonical_columns(
                self.engine, raw, self.sources, self.mapping, timezone=self.timezone, broken=broken, hidden=hidden
            )
        except duckdb.Error as error:
            raise LogError(f"cannot read {self.where}: {first_line(error)}") from error

    def once(self, rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        """``rows``, or a part of them that was written down, with those set aside that repeat another."""
        if self.preset in (BANK, EVENTS):  # their rows are one for each time that somebody queued
            return rows
        return without_repeats(rows, self.mapping.repeats, where=self.where)

    def all_rows(self) -> duckdb.DuckDBPyRelation:
        """All rows of the log, repeated ones set aside. Text is parsed once and kept in the engine, Parquet stays where it is."""
        rows = self.rows
        if self.is_text:
            self.engine.execute("CREATE OR REPLACE TEMP TABLE log AS SELECT * FROM rows")
            rows = self.engine.table("log")
        return self.once(rows)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Where each canonical column comes from, and how its cells are read."""
        return resolved(
            self.records_alone, self.named_sources, timezone=self.timezone, text=self.is_text, where=self.where
        )

    @property
    def known(self) -> dict[str, Source]:
        """:attr:`sources` of a log with columns of its own; empty for formats that know theirs."""
        return {} if self.preset == BANK else self.sources

    @property
    def records_alone(self) -> duckdb.DuckDBPyRelation:
        """The log's own columns without the lines that hold no record.

        Totals are few: where many lines begin like one, it is a name such as "Total Care".
        """
        raw, _ = self.raw
        if LINE not in raw.columns:
            return raw
        n, totals = raw.aggregate(f"count(*), count(*) FILTER ({LINE} = {sql_text(TOTALS)})").fetchall()[0]
        left_out = f"{LINE} = {sql_text(HEADER)}" if totals * _FEW_TOTALS > n else f"{LINE} IS NOT NULL"
        return raw.filter(f"NOT coalesce({left_out}, false)")

    @cached_property
    def named_sources(self) -> dict[str, Source]:
        """Where each canonical column comes from, before a cell was looked at."""
        if self.frame is not None:
            return sources_of(self.frame.columns, self.mapping)
        return sources_of(self.names or self.raw[0].columns, self.mapping)

    @cached_property
    def raw(self) -> tuple[duckdb.DuckDBPyRelation, int]:
        """The log's own columns, and how many lines are not among them. Text is read once, into a private copy."""
        if self.frame is not None:
            return self.frame, 0
        if self.preset == EVENTS:
            return read_events(self.engine, list(map(str, self.paths))), 0
        read, who = columns_read(self.named_sources, self.mapping, self.names)
        broken = 0
        with in_their_names(self.places):
            if not self.is_text:
                raw = read_parquet(self.engine, self.places)
            elif any(map(is_json, self.paths)):
                raw = read_json(self.engine, self.places, read, ids=who)
            else:
                layouts = {str(path): self.layouts[str(path)] for path in self.paths}
                partitions = {str(place.path): place.partitions for place in self.places}
                raw, broken = read_text(self.engine, layouts, read, ids=who, where=self.where, partitions=partitions)
        return settled(raw, read, where=self.where), broken

    @property
    def paths(self) -> list[Path]:
        """The files that are read."""
        return [place.path for place in self.places]

    @property
    def is_text(self) -> bool:
        """Whether every look at a row parses text anew."""
        return any(not path.name.lower().endswith(".parquet") for path in self.paths)

    def records(self, facts: Sequence[FileFacts]) -> int | None:
        """How many records the bytes hold; None where a file is no text."""
        if self.preset == EVENTS:  # a contact has several lines
            return None
        if any(
            path.name.lower().removesuffix(".gz").endswith(".json") for path in self.paths
        ):  # a record may have several, too
            return None
        counted = [
            None if fact.records is None
            else max(fact.records + 1 - (self.layouts[fact.path].above if fact.path in self.layouts else 1), 0)
            for fact in facts
        ]  # fmt: skip
        return None if None in counted else sum(n for n in counted if n is not None)

    def refuse_lost(self, total: int, records: int | None) -> None:
        """LogError where fewer rows were read than the bytes hold records."""
        if records is not None and total < records:
            raise LogError(
                f"{self.where}: {records - total:,} of {records:,} records were lost in reading; a line may be broken or "
                "have other quotes. Look at the file, and leave no line without its cells."
            )


def open_log(
    source: Any,
    *,
    preset: str | None,
    columns: Mapping[str, Any] | None,
    timezone: str | None = None,
    query: str | None = None,
) -> Reading:
    """Recognise a log and its columns; of files only headers are read. See ``load`` and ``load_contacts``."""
    known = {tool.name: tool for tool in known_tools() if not tool.refused}
    if preset is not None and preset not in (BANK, EVENTS, *known):
        raise LogError(
            f"unknown preset {preset!r}{meant(preset, (BANK, EVENTS, *known))}; there are {BANK}, {EVENTS}, {', '.join(known)}, or map the "
            "columns with columns={...}."
        )
    if preset in (BANK, EVENTS) and columns:
        raise LogError("give preset or columns, not both: a preset knows its columns.")
    mapping = parse_mapping(columns)
    engine = connect()
    give_key(engine)
    if isinstance(source, list | tuple) and len(source) == 1:
        (source,) = source
    given: dict[str, Any] = {"columns": columns or {}, "mapping": mapping, "timezone": _zone(timezone)}
    if is_database(source):
        if preset in (BANK, EVENTS):
            raise LogError(f"{preset} is a format of text files; {source} is a database.")
        copy, preset, names = fetch(source, query, preset=preset, columns=columns)
        given["mapping"] = mapping_for(preset, names, columns)
        place = Place(copy.path, str(source), named=True, copy=copy)
        files = pd.DataFrame([{"path": place.name, "used": True, "reason": ""}])
        frame = engine.read_parquet(str(copy.path))
        where = place.name if is_address(source) else Path(source).name
        return Reading(
            engine, files, where, preset, **given, named=f"{source} {query or ''}".strip(), places=[place], frame=frame
        )
    if query:
        raise LogError(f"a query is for a database, and {source if isinstance(source, str) else 'the log'} is none.")
    if isinstance(source, str | Path) or (isinstance(source, Sequence) and not hasattr(source, "columns")):
        files, preset, layouts, names, places = choose_files(engine, source, preset, mapping)
        given["mapping"] = mapping_for(preset, names, columns)
        if preset == EVENTS:
            given["mapping"] = parse_mapping({"opened_at": {"column": "opened_at", "format": "epoch_s"}})
        own = preset not in (BANK, EVENTS)
        return Reading(
            engine, files, listed((place.path.name for place in places), most=6), preset, **given, named=str(source),
            layouts={str(place.path): layouts[str(place.path)] for place in places if str(place.path) in layouts and own},
            names=names if own else (), places=places,
        )  # fmt: skip
    engine, raw, where = _take_frame(engine, source)
    if lacking := lacking_columns(raw.columns, mapping):
        raise LogError(f"{where}: no {listed(lacking)}. It has the columns {listed(raw.columns)}.")
    reading = Reading(engine, pd.DataFrame(columns=["path", "used", "reason"]), where, preset, **given, frame=raw)
    reading.rows  # noqa: B018 a frame's columns cost nothing to look at: what is wrong is told here
    return reading


def _zone(name: str | None) -> str:
    try:
        return ZoneInfo(name).key if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise LogError(f'there is no time zone {name!r}; write for example timezone = "Europe/Berlin".') from error


@dataclass(frozen=True)
class Counted:
    """Every row of a span counted once. ``read = kept + set_aside``; ``other_periods`` are the rows outside.

    ``usable``: ``outcome, kept, unusable``, without the rows that are no contacts (``canonical.DELIBERATE``).
    """

    counts: dict[str, int]
    set_aside: pd.DataFrame
    repaired: pd.DataFrame
    newest: datetime | None
    simulated: bool
    usable: pd.DataFrame


def inside(start: str | date | None, end: str | date | None) -> str:
    """Rows of the span; a row without a readable date belongs to none and is counted as set aside."""
    limits = [f"opened_at {sign} TIMESTAMP '{pd.Timestamp(limit)}'"
              for sign, limit in ((">=", start), ("<", end)) if limit is not None]  # fmt: skip
    return f"opened_at IS NULL OR ({' AND '.join(limits)})"


GROUPS = "set_aside, repaired, outcome, channel, reply, simulated"


def group_rows(rows: duckdb.DuckDBPyRelation, by: str = "") -> pd.DataFrame:
    """Rows, oldest and newest ``opened_at`` by all that is counted of them, and by ``by``."""
    keys = f"{GROUPS}, {by}" if by else GROUPS
    return rows.aggregate(f"{keys}, count(*) AS rows, min(opened_at) AS oldest, max(opened_at) AS newest", keys).df()


def dated(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Rows for a span of time: one without a readable date is set aside."""
    return rows.select(
        "* REPLACE (CASE WHEN opened_at IS NULL THEN coalesce(set_aside, 'no readable opened_at') "
        "ELSE set_aside END AS set_aside)"
    )


def counted(groups: pd.DataFrame, *, where: str, sources: Mapping[str, Source] | None = None) -> Counted:
    """Every row counted once and the words checked, from :func:`group_rows`. Raises LogQuestionError for an unknown word,
    with the line that says what it means; ``sources`` are what is known of the columns."""
    kept = groups[groups["set_aside"].isna()]
    for column, words in WORDS.items():
        wrong = kept[kept[column].notna() & ~kept[column].isin(words)].groupby(column)["rows"].sum()
        if len(wrong):
            found = listed(f"{word!r} ({n:,} rows)" for word, n in wrong.sort_values(ascending=False).items())
            source = (sources or {}).get(column) or Source(columns=(column,))
            said = {**source.words, **meant_by(column, wrong.index)}
            raise LogQuestionError(
                f"{where}: column {column!r} holds {found}; known words are {', '.join(words)}"
                f"{' and set aside' * (column == 'outcome')}. Say which is which, for example: {written(column, source, words=said)}"
            )
    counts = {"read": int(groups["rows"].sum()), "kept": int(kept["rows"].sum())}
    counts["set_aside"] = counts["read"] - counts["kept"]
    newest = groups["newest"].max()
    return Counted(
        counts=counts,
        set_aside=_reasons(groups, "set_aside", "reason"),
        repaired=_reasons(kept, "repaired", "repair"),
        newest=None if pd.isna(newest) else newest.to_pydatetime(),
        simulated=bool(kept["simulated"].any()),
        usable=usable_rows(groups),
    )


def usable_rows(groups: pd.DataFrame) -> pd.DataFrame:
    """``outcome, kept, unusable``, without the rows that are no contacts, from :func:`group_rows`."""
    why = groups["set_aside"].astype("string")
    meant = groups[~(why.isin(DELIBERATE) | why.str.startswith(NOT_CHOSEN)).fillna(False)]
    outcome = meant["outcome"].where(meant["outcome"].isin(WORDS["outcome"]), "unknown")
    parts = pd.DataFrame({
        "outcome": outcome, "kept": meant["rows"].where(meant["set_aside"].isna(), 0),
        "unusable": meant["rows"].where(meant["set_aside"].notna(), 0),
    })  # fmt: skip
    return parts.groupby("outcome", as_index=False)[["kept", "unusable"]].sum().astype({"kept": int, "unusable": int})


def refuse_unusable(reading: Reading, usable: pd.DataFrame, set_aside: pd.DataFrame, *, span: str) -> None:
    """LogError where more rows cannot be used than the mapping allows: what is left would speak for nobody."""
    unusable, rows = int(usable["unusable"].sum()), int(usable[["kept", "unusable"]].sum().sum())
    limit = reading.mapping.unusable_up_to
    if unusable <= limit * rows:
        return
    by_outcome = "; ".join(
        f"{row.outcome}: {row.unusable:,} of {row.kept + row.unusable:,}" for row in usable.itertuples() if row.unusable
    )
    reasons = set_aside[~set_aside["reason"].isin(DELIBERATE) & ~set_aside["reason"].str.startswith(NOT_CHOSEN)]
    why = ", ".join(f"{reason}: {n:,}" for reason, n in reasons.head(3).itertuples(index=False))
    known = reading.preset not in (BANK, EVENTS)
    cells_ = unread_cells(reading.records_alone, reading.sources, timezone=reading.timezone) if known else []
    raise LogError(
        f"{reading.where}: {unusable:,} of {rows:,} rows {span} cannot be used ({why}); by outcome {by_outcome}. "
        + "".join(f"{one}. " for one in cells_)
        + f"What is left does not speak for all. To go on all the same: [columns] unusable_up_to = {math.ceil(100 * unusable / rows) / 100:g}"
    )


def no_contacts(groups: pd.DataFrame, *, where: str, span: str, total: int, first: Any, last: Any) -> LogError:
    """What is said of a span without contacts."""
    reasons = groups.groupby("set_aside")["rows"].sum() if len(groups) else pd.Series(dtype=int)
    aside = "".join(f"; set aside {n:,} ({reason})" for reason, n in reasons.items())
    return LogError(
        f"{where}: no contacts {span}{aside}. "
        + (
            f"None of its {total:,} rows has a readable opened_at."
            if pd.isna(first)
            else f"The log has {total:,} rows from {first} to {last}; choose a period inside it or give another log."
        )
    )


def _reasons(groups: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    found = groups.dropna(subset=[column]).groupby(column, as_index=False)["rows"].sum()
    return found.rename(columns={column: name}).sort_values(["rows", name], ascending=[False, True], ignore_index=True)


def _take_frame(
    engine: duckdb.DuckDBPyConnection, frame: Any
) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation, str]:
    if isinstance(frame, duckdb.DuckDBPyRelation):
        return engine, engine.from_arrow(frame.to_arrow_table()), "the relation"
    try:
        try:
            return engine, engine.sql("select * from frame"), "the frame"
        except duckdb.Error:
            if not isinstance(frame, pd.DataFrame):
                raise
            # A frame turned round is a view that runs backwards, which the engine does not read.
            frame = frame.copy()
            return engine, engine.sql("select * from frame"), "the frame"
    except duckdb.Error as error:
        raise LogError(
            f"cannot read a {type(frame).__module__}.{type(frame).__name__}: give a path, a pandas, Polars or Arrow "
            "frame; a Spark DataFrame with canonical columns goes to risk_table directly."
        ) from error
