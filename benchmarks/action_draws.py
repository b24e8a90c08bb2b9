"""Ten thousand evaluations, 50 actions in 200 draws, here and on a Dask cluster: python benchmarks/action_draws.py

    pip install "dask[distributed]"
    python benchmarks/action_draws.py --log shared/data/anonymous-bank --period 1999-02
    python benchmarks/action_draws.py --draws 20 --rounds 1 --workers 2      to see that it runs

Beside it stands what a table of actions costs, of that period and the one before it. Without --log the log is SIMULATED,
the one that the workbook makes. Each way is taken --rounds times in turn, in one run; wall and CPU seconds are medians,
CPU those of all processes of the run. The cluster is a LocalCluster of real processes; its start is timed alone. The
numbers of both ways must be the same to the last bit, or nothing is written. Results go to
benchmarks/results/action_draws.json and action_draws.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process a core, one thread a process

import argparse
import importlib.metadata
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

import cxresearch as cx
from cxresearch import simulate
from cxresearch.decisions import Action, Weighing, action_table, sweep

HERE = Path(__file__).resolve().parent
ACTIONS = 50


def actions(weighing: Weighing) -> list[Action]:
    """One agent more and two, for one hour and for three, from each hour that tells a team; bots for the rest."""
    first, last = min(weighing.hours), max(weighing.hours) + 1
    shifts = [
        (n, start, start + length) for n in (1, 2) for length in (1, 3) for start in range(first, last - length + 1)
    ]
    found = [Action(f"{n} more from {start} to {end} h", shifts=((n, start, end),)) for n, start, end in shifts]
    bots = [Action(f"a bot settles {n / 200:.1%}", contained_share=n / 200) for n in range(1, ACTIONS)]
    return [*found[: ACTIONS - 4], *bots][:ACTIONS]


def cpu_s() -> float:
    """Of this process and of all it started that still run."""
    mine = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (mine, *mine.children(recursive=True)))


def timed(way: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, float, float]:
    wall, cpu = time.monotonic(), cpu_s()
    found = way()
    return found, time.monotonic() - wall, cpu_s() - cpu


def measured(log: str, period: str, draws: int, rounds: int, workers: int) -> dict[str, Any]:
    from distributed import Client, LocalCluster

    month = cx.load(simulate.log_or_default(log)).period(period)
    mine = month.only(channel="phone")
    weighing = Weighing.of(mine)
    chosen = actions(weighing)
    action_table(month, channel="phone")  # the rows are read, the periods weighed
    begun = time.monotonic()
    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.wait_for_workers(workers)
        started_s = time.monotonic() - begun
        ways: dict[str, Callable[[], pd.DataFrame]] = {
            "here": lambda: sweep(weighing, chosen, draws=draws),
            "cluster": lambda: sweep(weighing, chosen, draws=draws, client=client),
            "action_table": lambda: action_table(month, channel="phone"),
        }
        ways["cluster"]()  # its workers have imported what they need
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        tables = {}
        for _ in range(rounds):
            for name, way in ways.items():
                tables[name], *spent = timed(way)
                seen[name].append((spent[0], spent[1]))
            if not tables["here"].equals(tables["cluster"]):
                sys.exit("the cluster gave other numbers")
    medians = {
        f"{name}_{what}_s": round(statistics.median(one[n] for one in times), 3)
        for name, times in seen.items() for n, what in enumerate(("wall", "cpu"))
    }  # fmt: skip
    return {
        "evaluations": len(tables["here"]), "actions": len(chosen), "draws": draws, "workers": workers, "rounds": rounds,
        "days": len(weighing.days), "hours": len(weighing.hours), "contacts": int(mine.cells["contacts"].sum()),
        "kind": mine.kind, **medians, "cluster_start_s": round(started_s, 3),
    }  # fmt: skip


def as_markdown(found: dict[str, Any], facts: dict[str, Any]) -> str:
    rows = [
        f"| {said} | {found[f'{name}_wall_s']:.2f} | {found[f'{name}_cpu_s']:.2f} |"
        for name, said in (
            ("here", f"{found['evaluations']:,} evaluations, one process"),
            ("cluster", f"the same on a Dask cluster, {found['workers']} workers"),
            ("action_table", "a table of the usual actions, 200 draws, and the period before"),
        )
    ]
    lines = [
        "# Actions and draws",
        "",
        f"Made by `python benchmarks/action_draws.py`. {found['actions']} actions in {found['draws']} draws; "
        f"{found['contacts']:,} contacts on {found['days']} fully open days, {found['hours']} hours that tell a team "
        f"({found['kind']}). Medians of {found['rounds']} rounds. The cluster gave the same numbers to the last bit; it took "
        f"{found['cluster_start_s']:.1f} s to start.",
        "",
        "| what | wall, s | CPU, s |",
        "|---|---:|---:|",
        *rows,
    ]
    return "\n".join([*lines, "", *(f"- {key}: {value}" for key, value in facts.items())]) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--log", default="")
    options.add_argument("--period", default="")
    options.add_argument("--draws", type=int, default=200)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--out", type=Path, default=HERE / "results")
    given = options.parse_args()
    found = measured(given.log, given.period, given.draws, given.rounds, given.workers)
    facts = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}", "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("numpy", "scipy", "dask", "distributed")},
    }  # fmt: skip
    (given.out / "action_draws.json").write_text(json.dumps({**found, **facts}, indent=1) + "\n")
    (given.out / "action_draws.md").write_text(as_markdown(found, facts))
    print(as_markdown(found, facts))


if __name__ == "__main__":
    main()
