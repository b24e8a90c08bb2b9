"""Risk table -> Cox, piecewise exponential and accelerated failure time regressions, from counts.

``contacts`` are frequencies: every number is what one row a contact would give, not what case weights would.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, expit, ndtr, ndtri, stdtr, stdtrit

from cxresearch.regression.aft import LAWS, highest, waits_of
from cxresearch.regression.clustered import ClusterScores
from cxresearch.regression.design_matrix import (
    DEPENDENT,
    Covariates,
    covariates,
    named,
    refuse_dependent,
    refuse_numeric,
)
from cxresearch.regression.partial_likelihood import (
    EventTimes,
    Fit,
    RiskSets,
    divergence,
    event_times,
    maximise,
    moments,
    refuse_impossible,
    risk_sets,
    with_totals,
)
from cxresearch.risk_table import column_names, group_codes, hotelling, validated

Floats = NDArray[np.floating]
Names = str | Iterable[str]

Z_95 = float(ndtri(0.975))
INTERVAL = "(interval)"


def cox(
    table: pd.DataFrame,
    terms: Names,
    *,
    event: str = "abandoned",
    ties: str = "efron",
    strata: Names = (),
    numeric: Names = (),
    censored_ties: str = "after",
    cluster: str | None = None,
) -> pd.DataFrame:
    """Fit Cox's proportional hazards: by what factor does each level multiply the hazard of the event?

    Parameters
    ----------
    table : DataFrame, a risk table
        ``duration_s``, ``outcome``, ``contacts``, the columns named below, and ``entry_s`` where contacts came under
        watch late (at risk in (entry_s, duration_s]).  Other columns are summed over.
    terms : columns with levels.  A level is its value as text (30.0 is "30.0"); levels are sorted as text, so that
        "10" comes before "9", and the first is the reference.
    event : the outcome that ends a wait by choice; every other outcome censors it.
    ties : "efron" or "breslow", for events of the same duration.
    strata : columns whose groups each have a baseline hazard of their own.
    numeric : columns with numbers, which get one coefficient each, per unit; their level is "".
    censored_ties : "after": contacts censored in the tick of an event are at risk for it (the usual convention);
        "half": half of them left before it (actuarial).  With a coarse clock the two can differ by more than ``se``.
    cluster : column whose groups hang together, such as ``day``; the coefficients stay, ``se``, interval and p-value
        are those of independent groups (Lin and Wei's sandwich of score residuals added up by group, times
        D / (D - 1); Student's t with D - 1 degrees of freedom).  Neighbouring groups count as independent.

    Returns
    -------
    DataFrame, one row a coefficient, ``terms`` first: ``term``, ``level``, ``estimate`` (log hazard ratio against the
        reference), ``se``, ``hazard_ratio``, ``lower``, ``upper`` (95 % of the hazard ratio), ``p_value`` (Wald)
        ``attrs``: log_likelihood, log_likelihood_null (all coefficients 0), score_chi2, wald_chi2, iterations, n
        (contacts), events, ties, censored_ties, tick_s where the table has it, and clusters (their number) where
        asked for; the score and Wald tests there take contacts as independent all the same.

    A hazard ratio compares those who still wait; it is no ratio of shares who leave.  Raises ValueError for what
    ``counts.validated`` refuses, a term with one level, collinear terms, a level without the event or any other
    coefficient that runs to infinity, a fit that memory cannot hold, and a single cluster.
    References: Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x; Efron (1977), doi:10.1080/01621459.1977.10480613;
    Lin & Wei (1989), doi:10.1080/01621459.1989.10478874.
    """
    model = _cox_model(table, terms, event, ties, strata, numeric, censored_ties, cluster)
    if cluster is None:
        return _hazard_ratios(model.fit, model.known, model.scale, ties=ties, **model.said)
    found = model.clustered(event, cluster)
    moved = found.scores(model.design, model.design @ model.fit.coefficients, ties) @ model.fit.covariance
    clusters = found.number
    fit = model.fit._replace(covariance=moved.T @ moved * clusters / (clusters - 1))
    return _hazard_ratios(fit, model.known, model.scale, df=clusters - 1, ties=ties, clusters=clusters, **model.said)


def tie_table(
    table: pd.DataFrame, terms: Names, *, event: str = "abandoned", strata: Names = (), numeric: Names = (),
    cluster: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """How much a coarse clock leaves open: each coefficient of :func:`cox` under both conventions of its ticks.

    Parameters are those of :func:`cox` (Efron's ties).

    Returns
    -------
    DataFrame, one row a coefficient: ``term``, ``level``, ``estimate`` (contacts censored in the tick of an event are
        at risk for it), ``estimate_half`` (half of them have left), ``se``, and ``shift_in_se``, the distance of the
        two in standard errors.  Above 1 the clock, not the number of contacts, limits what can be said.
    """
    after = cox(table, terms, event=event, strata=strata, numeric=numeric, cluster=cluster)
    half = cox(table, terms, event=event, strata=strata, numeric=numeric, censored_ties="half")
    rows = after[["term", "level", "estimate"]].assign(estimate_half=half["estimate"], se=after["se"])
    return rows.assign(shift_in_se=(rows["estimate_half"] - rows["estimate"]).abs() / rows["se"])


def baseline_hazard(
    table: pd.DataFrame,
    terms: Names,
    *,
    event: str = "abandoned",
    ties: str = "efron",
    strata: Names = (),
    numeric: Names = (),
    censored_ties: str = "after",
) -> pd.DataFrame:
    """Cumulative hazard of a contact with every term at its reference and every numeric covariate at 0.

    Parameters are those of :func:`cox`, whose model is fitted.

    Returns
    -------
    DataFrame ``*strata, duration_s, cumulative_hazard``, one row per distinct duration of the stratum, ascending
        With ties="efron" each tie is spread as in Efron's likelihood, with "breslow" it is Breslow's estimate.

    It is no average contact's hazard: multiply by the hazard ratios of the contact meant.
    Reference: Breslow (1972), discussion of Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x.
    """
    model = _cox_model(table, terms, event, ties, strata, numeric, censored_ties)
    steps = model.fit.at.increments * np.exp(-model.centre @ (model.fit.coefficients / model.scale))
    cumulative = pd.Series(steps).groupby(model.when.stratum).cumsum().to_numpy()
    curve = model.groups.take(model.stratum).reset_index(drop=True)
    curve["duration_s"] = model.rows["duration_s"].to_numpy()
    curve["cumulative_hazard"] = np.where(model.when.leaves >= 0, cumulative[model.when.leaves], 0.0)
    curve = curve.drop_duplicates([*model.groups, "duration_s"])
    return curve.sort_values([*model.groups, "duration_s"], ignore_index=True)


def proportionality_test(
    table: pd.DataFrame,
    terms: Names,
    *,
    event: str = "abandoned",
    ties: str = "efron",
    strata: Names = (),
    numeric: Names = (),
    censored_ties: str = "after",
    cluster: str | None = None,
) -> pd.DataFrame:
    """Test whether the hazard ratios of :func:`cox` stay the same along the wait.

    The score test of a coefficient that changes linearly with ``duration_s``, whose score is the sum of the
    Schoenfeld residuals times the duration, with its exact variance; with ``cluster`` its variance between clusters,
    ``chi2`` Hotelling's T squared and the p-value that of F with ``df`` and ``df_within`` degrees of freedom.

    Returns
    -------
    DataFrame ``term, level, chi2, df, p_value``: one row a coefficient; after those of a term with several, one for
        them together (level "(all)"); last the whole model (term "(all)", level "")

    A small p says that the ratio drifts, not that it is wrong on average; with millions of contacts every ratio does.
    Reference: Grambsch & Therneau (1994), doi:10.1093/biomet/81.3.515 (here with the exact variance).
    """
    model = _cox_model(table, terms, event, ties, strata, numeric, censored_ties, cluster)
    duration = model.when.duration_s
    # Centred and scaled for the digits only: the test is the same for every linear function of the duration.
    middle = np.average(duration, weights=model.sets.tied)
    clock = (duration - middle) / (np.sqrt(np.average((duration - middle) ** 2, weights=model.sets.tied)) or 1.0)
    if not clock.any():
        raise ValueError(f"every {event} contact left at {duration[0]:g} s: no trend along the wait can be seen.")
    predictor = model.design @ model.fit.coefficients
    once, twice = (moments(model.sets, model.design, predictor, ties, clock**power) for power in (1, 2))
    variance = twice.information - once.information @ model.fit.covariance @ once.information
    labels = model.known.labels
    # As the scaled clock has variance 1, a trend that can be seen keeps a share of the coefficient's information.
    seen = np.diagonal(variance) > DEPENDENT * np.diagonal(model.fit.at.information)
    if not seen.all():
        raise ValueError(
            f"{named(labels[int(np.argmin(seen))])} is compared with others at one duration only, or at too few: no "
            "trend along the wait can be seen; leave it out of this test."
        )
    tests: list[tuple[str, str, list[int]]] = []
    for j, (term, level) in enumerate(labels):
        tests.append((term, level, [j]))
        together = [k for k, label in enumerate(labels) if label[0] == term]
        if j == together[-1] and len(together) > 1:
            tests.append((term, "(all)", together))
    tests.append(("(all)", "", list(range(len(labels)))))
    result = pd.DataFrame([(term, level) for term, level, _ in tests], columns=["term", "level"])
    if cluster:
        found = model.clustered(event, cluster)
        plain, along = (found.scores(model.design, predictor, ties, weights) for weights in (None, clock))
        by_cluster = along - plain @ model.fit.covariance @ once.information
        result[["chi2", "df", "df_within", "p_value"]] = [hotelling(by_cluster[:, k], cluster) for *_, k in tests]
        return result.astype({"df": int, "df_within": int})
    result["chi2"] = [once.score[k] @ np.linalg.solve(variance[np.ix_(k, k)], once.score[k]) for *_, k in tests]
    result["df"] = [len(k) for *_, k in tests]
    result["p_value"] = chdtrc(result["df"], result["chi2"])
    return result


def piecewise_exponential(
    table: pd.DataFrame,
    terms: Names,
    *,
    event: str = "abandoned",
    cuts_s: Iterable[float],
    numeric: Names = (),
) -> pd.DataFrame:
    """Fit proportional hazards whose baseline is constant between the cuts.

    Parameters
    ----------
    table, terms, event, numeric : as in :func:`cox`; ``terms`` may be empty.
    cuts_s : seconds, ascending, where the baseline may jump.  A first 0 may be given or left out; a last cut at or
        after the longest wait closes the last interval, which is otherwise open.  Intervals hold their right end; an
        event at 0 s belongs to the first.

    Returns
    -------
    DataFrame ``term, level, estimate, se, hazard_per_s, hazard_ratio, lower, upper, p_value``
        First one row an interval: term "(interval)", level such as "(10, 30]", ``estimate`` the log of
        ``hazard_per_s``, the hazard at the references; then the coefficients as in :func:`cox`.  ``lower`` and
        ``upper`` are the 95 % interval of whichever of the two the row has.  ``attrs`` as for :func:`cox`, the
        log-likelihood that of the waits in seconds; log_likelihood_null has the intervals only.

    Refused: what :func:`cox` refuses, an interval without an event, cuts that do not ascend.
    Reference: Friedman (1982), doi:10.1214/aos/1176345693.
    """
    rows, known, contacts, events = _known(table, terms, numeric, event)
    duration = rows["duration_s"].to_numpy()
    entry = rows["entry_s"].to_numpy() if "entry_s" in rows else np.zeros(len(rows))
    edges, levels = _intervals(cuts_s, duration.max())
    interval = np.searchsorted(edges[1:-1], duration, side="left")
    shape = (len(levels), known.patterns)
    refuse_impossible(16 * shape[0] * shape[1], *shape, len(known.labels))
    happened = np.bincount(interval * shape[1] + known.pattern, events, shape[0] * shape[1]).reshape(shape)
    watched = np.array(
        [
            np.bincount(known.pattern, contacts * (duration.clip(low, high) - entry.clip(low, high)), shape[1])
            for low, high in pairwise(edges)
        ]
    )
    for level, d, seconds in zip(levels, happened.sum(1), watched.sum(1), strict=True):
        if d == 0 or seconds == 0:
            raise ValueError(
                f"the interval {level} has {d:.0f} {event} contacts in {seconds:g} s of waiting: its hazard cannot be "
                "estimated; move the cuts."
            )
    sets = with_totals(watched, happened, np.zeros(1, dtype=np.int64))
    design, centre, scale = known.design()
    fit = maximise(sets, design, known.contacts @ design**2 / contacts.sum(), known.labels, ties="breslow")
    # The baseline that is best for given coefficients is events over relative time at risk: what is left is a
    # partial likelihood with one "duration" an interval, and the baseline's variance follows from it.
    log_hazard = np.log(sets.tied / fit.at.relative) - centre @ (fit.coefficients / scale)
    mean = fit.at.mean + centre / scale
    se = np.sqrt(1 / sets.tied + ((mean @ fit.covariance) * mean).sum(1))
    baseline = _estimates([(INTERVAL, level) for level in levels], log_hazard, se)
    baseline.insert(4, "hazard_per_s", np.exp(log_hazard))
    baseline["lower"], baseline["upper"] = np.exp(baseline["lower"]), np.exp(baseline["upper"])
    baseline["p_value"] = np.nan
    baseline_likelihood = float(sets.tied @ np.log(sets.tied) - sets.tied.sum())
    ratios = _hazard_ratios(fit, known, scale, **_said(table, contacts, events))
    result = pd.concat([baseline, ratios], ignore_index=True)
    result.attrs = ratios.attrs
    result.attrs["log_likelihood"] += baseline_likelihood
    result.attrs["log_likelihood_null"] += baseline_likelihood
    columns = ["term", "level", "estimate", "se", "hazard_per_s", "hazard_ratio", "lower", "upper", "p_value"]
    return result.reindex(columns=columns)


def accelerated_failure_time(
    table: pd.DataFrame,
    terms: Names,
    *,
    event: str = "abandoned",
    distribution: str,
    numeric: Names = (),
    never: bool = False,
) -> pd.DataFrame:
    """Fit log duration = intercept + effects + scale * W: by what factor does each level stretch the wait?

    Parameters
    ----------
    table, terms, event, numeric : as in :func:`cox`; ``terms`` may be empty.  Durations must be above 0.
    distribution : "exponential" (scale 1), "weibull", "lognormal" or "loglogistic".
    never : a share of contacts would never have the event, however long they waited (a mixture cure model); the
        share is one for all, the effects are those on the others.

    Returns
    -------
    DataFrame ``term, level, estimate, se, lower, upper, p_value``
        Rows "(intercept)", the coefficients (log of the factor on the duration), "log(scale)" unless exponential, and
        with ``never`` "logit(never)", whose p_value is missing.  ``lower`` and ``upper`` are the 95 % interval of
        ``estimate``.  ``attrs``: log_likelihood (of the durations in seconds), log_likelihood_null (no covariates),
        iterations, n, events, distribution, tick_s where the table has it, and with ``never``
        never_share, never_share_lower, never_share_upper.

    A share that never leaves is told from one that leaves late only by waits much longer than most events: without
    them its interval is wide, and it rests on the distribution.  Such a likelihood can have several peaks: the highest
    that three starts reach is taken.  Raises ValueError for what :func:`cox` refuses, a
    duration of 0, and a never-abandon share that runs to 0 or 1.
    References: Kalbfleisch & Prentice (2002), doi:10.1002/9781118032985; Farewell (1982), doi:10.2307/2529885.
    """
    if distribution not in LAWS:
        raise ValueError(f"distribution must be one of {', '.join(LAWS)}; got {distribution!r}.")
    rows, known, contacts, events = _known(table, terms, numeric, event)
    zero = rows["duration_s"].to_numpy() == 0
    if zero.any():
        raise ValueError(
            f"{contacts[zero].sum():.0f} contacts ({zero.sum()} rows) have a duration of 0 s, whose logarithm is "
            "infinite; drop them, or place them within the tick, for example at half of it."
        )
    refuse_impossible(150 * len(rows), 0, known.patterns, len(known.labels) + 1)
    design, centre, scale = known.design()
    information = design.T @ (design * known.contacts[:, None])
    refuse_dependent(information, np.diagonal(information) / contacts.sum(), contacts.sum(), known.labels)
    waits = waits_of(rows, known.pattern, contacts, events)
    peak, null = highest(waits, np.column_stack([np.ones(len(design)), design]), distribution, never)
    labels = [("(intercept)", ""), *known.labels]
    labels += [] if distribution == "exponential" else [("log(scale)", "")]
    labels += [("logit(never)", "")] if never else []
    if not peak.converged:
        raise _no_peak(peak.parameters, peak.step, labels, never)
    # Back from standardised covariates to their own units, and the intercept to the references.
    units = np.eye(len(labels))
    k = len(known.labels)
    units[1 : k + 1, 1 : k + 1] = np.diag(1 / scale)
    units[0, 1 : k + 1] = -centre / scale
    covariance = units @ np.linalg.inv(-peak.curvature) @ units.T
    result = _estimates(labels, units @ peak.parameters, np.sqrt(np.diagonal(covariance)))
    result.attrs = {
        "log_likelihood": peak.value,
        "log_likelihood_null": null.value,
        "iterations": peak.iterations,
        "distribution": distribution,
        **_said(table, contacts, events),
    }
    if never:
        for name, column in (("", "estimate"), ("_lower", "lower"), ("_upper", "upper")):
            result.attrs[f"never_share{name}"] = float(expit(result[column].iloc[-1]))
        result.loc[result.index[-1], "p_value"] = np.nan
    return result


class _Cox(NamedTuple):
    rows: pd.DataFrame
    known: Covariates
    groups: pd.DataFrame
    stratum: NDArray[np.int64]
    when: EventTimes
    sets: RiskSets
    design: Floats
    centre: Floats
    scale: Floats
    fit: Fit
    said: dict[str, Any]

    def clustered(self, event: str, cluster: str) -> ClusterScores:
        """What each cluster adds to the score."""
        rows, half = self.rows, self.said["censored_ties"] == "half"
        events = np.where(
            (rows["outcome"] == event).to_numpy(dtype=bool), rows["contacts"].to_numpy(dtype=np.float64), 0.0
        )
        return ClusterScores(
            self.sets, self.when, rows=rows, cluster=cluster, pattern=self.known.pattern, events=events, half=half
        )


def _cox_model(
    table: pd.DataFrame, terms: Names, event: str, ties: str, strata: Names, numeric: Names, censored_ties: str,
    cluster: str | None = None,
) -> _Cox:  # fmt: skip
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties must be 'efron' or 'breslow'; got {ties!r}.")
    if censored_ties not in ("after", "half"):
        raise ValueError(f"censored_ties must be 'after' or 'half'; got {censored_ties!r}.")
    if not column_names(terms) and not column_names(numeric):
        raise ValueError("no terms: a Cox model needs at least one column in terms or numeric.")
    rows, known, contacts, events = _known(table, terms, numeric, event, column_names(strata), cluster)
    stratum, groups = group_codes(rows, column_names(strata))
    entry = rows["entry_s"].to_numpy() if "entry_s" in rows else None
    when = event_times(stratum, rows["duration_s"].to_numpy(), entry, events)
    half = censored_ties == "half"
    sets = risk_sets(when, known.pattern, known.patterns, len(known.labels), contacts, events, half)
    design, centre, scale = known.design()
    fit = maximise(sets, design, known.contacts @ design**2 / contacts.sum(), known.labels, ties)
    said = {"censored_ties": censored_ties, **_said(table, contacts, events)}
    return _Cox(rows, known, groups, stratum, when, sets, design, centre, scale, fit, said)


def _known(
    table: pd.DataFrame, terms: Names, numeric: Names, event: str, strata: tuple[str, ...] = (),
    cluster: str | None = None,
) -> tuple[pd.DataFrame, Covariates, Floats, Floats]:  # fmt: skip
    """The checked rows, their covariates, contacts and events."""
    terms, numeric = column_names(terms), column_names(numeric)
    names = (*terms, *numeric, *strata)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(map(repr, twice))} is named twice among terms, numeric and strata; name it once.")
    if isinstance(table, pd.DataFrame):
        refuse_numeric(table, numeric)
    # Clusters may be named among the strata, too: a baseline for each of them.
    apart = (cluster,) if cluster and cluster not in names else ()
    rows = validated(table, event=event, by=(*names, *apart))
    contacts = rows["contacts"].to_numpy(dtype=np.float64)
    events = np.where((rows["outcome"] == event).to_numpy(dtype=bool), contacts, 0.0)
    return rows, covariates(rows, terms, numeric, contacts, events, event), contacts, events


def _said(table: pd.DataFrame, contacts: Floats, events: Floats) -> dict[str, Any]:
    tick = {"tick_s": table.attrs["tick_s"]} if "tick_s" in table.attrs else {}
    return {"n": int(contacts.sum()), "events": int(events.sum()), **tick}


def _estimates(labels: list[tuple[str, str]], estimate: Floats, se: Floats, df: int | None = None) -> pd.DataFrame:
    """Estimates with 95 % intervals: normal, or Student's t with ``df`` degrees of freedom."""
    result = pd.DataFrame(labels, columns=["term", "level"])
    z = Z_95 if df is None else float(stdtrit(df, 0.975))
    away = -np.abs(estimate / se)
    return result.assign(
        estimate=estimate,
        se=se,
        lower=estimate - z * se,
        upper=estimate + z * se,
        p_value=2 * (ndtr(away) if df is None else stdtr(df, away)),
    )


def _hazard_ratios(fit: Fit, known: Covariates, scale: Floats, *, df: int | None = None, **said: Any) -> pd.DataFrame:
    result = _estimates(known.labels, fit.coefficients / scale, np.sqrt(np.diagonal(fit.covariance)) / scale, df)
    result.insert(4, "hazard_ratio", np.exp(result["estimate"]))
    result["lower"], result["upper"] = np.exp(result["lower"]), np.exp(result["upper"])
    result.attrs = {
        "log_likelihood": fit.at.log_likelihood,
        "log_likelihood_null": fit.log_likelihood_null,
        "score_chi2": fit.score_chi2,
        "wald_chi2": fit.wald_chi2,
        "iterations": fit.iterations,
        **said,
    }
    return result


def _intervals(cuts_s: Iterable[float], longest: float) -> tuple[Floats, list[str]]:
    """Edges from 0 to infinity (or the last cut), and what each interval is called."""
    cuts = np.array(list(cuts_s), dtype=np.float64)
    if not (np.isfinite(cuts).all() and (cuts >= 0).all() and (np.diff(cuts) > 0).all()):
        raise ValueError(f"cuts_s must be seconds >= 0 that ascend; got {cuts.tolist()}.")
    inner = cuts[cuts > 0]
    last = np.inf
    if len(inner) and inner[-1] >= longest:
        inner, last = inner[:-1], inner[-1]
    if len(inner) and inner[-1] >= longest:
        raise ValueError(
            f"no contact waited longer than {longest:g} s: there is nothing after the cut at {inner[-1]:g}."
        )
    edges = np.array([0.0, *inner, last])
    names = [f"({low:g}, {high:g}{')' if np.isinf(high) else ']'}" for low, high in pairwise(edges)]
    return edges, names


def _no_peak(parameters: Floats, step: Floats, labels: list[tuple[str, str]], never: bool) -> ValueError:
    """The error of a search that found no maximum."""
    if never and abs(parameters[-1]) > 10:
        end, instead = (0, "fit with never=False") if parameters[-1] < 0 else (1, "watch for longer")
        return ValueError(
            f"the likelihood is highest at a never-abandon share of {end}, which has no interval; {instead}."
        )
    if ("log(scale)", "") in labels and parameters[labels.index(("log(scale)", ""))] < -8:
        return ValueError(
            "the scale runs to 0: the terms tell the duration of every event exactly, so that nothing is left to vary; "
            "drop a term, or use more contacts."
        )
    return divergence(step, labels)
