"""Curves of waiting from a risk table: survival, hazard, competing outcomes, and what is read off them.

Conventions, as in R survival:

- Exact ties: a contact that leaves at t is at risk at t, so the censored of a tick are at risk for its events.
  ``ties="actuarial"`` lets half of a tick's censored leave the risk set before its events; ``at_risk`` shows it.
- ``entry_s``, where the table has it, is left truncation: at risk in (entry_s, duration_s]; 0 is watched from the
  start. If every early contact at risk has the event the curve is 0 from there on: start from a later entry.
- ``se`` is the standard error of the value beside it. Intervals are pointwise, at 95 %: ``interval`` is "log-log"
  (default), "log" or "plain". Where the survival is 0, Greenwood's formula says nothing: ``se``, ``lower`` and
  ``upper`` are NaN. Where a value is 0 or 1 with se 0 (nothing has happened yet) the interval is that point; it is
  no evidence that nothing will.
- A group in which the event never occurs keeps survival 1 and se 0; an event that no group has is refused.
- Columns of the table that a call does not name are summed over. Bad rows are refused (see ``counts.checked``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtrc

from cxresearch.risk_table import (
    Floats,
    Integers,
    Interval,
    Names,
    Ties,
    Z,
    at_risk,
    cells,
    column_names,
    group_codes,
    hotelling,
    share_limits,
    validated,
)

__all__ = ["duration_quantiles", "kaplan_meier", "log_rank", "median_duration", "nelson_aalen", "restricted_mean"]

ROUNDING = 1e-12  # a share this close to its target has reached it
DENSE_LIMIT = 50_000_000  # cells of a table over event times and groups: 400 MB an array


def kaplan_meier(
    table: pd.DataFrame,
    *,
    event: str = "abandoned",
    by: Names = (),
    interval: Interval = "log-log",
    ties: Ties = "exact",
) -> pd.DataFrame:
    """Estimate the share that would still wait after each duration if nothing but ``event`` ended a wait.

    Parameters
    ----------
    table : DataFrame, a risk table
        ``duration_s`` (seconds, >= 0), ``outcome``, ``contacts`` (frequencies), the columns of ``by``; ``entry_s``.
    event : the outcome that ends a wait by choice; every other outcome censors it.
    by : column or columns that tell groups apart; one curve a group.
    interval, ties : see the module.

    Returns
    -------
    DataFrame, one row a group and distinct duration, sorted
        ``*by, duration_s, at_risk, events, censored, survival, se, lower, upper``; survival and interval 0 to 1,
        ``se`` by Greenwood's formula, of the survival itself.

    It is the law of patience only if those answered would have waited like those who were not; under competing
    outcomes it is not the share that abandons (see :func:`aalen_johansen`).
    Reference: Kaplan & Meier (1958), doi:10.1080/01621459.1958.10501452.
    """
    curve = _Curve(table, event, by, ties)
    survival, se = curve.survival()
    lower, upper = share_limits(survival, se, interval)
    return curve.cells.labelled(
        at_risk=curve.at_risk,
        events=curve.events,
        censored=curve.censored,
        survival=survival,
        se=se,
        lower=lower,
        upper=upper,
    )


def nelson_aalen(
    table: pd.DataFrame, *, event: str = "abandoned", by: Names = (), ties: Ties = "exact"
) -> pd.DataFrame:
    """Estimate the cumulative hazard of ``event`` at each duration.

    Parameters are those of :func:`kaplan_meier`.

    Returns
    -------
    DataFrame, one row a group and distinct duration, sorted
        ``*by, duration_s, at_risk, events, cumulative_hazard, se``; the hazard has no unit and no upper bound,
        ``se`` is the root of the sum of events / at_risk ** 2.

    It is not minus the logarithm of the Kaplan-Meier curve, though close to it where few leave at each tick.
    Reference: Aalen (1978), doi:10.1214/aos/1176344247.
    """
    curve = _Curve(table, event, by, ties)
    return curve.cells.labelled(
        at_risk=curve.at_risk,
        events=curve.events,
        cumulative_hazard=curve.cells.running_sum(curve.events / curve.at_risk),
        se=np.sqrt(curve.cells.running_sum(curve.events / curve.at_risk**2.0)),
    )


def log_rank(
    table: pd.DataFrame, *, event: str = "abandoned", by: Names, strata: Names = (), cluster: str | None = None
) -> pd.DataFrame:
    """Test whether the hazard of ``event`` is the same in all groups of ``by`` (Mantel's log-rank test).

    Parameters
    ----------
    table, event : as for :func:`kaplan_meier`; ties are exact (the hypergeometric variance).
    by : column or columns whose combinations are the groups.
    strata : column or columns; contacts are compared only inside the same stratum, and the strata are added up.
    cluster : column whose groups hang together, such as ``day``: the same differences, their covariance from the score
        residuals added up by cluster (Lin & Wei). Neighbouring clusters count as independent.

    Returns
    -------
    DataFrame of one row: ``chi2, df, p_value``
        ``df`` is the number of groups less one.  A group that is never at risk beside another one at an event can
        differ from nothing and does not count.  With ``cluster`` the covariance is estimated from D clusters, so that
        ``chi2`` is Hotelling's T squared and the p-value that of F with ``df`` and ``df_within`` = D - df degrees of
        freedom.

    Raises ValueError if there is one group only, if groups are never at risk beside each other, or if the clusters are
    too few to show how they differ. It has little power against hazards that cross.
    Reference: Mantel (1966), Cancer Chemotherapy Reports 50:163-170; Peto & Peto (1972), doi:10.2307/2344317; Lin & Wei
    (1989), doi:10.1080/01621459.1989.10478874.
    """
    names, strata_names = column_names(by), column_names(strata)
    apart = (cluster,) if cluster and cluster not in (*names, *strata_names) else ()
    rows = validated(table, event=event, by=(*names, *strata_names, *apart))
    group, groups = group_codes(rows, names)
    stratum, _ = group_codes(rows, strata_names)
    if len(groups) < 2:
        only = ", ".join(f"{name} = {groups[name].iloc[0]!r}" for name in names) or "by names no column"
        raise ValueError(f"log_rank compares two groups or more; the risk table holds one ({only}).")
    keys, times, observed, exposed = _event_times(rows, event, group, stratum, len(groups))
    total, deaths = exposed.sum(axis=0), observed.sum(axis=0)
    share = exposed / total
    spread = np.divide(deaths * (total - deaths), total - 1, out=np.zeros(len(total)), where=total > 1)
    difference = (observed - share * deaths).sum(axis=1)
    covariance = -(share * spread) @ share.T
    np.fill_diagonal(covariance, (share * (1 - share) * spread).sum(axis=1))
    informed = np.flatnonzero(np.diagonal(covariance) > 0)
    parts, part = connected_components(covariance[np.ix_(informed, informed)] != 0, directed=False)
    if parts != 1:
        raise ValueError(
            f"log_rank has nothing to compare: of {len(groups)} groups {len(informed)} are ever at risk beside another "
            f"at an event, in {parts} sets that never meet ({np.bincount(part).tolist()} groups each); "
            "use fewer strata or pool groups."
        )
    kept = informed[1:]  # the differences add up to 0, so one group says nothing new
    if cluster:
        member, clusters = group_codes(rows, (cluster,))
        at = _Places(keys, times, rows, stratum, (rows["outcome"] == event).to_numpy())
        by_cluster = _cluster_differences(at, share[kept], deaths / total, group, kept, member, len(clusters))
        found = hotelling(by_cluster, cluster)
        return pd.DataFrame([found], columns=["chi2", "df", "df_within", "p_value"])
    chi2 = float(difference[kept] @ np.linalg.solve(covariance[np.ix_(kept, kept)], difference[kept]))
    return pd.DataFrame({"chi2": [chi2], "df": [len(kept)], "p_value": [float(chdtrc(len(kept), chi2))]})


def restricted_mean(
    table: pd.DataFrame, *, event: str = "abandoned", horizon_s: float, by: Names = (), ties: Ties = "exact"
) -> pd.DataFrame:
    """Estimate the mean wait up to ``horizon_s`` seconds if nothing but ``event`` or the horizon ended it.

    Parameters
    ----------
    table, event, by, ties : as for :func:`kaplan_meier`.
    horizon_s : seconds, > 0; the area under the survival curve is taken from 0 to here.

    Returns
    -------
    DataFrame, one row a group: ``*by, estimate, se, lower, upper``, seconds; the interval is estimate -+ 1.96 se,
        kept inside 0 to ``horizon_s``.  If all had left before the horizon, ``se`` has no part from the last of them.

    Raises ValueError, naming the groups, where the horizon lies past the last wait and the curve has not reached 0:
    what follows is not known. It is no mean of all patience, only of the part before the horizon; waits counted at
    the start of their tick make it short by about half a tick.
    Reference: Meier (1975), in Perspectives in Probability and Statistics; Royston & Parmar (2013),
    doi:10.1186/1471-2288-13-152.
    """
    if not (math.isfinite(horizon_s) and horizon_s > 0):
        raise ValueError(f"horizon_s must be a number of seconds > 0; got {horizon_s}.")
    curve = _Curve(table, event, by, ties)
    counted = curve.cells
    survival, _ = curve.survival()
    last = counted.duration_s[counted.last]
    past = (last < horizon_s) & (survival[counted.last] > 0)
    if past.any():
        raise ValueError(
            f"horizon_s = {horizon_s} lies past the last wait of {past.sum()} of {len(past)} groups "
            f"({_named(counted.groups, past, last)}), where the survival is not known; "
            f"use horizon_s <= {last[past].min():g} or leave those groups out."
        )
    time = np.minimum(counted.duration_s, horizon_s)
    area = survival * (counted.after(time, np.full(len(last), horizon_s)) - time)
    ahead = counted.remaining_sum(area)  # the area from each duration to the horizon
    estimate = time[counted.first] + ahead[counted.first]
    weight = curve.greenwood_terms() * ahead**2
    se = np.sqrt(np.bincount(counted.group, weight))
    lower, upper = np.maximum(estimate - Z * se, 0), np.minimum(estimate + Z * se, horizon_s)
    return counted.groups.assign(estimate=estimate, se=se, lower=lower, upper=upper)


def median_duration(
    table: pd.DataFrame,
    *,
    event: str = "abandoned",
    by: Names = (),
    interval: Interval = "log-log",
    ties: Ties = "exact",
) -> pd.DataFrame:
    """Estimate the duration by which half would have left; the half row of :func:`duration_quantiles`.

    Returns
    -------
    DataFrame, one row a group: ``*by, estimate, se, lower, upper``, seconds.
    """
    halves = duration_quantiles(table, event=event, shares=(0.5,), by=by, interval=interval, ties=ties)
    return halves.drop(columns="share")


def duration_quantiles(
    table: pd.DataFrame,
    *,
    event: str = "abandoned",
    shares: Iterable[float] = (0.25, 0.5, 0.75),
    by: Names = (),
    interval: Interval = "log-log",
    ties: Ties = "exact",
) -> pd.DataFrame:
    """Estimate the durations by which given shares would have left if nothing but ``event`` ended a wait.

    Parameters
    ----------
    table, event, by, interval, ties : as for :func:`kaplan_meier`.
    shares : shares that have left, between 0 and 1.

    Returns
    -------
    DataFrame, one row a group and share: ``*by, share, estimate, se, lower, upper``, seconds
        ``estimate`` is the first duration at which the survival is 1 - share or less (R takes the middle of a flat
        piece instead); NaN where the curve never gets there.  ``lower`` and ``upper`` are the first durations at
        which the lower and the upper limit of the curve get there; ``upper`` is NaN where it does not: no upper
        limit is known.  ``se`` is that of the survival there over the density, which is taken from the slope
        between 0.05 above and 0.05 below; NaN where the curve does not reach that far.

    References: Brookmeyer & Crowley (1982), doi:10.2307/2530286; ``se``: Collett (2015),
    Modelling Survival Data in Medical Research, section 2.4, doi:10.1201/b18041.
    """
    wanted = [float(share) for share in shares]
    if not wanted or not all(0 < share < 1 for share in wanted):
        raise ValueError(f"shares must lie between 0 and 1; got {wanted}.")
    curve = _Curve(table, event, by, ties)
    survival, se = curve.survival()
    lower, upper = share_limits(survival, se, interval)
    certain = np.where(survival == 0, 0.0, lower)  # nobody is left: no lower limit can be higher
    found = []
    for share in wanted:
        level = 1 - share
        place = curve.first_place(survival <= level + ROUNDING)
        found.append(
            curve.cells.groups.assign(
                share=share,
                estimate=curve.time_at(place),
                se=curve.value_at(place, se) / curve.density(survival, level),
                lower=curve.time_at(curve.first_place(certain <= level + ROUNDING)),
                upper=curve.time_at(curve.first_place(upper <= level + ROUNDING)),
            )
        )
    return pd.concat(found).sort_index(kind="stable").reset_index(drop=True)


class _Curve:
    """Events and numbers at risk of one event, all groups at once."""

    def __init__(self, table: pd.DataFrame, event: str, by: Names, ties: Ties) -> None:
        names = column_names(by)
        self.cells = cells(validated(table, event=event, by=names), by=names)
        self.events = self.cells.left[event]
        self.censored = self.cells.leaving - self.events
        self.at_risk = self.cells.exposed(self.censored, ties)

    def greenwood_terms(self) -> Floats:
        """events / (at_risk (at_risk - events)); 0 where all leave, which the callers treat by themselves."""
        staying = self.at_risk - self.events
        return np.divide(
            self.events, self.at_risk * staying.astype(float), out=np.zeros(len(staying)), where=staying > 0
        )

    def survival(self) -> tuple[Floats, Floats]:
        """The Kaplan-Meier curve and its standard error, NaN where the curve is 0."""
        survival = self.cells.running_product(1 - self.events / self.at_risk)
        se = survival * np.sqrt(self.cells.running_sum(self.greenwood_terms()))
        return survival, np.where(survival > 0, se, np.nan)

    def first_place(self, reached: NDArray[np.bool_]) -> Integers:
        """The first cell of each group where ``reached`` holds; -1 where it never does."""
        position = np.flatnonzero(reached)
        group, first = np.unique(self.cells.group[position], return_index=True)
        place = np.full(len(self.cells.groups), -1)
        place[group] = position[first]
        return place

    def value_at(self, place: Integers, values: Floats, missing: float = math.nan) -> Floats:
        """``values`` at places of :meth:`first_place`; ``missing`` for -1."""
        return np.where(place >= 0, values[place], missing)

    def time_at(self, place: Integers) -> Floats:
        """Durations at places; NaN for -1."""
        return self.value_at(place, self.cells.duration_s)

    def density(self, survival: Floats, level: float) -> Floats:
        """Fall of the curve a second between its last value >= level + 0.05 and its first <= level - 0.05."""
        below = self.first_place(survival <= max(level - 0.05, 0) + ROUNDING)
        # The curve falls, so the last cell at or above a level is the one before the first below it.
        above = self.first_place(survival < level + 0.05 - ROUNDING) - 1
        inside = above >= self.cells.first
        above = np.maximum(above, 0)  # of a curve that never falls so low, or at once
        start_s = np.where(inside, self.cells.duration_s[above], 0.0)
        start = np.where(inside, survival[above], 1.0)
        # A curve that falls at 0 s itself falls infinitely fast: its quantile is 0 with no width.
        with np.errstate(divide="ignore", invalid="ignore"):
            return (start - self.value_at(below, survival)) / (self.time_at(below) - start_s)


def _event_times(
    rows: pd.DataFrame, event: str, group: Integers, stratum: Integers, groups: int
) -> tuple[Integers, Floats, Floats, Floats]:
    """Events and contacts at risk, groups x event times; the times of every stratum in one line.

    Before them what the line is numbered by: stratum x number of times + place, and the distinct times.
    """
    happened = (rows["outcome"] == event).to_numpy()
    times, tick = np.unique(rows["duration_s"].to_numpy()[happened], return_inverse=True)
    keys, place = np.unique(stratum[happened] * len(times) + tick, return_inverse=True)
    if groups * len(keys) > DENSE_LIMIT:
        raise ValueError(
            f"log_rank would hold {groups} groups x {len(keys)} event times; at most {DENSE_LIMIT} fit. "
            "Compare fewer groups, or count with a coarser tick."
        )
    contacts = rows["contacts"].to_numpy(dtype=float)[happened]
    observed = np.bincount(group[happened] * len(keys) + place, contacts, groups * len(keys)).astype(float)
    # Each group in each stratum is one line of at-risk counts; a group's lines follow each other.
    lines = int(stratum.max()) + 1
    query_line = np.add.outer(np.arange(groups) * lines, keys // len(times)).ravel()
    query_s = np.tile(times[keys % len(times)], groups)
    exposed = at_risk(rows, group * lines + stratum, query_line, query_s).reshape(groups, len(keys))
    return keys, times, observed.reshape(groups, len(keys)), exposed.astype(float)


class _Places:
    """Where each row of a risk table stands on the line of event times: at risk in ``[begin, end)``, its contacts, its
    events (at ``end - 1``)."""

    def __init__(
        self, keys: Integers, times: Floats, rows: pd.DataFrame, stratum: Integers, happened: NDArray[np.bool_]
    ) -> None:
        def passed(seconds: Floats) -> Integers:
            return np.searchsorted(keys, stratum * len(times) + np.searchsorted(times, seconds, side="right"))

        self.end = passed(rows["duration_s"].to_numpy())
        self.begin = np.searchsorted(keys, stratum * len(times))
        if "entry_s" in rows:
            entry = rows["entry_s"].to_numpy()
            self.begin = np.where(entry > 0, passed(entry), self.begin)
        self.contacts = rows["contacts"].to_numpy(dtype=float)
        self.events = np.where(happened, self.contacts, 0.0)


def _cluster_differences(
    at: _Places, share: Floats, hazard: Floats, group: Integers, kept: Integers, member: Integers, clusters: int
) -> Floats:
    """What each cluster adds to observed less expected events of the kept groups: clusters x groups.

    A contact adds its group less that group's share at risk where it leaves, and takes off the same times the pooled
    hazard wherever it was at risk.
    """

    def along(values: Floats) -> Floats:
        run = np.append(0.0, np.cumsum(values))
        return run[at.end] - run[at.begin]

    watched, last = along(hazard), np.maximum(at.end - 1, 0)
    columns = []
    for name, part in zip(kept, share, strict=True):
        own = (group == name).astype(float)
        adds = at.events * (own - part[last]) - at.contacts * (own * watched - along(part * hazard))
        columns.append(np.bincount(member, adds, clusters))
    return np.column_stack(columns)


def _named(groups: pd.DataFrame, chosen: NDArray[np.bool_], seconds: Floats) -> str:
    """The first few chosen groups with a duration each, for a message."""
    shown = []
    for number in np.flatnonzero(chosen)[:3]:
        name = ", ".join(f"{column} = {groups[column].iloc[number]!r}" for column in groups.columns)
        shown.append(f"{name or 'all contacts'}: {seconds[number]:g} s")
    return "; ".join(shown) + ("; ..." if chosen.sum() > 3 else "")
