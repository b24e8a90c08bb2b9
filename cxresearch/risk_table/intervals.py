"""Pointwise 95 % limits of an estimated share and of a rate from weighted counts."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.special import gammaincinv, ndtri

from cxresearch.risk_table.risk_sets import Floats

Interval = Literal["log-log", "log", "plain"]
Z = float(ndtri(0.975))


def share_limits(share: Floats, se: Floats, interval: Interval) -> tuple[Floats, Floats]:
    """Lower and upper limit of shares with standard errors ``se``, inside 0 to 1.

    Normal on the scale of log(-log share), of log share, or of the share itself, as R survfit's conf.type.
    A share of 0 or 1 with a standard error has no scale to stand on: its limits are the share itself. NaN se: NaN.
    Reference: Kalbfleisch & Prentice (2002), doi:10.1002/9781118032985, section 1.4.
    """
    if interval not in get_args(Interval):
        raise ValueError(f"interval must be one of {', '.join(map(repr, get_args(Interval)))}; got {interval!r}.")
    if interval == "plain":
        lower, upper = share - Z * se, share + Z * se
    else:
        inside = (share > 0) & (share < 1)
        within = np.where(inside, share, 0.5)
        if interval == "log":
            factor = np.exp(Z * se / within)
            lower, upper = within / factor, within * factor
        else:
            # -log(share) is multiplied or divided by this: more of it is a smaller share.
            factor = np.exp(Z * se / (within * -np.log(within)))
            lower, upper = within**factor, within ** (1 / factor)
        known = np.where(np.isnan(se), np.nan, share)
        lower, upper = np.where(inside, lower, known), np.where(inside, upper, known)
    return np.clip(lower, 0, 1), np.clip(upper, 0, 1)


def rate_limits(rate: Floats, variance: Floats, one_more: Floats) -> tuple[Floats, Floats]:
    """Limits of a weighted sum of counts, right with few counts too; ``one_more`` is the weight of one more count.

    Gamma limits; with no count at all the lower is 0 and the upper that of a count of 0 with that weight.
    Reference: Fay & Feuer (1997), doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#.
    """
    some = (rate > 0) & (variance > 0)
    mean, spread = np.where(some, rate, 1.0), np.where(some, variance, 1.0)
    lower = np.where(some, spread / mean * gammaincinv(mean**2 / spread, 0.025), 0.0)
    mean, spread = rate + one_more, variance + one_more**2
    return lower, spread / mean * gammaincinv(mean**2 / spread, 0.975)
