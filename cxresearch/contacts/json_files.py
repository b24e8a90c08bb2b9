"""JSON records as text columns: one a line, one list of all, or the one list that an object holds."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from cxresearch.contacts import cells
from cxresearch.contacts.canonical import LogError, first_line, sql_text
from cxresearch.contacts.memory import remembered
from cxresearch.contacts.places import Place, is_json, literal, said_by_folders
from cxresearch.contacts.repeats import ROW

_SAMPLE = 1000  # records from which the names are known
# A list of one text is that text: tools write ["chat"] where there could be more.
_ALONE = r"^\[\s*\"([^\"\\]*)\"\s*\]$"


def json_columns(engine: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """The names in the first records; a name within a name follows a point."""
    return list(dict.fromkeys(name for record in _sample(engine, path) for name in record))


def json_rows(engine: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str]) -> Iterator[list[str]]:
    """The first records as rows of text."""
    for record in _sample(engine, path):
        said = (record.get(name) for name in names)
        yield ["" if cell is None else cell if isinstance(cell, str) else json.dumps(cell) for cell in said]


def _sample(engine: duckdb.DuckDBPyConnection, path: Path) -> Iterator[dict[str, Any]]:
    try:
        records = engine.execute(f"SELECT json FROM {_records(engine, [path])} LIMIT {_SAMPLE}").fetchall()
    except duckdb.Error as error:
        raise LogError(f"cannot read {path}: {first_line(error)}. Replace it or leave it out.") from error
    for (record,) in records:
        said = json.loads(record)
        if isinstance(said, dict):
            yield dict(_flat(said))


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            alone = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value
            yield before + name, alone


def _wrapped(engine: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The name of the one list of records in a file that is one object."""
    some = engine.execute(f"SELECT json FROM read_json_objects({sql_text(literal(path))}) LIMIT 2").fetchall()
    whole = json.loads(some[0][0]) if len(some) == 1 else None
    if not isinstance(whole, dict):
        return ""
    lists = [name for name, value in whole.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    return lists[0] if len(lists) == 1 else ""


def _records(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path], *, filename: bool = False) -> str:
    """A query's FROM with one row a record in ``json``, and the ``filename``."""
    by_list: dict[str, list[Path]] = {}
    for path in paths:
        name = remembered(
            "wrapped", path, functools.partial(_wrapped, engine, path), lambda value: isinstance(value, str)
        )
        by_list.setdefault(name, []).append(path)
    parts = []
    for name, alike in by_list.items():
        files = ", ".join(sql_text(literal(path)) for path in alike)
        plain = f"read_json_objects([{files}], filename={filename}, hive_partitioning=false)"
        key = f"$.{_quoted(name)}"
        inner = f"unnest(CAST(json_extract(json, {sql_text(key)}) AS JSON[])) AS json" if name else "json"
        parts.append(f"SELECT {inner}{', filename' if filename else ''} FROM {plain}")
    return f"({' UNION ALL '.join(parts)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'


def read_json(
    engine: duckdb.DuckDBPyConnection, places: Sequence[Place], columns: Sequence[str], *, ids: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    """The ``columns`` of JSON records as text, as ``files.read_text`` gives those of text files."""
    if not all(is_json(place.path) for place in places):
        raise LogError("JSON and other text files in one log: name one kind, for example log='folder/*.jsonl'.")
    asked = [f"hash(CAST(json AS VARCHAR)) AS {ROW}"]
    for name in columns:
        # A point stands between a name and the name within it, or in a name.
        places_ = dict.fromkeys(["$." + ".".join(map(_quoted, name.split("."))), f"$.{_quoted(name)}"])
        cell = f"coalesce({', '.join(f'json_extract_string(json, {sql_text(place)})' for place in places_)})"
        asked.append(f"regexp_replace({cell}, {sql_text(_ALONE)}, '\\1') AS {cells.column(name)}")
    people = [f"{cells.person(cells.text(name))} AS {cells.column(name)}" for name in columns if name in ids]
    hidden = f"* REPLACE ({', '.join(people)})" if people else "*"
    said = any(place.partitions for place in places)
    records = _records(engine, [place.path for place in places], filename=said)
    query = f"SELECT {hidden} FROM (SELECT {', '.join([*asked, *(['filename'] if said else [])])} FROM {records})"
    return said_by_folders(engine, f"({query})", places, file="filename") if said else engine.sql(query)
