"""How sure it is by how many fewer people would give up in another day than in this one; the day is the unit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from cxresearch.risk_table import DayClusters, Floats, deviations, limits

After = Callable[[pd.DataFrame], Floats]
_STEP = 0.01  # the part of an hour's contacts, and of those who left, by which it is moved to see what follows


def fewer_left_limits(hours: pd.DataFrame, left: Floats, after: After, by_day: pd.DataFrame) -> tuple[float, float]:
    """The 95 % interval of the share of those who gave up that would not, in another day.

    Parameters
    ----------
    hours : ``hour, contacts, left`` (in the period), ``arrivals_per_h``, whatever else ``after`` needs.
    left : who would give up in each hour, in the period. after : what makes that of ``hours``, every hour by itself.
    by_day : ``day, weekday, hour, contacts, left``, the days behind ``hours``; what is not there had no contact.

    Returns
    -------
    Limits of 1 - (all who would give up) / (all who did); NaN where too few days tell, or nobody leaves.

    What a day adds is what the result moves by when the day counts a little more: its contacts and its losses, hour by
    hour, times the slopes of ``after``. Handle times and patience are held as they are; so is all that is assumed. The
    interval is one of the logarithm of the share that would still give up, which no interval brings below 0.
    """
    today = float(hours["left"].sum())
    own = by_day.pivot_table(index=["day", "weekday"], columns="hour", values=["contacts", "left"], fill_value=0)
    days = len(own)
    if days < 2 or not today or not left.sum() > 0:
        return math.nan, math.nan
    more = after(hours.assign(**{name: hours[name] * (1 + _STEP) for name in ("contacts", "arrivals_per_h")}))
    fewer = after(hours.assign(left=hours["left"] * (1 - _STEP)))
    contacts, gone = (
        own[name].reindex(columns=hours["hour"], fill_value=0).to_numpy(dtype=float) for name in ("contacts", "left")
    )
    by_contacts, by_left = _slope(more - left, _STEP * hours["contacts"]), _slope(left - fewer, _STEP * hours["left"])
    there = (contacts - contacts.mean(axis=0)) @ by_contacts + (gone - gone.mean(axis=0)) @ by_left
    still = float(left.sum()) / today
    influence = (there - still * (gone.sum(axis=1) - today / days)) / today
    size = contacts.sum(axis=1)
    moved = deviations(influence, np.ones(days), still, "log")
    clusters = DayClusters(
        day=own.index.get_level_values("day"), weekday=own.index.get_level_values("weekday"), size=size / size.mean(),
        share=np.full(days, 1 / days), deviations=moved[:, None],
    )  # fmt: skip
    lower, upper = limits(still, clusters.half_width(moved), "log")
    return 1 - upper, 1 - lower


def _slope(moved: Floats, by: pd.Series) -> Floats:
    step = by.to_numpy(dtype=float)
    return np.divide(moved, step, out=np.zeros(len(step)), where=step > 0)
