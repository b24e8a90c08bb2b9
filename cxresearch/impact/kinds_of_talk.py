"""The four kinds of talk: who hears of a complaint, through whom, for how long, and how far it goes at worst.

Offline and private talk reach people whom the teller knows. A public and lasting post (a review, a message board) and a
social post reach strangers, can be seen by the company, and can be answered. A telling is heard by an audience of its
kind; some of those who hear tell on, most by the same kind. Means are exact; the tail is the exact law of chain sizes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxresearch import spread
from cxresearch.impact.complaint import FloatArray, Values
from cxresearch.spread import (
    ExponentialKernel,
    MemoryKernel,
    PowerLawKernel,
    ReviewKernel,
    incidence_curve,
    reply_table,
    time_of_share,
)

__all__ = [
    "NET",
    "TALK_KINDS",
    "VISIBLE",
    "audiences",
    "contact_matrix",
    "first_tellings",
    "growth_table",
    "hearing_over_time",
    "kernels_by_kind",
    "lifetime_table",
    "loudest_values",
    "reach_table",
    "reply_effects",
    "reply_factors",
    "storm_table",
    "tellings",
    "town_and_net",
]

TALK_KINDS = ("offline", "private", "public", "social")
NET = ("private", "public", "social")
VISIBLE = ("public", "social")  # what the company can see, and so can answer
DAY_S = 86_400.0


def kernels_by_kind(values: Mapping[str, float]) -> dict[str, MemoryKernel]:
    """When each kind of telling is heard (and told on): a memory kernel by kind."""
    return {
        "offline": ExponentialKernel(DAY_S * values["offline_mean_d"]),
        "private": ExponentialKernel(DAY_S * values["private_mean_d"]),
        **_visible_kernels(values),
    }


def _visible_kernels(values: Mapping[str, Any]) -> dict[str, MemoryKernel]:
    days = values["public_burst_mean_d"], values["public_shelf_life_d"]
    return {
        "public": ReviewKernel(values["public_burst_share"], DAY_S * days[0], DAY_S * days[1]),
        "social": PowerLawKernel(values["social_exponent"], values["social_plateau_s"]),
    }


def contact_matrix(values: Mapping[str, float], *, reply_factor: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Mean number of people who hear one telling and tell on, by kind: rows the telling, columns the next one.

    Parameters
    ----------
    values : needs ``retellings_*`` by kind and ``same_kind_share``; who changes kind goes to the others evenly.
    reply_factor : what a reply leaves of each kind (``reply_factors``); 1 where not given.

    Returns
    -------
    DataFrame as ``spread.reproduction_number`` and its neighbours take it.
    """
    factor = np.array([(reply_factor or {}).get(kind, 1.0) for kind in TALK_KINDS])
    return pd.DataFrame(_matrix(values) * factor[:, None], index=list(TALK_KINDS), columns=list(TALK_KINDS))


def reply_factors(
    values: Mapping[str, Any], reply_s: float, *, answered_share: float, unhelpful_share: Any
) -> dict[str, Any]:
    """What is left of the hearing and retelling of one post when it is answered ``reply_s`` seconds after it was made.

    The share already heard by then is left as it is; the rest is multiplied by ``reply_factor_helpful`` or
    ``reply_factor_unhelpful``. The mean over posts that are answered well, badly and not at all, by kind; 1 for kinds
    that the company does not see. So 1 less the share already heard bounds what any reply can take away.
    ``values`` and ``unhelpful_share`` are numbers, or arrays of one shape for many sets of assumptions at a time.
    """
    multiplier = (1 - unhelpful_share) * values["reply_factor_helpful"] + unhelpful_share * values[
        "reply_factor_unhelpful"
    ]
    factors: dict[str, Any] = dict.fromkeys(TALK_KINDS, 1.0)
    for kind, kernel in _visible_kernels(values).items():
        heard = kernel.share_by(reply_s)
        factors[kind] = 1 - answered_share + answered_share * (heard + multiplier * (1 - heard))
    return factors


def first_tellings(values: Values) -> FloatArray:
    """Tellings that one teller begins, by kind in the last axis, without any that follow on how the firm answers."""
    lasting = np.asarray(values["share_review_site"], dtype=float) + values["share_message_board"]
    parts = [values["share_offline"], values["share_private"], lasting, values["share_social"]]
    return np.stack(np.broadcast_arrays(*(np.asarray(part, dtype=float) for part in parts)), axis=-1)


def tellings(values: Values, first: npt.ArrayLike, *, factor: npt.ArrayLike | None = None) -> FloatArray:
    """Expected tellings by kind in the whole of the talk that ``first`` tellings begin, these included.

    Parameters
    ----------
    values : ``retellings_*`` and ``same_kind_share``, numbers or arrays of one shape.
    first : tellings by kind, kinds in the last axis.
    factor : what a reply leaves of each kind, kinds in the last axis; 1 where not given.

    Raises ValueError where the expectation is infinite: the reproduction number of the four kinds together is 1 or more.
    """
    left = np.ones(len(TALK_KINDS)) if factor is None else np.asarray(factor, dtype=float)
    matrix = _matrix(values) * left[..., :, None]
    radius = np.abs(np.linalg.eigvals(matrix)).max(axis=-1)
    if (radius >= 1).any():
        raise ValueError(
            f"talk has no finite expectation: the reproduction number is {radius.max():.6g}, not < 1, in "
            f"{(radius >= 1).sum()} of {radius.size} cases. Lower retellings_*; storm_table describes such talk."
        )
    whole = np.eye(len(TALK_KINDS)) - np.swapaxes(matrix, -1, -2)
    return np.linalg.solve(whole, np.asarray(first, dtype=float)[..., None])[..., 0]


def audiences(values: Values) -> FloatArray:
    """People who hear one telling, by kind in the last axis."""
    return np.stack(
        np.broadcast_arrays(*(np.asarray(values[f"audience_{k}"], dtype=float) for k in TALK_KINDS)), axis=-1
    )


def reach_table(values: Mapping[str, float]) -> pd.DataFrame:
    """Who hears of it when one person tells, if nobody answers.

    Returns
    -------
    DataFrame, one row a kind of talk
        ``kind``; ``first_tellings`` (by the complainer); ``heard_first`` (people who hear these); ``tellings`` (by
        anybody, the first ones included); ``heard`` (people who hear any of them: those who hear twice count twice).
    """
    first = first_tellings(values)
    whole, audience = tellings(values, first), audiences(values)
    return pd.DataFrame(
        {
            "kind": TALK_KINDS,
            "first_tellings": first,
            "heard_first": first * audience,
            "tellings": whole,
            "heard": whole * audience,
        }
    )


def hearing_over_time(values: Mapping[str, float], times_s: npt.ArrayLike) -> pd.DataFrame:
    """People who have heard the complainer's own tellings by each time, without retellings and without a reply.

    Returns
    -------
    DataFrame, one row a kind and time: ``kind``, ``time_s``, ``heard`` (expected people so far), ``share`` (of all who
    will ever hear these tellings).
    """
    times = np.atleast_1d(np.asarray(times_s, dtype=float))
    if not ((times >= 0).all() and times.size):
        raise ValueError("times_s needs at least one time, none below 0 and none missing.")
    heard_first = first_tellings(values) * audiences(values)
    parts = []
    for (kind, kernel), people in zip(kernels_by_kind(values).items(), heard_first, strict=True):
        share = kernel.share_by(times)
        parts.append(pd.DataFrame({"kind": kind, "time_s": times, "heard": people * share, "share": share}))
    return pd.concat(parts, ignore_index=True)


def lifetime_table(values: Mapping[str, float], *, shares: Sequence[float]) -> pd.DataFrame:
    """How long a telling lives, by kind: seconds until each share of those who will hear it have heard.

    Returns a DataFrame ``kind``, ``share``, ``time_s``.
    """
    rows = [
        (kind, share, time_of_share(kernel, share))
        for kind, kernel in kernels_by_kind(values).items()
        for share in shares
    ]
    return pd.DataFrame(rows, columns=["kind", "share", "time_s"])


def town_and_net(hearing: pd.DataFrame) -> pd.DataFrame:
    """A ``hearing_over_time`` table in two sides: ``side`` ("town": offline, "net": the other kinds), ``time_s``, ``heard``."""
    side = hearing["kind"].isin(NET).map({True: "net", False: "town"})
    return hearing.assign(side=side).groupby(["side", "time_s"], as_index=False)["heard"].sum()


def reply_effects(values: Mapping[str, float], reply_s: npt.ArrayLike) -> pd.DataFrame:
    """What is left to change when one social post is answered once, at each of these times after it was made.

    Returns
    -------
    DataFrame as ``incidence.reply_table``, for a helpful and an unhelpful reply (``reply``): ``reply, reply_s,
    post_share_gone, chain_share_gone, tellers_before, tellers, share_avoided``.

    Here one reply meets the whole thread at one moment, whatever post of it is read; only social retelling is followed.
    """
    kernel, retellings = kernels_by_kind(values)["social"], values["retellings_social"]
    parts = [
        reply_table(kernel, retellings, reply_s=reply_s, factor=values[f"reply_factor_{reply}"]).assign(reply=reply)
        for reply in ("helpful", "unhelpful")
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["reply", *table.columns.drop("reply")]]


def growth_table(values: Mapping[str, float], *, reply_s: Mapping[str, float], times_s: npt.ArrayLike) -> pd.DataFrame:
    """People told on over time by one social post, for a helpful reply at each of several moments.

    ``reply_s`` names the moments (seconds; ``inf`` is never). Returns a DataFrame ``reply`` (the name), ``time_s``,
    ``tellings`` (expected so far, the post itself included).
    """
    kernel, retellings, factor = (
        kernels_by_kind(values)["social"],
        values["retellings_social"],
        values["reply_factor_helpful"],
    )
    parts = []
    for name, moment in reply_s.items():
        curve = incidence_curve(kernel, retellings, times_s, reply_s=moment, factor=factor)
        parts.append(curve[["time_s"]].assign(reply=name, tellings=curve["tellers"]))
    return pd.concat(parts, ignore_index=True)[["reply", "time_s", "tellings"]]


def storm_table(values: Mapping[str, float], *, one_in: float, max_size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far the talk of one telling goes at worst, by the kind of that telling, if nobody answers.

    Parameters
    ----------
    values : ``retellings_*``, ``same_kind_share`` and ``dispersion_*`` by kind.
    one_in : 1000 asks what the largest of a thousand reaches.
    max_size : longest chain looked at.

    Returns
    -------
    (DataFrame, one row a kind: ``kind``, ``silent`` (share of tellings that nobody passes on), ``mean_tellings``,
    ``storm_tellings`` (the smallest number that at most one in ``one_in`` exceeds; NaN beyond ``max_size``),
    ``storm_heard`` (people, at the audience of that kind), ``endless`` (share that never ends); DataFrame ``kind``,
    ``chain_size``, ``probability_larger`` for a figure).
    Tellings count the first one; they are people who tell, not people who hear.
    """
    if not 1 < one_in < math.inf:
        raise ValueError(f"one_in is a number above 1, such as 1000; got {one_in}.")
    matrix = contact_matrix(values)
    dispersion = {kind: values[f"dispersion_{kind}"] for kind in TALK_KINDS}
    extinct = spread.probability_extinct_by_type(matrix, dispersion)
    endless = spread.reproduction_number(matrix) >= 1
    mean = None if endless else spread.expected_tellers(matrix).sum(axis=1)
    rows, tails = [], []
    for kind, audience in zip(TALK_KINDS, audiences(values), strict=True):
        sizes = spread.chain_size_distribution_by_type(matrix, dispersion, root=kind, max_size=max_size)
        larger = sizes["probability_larger"]
        reached = sizes.loc[larger <= 1 / one_in, "chain_size"]
        storm = float(reached.iloc[0]) if len(reached) else math.nan
        rows.append(
            {
                "kind": kind,
                "silent": float(sizes["probability"].iloc[0]),
                "mean_tellings": math.inf if mean is None else float(mean[kind]),
                "storm_tellings": storm,
                "storm_heard": storm * audience,
                "endless": float(1 - extinct[kind]),
            }
        )
        tails.append(sizes[["chain_size", "probability_larger"]].assign(kind=kind))
    return pd.DataFrame(rows), pd.concat(tails, ignore_index=True)[["kind", "chain_size", "probability_larger"]]


def loudest_values(register: pd.DataFrame) -> dict[str, float]:
    """Values of a register with social talk at the worst ends of its ranges: most retelling, most unevenly spread."""
    rows = register.set_index("name")
    return {
        **rows["value"].astype(float).to_dict(),
        "retellings_social": float(rows.loc["retellings_social", "high"]),
        "dispersion_social": float(rows.loc["dispersion_social", "low"]),
    }


def _matrix(values: Values) -> FloatArray:
    """Mean retellings, kinds of the telling and of the next one in the last two axes."""
    told = np.stack(
        np.broadcast_arrays(*(np.asarray(values[f"retellings_{k}"], dtype=float) for k in TALK_KINDS)), axis=-1
    )
    same = np.asarray(values["same_kind_share"], dtype=float)
    if not ((told >= 0) & np.isfinite(told)).all():
        raise ValueError(f"retellings must be finite and >= 0; {(~((told >= 0) & np.isfinite(told))).sum()} are not.")
    if not ((same >= 0) & (same <= 1)).all():
        raise ValueError(f"same_kind_share is a share, 0 to 1; {(~((same >= 0) & (same <= 1))).sum()} are not.")
    mix = same[..., None, None] * np.eye(len(TALK_KINDS))
    mix = mix + ((1 - same) / (len(TALK_KINDS) - 1))[..., None, None] * (1 - np.eye(len(TALK_KINDS)))
    return told[..., :, None] * mix
