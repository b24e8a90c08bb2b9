"""The files of a log: which are read, what their bytes say of them, and one relation over all of them."""

from __future__ import annotations

import codecs
import functools
import gzip
import re
import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from cxresearch.contacts import cells
from cxresearch.contacts.bank import BANK_HEADER
from cxresearch.contacts.canonical import (
    HEADER,
    REQUIRED,
    TOTAL_LINE,
    TOTALS,
    LogError,
    LogQuestionError,
    first_line,
    listed,
    sql_text,
)
from cxresearch.contacts.facts import repeated
from cxresearch.contacts.json_files import json_columns, json_rows
from cxresearch.contacts.layout import SHEET, Layout, mixed_ends, text_layout, text_rows
from cxresearch.contacts.locate import find_places
from cxresearch.contacts.mapping import LogMapping, find_column, meant, to_toml
from cxresearch.contacts.memory import folder_for_copies, remembered
from cxresearch.contacts.places import (
    SHEETS,
    SUFFIXES,
    Place,
    constants_of,
    in_their_names,
    is_json,
    literal,
    said_by_folders,
)
from cxresearch.contacts.repeats import ROW
from cxresearch.contacts.sheets import sheet_as_text, sheet_layout, sheet_text
from cxresearch.contacts.suggest import MOST, seen_of, suggested, sums
from cxresearch.contacts.tools import recognised

BANK, EVENTS = "anonymous_bank", "asterisk_queue_log"
_EVENT_WORDS = {"ENTERQUEUE", "CONNECT", "ABANDON", "COMPLETECALLER", "COMPLETEAGENT", "EXITWITHTIMEOUT"}
_PART = 1 << 22
BROKEN = "more cells than columns"
LINE = "__line"  # what a line is that holds no record: the header again, or a line of totals


def choose_files(
    engine: duckdb.DuckDBPyConnection, source: Any, preset: str | None, mapping: LogMapping
) -> tuple[pd.DataFrame, str | None, dict[str, Layout], list[str], list[Place]]:
    """Which files are read: (path, used, reason), the preset, recognised where none was named, the layouts of text, the
    names of all columns, and the files that are used."""
    places = find_places(source)
    with in_their_names(places):
        return _chosen(engine, places, preset, mapping)


def _chosen(
    engine: duckdb.DuckDBPyConnection, places: Sequence[Place], preset: str | None, mapping: LogMapping
) -> tuple[pd.DataFrame, str | None, dict[str, Layout], list[str], list[Place]]:
    layouts: dict[str, Layout] = {}
    looked = [place for place in places if not place.left_out]
    headers = {}
    for place in looked:
        own = _header(engine, place.path, mapping, layouts)
        headers[place] = [*own, *(name for name in place.partitions if find_column(name, own) is None)]
    presets = {place: _preset_of(place.path, names, mapping, layouts) for place, names in headers.items()}
    # A preset found in one file of a folder speaks for all of them.
    if preset is None and not mapping.sources:
        preset = next(filter(None, presets.values()), None)
    why = {place: place.left_out for place in places}
    for place, names in headers.items():
        if preset:
            # What is said beside a preset must be there, too.
            lacking = [one for one in lacking_columns(names, mapping) if "(for " in one]
            why[place] = f"no {listed(lacking)}" if lacking else ""
            if presets[place] != preset:
                why[place] = f"not the columns of {preset}"
        else:
            lacking = lacking_columns(names, mapping)
            why[place] = f"no {listed(lacking)}" if lacking else ""
    refused = [place for place in looked if why[place]]
    if refused and (any(place.named for place in refused) or len(refused) == len(looked)):
        first = refused[0]
        seen = cells_seen(engine, first.path, headers[first], layouts)
        raise unfit(first.name, why[first], headers[first], preset, mapping, seen)
    used = [place for place in looked if not why[place]]
    named = {place.path: place for place in used}
    for path, first_path in repeated([(place.path, tuple(place.partitions.items())) for place in used]).items():
        why[named[path]] = f"the same rows as {named[first_path].name}"
    files = pd.DataFrame([{"path": place.name, "used": not why[place], "reason": why[place]} for place in places])
    used = [place for place in used if not why[place]]
    return files, preset, layouts, list(dict.fromkeys(name for place in used for name in headers[place])), used


def unfit(
    where: str,
    why: str,
    names: Sequence[str],
    preset: str | None,
    mapping: LogMapping,
    seen: Mapping[str, Sequence[str]],
) -> LogError:
    """What is said of a log whose columns do not fit, with the lines to paste where they can be guessed."""
    said = f"{where}: {why}. It has the columns {listed(names)}. "
    lacking = next(
        (name for name in REQUIRED if name not in mapping.sources and find_column(name, names) is None), "wait_s"
    )
    right = f"Name the right ones: --map '{lacking} = \"Column\"' (in Python mapping={{...}}, in the report's TOML [columns])."
    if preset:
        return LogError(f"{said}{right}")
    if not mapping.sources and (reason := sums(names, seen)):
        return LogError(f"{said}By its names {reason}. Export one row a contact. If that is wrong: {right}")
    there = {
        name: source for name, source in mapping.sources.items() if all(find_column(c, names) for c in source.read)
    }
    lines = suggested(names, seen, there)
    if "opened_at" not in lines:
        lines["opened_at"] = "# No column looks like the time of opening, and a report is of a period."
    if mapping.rows:  # given, and no guess
        lines["rows"] = f"rows = {to_toml({column: list(words) for column, words in mapping.rows.items()})}"
    if not set(REQUIRED) <= set(lines):
        unknown = " and ".join(name for name in REQUIRED if name not in lines)
        return LogError(f"{said}None of them looks like {unknown}. {right}")
    return LogQuestionError(
        f"{said}By their names and words they could be read so. Look at every line, then put them into the report's "
        "TOML (in Python: mapping={...}):\n\n[columns]\n" + "\n".join(lines.values()),
        lines.values(),
    )


def cells_seen(
    engine: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str], layouts: Mapping[str, Layout]
) -> dict[str, tuple[str, ...]]:
    """The cells of a file's first rows by column."""
    if is_json(path):
        return seen_of(names, json_rows(engine, path, names))
    if path.name.lower().endswith(".parquet"):
        columns = ", ".join(f"CAST({cells.column(name)} AS VARCHAR)" for name in names)
        some = engine.read_parquet(literal(path)).select(columns).limit(MOST).fetchall()
        return seen_of(names, ([cell or "" for cell in row] for row in some))
    layout = layouts[str(path)]
    if layout.encoding != SHEET:
        return seen_of(names, text_rows(path, layout))
    with sheet_text(path) as text:
        return seen_of(names, text_rows(text, replace(layout, encoding="utf-8")))


def has_quotes(preset: str | None) -> bool:
    """Whether a quote holds a cell together in the text of this format."""
    return preset not in (BANK, EVENTS)


def _preset_of(path: Path, names: Sequence[str], mapping: LogMapping, layouts: Mapping[str, Layout]) -> str | None:
    """The tool whose export a file is; None for canonical columns and for those that nobody knows."""
    if tuple(name.strip() for name in names) == BANK_HEADER:
        return BANK
    layout = layouts.get(str(path))
    if layout is not None and not layout.header and layout.delimiter == "|" and _is_event_log(path):
        return EVENTS
    if mapping.sources or not lacking_columns(names, mapping):
        return None
    tool = recognised(names)
    if tool is not None and tool.refused:
        raise LogError(f"{path}: this looks like {tool.title}: {tool.refused}.")
    return tool.name if tool else None


def _is_event_log(path: Path) -> bool:
    with gzip.open(path, "rt", errors="replace") if path.name.endswith(".gz") else path.open(errors="replace") as text:
        events = {line.split("|")[4] for line in text.readlines(1 << 16) if line.count("|") >= 4}
    return bool(events & _EVENT_WORDS)


def _header(
    engine: duckdb.DuckDBPyConnection, path: Path, mapping: LogMapping, layouts: dict[str, Layout]
) -> Sequence[str]:
    """Column names of one file; LogError names a file that cannot be read."""
    name = path.name.lower()
    try:
        if name.endswith(".parquet"):
            found = functools.partial(lambda: list(engine.read_parquet(literal(path), hive_partitioning=False).columns))
            return list(remembered("headers", path, found, _are_names))
    except (OSError, duckdb.Error) as error:
        raise LogError(f"cannot read {path}: {first_line(error)}. Replace it or leave it out.") from error
    if is_json(path):
        return list(remembered("headers", path, lambda: json_columns(engine, path), _are_names))
    if not name.endswith(SUFFIXES) and name != "queue_log":
        raise LogError(f"{path}: the log's files end in {', '.join(SUFFIXES)}.")
    if name.endswith(SHEETS):
        layout = _as_layout(remembered("layouts", path, lambda: list(astuple(sheet_layout(path))), _is_layout))
    elif any(given is not None for given in mapping.layout.values()):
        layout = text_layout(path, **mapping.layout)
    else:
        layout = _as_layout(remembered("layouts", path, lambda: list(astuple(text_layout(path))), _is_layout))
    layouts[str(path)] = layout
    return layout.names


def _as_layout(said: list[Any]) -> Layout:
    encoding, delimiter, skip, above, names, header = said
    return Layout(encoding, delimiter, skip, above, tuple(names), header)


def _is_layout(value: Any) -> bool:
    return (
        isinstance(value, list) and list(map(type, value[:4])) == [str, str, int, int] and len(value) == 6
        and isinstance(value[4], list | tuple) and all(isinstance(name, str) for name in value[4]) and isinstance(value[5], bool)
    )  # fmt: skip


def lacking_columns(names: Sequence[str], mapping: LogMapping) -> list[str]:
    """What the log must have and has not: required canonical columns and every mapped column."""
    lacking = [
        f"column {column!r} (for {name}){meant(column, names)}"
        for name, source in mapping.sources.items()
        for column in source.read
        if find_column(column, names) is None
    ]
    others = [
        *((column, "rows") for column in (*mapping.rows, *mapping.same, *mapping.same.values())),
        *([(mapping.newest, "repeats")] if mapping.newest else []),
    ]
    lacking += [f"column {column!r} (for {key})" for column, key in others if find_column(column, names) is None]
    return lacking + [f"column {c!r}" for c in REQUIRED if c not in mapping.sources and find_column(c, names) is None]


def bank_lines(engine: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """Whole lines: some months of the bank's log lost a tab, and a reader of cells would shift the columns."""
    try:
        return engine.read_csv(
            [literal(p) for p in paths], header=True, sep="\x01", quotechar="", escapechar="", columns={"line": "VARCHAR"},
            hive_partitioning=False,
        )  # fmt: skip
    except duckdb.Error as error:
        raise LogError(f"cannot read {listed(paths)}: {first_line(error)}") from error


def read_events(engine: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """Contacts from the events of an Asterisk queue_log, in canonical names: one for each time that a call entered a queue.

    A call that was sent away (timeout, nobody there) counts as one that gave up, one that left by a key as deflected.
    """
    files = ", ".join(sql_text(literal(path)) for path in paths)
    cells_ = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(1, 10))
    ends = "'CONNECT', 'ABANDON', 'EXITWITHTIMEOUT', 'EXITEMPTY', 'LEAVEEMPTY', 'EXITWITHKEY'"
    return engine.sql(
        f"""
        WITH events AS (
            SELECT *, row_number() OVER () AS line FROM read_csv([{files}], auto_detect=false, header=false, delim='|', quote='',
            escape='', comment='', columns={{{cells_}}}, null_padding=true)),
        visits AS (
            SELECT *, sum(CASE WHEN c5 = 'ENTERQUEUE' THEN 1 ELSE 0 END) OVER (PARTITION BY c2 ORDER BY line) AS visit
            FROM events WHERE c2 NOT IN ('NONE', 'REALTIME')),
        ended AS (
            SELECT c2, visit, any_value(c3) AS queue, min(c1) FILTER (c5 = 'ENTERQUEUE') AS opened_at,
                any_value(c7) FILTER (c5 = 'ENTERQUEUE') AS who, min_by(c5, line) FILTER (c5 IN ({ends})) AS ending,
                min_by(CASE c5 WHEN 'CONNECT' THEN c6 WHEN 'EXITWITHKEY' THEN coalesce(c9, c8) ELSE c8 END, line)
                    FILTER (c5 IN ({ends})) AS wait_s,
                any_value(c7) FILTER (c5 IN ('COMPLETECALLER', 'COMPLETEAGENT')) AS handle_s
            FROM visits WHERE visit > 0 GROUP BY c2, visit)
        SELECT c2 || '-' || CAST(visit AS INTEGER) AS contact_id, {cells.person("nullif(trim(who), '')")} AS customer_key,
            'phone' AS channel, queue, opened_at, wait_s, handle_s, hash(c2, visit) AS {ROW},
            CASE ending WHEN 'CONNECT' THEN 'answered' WHEN 'EXITWITHKEY' THEN 'deflected' ELSE
                CASE WHEN ending IS NULL THEN 'open' ELSE 'abandoned' END END AS outcome
        FROM ended
        """
    )


def read_parquet(engine: duckdb.DuckDBPyConnection, places: Sequence[Place]) -> duckdb.DuckDBPyRelation:
    """One relation over Parquet files, each column where it is there."""
    if any(not place.path.name.lower().endswith(".parquet") for place in places):
        raise LogError("Parquet and text files in one log: name one kind, for example log='folder/*.parquet'.")
    files = [literal(place.path) for place in places]
    try:
        if not any(place.partitions for place in places):
            return engine.read_parquet(files, union_by_name=True, hive_partitioning=False)
        query = (
            f"read_parquet([{', '.join(map(sql_text, files))}], union_by_name=true, hive_partitioning=false, "
            "filename='__file')"
        )
        return said_by_folders(engine, query, places, file="__file")
    except duckdb.Error as error:
        names = listed(place.name for place in places)
        raise LogError(f"cannot read {names}: {first_line(error)}") from error


def read_text(
    engine: duckdb.DuckDBPyConnection,
    layouts: Mapping[str, Layout],
    columns: Sequence[str],
    *,
    ids: Sequence[str],
    where: str,
    partitions: Mapping[str, Mapping[str, str | None]],
) -> tuple[duckdb.DuckDBPyRelation, int]:
    """The ``columns`` of text files as text, each file by its own layout, read once into a private copy.

    A column that a file lacks is NULL. Columns that are ``ids`` are copied as their keys, so that no id stands in the
    copy. ``ROW`` is a mark of all cells of the row. ``partitions`` are the columns that folders say, by file. Returns the relation, and how many lines had more cells than columns:
    they are not in it.
    """
    folder = folder_for_copies()
    weakref.finalize(engine, shutil.rmtree, folder, ignore_errors=True)  # at the latest when the process ends
    try:
        return _copied(engine, layouts, columns, folder, ids=ids, where=where, partitions=partitions)
    except BaseException:  # a file in other letters has the ids in it
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _copied(
    engine: duckdb.DuckDBPyConnection,
    layouts: Mapping[str, Layout],
    columns: Sequence[str],
    folder: Path,
    *,
    ids: Sequence[str],
    where: str,
    partitions: Mapping[str, Mapping[str, str | None]],
) -> tuple[duckdb.DuckDBPyRelation, int]:
    """:func:`read_text` into ``folder``."""
    same: dict[tuple[Layout, tuple[str, ...]], list[str]] = {}
    for path, layout in layouts.items():
        same.setdefault((layout, tuple(constants_of(partitions[path], columns))), []).append(path)
    broken = 0
    for number, ((layout, constants), paths) in enumerate(same.items()):
        if layout.encoding == SHEET:
            paths = [sheet_as_text(Path(path), folder) for path in paths]
        else:
            plain = layout.encoding in ("utf-8", "utf-8-sig")
            paths = [
                path if plain and not mixed_ends(Path(path)) else _as_utf8(path, layout.encoding, folder)
                for path in paths
            ]
        values = [constant.rsplit(" AS ", 1)[0] for constant in constants]
        asked = [
            f"hash({', '.join([*map(cells.column, layout.names), *values])}) AS {ROW}",
            f"{_line(layout)} AS {LINE}",
            *constants,
        ]
        for name in columns:
            there = find_column(name, layout.names)
            cell = "CAST(NULL AS VARCHAR)" if there is None else cells.text(there)
            asked.append(f"{cell} AS {cells.column(name)}")
        # Of cells that are clean already: an expression that names a cell often is worked out as often.
        people = [f"{cells.person(cells.column(name))} AS {cells.column(name)}" for name in columns if name in ids]
        hidden = f"* REPLACE ({', '.join(people)})" if people else "*"
        typed = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in layout.names)
        files = ", ".join(sql_text(literal(path)) for path in paths)
        reader = (
            f"read_csv([{files}], auto_detect=false, header=false, skip={layout.skip}, delim={sql_text(layout.delimiter)}, "
            f"quote='\"', escape='\"', comment='', columns={{{typed}}}, null_padding=true, ignore_errors=true, "
            "store_rejects=true, strict_mode=true, hive_partitioning=false"
        )
        target = sql_text(str(folder / f"{number}.parquet"))
        broken += _copied_rows(
            engine, f"SELECT {hidden} FROM (SELECT {', '.join(asked)} FROM {reader}", target, where=where
        )
    for copy in folder.iterdir():
        if copy.suffix != ".parquet":  # a file in other letters, or a sheet: ids stand in it
            copy.unlink()
    return engine.read_parquet(
        [str(folder / f"{number}.parquet") for number in range(len(same))], union_by_name=True
    ), broken


def _line(layout: Layout) -> str:
    """What a line is that is no record: the header again, as files that were put together have it, or one of totals."""
    trimmed = {name: f"trim({cells.column(name)}, ' \t\r\n\u00a0\ufeff')" for name in layout.names}
    own = [
        f"{cell} = {sql_text(name)}"
        for name, cell in trimmed.items()
        if not re.fullmatch(r"column \d+|.* \(\d+\)", name)
    ]
    first = f"coalesce({', '.join(f'nullif({cell}, {sql_text(str())})' for cell in [*trimmed.values()][:3])})"
    header = f"WHEN {' AND '.join(own)} THEN {sql_text(HEADER)} " if layout.header and len(own) > 1 else ""
    return f"CASE {header}WHEN {cells.fits(first, TOTAL_LINE)} THEN {sql_text(TOTALS)} END"


def _copied_rows(engine: duckdb.DuckDBPyConnection, query: str, target: str, *, where: str) -> int:
    """Copy what an open ``SELECT ... FROM (SELECT ... FROM read_csv(...`` reads to Parquet; how many lines it could not take apart.

    Lines that end inside quotes cannot be read on several cores, and that is seen only when one is met.
    """
    try:
        try:
            engine.execute(f"COPY ({query}))) TO {target} (FORMAT parquet)")
        except duckdb.Error as error:
            if "parallel=false" not in str(error):
                raise
            engine.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
            engine.execute(f"COPY ({query}, parallel=false))) TO {target} (FORMAT parquet)")
        why = "SELECT error_type, count(DISTINCT (file_id, line)) FROM reject_errors GROUP BY error_type"
        rejected = {str(kind): int(lines) for kind, lines in engine.execute(why).fetchall()}
        engine.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    except duckdb.Error as error:
        raise LogError(f"cannot read {where}: {first_line(error)}") from error
    if "INVALID ENCODING" in rejected:
        raise LogError(
            f"{where}: {rejected['INVALID ENCODING']:,} lines are not UTF-8, though the beginning of the file is. Say what it "
            'is: encoding = "latin-1".'
        )
    return sum(rejected.values())


def _as_utf8(path: str, encoding: str, folder: Path) -> str:
    """A copy in the encoding that the engine reads, with one kind of line ends: it takes the first for that of all."""
    target = folder / f"{len(list(folder.iterdir()))}-{Path(path).name.removesuffix('.gz')}"
    opened = gzip.open(path, "rb") if path.lower().endswith(".gz") else open(path, "rb")  # noqa: SIM115
    try:
        with opened as source, target.open("wb") as copy:
            for part in codecs.iterdecode(iter(functools.partial(source.read, _PART), b""), encoding):
                copy.write(part.replace("\r\n", "\n").encode())
    except UnicodeDecodeError as error:
        raise LogError(
            f"{path} is not {encoding}: {error.reason} at byte {error.start}. Name another encoding."
        ) from error
    return str(target)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
