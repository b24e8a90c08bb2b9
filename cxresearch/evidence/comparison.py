"""Published shares against each other: change between waves, order of paired answers, pooling of surveys."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from cxresearch.evidence.shares import BaseMismatch, plausible_n, share_interval, z_value


def change_table(
    waves: pd.DataFrame, *, metric: str, country: str, n_low: int, n_high: int, confidence: float = 0.95
) -> pd.DataFrame:
    """Test each wave of a series against the one before it.

    Parameters
    ----------
    waves : as :func:`load_waves` gives them.
    metric, country : which series; the item must be a share.
    n_low, n_high : the range over which an unknown n of all asked is taken; of a part of them ``plausible_n``.
    confidence : of the intervals; a change is shown where p < 1 - confidence.

    Returns
    -------
    DataFrame, one row a step
        ``from_year``, ``to_year``, ``base``, ``share_from``, ``share_to``, ``change``, ``lower``, ``upper`` (Newcombe,
        the widest: at n_low where n is unknown), ``p_at_low_n``, ``p_at_high_n`` (two-sample z test), ``n_needed``
        (smallest size of the unknown samples that shows the change; missing where both are known) and ``verdict``:
        "change", "no change shown", "depends on n", or "bases differ" (nothing is tested).

    Published n is used as it is; where it counts more people than the base the true interval is wider. No correction
    for testing several steps. Raises ValueError for a series with fewer than two waves, a wave printed twice, or an
    item that is no share.
    Reference: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    series = waves[(waves["metric"] == metric) & (waves["country"] == country)].sort_values("wave_year")
    if len(series) < 2 or not (series["unit"] == "share").all():
        raise ValueError(f"a change needs two waves of a share; {metric!r} in {country!r} has {len(series)} such rows.")
    twice = series["wave_year"].duplicated()
    if twice.any():
        years = series.loc[twice, "wave_year"].tolist()
        raise ValueError(f"{metric!r} in {country!r} is printed on two bases in {years}; choose one first.")
    rows = []
    for earlier, later in zip(series[:-1].itertuples(), series[1:].itertuples(), strict=True):
        row = {
            "from_year": earlier.wave_year,
            "to_year": later.wave_year,
            "base": later.base,
            "share_from": earlier.value,
            "share_to": later.value,
            "change": later.value - earlier.value,
        }
        if earlier.base != later.base:
            rows.append(row | {"base": f"{earlier.base}, then {later.base}", "verdict": "bases differ"})
            continue
        known = [None if pd.isna(wave.n) else float(wave.n) for wave in (earlier, later)]
        asked = plausible_n(later.base, n_low=n_low, n_high=n_high)
        at_low, at_high = (_two_shares(earlier.value, later.value, known, n, confidence) for n in asked)
        shown = [p < 1 - confidence for p in (at_low[2], at_high[2])]
        row |= {"lower": at_low[0], "upper": at_low[1], "p_at_low_n": at_low[2], "p_at_high_n": at_high[2]}
        row["n_needed"] = _n_needed(earlier.value, later.value, known, confidence)
        row["verdict"] = "change" if all(shown) else "depends on n" if any(shown) else "no change shown"
        rows.append(row)
    return pd.DataFrame(rows)


def order_test(pairs: pd.DataFrame, *, n: float, confidence: float = 0.95, rounding: float = 0.005) -> pd.DataFrame:
    """Compare pairs of answers of the same people when the table behind the pair was not published.

    Parameters
    ----------
    pairs : DataFrame, one row a pair: ``item``, ``first``, ``second`` (shares of the same respondents).
    n : those respondents.
    rounding : half a unit of the last printed digit.

    Returns
    -------
    DataFrame, one row a pair
        ``item``, ``first``, ``second``, ``difference``, ``lower``, ``upper``, ``discordant`` (the largest share that
        can have answered the two differently), ``z``, ``p_value``, ``p_rounded`` (both numbers rounded against the
        difference) and ``verdict``: "survives" (also after Holm's correction over the pairs and the worst rounding),
        "marginal" (p below 1 - confidence as printed, but not after both), "open".

    McNemar's statistic is (b - c) / sqrt(b + c) with b - c published; b + c is largest where the answers are as
    unlike as the margins allow (the Frechet bound), so z is the smallest possible. Raises ValueError for shares
    outside 0 to 1 or n below 1. Reference: McNemar (1947), doi:10.1007/BF02295996; Holm (1979).
    """
    from scipy.stats import norm

    if pairs.empty or not pairs[["first", "second"]].apply(lambda s: s.between(0, 1)).all(axis=None) or not n >= 1:
        raise ValueError("order_test needs pairs of shares 0 to 1 and n >= 1.")
    table = pairs[["item", "first", "second"]].reset_index(drop=True)
    total = table["first"] + table["second"]
    table["difference"] = table["first"] - table["second"]
    discordant = np.minimum(total, 2 - total)
    half = z_value(confidence) * np.sqrt((discordant - table["difference"] ** 2) / n)
    table["lower"], table["upper"] = table["difference"] - half, table["difference"] + half
    table["discordant"] = discordant
    # Nobody discordant means the two shares are equal, and 0 or 1.
    table["z"] = (table["difference"] * math.sqrt(n) / np.sqrt(discordant)).where(discordant > 0, 0.0)
    table["p_value"] = 2 * norm.sf(table["z"].abs())
    rounded = (table["difference"].abs() - 2 * rounding).clip(lower=0)
    table["p_rounded"] = 2 * norm.sf((rounded * math.sqrt(n) / np.sqrt(discordant)).where(discordant > 0, 0.0))
    alpha = 1 - confidence
    survives = _holm(table["p_rounded"].to_numpy()) < alpha
    table["verdict"] = np.where(survives, "survives", np.where(table["p_value"] < alpha, "marginal", "open"))
    return table


def pool(findings: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Combine shares of one quantity from several surveys (statsmodels' meta-analysis, on the logit scale).

    Parameters
    ----------
    findings : DataFrame, one row a survey
        ``study``, ``share``, ``n``, and ``metric``, ``base``, ``country``, which must be the same in every row.

    Returns
    -------
    DataFrame: one row a survey, then "fixed effect" and "random effects" (Paule-Mandel): ``study``, ``estimate``,
    ``lower``, ``upper``, ``weight`` (share of the random-effects estimate), ``n``, and in every row the heterogeneity
    ``q``, ``df``, ``p_value``, ``i2`` (share of the variation that is not sampling) and ``tau`` (spread between
    surveys, logits).

    Raises BaseMismatch when metric, base or country differ; ValueError for fewer than two surveys, an unknown n, or a
    share of 0 or 1. With a handful of surveys the random-effects interval is too narrow; read i2 first.
    Reference: DerSimonian & Kacker (2007), doi:10.1016/j.cct.2006.04.004.
    """
    for column in ("metric", "base", "country"):
        values = sorted(findings[column].unique())
        if len(values) > 1:
            raise BaseMismatch(f"nothing is pooled across different {column}: {values}.")
    if (
        len(findings) < 2
        or findings["n"].isna().any()
        or not findings["share"].between(0, 1, inclusive="neither").all()
    ):
        unknown = findings.loc[findings["n"].isna(), "study"].tolist()
        raise ValueError(f"pool needs two surveys with known n and shares between 0 and 1; n is unknown for {unknown}.")
    # Heavy; only those who pool pay for it.
    from scipy.stats import chi2
    from statsmodels.stats.meta_analysis import combine_effects

    share, n = findings["share"].to_numpy(dtype=float), findings["n"].to_numpy(dtype=float)
    logits, variances = np.log(share / (1 - share)), 1 / (n * share * (1 - share))
    result = combine_effects(logits, variances, method_re="iterated", alpha=1 - confidence)
    frame = result.summary_frame().iloc[: len(findings) + 2]
    back = 1 / (1 + np.exp(-frame[["eff", "ci_low", "ci_upp"]].to_numpy(dtype=float)))
    table = pd.DataFrame(back, columns=["estimate", "lower", "upper"])
    table.insert(0, "study", [*findings["study"], "fixed effect", "random effects"])
    table["weight"] = [*(result.weights_re / result.weights_re.sum()), math.nan, 1.0]
    table["n"] = pd.array([*n.astype(int), int(n.sum()), int(n.sum())], dtype="Int64")
    q, df = float(result.q), len(findings) - 1
    heterogeneity = {"q": q, "df": df, "p_value": float(chi2.sf(q, df)), "i2": max(0.0, 1 - df / q) if q > 0 else 0.0}
    return table.assign(**heterogeneity, tau=math.sqrt(max(float(result.tau2), 0.0)))


def _two_shares(
    first: float, second: float, known: list[float | None], n: float, confidence: float
) -> tuple[float, float, float]:
    """Newcombe's interval of second - first and the p value of the pooled z test; unknown sizes are ``n``."""
    n1, n2 = (n if size is None else size for size in known)
    (low1, high1), (low2, high2) = (share_interval(s, m, confidence=confidence) for s, m in ((first, n1), (second, n2)))
    change = second - first
    lower = change - math.hypot(second - low2, high1 - first)
    upper = change + math.hypot(high2 - second, first - low1)
    pooled = (first * n1 + second * n2) / (n1 + n2)
    se = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return lower, upper, math.erfc(abs(change) / se / math.sqrt(2)) if se > 0 else 1.0


def _n_needed(first: float, second: float, known: list[float | None], confidence: float) -> float:
    """Smallest size of the unknown samples at which the change shows; missing if none is unknown or none suffices."""
    if None not in known:
        return math.nan

    def shows(n: int) -> bool:
        return _two_shares(first, second, known, n, confidence)[2] < 1 - confidence

    low, high = 1, 10_000_000
    if not shows(high):
        return math.nan
    while high - low > 1:  # p falls as n grows
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return float(high)


def _holm(p_values: np.ndarray) -> np.ndarray:
    order = np.argsort(p_values)
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
