"""Any contact log -> canonical columns on the engine; what is set aside, and why."""

from __future__ import annotations

import glob
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

CANONICAL = {
    "contact_id": "VARCHAR", "customer_key": "VARCHAR", "channel": "VARCHAR", "queue": "VARCHAR",
    "opened_at": "TIMESTAMP", "queued": "BOOLEAN", "wait_s": "DOUBLE", "outcome": "VARCHAR",
    "promised_s": "DOUBLE", "handle_s": "DOUBLE", "reply": "VARCHAR", "value": "DOUBLE",
}  # fmt: skip
REQUIRED = ("wait_s", "outcome")
WORDS = {
    "outcome": ("answered", "abandoned", "deflected", "open"),
    "channel": ("phone", "chat", "email", "social", "web_form", "in_person", "other"),
    "reply": ("none", "unhelpful", "helpful"),
}
SUFFIXES = (".parquet", ".csv", ".txt", ".gz")

BANK_HEADER = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip
BANK_QUEUES = {
    "PS": "Regular (PS)", "PE": "Regular, in English (PE)", "IN": "Internet support (IN)",
    "NE": "Stock exchange (NE)", "NW": "Prospective customers (NW)", "TT": "Call-back requests (TT)",
}  # fmt: skip
# Above these the bank's recorder is known to be wrong (values up to 25,245 s and 61,437 s stand in other months).
BANK_LONGEST_WAIT_S = 7_200
BANK_LONGEST_SERVICE_S = 14_400


class LogError(ValueError):
    """A contact log that cannot be used as it is; the message says where, how many rows, and what to do."""


@dataclass(frozen=True)
class ContactLog:
    """A contact log on its engine.

    ``contacts``: DuckDB relation, one row a contact, the canonical columns (nothing is read until it is asked).
    ``set_aside``: DataFrame ``reason, rows``. ``repaired``: DataFrame ``repair, rows`` (rows that stay).
    ``counts``: ``read = kept + set_aside`` always; ``other_periods`` are rows outside start and end, not read.
    ``files``: DataFrame ``path, used, reason``. ``newest``: the last ``opened_at`` of the rows read, or None.
    ``simulated``: True when any row says so in a column ``simulated``. ``preset``: the one that was used, or None.
    """

    contacts: duckdb.DuckDBPyRelation
    set_aside: pd.DataFrame
    repaired: pd.DataFrame
    counts: dict[str, int]
    files: pd.DataFrame
    newest: datetime | None
    simulated: bool
    preset: str | None = None


def load_contacts(
    source: Any,
    *,
    preset: str | None = None,
    columns: Mapping[str, Any] | None = None,
    start: str | date | None = None,
    end: str | date | None = None,
) -> ContactLog:
    """Bring a contact log to the canonical columns without moving its rows out of the engine.

    Parameters
    ----------
    source : a file, a folder, a glob, a list of files, or a frame (pandas, Polars, Arrow, DuckDB relation)
        Suffixes ``.parquet``, ``.csv``, ``.txt``, ``.gz`` (gzipped text). In a folder, files that are no contact log
        are left out and listed in ``files``; a file named outright must be one.
    preset : ``"anonymous_bank"`` (the 1999 bank log, recognised by its header) or None: the canonical names.
    columns : canonical name -> column of the log, or -> ``{"column": name, "values": {word: canonical word}}``.
    start, end : keep contacts with ``start <= opened_at < end`` (ISO text, date or datetime).

    Returns
    -------
    ContactLog. ``customer_key`` is the first 16 hex digits of the SHA-256 of the id: a pseudonym, not anonymity.
    Agents' names have no canonical column and are not read.

    Set aside, never dropped silently: rows without a readable ``wait_s``, ``outcome`` or (for a period) ``opened_at``,
    negative waits, and what a preset names. Raises LogError for a missing file or column, an unknown word in
    ``outcome``, ``channel`` or ``reply``, and a period without contacts.
    """
    if preset is not None and preset != "anonymous_bank":
        raise LogError(
            f"unknown preset {preset!r}; there is 'anonymous_bank', or map the columns with columns={{...}}."
        )
    if preset and columns:
        raise LogError("give preset or columns, not both: a preset knows its columns.")
    engine = duckdb.connect()
    files = pd.DataFrame(columns=["path", "used", "reason"])
    if isinstance(source, str | Path) or (isinstance(source, Sequence) and not hasattr(source, "columns")):
        files, preset = _choose_files(engine, source, preset, columns)
        paths = files.loc[files["used"], "path"].tolist()
        raw, where = _read_files(engine, paths, preset), ", ".join(Path(p).name for p in paths)
    else:
        engine, raw, where = _take_frame(engine, source)
    mapped = _bank_columns(raw) if preset else _map_columns(raw, columns or {}, where)
    rows = mapped.filter(_inside(start, end)) if start is not None or end is not None else mapped
    # One pass over the log: text is parsed once and kept in the engine, Parquet stays where it is.
    if preset or any(not str(p).endswith(".parquet") for p in files.loc[files["used"], "path"]):
        try:
            engine.execute("create temp table log as select * from rows")
        except duckdb.Error as error:
            raise LogError(f"cannot read {where}: {str(error).splitlines()[0]}") from error
        rows = engine.table("log")
    counted = _count(engine, rows, mapped, files=files, where=where, start=start, end=end)
    return replace(counted, preset=preset)


def account_table(log: ContactLog) -> pd.DataFrame:
    """Where every row of a log went, from the rows read to the contacts that queued and gave up.

    DataFrame ``step, rows``. The set-aside rows, those answered at once and those that queued add up to the rows read.
    """
    ends = log.contacts.aggregate(
        "count(*) FILTER (queued IS NOT DISTINCT FROM false) AS at_once, "
        "count(*) FILTER (queued IS DISTINCT FROM false) AS queued, "
        "count(*) FILTER (queued IS DISTINCT FROM false AND outcome = 'abandoned') AS left_queue"
    ).fetchall()[0]
    steps = [("Rows of the period", log.counts["read"])]
    steps += [(f"set aside: {reason}", rows) for reason, rows in log.set_aside.itertuples(index=False)]
    steps += [("answered at once (they say nothing on patience)", ends[0]), ("queued", ends[1])]
    steps += [("of those who queued: gave up", ends[2])]
    return pd.DataFrame(steps, columns=["step", "rows"])


def _choose_files(
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
    rows = []
    for path in paths:
        if not path.is_file():
            raise LogError(f"there is no file {path} (looked from {Path.cwd()}). Check the name given as log.")
        names = _header(engine, path)
        is_bank = tuple(n.strip() for n in names) == BANK_HEADER
        if is_bank and not columns and preset is None:
            preset = "anonymous_bank"
        lacking = _lacking(names, columns or {}) if not preset else ([] if is_bank else ["the bank's header"])
        rows.append({"path": str(path), "used": not lacking, "reason": f"no {', '.join(lacking)}" if lacking else ""})
    files = pd.DataFrame(rows)
    if preset and not columns:  # a preset found late in a folder speaks for the files before it, too
        for i, row in files.iterrows():
            bank = tuple(n.strip() for n in _header(engine, Path(row["path"]))) == BANK_HEADER
            files.loc[i, ["used", "reason"]] = [bank, "" if bank else "not the header of preset anonymous_bank"]
    refused = files[~files["used"]]
    if len(refused) and (not folder or len(refused) == len(files)):
        first = refused.iloc[0]
        raise LogError(
            f"{first['path']}: {first['reason']}. It has the columns {', '.join(_header(engine, Path(first['path'])))}. "
            f"Name the right ones with columns={{...}} (in the report's TOML: [columns])."
        )
    return files, preset


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


def _lacking(names: Sequence[str], columns: Mapping[str, Any]) -> list[str]:
    """What the log must have and has not: required canonical columns and every mapped column."""
    lacking = [f"column {_source(columns, c)!r} (for {c})" for c in columns if _source(columns, c) not in names]
    return lacking + [f"column {c!r}" for c in REQUIRED if c not in columns and c not in names]


def _source(columns: Mapping[str, Any], name: str) -> str:
    given = columns[name]
    return given["column"] if isinstance(given, Mapping) else given


def _read_files(engine: duckdb.DuckDBPyConnection, paths: list[str], preset: str | None) -> duckdb.DuckDBPyRelation:
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


def _take_frame(
    engine: duckdb.DuckDBPyConnection, frame: Any
) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation, str]:
    if isinstance(frame, duckdb.DuckDBPyRelation):
        return engine, engine.from_arrow(frame.to_arrow_table()), "the relation"
    try:
        return engine, engine.sql("select * from frame"), "the frame"
    except duckdb.Error as error:
        raise LogError(
            f"cannot read a {type(frame).__module__}.{type(frame).__name__}: give a path, a pandas, Polars or Arrow "
            "frame; a Spark DataFrame with canonical columns goes to risk_table directly."
        ) from error


def _map_columns(raw: duckdb.DuckDBPyRelation, columns: Mapping[str, Any], where: str) -> duckdb.DuckDBPyRelation:
    """Canonical columns, the original word of each vocabulary column, and the reason why a row is set aside."""
    unknown = sorted(set(columns) - set(CANONICAL))
    if unknown:
        raise LogError(f"columns names {', '.join(unknown)}; the canonical columns are {', '.join(CANONICAL)}.")
    lacking = _lacking(raw.columns, columns)
    if lacking:
        raise LogError(f"{where}: no {', '.join(lacking)}. It has the columns {', '.join(raw.columns)}.")
    chosen = []
    for name, kind in CANONICAL.items():
        source = _source(columns, name) if name in columns else (name if name in raw.columns else None)
        cell = "NULL" if source is None else '"' + source.replace('"', '""') + '"'
        given = columns.get(name)
        if isinstance(given, Mapping) and given.get("values"):
            cases = " ".join(f"WHEN {_text(k)} THEN {_text(v)}" for k, v in given["values"].items())
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
        "WHEN wait_s IS NULL OR isnan(wait_s) OR isinf(wait_s) THEN 'no readable wait_s' "
        "WHEN wait_s < 0 THEN 'negative wait_s' END AS set_aside"
    )
    return raw.select(", ".join(chosen)).select(f"*, {reason}, CAST(NULL AS VARCHAR) AS repaired")


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _bank_columns(raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The 1999 bank log, trap by trap; see docs/own-log.md for what each reason means."""
    # A row that lost the tab between priority and type has 16 cells, and its fourth holds both: put the tab back.
    cells = raw.select(
        "string_split(rtrim(line, chr(13)), chr(9)) AS c0, len(c0) = 16 AND regexp_matches(c0[4], '^[0-9]+[A-Z]{2}$') "
        "AS joined, CASE WHEN joined THEN list_concat(c0[1:3], [c0[4][:-3], c0[4][-2:]], c0[5:]) ELSE c0 END AS c"
    )
    named = cells.select(
        "joined, len(c) = 17 AS whole, " + ", ".join(f'trim(c[{i + 1}]) AS "{n}"' for i, n in enumerate(BANK_HEADER))
    )
    labels = " ".join(f"WHEN {_text(code)} THEN {_text(label)}" for code, label in BANK_QUEUES.items())
    typed = named.select(
        "*, TRY_CAST(q_time AS DOUBLE) AS wait, TRY_CAST(ser_time AS DOUBLE) AS service, "
        # 0:00:00 stands for "never queued". Who truly queued at midnight cannot be told apart and is counted as repaired.
        "q_start <> '0:00:00' AS waited, "
        # Whole hours may pass 23 and minutes lose their zero, so the clock is added up and not parsed.
        "TRY(strptime(date, '%y%m%d') + to_seconds(3600 * CAST(split_part(vru_entry, ':', 1) AS INTEGER) "
        "+ 60 * CAST(split_part(vru_entry, ':', 2) AS INTEGER) + CAST(split_part(vru_entry, ':', 3) AS INTEGER))) AS entered"
    )
    return typed.select(
        "\"vru+line\" || '-' || call_id || '-' || date AS contact_id, "
        "CASE WHEN customer_id NOT IN ('0', '') THEN left(sha256(customer_id), 16) END AS customer_key, "
        f"'phone' AS channel, CASE type {labels} ELSE 'Undocumented (' || type || ')' END AS queue, entered AS opened_at, "
        "waited AS queued, CASE WHEN waited THEN wait ELSE 0.0 END AS wait_s, "
        "CASE outcome WHEN 'AGENT' THEN 'answered' WHEN 'HANG' THEN 'abandoned' WHEN 'PHANTOM' THEN 'open' "
        "ELSE lower(outcome) END AS outcome, CAST(NULL AS DOUBLE) AS promised_s, "
        f"CASE WHEN outcome = 'AGENT' AND service BETWEEN 0 AND {BANK_LONGEST_SERVICE_S} THEN service END AS handle_s, "
        "CAST(NULL AS VARCHAR) AS reply, CAST(NULL AS DOUBLE) AS value, false AS simulated, "
        "CASE WHEN NOT whole THEN 'not 17 cells' WHEN entered IS NULL THEN 'no readable date and entry time' "
        "WHEN outcome = 'PHANTOM' THEN 'phantom call, no caller' WHEN wait IS NULL THEN 'no readable queue time' "
        "WHEN wait < 0 THEN 'negative queue time' "
        f"WHEN wait > {BANK_LONGEST_WAIT_S} THEN 'queue time over two hours, a fault of the recorder' "
        "WHEN outcome = 'HANG' AND NOT waited THEN 'left in the voice menu, never asked for an agent' END AS set_aside, "
        "CASE WHEN joined THEN 'tab put back between priority and type' "
        f"WHEN outcome = 'AGENT' AND (service IS NULL OR service NOT BETWEEN 0 AND {BANK_LONGEST_SERVICE_S}) "
        "THEN 'service time unreadable or over four hours: left unknown' "
        "WHEN NOT waited AND wait > 0 THEN 'queue time without a queue start: taken as answered at once' END AS repaired"
    )


def _inside(start: str | date | None, end: str | date | None) -> str:
    """Rows of the period; a row without a readable date belongs to none and is counted as set aside."""
    limits = [f"opened_at {sign} TIMESTAMP '{pd.Timestamp(limit)}'"
              for sign, limit in ((">=", start), ("<", end)) if limit is not None]  # fmt: skip
    return f"opened_at IS NULL OR ({' AND '.join(limits)})"


def _count(
    engine: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, mapped: duckdb.DuckDBPyRelation, *,
    files: pd.DataFrame, where: str, start: Any, end: Any,
) -> ContactLog:  # fmt: skip
    """Every row counted once, words checked, and the kept rows as a relation."""
    period = start is not None or end is not None
    if period:
        rows = rows.select(
            "* REPLACE (CASE WHEN opened_at IS NULL THEN coalesce(set_aside, 'no readable opened_at') "
            "ELSE set_aside END AS set_aside)"
        )
    groups = rows.aggregate(
        "set_aside, repaired, outcome, channel, reply, simulated, count(*) AS rows, max(opened_at) AS newest",
        "set_aside, repaired, outcome, channel, reply, simulated",
    ).df()
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
    if period or not counts["kept"]:
        total, first, last = mapped.aggregate("count(*), min(opened_at), max(opened_at)").fetchall()[0]
        counts["other_periods"] = total - counts["read"]
        if not counts["kept"]:
            reasons = groups.groupby("set_aside")["rows"].sum() if len(groups) else {}
            aside = "".join(f"; set aside {n:,} ({reason})" for reason, n in reasons.items())
            span = f"from {start} to before {end}" if period else "at all"
            raise LogError(
                f"{where}: no contacts {span}{aside}. The log has {total:,} rows from {first} to {last}; "
                "choose a period inside it or give another log."
            )
    newest = groups["newest"].max()
    return ContactLog(
        contacts=rows.filter("set_aside IS NULL").select(", ".join(CANONICAL)),
        set_aside=_reasons(groups, "set_aside", "reason"),
        repaired=_reasons(kept, "repaired", "repair"),
        counts=counts,
        files=files,
        newest=None if pd.isna(newest) else newest.to_pydatetime(),
        simulated=bool(kept["simulated"].any()),
    )


def _reasons(groups: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    found = groups.dropna(subset=[column]).groupby(column, as_index=False)["rows"].sum()
    return found.rename(columns={column: name}).sort_values(["rows", name], ascending=[False, True], ignore_index=True)
