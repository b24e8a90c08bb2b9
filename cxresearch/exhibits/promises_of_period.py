"""Exhibits of the promises of one period: who sets the clock, and what a broken promise goes with."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxresearch import evidence, patience
from cxresearch.contacts import LogError, PeriodLog
from cxresearch.exhibits import promises
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.period import NO_TIMES, estimated, with_losses
from cxresearch.style import phrase

STRATA = ("hour", "queue")


def promised(mine: PeriodLog, *, promises_by_lot: bool = False) -> Exhibits:
    """Who sets the clock, what became of the promises, and what a broken one does, inside hours and queues.

    ``promises_by_lot`` declares that chance alone decided who was promised what; only then is a cause told, and only where
    promises follow nothing that the log holds. Promises of a simulated log are drawn by lot.
    """
    if not mine.times_known:
        return Exhibits([nothing(phrase(NO_TIMES))])
    waits = _promised(mine)
    if waits is None:
        return Exhibits([
            nothing(
                phrase("This log does not know what was promised, or all promises are alike. The question stays open")
            )
        ])  # fmt: skip
    return Exhibits([_promise_elasticity(mine, waits, by_lot=promises_by_lot or mine.simulated)]) + _promise_effects(
        mine, waits
    )


def _promise_elasticity(mine: PeriodLog, waits: pd.DataFrame, *, by_lot: bool) -> Exhibit:
    """Who sets the clock, and what became of the promises."""
    clock: Any = "up" if mine.simulated else "nearest"
    pooled, why = estimated(lambda: patience.promise_elasticity(waits, clock=clock).iloc[0])
    one, _ = estimated(lambda: patience.promise_elasticity(waits, clock=clock, strata=STRATA).iloc[0])
    broken, other = estimated(lambda: patience.broken_promise(waits, strata=STRATA).iloc[0])
    if pooled is None or broken is None:
        return nothing(why or other)
    follows = patience.promises_follow(mine.asked(("day", *STRATA, "promised_s")), _promised_customers(mine))
    return promises.promise_elasticity(
        pooled if one is None else one, pooled, broken, patience.promise_table(waits), follows, by_lot=by_lot,
        pooled_alone=one is None, place=mine.label, kind=mine.kind,
    )  # fmt: skip


def _promised_customers(mine: PeriodLog) -> pd.DataFrame | None:
    """Contacts by customer and promise, of those whose customer is known; None where the rows were not kept."""
    try:
        rows = mine.contacts
    except LogError:
        return None
    known = rows.filter("customer_key IS NOT NULL").aggregate("customer_key, promised_s, count(*) AS contacts")
    return known.order("customer_key, promised_s").df()


def _promise_effects(mine: PeriodLog, waits: pd.DataFrame) -> Exhibits:
    """The rate of leaving under each promise over that without one, and what each minute past it does.

    Nothing where every contact has a promise, or none.
    """
    if not waits["promised_s"].isna().any():
        return Exhibits([])
    effects, why = estimated(lambda: patience.promise_effects(waits, strata=STRATA))
    growth, other = estimated(lambda: patience.broken_promise_growth(waits, strata=STRATA))
    quoted = evidence.load_calibration().set_index("metric").loc["post_reference_hazard"]
    told = {"place": mine.label, "kind": mine.kind}
    return Exhibits([
        nothing(why) if effects is None else promises.promise_effects(effects, **told),
        nothing(other) if growth is None else promises.broken_promise_growth(growth, quoted, **told),
    ])  # fmt: skip


def _promised(mine: PeriodLog) -> pd.DataFrame | None:
    """The waits by promise, hour and queue, or None where promises are not known, or do not differ."""
    waits = with_losses(mine, (*STRATA, "promised_s"))
    if waits is None or waits["promised_s"].nunique() < 2:
        return None
    waits["queue"] = waits["queue"].fillna("")
    return waits
