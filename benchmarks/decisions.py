"""Does one more agent save what the table of actions says, and is who was lost inside the bounds? Companies with known
agents, patience, redials and customers, SIMULATED.

    python benchmarks/decisions.py                 200 worlds
    python benchmarks/decisions.py --worlds 4      to see that it runs

Every world is a company of its own: contacts by hour, handling time, patience, how much days differ, how well each hour is
staffed, how many of those who leave call again, and how often a call shows its customer are drawn. Two months of it are read
as a log (customers and agents known), and ``action_table`` names three hours for one more agent, with an interval. The truth
is what that agent saves in the same world, in 400 days with and without, the same callers in both, and what one would save
in every other three hours. Beside it stand how ``backtest`` does where the team stays as it was, whether the value at the
user's prices holds the true one, and ``period_cost`` of the same month where some calls do not show their customer, against
the callers who were in fact never answered. Results go to benchmarks/results/decisions.json and decisions.md.
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
from cxresearch.decisions import action_table, period_cost

HERE = Path(__file__).resolve().parent
FIRST, MONTHS, NOW = pd.Timestamp("2001-01-01"), 59, "2001-02"  # a Monday; January and February
LONG = 400
HOUR_S = 3_600.0
WORTH, AGENT_HOUR = (5.0, 12.0, 40.0), 30.0
PRICES = {
    "agent_hour": {"value": AGENT_HOUR, "currency": "EUR"},
    "contact": {"value": WORTH[1], "low": WORTH[0], "high": WORTH[2], "currency": "EUR"},
}
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
    visible: tuple[float, float]  # calls that show their customer, after a queue and at once
    worth: float  # of a saved contact, known to the user between WORTH


def world(rng: np.random.Generator) -> World:
    arrivals = PROFILE * rng.uniform(0.5, 2.0)
    handle_s = rng.uniform(120, 300)
    staffed = rng.uniform(0.9, 1.2) + rng.normal(0, 0.08, 24)
    agents = np.where(arrivals > 0, np.maximum(1, np.round(staffed * arrivals * handle_s / HOUR_S)), 0).astype(np.int64)
    visible = (1.0, 1.0) if rng.random() < 0.25 else (rng.uniform(0.5, 1.0), rng.uniform(0.0, 1.0))
    return World(
        arrivals, agents, handle_s, rng.uniform(120, 600), rng.uniform(0.7, 1.2), rng.uniform(0.05, 0.2), rng.uniform(0, 0.4),
        visible, rng.uniform(WORTH[0], WORTH[2]),
    )  # fmt: skip


@numba.njit(cache=False)
def queue(opened, uniform, agents, handle_s, patience_s, shape, redial):  # type: ignore[no-untyped-def]
    """First come, first served: by contact opened, caller, seconds waited, who answered (-1: left) and handling time.

    ``opened``: first tries, seconds in order; ``agents``: by hour from the start; who talks at a full hour goes on. What
    befalls a caller is his own, whatever the team: ``uniform`` is first tries x 3 tries x 4, the last of them for all later ones (patience, handling, whether and
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
        opened, uniform, (work * team).ravel(), law.handle_s, law.patience_s, law.shape, law.redial
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


def half_hidden(log: pd.DataFrame, visible: tuple[float, float], rng: np.random.Generator) -> pd.DataFrame:
    """The log with some calls that do not show their customer."""
    shown = rng.random(len(log)) < np.where(log["queued"], *visible)
    return log.assign(customer_key=log["customer_key"].where(shown))


def never_answered(log: pd.DataFrame) -> int:
    """Calls of the month that left, and whose caller was not answered in seven days."""
    opened, answered = log["opened_at"], log["outcome"] == "answered"
    last = log["customer_key"].map(opened[answered].groupby(log["customer_key"][answered]).max())
    soon = (last > opened) & (last <= opened + pd.Timedelta(days=7))
    return int(((log["outcome"] == "abandoned") & ~soon & (opened >= NOW)).sum())


def truth(law: World, blocks: list[tuple[int, int]], seed: np.random.SeedSequence, days: int) -> np.ndarray:
    """Contacts a working day that one more agent in each of these hours keeps from leaving."""
    left = np.array([
        (simulate(law, days, np.random.default_rng(seed), more=more)["agent"] < 0).sum() for more in (None, *blocks)
    ])  # fmt: skip
    return (left[0] - left[1:]) / (days / 7 * 5)


def one_world(seed: np.random.SeedSequence, days: int = LONG) -> dict[str, Any]:
    """What was printed of the first action and of who was lost, and what is true."""
    own, log, long, hidden = seed.spawn(4)
    law = world(np.random.default_rng(own))
    full = as_log(simulate(law, MONTHS, np.random.default_rng(log)))
    month = cx.load(full).period(NOW)
    table = action_table(month, channel="phone", prices=PRICES)
    first, told = table.iloc[0], table.attrs["backtest"]
    hours = np.flatnonzero(law.arrivals_per_h > 0)
    blocks = [(int(hour), int(hour) + 3) for hour in hours if hour + 3 <= hours[-1] + 1]
    chosen = tuple(int(word) for word in first["action"].split() if word.isdigit())
    saves = dict(zip(blocks, truth(law, blocks, long, days), strict=True))
    cost = period_cost(
        cx.load(half_hidden(full, law.visible, np.random.default_rng(hidden))).period(NOW), channel="phone"
    )
    lost = cost.set_index("measure")
    return {
        "saved": first["saved_per_day"], "lower": first["lower"], "upper": first["upper"], "truth": saves[chosen],
        "best": max(saves.values()), "left_per_day": table.attrs["left_per_day"], "recommended": bool(first["recommended"]),
        "value_lower": first["value_lower"], "value_upper": first["value_upper"],
        "value": saves[chosen] * law.worth - 3 * AGENT_HOUR, "redial": law.redial, "redial_told": table.attrs["redials"]["share"],
        "visible_queued": law.visible[0], "visible_at_once": law.visible[1], "lost": never_answered(full),
        "lost_low": lost.loc["lost_low", "lower"] if cost.attrs["lost_after"] == "7 d" else np.nan,
        "lost_high": lost.loc["lost_high", "upper"] if cost.attrs["lost_after"] == "7 d" else np.nan,
        **{name: told[name] for name in ("skill", "skill_in_effect", "coverage80", "coverage95", "drift", "team")},
    }  # fmt: skip


def summary(rows: pd.DataFrame) -> dict[str, float]:
    ratio = np.log(rows["saved"] / rows["truth"])
    recommended, known = rows[rows["recommended"]], rows.dropna(subset=["lost_low", "lost_high"])
    return {
        "worlds": len(rows), "bias": float(np.exp(ratio.mean()) - 1), "mean_miss": float((np.exp(ratio.abs()) - 1).mean()),
        "covers_95": float(rows["truth"].between(rows["lower"], rows["upper"]).mean()),
        "above": float((rows["truth"] > rows["upper"]).mean()), "below": float((rows["truth"] < rows["lower"]).mean()),
        "width": float(((rows["upper"] - rows["lower"]) / rows["saved"]).mean()),
        "recommended": float(rows["recommended"].mean()),
        "near_best": float((recommended["truth"] >= 0.9 * recommended["best"]).mean()),
        "covers_value": float(rows["value"].between(rows["value_lower"], rows["value_upper"]).mean()), "lost_known": len(known),
        "covers_lost": float(known["lost"].between(known["lost_low"], known["lost_high"]).mean()),
        "lost_width": float(((known["lost_high"] - known["lost_low"]) / known["lost"]).median()), "skill": float(rows["skill"].mean()),
        "skill_in_effect": float(rows["skill_in_effect"].mean()), "backtest_covers_80": float(rows["coverage80"].mean()),
        "backtest_covers_95": float(rows["coverage95"].mean()),
    }  # fmt: skip


def as_markdown(found: dict[str, float], facts: dict[str, Any]) -> str:
    made = f"python benchmarks/decisions.py --worlds {found['worlds']} --seed {facts['seed']}"
    said = {
        "worlds": "worlds", "bias": "saving printed over the true one, less 1 (geometric mean)", "mean_miss": "mean miss of a saving",
        "covers_95": "95 % intervals that hold the true saving", "above": "true saving above the interval",
        "below": "true saving below the interval", "width": "width of the interval over the saving",
        "recommended": "worlds in which the action is recommended",
        "near_best": "of these, it truly saves at least 90 % of what the best three hours would",
        "covers_value": "ranges of the value a day that hold the true one, at a true price inside the user's",
        "lost_known": "worlds in which who was lost for good is said",
        "covers_lost": "of these, the bounds with their intervals hold those never answered",
        "lost_width": "width of the bounds over the truth (median)",
        "skill": "skill of the backtest, agents at work known",
        "skill_in_effect": "skill of the backtest, teams in effect", "backtest_covers_80": "rows inside the 80 % interval",
        "backtest_covers_95": "rows inside the 95 % interval",
    }  # fmt: skip
    lines = [
        "# Decisions",
        "",
        f"Made by `{made}`. All data SIMULATED.",
        "",
        "| measure | value |",
        "|---|---:|",
    ]
    lines += [
        f"| {said[name]} | {value:.0f} |" if name in ("worlds", "lost_known") else f"| {said[name]} | {value:.3f} |"
        for name, value in found.items()
    ]
    return "\n".join([*lines, "", *(f"- {key}: {value}" for key, value in facts.items())]) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=200)
    options.add_argument("--seed", type=int, default=2)
    options.add_argument("--processes", type=int, default=2)
    given = options.parse_args()
    begun = time.monotonic()
    seeds = np.random.SeedSequence(given.seed).spawn(given.worlds)
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        rows = pd.DataFrame(pool.imap(one_world, seeds, chunksize=1))
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
