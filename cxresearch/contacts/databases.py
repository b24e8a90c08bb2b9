"""Rows of a database, a DuckDB file or a PostgreSQL server: asked for once, kept as a private copy without ids."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from cxresearch.contacts import cells
from cxresearch.contacts.canonical import LogError, LogQuestionError, listed
from cxresearch.contacts.columns import columns_read, sources_of
from cxresearch.contacts.engine import connect
from cxresearch.contacts.files import ROW, lacking_columns, unfit
from cxresearch.contacts.keys import give_key
from cxresearch.contacts.mapping import LogMapping, find_column, parse_mapping
from cxresearch.contacts.memory import fetched_once
from cxresearch.contacts.places import Copy
from cxresearch.contacts.suggest import MOST, seen_of
from cxresearch.contacts.tools import mapping_for, recognised

DUCKDB = (".duckdb", ".ddb", ".db")
POSTGRES = ("postgresql", "postgres")
ROWS = "rows.parquet"
_TABLES = 12  # that are named one by one
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# What comes over as it is; of another type the server is asked for its text.
_AS_IT_IS = {"int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "bpchar", "timestamptz", "timestamp", "date",
             "time", "interval"}  # fmt: skip


def is_database(source: Any) -> bool:
    """Whether a log is named that lies in a database."""
    name = str(source).lower()
    return isinstance(source, str | Path) and (
        name.startswith(tuple(f"{scheme}://" for scheme in POSTGRES))
        or (name.endswith(DUCKDB) and "://" not in name and not Path(source).is_dir())
    )


def fetch(
    source: str | Path, query: str | None, *, preset: str | None, columns: Mapping[str, Any] | None
) -> tuple[Copy, str | None, list[str]]:
    """The copy of the rows, the tool that was recognised, and the names of all columns.

    Only the columns that are read are copied, ids as their keys, and ``ROW``, a mark of all cells. Without a ``query`` the
    one table or view is taken whose columns fit. Within a report the first to ask fetches; without one, everybody does.
    Raises LogQuestionError where several fit, LogError for what the database says, in one sentence.
    """
    said = [str(source), query, preset, dict(columns or {})]
    folder, facts = fetched_once(said, lambda target: _fetched(source, query, preset, columns, target / ROWS))
    copy = Copy(folder / ROWS, facts["fetched_utc"], query=facts["query"])
    return copy, facts["preset"], facts["names"]


class _Base(Protocol):
    """A database that is open to be read."""

    def tables(self) -> list[tuple[str, str, list[str]]]: ...

    def names(self, query: str) -> list[str]: ...

    def rows(self, query: str) -> tuple[duckdb.DuckDBPyRelation, Any]: ...


def _fetched(
    source: str | Path, query: str | None, preset: str | None, columns: Mapping[str, Any] | None, target: Path
) -> dict[str, Any]:
    begun = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mapping = parse_mapping(columns)
    opened = _open_postgres(str(source)) if "://" in str(source) else _open_duckdb(Path(source))
    with opened as base:
        query = (query or "").strip().rstrip(";") or _only_table(base, source, preset, mapping)
        names = base.names(query)
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise LogError(f"{source}: the query gives two columns {twice!r}; name each by its own: ... AS other.")
        if preset is None and not mapping.sources and lacking_columns(names, mapping):
            tool = recognised(names)
            if tool is not None and tool.refused:
                raise LogError(f"{source}: this looks like {tool.title}: {tool.refused}.")
            preset = tool.name if tool else None
        read_by = mapping_for(preset, names, columns)
        if lacking := lacking_columns(names, read_by):
            seen = _seen(base, source, query)
            raise unfit(f"{source}, {query}", f"no {listed(lacking)}", names, preset, mapping, seen)
        _copy(base, source, query, read_by, names, target)
    return {"fetched_utc": begun, "query": query, "preset": preset, "names": names}


def _only_table(base: _Base, source: str | Path, preset: str | None, mapping: LogMapping) -> str:
    """The query for the one table or view whose columns fit; of a database with one table, that one."""
    tables = base.tables()
    if not tables:
        raise LogError(f"{source} holds no table or view that may be read; ask for the right to, or name another.")
    fitting = [
        (schema, table) for schema, table, names in tables
        if preset or not lacking_columns(names, mapping) or (not mapping.sources and recognised(names))
    ]  # fmt: skip
    candidates = [(schema, table) for schema, table, _ in tables] if len(tables) == 1 else fitting
    if len(candidates) == 1:
        return _select(*candidates[0])
    asked = candidates or [one[:2] for one in tables]
    lines = "\n".join(f"log_query = {json.dumps(_select(*one))}" for one in asked[:_TABLES])
    lines += f"\n# and {len(asked) - _TABLES:,} more" * (len(asked) > _TABLES)
    why = (
        f"{len(candidates)} tables could be the log"
        if candidates
        else "no table has the columns of a log by their names"
    )
    raise LogQuestionError(
        f"{source}: {why}. Say which, next to log in the report's [parameters] (look and new take --query, Python query=):"
        f"\n\n{lines}"
    )


def _select(schema: str, table: str) -> str:
    parts = [table] if schema in ("main", "public") else [schema, table]
    return "SELECT * FROM " + ".".join(part if _PLAIN.fullmatch(part) else cells.column(part) for part in parts)


def _seen(base: _Base, source: str | Path, query: str) -> dict[str, tuple[str, ...]]:
    """The cells of the first rows by column, for a guess at what they mean."""
    rows, _ = base.rows(f"SELECT * FROM ({query}\n) AS log LIMIT {MOST}")
    with _told(source):
        table = rows.to_arrow_table()
    lines = ([*row.values()] for row in table.to_pylist())
    return seen_of(table.column_names, (["" if cell is None else str(cell) for cell in line] for line in lines))


def _copy(base: _Base, source: str | Path, query: str, mapping: LogMapping, names: Sequence[str], target: Path) -> None:
    read, who = columns_read(sources_of(names, mapping), mapping, names)
    ids = [find_column(column, names) for column in who]
    rows, counted = base.rows(query)
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    asked = []
    for column in dict.fromkeys(find_column(one, names) or one for one in read):
        cell = cells.column(column)
        if column in ids:
            cell = cells.person(cells.text(column))
        elif types[column].startswith(("TIMESTAMP", "DATE")):  # infinity, and years that are none
            cell = f"CASE WHEN year({cell}) BETWEEN 1970 AND 2200 THEN {cell} END"
        elif types[column] == "INTERVAL":  # Parquet has none below zero
            seconds = f"epoch({cell})"
            cell = f"CASE WHEN {seconds} < 0 THEN '-' ELSE '' END || printf('PT%.6fS', abs({seconds}))"
        asked.append(f"{cell} AS {cells.column(column)}")
    mark = f"hash({', '.join(map(cells.column, names))}) AS {ROW}"
    with _told(source):
        rows.select(", ".join([mark, *asked])).write_parquet(str(target))
        kept = connect().execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [str(target)]).fetchall()
        came = counted()
    if came is not None and came != kept[0][0]:
        raise LogError(f"{source}: {came:,} rows came and {kept[0][0]:,} were kept; nothing is read of it. Try again.")


class _DuckFile:
    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine

    def tables(self) -> list[tuple[str, str, list[str]]]:
        return self._engine.execute(
            "SELECT table_schema, table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns "
            "WHERE table_catalog = current_database() AND table_schema NOT IN ('information_schema', 'pg_catalog') "
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()

    def names(self, query: str) -> list[str]:
        asked = self._engine.execute(f"SELECT * FROM ({query}\n) AS log LIMIT 0").description
        return [column[0] for column in asked]

    def rows(self, query: str) -> tuple[duckdb.DuckDBPyRelation, Any]:
        asked = self._engine.sql(f"SELECT * FROM ({query}\n) AS log")
        return asked, lambda: None  # the engine that reads is the one that writes


@contextlib.contextmanager
def _open_duckdb(path: Path) -> Iterator[_Base]:
    if not path.is_file():
        raise LogError(f"there is no file {path} (looked from {Path.cwd()}). Check the name given as log.")
    try:
        with connect(str(path), read_only=True) as engine:
            give_key(engine)
            yield _DuckFile(engine)
    except duckdb.ConnectionException as error:
        raise LogError(f"{path} is open in this process; close it, or give cx.load a relation of it.") from error
    except duckdb.Error as error:
        raise LogError(f"{path}: {_sentence(error)}") from error


class _Postgres:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def tables(self) -> list[tuple[str, str, list[str]]]:
        self._cursor.execute(
            "SELECT table_schema::text, table_name::text, column_name::text FROM information_schema.columns WHERE table_schema "
            "NOT IN ('information_schema', 'pg_catalog') ORDER BY table_schema, table_name, ordinal_position"
        )
        found: dict[tuple[str, str], list[str]] = {}
        for schema, table, column in self._cursor.fetchall():
            found.setdefault((schema, table), []).append(column)
        return [(schema, table, columns) for (schema, table), columns in found.items()]

    def names(self, query: str) -> list[str]:
        return list(self._schema(query).names)

    def rows(self, query: str) -> tuple[duckdb.DuckDBPyRelation, Any]:
        import pyarrow as pa

        asked = []
        for field in self._schema(query):
            kind, name = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode(), cells.column(field.name)
            other = {"numeric": f"{name}::float8 AS {name}", "money": f"{name}::numeric::float8 AS {name}"}
            asked.append(name if kind in _AS_IT_IS else other.get(kind, f"{name}::text AS {name}"))
        self._cursor.execute(f"SELECT {', '.join(asked)} FROM ({query}\n) AS log")
        reader, came = self._cursor.fetch_record_batch(), [0]

        def batches() -> Iterator[Any]:
            for batch in reader:
                came[0] += batch.num_rows
                yield batch

        stream = pa.RecordBatchReader.from_batches(reader.schema, batches())
        engine = connect()
        give_key(engine)
        return engine.from_arrow(stream), lambda: came[0]

    def _schema(self, query: str) -> Any:
        self._cursor.execute(f"SELECT * FROM ({query}\n) AS log LIMIT 0")
        return self._cursor.fetch_record_batch().schema


@contextlib.contextmanager
def _open_postgres(address: str) -> Iterator[_Base]:
    from cxresearch.contacts.remote import refuse_secrets

    refuse_secrets(address, instead="it is read from PGPASSWORD or ~/.pgpass")
    # Its library is not for who reads files.
    from adbc_driver_manager import Error
    from adbc_driver_postgresql.dbapi import connect as connect_postgres

    waits = "" if "connect_timeout=" in address else f"{'&' if '?' in address else '?'}connect_timeout=10"
    try:
        with connect_postgres(address + waits, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
            yield _Postgres(cursor)
    except Error as error:
        raise LogError(f"{address}: {_sentence(error)}") from error


@contextlib.contextmanager
def _told(source: str | Path) -> Iterator[None]:
    """What the engine, the driver or the server says while rows come, in one sentence."""
    try:
        yield
    except (duckdb.Error, OSError, ValueError) as error:
        raise LogError(f"{source}: {_sentence(error)}") from error


def _sentence(error: Exception) -> str:
    """What a database said, in one sentence without its source text."""
    text = str(error)
    found = re.search(r"(?:ERROR|FATAL): *([^\n]+)", text) or re.search(r"Failed to connect: *([^\n]+)", text)
    line = found[1] if found else re.sub(r"^[\w ]*Error: ", "", text.strip().split("\n")[0])
    hint = ""
    if "no password supplied" in line or "password authentication failed" in line:
        hint = " The password is read from PGPASSWORD or ~/.pgpass."
    elif "permission denied" in line:
        hint = " Ask for the right to read it."
    elif "does not exist" in line:
        hint = " Check the name."
    elif "sqlite_scanner" in text or "not a valid DuckDB" in text:
        return "it is no DuckDB file; export its table as CSV or Parquet."
    return f"{line.strip().rstrip('.')}.{hint}"
