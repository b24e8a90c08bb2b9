"""Does one more agent save what the table of actions says? Companies with known agents, patience and redials, SIMULATED.

    python benchmarks/decisions.py                 60 worlds, some minutes on two cores
    python benchmarks/decisions.py --worlds 4      to see that it runs

Every world is a company of its own: contacts by hour, handling time, patience, how much days differ, how well each hour is
staffed and how many of those who leave call again are drawn. Two months of it are read as a log (customers and agents
known), and ``action_table`` names three hours for one more agent, with an interval. The truth is what that agent saves in
the same world, in 400 days with and without, the same callers in both. Beside it stands how ``backtest`` does where the
team stays as it was. Results go to benchmarks/results/decisions.json and decisions.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process a core, one thread a process

import argparse
import heapq
import importlib.metadata
import json
import multiprocessing
import platform
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd

import cxresearch as cx
from cxresearch.decisions import action_table, backtest

HERE = Path(__file__).resolve().parent
FIRST, MONTHS, NOW = pd.Timestamp("2001-01-01"), 59, "2001-02"  # a Monday; January and February
LONG = 400
HOUR_S, DAY_S = 3_600.0, 86_400.0
PROFILE = np.array([0] * 7 + [40, 90, 105, 120, 110, 95, 100, 110, 110, 105, 85, 80, 65, 60, 55, 50, 40], dtype=float)


@dataclass(frozen=True)
class World:
    """A company: contacts and agents by hour on Monday to Friday, Weibull patience, days that differ, redials."""

    arrivals_per_h: np.ndarray
    agents: np.ndarray
    handle_s: float
    patience_s: float
    shape: float
    day_sd: float
    redial: float


def world(rng: np.random.Generator) -> World:
    arrivals = PROFILE * rng.uniform(0.5, 2.0)
    handle_s = rng.uniform(120, 300)
    staffed = rng.uniform(0.9, 1.2) + rng.normal(0, 0.08, 24)
    agents = np.where(arrivals > 0, np.maximum(1, np.round(staffed * arrivals * handle_s / HOUR_S)), 0).astype(np.int64)
    return World(
        arrivals, agents, handle_s, rng.uniform(120, 600), rng.uniform(0.7, 1.2), rng.uniform(0.05, 0.2), rng.uniform(0, 0.4)
    )  # fmt: skip


@numba.njit(cache=False)
def queue(opened, uniform, agents, handle_s, patience_s, shape, redial, seed):  # type: ignore[no-untyped-def]
    """First come, first served: by contact opened, caller, seconds waited, who answered (-1: left) and handling time.

    ``opened``: first tries, seconds in order; ``agents``: by hour from the start; who talks at a full hour goes on. What
    befalls a caller is his own, whatever the team: ``uniform`` is first tries x 8 tries x 4 (patience, handling, whether and
    when the next try comes).
    """
    tries = uniform.shape[1]
    free = np.zeros(agents.max())
    heap = [(opened[0], 0, 0) for _ in range(0)]
    when, who, waited, answered, handled = (
        [0.0 for _ in range(0)],
        [0 for _ in range(0)],
        [0.0 for _ in range(0)],
        [0 for _ in range(0)],
        [0.0 for _ in range(0)],
    )
    place, hours = 0, len(agents)
    while place < len(opened) or len(heap):
        if len(heap) and (place == len(opened) or heap[0][0] < opened[place]):
            at, caller, attempt = heapq.heappop(heap)
            if at >= hours * 3600.0 or agents[int(at // 3600)] == 0:
                continue
        else:
            at, caller, attempt = opened[place], place, 0
            place += 1
        draws = uniform[caller, min(attempt, tries - 1)]
        stays = patience_s * (-np.log(draws[0])) ** (1 / shape)
        takes = -handle_s * np.log(draws[1])
        best, begins = -1, np.inf
        for agent in range(len(free)):
            begin = max(free[agent], at)
            while (
                begin < begins
                and begin - at <= stays
                and int(begin // 3600) < hours
                and agent >= agents[int(begin // 3600)]
            ):
                begin = (begin // 3600 + 1) * 3600.0
            if begin < begins and int(begin // 3600) < hours and agent < agents[int(begin // 3600)]:
                best, begins = agent, begin
        when.append(at)
        who.append(caller)
        if best < 0 or begins - at > stays:
            waited.append(stays)
            answered.append(-1)
            handled.append(0.0)
            if draws[2] < redial:
                heapq.heappush(heap, (at + stays - 900.0 * np.log(draws[3]), caller, attempt + 1))
        else:
            free[best] = begins + takes
            waited.append(begins - at)
            answered.append(best)
            handled.append(takes)
    return np.array(when), np.array(who), np.array(waited), np.array(answered), np.array(handled)


def simulate(law: World, days: int, rng: np.random.Generator, *, more: tuple[int, int] | None = None) -> pd.DataFrame:
    """The contacts of ``days`` days from a Monday on; ``more``: from when to when one more agent is there."""
    load = np.exp(law.day_sd * rng.standard_normal(days) - law.day_sd**2 / 2)
    work = (np.arange(days) % 7 < 5)[:, None]
    asked = rng.poisson((work * load[:, None] * law.arrivals_per_h).ravel())
    hour = np.repeat(np.arange(24 * days), asked)
    opened = HOUR_S * np.sort(hour + rng.random(len(hour)))
    uniform = 1 - rng.random((len(hour), 3, 4))
    team = law.agents.copy()
    if more is not None:
        team[slice(*more)] += 1
    when, who, waited, agent, handled = queue(
        opened, uniform, (work * team).ravel(), law.handle_s, law.patience_s, law.shape, law.redial, 0
    )
    return pd.DataFrame({"when": when, "who": who, "wait": waited, "agent": agent, "handle": handled})


def as_log(contacts: pd.DataFrame) -> pd.DataFrame:
    """The contacts as a tool would export them: whole seconds, ids of callers and of agents."""
    answered = contacts["agent"] >= 0
    wait = np.ceil(contacts["wait"])
    return pd.DataFrame({
        "contact_id": [f"c{n}" for n in range(len(contacts))], "customer_key": "k" + contacts["who"].astype(str),
        "channel": "phone", "queue": "all", "opened_at": FIRST + pd.to_timedelta(np.floor(contacts["when"]), unit="s"),
        "queued": wait > 0, "wait_s": wait, "outcome": np.where(answered, "answered", "abandoned"),
        "handle_s": np.ceil(contacts["handle"]).where(answered), "agent_key": ("a" + contacts["agent"].astype(str)).where(answered),
    })  # fmt: skip


def truth(law: World, block: tuple[int, int], seed: np.random.SeedSequence, days: int) -> float:
    """Contacts a working day that one more agent in these hours keeps from leaving."""
    left = [
        int((simulate(law, days, np.random.default_rng(seed), more=more)["agent"] < 0).sum()) for more in (None, block)
    ]
    return (left[0] - left[1]) / (days / 7 * 5)


def one_world(seed: np.random.SeedSequence, days: int = LONG) -> dict[str, Any]:
    """What was printed of the first action, and what it truly saves."""
    own, log, long = seed.spawn(3)
    law = world(np.random.default_rng(own))
    month = cx.load(as_log(simulate(law, MONTHS, np.random.default_rng(log)))).period(NOW)
    table = action_table(month, channel="phone")
    first = table.iloc[0]
    block = tuple(int(word) for word in first["action"].split() if word.isdigit())
    told = backtest(month, channel="phone")
    return {
        "saved": first["saved_per_day"], "lower": first["lower"], "upper": first["upper"],
        "truth": truth(law, (block[0], block[1]), long, days), "left_per_day": table.attrs["left_per_day"],
        "recommended": bool(first["recommended"]), "redial": law.redial, "redial_told": table.attrs["redials"]["share"],
        **{name: told.attrs[name] for name in ("skill", "skill_in_effect", "coverage80", "coverage95", "drift", "team")},
    }  # fmt: skip


def summary(rows: pd.DataFrame) -> dict[str, float]:
    ratio = np.log(rows["saved"] / rows["truth"])
    return {
        "worlds": len(rows), "bias": float(np.exp(ratio.mean()) - 1), "mean_miss": float((np.exp(ratio.abs()) - 1).mean()),
        "covers_95": float(rows["truth"].between(rows["lower"], rows["upper"]).mean()),
        "above": float((rows["truth"] > rows["upper"]).mean()), "below": float((rows["truth"] < rows["lower"]).mean()),
        "width": float(((rows["upper"] - rows["lower"]) / rows["saved"]).mean()),
        "recommended": float(rows["recommended"].mean()), "skill": float(rows["skill"].mean()),
        "skill_in_effect": float(rows["skill_in_effect"].mean()), "backtest_covers_80": float(rows["coverage80"].mean()),
        "backtest_covers_95": float(rows["coverage95"].mean()),
    }  # fmt: skip


def as_markdown(found: dict[str, float], facts: dict[str, Any]) -> str:
    said = {
        "worlds": "worlds", "bias": "saving printed over the true one, less 1 (geometric mean)", "mean_miss": "mean miss of a saving",
        "covers_95": "95 % intervals that hold the true saving", "above": "true saving above the interval",
        "below": "true saving below the interval", "width": "width of the interval over the saving",
        "recommended": "worlds in which the action is recommended", "skill": "skill of the backtest, agents at work known",
        "skill_in_effect": "skill of the backtest, teams in effect", "backtest_covers_80": "rows inside the 80 % interval",
        "backtest_covers_95": "rows inside the 95 % interval",
    }  # fmt: skip
    lines = [
        "# Decisions",
        "",
        "Made by `python benchmarks/decisions.py`. All data SIMULATED.",
        "",
        "| measure | value |",
        "|---|---:|",
    ]
    lines += [
        f"| {said[name]} | {value:.0f} |" if name == "worlds" else f"| {said[name]} | {value:.3f} |"
        for name, value in found.items()
    ]
    return "\n".join([*lines, "", *(f"- {key}: {value}" for key, value in facts.items())]) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=60)
    options.add_argument("--seed", type=int, default=2)
    options.add_argument("--processes", type=int, default=2)
    given = options.parse_args()
    begun = time.monotonic()
    seeds = np.random.SeedSequence(given.seed).spawn(given.worlds)
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        rows = pd.DataFrame(pool.map(one_world, seeds, chunksize=1))
    found = summary(rows)
    facts = {
        "date": date.today().isoformat(), "seconds": round(time.monotonic() - begun), "seed": given.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}", "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"), "scipy": importlib.metadata.version("scipy"),
    }  # fmt: skip
    results = HERE / "results"
    (results / "decisions.json").write_text(
        json.dumps({**found, **facts, "rows": rows.to_dict("records")}, indent=1) + "\n"
    )
    (results / "decisions.md").write_text(as_markdown(found, facts))
    print(as_markdown(found, facts))


if __name__ == "__main__":
    main()
