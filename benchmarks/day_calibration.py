"""Do intervals and verdicts that take the day as the unit hold what they say? Whole SIMULATED logs, read as a report reads them.

    python benchmarks/day_calibration.py            about ten minutes on two quiet cores
    python benchmarks/day_calibration.py --small    to see that it runs

Every world is a queue with a known law, simulated without a break: months of 28 days, each beside the one before, and the
last two weeks of each month. Values, intervals, p values and verdicts are those of ``headline_table`` and ``change_table``,
which print them. The truth of a headline is its value in a simulation of the same world many times as long. Nothing
changes from month to month, so every verdict "rose" or "fell" is a false call; what a true change does is asked apart.
Where the reference data is there (``CXRESEARCH_SHARED``), the days of two real months are split at random into halves of
equal weekdays, of which neither can have changed from the other. Results go to benchmarks/results/day_calibration.md.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process a core, one thread a process

import argparse
import dataclasses
import heapq
import importlib.metadata
import json
import math
import multiprocessing
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pandas as pd

from cxresearch.contacts import Period, PeriodLog, load
from cxresearch.exhibits import change_table, days_hang_together, run_points
from cxresearch.exhibits.headlines import headline_table

HERE = Path(__file__).resolve().parent
FIRST = date(2001, 1, 1)  # a Monday
MONTH, WEEK, DAY_S, HOUR_S = 28, 7, 86_400, 3_600.0
HANDLE_S = 190.0
LONGEST_S = 3_600  # nobody waits longer
CHART = "chart"
SIX = ("lost_share", "abandonment_share", "service_level", "mean_answer_s", "mean_wait_s", "patience_survival_60s")
OTHERS = ("contacts_per_day", "queued_share")
STEADY = "ABCDEFH"  # worlds whose days do not hang together
RISES, RISING = (0.02, 0.04, 0.08), ("B", "D")
OPEN = (40, 90, 105, 120, 110, 95, 100, 110, 110, 105, 85, 80, 65, 60, 55, 50, 40)  # contacts an hour, 7 to 24 h


class Size(NamedTuple):
    """How much is simulated: ``months`` with one before each, ``risen`` months for each rise, ``long`` months for a truth,
    ``splits`` of each real month."""

    months: int
    risen: int
    long: int
    splits: int


FULL, SMALL = Size(400, 200, 600, 400), Size(8, 4, 8, 8)


@dataclass(frozen=True)
class World:
    """A queue: contacts and agents an hour by weekday and hour, Weibull patience, and what differs from day to day.

    ``day_sd`` of the logarithm of a day's load, which follows the day before by ``correlation``; ``agents_vary``: one less,
    as planned or one more on a whole day; ``redial``: the share of those who leave that call again after ``redial_s`` on
    average.
    """

    says: str
    arrivals_per_h: np.ndarray
    agents: np.ndarray
    patience_s: np.ndarray
    shape: float = 1.0
    day_sd: float = 0.0
    correlation: float = 0.0
    agents_vary: bool = False
    redial: float = 0.0
    redial_s: float = 900.0
    handle_s: float = HANDLE_S


def worlds() -> dict[str, World]:
    around, patient = np.full((7, 24), 52.0), np.full(24, 330.0)
    bank = np.tile(np.concatenate([np.zeros(7), OPEN]), (7, 1)).astype(float)
    weekdays = bank * np.array([1.10, 1.05, 1.0, 1.0, 0.95, 0.85, 1.05])[:, None]
    short = bank.copy()
    short[4, 14:] = 0  # Friday to 14 h, Saturday from 20 h
    short[5, :20] = 0
    hours = np.where(np.arange(24) < 12, 200.0, np.where(np.arange(24) < 18, 330.0, 500.0))
    b = World("bank hours, every day alike", bank, team(bank), patient)
    c = World("weekdays differ, Weibull patience, days differ by 10 %", weekdays, team(bank), patient, 0.75, 0.10)
    return {
        "A": World("stationary, one team around the clock", around, np.full((7, 24), 3), patient),
        "B": b,
        "C": c,
        "D": dataclasses.replace(c, says="C, and one agent more or less on whole days", agents_vary=True),
        "E": dataclasses.replace(b, says="B, and 40 % of those who leave call again", redial=0.4),
        "F": dataclasses.replace(b, says="B, and patience grows with the hour", patience_s=hours),
        "G": dataclasses.replace(
            c, says="C, days differ by 15 % and follow each other by 0.5", day_sd=0.15, correlation=0.5
        ),
        "H": World("a bank's own week: Friday to 14 h, Saturday from 20 h; days as in D", short, team(short), patient,
                   0.75, 0.10, agents_vary=True),
    }  # fmt: skip


def team(arrivals_per_h: np.ndarray) -> np.ndarray:
    """Agents for the planned work of each hour and a tenth more."""
    return np.where(arrivals_per_h > 0, np.maximum(1, np.round(1.1 * arrivals_per_h * HANDLE_S / HOUR_S)), 0).astype(
        np.int64
    )


# --- a log of many days -----------------------------------------------------------------------------------------------
@numba.njit(cache=False)
def queue(opened, patience, handle, agents, scale, shape, mean_s, redial, redial_s, rng):  # type: ignore[no-untyped-def]
    """First come, first served: opened, whole seconds waited and how it ended (0 at once, 1 answered, 2 left).

    ``opened`` seconds in order; ``patience`` and ``handle`` in units of their scale; ``agents`` by hour from the start.
    """
    free = np.zeros(agents.max())
    seen, waited, ended = [0.0 for _ in range(0)], [0 for _ in range(0)], [0 for _ in range(0)]
    again = [0.0 for _ in range(0)]
    place, hours = 0, len(agents)
    while place < len(opened) or len(again):
        if len(again) and (place == len(opened) or again[0] < opened[place]):
            at = heapq.heappop(again)
            if at >= hours * 3600.0 or agents[int(at // 3600)] == 0:
                continue
            ready, takes = rng.standard_exponential(), rng.standard_exponential()
        else:
            at, ready, takes = opened[place], patience[place], handle[place]
            place += 1
        stays_s = np.ceil(scale[int(at // 3600) % 24] * ready ** (1 / shape))
        best, begins = -1, np.inf
        for agent in range(len(free)):
            begin = max(free[agent], at)
            while begin < begins and int(begin // 3600) < hours and agent >= agents[int(begin // 3600)]:
                begin = (begin // 3600 + 1) * 3600.0
                if begin - at > stays_s:
                    break
            if begin < begins and int(begin // 3600) < hours and agent < agents[int(begin // 3600)]:
                best, begins = agent, begin
        offered = np.ceil(begins - at)
        seen.append(at)
        if best < 0 or (offered > 0 and offered >= stays_s):
            waited.append(int(min(stays_s, 3600)))
            ended.append(2)
            if rng.random() < redial:
                heapq.heappush(again, at + stays_s + redial_s * rng.standard_exponential())
        else:
            free[best] = begins + mean_s * takes
            waited.append(int(offered))
            ended.append(1 if offered > 0 else 0)
    return np.array(seen), np.array(waited), np.array(ended)


def simulate(world: World, days: int, rng: np.random.Generator) -> np.ndarray:
    """Contacts by day, second waited and end: an array of counts day x (LONGEST_S + 1) x 3."""
    shocks = rng.standard_normal(days)
    for day in range(1, days):
        shocks[day] = world.correlation * shocks[day - 1] + math.sqrt(1 - world.correlation**2) * shocks[day]
    load = np.exp(world.day_sd * shocks - world.day_sd**2 / 2)
    weekday = np.arange(days) % 7
    planned = world.agents[weekday]
    moved = rng.integers(-1, 2, days)[:, None] if world.agents_vary else 0
    agents = np.where(planned > 0, np.maximum(1, planned + moved), 0).ravel()
    asked = rng.poisson((world.arrivals_per_h[weekday] * load[:, None]).ravel())
    hour = np.repeat(np.arange(24 * days), asked)
    opened = HOUR_S * np.sort(hour + rng.random(len(hour)))
    draws = rng.standard_exponential((2, len(hour)))
    seen, waited, ended = queue(
        opened, *draws, agents, world.patience_s, world.shape, world.handle_s, world.redial, world.redial_s, rng
    )
    code = ((seen // DAY_S).astype(np.int64) * (LONGEST_S + 1) + waited) * 3 + ended
    return np.bincount(code, minlength=days * (LONGEST_S + 1) * 3).reshape(days, LONGEST_S + 1, 3)


def period(counts: np.ndarray, first: int, previous: PeriodLog | None = None) -> PeriodLog:
    """Days ``first``, ``first + 1``, ... of a simulated log as the report has them."""
    start = FIRST + timedelta(first)
    day, waited, ended = np.nonzero(counts)
    days = pd.Timestamp(start) + pd.to_timedelta(day, unit="D")
    contacts = counts[day, waited, ended]
    cells = pd.DataFrame({
        "day": days, "weekday": days.day_of_week + 1, "hour": 9, "channel": "phone", "queue": "all", "promised_s": np.nan,
        "queued": ended > 0, "duration_s": waited.astype(float), "outcome": np.where(ended == 2, "abandoned", "answered"),
        "contacts": contacts, "handled": 0, "handle_s": 0.0,
    })  # fmt: skip
    kind = "month" if len(counts) > WEEK else "week"
    total = int(contacts.sum())
    return PeriodLog(
        period=Period(start.isoformat(), kind, start, start + timedelta(len(counts))), cells=cells,
        counts={"read": total, "kept": total, "set_aside": 0, "other_periods": 0},
        set_aside=pd.DataFrame(columns=["reason", "rows"]), repaired=pd.DataFrame(columns=["repair", "rows"]),
        files=pd.DataFrame(columns=["path", "used", "reason"]), newest=None, simulated=True, previous=previous,
    )  # fmt: skip


def truth(world: World, months: int, rng: np.random.Generator) -> pd.Series:
    """Every headline over ``months`` months on end."""
    total, done = np.zeros((1, LONGEST_S + 1, 3), dtype=np.int64), 0
    while done < months:
        some = min(20, months - done)
        total += simulate(world, some * MONTH, rng).sum(axis=0, keepdims=True)
        done += some
    value = headline_table(period(total, 0), channel="phone").set_index("name")["value"].astype(float)
    value["contacts_per_day"] /= months * MONTH
    return value


# --- what is asked of it ----------------------------------------------------------------------------------------------
def asked_of(world: str, law: World, months: int, seed: np.random.SeedSequence) -> list[dict[str, Any]]:
    """One row a headline, span and month: its interval, and its change since the one before."""
    counts = simulate(law, (months + 1) * MONTH, np.random.default_rng(seed))
    rows: list[dict[str, Any]] = []
    before = None
    for number in range(months + 1):
        first = number * MONTH
        month = period(counts[first : first + MONTH], first)
        now = headline_table(month, channel="phone")
        if before is not None:
            rows += told(world, "month", now, before)
            rows += told(world, "week", *last_weeks(counts, first))
            rows += charted(world, now, before)
        before = now
    return rows


def last_weeks(counts: np.ndarray, first: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last week of the month that begins on day ``first``, and the one before."""
    now, then = first + MONTH - WEEK, first + MONTH - 2 * WEEK
    earlier = period(counts[then:now], then)
    week = period(counts[now : now + WEEK], now, earlier)
    return headline_table(week, channel="phone"), headline_table(earlier, channel="phone")


def charted(world: str, now: pd.DataFrame, before: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a run chart over both months: whether it shows a sign of change (``called``)."""
    points = run_points(now, before)
    signs = (points["outside"] != 0) | (points["run"] != 0)
    together = days_hang_together(now, before)
    return [
        {"world": world, "span": CHART, "name": name, "called": sign, "together": together}
        for name, sign in signs.groupby(points["name"], sort=False).any().items()
    ]


def told(world: str, span: str, now: pd.DataFrame, before: pd.DataFrame) -> list[dict[str, Any]]:
    moved = change_table(now, before).set_index("name").drop(index=["contacts", "lost_for_good_share"])
    kept = moved[["lower", "upper", "p_value"]].assign(called=moved["verdict"].isin(["rose", "fell"]))
    return [{"world": world, "span": span, "name": name, **row} for name, row in kept.to_dict("index").items()]


def risen(world: str, law: World, points: float, months: int, seed: np.random.SeedSequence) -> list[dict[str, Any]]:
    """Months and weeks beside those before, since when handling has grown until ``points`` more of all who ask are lost."""
    known, chain = seed.spawn(2)

    def lost(handle_s: float) -> float:  # the same draws for every handling time
        slower = dataclasses.replace(law, handle_s=handle_s)
        return float(truth(slower, min(40, months), np.random.default_rng(known))["lost_share"])

    low, high, aim = law.handle_s, 2 * law.handle_s, lost(law.handle_s) + points
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if lost(middle) > aim else (middle, high)
    before, now = (
        simulate(one, months * MONTH, np.random.default_rng(own))
        for one, own in zip((law, dataclasses.replace(law, handle_s=low)), chain.spawn(2), strict=True)
    )
    rows: list[dict[str, Any]] = []
    for number in range(months):
        first = 2 * number * MONTH  # beside each other in the calendar
        days = slice(number * MONTH, (number + 1) * MONTH)
        both = np.concatenate([before[days], now[days]])
        tables = [headline_table(period(both[at : at + MONTH], first + at), channel="phone") for at in (MONTH, 0)]
        rows += told(world, "month", *tables)
        tables = [
            headline_table(period(both[at : at + WEEK], first + at), channel="phone") for at in (MONTH, MONTH - WEEK)
        ]
        rows += told(world, "week", *tables)
    return [{**row, "rise": points} for row in rows]


def halves(log: str, splits: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Days of two real months, split at random into halves with as many of each weekday as goes."""
    rows: list[dict[str, Any]] = []
    now = load(log).period("1999-02")
    for month in filter(None, (now.previous, now)):
        whole = headline_table(month, channel="phone")
        days = whole.attrs["days"]
        weekday = days.drop_duplicates("day").set_index("day")["weekday"]
        for _ in range(splits):
            place = weekday.iloc[rng.permutation(len(weekday))].groupby(weekday).cumcount()
            first = set(place.index[place % 2 == 0])
            tables = []
            for here in (days["day"].isin(first), ~days["day"].isin(first)):
                tables.append(whole.copy())
                tables[-1].attrs = {"days": days[here]}
            rows += told(month.period.label, "half", *tables)
    return rows


# --- all of it --------------------------------------------------------------------------------------------------------
Job = tuple[Callable[..., Any], tuple[Any, ...]]


def done(job: Job) -> Any:
    return job[0](*job[1])


def run(size: Size, seed: int, names: str, log: str, processes: int) -> tuple[dict[str, pd.Series], pd.DataFrame]:
    """The truths by world, and the rows of all that is asked. Every part has a seed of its own."""
    laws = {name: law for name, law in worlds().items() if name in names}
    some = min(50, size.months)

    def own(part: int, *more: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([seed, part, *more])

    long = [(truth, (law, size.long, np.random.default_rng(own(0, ord(n))))) for n, law in laws.items()]
    jobs: list[Job] = [
        (risen, (n, laws[n], points, size.risen, own(2, ord(n), round(1000 * points))))
        for n in RISING
        if n in laws
        for points in RISES
    ]
    jobs += [
        (asked_of, (n, law, some, own(1, ord(n), part)))
        for n, law in laws.items() for part in range(-(-size.months // some))
    ]  # fmt: skip
    if log:
        jobs.append((halves, (log, size.splits, np.random.default_rng(own(3)))))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = list(pool.imap(done, [*long, *jobs], 1))
    truths = dict(zip(laws, found, strict=False))
    return truths, pd.DataFrame([row for part in found[len(laws) :] for row in part])


def summary(truths: dict[str, pd.Series], rows: pd.DataFrame) -> pd.DataFrame:
    """One row a world, span, rise and headline: coverage, false calls of the interval (``raw``), verdicts (``called``)."""
    rows = rows[rows["span"] != CHART]
    rows = rows.assign(rise=rows["rise"].fillna(0.0) if "rise" in rows else 0.0)
    value = [truths[w][n] if w in truths else math.nan for w, n in zip(rows["world"], rows["name"], strict=True)]
    known = rows["lower"].notna() & (rows["rise"] == 0) & rows["span"].ne("half")
    inside = (rows["lower"] <= value) & (rows["upper"] >= value)
    rows = rows.assign(
        coverage=inside.astype(float).where(known), with_interval=rows["lower"].notna(), raw=(rows["p_value"] < 0.05),
        tested=rows["p_value"].notna(),
    )  # fmt: skip
    table = rows.groupby(["world", "span", "rise", "name"], as_index=False).agg(
        logs=("name", "size"), coverage=("coverage", "mean"), with_interval=("with_interval", "mean"),
        tested=("tested", "mean"), raw=("raw", "mean"), called=("called", "mean"),
    )  # fmt: skip
    return table.assign(
        truth=[truths[w][n] if w in truths else math.nan for w, n in zip(table["world"], table["name"], strict=True)]
    )


def any_call(rows: pd.DataFrame) -> pd.DataFrame:
    """``world, span, rise, any_raw, any_called``: of reports, those with any; the eight headlines of a report stand together."""
    rows = rows[rows["span"] != CHART]
    size = rows["name"].nunique()
    rows = rows.assign(rise=rows["rise"].fillna(0.0) if "rise" in rows else 0.0, raw=rows["p_value"] < 0.05)
    report = rows.groupby(["world", "span", "rise"]).cumcount() // size
    each = rows.groupby(["world", "span", "rise", report])[["raw", "called"]].any()
    return each.groupby(level=[0, 1, 2]).mean().rename(columns=lambda c: f"any_{c}").reset_index()


def false_signs(rows: pd.DataFrame) -> pd.DataFrame:
    """Of run charts: ``world, together, months, chart`` (share of charts with a sign), ``set`` (of months, with any)."""
    rows = rows[rows["span"] == CHART]
    month = rows.groupby("world").cumcount() // max(rows["name"].nunique(), 1)
    months = rows.groupby(["world", month])[["called", "together"]].agg(
        {"called": ["mean", "any"], "together": "first"}
    )
    months.columns = ["chart", "set", "together"]
    found = months.astype(float).groupby([months.index.get_level_values(0), months["together"].astype(bool)])
    return found[["chart", "set"]].mean().assign(months=found.size()).reset_index()


def said_of_charts(signs: pd.DataFrame) -> dict[str, list[float]]:
    """What the exhibit says of false signs: where days stand apart (all worlds but G), and where they hang together (G)."""
    apart = signs[signs["world"].isin(list(STEADY)) & ~signs["together"]]
    near = signs[~signs["world"].isin(list(STEADY)) & signs["together"]]
    return {
        what: [
            round(float(np.average(of[what], weights=of["months"])), 3) if len(of) else math.nan for of in (apart, near)
        ]
        for what in ("chart", "set")
    }


def machine() -> dict[str, str]:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), platform.processor())
    versions = {name: importlib.metadata.version(name) for name in ("cxresearch", "numba", "numpy", "pandas", "scipy")}
    return {"date": date.today().isoformat(), "processor": model, "cores": str(os.cpu_count()),
            "python": platform.python_version(), **versions}  # fmt: skip


def spread(values: pd.Series) -> str:
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"


def as_markdown(
    table: pd.DataFrame, family: pd.DataFrame, signs: pd.DataFrame, about: dict[str, str], size: Size, seed: int
) -> str:
    any_of = family.set_index(["world", "span", "rise"])
    six, names = table[table["name"].isin(SIX)], [*SIX, *OTHERS]
    lines = [
        "# Intervals and verdicts with the day as the unit", "",
        f"SIMULATED worlds with a known law, seed {seed}; `python benchmarks/day_calibration.py`. {size.months} months of 28 days and as many weeks in",
        "each world, every one beside the one before; a report is the eight headlines of one of them. Truths are those of "
        f"{size.long} further months.", "A 95 % interval should hold the truth in 0.95, and call a change where nothing changed in 0.05: "
        f"chance alone moves one such number by {math.sqrt(0.95 * 0.05 / size.months):.3f}", "(one standard error). "
        "Mean (lowest to highest) over " + ", ".join(f"`{name}`" for name in SIX) + ".", "",
        *(f"- {name}: {law.says}" for name, law in worlds().items()), "",
        "| world | span | coverage | false calls of one interval | verdicts \"rose\" or \"fell\" | reports with any such verdict |",
        "|---|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    still = six[six["rise"] == 0]
    for (world, span), one in still[still["span"] != "half"].groupby(["world", "span"], sort=False):
        lines.append(
            f"| {world} | {span} | {spread(one['coverage'])} | {spread(one['raw'])} | {spread(one['called'])} | "
            f"{any_of.loc[(world, span, 0.0), 'any_called']:.3f} |"
        )
    for span, one in still[still["world"].isin(list(STEADY))].groupby("span", sort=False):
        lines.append(
            f"| {', '.join(sorted(set(one['world'])))} | {span} | {spread(one['coverage'])} | {spread(one['raw'])} | {spread(one['called'])} | |"
        )
    lines += ["", "## Each headline", "", "Coverage / false calls of one interval / verdicts.", "",
              f"| world | span | {' | '.join(f'`{name}`' for name in names)} |", "|---|---|" + "---:|" * len(names)]  # fmt: skip
    for (world, span), one in table[(table["rise"] == 0) & (table["span"] != "half")].groupby(
        ["world", "span"], sort=False
    ):
        by = one.set_index("name")
        cells = [f"{by.loc[n, 'coverage']:.3f} / {by.loc[n, 'raw']:.3f} / {by.loc[n, 'called']:.3f}" for n in names]
        lines.append(f"| {world} | {span} | {' | '.join(cells)} |")
    half = table[table["span"] == "half"]
    if len(half):
        lines += ["", "## Two real months, split into halves of equal weekdays", "",
                  f"{size.splits} random splits of the days of each month: nothing changed between halves. False calls of one interval / verdicts.",
                  "Halves mix neighbouring days, so what lasts some days does not show here.", "",
                  f"| month | {' | '.join(f'`{name}`' for name in names)} | mean of six | reports with any verdict |",
                  "|---|" + "---:|" * (len(names) + 2)]  # fmt: skip
        for world, one in half.groupby("world", sort=False):
            by = one.set_index("name")
            cells = [f"{by.loc[n, 'raw']:.3f} / {by.loc[n, 'called']:.3f}" for n in names]
            lines.append(
                f"| {world} | {' | '.join(cells)} | {by.loc[list(SIX), 'raw'].mean():.3f} | {any_of.loc[(world, 'half', 0.0), 'any_called']:.3f} |"
            )
    true = table[table["rise"] > 0]
    if len(true):
        lines += ["", "## What a true change does", "",
                  f"Handling takes longer until so much more of all who ask are lost; {size.risen} months and weeks each. The share in which the one",
                  "interval leaves out zero / the verdict is not \"not distinguishable\". Patience does not change.", "",
                  f"| world | rise | span | {' | '.join(f'`{name}`' for name in names)} |", "|---|---:|---|" + "---:|" * len(names)]  # fmt: skip
        for (world, rise, span), one in true.groupby(["world", "rise", "span"], sort=False):
            by = one.set_index("name")
            cells = [f"{by.loc[n, 'raw']:.2f} / {by.loc[n, 'called']:.2f}" for n in names]
            lines.append(f"| {world} | {100 * rise:.0f} points | {span} | {' | '.join(cells)} |")
    said = said_of_charts(signs)
    lines += ["", "## Run charts", "",
              "Two months of days in which nothing changed: the share of charts with a point outside or a run, and of sets of four with any;",
              "apart by whether neighbouring days were seen to hang together.", "",
              "| world | days seen to hang together | months | charts with a sign | sets with any |", "|---|---|---:|---:|---:|"]  # fmt: skip
    lines += [
        f"| {r['world']} | {'yes' if r['together'] else 'no'} | {r['months']} | {r['chart']:.3f} | {r['set']:.3f} |"
        for r in signs.to_dict("records")
    ]
    lines += [
        f"| {name} | | | {said['chart'][at]} | {said['set'][at]} |"
        for at, name in enumerate(("all but G, not seen", "G, seen"))
    ]
    return "\n".join([*lines, "", *(f"- {name}: {value}" for name, value in about.items())]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a handful of each, to see that it runs")
    parser.add_argument("--worlds", default="ABCDEFGH", help="such as AG; results of fewer than all are no results")
    parser.add_argument("--seed", type=int, default=20_261_127)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    size, shared = SMALL if given.small else FULL, os.environ.get("CXRESEARCH_SHARED") or HERE.parents[1] / "shared"
    real = Path(shared) / "data" / "anonymous-bank"
    begun = time.monotonic()
    truths, rows = run(size, given.seed, given.worlds, str(real) if real.is_dir() else "", given.processes)
    about = machine() | {"minutes": f"{(time.monotonic() - begun) / 60:.1f} on {given.processes} processes"}
    table, family, signs = summary(truths, rows), any_call(rows), false_signs(rows)
    given.out.mkdir(parents=True, exist_ok=True)
    content = {"machine": about, "seed": given.seed, "size": size._asdict(), "headlines": table.astype(object).where(table.notna(), None).to_dict("records"),
               "reports": family.to_dict("records"), "run_charts": signs.to_dict("records"),
               "false_signs": said_of_charts(signs)}  # fmt: skip
    (given.out / "day_calibration.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (given.out / "day_calibration.md").write_text(
        as_markdown(table, family, signs, about, size, given.seed), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
