"""How soon people say they expect an answer: fits to published classes of time.

A survey prints "11 % within 15 minutes, 19 % within the hour": interval-censored answers. What is fitted is an
EXPECTATION, what people say before or beside any wait. It is not patience (when they leave) and not abandonment.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

DISTRIBUTIONS = ("weibull", "log-logistic", "log-normal")


def expectation_cells(expectations: pd.DataFrame, calibration_id: str, *, immediate_s: float) -> pd.DataFrame:
    """Classes of time of one study, ready for a fit.

    Parameters
    ----------
    expectations : DataFrame, as ``evidence.load_evidence("expectations")`` gives it.
    calibration_id : the study.
    immediate_s : how long "immediately" may last, seconds: an assumption, no study prints it.

    Returns
    -------
    DataFrame, one row a class, ascending
        ``after_s``, ``within_s`` (infinite where no limit was printed), ``printed`` (share of all asked), ``share`` (of
        those who expect an answer at all; sums to 1), ``never`` (share of all asked who expect none, the same in each
        row), ``n`` (at least so many asked; missing where not known).

    Raises ValueError for an unknown study or ``immediate_s`` beyond the first printed limit.
    """
    rows = expectations[expectations["calibration_id"] == calibration_id]
    cells = rows[rows["role"].isin(["immediate", "fit"])].astype({"after_s": float, "within_s": float})
    if cells.empty:
        known = sorted(expectations.loc[expectations["role"] == "fit", "calibration_id"].unique())
        raise ValueError(f"no classes of time for {calibration_id!r}; there are some for {known}.")
    immediate = cells["role"] == "immediate"
    first_limit = cells.loc[~immediate, "within_s"].min()
    if immediate.any() and not 0 < immediate_s < first_limit:
        raise ValueError(f"immediate_s must lie between 0 and {first_limit:g} s, the first limit; got {immediate_s}.")
    cells.loc[immediate, "within_s"] = immediate_s
    cells["after_s"] = cells["after_s"].fillna(immediate_s)
    cells["within_s"] = cells["within_s"].fillna(math.inf)
    never = float(rows.loc[rows["role"] == "never", "share"].sum())
    cells["printed"] = cells["share"]
    cells["share"] = cells["printed"] / cells["printed"].sum()
    cells["never"] = never
    return cells.sort_values("within_s")[["after_s", "within_s", "printed", "share", "never", "n"]].reset_index(
        drop=True
    )


def fit_expectation(cells: pd.DataFrame, *, n: float, confidence: float = 0.95) -> pd.DataFrame:
    """Fit Weibull, log-logistic and log-normal times to classes of time by maximum likelihood, and compare them.

    Parameters
    ----------
    cells : DataFrame, one row a class, adjoining from 0
        ``after_s``, ``within_s`` (seconds, infinite in an open last class), ``share`` (sums to 1).
    n : respondents behind the shares; where only "more than 1,200" is printed, 1,200, and the intervals are too wide.
    confidence : of the interval of the median.

    Returns
    -------
    DataFrame, one row a distribution, the best (lowest AIC) first
        ``distribution``, ``location`` (mean of log seconds), ``scale`` (spread of log seconds), ``median_s``,
        ``median_lower_s``, ``median_upper_s``, ``log_likelihood``, ``aic``, ``deviance`` (against the shares
        themselves), ``df``, ``p_value`` (of the deviance; small: the shape does not fit; missing at df 0) and
        ``largest_gap`` (largest difference between the fitted and the published share at a limit).

    All three are location-scale families of log time: log T = location + scale * W with W smallest-extreme-value,
    logistic or normal. With two limits each fits exactly and the data cannot choose. Standard errors come from the
    expected information of the multinomial; a panel is not a random sample, so intervals are nominal.

    Raises ValueError for classes that leave a gap, shares that do not sum to 1, fewer than two limits, n < 1.
    Reference: Turnbull (1976), doi:10.1111/j.2517-6161.1976.tb01597.x; Meeker & Escobar (1998), ch. 7.
    """
    from scipy.optimize import minimize
    from scipy.stats import chi2, norm

    edges, shares = _edges_and_shares(cells, n)
    limits = np.log(edges[(edges > 0) & np.isfinite(edges)])
    published = np.cumsum(shares)[: len(limits)]
    rows = []
    for name in DISTRIBUTIONS:
        law = _law(name)

        def unlikely(parameters: np.ndarray, law: Any = law) -> float:
            return -float(shares @ np.log(_cell_probabilities(law, limits, parameters, len(shares))))

        # Start: the straight line through the published points on the scale where the law is one.
        quantiles = law.ppf(np.clip(published, 1e-3, 1 - 1e-3))
        slope = max(float(np.polyfit(quantiles, limits, 1)[0]), 0.1)
        start = np.array([limits.mean() - slope * quantiles.mean(), math.log(slope)])
        fit = minimize(unlikely, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 5000})
        if not fit.success:
            raise ValueError(f"the {name} fit did not settle: {fit.message}")
        location, scale = float(fit.x[0]), math.exp(fit.x[1])
        covariance = np.linalg.inv(_information(law, limits, fit.x, len(shares), n))
        # Median of log T is location + scale * q; its gradient in (location, log scale) is (1, scale * q).
        middle = float(law.ppf(0.5))
        gradient = np.array([1.0, scale * middle])
        half = float(norm.ppf((1 + confidence) / 2)) * math.sqrt(gradient @ covariance @ gradient)
        log_likelihood = -n * float(fit.fun)
        positive = shares > 0
        deviance = 2 * (n * float(shares[positive] @ np.log(shares[positive])) - log_likelihood)
        df = len(shares) - 1 - 2
        rows.append(
            {
                "distribution": name,
                "location": location,
                "scale": scale,
                "median_s": math.exp(location + scale * middle),
                "median_lower_s": math.exp(location + scale * middle - half),
                "median_upper_s": math.exp(location + scale * middle + half),
                "log_likelihood": log_likelihood,
                "aic": 4 - 2 * log_likelihood,
                "deviance": max(deviance, 0.0),
                "df": df,
                "p_value": float(chi2.sf(deviance, df)) if df else math.nan,
                "largest_gap": float(np.max(np.abs(law.cdf((limits - location) / scale) - published))),
            }
        )
    return pd.DataFrame(rows).sort_values("aic", kind="stable").reset_index(drop=True)


def expectation_curve(fits: pd.DataFrame, durations_s: np.ndarray, *, never: float = 0.0) -> pd.DataFrame:
    """Share who expect an answer within each duration, by distribution.

    Parameters
    ----------
    fits : rows of :func:`fit_expectation`.
    durations_s : seconds, > 0.
    never : share of all asked who expect no answer; the curve ends at 1 - never.

    Returns
    -------
    DataFrame: ``distribution``, ``duration_s``, ``share`` (of all asked).
    """
    durations_s = np.asarray(durations_s, dtype=float)
    if not (durations_s > 0).all() or not 0 <= never < 1:
        raise ValueError("durations_s must be > 0 and never a share below 1.")
    parts = [
        pd.DataFrame(
            {
                "distribution": row.distribution,
                "duration_s": durations_s,
                "share": (1 - never) * _law(row.distribution).cdf((np.log(durations_s) - row.location) / row.scale),
            }
        )
        for row in fits.itertuples()
    ]
    return pd.concat(parts, ignore_index=True)


def _law(name: str) -> Any:
    from scipy.stats import gumbel_l, logistic, norm

    return {"weibull": gumbel_l, "log-logistic": logistic, "log-normal": norm}[name]


def _edges_and_shares(cells: pd.DataFrame, n: float) -> tuple[np.ndarray, np.ndarray]:
    if not n >= 1:
        raise ValueError(f"n must be the number of respondents; got {n}.")
    after, within, shares = (cells[name].to_numpy(dtype=float) for name in ("after_s", "within_s", "share"))
    edges = np.append(after[:1], within)
    if edges[0] != 0 or not np.array_equal(after, edges[:-1]) or not (np.diff(edges) > 0).all():
        raise ValueError(f"classes of time must start at 0 and adjoin; got {after.tolist()} to {within.tolist()}.")
    if not ((shares >= 0).all() and abs(shares.sum() - 1) < 1e-6):
        raise ValueError(f"shares must sum to 1; they sum to {shares.sum():.4f}.")
    if math.isfinite(edges[-1]):
        # All asked named a time within the last limit; the fitted law keeps a little beyond it.
        edges, shares = np.append(edges, math.inf), np.append(shares, 0.0)
    if len(edges) - 2 < 2:
        raise ValueError("two parameters need two limits at least; there is one class border.")
    return edges, shares


def _cell_probabilities(law: Any, limits: np.ndarray, parameters: np.ndarray, cells: int) -> np.ndarray:
    z = (limits - parameters[0]) / math.exp(parameters[1])
    below = np.concatenate([[0.0], law.cdf(z), [1.0]])
    return np.maximum(np.diff(below), 1e-300)[:cells]


def _information(law: Any, limits: np.ndarray, parameters: np.ndarray, cells: int, n: float) -> np.ndarray:
    scale = math.exp(parameters[1])
    z = (limits - parameters[0]) / scale
    slopes = np.column_stack([-law.pdf(z) / scale, -law.pdf(z) * z])  # d cdf / d (location, log scale)
    steps = np.diff(np.vstack([[0.0, 0.0], slopes, [0.0, 0.0]]), axis=0)[:cells]
    probabilities = _cell_probabilities(law, limits, parameters, cells)
    return n * steps.T @ (steps / probabilities[:, None])
