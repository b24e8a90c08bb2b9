"""One log opened: its files, its engine, and its rows in canonical columns, which nobody has read yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from cxresearch.contacts.bank import bank_columns
from cxresearch.contacts.canonical import CANONICAL, WORDS, LogError, sql_text
from cxresearch.contacts.files import choose_files, lacking_columns, read_files, source_column

# From here on a double does not tell one second from the next, and no wait is counted.
LONGEST_WAIT_S = 2**53


@dataclass(frozen=True, eq=False)
class Reading:
    """A log that is open: ``where`` names it, ``named`` is how it was asked for ("" for a frame)."""

    engine: duckdb.DuckDBPyConnection
    files: pd.DataFrame
    where: str
    preset: str | None
    columns: Mapping[str, Any]
    named: str = ""
    frame: duckdb.DuckDBPyRelation | None = None

    @cached_property
    def rows(self) -> duckdb.DuckDBPyRelation:
        """The canonical columns, ``simulated``, and the reasons ``set_aside`` and ``repaired``; not read yet."""
        raw = read_files(self.engine, list(map(str, self.paths)), self.preset) if self.frame is None else self.frame
        return bank_columns(raw) if self.preset else _map_columns(raw, self.columns, self.where)

    @property
    def paths(self) -> list[Path]:
        """The files that are read."""
        return [Path(path) for path in self.files.loc[self.files["used"].astype(bool), "path"]]

    @property
    def is_text(self) -> bool:
        """Whether every look at a row parses text anew."""
        return any(not path.name.endswith(".parquet") for path in self.paths)


def open_log(source: Any, *, preset: str | None, columns: Mapping[str, Any] | None) -> Reading:
    """Recognise a log and its columns; only headers are read. See ``load_contacts`` for the arguments."""
    if preset is not None and preset != "anonymous_bank":
        raise LogError(
            f"unknown preset {preset!r}; there is 'anonymous_bank', or map the columns with columns={{...}}."
        )
    if preset and columns:
        raise LogError("give preset or columns, not both: a preset knows its columns.")
    engine = duckdb.connect()
    if isinstance(source, str | Path) or (isinstance(source, Sequence) and not hasattr(source, "columns")):
        _known_columns(columns or {})
        files, preset = choose_files(engine, source, preset, columns)
        where = ", ".join(Path(path).name for path in files.loc[files["used"], "path"])
        return Reading(engine, files, where, preset, columns or {}, named=str(source))
    engine, raw, where = _take_frame(engine, source)
    reading = Reading(engine, pd.DataFrame(columns=["path", "used", "reason"]), where, preset, columns or {}, frame=raw)
    reading.rows  # noqa: B018 a frame's columns cost nothing to look at: what is wrong is told here
    return reading


@dataclass(frozen=True)
class Counted:
    """Every row of a span counted once. ``read = kept + set_aside``; ``other_periods`` are the rows outside."""

    counts: dict[str, int]
    set_aside: pd.DataFrame
    repaired: pd.DataFrame
    newest: datetime | None
    simulated: bool


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


def counted(groups: pd.DataFrame, *, where: str) -> Counted:
    """Every row counted once and the words checked, from :func:`group_rows`. Raises LogError for an unknown word."""
    kept = groups[groups["set_aside"].isna()]
    for column, words in WORDS.items():
        wrong = kept[kept[column].notna() & ~kept[column].isin(words)].groupby(column)["rows"].sum()
        if len(wrong):
            found = ", ".join(f"{word!r} ({n:,} rows)" for word, n in wrong.items())
            raise LogError(
                f"{where}: column {column!r} holds {found}; known words are {', '.join(words)}. Say which is which: "
                f'columns = {{ {column} = {{ column = "...", values = {{ "word" = "{words[0]}" }} }} }}.'
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
    )


def no_contacts(groups: pd.DataFrame, *, where: str, span: str, total: int, first: Any, last: Any) -> LogError:
    """What is said of a span without contacts."""
    reasons = groups.groupby("set_aside")["rows"].sum() if len(groups) else pd.Series(dtype=int)
    aside = "".join(f"; set aside {n:,} ({reason})" for reason, n in reasons.items())
    return LogError(
        f"{where}: no contacts {span}{aside}. The log has {total:,} rows from {first} to {last}; "
        "choose a period inside it or give another log."
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


def _map_columns(raw: duckdb.DuckDBPyRelation, columns: Mapping[str, Any], where: str) -> duckdb.DuckDBPyRelation:
    """Canonical columns, the original word of each vocabulary column, and the reason why a row is set aside."""
    _known_columns(columns)
    lacking = lacking_columns(raw.columns, columns)
    if lacking:
        raise LogError(f"{where}: no {', '.join(lacking)}. It has the columns {', '.join(raw.columns)}.")
    chosen = []
    for name, kind in CANONICAL.items():
        source = source_column(columns, name) if name in columns else (name if name in raw.columns else None)
        cell = "NULL" if source is None else '"' + source.replace('"', '""') + '"'
        given = columns.get(name)
        if isinstance(given, Mapping) and given.get("values"):
            cases = " ".join(f"WHEN {sql_text(k)} THEN {sql_text(v)}" for k, v in given["values"].items())
            cell = f"CASE trim(CAST({cell} AS VARCHAR)) {cases} ELSE CAST({cell} AS VARCHAR) END"
        if name == "customer_key":
            cell = f"left(sha256(CAST({cell} AS VARCHAR)), 16)"
        elif name in WORDS:
            cell = f"nullif(lower(trim(CAST({cell} AS VARCHAR))), '')"
        chosen.append(f"TRY_CAST({cell} AS {kind}) AS {name}")
    chosen.append("coalesce(TRY_CAST(simulated AS BOOLEAN), false) AS simulated" if "simulated" in raw.columns
                  else "false AS simulated")  # fmt: skip
    reason = (
        "CASE WHEN outcome IS NULL THEN 'no outcome' "
        f"WHEN wait_s IS NULL OR NOT abs(wait_s) < {LONGEST_WAIT_S} THEN 'no readable wait_s' "
        "WHEN wait_s < 0 THEN 'negative wait_s' END AS set_aside"
    )
    # What is no length of time is unknown; the contact stays.
    known = {name: f"isfinite({name}) AND {name} >= 0" for name in ("handle_s", "promised_s")}
    times = ", ".join(f"CASE WHEN {holds} THEN {name} END AS {name}" for name, holds in known.items())
    cases = " ".join(f"WHEN NOT ({holds}) THEN '{name} is no time: left unknown'" for name, holds in known.items())
    return raw.select(", ".join(chosen)).select(f"* REPLACE ({times}), {reason}, CASE {cases} END AS repaired")


def _known_columns(columns: Mapping[str, Any]) -> None:
    unknown = sorted(set(columns) - set(CANONICAL))
    if unknown:
        raise LogError(f"columns names {', '.join(unknown)}; the canonical columns are {', '.join(CANONICAL)}.")
