"""Losses beside hour, queue and promise: one regression on counts with days as clusters. It tells what goes together."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.risk_table import holm

FEWEST_DAYS = 10  # with fewer clusters the variance between them is hardly seen
FEWEST = 30  # contacts of a level
MOST_PROMISES = 5


def loss_counts(cells: pd.DataFrame) -> pd.DataFrame:
    """Those who queued by day and cell: ``day, hour, queue, promise, left, stayed``; waits that are still open are left out.

    ``cells`` is that of a ``contacts.PeriodLog``. ``promise`` is a text: "none", or the seconds; promises of more than five
    lengths are told apart by fifths.
    """
    rows = cells[cells["queued"].astype(bool) & (cells["outcome"] != "open")]
    known = rows["promised_s"].dropna()
    if known.nunique() > MOST_PROMISES:
        edges = np.unique(known.quantile(np.linspace(0, 1, MOST_PROMISES + 1)[1:-1]))
        fifth = np.searchsorted(edges, rows["promised_s"].to_numpy(dtype=float))
        named = [f"above {edges[-1]:g} s" if n == len(edges) else f"up to {edges[n]:g} s" for n in fifth]
    else:
        named = [f"{value:g} s" for value in rows["promised_s"]]
    parts = pd.DataFrame({
        "day": rows["day"], "hour": rows["hour"], "queue": rows["queue"].fillna("not known"),
        "promise": pd.Series(named, rows.index, dtype=object).where(rows["promised_s"].notna(), "none"),
        "left": rows["contacts"].where(rows["outcome"] == "abandoned", 0),
        "stayed": rows["contacts"].where(rows["outcome"] != "abandoned", 0),
    })  # fmt: skip
    return parts.groupby(["day", "hour", "queue", "promise"], as_index=False)[["left", "stayed"]].sum()


def loss_regression(counts: pd.DataFrame, glm: Callable[..., Any], *, formula: str, family: Any) -> pd.DataFrame:
    """Odds of giving up by level, the other terms held fixed, with days as clusters.

    Parameters
    ----------
    counts : :func:`loss_counts`. glm : ``statsmodels.formula.api.glm``. formula : such as
        ``"left + stayed ~ C(hour) + C(queue) + C(promise)"``. family : ``statsmodels.api.families.Binomial()``.

    Returns
    -------
    DataFrame ``term, level, reference`` (the level of most contacts), ``odds_ratio, lower, upper`` (95 %), ``p_value, told`` (after Holm), ``contacts``
    (of the level); ``attrs``: ``formula`` as it was fitted, ``days, contacts, left_out``.
    Levels with fewer than thirty contacts, or in which nobody or everybody left, are left out; so are terms with one level.
    The variance is that between days, with the correction for few clusters, and Student's t with one degree of freedom less
    than days: Liang & Zeger (1986), doi:10.1093/biomet/73.1.13; Cameron & Miller (2015), doi:10.3368/jhr.50.2.317.
    Many levels on few days still make it somewhat too small. Odds ratios are no ratios of shares, and no effects.
    Raises ValueError with fewer than ten days, without a term that differs, and where the fit has no end.
    """
    terms = re.findall(r"C\((\w+)\)", formula)
    total = int(counts[["left", "stayed"]].sum().sum())
    rows = _enough(counts, terms)
    days = rows["day"].nunique()
    if days < FEWEST_DAYS:
        raise ValueError(f"days are the clusters, and {days} with enough contacts are fewer than {FEWEST_DAYS}.")
    kept = [name for name in terms if len(rows[name].unique()) > 1]
    if not kept:
        raise ValueError(
            f"no two levels of {', '.join(terms)} have {FEWEST} contacts of whom some left and some stayed."
        )
    for name in kept:
        # The first category is the reference: that of most contacts.
        size = (
            (rows["left"] + rows["stayed"])
            .groupby(rows[name].astype(str))
            .sum()
            .sort_values(ascending=False, kind="stable")
        )
        rows[name] = pd.Categorical(rows[name].astype(str), categories=size.index)
    fitted_as = " + ".join([*(f"C({name})" for name in kept), *(part for part in _others(formula))])
    fitted_as = f"left + stayed ~ {fitted_as}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            # Whole numbers, as statsmodels drops days that are dates.
            groups = {"groups": pd.factorize(rows["day"])[0], "use_correction": True, "df_correction": True}
            fit = glm(fitted_as, rows, family=family).fit(cov_type="cluster", cov_kwds=groups, use_t=True)
            limits = np.exp(fit.conf_int())
        except (Warning, np.linalg.LinAlgError, FloatingPointError) as problem:
            raise ValueError(f"the regression has no end: {problem}") from problem
    table = _levels(fit, limits, rows)
    table.attrs = {"formula": fitted_as, "days": days, "contacts": int(rows[["left", "stayed"]].sum().sum())}
    table.attrs["left_out"] = total - table.attrs["contacts"]
    return table


def _others(formula: str) -> list[str]:
    """Terms of the formula that are no levels."""
    parts = [part.strip() for part in formula.partition("~")[2].split("+")]
    return [part for part in parts if part and not re.fullmatch(r"C\(\w+\)", part)]


def _enough(counts: pd.DataFrame, terms: list[str]) -> pd.DataFrame:
    """The rows whose levels have enough contacts, some who left and some who stayed; asked again until none goes."""
    rows = counts
    while True:
        good = pd.Series(True, index=rows.index)
        for name in terms:
            sums = rows.groupby(name)[["left", "stayed"]].transform("sum")
            good &= (sums.sum(axis=1) >= FEWEST) & (sums > 0).all(axis=1)
        if good.all():
            return rows.reset_index(drop=True)
        rows = rows[good]


def _levels(fit: Any, limits: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    size = rows["left"] + rows["stayed"]
    found = []
    for name, estimate in fit.params.items():
        term = re.fullmatch(r"C\((\w+)\)\[T\.(.*)\]", str(name), flags=re.DOTALL)
        if term:
            at = rows[term[1]].astype(str)
            reference, contacts = rows[term[1]].cat.categories[0], int(size[at == term[2]].sum())
            found.append(
                (term[1], term[2], reference, np.exp(estimate), *limits.loc[name], fit.pvalues[name], contacts)
            )
    columns = ["term", "level", "reference", "odds_ratio", "lower", "upper", "p_value", "contacts"]
    table = pd.DataFrame(found, columns=columns)
    table.insert(7, "told", holm(table["p_value"]) < 0.05)
    return table
