"""A log's own columns to canonical ones: what is read from which, how, and why a row is set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from cxresearch.contacts import cells
from cxresearch.contacts.canonical import (
    CANONICAL,
    HEADER,
    NO_CONTACT,
    NOT_CHOSEN,
    PEOPLE,
    SLOW,
    TOTALS,
    WORDS,
    LogError,
    LogQuestionError,
    sql_text,
)
from cxresearch.contacts.files import BROKEN, LINE
from cxresearch.contacts.mapping import DURATIONS, SET_ASIDE, LogMapping, Source, find_column, written
from cxresearch.contacts.profile import number_source, plausible_unit, time_source, yes_or_no
from cxresearch.contacts.repeats import NEWEST, ROW

# From here on a double does not tell one second from the next, and no wait is counted.
LONGEST_WAIT_S = 2**53
CLEAN = "__clean"  # a mark among the types of columns: text is as cells.text gives it
_EMPTY, _FEW = 0.05, 5  # of the rows: more of them without an outcome is a way of saying something
_NUMBER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                 "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


def sources_of(names: Sequence[str], mapping: LogMapping) -> dict[str, Source]:
    """Where each canonical column comes from in a log with these column names; what has no source is not in it."""
    found = {}
    for name in CANONICAL:
        source = mapping.sources.get(name, Source())
        if name in mapping.off:
            continue
        if not source.read and source.value is None:
            own = find_column(name, names)
            if own is None:
                continue
            source = replace(source, columns=(own,))
        found[name] = source
    return found


def columns_read(
    sources: Mapping[str, Source], mapping: LogMapping, names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The columns of a log with these names that are read at all, and which of them are ids of people."""
    read = {column: None for source in sources.values() for column in source.read}
    others = [*mapping.rows, *mapping.same, *mapping.same.values(), *([mapping.newest] if mapping.newest else [])]
    read |= dict.fromkeys(others)
    if simulated := find_column("simulated", names):
        read[simulated] = None
    return list(read), [column for name in PEOPLE if name in sources for column in sources[name].columns]


def resolved(
    raw: duckdb.DuckDBPyRelation, sources: Mapping[str, Source], *, timezone: str, text: bool, where: str
) -> dict[str, Source]:
    """``sources`` with what their cells were found to be: formats of times, signs of numbers, units of spans.

    Raises LogQuestionError where two readings fit, LogError for a word that is no yes or no and for times that need a zone.
    """
    types = dict(zip(raw.columns, map(str, raw.types), strict=True))
    found = dict(sources)
    for name, source in sources.items():
        if source.start:
            formats = [source.format] if source.format else []
            for column in (source.start, *source.ends):
                one = Source(columns=(column,), format=source.format, zone=source.zone)
                if _kind(types[column]) in ("text", "number"):
                    formats.append(time_source(raw, name, one, timezone=timezone, where=where, line=source).format)
            # Each column may be written in a way of its own.
            found[name] = replace(source, format="\n".join(dict.fromkeys("\n".join(filter(None, formats)).split("\n"))))
            continue
        if not source.columns:
            continue
        kind, column = _kind(types[source.columns[0]]), source.columns[0]
        if name == "opened_at" and kind in ("text", "zoned", "number"):
            found[name] = time_source(raw, name, source, timezone=timezone, where=where)
        elif CANONICAL[name] == "DOUBLE" and kind == "text":
            found[name] = number_source(raw, name, source, span=name in DURATIONS, where=where)
        elif name == "queued" and kind != "bool":
            yes_or_no(raw, name, source, _worded(cells.text(column), source), where=where)
    wait = found["wait_s"]
    if text and wait.columns and not sources["wait_s"].unit and not wait.unit:
        # A message may wait for days; on the line nobody does.
        channel = _cell("channel", found["channel"], types, timezone) if "channel" in found else "NULL"
        live = raw.filter(f"coalesce({channel}, '') NOT IN ({', '.join(map(sql_text, SLOW))})")
        seconds = _cell("wait_s", wait, types, timezone)
        plausible_unit(live, "wait_s", sources["wait_s"], seconds, where=where)
    _asked_of_outcome(raw, found["outcome"], where=where)
    return found


def _asked_of_outcome(raw: duckdb.DuckDBPyRelation, source: Source, *, where: str) -> None:
    """An empty cell may be a way of saying that nobody answered."""
    if not source.columns or source.missing or source.filled:
        return
    column = source.columns[0]
    n, said, word = raw.aggregate(f"count(*), count({cells.text(column)}), any_value({cells.text(column)})").fetchall()[
        0
    ]
    if said and n - said > max(_EMPTY * n, _FEW):
        lost = "abandoned" in source.words.values() and "answered" not in source.words.values()
        likely, other = ("answered", "abandoned") if lost else ("abandoned", "answered")
        raise LogQuestionError(
            f"{where}: outcome ({column!r}) is empty in {n - said:,} of {n:,} rows, in the others it says such as {word!r}. Say "
            f'what an empty cell means: {written("outcome", source, missing=likely)}, or "{other}", or "open" (still waiting).'
        )


def canonical_columns(
    engine: duckdb.DuckDBPyConnection,
    raw: duckdb.DuckDBPyRelation,
    sources: Mapping[str, Source],
    mapping: LogMapping,
    *,
    timezone: str,
    broken: int = 0,
    hidden: bool = True,
) -> duckdb.DuckDBPyRelation:
    """Canonical columns, ``simulated``, the reasons ``set_aside`` and ``repaired`` of every row, and the marks by which
    ``repeats.without_repeats`` knows it again.

    ``broken`` rows that the reader could not take apart are added, set aside. Not ``hidden``: ids of people stand as they
    are, for who makes their pseudonyms (``rows.Reading.hidden``).
    """
    raw, types = _cleaned(raw)
    chosen = []
    for name, kind in CANONICAL.items():
        cell = _cell(name, sources[name], types, timezone, hidden=hidden) if name in sources else "NULL"
        chosen.append(f"CAST({cell} AS {kind}) AS {name}")
    simulated = find_column("simulated", raw.columns)
    chosen.append(f"coalesce({_truth(simulated, types)}, false) AS simulated" if simulated else "false AS simulated")
    chosen.append(f"{_left_out(mapping, raw.columns, types)} AS left_out")
    chosen.append(f"{cells.column(LINE) if LINE in types else 'CAST(NULL AS VARCHAR)'} AS line")
    chosen.append(f"{_unread(sources, types)} AS unread")
    marks = [ROW] if ROW in types else []
    if mapping.newest:
        # As text where it is no time: then a later one must sort behind an earlier one.
        newest = find_column(mapping.newest, raw.columns) or mapping.newest
        text = _clean(newest, types)
        as_time = cells.moment(text, timezone=timezone)
        chosen.append(f"coalesce(CAST({as_time} AS VARCHAR), {text}) AS {NEWEST}")
        marks.append(NEWEST)
    chosen += [ROW] if ROW in types else []
    chosen.append(f"{_empty(sources.get('wait_s'), types)} AS waiting")
    table = raw.select(", ".join(chosen))
    if sources["wait_s"].missing == "open":
        # Without an answer the wait lasts until the log ends.
        end = table.aggregate("max(opened_at)").fetchall()[0][0]
        if end is None:
            raise LogError(
                'wait_s: missing = "open" lasts until the log ends, and no row has a readable opened_at; map it.'
            )
        table = table.select(
            f"* REPLACE (CASE WHEN waiting THEN epoch(TIMESTAMP '{end}' - opened_at) ELSE wait_s END AS wait_s, "
            "CASE WHEN waiting AND outcome = 'answered' THEN 'open' ELSE outcome END AS outcome)"
        )
    # A line of totals has no time; where no row has one, it has no outcome either.
    totals = f"line = {sql_text(TOTALS)} AND opened_at IS NULL" if "opened_at" in sources else "false"
    reason = (
        f"CASE WHEN line = {sql_text(HEADER)} OR ({totals}) THEN line "
        "WHEN left_out IS NOT NULL THEN left_out "
        "WHEN outcome IS NULL THEN 'no outcome' "
        f"WHEN outcome = {sql_text(SET_ASIDE)} THEN {sql_text(NO_CONTACT)} "
        f"WHEN wait_s IS NULL OR NOT abs(wait_s) < {LONGEST_WAIT_S} THEN 'no readable wait_s' "
        "WHEN wait_s < 0 THEN 'negative wait_s' END AS set_aside"
    )
    # What is no length of time is unknown; the contact stays.
    known = {name: f"isfinite({name}) AND {name} >= 0" for name in ("handle_s", "promised_s")}
    times = ", ".join(f"CASE WHEN {holds} THEN {name} END AS {name}" for name, holds in known.items())
    cases = " ".join(f"WHEN NOT ({holds}) THEN '{name} is no time: left unknown'" for name, holds in known.items())
    table = table.select(f"* EXCLUDE (left_out, line, unread, waiting) REPLACE ({times}), {reason}, "
                         f"CASE {cases} ELSE unread END AS repaired")  # fmt: skip
    if broken:
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in CANONICAL.items())
        table = table.union(
            engine.sql(
                f"SELECT {nothing}, false AS simulated{''.join(f', NULL AS {mark}' for mark in marks)}, {sql_text(BROKEN)} AS "
                f"set_aside, CAST(NULL AS VARCHAR) AS repaired FROM range({broken})"
            )
        )
    return table


def unread_cells(raw: duckdb.DuckDBPyRelation, sources: Mapping[str, Source], *, timezone: str) -> list[str]:
    """Of each column without which a row is of no use: a cell that cannot be read or how many are empty, and what to write."""
    types, said = dict(zip(raw.columns, map(str, raw.types), strict=True)), []
    for name, example in (("opened_at", {"format": "%d.%m.%Y %H:%M"}), ("wait_s", {"unit": "min"}), ("outcome", {})):
        source = sources.get(name)
        if source is None or not source.read:
            continue
        column = (source.ends or source.columns)[0]
        cell = cells.text(column)
        empty, wrong, which = raw.aggregate(
            f"count(*) FILTER ({cell} IS NULL), count(*) FILTER ({cell} IS NOT NULL AND ({_cell(name, source, types, timezone)}) IS NULL), "
            f"any_value({cell}) FILTER ({cell} IS NOT NULL AND ({_cell(name, source, types, timezone)}) IS NULL)"
        ).fetchall()[0]
        if wrong:
            line = (
                f"; if they are written otherwise, say how: {written(name, source, **example)}"
                if source.columns
                else ""
            )
            more = f" and {wrong - 1:,} more" if wrong > 1 else ""
            said.append(f"{name} ({column!r}): {which!r}{more} cannot be read{line}")
        elif empty and name == "wait_s" and not source.missing:
            said.append(f'{name} ({column!r}) is empty in {empty:,} rows; if nobody has answered yet: missing = "open"')
        elif empty and not source.missing:
            said.append(f"{name} ({column!r}) is empty in {empty:,} rows")
    return said


def _text(column: str, types: Mapping[str, str]) -> str:
    """A cell as text; a text log was copied with its cells as :func:`cells.text` gives them."""
    return cells.column(column) if LINE in types else _clean(column, types)


def _clean(column: str, types: Mapping[str, str]) -> str:
    """:func:`cells.text` of a cell, worked out once where it is text (:func:`_cleaned`)."""
    return cells.column(column) if CLEAN in types and types[column] == "VARCHAR" else cells.text(column)


def _cleaned(raw: duckdb.DuckDBPyRelation) -> tuple[duckdb.DuckDBPyRelation, dict[str, str]]:
    """``raw`` with its cells of text as :func:`cells.text` gives them, and the types of its columns.

    In a query below the one that reads them: what an expression names often is worked out as often, on every row.
    """
    types = dict(zip(raw.columns, map(str, raw.types), strict=True))
    text = [] if LINE in types else [name for name in raw.columns if types[name] == "VARCHAR"]
    if not text:
        return raw, types
    clean = ", ".join(f"{cells.text(name)} AS {cells.column(name)}" for name in text)
    return raw.select(f"* REPLACE ({clean})"), {**types, CLEAN: ""}


def _kind(type_: str) -> str:
    """What a column holds already: number, bool, moment, zoned, span; else it is read as text."""
    if type_.startswith(_NUMBER_TYPES):
        return "number"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return "zoned"
    if type_.startswith("TIMESTAMP") or type_ == "DATE":
        return "moment"
    return {"BOOLEAN": "bool", "INTERVAL": "span", "TIME": "span"}.get(type_, "text")


def _cell(name: str, source: Source, types: Mapping[str, str], timezone: str, *, hidden: bool = True) -> str:
    """One canonical cell as an expression over the log's columns."""
    if source.value is not None:
        return sql_text(source.value)
    if source.start:
        first, *others = (_instant(c, source, types, timezone) for c in (source.start, *source.ends))
        return f"epoch(coalesce({', '.join(others)}) - {first})"
    column = source.columns[0]
    kind = _kind(types[column])
    if name == "opened_at":
        if len(source.columns) > 1:
            both = " || ' ' || ".join(_clean(one, types) for one in source.columns)
            return cells.moment(both, _formats(source), zone=source.zone, timezone=timezone)
        return _moment(column, source, types, timezone)
    if name in DURATIONS:
        size = cells.SECONDS.get(source.unit, 1.0)
        if kind == "span":
            return f"epoch({cells.column(column)})"
        if kind == "number" or source.plain:
            return f"TRY_CAST({cells.column(column)} AS DOUBLE)" + (f" * {size}" if size != 1 else "")
        return cells.duration(_text(column, types), source.unit, source.decimal, source.thousands)
    if name == "value":
        cell = _text(column, types)
        return (
            f"CAST({cells.column(column)} AS DOUBLE)" if kind == "number"
            else cells.number(cell, source.decimal, source.thousands)
        )  # fmt: skip
    if name == "queued":
        return _truth(column, types, source)
    if name == "contact_id":
        return cells.key(_text(column, types))
    if name in PEOPLE:
        # A text log was copied with pseudonyms in place of ids.
        if not hidden and ROW not in types:
            return cells.key(_text(column, types))
        who = cells.column(column) if ROW in types else cells.person(_text(column, types))
        return f"nullif({who}, {sql_text(cells.CUT_ID)})"
    word = _worded(_text(column, types), source)
    if name == "queue":
        return cells.name(word)
    return f"lower({word})" if name in WORDS else word


def _moment(column: str, source: Source, types: Mapping[str, str], timezone: str) -> str:
    kind = _kind(types[column])
    if kind == "zoned":
        return _in_calendar(f"timezone({sql_text(timezone)}, {cells.column(column)})")
    if kind == "moment":
        local = f"CAST({cells.column(column)} AS TIMESTAMP)"
        if source.zone:
            local = f"timezone({sql_text(timezone)}, timezone({sql_text(source.zone)}, {local}))"
        return _in_calendar(local)
    if source.plain:
        return cells.cast_moment(column, zone=source.zone, timezone=timezone)
    return cells.moment(_text(column, types), _formats(source), zone=source.zone, timezone=timezone)


def _in_calendar(time: str) -> str:
    """Infinity, and years that stand for no time, are none."""
    return f"CASE WHEN year({time}) BETWEEN 1970 AND 2200 THEN {time} END"


def _instant(column: str, source: Source, types: Mapping[str, str], timezone: str) -> str:
    """A time from which others may be taken away: in UTC, so that no clock is put forward or back between them."""
    return _moment(column, replace(source, zone=source.zone or timezone), types, "UTC")


def _formats(source: Source) -> list[str]:
    return source.format.split("\n") if source.format else []


def _worded(cell: str, source: Source) -> str:
    """A word in its meaning; what has none stands as it is."""
    cases = [f"WHEN {cell} IS NULL THEN {sql_text(source.missing) if source.missing else 'NULL'}"]
    cases += [f"WHEN lower({cell}) = {sql_text(word)} THEN {sql_text(means)}" for word, means in source.words.items()]
    return f"CASE {' '.join(cases)} ELSE {sql_text(source.filled) if source.filled else cell} END"


def _truth(column: str, types: Mapping[str, str], source: Source | None = None) -> str:
    if _kind(types[column]) == "bool":
        return cells.column(column)
    return cells.truth(_worded(_text(column, types), source or Source()))


def _left_out(mapping: LogMapping, names: Sequence[str], types: Mapping[str, str]) -> str:
    """Why ``rows`` of the mapping leaves a row out."""
    cases = []
    for column, words in mapping.rows.items():
        own = find_column(column, names) or column
        wanted = ", ".join(map(sql_text, words))
        cases.append(
            f"WHEN coalesce(lower({_clean(own, types)}), '') NOT IN ({wanted}) THEN "
            f"{sql_text(f'{NOT_CHOSEN}: {column} is not ' + ' or '.join(words))}"
        )
    for column, other in mapping.same.items():
        mine, theirs = (_clean(find_column(name, names) or name, types) for name in (column, other))
        cases.append(f"WHEN {mine} <> coalesce({theirs}, '') THEN {sql_text(f'{NOT_CHOSEN}: {column} is not {other}')}")
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"


def _unread(sources: Mapping[str, Source], types: Mapping[str, str]) -> str:
    """The first optional column with a cell that says something which cannot be read: it is left unknown, and said."""
    cases = []
    for name in ("handle_s", "promised_s", "value"):
        source = sources.get(name)
        if source and source.columns and _kind(types[source.columns[0]]) == "text":
            cell = _cell(name, source, types, "")
            cases.append(
                f"WHEN {_text(source.columns[0], types)} IS NOT NULL AND ({cell}) IS NULL "
                f"THEN {sql_text(f'{name}: a cell that cannot be read: left unknown')}"
            )
    cut = []
    for name in ("contact_id", *PEOPLE):
        source = sources.get(name)
        if source and source.columns:
            cell = _text(source.columns[0], types)
            known = f"{cell} = {sql_text(cells.CUT_ID)}" if name in PEOPLE and ROW in types else cells.is_cut(cell)
            cut.append(f"CASE WHEN {known} THEN {sql_text(name)} END")
    if cut:
        names = f"concat_ws(' and ', {', '.join(cut)})"
        why = ": cut by a spreadsheet, such as 1.23E+11: left unknown"
        cases.append(f"WHEN {names} <> '' THEN {names} || {sql_text(why)}")
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"


def _empty(source: Source | None, types: Mapping[str, str]) -> str:
    if source is None or not source.read:
        return "false"
    return " AND ".join(f"{_clean(column, types)} IS NULL" for column in source.ends or source.columns)
