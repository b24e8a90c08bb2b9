"""A whole monthly report: its log is read once, nothing is grouped twice, and one name carries one value.

The file is opened few times, and its rows are asked for in one query.
"""

from __future__ import annotations

import csv
import ctypes
import io
import json
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxresearch.exhibits import FIGURE, TABLE, WHAT_IF
from cxresearch.report.archive.exact import exact_folder
from cxresearch.style import format_value

IN_OPEN = 0x20
# Every connection of every process of the run writes down what it is asked.
HOOK = """
import itertools, os
import duckdb
numbers, plain = itertools.count(), duckdb.connect

def connect(*given, **named):
    connection = plain(*given, **named)
    place = f"QUERIES/{os.getpid()}-{next(numbers)}"
    connection.execute(f"CALL enable_logging('QueryLog', storage='file', storage_config={{'path': '{place}'}})")
    return connection

duckdb.connect = connect
"""


class Opens:
    """How often a file is opened, by any process (inotify)."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._handle = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._handle, os.fsencode(path), IN_OPEN) >= 0

    def count(self) -> int:
        number = 0
        try:
            while events := os.read(self._handle, 1 << 16):
                at = 0
                while at < len(events):
                    (length,) = struct.unpack_from("I", events, at + 12)
                    number, at = number + 1, at + 16 + length
        except BlockingIOError:
            pass
        return number


def two_months(path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 3_000
    opened = pd.Timestamp("2026-09-01") + pd.to_timedelta(rng.integers(0, 61 * 86_400, n), unit="s")
    log = pd.DataFrame({
        "opened_at": opened, "wait_s": rng.exponential(60, n).round(), "handle_s": rng.exponential(200, n).round(),
        "outcome": np.where(rng.random(n) < 0.25, "abandoned", "answered"), "queue": rng.choice(["a", "b"], n),
        "channel": np.where(rng.random(n) < 0.9, "phone", "email"), "customer_key": rng.integers(0, 900, n),
        "queued": rng.random(n) < 0.8, "promised_s": rng.choice([30.0, 60.0, np.nan], n),
    })  # fmt: skip
    log.sort_values("opened_at").to_csv(path, index=False)
    long_ago = path.stat().st_mtime - 60
    os.utime(path, (long_ago, long_ago))


# What tells the rows of a table apart, beside its words; and what every table means in its own way: an index of
# sensitivity, for one, is of the outcome that the caption names.
NUMBERED = ("hour", "weekday", "day", "duration_s", "within_s", "promised_s", "slowest_hour_s", "reply_s")
OWN = {"estimate", "lower", "upper", "se", "value", "times_formula", "p_value", "chi2", "df", "rows", "share", "contacts",
       "events", "first_order", "first_order_error", "total", "total_error", "effect", "spread"}  # fmt: skip


def two_values(tables: list[tuple[str, pd.DataFrame]]) -> list[str]:
    """Where one column carries two values for the same group, and in which tables; a table is (caption, rows)."""
    seen: dict[tuple, tuple[object, str]] = {}
    found = []
    for caption, table in tables:
        keys = [name for name in table if name in NUMBERED or not pd.api.types.is_numeric_dtype(table[name])]
        if table[keys].duplicated().any() or (not keys and len(table) > 1):
            continue
        for row in table.to_dict("records"):
            group = tuple((key, row[key]) for key in keys)
            for name, value in row.items():
                if name in keys or name in OWN or not isinstance(value, int | float) or value != value:
                    continue
                before, where = seen.setdefault((name, group), (value, caption))
                if abs(before - value) > 1e-9 * max(1, abs(value)):
                    found.append(f"{name} of {dict(group)} is {before} in {where!r} and {value} in {caption!r}")
    return found


def test_two_values_under_one_name_are_found():
    one = pd.DataFrame({"queue": ["a", "b"], "share_left": [0.2, 0.3], "estimate": [1, 2]})
    assert two_values([("one", one), ("two", one.assign(estimate=9))]) == []
    (found,) = two_values([("one", one), ("two", one.assign(share_left=[0.2, 0.4]))])
    assert "share_left of {'queue': 'b'} is 0.3 in 'one' and 0.4 in 'two'" in found


def recorded(folder: Path, kind: str) -> list[dict]:
    notebooks = [json.loads(path.read_text()) for path in sorted((folder / "notebooks").glob("*.ipynb"))]
    outputs = [o for nb in notebooks for c in nb["cells"] for o in c.get("outputs", [])]
    return [o["data"][kind] for o in outputs if kind in o.get("data", {})]


def check_names(folder: Path) -> None:
    """No column of the report's tables, and no sentence on who gave up, says two things of one group."""
    figures = [content["table"] for content in recorded(folder, FIGURE) if content["table"]]
    contents = [*figures, *recorded(folder, TABLE), *(content["table"] for content in recorded(folder, WHAT_IF))]
    held_back = ["under 5", "not shown"]
    tables = [
        (content["caption"], pd.read_csv(io.StringIO(content["csv"]), na_values=held_back)) for content in contents
    ]
    assert len(tables) > 20
    found = two_values(tables)
    assert not found, "\n".join(found)
    assert not [name for _, table in tables for name in table if name == "share_left"]
    headlines = {h["name"]: h for h in json.loads((folder / "headlines.json").read_text())}
    prose = " ".join(" ".join(text) if isinstance(text, list) else text for text in recorded(folder, "text/markdown"))
    said = re.findall(r"([\d.]+ %) of those who queued gave up", prose)
    assert said
    assert set(said) == {format_value(headlines["abandonment_share"]["value"], "share")}
    assert all(h["base"] for h in headlines.values())


@pytest.mark.skipif(sys.platform != "linux", reason="opens are counted by inotify, which is Linux's")
def test_the_monthly_report_reads_its_log_once(tmp_path, root):
    log = tmp_path / "calls.csv"
    two_months(log)
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK.replace("QUERIES", str(tmp_path / "queries")))
    (tmp_path / "queries").mkdir()
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "hook"), str(root)]),
        "CXRESEARCH_CHROMIUM": "", "CXRESEARCH_KEPT": str(tmp_path / "kept"),
    }  # fmt: skip
    opens = Opens(log)
    command = [sys.executable, "-m", "cxresearch", "report", "monthly", "--period", "2026-10", "--out",
               str(tmp_path / "out"), "--set", f"log={log}"]  # fmt: skip
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert opens.count() <= 6

    queries = [row["message"] for path in (tmp_path / "queries").glob("*/duckdb_log_entries.csv")
               for row in csv.DictReader(path.open(newline=""))]  # fmt: skip
    assert len(queries) >= 6, "the connections of the run have been listened to"
    of_the_file = [query for query in queries if log.name in query]
    assert len(of_the_file) == 1, of_the_file
    # A relation that is written to Parquet has no text of its own: the one query without words makes the canonical rows.
    assert queries.count("") == 1
    groups = Counter(re.sub(r"\s+", " ", query) for query in queries if "GROUP BY" in query.upper())
    assert groups, "the cells are a group-by"
    assert not [query for query, times in groups.items() if times > 1]

    folder = tmp_path / "out" / "monthly" / "2026-10"
    record = json.loads((folder / "run.json").read_text())
    assert record["counts"]["read"] + record["counts"]["other_periods"] == 3_000
    assert sorted(p.name for p in exact_folder(tmp_path / "out", "monthly", "2026-10", record).iterdir()) == [
        "arrivals_next.json",
        "cells.parquet",
        "headline_days.parquet",
        "period.json",
    ]
    assert not [p for p in folder.rglob("*") if p.name.startswith(".")], "the rows of the run are gone"
    check_names(folder)
