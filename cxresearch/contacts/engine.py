"""The engine of a log: DuckDB, the same on every machine and in every process."""

from __future__ import annotations

import duckdb


def connect(path: str = ":memory:", *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection whose times do not depend on the machine, which draws no bar of progress, and fetches nothing from a network.

    In a kernel DuckDB draws one after two seconds, and it would stand among the outputs of a cell.
    """
    engine = duckdb.connect(path, read_only=read_only, config={"autoinstall_known_extensions": False})
    engine.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return engine
