"""Exhibits of promises: who sets the clock, what became of what was promised, and what a broken promise does."""

from __future__ import annotations

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.style import format_duration, format_interval, format_value

RATIOS = ["estimate", "lower", "upper", "contacts", "events"]


def promise_elasticity(
    elasticity: pd.Series, broken: pd.Series, became: pd.DataFrame, *, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Who sets the clock (rows of ``patience.promise_elasticity`` and ``broken_promise``; ``patience.promise_table``)."""
    finding = (
        f"Patience follows the promise with an elasticity of {elasticity['estimate']:.2f} "
        f"({format_interval(elasticity['lower'], elasticity['upper'])})"
    )
    table = became.copy()
    table.insert(0, "promise", _promises(table.pop("promised_s")))
    shown = ["promise", "queued", "kept", "missed", "share_left_of_queued", "lower", "upper", "share_left_after_missed"]
    return Exhibit(
        finding=finding, table=table, shown=table[shown], kind=kind,
        says=f"{finding}. At 1 the brand sets the clock; at 0 others have set it. Once a promise has passed, people leave at "
        f"{format_value(float(broken['estimate']), 'number')} times the rate there would be without it "
        f"({format_interval(broken['lower'], broken['upper'])}).",
        caption=f"What became of the promises, {place}. Intervals take contacts as independent",
    )  # fmt: skip


def promise_effects(effects: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The rate of leaving under each promise over that without one (``patience.promise_effects``)."""
    table = effects.copy()
    state = (_promises(table["promised_s"]) + ", " + table["promise_state"]).str.removesuffix(", absent")
    table.insert(0, "promise", state)
    caption = f"Rate of leaving while a promise stands and once it is missed, over that without a promise, {place}"
    told = f"{caption}. Intervals take contacts as independent"
    return Exhibit(finding=caption, table=table, shown=table[["promise", *RATIOS]], kind=kind, caption=told)


def broken_promise_growth(
    growth: pd.DataFrame, quoted: pd.Series, *, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """What each minute past a promise does (``patience.broken_promise_growth``) beside the finding everybody quotes.

    ``quoted`` is a row of the calibration findings: ``value`` (relative change a minute, at most) and ``source``.
    """
    row = growth.set_index("effect").loc["each minute past it"]
    finding = (
        f"Each minute past the promise multiplies the rate of leaving by {format_value(float(row['estimate']), 'number')} "
        f"({format_interval(row['lower'], row['upper'])}) here; {quoted['source']} found up to {1 + quoted['value']:.2f}."
    )
    return Exhibit(
        finding=finding, says=finding, table=growth, shown=growth[["effect", *RATIOS]], kind=kind,
        caption=f"Does a broken promise hurt more with every minute? {place}. Intervals take contacts as independent",
    )  # fmt: skip


def _promises(promised_s: pd.Series) -> pd.Series:
    """Promises as the first column of a table: "30 s", "15 min", and "no promise" where none was made."""
    return promised_s.map(lambda value: "no promise" if pd.isna(value) else format_duration(value))
