"""The engine of a log: DuckDB, the same on every machine and in every process."""

from __future__ import annotations

import itertools
import os
import tempfile

import duckdb

_ENGINES = itertools.count()


def connect(path: str = ":memory:", *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection whose times do not depend on the machine, which draws no bar of progress, and fetches nothing from a network.

    In a kernel DuckDB draws one after two seconds, and it would stand among the outputs of a cell.
    """
    # What is larger than memory is put down among temporary files; DuckDB's own choice is the working directory. A folder
    # for each engine: all give their files the same names, and would write over each other's.
    spill = os.path.join(tempfile.gettempdir(), f"cxresearch-{os.getpid()}-{next(_ENGINES)}.spill")
    settings = {"autoinstall_known_extensions": False, "temp_directory": spill}
    engine = duckdb.connect(path, read_only=read_only, config=settings)
    engine.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return engine
