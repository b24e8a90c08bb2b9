"""Is the forecast of arrivals any better than rules that need no model? Each month and week of a year said by the days before.

    python benchmarks/forecasts.py

Reads arrivals of a year in steps of six minutes (``data/anonymous-bank`` below the folder ``CXRESEARCH_SHARED``, or below
``shared`` beside the checkout). Two variants that were left out stand beside: a trend, and levels that wander
(statsmodels' UnobservedComponents). Results go to benchmarks/results/forecasts.json and forecasts.md.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.genmod.families import NegativeBinomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tsa.statespace.structural import UnobservedComponents

from cxresearch.queueing import arrivals_ahead, arrivals_ahead_by_hour, naive_arrivals, scored_days
from cxresearch.queueing.arrivals import LEVELS

HERE = Path(__file__).resolve().parent
FEWEST_CALLS = 50  # a day with fewer was no open day
SEEN_DAYS = 28  # before each week
OWN, TREND, WANDER = "forecast", "the same with a trend (left out)", "levels that wander (left out)"


def year() -> pd.DataFrame:
    """Contacts by day, weekday and hour, days that were open."""
    shared = Path(os.environ.get("CXRESEARCH_SHARED", HERE.parents[1] / "shared"))
    table = pd.read_parquet(shared / "data" / "anonymous-bank" / "arrivals_6min_fullyear.parquet")
    table = table.assign(day=pd.to_datetime(table["Date"]), hour=(table["u"] - 1) // 10)
    table["weekday"] = table["day"].dt.day_of_week + 1
    hours = (
        table.groupby(["day", "weekday", "hour"], as_index=False)["calls"].sum().rename(columns={"calls": "contacts"})
    )
    hours = hours[hours["contacts"] > 0]
    return hours[hours.groupby("day")["contacts"].transform("sum") >= FEWEST_CALLS]


def splits(hours: pd.DataFrame, ahead: str) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """What was seen and what came: each month by the one before, or each week by the four weeks before."""
    day = hours["day"]
    if ahead == "month":
        month = day.dt.month
        return [(hours[month == m], hours[month == m + 1]) for m in range(1, 12)]
    starts = pd.date_range(day.min() + pd.Timedelta(days=SEEN_DAYS), day.max() - pd.Timedelta(days=6), freq="7D")
    length = pd.Timedelta(days=SEEN_DAYS), pd.Timedelta(days=7)
    return [(hours[(day >= s - length[0]) & (day < s)], hours[(day >= s) & (day < s + length[1])]) for s in starts]


def with_trend(seen: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    """Weekdays and a line in time on the logarithm, negative binomial."""
    daily = seen.groupby(["day", "weekday"], as_index=False)["contacts"].sum()
    groups, start = np.sort(daily["weekday"].unique()), daily["day"].min()

    def design(day: pd.Series) -> np.ndarray:
        weekday = day.dt.day_of_week.to_numpy() + 1
        return np.column_stack([weekday[:, None] == groups, (day - start).dt.days / 30.0]).astype(float)

    x, y = design(daily["day"]), daily["contacts"].to_numpy(dtype=float)
    df = len(y) - x.shape[1]
    first = GLM(y, x, family=NegativeBinomial(alpha=0.05)).fit()
    alpha = max(float((((y - first.mu) ** 2 - first.mu) / first.mu**2).sum()) / df, 1e-6)
    fit = GLM(y, x, family=NegativeBinomial(alpha=alpha)).fit()
    ahead = pd.DataFrame({"day": days[(days.dt.day_of_week + 1).isin(groups)].to_numpy()})
    at = design(ahead["day"])
    spread = np.sqrt(np.einsum("ij,jk,ik->i", at, fit.cov_params(), at) + alpha)
    return in_logs(ahead, at @ fit.params, spread, df)


def that_wander(seen: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    """A level that is a random walk, weekdays on top, on the logarithm."""
    daily = seen.groupby("day")["contacts"].sum()
    full = pd.date_range(daily.index[0], days.max())
    groups = sorted(set(daily.index.day_of_week))
    x = (full.day_of_week.to_numpy()[:, None] == np.array(groups[1:])).astype(float)
    y = np.log(daily.reindex(full).to_numpy())
    first = int((days.min() - full[0]).days)
    model = UnobservedComponents(y[:first], "llevel", exog=x[:first], mle_regression=False)
    said = model.fit(disp=0).get_forecast(len(full) - first, exog=x[first:])
    place = (days[days.dt.day_of_week.isin(groups)] - days.min()).dt.days.to_numpy()
    df = len(daily) - len(groups) - 1
    ahead = pd.DataFrame({"day": days[days.dt.day_of_week.isin(groups)].to_numpy()})
    return in_logs(ahead, said.predicted_mean[place], np.sqrt(said.var_pred_mean[place]), df)


def in_logs(ahead: pd.DataFrame, middle: np.ndarray, spread: np.ndarray, df: int) -> pd.DataFrame:
    quantiles = {name: np.exp(middle + stats.t.ppf(level, df) * spread) for name, level in LEVELS.items()}
    return ahead.assign(day=ahead["day"].astype("datetime64[us]"), **quantiles)


def scored(hours: pd.DataFrame, ahead: str, by: str) -> pd.DataFrame:
    """Every day or hour that came, by rule: ``rule, week, contacts, median, inside, inside_95, pinball``."""
    rows = []
    for seen, came in splits(hours, ahead):
        days = came["day"].drop_duplicates()
        if by == "hour":
            tables = {OWN: arrivals_ahead_by_hour(seen, days), **naive_arrivals(seen, days)}
        else:
            tables = {OWN: arrivals_ahead(seen, days), **naive_arrivals(seen.drop(columns="hour"), days)}
            tables |= {TREND: with_trend(seen, days), WANDER: that_wander(seen, days)}
        rows += [scored_days(table, came).assign(rule=rule) for rule, table in tables.items()]
    table = pd.concat(rows, ignore_index=True)
    return table.assign(week=table["day"].dt.to_period("W"), miss=(table["contacts"] - table["median"]).abs())


def summary(table: pd.DataFrame) -> list[dict]:
    """Coverage, loss and what the forecast saves, weeks as the unit."""
    by_week = table.pivot_table(index="week", columns="rule", values="pinball", aggfunc="sum")
    found = []
    for rule, rows in table.groupby("rule", sort=False):
        row = {"rule": rule, "scored": len(rows), "inside_80": rows["inside"].mean(), "inside_95": rows["inside_95"].mean(),
               "pinball": rows["pinball"].mean(), "miss": rows["miss"].mean()}  # fmt: skip
        if rule != OWN:
            own, rival = by_week[OWN], by_week[rule]
            ratio = own.sum() / rival.sum()
            moved, n = (own - ratio * rival) / rival.sum(), len(own)
            half = stats.t.ppf(0.975, n - 1) * math.sqrt(n / (n - 1) * (moved**2).sum())
            row |= {"skill": 1 - ratio, "lower": 1 - ratio - half, "upper": 1 - ratio + half, "weeks": n}
        found.append(row)
    return found


def main() -> None:
    warnings.simplefilter("ignore")  # wandering levels do not always converge, and say so each time
    begin, hours = time.process_time(), year()
    wanted = (("month", "day"), ("month", "hour"), ("week", "day"))
    results = {f"{ahead} ahead, by {by}": summary(scored(hours, ahead, by)) for ahead, by in wanted}
    machine = {"date": date.today().isoformat(), "python": platform.python_version(),
               **{name: version(name) for name in ("cxresearch", "numpy", "pandas", "scipy", "statsmodels")}}  # fmt: skip
    folder = HERE / "results"
    (folder / "forecasts.json").write_text(json.dumps({"results": results, "machine": machine}, indent=1) + "\n")
    lines = ["# Arrivals ahead, beside rules that need no model", "",
             "A year of a bank's arrivals (1999): each month said by the one before, each week by the four before;",
             "`python benchmarks/forecasts.py`. Pinball is the mean loss of the quantiles .1, .5 and .9 in contacts; the skill is",
             "what the forecast saves of a rule's loss, with its 95 % interval from week to week. Every rule has the interval of",
             "its own misses. Holidays are in it, and no rule knows them.", ""]  # fmt: skip
    for name, rows in results.items():
        lines += [f"## {name[:1].upper()}{name[1:]}", "",
                  "| rule | scored | inside 80 % | inside 95 % | pinball | median's miss | skill of the forecast |",
                  "|---|---:|---:|---:|---:|---:|---|"]  # fmt: skip
        for r in rows:
            skill = f"{r['skill']:.3f} ({r['lower']:.3f} to {r['upper']:.3f})" if "skill" in r else ""
            lines.append(f"| {r['rule']} | {r['scored']:,} | {r['inside_80']:.3f} | {r['inside_95']:.3f} | {r['pinball']:.2f} | "
                         f"{r['miss']:.1f} | {skill} |")  # fmt: skip
        lines.append("")
    lines += [
        f"{time.process_time() - begin:.0f} CPU seconds.",
        "",
        *(f"- {key}: {value}" for key, value in machine.items()),
    ]
    (folder / "forecasts.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
