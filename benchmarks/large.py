"""How a report grows with its log: python benchmarks/large.py --sizes 1e5 1e6 1e7 --data FOLDER

A SIMULATED log of two months, each with as many contacts as the size says, is written as Parquet and as CSV (below
--data, where it is kept for the next time). Of it the monthly report is made, from the command line to the page in its
place, with each notebook timed. Of every process of a report the highest resident memory is told, and that
of all together, a page that two of them share counted once.

Results go to benchmarks/results/large.json and large.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
BEFORE, NOW, NEXT = (np.datetime64(day, "s") for day in ("2026-01-01", "2026-02-01", "2026-03-01"))
PERIOD = "2026-02"
CHUNK = 2_000_000
CHANNELS = (("phone", 0.8), ("chat", 0.12), ("email", 0.08))
QUEUES = ("billing", "orders", "technical", "moving", "other")
# Contacts by hour of the day from 7 to 21, and by weekday from Monday.
HOURS = np.array([3, 6, 9, 11, 11, 10, 8, 8, 9, 9, 7, 5, 3, 1.5])
WEEK = np.array([1.25, 1.1, 1.0, 1.0, 0.95, 0.5, 0.2])
DAY_S = 86_400


def chunk_of(number: int, first: np.datetime64, days: int, start: int, rows: int, customers: int) -> dict[str, Any]:
    """Contacts of one chunk, the same for the same number: who comes when, waits how long, and leaves or is answered.

    The wait on offer is nothing at quiet times and else exponential, longer at noon, on Mondays and on bad days; patience
    is exponential by queue. The clock ticks once a second, on mail once a minute.
    """
    rng = np.random.default_rng([16, number])
    weekday = (np.arange(days) + int((first.astype("datetime64[D]").astype(int) + 3) % 7)) % 7
    weight = (WEEK[weekday][:, None] * HOURS[None, :]).ravel()
    cell = np.sort(rng.choice(weight.size, rows, p=weight / weight.sum()))
    day, hour = np.divmod(cell, HOURS.size)
    opened = day * DAY_S + (hour + 7) * 3600 + rng.integers(0, 3600, rows)
    channel = rng.choice(len(CHANNELS), rows, p=[share for _, share in CHANNELS])
    queue = rng.choice(len(QUEUES), rows, p=[0.35, 0.25, 0.2, 0.12, 0.08])
    # A day's own load is the same in every chunk.
    load = np.random.default_rng(16).lognormal(0, 0.25, 400)[day + int(first.astype("datetime64[D]").astype(int) % 300)]
    busy = load * (HOURS[hour] / 11) * np.where(weekday[day] == 0, 1.4, 1.0)
    offered = np.ceil(rng.exponential(75 * busy * np.array([1, 0.8, 1.5, 1.1, 1])[queue]))
    offered[rng.random(rows) > 0.35 + 0.6 * np.minimum(busy, 1)] = 0
    patience = np.ceil(rng.exponential(np.array([420, 500, 650, 450, 300])[queue]))
    by_mail = channel == 2
    offered[by_mail] = 60 * np.ceil(rng.gamma(1.5, 4 * 60, int(by_mail.sum())))
    patience[by_mail] = 60 * np.ceil(rng.exponential(5 * 24 * 60, int(by_mail.sum())))
    left = patience <= offered
    wait = np.where(left, patience, offered)
    handle = np.round(rng.lognormal(5.2, 0.7, rows)) + 1
    promise = rng.choice(np.array([np.nan, 30, 60, 120, 180, 300]), rows, p=[0.6, 0.08, 0.1, 0.1, 0.07, 0.05])
    customer = rng.integers(0, customers, rows)
    return {
        "contact_id": start + np.arange(rows), "customer_key": np.where(rng.random(rows) < 0.03, -1, customer),
        "channel": channel.astype("int8"), "queue": queue.astype("int8"), "opened_at": first + opened.astype("timedelta64[s]"),
        "queued": (offered > 0), "wait_s": wait.astype("int32"), "left": left,
        "promised_s": np.where(offered > 0, promise, np.nan), "handle_s": np.where(left, np.nan, handle),
    }  # fmt: skip


def write_log(folder: Path, contacts: int, *, csv: bool = True) -> dict[str, Path]:
    """The log of two months as Parquet and, where asked, as CSV, in as many files as there are chunks; kept where it stands."""
    homes = {kind: folder / f"{contacts}-{kind}" for kind in ("parquet", *(["csv"] if csv else []))}
    mark = folder / f"{contacts}{'' if csv else '-parquet'}.whole"
    if mark.exists():
        return homes
    for home in homes.values():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
    engine = duckdb.connect()
    number = start = 0
    channels, queues = ("[" + ", ".join(f"'{name}'" for name in names) + "]" for names in (dict(CHANNELS), QUEUES))
    for first, last in ((BEFORE, NOW), (NOW, NEXT)):
        done = 0
        while done < contacts:
            rows = min(CHUNK, contacts - done)
            chunk = chunk_of(number, first, int((last - first) / np.timedelta64(DAY_S, "s")), start, rows, max(contacts // 3, 1))  # fmt: skip
            engine.register("chunk", chunk)
            log = f"""SELECT 'K' || lpad(CAST(contact_id AS VARCHAR), 10, '0') AS contact_id,
                CASE WHEN customer_key >= 0 THEN 'C' || lpad(CAST(customer_key AS VARCHAR), 9, '0') END AS customer_key,
                {channels}[channel + 1] AS channel, {queues}[queue + 1] AS queue, CAST(opened_at AS TIMESTAMP) AS opened_at,
                queued, wait_s, CASE WHEN "left" THEN 'abandoned' ELSE 'answered' END AS outcome,
                CASE WHEN NOT isnan(promised_s) THEN CAST(promised_s AS INTEGER) END AS promised_s,
                CASE WHEN NOT isnan(handle_s) THEN CAST(handle_s AS INTEGER) END AS handle_s, true AS simulated
                FROM chunk ORDER BY opened_at, contact_id"""
            engine.execute(f"COPY ({log}) TO '{homes['parquet'] / f'{number:04}.parquet'}' (FORMAT parquet)")
            if csv:
                engine.execute(f"COPY ({log}) TO '{homes['csv'] / f'{number:04}.csv'}' (FORMAT csv, HEADER)")
            number, done, start = number + 1, done + rows, start + rows
    mark.touch()
    return homes


class Watch:
    """The memory of a process and of all that it starts, looked at ten times a second until it ends."""

    def __init__(self, root: int) -> None:
        self.highest: dict[int, tuple[str, float]] = {}  # by process: what it is, the highest resident memory in MB
        self.together_mb = 0.0
        self._root, self._over = root, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        turn = 0
        while not self._over.wait(0.1):
            turn += 1
            try:
                root = psutil.Process(self._root)
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            together = 0.0
            for one in family:
                try:
                    status = Path(f"/proc/{one.pid}/status").read_text()
                    words = one.cmdline()
                    if turn % 3 == 0:
                        rolled = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
                        together += _kb(rolled, "Pss:") / 1024
                except (OSError, psutil.Error):
                    continue
                if peak := _kb(status, "VmHWM:") / 1024:
                    self.highest[one.pid] = (_role(words), peak)
            self.together_mb = max(self.together_mb, together)

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def _kb(text: str, name: str) -> float:
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(name)), 0.0)


def _role(words: list[str]) -> str:
    if "cxresearch.report.run.warm_start" in words:
        return "kernels"  # the process that they are forked from, and they
    return "runner" if "cxresearch" in words else Path(words[0]).name if words else ""


def measured(log: Path, out: Path, temporary: Path) -> dict[str, Any]:
    """One report in a process of its own: seconds, processor time, memory, what each cell of its notebooks took."""
    shutil.rmtree(out, ignore_errors=True)
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cxresearch", "report", "monthly", "--period", PERIOD, "--out", str(out), "--set", f"log={log}"]  # fmt: skip
    used, begun = os.times(), time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:  # fmt: skip
        watch = Watch(run.pid)
        said = []
        for line in run.stdout or ():
            said.append(f"{time.perf_counter() - begun:8.1f} {line.rstrip()}")
            print(said[-1], file=sys.stderr)
        code = run.wait()
        watch.end()
    seconds, now = time.perf_counter() - begun, os.times()
    folder = next((f for f in (out / "monthly" / PERIOD, out / "monthly" / f"{PERIOD}.failed") if f.exists()), None)
    return {
        "exit": code, "seconds": round(seconds, 1),
        "cpu_s": round(now.children_user + now.children_system - used.children_user - used.children_system, 1),
        "highest_mb": sorted(((role, round(mb)) for role, mb in watch.highest.values()), key=lambda one: -one[1]),
        "together_mb": round(watch.together_mb), "said": said, "sections": _sections(folder) if folder else {},
        "page_mb": round((folder / "report.html").stat().st_size / 1e6, 2) if folder and (folder / "report.html").exists() else None,
    }  # fmt: skip


def _sections(folder: Path) -> dict[str, float]:
    """Seconds of each notebook, as run.json says them; the reading comes before them, the page after."""
    run = json.loads((folder / "run.json").read_text())
    return {one["name"]: round(one["seconds"], 1) for one in run["notebooks"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", nargs="+", type=lambda text: int(float(text)), default=[100_000, 1_000_000, 10_000_000]
    )
    parser.add_argument("--formats", nargs="+", choices=("parquet", "csv"), default=["parquet", "csv"])
    parser.add_argument("--csv-up-to", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument("--data", type=Path, help="where the logs are kept for the next time; else they go at the end")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="large-"))
    busy = os.getloadavg()[0]
    runs: list[dict[str, Any]] = []
    for contacts in given.sizes:
        logs = write_log(given.data or folder / "logs", contacts, csv=contacts <= given.csv_up_to)
        for kind in (one for one in given.formats if one in logs):
            (folder / "tmp").mkdir(exist_ok=True)
            made = measured(logs[kind], folder / "out", folder / "tmp")
            runs.append({"contacts": contacts, "format": kind, "log_mb": round(_size(logs[kind]) / 1e6), **made})
            print(
                f"{contacts:,} {kind}: {made['seconds']} s, {made['cpu_s']} CPU s, exit {made['exit']}", file=sys.stderr
            )
    facts = {
        "load average at the start and at the end": f"{busy:.1f}, {os.getloadavg()[0]:.1f}", "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version(),
        **{name: version(name) for name in ("cxresearch", "duckdb", "pandas", "pyarrow")},
    }  # fmt: skip
    write(given.out, facts, runs)
    shutil.rmtree(folder)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def write(out: Path, facts: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    lines = [
        "# How a report grows with its log", "",
        "Of a SIMULATED log: a month of so many contacts, and the month before with as many. Memory is the highest that is "
        "resident; together means a page that two processes share counted once.", "",
        "| contacts a month | format | log, MB | seconds | CPU seconds | largest process, MB | together, MB | page, MB | exit |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for one in runs:
        lines.append(
            f"| {one['contacts']:,} | {one['format']} | {one['log_mb']} | {one['seconds']} | {one['cpu_s']} "
            f"| {max((mb for _, mb in one['highest_mb']), default=0)} | {one['together_mb']} | {one['page_mb'] or '-'} | {one['exit']} |"
        )
    of_parquet = [one for one in runs if one["format"] == "parquet"] or runs
    lines += [
        "",
        "## By section, seconds",
        "",
        "Notebooks run at the same time and after the reading, so that these do not add up to the whole.",
        "",
    ]
    lines += ["| notebook | " + " | ".join(f"{one['contacts']:,}" for one in of_parquet) + " |"]
    lines += ["|---|" + "---:|" * len(of_parquet)]
    for name in dict.fromkeys(name for one in of_parquet for name in one["sections"]):
        took = [one["sections"].get(name) for one in of_parquet]
        lines.append(f"| {name} | " + " | ".join("-" if one is None else f"{one:.1f}" for one in took) + " |")
    lines += ["", *(f"- {name}: {value}" for name, value in facts.items())]
    out.mkdir(parents=True, exist_ok=True)
    (out / "large.md").write_text("\n".join(lines) + "\n")
    kept = [{name: value for name, value in one.items() if name != "said"} for one in runs]
    (out / "large.json").write_text(json.dumps({**facts, "runs": kept}, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
