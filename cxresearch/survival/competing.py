"""The share of contacts that has left with each outcome, all outcomes competing (Aalen-Johansen)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from cxresearch.risk_table import (
    Cells,
    Floats,
    Interval,
    Names,
    Ties,
    cells,
    column_names,
    first_place,
    group_codes,
    share_limits,
    validated,
)

ROUNDING = 1e-14  # a share this close to 1 is 1: its running sum has lost no more


def aalen_johansen(
    table: pd.DataFrame,
    *,
    by: Names = (),
    interval: Interval = "log-log",
    ties: Ties = "exact",
    variance: Literal["jackknife", "greenwood"] = "jackknife",
) -> pd.DataFrame:
    """Estimate the share that has left by each duration with each outcome, all outcomes competing.

    Parameters
    ----------
    table : DataFrame, a risk table
        ``duration_s`` (seconds, >= 0), ``outcome``, ``contacts`` (frequencies), the columns of ``by``; ``entry_s``.
        Only ``open`` contacts are censored.
    by : column or columns that tell groups apart; one set of curves a group.
    interval, ties : as in ``survival``.
    variance : "jackknife" (infinitesimal, as R survfit) or "greenwood" (as R etm).

    Returns
    -------
    DataFrame, one row a group, distinct duration and outcome, sorted
        ``*by, duration_s, outcome, probability, se, lower, upper``.  Every outcome of the table other than ``open``
        stands in every group; one that a group never has stays at 0 there.  What is left to 1 still waits.
        Where all have left with one outcome its probability is 1 and ``se`` 0.

    Raises ValueError if every contact is open, and for a bad row (see ``counts.checked``).
    It says what happened with the staffing that was there, not how long people would have waited.
    References: Aalen & Johansen (1978), https://www.jstor.org/stable/4615704; jackknife: Therneau & Grambsch (2000),
    doi:10.1007/978-1-4757-3294-8; Greenwood type: Allignol, Schumacher & Beyersmann (2010),
    doi:10.1002/bimj.200900039.
    """
    if variance not in ("jackknife", "greenwood"):
        raise ValueError(f"variance must be 'jackknife' or 'greenwood'; got {variance!r}.")
    names = column_names(by)
    rows = validated(table, by=names)
    counted = cells(rows, by=names)
    outcomes = [outcome for outcome in counted.left if outcome != "open"]
    if not outcomes:
        raise ValueError(f"all {rows['contacts'].sum()} contacts are open: no outcome has occurred yet.")
    paths = _Paths(rows, counted, names, ties)
    columns = []
    for outcome in outcomes:
        share, se = paths.of(outcome, variance)
        columns.append((share, se, *share_limits(share, se, interval)))
    share, se, lower, upper = (np.stack(column, axis=1).ravel() for column in zip(*columns, strict=True))
    labels = counted.labelled().take(np.repeat(np.arange(len(counted.group)), len(outcomes))).reset_index(drop=True)
    words = pd.Series(outcomes, dtype=str).take(np.tile(np.arange(len(outcomes)), len(counted.group)))
    return labels.assign(outcome=words.to_numpy(), probability=share, se=se, lower=lower, upper=upper)


class _Paths:
    """The shares of one table and their two variances, as running sums over the durations.

    S is the share still waiting, h the hazard of leaving at all, r the contacts at risk, F the share that has left
    with the outcome in hand and f its growth at t: f = S(t-) d / r.  One contact more that still waits at t moves
    F(t) by x(t) = sum over u <= t of f(u) (G(u-) - 1 / r(u)), with G the sum of h / (r - events): fewer have left
    with the outcome, more are there to do so later.  Both variances stand on x and G.
    """

    def __init__(self, rows: pd.DataFrame, counted: Cells, by: tuple[str, ...], ties: Ties) -> None:
        self.rows, self.cells, self.by = rows, counted, by
        censored = counted.left.get("open", np.zeros(len(counted.group), dtype=np.int64))
        self.exposed = counted.exposed(censored, ties)
        self.own_weight = 0.5 if ties == "actuarial" else 1.0  # of a censored contact in the risk set of its last tick
        events = counted.leaving - censored
        staying = self.exposed - events
        self.hazard = events / self.exposed
        self.waiting = counted.before(counted.running_product(1 - self.hazard), 1.0)
        # Where all leave nobody waits from there on, whatever one contact more would have done: no term.
        self.per_stay = np.divide(1, staying, out=np.zeros(len(staying)), where=staying > 0)
        self.spread = counted.running_sum(self.hazard * self.per_stay)
        self.spread_before = counted.before(self.spread, 0.0)

    def of(self, outcome: str, variance: str) -> tuple[Floats, Floats]:
        """The share that has left with the outcome, and its standard error."""
        hazard = self.cells.left[outcome] / self.exposed
        f = self.waiting * hazard
        share = self.cells.running_sum(f)
        x = self.cells.running_sum(f * (self.spread_before - 1 / self.exposed))
        squares = self._greenwood(f, hazard, x) if variance == "greenwood" else self._jackknife(outcome, f, share, x)
        complete = share > 1 - ROUNDING
        return np.where(complete, 1.0, share), np.where(complete, 0.0, np.sqrt(np.maximum(squares, 0)))

    def _greenwood(self, f: Floats, hazard: Floats, x: Floats) -> Floats:
        """Variance of the product integral with multinomial increments; S(t) x(t) is the covariance of S and F."""
        tick = self.waiting**2 * hazard * (1 - hazard) / self.exposed
        return self.cells.running_sum(2 * f * self.cells.before(x, 0.0) + f**2 * self.spread_before + tick)

    def _jackknife(self, outcome: str, f: Floats, share: Floats, x: Floats) -> Floats:
        """Sum of the squared influences of all contacts.

        A contact that leaves has at that moment the influence ``level``; afterwards it moves by ``slope`` times the
        growth of F.  Sums of level**2, level * slope and slope**2 over those gone thus carry the whole forward, with
        no small difference of large numbers.
        """
        counted = self.cells
        level = {name: x + (self.waiting / self.exposed if name == outcome else 0.0) for name in counted.left}
        slope = dict.fromkeys(counted.left, self.spread - self.per_stay)
        if "open" in counted.left:
            level["open"] = counted.before(x, 0.0) + f * (self.spread_before - self.own_weight / self.exposed)
            slope["open"] = self.spread_before + self.own_weight * self.hazard * self.per_stay
        if "entry_s" in self.rows and (self.rows["entry_s"] > 0).any():
            new, waiting = self._late_entries(level, slope, share, x)
        else:
            new = np.zeros((3, len(x)))
            for name, contacts in counted.left.items():
                new += contacts * np.stack([level[name] ** 2, level[name] * slope[name], slope[name] ** 2])
            waiting = (counted.at_risk - counted.leaving) * x**2
        slopes = counted.before(counted.running_sum(new[2]), 0.0)
        products = counted.before(counted.running_sum(new[1] + f * slopes), 0.0)
        return counted.running_sum(new[0] + 2 * f * products + f**2 * slopes) + waiting

    def _late_entries(
        self, level: dict[str, Floats], slope: dict[str, Floats], share: Floats, x: Floats
    ) -> tuple[Floats, Floats]:
        """The same sums where contacts came late: they have had no influence on what was before their entry.

        Entered at e, a contact still waiting has the influence x(t) - x(e) - (F(t) - F(e)) G(e).
        """
        counted, rows = self.cells, self.rows
        group, _ = group_codes(rows, self.by)
        entry, contacts = rows["entry_s"].to_numpy(), rows["contacts"].to_numpy()
        last = first_place(counted.group, counted.duration_s, group, rows["duration_s"].to_numpy(), side="left")
        passed = first_place(counted.group, counted.duration_s, group, entry, side="right") - 1
        late = (entry > 0) & (passed >= counted.first[group])
        x_e, share_e, spread_e = (np.where(late, values[passed], 0.0) for values in (x, share, self.spread))
        level_row, slope_row = np.empty(len(rows)), np.empty(len(rows))
        for name in counted.left:
            chosen = (rows["outcome"] == name).to_numpy()
            level_row[chosen], slope_row[chosen] = level[name][last[chosen]], slope[name][last[chosen]]
        level_row -= x_e + (share[last] - share_e) * spread_e
        slope_row -= spread_e
        products = (level_row**2, level_row * slope_row, slope_row**2)
        new = np.stack([np.bincount(last, contacts * product, len(x)) for product in products]).astype(float)
        first = first_place(counted.group, counted.duration_s, group, entry, side="left")

        def over_waiting(values: Floats) -> Floats:
            """Sum of values over the contacts that have entered and not left by each duration."""
            change = np.bincount(first, contacts * values, len(x)) - np.bincount(last, contacts * values, len(x))
            return counted.running_sum(change)

        offset = x_e - share_e * spread_e
        squares = (
            x**2 * over_waiting(np.ones(len(rows)))
            + share**2 * over_waiting(spread_e**2)
            + over_waiting(offset**2)
            - 2 * x * share * over_waiting(spread_e)
            - 2 * x * over_waiting(offset)
            + 2 * share * over_waiting(offset * spread_e)
        )
        return new, squares
