"""The promise as the point of reference: whether it sets the clock, and what it does when it is broken.

A risk table with a column ``promised_s`` (seconds; missing: nothing was promised) is all that is needed. The promise is
no lot in a real log: it goes with the load, the hour or the customer (``promise_lot.promises_follow``), and what is
compared here are contacts, so name in ``strata`` what both may follow. Nothing mends what no column holds. Contacts answered at once are not in a risk table and say nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cxresearch.evidence import share_interval
from cxresearch.regression import accelerated_failure_time, baseline_hazard, cox
from cxresearch.risk_table import Names, column_names, validated

Clock = Literal["nearest", "up", "down"]
ABSENT, STANDING, MISSED = "absent", "standing", "missed"
LONGEST_SPLIT = 20_000_000  # rows of a table cut at every step past its promises


def split_at_promise(waits: pd.DataFrame, *, step_s: float | None = None) -> pd.DataFrame:
    """Cut every wait at its promise: the part while the promise stood, and the part after it had passed.

    Parameters
    ----------
    waits : risk table with ``promised_s`` (seconds > 0, or missing), ``entry_s`` where contacts came under watch late;
        its other columns stay.
    step_s : also cut what follows the promise into steps of so many seconds, for effects that grow.

    Returns
    -------
    DataFrame, a risk table: the columns of ``waits`` and ``entry_s``, ``promise_state`` (absent, standing, missed),
        ``past_promise`` (0.0 or 1.0) and ``minutes_past`` (the middle of the step, in minutes since the promise; 0
        before it, and without steps)

    A wait as long as its promise ended within it. A part that was cut off ends as ``open``: it goes on in the next row,
    so contacts add up only over the rows that are not cut. Use it with estimators that know ``entry_s``.
    Raises ValueError for a promise of 0 or below or infinite, with the number of contacts.
    """
    _check_promises(waits)
    if step_s is not None and not (math.isfinite(step_s) and step_s > 0):
        raise ValueError(f"step_s must be a number of seconds > 0; got {step_s}.")
    rows = waits.assign(entry_s=waits["entry_s"].astype(float) if "entry_s" in waits else 0.0)
    promise = rows["promised_s"].fillna(np.inf).to_numpy(dtype=float)
    entry, duration = rows["entry_s"].to_numpy(), rows["duration_s"].to_numpy(dtype=float)
    steps = np.zeros(len(rows), dtype=np.int64)  # how many parts follow the promise
    late = duration > promise
    steps[late] = 1 if step_s is None else np.ceil((duration[late] - promise[late]) / step_s - 1e-9).astype(np.int64)
    if len(rows) + steps.sum() > LONGEST_SPLIT:
        raise ValueError(
            f"cut into steps of {step_s} s the table has {len(rows) + steps.sum():,} rows; use longer steps."
        )
    source = np.repeat(np.arange(len(rows)), steps + 1)
    part = np.arange(len(source)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
    width, last = step_s or 0.0, part == steps[source]
    cut = rows.iloc[source].reset_index(drop=True)
    cut["entry_s"] = np.maximum(entry[source], np.where(part == 0, 0.0, promise[source] + (part - 1) * width))
    cut["duration_s"] = np.where(last, duration[source], promise[source] + part * width)
    cut.loc[~last, "outcome"] = "open"
    cut["promise_state"] = np.where(cut["promised_s"].isna(), ABSENT, np.where(part > 0, MISSED, STANDING))
    cut["past_promise"] = np.where(part > 0, 1.0, 0.0)
    cut["minutes_past"] = np.where(part > 0, (part - 0.5) * width / 60, 0.0)
    # A contact that came under watch after a part had ended was never seen in it.
    cut = cut[(cut["entry_s"] < cut["duration_s"]) | (cut["entry_s"] == 0)]
    keys = [name for name in cut.columns if name != "contacts"]
    table = cut.groupby(keys, as_index=False, dropna=False, observed=True)["contacts"].sum()
    table.attrs = dict(waits.attrs)
    return table


def promise_elasticity(
    waits: pd.DataFrame,
    *,
    by: Names = (),
    terms: Names = (),
    strata: Names = (),
    event: str = "abandoned",
    distribution: str = "weibull",
    clock: Clock = "nearest",
) -> pd.DataFrame:
    """Who sets the clock: by what power of the promise does patience stretch?

    Parameters
    ----------
    waits : risk table with ``promised_s``; contacts without a promise are left out, as they have no logarithm.
    by : columns that tell groups apart, such as ``channel``. terms : columns to adjust for (levels).
    strata : columns whose combinations, such as hour and queue, have a patience of their own each; what promises follow
        there is taken out. Strata without anybody who left say nothing and are left out.
    distribution : of patience, as in ``regression.accelerated_failure_time``.
    clock : how durations were rounded to their tick: "nearest", "up" (a begun tick counts) or "down". Events are
        placed in the middle of what they may have been.

    Returns
    -------
    DataFrame, one row a group: ``*by, estimate, se, lower, upper`` (95 %), ``contacts, events, promises`` (distinct),
        ``shape`` (of patience: twice the promise multiplies the rate of leaving by 2 ** (-estimate * shape) where patience
        is Weibull), ``reading``
        1: patience is proportional to the promise. 0: it does not go with the promise. Where promises were given by lot,
        1 means that the brand sets the clock, and 0 that others have set it. 0.4: twice the promise is 1.32 times the
        patience. A group in which it cannot be estimated has missing numbers and the reason in ``reading``; without ``by``
        that is an error.

    Only waits within the promise count: each is censored when its promise passes, so that what a broken promise does
    (:func:`broken_promise`) is not taken for the elasticity. Raises ValueError for a promise of 0 or below, fewer
    than two different promises, and what the regression refuses.
    """
    if clock not in get_args(Clock):
        raise ValueError(f"clock must be one of {', '.join(get_args(Clock))}; got {clock!r}.")
    tick = float(waits.attrs.get("tick_s", 1.0))

    def fit(part: pd.DataFrame) -> dict[str, object]:
        promised = part[part["promised_s"].notna()]
        if promised["promised_s"].nunique() < 2:
            raise ValueError(
                f"patience can follow the promise only where promises differ; {int(promised['contacts'].sum()):,} of "
                f"{int(part['contacts'].sum()):,} contacts have a promise, {promised['promised_s'].nunique()} differ."
            )
        cut = split_at_promise(promised)
        within = cut[cut["promise_state"] == STANDING].assign(log_promise=lambda rows: np.log(rows["promised_s"]))
        within = _in_the_middle(within, event, clock, tick)
        named = [*column_names(terms)]
        if strata:
            within, several = _with_stratum(within, column_names(strata), event)
            named += ["stratum"] if several else []
        model = accelerated_failure_time(within, named, event=event, distribution=distribution, numeric=["log_promise"])
        scale = model.loc[model["term"] == "log(scale)", "estimate"]
        row = model[model["term"] == "log_promise"].iloc[0]
        return {**row[["estimate", "se", "lower", "upper"]], "contacts": model.attrs["n"],
                "events": model.attrs["events"], "promises": promised["promised_s"].nunique(),
                "shape": math.exp(-scale.iloc[0]) if len(scale) else 1.0, "reading": _reading(row["lower"], row["upper"])}  # fmt: skip

    _check_promises(waits)
    return _by_group(waits, by, fit)


def broken_promise(
    waits: pd.DataFrame, *, by: Names = (), terms: Names = (), strata: Names = (), event: str = "abandoned",
    levels: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """What a broken promise does: the hazard of leaving once the promise has passed, over what it would have been.

    Parameters
    ----------
    waits : risk table with ``promised_s``. Contacts without a promise, and with longer ones, say how the hazard runs
        anyway: two promises, or one and none, are needed.
    by : columns that tell groups apart. terms, strata : columns to adjust for, as in ``regression.cox``.
    levels : each promise has a hazard ratio of its own. False: the logarithm of the hazard is a line in the logarithm
        of the promise (for announced waits of many lengths), and contacts without a promise have a level of their own.

    Returns
    -------
    DataFrame, one row a group: ``*by, estimate, se, lower, upper`` (hazard ratio; 95 %, from its logarithm),
        ``p_value, contacts, events, events_past, note`` (empty, or why there is no estimate in that group)

    A Cox model with a covariate that turns from 0 to 1 when the promise passes. The ratio is one for all times after
    it; :func:`broken_promise_growth` lets it grow. Raises ValueError for a promise of 0 or below, where nobody left
    after a promise had passed, or where all promises are the same and nobody waited without one.
    Reference: Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x; the question: Webb, Yu & Bretthauer (2019),
    doi:10.2139/ssrn.3706565.
    """

    def fit(part: pd.DataFrame) -> dict[str, object]:
        model, events_past = _past_model(part, terms, strata, event, levels, None)
        row = model[model["term"] == "past_promise"].iloc[0]
        return {**_ratio(row), "contacts": int(part["contacts"].sum()), "events": model.attrs["events"],
                "events_past": events_past, "note": ""}  # fmt: skip

    _check_promises(waits)
    return _by_group(waits, by, fit)


def broken_promise_growth(
    waits: pd.DataFrame, *, by: Names = (), terms: Names = (), strata: Names = (), event: str = "abandoned",
    levels: bool = True, step_s: float = 15.0,
) -> pd.DataFrame:  # fmt: skip
    """The same with a hazard that may jump when the promise passes and then grow with every minute past it.

    Parameters
    ----------
    waits, by, terms, strata, levels : as for :func:`broken_promise`.
    step_s : seconds within which the growth is taken as its middle value.

    Returns
    -------
    DataFrame, two rows a group: ``*by, effect`` ("at the promise", "each minute past it"), ``estimate, se, lower,
        upper`` (hazard ratios; 95 %), ``p_value, contacts, events, events_past, note``

    ``each minute past it`` of 1.52 is a hazard 52 % higher with every minute, the largest published (Webb, Yu &
    Bretthauer, 2019, doi:10.2139/ssrn.3706565); 1 is a jump that stays as it is.
    """

    def fit(part: pd.DataFrame) -> list[dict[str, object]]:
        model, events_past = _past_model(part, terms, strata, event, levels, step_s)
        said = {"contacts": int(part["contacts"].sum()), "events": model.attrs["events"], "events_past": events_past}
        effects = {"past_promise": "at the promise", "minutes_past": "each minute past it"}
        rows = model.set_index("term").loc[list(effects)]
        return [{"effect": effects[str(term)], **_ratio(row), **said, "note": ""} for term, row in rows.iterrows()]

    _check_promises(waits)
    return _by_group(waits, by, fit)


def promise_effects(
    waits: pd.DataFrame, *, by: Names = (), terms: Names = (), strata: Names = (), event: str = "abandoned"
) -> pd.DataFrame:
    """The hazard of leaving while each promise stands and after it was missed, over that without a promise.

    Parameters are those of :func:`broken_promise`; contacts without a promise must be there.

    Returns
    -------
    DataFrame, one row a group, promise and state: ``*by, promised_s, promise_state`` (absent: the reference, 1;
        standing; missed), ``estimate, se, lower, upper`` (hazard ratios; 95 %), ``p_value, contacts, events, note``
        ``contacts`` were seen in that state; the same contact is first in standing and, if it waits on, in missed.

    A kept promise ends in an answer, and who was answered in time cannot have left: shares of contacts whose promise
    was kept or missed are no comparison (they know the future). This one asks at each moment of the wait who is more
    likely to go.
    """

    def fit(part: pd.DataFrame) -> list[dict[str, object]]:
        if not part["promised_s"].isna().any():
            raise ValueError("no contact is without a promise: there is nothing to compare kept and missed ones with.")
        cut = split_at_promise(part)
        cut["promise"] = _labels(cut) + " " + cut["promise_state"]
        model = cox(cut, [*column_names(terms), "promise"], event=event, strata=strata)
        found = model[model["term"] == "promise"].set_index("level")
        rows = []
        for (promised, state), seen in cut.groupby(["promised_s", "promise_state"], dropna=False):
            level = seen["promise"].iloc[0]
            ratio = _ratio(found.loc[level]) if level in found.index else dict(_REFERENCE)
            rows.append({"promised_s": promised, "promise_state": state, **ratio,
                         "contacts": int(seen["contacts"].sum()),
                         "events": int(seen.loc[seen["outcome"] == event, "contacts"].sum()), "note": ""})  # fmt: skip
        states = (ABSENT, STANDING, MISSED)
        return sorted(rows, key=lambda row: (row["promise_state"] != ABSENT, row["promised_s"], states.index(row["promise_state"])))  # fmt: skip

    _check_promises(waits)
    return _by_group(waits, by, fit)


def abandonment_by_promise(
    waits: pd.DataFrame, *, horizon_s: float, terms: Names = (), event: str = "abandoned"
) -> pd.DataFrame:
    """Share that would have left by a horizon if nobody were answered: nothing promised, a promise kept up, one missed.

    Parameters
    ----------
    waits : risk table as for :func:`promise_effects`. horizon_s : seconds, at most the longest wait seen.
    terms : columns to adjust for; the shares are those at their first levels.

    Returns
    -------
    DataFrame ``promised_s, promise_state, estimate``: the share for each promise
        absent; ``standing``, as if the promise had not passed yet; ``missed``, where it passed at ``promised_s`` (no
        row where the promise is longer than the horizon).

    From the Cox model of :func:`promise_effects`. It has no interval of its own: ``poisson_bootstrap`` with
    ``by=["promised_s", "promise_state"]`` makes one.
    """
    cut = split_at_promise(waits)
    if not 0 < horizon_s <= cut["duration_s"].max():
        raise ValueError(f"horizon_s must lie above 0 and not past the longest wait, {cut['duration_s'].max():g} s.")
    effects = promise_effects(waits, terms=terms, event=event).set_index(["promised_s", "promise_state"])["estimate"]
    cut["promise"] = _labels(cut) + " " + cut["promise_state"]
    base = baseline_hazard(cut, [*column_names(terms), "promise"], event=event)

    def at(seconds: float) -> float:
        before = base.loc[base["duration_s"] <= seconds, "cumulative_hazard"]
        return float(before.iloc[-1]) if len(before) else 0.0

    rows = []
    for (promised, state), ratio in effects.items():
        if state == MISSED and promised >= horizon_s:
            continue
        hazard = ratio * at(horizon_s)
        if state == MISSED:
            hazard = effects[(promised, STANDING)] * at(promised) + ratio * (at(horizon_s) - at(promised))
        rows.append({"promised_s": promised, "promise_state": state, "estimate": 1 - math.exp(-hazard)})
    return pd.DataFrame(rows)


def promise_table(waits: pd.DataFrame, *, by: Names = (), event: str = "abandoned") -> pd.DataFrame:
    """What became of the promises: kept, left before they passed, missed, and who left after that.

    Parameters
    ----------
    waits : risk table with ``promised_s``, without ``entry_s``. by : columns that tell groups apart.

    Returns
    -------
    DataFrame, one row a group and promise (missing ``promised_s``: none was made, last)
        ``*by, promised_s, queued, kept`` (answered or served within the promise), ``left_in_time, open_in_time,
        missed`` (still waiting when it passed), ``left_after_missed`` (contacts); ``share_missed`` of those who queued;
        ``share_left_of_queued`` of those who queued with ``lower, upper`` (Wilson, 95 %); ``share_left_after_missed`` of those
        missed. The counts of a promise add up to ``queued``; where nothing was promised only ``queued`` and the share
        that left are known.

    It counts what happened; what a promise does to patience is in :func:`promise_effects`.
    """
    _check_promises(waits)
    names = column_names(by)
    keys = [*names, "promised_s"]
    late, left = waits["duration_s"] > waits["promised_s"], waits["outcome"] == event
    still = waits["outcome"] == "open"
    parts = {"kept": ~late & ~left & ~still, "left_in_time": ~late & left, "open_in_time": ~late & still,
             "missed": late, "left_after_missed": late & left, "left": left}  # fmt: skip
    counted = waits[keys].assign(
        queued=waits["contacts"], **{name: waits["contacts"].where(chosen, 0) for name, chosen in parts.items()}
    )
    table = counted.groupby(keys, as_index=False, dropna=False, observed=True).sum()
    counts = [name for name in parts if name != "left"]
    table[counts] = table[counts].where(table["promised_s"].notna())
    table["share_missed"] = table["missed"] / table["queued"]
    table["share_left_of_queued"] = table["left"] / table["queued"]
    bounds = [share_interval(share, n) for share, n in zip(table["share_left_of_queued"], table["queued"], strict=True)]
    table[["lower", "upper"]] = pd.DataFrame(bounds, index=table.index)
    # Rounding may leave a share of 0 or 1 outside its own interval by 1e-17.
    table["lower"], table["upper"] = (
        table["lower"].clip(upper=table["share_left_of_queued"]),
        table["upper"].clip(lower=table["share_left_of_queued"]),
    )
    table["share_left_after_missed"] = table["left_after_missed"] / table["missed"].where(table["missed"] > 0)
    return table.drop(columns="left")


_REFERENCE = {"estimate": 1.0, "se": 0.0, "lower": 1.0, "upper": 1.0, "p_value": math.nan}


def _past_model(
    part: pd.DataFrame, terms: Names, strata: Names, event: str, levels: bool, step_s: float | None
) -> tuple[pd.DataFrame, int]:
    """The Cox model with what changes when the promise passes, and how many left after that."""
    cut = split_at_promise(part, step_s=step_s)
    events = cut[cut["outcome"] == event].groupby("past_promise")["contacts"].sum()
    for state, what in ((1.0, "after their promise had passed"), (0.0, "before their promise had passed")):
        if not events.get(state, 0):
            raise ValueError(
                f"nobody left {what} ({int(part['contacts'].sum()):,} contacts, "
                f"{int(part.loc[part['duration_s'] > part['promised_s'], 'contacts'].sum()):,} of them waited past a "
                "promise): the two hazards cannot be compared; take a longer period."
            )
    cut["promise"] = _labels(cut)
    if cut["promise"].nunique() < 2:
        raise ValueError(
            f"all contacts have the same promise ({cut['promise'].iloc[0]}): what happens when it passes cannot be "
            "told from what happens then anyway; add contacts with another promise or none."
        )
    numeric = ["past_promise", *(["minutes_past"] if step_s is not None else [])]
    named = [*column_names(terms)]
    if levels:
        named.append("promise")
    else:
        made = cut["promised_s"].notna()
        # Centred, so that the level "none" is compared with the middle of the promises.
        log_promise = np.log(cut["promised_s"].where(made, 1.0))
        cut["log_promise"] = (log_promise - log_promise[made].mean()).where(made, 0.0)
        cut["promised"] = np.where(made, "yes", "none")
        numeric.append("log_promise")
        named += ["promised"] if not made.all() else []
    return cox(cut, named, event=event, strata=strata, numeric=numeric), int(events[1.0])


def _check_promises(waits: pd.DataFrame) -> None:
    if "promised_s" not in waits:
        raise ValueError(
            f"the risk table has no column promised_s; it has {', '.join(map(str, waits.columns))}. "
            'Count it in: risk_table(contacts, by="promised_s").'
        )
    if not pd.api.types.is_numeric_dtype(waits["promised_s"]):
        raise ValueError(f"promised_s must hold seconds; its type is {waits['promised_s'].dtype}.")
    validated(waits)
    promise = waits["promised_s"]
    bad = (promise <= 0) | np.isinf(promise.astype(float))
    if bad.any():
        count, total = int(waits.loc[bad, "contacts"].sum()), int(waits["contacts"].sum())
        raise ValueError(
            f"promised_s must be above 0 seconds, or missing where nothing was promised; for {count:,} of {total:,} "
            f"contacts ({int(bad.sum())} rows) it is 0, below or infinite (such as {promise[bad].iloc[0]:g}). If such "
            "a value stands for no promise, make it missing; otherwise drop those contacts."
        )
    if promise.isna().all():
        raise ValueError(f"no contact has a promise: promised_s is missing in all {len(waits)} rows.")


def _by_group(waits: pd.DataFrame, by: Names, fit: Callable[[pd.DataFrame], dict | list[dict]]) -> pd.DataFrame:
    """``fit`` of each group; a group that cannot be fitted keeps its row, with the reason as its last column."""
    names = list(column_names(by))
    if not names:
        found = fit(waits)
        return pd.DataFrame(found if isinstance(found, list) else [found])
    tables, failed = [], []
    for key, part in waits.groupby(names, observed=True):
        label = dict(zip(names, key, strict=True))
        part = part.copy()
        part.attrs = dict(waits.attrs)
        try:
            found = fit(part)
            tables += [{**label, **row} for row in (found if isinstance(found, list) else [found])]
        except ValueError as error:
            failed.append((label, error))
            tables.append({**label, "_why": str(error)})
    if len(failed) == len(tables):
        raise failed[0][1]
    table = pd.DataFrame(tables)
    if failed:
        reason = "reading" if "reading" in table else "note"
        table[reason] = table[reason].fillna(table.pop("_why"))
    return table


def _with_stratum(rows: pd.DataFrame, names: tuple[str, ...], event: str) -> tuple[pd.DataFrame, bool]:
    """The rows of strata in which anybody left, with ``stratum``, and whether there are several."""
    stratum = rows.groupby(list(names), dropna=False, sort=False).ngroup()
    some = stratum.isin(stratum[(rows["outcome"] == event) & (rows["contacts"] > 0)])
    left = rows[some].assign(stratum=stratum[some].astype(str))
    return left, len(left["stratum"].unique()) > 1


def _labels(cut: pd.DataFrame) -> pd.Series:
    """Promises as levels; as text no promise comes first and is the reference."""
    return cut["promised_s"].map(lambda seconds: "absent" if math.isnan(seconds) else f"promise {seconds:g} s")


def _ratio(row: pd.Series) -> dict[str, float]:
    """A row of a Cox table as a hazard ratio with its own standard error."""
    ratio = math.exp(row["estimate"])
    return {"estimate": ratio, "se": ratio * row["se"], "lower": row["lower"], "upper": row["upper"],
            "p_value": row["p_value"]}  # fmt: skip


def _in_the_middle(rows: pd.DataFrame, event: str, clock: Clock, tick_s: float) -> pd.DataFrame:
    """Durations within the tick they may have had; a wait of 0 s lies within the first tick."""
    left, duration = rows["outcome"] == event, rows["duration_s"]
    if clock == "up":
        duration = duration.where(~left, duration - tick_s / 2)
    elif clock == "down":
        duration = duration + tick_s / 2
    # Who was answered or cut off at 0 s says nothing; who left then did so within half of a tick.
    moved = rows.assign(duration_s=duration.where(duration > 0, tick_s / 4))
    return moved[left | (rows["duration_s"] > 0)]


def _reading(lower: float, upper: float) -> str:
    if lower <= 0 <= upper:
        return "cannot tell" if lower <= 1 <= upper else "others have set the clock"
    if lower <= 1 <= upper:
        return "the promise sets the clock"
    if lower > 0 and upper < 1:
        return "the promise moves the clock, but not all the way"
    return "more than proportional" if lower > 1 else "a longer promise makes people leave sooner"
