"""Does the model of the day hold from one period to the next? Its losses, expected from the period before, and what came."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, nnls

from cxresearch.contacts import PeriodLog
from cxresearch.decisions.days import HOURS, Days, agents_at_work, days_of, refuse_dates, refuse_unknown
from cxresearch.decisions.loss_curves import MOST_ERLANG, Waiting, check_load, share_left, waiting_curve
from cxresearch.queueing import FEWEST_CONTACTS
from cxresearch.risk_table import DayClusters, Floats, deviations, limits, ratio_of_sums

FEWEST_WEEKS = 3  # with fewer, how a team drifts from week to week is not seen
LEVELS = {"lower80": 0.1, "upper80": 0.9, "lower95": 0.025, "upper95": 0.975}
_STEP = 0.15  # between loads, on a log scale
IN_EFFECT, AT_WORK = "in effect", "at work"


def backtest(period_log: PeriodLog, *, channel: str) -> pd.DataFrame:
    """The losses of a period, expected from the period before it and from how many asked.

    Returns
    -------
    DataFrame, one row for each weekday and hour in which somebody asked
        ``weekday`` (1 Monday to 7), ``hour``, ``days`` (dates with contacts), ``asked``, ``left``, ``expected`` (contacts that leave
        on these days together), ``lower80, upper80, lower95, upper95`` (whole contacts; NaN where the period before has
        fewer than three weeks, or no two weekdays open alike, of which one could see how a team drifts).

    ``attrs``: ``skill`` is 1 - the mean miss, by date and hour, over that of the shares of the period before (its share
    lost in the same hour of the same kind of weekday, times the number who asked), with ``skill_lower, skill_upper`` (95 %,
    the day is the unit; NaN where too few days tell); ``mean_miss`` by rule: the model, ``shares``, ``hour mean`` (losses of
    the hour in the period before), ``last week`` (those of the same weekday, seven days earlier); ``expected_total,
    left_total, shares_total``; ``coverage80, coverage95``: of the rows inside; ``drift``: how far a team's losses stray from
    one period to the next (log scale); ``team``: ``in effect``, or ``at work`` where the log names agents: then the team of
    an hour is that in effect, times the agents seen in it on that date over those seen before; ``skill_in_effect``: without
    that. ``days``, ``unscored`` (dates on a kind of weekday that the period before does not have).

    The team in effect of an hour is the one that loses as many as left in the period before, over its days with the numbers
    who asked on each: of the weekdays that it is fully open on together, of each other weekday alone. The queue model gives
    what that team loses of those who ask now. An hour with fewer than ``queueing.FEWEST_CONTACTS`` before has its share. It
    holds while the team stays as it was. Intervals know the chance of the day, how
    days differ, how few were seen before, and the drift: a random walk from week to week, as the weeks before had it.

    Raises ValueError without a period before, and where that has nothing to go by (:func:`refuse_unknown`).
    """
    mine = period_log.only(channel=channel)
    return mine.once(backtest, lambda: _backtest(period_log, mine)).copy()


def _backtest(period_log: PeriodLog, mine: PeriodLog) -> pd.DataFrame:
    if mine.previous is None:
        raise ValueError(f"there is nothing before {period_log.period.label} that could have said what to expect")
    refuse_unknown(mine.previous)
    refuse_dates(mine)
    seen, came = days_of(mine.previous), days_of(mine)
    week = mine.previous.calendar
    whole = tuple(week.loc[week["fully_open"], "weekday"])
    kinds = [whole, *((int(one),) for one in week.loc[~week["fully_open"], "weekday"])]
    kinds = [kind for kind in kinds if kind and np.isin(came.weekday, kind).any()]
    if not kinds:
        raise ValueError(f"{mine.previous.period.label} has none of the weekdays of {period_log.period.label}")
    waiting = waiting_curve(seen.waits.sum(axis=0), seen.gave_up.sum(axis=0))
    there = [_on(agents_at_work(log), days) for log, days in ((mine.previous, seen), (mine, came))]
    named = all(np.isfinite(one).any() for one in there)
    tables = []
    for kind in kinds:
        before, now = (np.isin(days.weekday, kind) for days in (seen, came))
        parts = (seen.on(kind), came.on(kind))
        in_effect = expected_left(*parts, waiting, handle_s=seen.mean_handle_s)
        used = in_effect
        if named:
            factors = _seen_over_mean(there[0][before], there[1][now])
            used = expected_left(*parts, waiting, handle_s=seen.mean_handle_s, there=factors)
        tables.append(_cells(*parts, in_effect=in_effect, used=used))
    past, cells = (pd.concat([pair[n] for pair in tables], ignore_index=True) for n in range(2))
    cells["last_week"] = _week_before(pd.concat([past, cells]), cells)
    spread = _spread(past)
    table = _rows(cells, spread)
    scores = _scores(cells) | _coverage(table)
    scored = cells["day"].nunique()
    table.attrs = scores | {
        "drift": math.sqrt(spread["drift"]) if math.isfinite(spread["drift"]) else math.nan,
        "team": AT_WORK if named else IN_EFFECT, "days": scored, "unscored": len(came) - scored,
    }  # fmt: skip
    return table


def expected_left(
    before: Days, now: Days, waiting: Waiting, *, handle_s: float, there: tuple[Floats, Floats] | None = None
) -> list[Floats]:
    """Who leaves, days x hours, ``before`` and ``now``, by the teams in effect before.

    The team of an hour is the one, whole or in part, that loses as many before as left then; ``there`` says by which factor
    it was larger or smaller on each date and hour (before, now), ``handle_s`` is the handling time where an hour has none.
    NaN where an hour tells no team.
    """
    ratios = there or (np.ones_like(before.asked), np.ones_like(now.asked))
    found = [np.full_like(days.asked, np.nan) for days in (before, now)]
    for hour in range(HOURS):
        counts = [days.asked[:, hour] for days in (before, now)]
        if counts[0].sum() < FEWEST_CONTACTS:
            continue
        handled = float(before.handled[:, hour].sum())
        own_s = float(before.handle_s[:, hour].sum()) / handled if handled else handle_s
        factors = [one[:, hour] for one in ratios]
        target = max(float(before.left[:, hour].sum()), 0.5)
        lost = _team(waiting, counts, factors, own_s, target)
        for table, values in zip(found, lost, strict=True):
            table[:, hour] = values
    return found


def _team(
    waiting: Waiting, counts: list[Floats], factors: list[Floats], handle_s: float, target: float
) -> list[Floats]:
    most = max(float(one.max()) for one in counts)
    check_load(most, handle_s)
    loads = np.arange(0.0, math.log(max(most, 1.0)) + 2 * _STEP, _STEP)
    enough = math.ceil(most * handle_s / 3600) + 2
    largest = max(enough, int(MOST_ERLANG))
    while enough <= largest:
        teams = np.arange(enough + 2)
        share = CubicSpline(loads, share_left(waiting, np.exp(loads), handle_s, teams))
        lost = [n[:, None] * share(np.log(np.maximum(n, 1.0))) for n in counts]

        def of(agents: float, part: int, lost: list[Floats] = lost) -> Floats:
            at = np.clip(agents * factors[part], 0, lost[part].shape[1] - 1.001)
            whole, row = at.astype(int), np.arange(len(at))
            return lost[part][row, whole] * (1 - at + whole) + lost[part][row, whole + 1] * (at - whole)

        top = enough / max(float(factors[0].max()), float(factors[1].max()), 1.0)
        if of(top, 0).sum() < target:
            break
        enough *= 2
    else:  # dates so unlike each other that no team loses so few
        return [np.full_like(n, np.nan) for n in counts]
    agents = 0.0 if of(0.0, 0).sum() <= target else brentq(lambda n: of(n, 0).sum() - target, 0.0, top, xtol=1e-9)
    return [of(agents, 0), of(agents, 1)]


def _on(table: pd.DataFrame | None, days: Days) -> Floats:
    """Agent hours at work, days x hours; NaN where they are not known."""
    if table is None:
        return np.full_like(days.asked, np.nan)
    wide = table.pivot_table(index="day", columns="hour", values="agent_hours", dropna=False)
    return wide.reindex(index=days.day, columns=range(HOURS)).to_numpy(dtype=float)


def _seen_over_mean(before: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Agent hours of each date and hour, over the mean of the hour before; 1 where that is not known.

    None at all are not known either: somebody whom the log does not name may have been there.
    """
    before, now = (np.where(one > 0, one, np.nan) for one in (before, now))
    known = np.isfinite(before)
    mean = np.where(known, before, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    mean = np.where(mean > 0, mean, np.nan)
    return np.nan_to_num(before / mean, nan=1.0), np.nan_to_num(now / mean, nan=1.0)


def _cells(
    before: Days, now: Days, *, in_effect: list[Floats], used: list[Floats]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row for each date and hour, of the period before and of this one: what left, and what each rule says."""
    asked, left = before.asked.sum(axis=0), before.left.sum(axis=0)
    share = np.divide(left, asked, out=np.zeros(HOURS), where=asked > 0)
    mean = left / len(before)
    tables = []
    for days, effect, use in zip((before, now), in_effect, used, strict=True):
        shares = days.asked * share
        flat = {
            "day": np.repeat(days.day.to_numpy(), HOURS), "weekday": np.repeat(days.weekday, HOURS),
            "hour": np.tile(np.arange(HOURS), len(days)), "asked": days.asked.ravel(), "left": days.left.ravel(),
            "expected": np.where(np.isnan(use), shares, use).ravel(), "in_effect": np.where(np.isnan(effect), shares, effect).ravel(),
            "shares": shares.ravel(), "hour_mean": np.tile(mean, len(days)), "seen_days": len(before),
            "seen_left": np.tile(left, len(days)), "kind": int(before.weekday.min()),
        }  # fmt: skip
        tables.append(pd.DataFrame(flat))
    return tables[0], tables[1]


def _week_before(both: pd.DataFrame, cells: pd.DataFrame) -> Floats:
    earlier = both.set_index(["day", "hour"])["left"]
    at = pd.MultiIndex.from_arrays([cells["day"] - pd.Timedelta(days=7), cells["hour"]])
    return earlier.reindex(at).to_numpy(dtype=float)


# --- how far it may miss ------------------------------------------------------------------------------------------


def _spread(past: pd.DataFrame) -> dict[str, float]:
    """How losses stray from what the team in effect loses, in the period that the team is from.

    ``chance``: variance over the mean; ``days``: variance of a date beyond it, over the square of the mean; ``drift``: of the
    mean of a period against that of the one before it, likewise; NaN with fewer than three weeks, and where no two weekdays
    are open alike, so that no two dates of one week are beside each other.
    """
    busy = past[past["expected"] > 0]
    mean, away = busy["expected"].to_numpy(), (busy["left"] - busy["expected"]).to_numpy()
    (chance, beyond), _ = nnls(np.column_stack([np.ones(len(mean)), mean]), away**2 / mean)
    chance = max(float(chance), 1.0)
    week = (busy["day"] - busy["day"].min()).dt.days.to_numpy() // 7
    weeks = len(np.unique(week))
    if weeks < FEWEST_WEEKS:
        return {"chance": chance, "days": float(beyond), "drift": math.nan}
    sums = {"same": [0.0, 0.0], "apart": [0.0, 0.0]}
    for rows in busy.groupby(["kind", "hour"]).indices.values():
        same = np.equal.outer(week[rows], week[rows])
        for name, pairs in (("same", same & ~np.eye(len(rows), dtype=bool)), ("apart", ~same)):
            for n, values in enumerate((away[rows], mean[rows])):
                sums[name][n] += float(values @ pairs @ values)
    if not (sums["same"][1] and sums["apart"][1]):
        return {"chance": chance, "days": float(beyond), "drift": math.nan}
    # What dates of one week have in common beyond those of different weeks: half the variogram of a walk, over all pairs.
    common = max(0.0, sums["same"][0] / sums["same"][1] - sums["apart"][0] / sums["apart"][1])
    # Mean of a period of n weeks against the one before, for a walk that shows so much within a period.
    drift = common * (4 * weeks**2 + 2) / (weeks * (weeks + 1))
    return {"chance": chance, "days": max(float(beyond) - common, 0.0), "drift": drift}


def _rows(cells: pd.DataFrame, spread: dict[str, float]) -> pd.DataFrame:
    """Dates of one weekday together, by hour, with intervals."""
    keys = ["weekday", "hour"]
    table = cells.assign(square=cells["expected"] ** 2).groupby(keys, as_index=False).agg(
        days=("day", "nunique"), asked=("asked", "sum"), left=("left", "sum"), expected=("expected", "sum"),
        square=("square", "sum"), seen_days=("seen_days", "first"), seen_left=("seen_left", "first"),
    )  # fmt: skip
    table = table[table["asked"] > 0].reset_index(drop=True)
    table[["asked", "left"]] = table[["asked", "left"]].astype(int)
    mean = table["expected"].to_numpy()
    before = spread["days"] / table["seen_days"] + spread["chance"] / np.maximum(table["seen_left"], 0.5)
    variance = spread["chance"] * mean + spread["days"] * table["square"] + mean**2 * (before + spread["drift"])
    for name, level in LEVELS.items():
        beyond = np.maximum(variance - mean, 1e-9 * np.maximum(mean, 1e-9))
        wide = stats.nbinom.ppf(level, mean**2 / beyond, mean / (mean + beyond))
        table[name] = np.where(mean > 0, wide, np.where(np.isnan(variance), np.nan, 0.0))
    return table.drop(columns=["square", "seen_days", "seen_left"])


def _coverage(table: pd.DataFrame) -> dict[str, float]:
    inside = {
        level: table["left"]
        .between(table[f"lower{level}"], table[f"upper{level}"])[table[f"lower{level}"].notna()]
        .mean()
        for level in (80, 95)
    }
    return {f"coverage{level}": float(share) for level, share in inside.items()}


def _scores(cells: pd.DataFrame) -> dict[str, Any]:
    """Mean misses by rule, over dates and hours in which somebody asked; the skill and its interval by day."""
    rules = {"model": "expected", "shares": "shares", "hour mean": "hour_mean", "last week": "last_week"}
    some = cells[cells["asked"] > 0]
    miss = {rule: (some[column] - some["left"]).abs() for rule, column in rules.items()}
    skill, lower, upper = _skill(some, miss["model"], miss["shares"])
    alone, alone_lower, alone_upper = _skill(some, (some["in_effect"] - some["left"]).abs(), miss["shares"])
    return {
        "skill": skill, "skill_lower": lower, "skill_upper": upper,
        "skill_in_effect": alone, "skill_in_effect_lower": alone_lower, "skill_in_effect_upper": alone_upper,
        "mean_miss": {rule: float(one.mean()) for rule, one in miss.items()},
        "expected_total": float(some["expected"].sum()), "left_total": int(some["left"].sum()),
        "shares_total": float(some["shares"].sum()),
    }  # fmt: skip


def _skill(some: pd.DataFrame, own: pd.Series, rival: pd.Series) -> tuple[float, float, float]:
    by_day = pd.DataFrame(
        {"day": some["day"], "weekday": some["weekday"], "own": own, "rival": rival, "asked": some["asked"]}
    )
    days = by_day.groupby(["day", "weekday"], as_index=False).sum()
    weight = np.ones(len(days))
    ratio, influence = ratio_of_sums(days["own"].to_numpy(), days["rival"].to_numpy(), weight)
    if not ratio > 0:
        return (math.nan if math.isnan(ratio) else 1.0), math.nan, math.nan
    moved = deviations(influence, weight, ratio, "log")
    clusters = DayClusters(
        day=days["day"], weekday=days["weekday"], size=days["asked"] / days["asked"].mean(), share=weight / len(days),
        deviations=moved[:, None],
    )  # fmt: skip
    low, high = limits(ratio, clusters.half_width(moved), "log")
    return 1 - ratio, 1 - high, 1 - low
