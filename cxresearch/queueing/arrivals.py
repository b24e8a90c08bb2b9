"""Arrivals ahead: what the days of one period let one expect of the days and hours after it, and how that turned out.

A negative binomial law with a level for each weekday: the variance of a day is its mean and what days differ by beyond
that. Where neighbouring days hang together, the levels are less sure, and the intervals say so. A trend within the
period is not carried on: over eleven months of real arrivals that did worse than the mean of the same weekdays
(``benchmarks/results/forecasts.md``). Holidays are not known: a month ahead the 80 % interval held 80 % of the days of
that year, the 95 % interval 91 %.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from cxresearch.risk_table import DayClusters, Floats

LEVELS = {"lower_95": 0.025, "lower": 0.1, "median": 0.5, "upper": 0.9, "upper_95": 0.975}
SCORED = ("lower", "median", "upper")
FEWEST_FREE = 5  # days beyond one of each weekday: with fewer, how far a weekday strays cannot be told
FORECAST = "forecast"
LAST, SAME, FLAT = "last same weekday", "mean of the same weekdays", "mean of all days"


def arrivals_ahead(asked: pd.DataFrame, days: Sequence[object] | pd.DatetimeIndex) -> pd.DataFrame:
    """What the arrivals of some days let one expect of later days.

    Parameters
    ----------
    asked : ``day, weekday, contacts``, one row a day or several (hours are added up). A day without a row is missing: it
        is no day of none.
    days : the days to say something of. Those on a weekday that ``asked`` does not hold are left out.

    Returns
    -------
    DataFrame ``day, weekday, expected, lower_95, lower, median, upper, upper_95``: contacts of the day, the mean and the
    quantiles .025, .1, .5, .9 and .975. ``lower`` to ``upper`` holds 80 % of days. ``attrs``: ``days`` that were seen and
    their ``correlation``, ``dispersion`` (variance beyond the mean, over its square).

    A GLM of statsmodels with one level a weekday; the dispersion is that of Pearson's statistic (Breslow, 1984,
    doi:10.2307/2347661). Student's t stands in for the normal law, as the dispersion is estimated. Raises ValueError
    with fewer than five days beyond one of each weekday.
    """
    model = _Weekdays(asked)
    ahead = _calendar(days, model.groups)
    mean, free = model.mean_of(ahead["weekday"])
    return _quantiles(ahead, mean, model.dispersion + free, model.df, model.told)


def arrivals_ahead_by_hour(asked: pd.DataFrame, days: Sequence[object] | pd.DatetimeIndex) -> pd.DataFrame:
    """The same by hour: the day's total by the profile of its weekday.

    ``asked`` has ``hour`` too; the result is that of :func:`arrivals_ahead` with ``hour``, one row for every hour in which
    the weekday had a contact. How far an hour strays is seen in the hours of all days together.
    """
    model = _Weekdays(asked)
    seen = _by_hour(asked)
    cell = seen.groupby(["weekday", "hour"])["contacts"]
    hours = cell.agg(expected="mean", times="size").reset_index()
    strays = _dispersion(seen["contacts"], cell.transform("mean"), max(len(seen) - len(hours), 1))
    ahead = _calendar(days, model.groups).merge(hours[hours["expected"] > 0], on="weekday").sort_values(["day", "hour"])
    mean = ahead.pop("expected").to_numpy()
    free = (1 / mean + strays) / ahead.pop("times").to_numpy() + model.common
    return _quantiles(ahead.reset_index(drop=True), mean, strays + free, model.df, model.told)


def naive_arrivals(asked: pd.DataFrame, days: Sequence[object] | pd.DatetimeIndex) -> dict[str, pd.DataFrame]:
    """What needs no model, each rule with the spread of its own misses, by name.

    ``last same weekday``: what came then; ``mean of the same weekdays``; ``mean of all days``, the period before unchanged.
    With ``hour`` in ``asked`` each is of the hour as well. The tables are those of :func:`arrivals_ahead`. Misses are
    taken of square roots, on which counts of all sizes stray alike.
    """
    hourly = ["hour"] if "hour" in asked else []
    seen = _by_hour(asked) if hourly else _by_day(asked)
    ahead = _calendar(days, seen["weekday"])
    if hourly:
        cells = seen.loc[seen.groupby(["weekday", "hour"])["contacts"].transform("sum") > 0, ["weekday", "hour"]]
        ahead = ahead.merge(cells.drop_duplicates(), on="weekday").sort_values(["day", "hour"])
    rows = seen.assign(root=np.sqrt(seen["contacts"])).sort_values("day")
    found = {}
    for name, keys in {LAST: ["weekday", *hourly], SAME: ["weekday", *hourly], FLAT: hourly}.items():
        group = rows.groupby(keys)["root"] if keys else rows.assign(all=0).groupby("all")["root"]
        at = pd.MultiIndex.from_frame(ahead[keys]) if len(keys) > 1 else ahead[keys[0]] if keys else [0] * len(ahead)
        count = group.size().reindex(at).to_numpy(dtype=float)
        if name == LAST:
            steps = group.diff().dropna()
            free, spread = len(steps), float((steps**2).mean())
            middle, more = group.last(), 1.0
        else:
            misses = rows["root"] - group.transform("mean")
            free = len(rows) - group.ngroups
            spread = float((misses**2).sum()) / max(free, 1)
            middle, more = group.mean(), 1 + 1 / count
        root, se = middle.reindex(at).to_numpy(), np.sqrt(spread * more)
        table = ahead.assign(expected=root**2)
        for column, level in LEVELS.items():
            table[column] = np.maximum(root + stats.t.ppf(level, max(free, 1)) * se, 0.0) ** 2
        found[name] = table.reset_index(drop=True)
    return found


def forecast_scores(
    forecast: pd.DataFrame, rivals: dict[str, pd.DataFrame], asked: pd.DataFrame, *, period: str = "W"
) -> pd.DataFrame:
    """How a forecast and its rivals did on what came.

    Parameters
    ----------
    forecast, rivals : as :func:`arrivals_ahead` and :func:`naive_arrivals` give them, by day or by hour.
    asked : what came, ``day, weekday, contacts`` (and ``hour``). A day that is not there is not scored; an hour of a day
        that is there and has no row had none.
    period : what is taken as one draw for the interval of the skill ("W": a week, as days of one week hang together).

    Returns
    -------
    DataFrame, one row each: ``rule, scored, share_inside_80, share_inside_95``, ``pinball`` (mean loss of the quantiles .1,
    .5 and .9, in contacts; Gneiting & Raftery, 2007, doi:10.1198/016214506000001437), ``mean_miss`` (contacts),
    ``skill, skill_lower, skill_upper`` (of a rival: 1 - the forecast's loss over its loss, 95 %, missing with fewer than
    three weeks) and ``verdict``: the forecast is ``better`` or ``worse`` than the rival where the interval leaves out 0,
    else ``no better``.
    """
    tables = {FORECAST: forecast, **rivals}
    came = _came(forecast, asked)
    scored = {name: _scored(table, came) for name, table in tables.items()}
    week = scored[FORECAST]["day"].dt.to_period(period)
    own = scored[FORECAST]["pinball"].groupby(week).sum()
    rows = []
    for name, one in scored.items():
        row = {"rule": name, "scored": len(one), "share_inside_80": one["inside"].mean(), "share_inside_95": one["inside_95"].mean(),
               "pinball": one["pinball"].mean(), "mean_miss": (one["contacts"] - one["median"]).abs().mean(),
               "skill": math.nan, "skill_lower": math.nan, "skill_upper": math.nan, "verdict": ""}  # fmt: skip
        if name != FORECAST:
            row |= _skill(own, one["pinball"].groupby(week).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def scored_days(forecast: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """``forecast`` for the days that came, with ``contacts``, ``inside`` (80 %), ``inside_95`` and ``pinball``."""
    return _scored(forecast, _came(forecast, asked))


def _came(forecast: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    return (_by_hour(asked) if "hour" in forecast else _by_day(asked)).drop(columns="weekday")


def _scored(forecast: pd.DataFrame, came: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in ("day", "hour") if name in forecast]
    table = forecast[forecast["day"].isin(came["day"])].merge(came, on=keys, how="left")
    table["contacts"] = table["contacts"].fillna(0.0)
    for end, column in (("", "inside"), ("_95", "inside_95")):
        table[column] = table["contacts"].between(table[f"lower{end}"], table[f"upper{end}"])
    missed = [table["contacts"] - table[name] for name in SCORED]
    losses = [np.maximum(LEVELS[name] * e, (LEVELS[name] - 1) * e) for name, e in zip(SCORED, missed, strict=True)]
    table["pinball"] = sum(losses) / len(losses)
    return table


class _Weekdays:
    """The level of every weekday, how sure it is, and how far days stray from it."""

    def __init__(self, asked: pd.DataFrame) -> None:
        # Most of a second, which whoever forecasts nothing need not wait for.
        from statsmodels.genmod.families import NegativeBinomial
        from statsmodels.genmod.generalized_linear_model import GLM
        from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

        days = _by_day(asked)
        self.groups = np.sort(days["weekday"].unique())
        self.df = len(days) - len(self.groups)
        if self.df < FEWEST_FREE:
            raise ValueError(
                f"{_counted(len(days), 'day')} on {_counted(len(self.groups), 'weekday')} are too few for a forecast: at least {FEWEST_FREE} more "
                "days than weekdays are needed to see how far days stray."
            )
        contacts = days["contacts"].to_numpy(dtype=float)
        levels = (days["weekday"].to_numpy()[:, None] == self.groups).astype(float)
        # The levels are means whatever the dispersion; it decides how sure they are.
        mean = days.groupby("weekday")["contacts"].transform("mean").to_numpy(dtype=float)
        self.dispersion = _dispersion(contacts, mean, self.df)
        law = NegativeBinomial(alpha=max(self.dispersion, 1e-9))
        with warnings.catch_warnings():
            # Days that are all alike on their weekday fit perfectly, which is no fault here.
            warnings.simplefilter("ignore", PerfectSeparationWarning)
            fitted = GLM(contacts, levels, family=law).fit()
        self._log_mean, self._variance = fitted.params, np.diag(fitted.cov_params())
        n = len(days)
        beside = DayClusters(
            day=days["day"], weekday=days["weekday"], size=np.ones(n), share=np.full(n, 1 / n),
            deviations=(contacts / mean - 1)[:, None],
        )  # fmt: skip
        r = beside.correlation
        # What all levels share, as a good or bad week moves every weekday: the mean of n days under an AR(1).
        self.common = self.dispersion / n * ((1 + r) / (1 - r) - 1)
        self.told = {"days": n, "correlation": r, "dispersion": self.dispersion}

    def mean_of(self, weekday: pd.Series) -> tuple[Floats, Floats]:
        """Mean and the variance of its logarithm, for each of some weekdays."""
        place = np.searchsorted(self.groups, weekday)
        return np.exp(self._log_mean[place]), self._variance[place] + self.common


def _dispersion(contacts: pd.Series | Floats, mean: pd.Series | Floats, df: int) -> float:
    """The dispersion at which Pearson's statistic is its degrees of freedom; 0 where counts stray no more than chance."""
    y, m = np.asarray(contacts, dtype=float), np.asarray(mean, dtype=float)
    y, m = y[m > 0], m[m > 0]

    def over(alpha: float) -> float:
        return float(((y - m) ** 2 / (m + alpha * m**2)).sum() - df)

    return 0.0 if over(0.0) <= 0 else float(optimize.brentq(over, 0.0, 1 + ((y / m - 1) ** 2).sum() / df))


def _quantiles(ahead: pd.DataFrame, mean: Floats, beyond: Floats, df: int, told: dict[str, float]) -> pd.DataFrame:
    """Quantiles of counts with this ``mean`` and a variance ``beyond`` it, over its square."""
    table = ahead.assign(expected=mean)
    for column, level in LEVELS.items():
        wider = 1.0 if level == 0.5 else (stats.t.ppf(level, df) / stats.norm.ppf(level)) ** 2
        spread = np.maximum(beyond * wider, 1e-9)
        table[column] = stats.nbinom.ppf(level, 1 / spread, 1 / (1 + spread * mean))
    table.attrs = dict(told)
    return table


def _skill(own: pd.Series, rival: pd.Series) -> dict[str, object]:
    """1 - a ratio of two sums over weeks, with its interval from one week to the next."""
    below, weeks = float(rival.sum()), len(own)
    if not below > 0:
        return {"verdict": "no better"}
    ratio = float(own.sum()) / below
    if weeks < 3:
        return {"skill": 1 - ratio, "verdict": "no better"}
    moved = (own - ratio * rival) / below
    half = stats.t.ppf(0.975, weeks - 1) * math.sqrt(weeks / (weeks - 1) * float((moved**2).sum()))
    lower, upper = 1 - ratio - half, 1 - ratio + half
    verdict = "better" if lower > 0 else "worse" if upper < 0 else "no better"
    return {"skill": 1 - ratio, "skill_lower": lower, "skill_upper": upper, "verdict": verdict}


def _calendar(days: Sequence[object] | pd.DatetimeIndex, weekdays: pd.Series | np.ndarray) -> pd.DataFrame:
    """The days that fall on one of these weekdays: ``day, weekday``."""
    dates = pd.DatetimeIndex(days).as_unit("us")
    table = pd.DataFrame({"day": dates, "weekday": dates.day_of_week + 1})
    return table[table["weekday"].isin(weekdays)].reset_index(drop=True)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _by_day(asked: pd.DataFrame) -> pd.DataFrame:
    days = asked.assign(day=pd.to_datetime(asked["day"]).dt.as_unit("us"))
    return days.groupby(["day", "weekday"], as_index=False)["contacts"].sum()


def _by_hour(asked: pd.DataFrame) -> pd.DataFrame:
    """Every hour of every day that has a contact, in which any day of that weekday had one."""
    hours = asked.assign(day=pd.to_datetime(asked["day"]).dt.as_unit("us"))
    seen = hours.groupby(["weekday", "hour"], as_index=False)["contacts"].sum().drop(columns="contacts")
    every = hours[["day", "weekday"]].drop_duplicates().merge(seen, on="weekday")
    counts = hours.groupby(["day", "weekday", "hour"], as_index=False)["contacts"].sum()
    table = every.merge(counts, on=["day", "weekday", "hour"], how="left")
    return table.assign(contacts=table["contacts"].fillna(0.0)).sort_values(["day", "hour"], ignore_index=True)
