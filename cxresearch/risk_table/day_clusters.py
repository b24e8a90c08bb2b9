"""How sure a number of a period is, and its change, where the day is the unit: contacts of one day hang together.

A number that is a smooth function of counts by day has one influence value a day (the infinitesimal jackknife): what it
moves by when that day counts a little more. The influence of a ratio of sums and of Kaplan-Meier is closed in the
counts, so nothing is drawn at random; a quantile needs the slope of the curve besides. With weekday and period taken out, what is left gives the variance:

- HC2: each day's square over 1 - its leverage. MacKinnon & White (1985), doi:10.1016/0304-4076(85)90158-7.
- Degrees of freedom: Satterthwaite's, those of Bell & McCaffrey (2002), Survey Methodology 28:169. The law that they
  assume of a day is here that its variance grows with the square of its size: what makes a day good or bad is common to
  all who queued on it. Imbens & Kolesar (2016), doi:10.1162/REST_a_00552; Pustejovsky & Tipton (2018),
  doi:10.1080/07350015.2016.1247004.
- Neighbouring days hang together too: the law is an AR(1), its correlation that of what is left from one day to the next,
  freed of the bias of having taken out weekdays and periods, and never below 0.

Under that law the variance is without bias: HC2 alone is so only for independent days of one size.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, ndtri, stdtr, stdtrit

from cxresearch.risk_table.risk_sets import Floats

Link = Literal["logit", "log", "identity"]
FEWEST_PAIRS = 10  # neighbouring days: with fewer, how they hang together cannot be seen and is taken as nothing
HIGHEST_CORRELATION = 0.9
_FLOAT_ENDS = 700.0  # e to more than that is beyond a float
_SEEN = 1e-9  # a leverage closer to 1 leaves nothing of its day


def ratio_of_sums(top: Floats, below: Floats, weight: Floats) -> tuple[float, Floats]:
    """Sum of ``top`` over sum of ``below`` (one value a day each), and its influence by day; NaN where ``below`` is 0."""
    total = float(weight @ below)
    if not total > 0:
        return math.nan, np.full(len(weight), np.nan)
    value = float(weight @ top) / total
    return value, (top - value * below) / total


def share_that_stays(left: Floats, at_risk: Floats, weight: Floats) -> tuple[float, Floats]:
    """Kaplan-Meier after the last of some durations, and its influence by day.

    ``left`` and ``at_risk`` are day x duration: who left at each duration, and who was seen to wait that long. With
    S = prod(1 - d/n) over weighted sums, dS/dw of a day is -S times the sum of (its d - d/n its n) / (n - d).
    """
    gone, there = weight @ left, weight @ at_risk
    some = there > 0
    hazard = np.where(some, gone / np.where(some, there, 1.0), 0.0)
    staying = there - gone
    # Where everybody left, S is 0 whatever else the days hold.
    over = np.where(staying > 0, 1.0 / np.where(staying > 0, staying, 1.0), 0.0)
    value = float(np.prod(1.0 - hazard))
    return value, -value * ((left - hazard * at_risk) @ over)


def time_until(
    left: Floats, at_risk: Floats, times: Floats, weight: Floats, share: float
) -> tuple[float, Floats]:  # fmt: skip
    """The first of ``times`` after which at most ``share`` stays (Kaplan-Meier), and its influence by day.

    ``left`` and ``at_risk`` as for :func:`share_that_stays`, of the ascending ``times``. NaN where the curve is not seen to
    fall so low. The influence is that of the share there, over the density: the slope of the curve between two shares as
    far from ``share`` as Hall & Sheather (1988), J. R. Stat. Soc. B 50:381, take for so many contacts.
    """
    gone, there = weight @ left, weight @ at_risk
    stays = np.cumprod(1.0 - np.divide(gone, there, out=np.zeros(len(times)), where=there > 0))
    below = np.flatnonzero(stays <= share + _SEEN)
    unknown = math.nan, np.full(len(weight), np.nan)
    if not (len(below) and there[0] > 0):
        return unknown
    at = int(below[0])
    z = float(ndtri(share))
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    apart = (ndtri(0.975) ** 2 * 1.5 * density**2 / (2 * z**2 + 1) / there[0]) ** (1 / 3)
    apart = min(apart, 0.8 * share, 0.8 * (1 - share))
    first = int(np.searchsorted(-stays, -(share + apart)))
    last = min(int(np.searchsorted(-stays, -(share - apart))), len(times) - 1)
    if not stays[first] > stays[last]:
        return float(times[at]), unknown[1]
    slope = float((times[last] - times[first]) / (stays[first] - stays[last]))
    _, moved = share_that_stays(left[:, : at + 1], at_risk[:, : at + 1], weight)
    return float(times[at]), np.asarray(slope * moved)


def deviations(influence: Floats, weight: Floats, value: float, link: Link = "identity") -> Floats:
    """By how much each day differs, on the scale of the link: the mean of these by weight is what the number errs by.

    NaN where the number has no place on that scale: a share of 0 or 1, a mean of 0.
    """
    return np.asarray(influence * weight.sum() * _slope(value, link))


def limits(value: float, half: float, link: Link) -> tuple[float, float]:
    """The interval around ``value`` that is ``half`` to each side on the scale of the link."""
    if link == "identity":
        return value - half, value + half
    if link == "log":
        return value * math.exp(-half), value * math.exp(half) if half < _FLOAT_ENDS else math.inf
    middle = math.log(value / (1 - value))
    return float(expit(middle - half)), float(expit(middle + half))


def _slope(value: float, link: Link) -> float:
    if link == "identity":
        return 1.0
    inside = value > 0 if link == "log" else 0 < value < 1
    if not inside:
        return math.nan
    return 1 / value if link == "log" else 1 / (value * (1 - value))


class DayClusters:
    """The days behind a number, or behind the difference of two: what is left of them after weekday and period.

    Parameters
    ----------
    day : dates, on one time axis over all periods. weekday : their weekdays.
    size : how many queued on each, over the mean of its period. share : each day's signed weight in the number: the
        weights of a period add up to 1, those of a period that is subtracted to -1, those of one that only lends its
        spread are 0. period : to which period a day belongs (default: all to one).
    deviations : day x numbers, from :func:`deviations`; columns that are not known are passed over. One correlation is
        taken from all: a single number's is too uncertain, and they share their causes.
    pooled : take one spread for all days (a period with few borrows it), not each day's own.

    Attributes
    ----------
    correlation : of neighbouring days, 0 to .9. df : degrees of freedom; 0 or below 1 where nothing can be told.
    pairs : neighbouring days seen. raw_correlation : as seen, before it is freed of its bias; NaN where not seen.
    """

    def __init__(
        self, *, day: ArrayLike, weekday: ArrayLike, size: ArrayLike, share: ArrayLike, deviations: Floats,
        period: ArrayLike | None = None, pooled: bool = False,
    ) -> None:  # fmt: skip
        self._share, self._pooled = np.asarray(share, dtype=float), pooled
        self._size = np.asarray(size, dtype=float)
        days = np.asarray(day, dtype="datetime64[D]").astype(np.int64)
        of = np.zeros(len(days), dtype=int) if period is None else np.asarray(period)
        self._rest = _residual_maker(weekday_groups(weekday), of)
        kept = np.diagonal(self._rest)
        seen = kept > _SEEN
        self._weight = np.where(seen, self._share / np.sqrt(np.where(seen, kept, 1.0)), 0.0)
        # The quadratic form in the deviations that measures the spread.
        self._form = self._rest if pooled else (self._rest * self._weight**2) @ self._rest
        self._apart = np.abs(np.subtract.outer(days, days))
        self._beside = (self._apart == 1) / 2.0
        self._across = self._rest @ self._beside @ self._rest
        self.pairs = int(self._beside.sum())
        self.raw_correlation, self.correlation = self._correlation(deviations)
        self._unit, self.df = self._spread()

    def variance(self, deviations: Floats) -> float:
        """Of the number whose days deviate by ``deviations`` (one column); NaN where they are not known."""
        left = self._rest @ deviations
        # Days that their weekdays explain leave rounding alone, which is no spread.
        square = np.where(np.abs(left) < _SEEN * np.abs(deviations).max(), 0.0, left) ** 2
        return float(self._unit * (square.sum() if self._pooled else self._weight**2 @ square))

    def half_width(self, deviations: Floats, confidence: float = 0.95) -> float:
        """Half of the interval: Student's t quantile times the standard error; NaN with less than one degree of freedom."""
        if not self.df >= 1:
            return math.nan
        return float(stdtrit(self.df, 0.5 + confidence / 2)) * math.sqrt(self.variance(deviations))

    def p_value(self, difference: float, deviations: Floats) -> float:
        """Of no difference, two-sided."""
        return float(2 * stdtr(self.df, -abs(difference) / math.sqrt(self.variance(deviations))))

    def correlation_shows(self) -> bool:
        """Whether neighbouring days hang together by more than one standard error of a correlation that is none."""
        expected = self._expected(0.0) if self.pairs else 0.0
        return self.pairs >= FEWEST_PAIRS and self.raw_correlation - expected > 1 / math.sqrt(self.pairs)

    def _law(self, correlation: float) -> Floats:
        """The working covariance of the days: sizes times an AR(1)."""
        return np.outer(self._size, self._size) * np.power(correlation, self._apart, dtype=float)

    def _spread(self) -> tuple[float, float]:
        """What one unit of the form stands for, and Satterthwaite's degrees of freedom."""
        law = self._law(self.correlation)
        moved = self._form @ law
        trace, square = float(np.trace(moved)), float((moved * moved.T).sum())
        if not (trace > 0 and square > 0):
            return math.nan, 0.0
        return float(self._share @ law @ self._share) / trace, trace**2 / square

    def _correlation(self, deviations: Floats) -> tuple[float, float]:
        known = deviations[:, np.isfinite(deviations).all(axis=0)]
        left = self._rest @ known
        total = (left * left).sum(axis=0)
        if self.pairs < FEWEST_PAIRS or not (total > 0).any():
            return math.nan, 0.0
        along = (left * (self._beside @ left)).sum(axis=0)
        seen = float(np.mean(along[total > 0] / total[total > 0]))
        if seen <= self._expected(0.0):
            return seen, 0.0
        if seen >= self._expected(HIGHEST_CORRELATION):
            return seen, HIGHEST_CORRELATION
        return seen, float(brentq(lambda one: self._expected(one) - seen, 0.0, HIGHEST_CORRELATION, xtol=1e-14))

    def _expected(self, correlation: float) -> float:
        """What would be seen from one day to the next, weekdays and periods taken out, if days had this correlation."""
        law = self._law(correlation)
        below = float((self._rest * law).sum())
        return float((self._across * law).sum()) / below if below > 0 else 0.0


def weekday_groups(weekday: ArrayLike) -> np.ndarray:
    """Groups of days with the same weekday, as 0, 1, ...; a weekday seen once cannot show its own spread.

    Such weekdays form one group together; a single one joins the smallest other.
    """
    _, code, count = np.unique(np.asarray(weekday), return_inverse=True, return_counts=True)
    group = np.arange(len(count))
    once = np.flatnonzero(count == 1)
    if len(once) == 1 and len(count) > 1:
        others = np.flatnonzero(count > 1)
        group[once] = others[np.argmin(count[others])]
    elif len(once):
        group[once] = once[0]
    return np.unique(group[code], return_inverse=True)[1]


def _residual_maker(groups: np.ndarray, period: np.ndarray) -> Floats:
    """The matrix that takes the means of weekdays and of periods out of a value a day."""
    periods = np.unique(period)
    columns = [groups == g for g in np.unique(groups)] + [period == p for p in periods[1:]]
    left, scale, _ = np.linalg.svd(np.array(columns, dtype=float).T, full_matrices=False)
    left = left[:, scale > _SEEN * scale[0]]
    return np.asarray(np.eye(len(groups)) - left @ left.T)


def equal_weekdays(one: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats, list[int]]:
    """Day weights under which two periods have the same weekdays, and the weekdays that only one of them has.

    Of each weekday that both have there are as many as on average; days of the others count 0.
    """
    given = [np.asarray(weekdays) for weekdays in (one, other)]
    known = np.union1d(*given)
    counts = np.array([(weekdays[:, None] == known).sum(axis=0) for weekdays in given], dtype=float)
    both = (counts > 0).all(axis=0)
    weights = [
        np.where(both, counts.mean(axis=0) / np.maximum(own, 1.0), 0.0)[np.searchsorted(known, weekdays)]
        for own, weekdays in zip(counts, given, strict=True)
    ]
    return weights[0], weights[1], [int(day) for day in known[~both]]


def holm(p: ArrayLike) -> Floats:
    """p values corrected for their number, step by step; one that is NaN was not tested and does not count.

    Reference: Holm (1979), Scandinavian Journal of Statistics 6:65.
    """
    given = np.asarray(p, dtype=float)
    corrected = np.full(given.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * np.arange(len(order), 0, -1)))
    return corrected
