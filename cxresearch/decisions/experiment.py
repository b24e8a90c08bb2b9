"""What would settle it: how long an action must be tried before days can show that it works."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from statsmodels.stats.power import TTestIndPower

from cxresearch.contacts import PeriodLog
from cxresearch.decisions.proposals import Action
from cxresearch.decisions.weighing import Weighing, less_sure
from cxresearch.risk_table import DayClusters, Floats

WEEKS = (2, 4, 8, 13, 26, 52)
POWER, LEVEL = 0.8, 0.05
FEWEST_DAYS = 10


def experiment(period_log: PeriodLog, *, channel: str, action: Action, saved_per_day: float) -> pd.DataFrame:
    """The smallest saving that so many weeks could show, if every second week went with the action and every other without.

    Parameters
    ----------
    action : what is tried. saved_per_day : what it is expected to save, on a weekday that is fully open.

    Returns
    -------
    DataFrame ``weeks, days_with, days_without, smallest_shown``
        ``smallest_shown``: contacts a day, seen with a chance of 80 % by a two-sided test at 5 % (Student's t; statsmodels).
        Counted are losses in the hours that the action touches (all hours where it touches all); days vary as those of the
        period do, weekdays taken out, as much more as neighbouring days hang together (AR(1)).

    ``attrs``: ``sd`` (of such a day), ``left_per_day`` (lost in these hours), ``correlation``, ``weeks_needed`` for
    ``saved_per_day`` (math.inf where a year would not do), ``power``, ``level``, ``hours`` (from, to; None for all).

    That is a plan, and what it shows depends on weeks being given with and without by lot or in turn, not by choice. Raises
    ValueError as :class:`Weighing`, and with fewer than ten days, of whose spread little is known.
    """
    weighing = Weighing.of(period_log.only(channel=channel))
    days = weighing.days
    if len(days) < FEWEST_DAYS:
        raise ValueError(
            f"{len(days)} days on which {period_log.period.label} is fully open tell too little of how days differ"
        )
    touched = [hour for hour in range(24) if action.agents_at(hour)] or list(range(24))
    left = days.left[:, touched].sum(axis=1)
    sd, correlation = _spread(days.day, left, days.asked.sum(axis=1))
    each = len(weighing.weekdays) / 2  # days a week, half of them with
    power = TTestIndPower()

    def smallest(weeks: float) -> float:
        n = each * weeks
        return float(power.solve_power(nobs1=n, ratio=1.0, alpha=LEVEL, power=POWER)) * sd

    rows = [(weeks, each * weeks, each * weeks, smallest(weeks)) for weeks in WEEKS]
    table = pd.DataFrame(rows, columns=["weeks", "days_with", "days_without", "smallest_shown"])
    needed = next((weeks for weeks in range(2, WEEKS[-1] + 1, 2) if smallest(weeks) <= saved_per_day), math.inf)
    table.attrs = {
        "sd": sd, "left_per_day": float(left.mean()), "correlation": correlation, "weeks_needed": needed, "power": POWER,
        "level": LEVEL, "hours": (touched[0], touched[-1] + 1) if len(touched) < 24 else None,
    }  # fmt: skip
    return table


def _spread(day: pd.DatetimeIndex, left: Floats, asked: Floats) -> tuple[float, float]:
    """The standard deviation of a day, as wide as the mean of days that hang together makes it, and their correlation."""
    n = len(left)
    weekday = day.day_of_week + 1
    away = left - left.mean()
    clusters = DayClusters(
        day=day,
        weekday=weekday,
        size=asked / asked.mean(),
        share=np.full(n, 1 / n),
        deviations=away[:, None],
        pooled=True,
    )
    means = pd.Series(left).groupby(np.asarray(weekday)).transform("mean").to_numpy()
    groups = len(set(weekday))
    alone = float(((left - means) ** 2).sum() / (n - groups)) if n > groups else float(left.var(ddof=1))
    return math.sqrt(alone * less_sure(clusters.correlation, n)), float(clusters.correlation)
