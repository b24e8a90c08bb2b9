"""The files of a log: which are read, what their bytes say of them, and one relation over all of them."""

from __future__ import annotations

import functools
import glob
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from cxresearch.contacts.bank import BANK_HEADER
from cxresearch.contacts.canonical import REQUIRED, LogError
from cxresearch.contacts.memory import remembered

SUFFIXES = (".parquet", ".csv", ".txt", ".gz")


def choose_files(
    engine: duckdb.DuckDBPyConnection, source: Any, preset: str | None, columns: Mapping[str, Any] | None
) -> tuple[pd.DataFrame, str | None]:
    """Which files are read: (path, used, reason), and the preset, recognised where none was named."""
    named = [source] if isinstance(source, str | Path) else list(source)
    folder = len(named) == 1 and Path(named[0]).is_dir()
    if folder:
        paths = sorted(p for p in Path(named[0]).iterdir() if p.name.lower().endswith(SUFFIXES))
    else:
        paths = [Path(p) for name in named for p in (sorted(glob.glob(str(name))) or [str(name)])]
    if not paths:
        raise LogError(f"no contact log in {source}: no file ends in {', '.join(SUFFIXES)}.")
    headers = {
        path: remembered("headers", path, functools.partial(_header, engine, path), _are_names)
        for path in paths
        if _there(path)
    }
    is_bank = {path: tuple(n.strip() for n in names) == BANK_HEADER for path, names in headers.items()}
    # A preset found in one file of a folder speaks for all of them.
    if preset is None and not columns and any(is_bank.values()):
        preset = "anonymous_bank"
    rows = []
    for path, names in headers.items():
        if preset:
            why = "" if is_bank[path] else f"not the header of preset {preset}"
        else:
            lacking = lacking_columns(names, columns or {})
            why = f"no {', '.join(lacking)}" if lacking else ""
        rows.append({"path": str(path), "used": not why, "reason": why})
    files = pd.DataFrame(rows)
    refused = files[~files["used"]]
    if len(refused) and (not folder or len(refused) == len(files)):
        first = refused.iloc[0]
        raise LogError(
            f"{first['path']}: {first['reason']}. It has the columns {', '.join(headers[Path(first['path'])])}. "
            f"Name the right ones with columns={{...}} (in the report's TOML: [columns])."
        )
    return files, preset


def _there(path: Path) -> bool:
    if not path.is_file():
        raise LogError(f"there is no file {path} (looked from {Path.cwd()}). Check the name given as log.")
    return True


def _header(engine: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Column names of one file; LogError names a file that cannot be read."""
    try:
        if path.name.lower().endswith(".parquet"):
            return engine.read_parquet(_literal(path)).columns
        if not path.name.lower().endswith(SUFFIXES):
            raise LogError(f"{path}: the log's files end in {', '.join(SUFFIXES)}.")
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as text:
            first = text.readline(1 << 16).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, duckdb.Error) as error:
        raise LogError(f"cannot read {path}: {str(error).splitlines()[0]}. Replace it or leave it out.") from error
    if not first.strip():
        raise LogError(f"{path} is empty. Replace it or leave it out.")
    if "\t" in first:
        return first.rstrip("\r\n").split("\t")
    try:
        return engine.read_csv(_literal(path), header=True, all_varchar=True).columns
    except duckdb.Error as error:
        raise LogError(f"cannot read {path}: {str(error).splitlines()[0]}. Replace it or leave it out.") from error


def _literal(path: str | Path) -> str:
    """A path in which the engine sees no pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def lacking_columns(names: Sequence[str], columns: Mapping[str, Any]) -> list[str]:
    """What the log must have and has not: required canonical columns and every mapped column."""
    lacking = [
        f"column {source_column(columns, c)!r} (for {c})" for c in columns if source_column(columns, c) not in names
    ]
    return lacking + [f"column {c!r}" for c in REQUIRED if c not in columns and c not in names]


def source_column(columns: Mapping[str, Any], name: str) -> str:
    given = columns[name]
    return given["column"] if isinstance(given, Mapping) else given


def read_files(engine: duckdb.DuckDBPyConnection, paths: list[str], preset: str | None) -> duckdb.DuckDBPyRelation:
    """One relation over all files; text columns stay text here, so that a bad cell is counted and not fatal."""
    literal = [_literal(p) for p in paths]
    try:
        if preset:  # whole lines: some months lost a tab, and a reader that guesses would shift the columns
            return engine.read_csv(
                literal, header=True, sep="\x01", quotechar="", escapechar="", columns={"line": "VARCHAR"}
            )
        if all(p.endswith(".parquet") for p in paths):
            return engine.read_parquet(literal, union_by_name=True)
        if any(p.endswith(".parquet") for p in paths):
            raise LogError("Parquet and text files in one log: name one kind, for example log='folder/*.parquet'.")
        return engine.read_csv(literal, header=True, all_varchar=True, union_by_name=True)
    except duckdb.Error as error:
        raise LogError(f"cannot read {', '.join(paths)}: {str(error).splitlines()[0]}") from error


@dataclass(frozen=True)
class FileFacts:
    """What the bytes of a file say, read once: its hash, how many records it holds, whether its end is there.

    ``records`` are the lines with text outside quotes, without the header; None for Parquet, whose own rows are counted.
    """

    path: str
    sha256: str
    records: int | None


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_facts(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
        and (value[1] is None or isinstance(value[1], int))
    )  # fmt: skip


def log_facts(paths: Iterable[Path], *, quoted: bool = True) -> list[FileFacts]:
    """:func:`file_facts` of every file, from the last time where a file has not changed since."""

    def found(path: Path) -> list[Any]:
        fact = file_facts(path, quoted=quoted)
        return [fact.sha256, fact.records]

    return [
        FileFacts(
            str(path), *remembered("files" if quoted else "lines", path, functools.partial(found, path), _are_facts)
        )
        for path in paths
    ]


def file_facts(path: Path, *, quoted: bool = True) -> FileFacts:
    """Hash, records and the end of a gzip in one pass over the bytes (``quoted``: a line may end inside quotes).

    Raises LogError for a gzip that is cut off."""
    name, digest = path.name.lower(), hashlib.sha256()
    count = None if name.endswith(".parquet") else _RecordCount(quoted=quoted)
    unpack = zlib.decompressobj(wbits=31) if name.endswith(".gz") else None
    with path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
            if count is None:
                continue
            if unpack is None:
                count.add(part)
                continue
            while part:
                try:
                    count.add(unpack.decompress(part))
                except zlib.error as error:
                    raise LogError(f"cannot read {path}: {error}. Replace it or leave it out.") from error
                part = unpack.unused_data
                if unpack.eof and part:  # a gzip may hold several, one after the other
                    unpack = zlib.decompressobj(wbits=31)
    if unpack is not None and not unpack.eof:
        raise LogError(f"cannot read {path}: the gzip ends before its end; it was cut off. Copy it again.")
    return FileFacts(str(path), digest.hexdigest(), count.records if count else None)


class _RecordCount:
    """Records of a text file: ends of lines outside quotes, lines without any text left out, and the header."""

    def __init__(self, *, quoted: bool) -> None:
        self._lines, self._quoted, self._text = 0, False, False
        self._quote = ord('"') if quoted else -1

    def add(self, part: bytes) -> None:
        bytes_ = np.frombuffer(part, dtype=np.uint8)
        if not bytes_.size:
            return
        inside = (np.cumsum(bytes_ == self._quote) + self._quoted) % 2 == 1
        ends = np.flatnonzero((bytes_ == _END) & ~inside)
        # A line counts where a byte that is no white space stands in it.
        said = np.concatenate([[0], np.cumsum(bytes_ > _SPACE)])
        edges = np.concatenate([[0], ends, [bytes_.size]])
        holds = np.diff(said[edges]) > 0
        holds[0] |= self._text
        self._lines += int(holds[:-1].sum())
        self._text = bool(holds[-1])
        self._quoted = bool(inside[-1])

    @property
    def records(self) -> int:
        return max(self._lines + self._text - 1, 0)


_PART, _END, _SPACE = 1 << 22, ord("\n"), ord(" ")
