"""What is known of a file by its place: the name that people know, and the columns that its folders say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb

from cxresearch.contacts import cells
from cxresearch.contacts.canonical import LogError, LogQuestionError, sql_text
from cxresearch.contacts.mapping import find_column

JSON = (".json", ".jsonl", ".ndjson")
SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
SUFFIXES = (".parquet", ".csv", ".txt", ".tsv", ".gz", *JSON, *SHEETS)
IN_PATH = "__path "  # before the name of a column that folders say
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Copy:
    """The private copy of something that lies elsewhere: when it was made, the server's mark, the query of a database."""

    path: Path
    fetched_utc: str
    etag: str = ""
    query: str = ""


@dataclass(frozen=True)
class Place:
    """One file of a log. ``name`` is how people are told of it, ``named`` whether it was asked for and not found in a
    folder, ``left_out`` why it is no part of the log, ``copy`` the copy of what lies elsewhere."""

    path: Path
    name: str
    named: bool
    left_out: str = ""
    copy: Copy | None = None

    @property
    def partitions(self) -> dict[str, str | None]:
        """The columns that its folders say: ``channel=phone/part-0.csv``."""
        return partitions_of(self.name)


def partitions_of(name: str) -> dict[str, str | None]:
    """Column -> value by the folders of a path; a folder is one where it is written ``column=value``."""
    pairs = (re.fullmatch(r"([^=]+)=(.*)", part) for part in re.split(r"[/\\]", name)[:-1])
    return {pair[1]: None if pair[2] == _NO_VALUE else unquote(pair[2]) for pair in pairs if pair}


def literal(path: str | Path) -> str:
    """A path in which the engine sees no pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def is_address(name: str | Path) -> bool:
    """Whether a log is named by an address: ``https://...``, ``s3://...``."""
    return re.match(r"[a-z][a-z0-9+.-]*://", str(name), flags=re.IGNORECASE) is not None


def refuse_tables(folder: str, names: Iterable[str]) -> None:
    """Raise LogError for a folder whose files hold rows that were deleted from the table that they make up."""
    for name in names:
        if found := re.search(r"/(_delta_log)/|/metadata/[^/]*[.]metadata[.]json$", f"/{name}"):
            kind = "a Delta" if found[1] else "an Iceberg"
            raise LogError(
                f"{folder} is {kind} table: rows that were deleted still stand in its files. Write it to Parquet, and name that."
            )


def is_json(path: Path) -> bool:
    """Whether a file holds JSON records, packed or not."""
    return path.name.lower().removesuffix(".gz").endswith(JSON)


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a file below a folder is none of its data: it begins with a point, or a folder on its way with that or ``_``."""
    return parts[-1].startswith(".") or any(part.startswith((".", "_")) for part in parts[:-1])


@contextlib.contextmanager
def in_their_names(places: Sequence[Place]) -> Iterator[None]:
    """Errors about copies are told under the names that people know."""
    try:
        yield
    except LogError as error:
        text = str(error)
        for place in places:
            text = text.replace(str(place.path), place.name) if place.copy else text
        told = LogQuestionError(text, error.lines) if isinstance(error, LogQuestionError) else type(error)(text)
        raise told from error.__cause__


def said_by_folders(
    engine: duckdb.DuckDBPyConnection, relation: str, places: Sequence[Place], *, file: str
) -> duckdb.DuckDBPyRelation:
    """``relation``, text of SQL with the column ``file``, and a column ``IN_PATH + name`` for each that folders say."""
    names = list(dict.fromkeys(name for place in places for name in place.partitions))
    columns = ", ".join(["file", *(cells.column(IN_PATH + name) for name in names)])
    rows = ", ".join(
        f"({', '.join([sql_text(place.path), *(_constant(place.partitions.get(name)) for name in names)])})"
        for place in places
    )
    # A left join: whatever becomes of the names, no row is lost.
    return engine.sql(
        f"SELECT log.* EXCLUDE ({cells.column(file)}), said.* EXCLUDE (file) FROM {relation} AS log "
        f"LEFT JOIN (VALUES {rows}) AS said({columns}) ON log.{cells.column(file)} = said.file"
    )


def _constant(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else sql_text(value)


def constants_of(partitions: Mapping[str, str | None], columns: Sequence[str]) -> list[str]:
    """The columns ``IN_PATH + name`` of one file, those that are asked for."""
    return [
        f"{_constant(value)} AS {cells.column(IN_PATH + name)}"
        for name, value in partitions.items()
        if find_column(name, columns) is not None
    ]


def settled(raw: duckdb.DuckDBPyRelation, columns: Sequence[str], *, where: str) -> duckdb.DuckDBPyRelation:
    """What folders say as columns of the log, where a file says nothing itself.

    Raises LogError where a cell of one of ``columns`` says another thing than its folder.
    """
    said = [name.removeprefix(IN_PATH) for name in raw.columns if name.startswith(IN_PATH)]
    types = dict(zip(raw.columns, map(str, raw.types), strict=True))
    own = {name: find_column(name, [c for c in raw.columns if not c.startswith(IN_PATH)]) for name in said}
    chosen = ["* EXCLUDE (" + ", ".join(cells.column(IN_PATH + name) for name in said) + ")"] if said else ["*"]
    replaced = []
    for name, column in own.items():
        folder = cells.column(IN_PATH + name)
        if column is None:
            chosen.append(f"{folder} AS {cells.column(name)}")
            continue
        cell = cells.column(column)
        typed = f"TRY_CAST({folder} AS {types[column]})"
        if find_column(name, columns) is not None:
            _refuse_conflict(raw, name, column, typed, where=where)
        replaced.append(f"coalesce({cell}, {typed}) AS {cell}")
    if replaced:
        chosen[0] += f" REPLACE ({', '.join(replaced)})"
    return raw.select(", ".join(chosen)) if said else raw


def _refuse_conflict(raw: duckdb.DuckDBPyRelation, name: str, column: str, typed: str, *, where: str) -> None:
    folder, text = cells.column(IN_PATH + name), cells.text(column)
    differs = f"lower({text}) <> lower({folder}) AND {typed} IS DISTINCT FROM {cells.column(column)}"
    rows, one, other = raw.filter(differs).aggregate(f"count(*), min({folder}), min({text})").fetchall()[0]
    if rows:
        raise LogError(
            f"{where}: a folder says {name}={one}, and in {rows:,} rows below such folders the file's own column "
            f"{column!r} says otherwise, such as {other!r}. One of them is wrong: rename the folder or the column."
        )
