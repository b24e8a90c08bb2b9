"""Own survey: respondent rows -> weighted shares and means, raking, and a comparison with cited findings.

One row is one respondent. Standard errors are Taylor-linearised, as R's ``survey`` package computes them: the ultimate
cluster method, with replacement unless the number of units in the population is given. No estimate here is a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtr, stdtrit

from cxresearch.survey.design import (
    SamplingDesign,
    Targets,
    numbers,
    raked_weights,
    require_columns,
    require_complete,
    sampling_design,
    starting_weights,
)

ESTIMATE_COLUMNS = ["estimate", "se", "lower", "upper", "n", "design_effect"]
_DIFFERENCES = ["estimate", "n", "others", "others_n", "difference", "lower", "upper", "p_value"]
Z95 = float(ndtri(0.975))


def rake(responses: pd.DataFrame, targets: Targets, *, weight: str | None = None) -> pd.Series:
    """Adjust weights until every margin meets its target (iterative proportional fitting, to 1e-12).

    Parameters
    ----------
    responses : one row per respondent; the columns named in ``targets`` have no missing value.
    targets : column -> {level: target}; every level in the data has a target and the reverse. Targets are totals of the
        population, or shares (each column's sum to 1), which keep the sum of the starting weights. For a joint margin,
        make one column of the two.
    weight : column of starting weights, > 0; None starts all at 1.

    Returns
    -------
    Series of weights, named ``weight``, with the index of ``responses``.

    For estimates, hand the targets to :func:`weighted_share` or :func:`weighted_mean` (``targets=``), not the raked
    weights: only then does the standard error know that the margins are fixed.
    Raises ValueError, with counts, for a target or level without its counterpart, a target that is not > 0, sums that
    differ between columns, or a table on which the fitting does not converge.
    Reference: Deming & Stephan (1940), doi:10.1214/aoms/1177731829.
    """
    return pd.Series(
        raked_weights(responses, targets, starting_weights(responses, weight))[0], index=responses.index, name="weight"
    )


def weighted_share(
    responses: pd.DataFrame,
    answer: str,
    *,
    weight: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    population: str | None = None,
    targets: Targets | None = None,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Estimate the share of 1 in a 0/1 column, with a design-based standard error and interval.

    Parameters
    ----------
    responses : one row per respondent.
    answer : a column of 0 and 1 (or booleans). Rows where it is missing were not asked or did not answer: they are
        outside the base, yet their clusters still count in the variance.
    weight : column of weights, > 0. None: equal weights, or population / sample within the stratum if ``population``
        is given.
    strata, cluster : columns of the sampling design. A cluster lies in one stratum; a stratum has two clusters or more.
    population : column with the number of units (with ``cluster``: of clusters) in the row's stratum of the population;
        gives the finite-population correction. None: sampling with replacement.
    targets : as in :func:`rake`; the weights are raked first and the standard error comes from what the margins leave
        unexplained, fitted with the starting weights (as R's ``calibrate(calfun="raking")`` and, where the starting
        weights are equal, ``rake``). None: the weights are taken as they are.
    by : column or columns; one row of the result per combination found (a domain: all clusters are kept).

    Returns
    -------
    DataFrame, one row per group, ascending
        ``*by``, ``estimate`` (0 to 1), ``se``, ``lower`` and ``upper`` (95 %), ``n`` (rows in the base), and
        ``design_effect`` (variance against a simple random sample of n from the same population: with replacement if
        ``population`` is None, otherwise without, the population being the sum of the weights; missing where the
        weights do not add up to a population of n or more).
        The interval is Wilson's at the effective sample size (n over the design effect with replacement, reduced for
        few clusters as Korn & Graubard 1998 do); for plain rows it is Wilson's at n. At 0 or 1, where the data hold no
        variance, the effective size is Kish's over clusters. It is missing where clusters do not outnumber strata.

    Raises ValueError, with counts, if an answer is not 0 or 1, a weight or design value is missing or impossible, or a
    stratum has a single cluster.
    References: Binder (1983), doi:10.2307/1402588; Lumley (2004), doi:10.18637/jss.v009.i08; Wilson (1927),
    doi:10.1080/01621459.1927.10502953; Deville & Sarndal (1992), doi:10.1080/01621459.1992.10475217.
    """
    values = _zero_or_one(responses, answer)
    design = sampling_design(responses, weight, strata, cluster, population, targets)
    return _estimate(responses, answer, values, design, by, share=True)


def _zero_or_one(responses: pd.DataFrame, answer: str) -> np.ndarray:
    values = numbers(responses, answer)
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        raise ValueError(
            f"{answer!r} should hold 0 and 1; {wrong.sum()} of {len(values)} rows hold something else, "
            f"such as {responses[answer].to_numpy()[wrong][0]!r}. "
            f'Make it so first: responses["asked"].map({{"yes": 1, "no": 0}}).'
        )
    return values


def weighted_mean(
    responses: pd.DataFrame,
    answer: str,
    *,
    weight: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    population: str | None = None,
    targets: Targets | None = None,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Estimate the mean of a numeric column; everything as in :func:`weighted_share`, in the column's own unit.

    The interval is estimate +- t * se, with as many degrees of freedom as the group has clusters beyond its strata.
    """
    values = numbers(responses, answer)
    if np.isinf(values).any():
        raise ValueError(
            f"{answer!r} is infinite in {np.isinf(values).sum()} of {len(values)} rows; make these missing."
        )
    design = sampling_design(responses, weight, strata, cluster, population, targets)
    return _estimate(responses, answer, values, design, by, share=False)


def share_table(responses: pd.DataFrame, items: Sequence[str], **design: Any) -> pd.DataFrame:
    """Estimate the share of each 0/1 item of a multi-response question; ``design`` goes to :func:`weighted_share`.

    Returns
    -------
    DataFrame, one row per item (in the given order) and group: ``item``, ``*by``, then as :func:`weighted_share`.
    The items of one question are answered by the same people: their intervals are not independent of each other.
    """
    if not items:
        raise ValueError("share_table needs at least one item: name the 0/1 columns.")
    by = design.pop("by", ())
    columns = [_zero_or_one(responses, item) for item in items]
    drawn = _drawn(responses, **design)  # once: raking takes far longer than a share
    tables = [
        _estimate(responses, item, values, drawn, by, share=True) for item, values in zip(items, columns, strict=True)
    ]
    if "item" in tables[0]:
        raise ValueError("a column of groups called 'item' would stand twice in the table; call it otherwise.")
    return pd.concat([table.assign(item=item) for item, table in zip(items, tables, strict=True)], ignore_index=True)[
        ["item", *tables[0].columns]
    ]


def _drawn(
    responses: pd.DataFrame,
    *,
    weight: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    population: str | None = None,
    targets: Targets | None = None,
) -> SamplingDesign:
    return sampling_design(responses, weight, strata, cluster, population, targets)


def group_differences(responses: pd.DataFrame, answer: str, *, by: str, **design: Any) -> pd.DataFrame:
    """How the share of 1 in each group of ``by`` differs from that of all the others; ``design`` as :func:`weighted_share`.

    Returns
    -------
    DataFrame, one row per group: ``by``, ``estimate``, ``n``, ``others`` (their share), ``others_n``, ``difference``, its
        ``lower`` and ``upper`` (MOVER from the two intervals, with the correlation that clusters and raking leave between
        them) and ``p_value`` (t, design-based; missing where both shares are 0 or 1 and have no variance). Of two groups
        the rows are one comparison, told from both sides.

    Raises ValueError for fewer than two groups with answers, and as :func:`weighted_share`.
    """
    table = difference_table(responses, [answer], by=by, **design)
    if table.empty:
        raise ValueError(f"{by!r} has one group among those who answered {answer!r}; a comparison needs two.")
    return table.drop(columns="item")


def difference_table(responses: pd.DataFrame, items: Sequence[str], *, by: str, **design: Any) -> pd.DataFrame:
    """:func:`group_differences` of each 0/1 item, with ``item`` before its columns; one that a single group answered has no row."""
    if by in (*_DIFFERENCES, "item"):
        raise ValueError(f"a column of groups called {by!r} would stand twice in the table; call it otherwise.")
    columns = [_zero_or_one(responses, item) for item in items]
    drawn = _drawn(responses, **design)
    require_complete(responses, [by])
    group_of_row = responses[by].to_numpy()
    rows = []
    for item, values in zip(items, columns, strict=True):
        answered = ~np.isnan(values)
        if not answered.any():
            raise ValueError(f"{item!r} is missing in all {len(values)} rows.")
        groups = sorted(responses.loc[answered, by].unique())
        if len(groups) > 1:
            rows += [[item, group, *_beside_others(values, answered, group_of_row == group, drawn)] for group in groups]
    return pd.DataFrame(rows, columns=["item", by, *_DIFFERENCES]).astype({"n": int, "others_n": int})


def _beside_others(values: np.ndarray, answered: np.ndarray, group: np.ndarray, drawn: SamplingDesign) -> list[float]:
    """A row of :func:`group_differences`: those of ``answered`` who are of the group, and all the others."""
    inside, outside = answered & group, answered & ~group
    freedom = len(np.unique(drawn.cluster[answered])) - len(np.unique(drawn.stratum[answered]))
    one, rest = (_row(values, base, drawn, share=True) for base in (inside, outside))
    influence = _influence(values, inside, one[0], drawn) - _influence(values, outside, rest[0], drawn)
    variance, difference = drawn.variance(influence), one[0] - rest[0]
    both = one[1] * rest[1]
    tied = (one[1] ** 2 + rest[1] ** 2 - variance) / (2 * both) if both > 0 else 0.0
    ends = []
    for mine, other in ((one[0] - one[2], rest[3] - rest[0]), (one[3] - one[0], rest[0] - rest[2])):
        ends.append(math.sqrt(max(mine**2 + other**2 - 2 * tied * mine * other, 0.0)))
    p_value = (
        float(2 * stdtr(freedom, -abs(difference) / math.sqrt(variance))) if variance > 0 and freedom > 0 else math.nan
    )
    return [one[0], one[4], rest[0], rest[4], difference, difference - ends[0], difference + ends[1], p_value]


def compare(own: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
    """Set own estimates beside cited findings: difference, 95 % interval and a plain sentence.

    Parameters
    ----------
    own : rows of :func:`weighted_share` with two more columns: ``claim_id`` (the finding it stands beside) and ``base``
        (who was asked, in words).
    claims : ``claim_id``, ``value`` (a share, 0 to 1; of "more than 80 %" the 0.8), ``n`` (people in that base; missing
        where the source does not say), ``base``.

    Returns
    -------
    DataFrame, one row per row of ``own``, in its order
        ``claim_id``, ``own``, ``own_lower``, ``own_upper``, ``own_n``, ``cited``, ``cited_lower``, ``cited_upper``,
        ``cited_n``, ``difference`` (own - cited), ``lower``, ``upper``, ``sentence``. The cited interval is Wilson's at
        the cited n, as if a simple random sample; the difference's is built from both (MOVER, Newcombe's rule). Where
        the cited n is missing so are both of them. Rounding of the cited value is not in the interval, and no interval
        covers a question worded otherwise or a panel of volunteers.

    Raises ValueError if a claim is unknown or listed twice, is not a share, has an n that is not > 0, or if an own
    estimate has no interval.
    References: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I; Zou & Donner
    (2008), doi:10.1002/sim.3095.
    """
    require_columns(own, ["claim_id", "base", "estimate", "lower", "upper", "n"], table_name="own")
    require_columns(claims, ["claim_id", "value", "n", "base"], table_name="claims")
    if own.empty:
        raise ValueError("compare needs at least one own estimate; the table is empty.")
    bare = own[["estimate", "lower", "upper"]].isna().any(axis=1)
    if bare.any():
        raise ValueError(
            f"{bare.sum()} of {len(own)} own estimates have no interval: {own.loc[bare, 'claim_id'].tolist()}. "
            "Leave them out, or join groups that have too few clusters."
        )
    cited = claims[claims["claim_id"].isin(own["claim_id"])].set_index("claim_id")
    unknown = sorted(set(own["claim_id"]) - set(cited.index))
    if unknown or cited.index.has_duplicates:
        raise ValueError(
            f"each claim_id of own must stand once in claims ({len(claims)} rows); "
            f"not there: {unknown}, more than once: {sorted(cited.index[cited.index.duplicated()])}."
        )
    value, n = (pd.Series(numbers(cited, column), index=cited.index) for column in ("value", "n"))
    if not value.between(0, 1).all():
        raise ValueError(
            f"only a share (0 to 1) can stand beside an own share; not one: {value[~value.between(0, 1)].to_dict()}. "
            "Divide per cent by 100 and leave other units out."
        )
    if (n <= 0).any():
        raise ValueError(f"n must be > 0, or missing where unknown; it is not for {n.index[n <= 0].tolist()}.")
    keys = own["claim_id"].tolist()
    table = pd.DataFrame({"claim_id": keys})
    table[["own", "own_lower", "own_upper"]] = own[["estimate", "lower", "upper"]].to_numpy()
    table["own_n"] = own["n"].to_numpy()
    table["cited"] = value.loc[keys].to_numpy()
    table["cited_lower"], table["cited_upper"] = _wilson(table["cited"].to_numpy(), n.loc[keys].to_numpy())
    table["cited_n"] = n.loc[keys].to_numpy()
    table["difference"] = table["own"] - table["cited"]
    table["lower"] = table["difference"] - np.hypot(
        table["own"] - table["own_lower"], table["cited_upper"] - table["cited"]
    )
    table["upper"] = table["difference"] + np.hypot(
        table["own_upper"] - table["own"], table["cited"] - table["cited_lower"]
    )
    bases = zip(_words(own["base"]), _words(cited.loc[keys, "base"]), strict=True)
    table["sentence"] = [_sentence(row, *pair) for row, pair in zip(table.to_dict("records"), bases, strict=True)]
    return table


def _words(bases: pd.Series) -> list[str]:
    return [str(base).replace("_", " ") if pd.notna(base) and base else "a base not known" for base in bases]


def _sentence(row: dict[Any, Any], own_base: str, cited_base: str) -> str:
    known = not math.isnan(row["cited_n"])
    parts = [
        f"Own survey: {100 * row['own']:.1f} % ({100 * row['own_lower']:.1f} to {100 * row['own_upper']:.1f} %, "
        f"n = {row['own_n']:,.0f}) of {own_base}.",
        f"Cited: {100 * row['cited']:.1f} % ({'n = ' + format(row['cited_n'], ',.0f') if known else 'n not known'}) "
        f"of {cited_base}.",
    ]
    if known:
        told_apart = row["lower"] > 0 or row["upper"] < 0
        parts.append(
            f"The difference is {100 * row['difference']:+.1f} points "
            f"({100 * row['lower']:+.1f} to {100 * row['upper']:+.1f}): "
            f"{'more than chance explains' if told_apart else 'not distinguishable from no difference'}."
        )
    else:
        inside = row["own_lower"] <= row["cited"] <= row["own_upper"]
        parts.append(
            "The source does not say how many were asked, so only the own interval is known; "
            f"the cited share lies {'inside' if inside else 'outside'} it."
        )
    if own_base.strip().casefold() != cited_base.strip().casefold():
        parts.append("The two bases are worded differently: check that they mean the same people.")
    return " ".join(parts)


def _estimate(
    responses: pd.DataFrame,
    answer: str,
    values: np.ndarray,
    design: SamplingDesign,
    by: str | Sequence[str],
    *,
    share: bool,
) -> pd.DataFrame:
    by = [by] if isinstance(by, str) else list(by)
    answered = ~np.isnan(values)
    if not answered.any():
        raise ValueError(f"{answer!r} is missing in all {len(values)} rows.")
    if not by:
        return pd.DataFrame([_row(values, answered, design, share)], columns=ESTIMATE_COLUMNS)
    if twice := sorted({*by} & {*ESTIMATE_COLUMNS}):
        raise ValueError(f"a column of groups called {twice[0]!r} would stand twice in the table; call it otherwise.")
    require_complete(responses, by)
    groups = responses[by].reset_index(drop=True).groupby(by, observed=True)
    group_of_row = groups.ngroup().to_numpy()
    labels = groups.head(1).sort_values(by).reset_index(drop=True)
    rows = [_row(values, answered & (group_of_row == group), design, share) for group in range(len(labels))]
    return pd.concat([labels, pd.DataFrame(rows, columns=ESTIMATE_COLUMNS)], axis=1)


def _row(values: np.ndarray, base: np.ndarray, design: SamplingDesign, share: bool) -> list[float]:
    n = int(base.sum())
    if n == 0:
        return [math.nan, math.nan, math.nan, math.nan, 0, math.nan]
    weights = np.where(base, design.weights, 0.0)
    centred = np.where(base, values, 0.0)
    total = weights.sum()
    estimate = float(np.sum(weights * centred) / total)
    centred = np.where(base, values - estimate, 0.0)
    variance = design.variance(centred / total)
    # With replacement, and as R's svyvar: the weighted variance of the answers over n.
    simple = float(np.sum(weights * centred**2) / total) / (n - 1) if n > 1 else math.nan
    left = 1.0 if design.population is None else (1 - n / total if total > n else math.nan)
    effect = variance / (simple * left) if simple > 0 else math.nan
    freedom = len(np.unique(design.cluster[base])) - len(np.unique(design.stratum[base]))
    if freedom < 1:
        lower = upper = math.nan
    elif share:
        if simple > 0:
            effective = n * simple / variance if variance > 0 else math.inf
        else:
            in_cluster = np.bincount(design.cluster, weights)
            effective = total**2 / float(np.sum(in_cluster**2))
        few = stdtrit(n - 1, 0.975) / stdtrit(freedom, 0.975)
        lower, upper = _wilson(estimate, effective * few**2)
    else:
        reach = float(stdtrit(freedom, 0.975)) * math.sqrt(variance)
        lower, upper = estimate - reach, estimate + reach
    return [estimate, math.sqrt(variance), lower, upper, n, effect]


def _influence(values: np.ndarray, base: np.ndarray, share: float, design: SamplingDesign) -> np.ndarray:
    return np.where(base, values - share, 0.0) / design.weights[base].sum()


def _wilson(share: Any, n: Any) -> tuple[Any, Any]:
    squared = Z95**2 / n
    middle = (share + squared / 2) / (1 + squared)
    reach = np.sqrt(share * (1 - share) * squared + squared**2 / 4) / (1 + squared)
    # At 0 and 1 an end is the share itself, which rounding may miss.
    return np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0)
