"""Exhibits of promises: who sets the clock, what became of what was promised, and what a broken promise does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.waits_compared import p_text
from cxresearch.patience import e_value
from cxresearch.style import format_duration, format_interval, format_number, format_value, phrase

_STATES = {"absent": "{promise}", "standing": "{promise}, standing", "missed": "{promise}, missed"}
RATIOS = ["estimate", "lower", "upper", "contacts", "events"]


def promise_elasticity(
    elasticity: pd.Series, pooled: pd.Series, broken: pd.Series, became: pd.DataFrame, follows: pd.DataFrame, *,
    by_lot: bool = False, pooled_alone: bool = False, place: str = "", kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """Who sets the clock, said as a cause only where promises were given by lot and the log does not say otherwise.

    ``elasticity`` (inside hours and queues) and ``pooled`` are rows of ``patience.promise_elasticity``, ``broken`` one of
    ``broken_promise``, ``became`` is ``patience.promise_table`` and ``follows`` ``patience.promises_follow``. ``by_lot``:
    somebody who knows says so. ``pooled_alone``: hours and queues have too few who left to be held fixed.
    """
    elastic = (
        f"{format_number(elasticity['estimate'], 2)} ({format_interval(elasticity['lower'], elasticity['upper'])})"
    )
    against = [str(name) for name in follows.loc[follows["beyond_chance"].astype(bool), "follows"]]
    cause = by_lot and not against
    inside = phrase("inside hours and queues")
    if pooled_alone:
        inside = phrase("hours and queues pooled: inside them too few left")
    told = {"elasticity": elastic, "inside": inside}
    finding = (
        phrase("Patience follows the promise with an elasticity of {elasticity}, {inside}", **told)
        if cause
        else phrase("Patience goes with the promise with an elasticity of {elasticity}, {inside}", **told)
    )
    said = [f"{finding}."]
    if not pooled_alone:
        said.append(
            phrase("With hours and queues pooled it is {elasticity}.", elasticity=format_number(pooled["estimate"], 2))
        )
    table = became.copy()
    table.insert(0, "promise", _promises(table.pop("promised_s")))
    shown = ["promise", "queued", "kept", "missed", "share_left_of_queued", "lower", "upper", "share_left_after_missed"]
    ratio = {
        "times": format_value(float(broken["estimate"]), "number"), "interval": format_interval(broken["lower"], broken["upper"]),
    }  # fmt: skip
    if cause:
        said.append(
            phrase(
                "Promises were given by lot, so this is what a promise does: at 1 the brand sets the clock; at 0 others have set "
                "it. Once a promise has passed, people leave at {times} times ({interval}) the rate there would be without it.",
                **ratio,
            )
        )
    else:
        said += [
            phrase("This is an association."), _warning(follows, against, by_lot=by_lot),
            phrase(
                "At 1 patience is in proportion to the promise; at 0 it does not go with it; neither says who sets the clock. "
                "After a promise has passed, people leave at {times} times ({interval}) the rate of those with another promise or "
                "none at the same moment.",
                **ratio,
            ),
            _hidden_cause(elasticity, broken),
        ]  # fmt: skip
    return Exhibit(
        finding=finding, table=table, shown=table[shown], kind=kind, says=" ".join(said),
        people={"share_left_of_queued": table["queued"], "share_left_after_missed": table["missed"]},
        caption=phrase("What became of the promises, {place}", place=place),
    )  # fmt: skip


def _warning(follows: pd.DataFrame, against: list[str], *, by_lot: bool) -> str:
    if against:
        told = {
            "names": listed([phrase(name) for name in against]),
            "p": p_text(follows.loc[follows["follows"].isin(against), "p_value"].max()),
        }
        sentence = (
            phrase(
                "**Warning:** They were said to be given by lot, but promises here follow the {names} beyond chance (p {p}): who "
                "got the longer one differs in more than the promise.", **told,
            )
            if by_lot
            else phrase(
                "**Warning:** promises here follow the {names} beyond chance (p {p}): who got the longer one differs in more than "
                "the promise.", **told,
            )
        )  # fmt: skip
        mends = f" {phrase('What follows the customer, no stratum mends.')}" if "customer" in against else ""
        return f"{sentence}{mends}"
    looked = [phrase(str(name)) for name in follows["follows"]]
    if len(looked) > 1:
        return phrase(
            "Of {names} promises follow none beyond chance, but nobody says that they were given by lot.",
            names=listed(looked),
        )
    if looked:
        return phrase(
            "Promises do not follow the {name} beyond chance, but nobody says that they were given by lot.",
            name=looked[0],
        )
    return phrase("What promises follow cannot be seen here, but nobody says that they were given by lot.")


def _hidden_cause(elasticity: pd.Series, broken: pd.Series) -> str:
    """How strong a cause that nobody recorded would have to be (VanderWeele & Ding, 2017)."""
    power = -float(elasticity["shape"])
    # A ratio beyond 2 ** 50 is as good as endless.
    twice, *ends = (2 ** float(np.clip(power * elasticity[end], -50, 50)) for end in ("estimate", "lower", "upper"))
    double = e_value(twice, min(ends), max(ends))
    missed = e_value(*(float(broken[end]) for end in ("estimate", "lower", "upper")))
    first, second = (
        phrase(
            "{times} ({limit} for the near end of its interval)",
            times=format_value(of, "number"),
            limit=format_value(limit, "number"),
        )
        for of, limit in (double, missed)
    )
    return phrase(
        "A cause that nobody recorded could make all of it if it multiplied both the chance of the longer promise and the risk "
        "of leaving: by {first} for twice the promise, and by {second} for the missed one (E-values).",
        first=first, second=second,
    )  # fmt: skip


def promise_effects(effects: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The rate of leaving under each promise over that without one (``patience.promise_effects``)."""
    table = effects.copy()
    state = [
        phrase(_STATES[how], promise=promise)
        for promise, how in zip(_promises(table["promised_s"]), table["promise_state"], strict=True)
    ]
    table.insert(0, "promise", state)
    caption = phrase(
        "Rate of leaving while a promise stands and once it is missed, over that without a promise, {place}",
        place=place,
    )
    return Exhibit(finding=caption, table=table, shown=table[["promise", *RATIOS]], kind=kind, caption=caption)


def broken_promise_growth(
    growth: pd.DataFrame, quoted: pd.Series, *, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """What each minute past a promise does (``patience.broken_promise_growth``) beside the finding everybody quotes.

    ``quoted`` is a row of the calibration findings: ``value`` (relative change a minute, at most) and ``source``.
    """
    row = growth.set_index("effect").loc["each minute past it"]
    finding = phrase(
        "Each minute past the promise multiplies the rate of leaving by {times} ({interval}) here; {source} found up to {most}.",
        times=format_value(float(row["estimate"]), "number"), interval=format_interval(row["lower"], row["upper"]),
        source=quoted["source"], most=format_number(1 + quoted["value"], 2),
    )  # fmt: skip
    return Exhibit(
        finding=finding, says=finding, table=growth, shown=growth[["effect", *RATIOS]], kind=kind,
        caption=phrase("Does a broken promise hurt more with every minute? {place}", place=place),
    )  # fmt: skip


def _promises(promised_s: pd.Series) -> pd.Series:
    """Promises as the first column of a table: "30 s", "15 min", and "no promise" where none was made."""
    return promised_s.map(lambda value: phrase("no promise") if pd.isna(value) else format_duration(value))
